//! The same of a server: every write while it answers fails once. Each answer that says
//! yes, or that somebody was refused, is an entry afterwards.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::place::Place;
use super::producers::{FAULTS, WRITES, card, request, rules};
use super::random::Random;
use super::syscalls::Sample;
use super::tally::Tally;
use super::traced::{Call, is_possible, numbers, parse};

/// The longest that a server has to say something.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What was asked for, and the kind of the entry that a yes is.
struct Asked {
    kind: &'static str,
    status: u16,
    body: Value,
}

pub(crate) fn run(program: &Path, sample: &Sample, loud: bool) -> Result<Tally, String> {
    is_possible()?;
    let mut tally = Tally::default();
    let mut random = Random::new(sample.seed);
    let whole = serve(program, None);
    let claims = claimed(&whole.answers);
    for kind in [
        "wcp.decision",
        "wcp.attestation",
        "manifest.verify",
        "vacant.card",
        "hall.enrolment",
        "hall.approval",
        "hall.reload",
        "hall.attestation",
        "hall.confirmation",
        "hall.revocation",
        "hall.ban",
        "wcp.ingested",
        "note",
    ] {
        assert!(
            claims.contains_key(kind),
            "{kind}: {claims:?} {:?}",
            whole.log
        );
    }
    let mut faults = Vec::new();
    for (call, found) in numbers(&whole.calls, &whole.place) {
        if !WRITES.contains(&call.as_str()) {
            continue;
        }
        for (number, fault) in found.iter().flat_map(|n| FAULTS.map(|fault| (n, fault))) {
            if random.below(sample.every) == 0 {
                faults.push(format!("{call}:{fault}:when={number}"));
            }
        }
    }
    if loud {
        eprintln!("endpoints: {} faults", faults.len());
    }
    let tallies: Vec<Tally> = faults
        .par_iter()
        .with_max_len(1)
        .map(|fault| judge(serve(program, Some(fault)), fault))
        .collect();
    tallies.into_iter().for_each(|cases| tally.join(cases));
    tally.join(judge(whole, "no fault"));
    Ok(tally)
}

/// What became of a server and those who asked it.
struct Served {
    place: Place,
    answers: Vec<Asked>,
    calls: Vec<Call>,
    log: Vec<String>,
}

fn serve(program: &Path, fault: Option<&str>) -> Served {
    let place = scene(program);
    let mut server = start(&place, fault);
    let log = follow(&mut server);
    let mut lines = Vec::new();
    let mut answers = Vec::new();
    if until(&log, &mut lines, &["serving"]) {
        ask_all(&place, &server, &log, &mut lines, &mut answers);
    }
    signal(&server, "TERM");
    let begun = std::time::Instant::now();
    while server.try_wait().unwrap().is_none() {
        if begun.elapsed() > TIMEOUT {
            signal(&server, "KILL");
            let _ = server.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    lines.extend(log.try_iter());
    let calls = std::fs::read_to_string(place.path("trace")).unwrap_or_default();
    Served {
        place,
        answers,
        calls: parse(&calls),
        log: lines,
    }
}

fn scene(program: &Path) -> Place {
    let place = Place::new(program);
    let write = |name: &str, text: &str| std::fs::write(place.path(name), text).unwrap();
    std::fs::create_dir(place.path("enrolled")).unwrap();
    write("rules.json", &rules().to_string());
    write("enrolled/w.json", &worker("org.a.w").to_string());
    write(
        "gate.rego",
        "package wcp\n\ngate := {\"decision\": \"REQUIRE_HUMAN\", \"policy_version\": \"p1\", \"reason\": \"r\"}\n",
    );
    place.must(&["init"]);
    place
}

fn worker(id: &str) -> Value {
    json!({"worker_id": id, "worker_species_id": "wrk.a", "capabilities": ["cap.a"],
        "currently_implements": []})
}

fn start(place: &Place, fault: Option<&str>) -> Child {
    let calls: Vec<String> = WRITES.iter().map(|call| format!("?{call}")).collect();
    let mut command = place.command_of(Path::new("strace"), &[]);
    command.args([
        "-f",
        "-qq",
        "-y",
        "-s",
        "96",
        "-e",
        &format!("trace={}", calls.join(",")),
    ]);
    command.args(["-e", "signal=none", "-o", "trace"]);
    if !fault.is_some_and(|fault| fault.contains("signal=")) {
        command.arg("--seccomp-bpf");
    }
    if let Some(fault) = fault {
        command.args(["-e", &format!("inject={fault}")]);
    }
    command.arg("--").arg(place.program()).args([
        "serve",
        "--port",
        "0",
        "--min-free",
        "0",
        "--rate",
        "0",
        "--rules",
        "rules.json",
        "--registry-dir",
        "enrolled",
        "--policy",
        "gate.rego",
    ]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines of its log as they come.
fn follow(server: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let log = BufReader::new(server.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Whether one of these messages came before the end.
fn until(log: &Receiver<String>, lines: &mut Vec<String>, messages: &[&str]) -> bool {
    while let Ok(line) = log.recv_timeout(TIMEOUT) {
        let said = serde_json::from_str::<Value>(&line).unwrap_or(Value::Null);
        let message = said["message"].as_str().unwrap_or_default().to_owned();
        lines.push(line);
        if messages.iter().any(|wanted| message.starts_with(wanted)) {
            return true;
        }
    }
    false
}

/// To the server itself, which strace started.
fn signal(strace: &Child, name: &str) {
    let id = strace.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    for child in children.unwrap_or_default().split_ascii_whitespace() {
        let _ = Command::new("kill").args(["-s", name, child]).status();
    }
}

fn ask_all(
    place: &Place,
    server: &Child,
    log: &Receiver<String>,
    lines: &mut Vec<String>,
    answers: &mut Vec<Asked>,
) {
    let socket = place.path("ledger.sock");
    let mut ask = |kind, method: &str, path: &str, body: Value| -> Value {
        let Some((status, answer)) = exchange(&socket, method, path, &body.to_string()) else {
            return Value::Null;
        };
        answers.push(Asked {
            kind,
            status,
            body: answer.clone(),
        });
        answer
    };
    let post = "POST";
    ask("wcp.decision", post, "/route", request("cap.a"));
    ask("wcp.decision", post, "/route", request("cap.none"));
    let held = ask("wcp.decision", post, "/route", request("cap.human"));
    let entry = &held["receipt"]["entry_hash"];
    let shown = entry
        .as_str()
        .and_then(|hash| exchange(&socket, "GET", &format!("/v1/entries/{hash}"), ""));
    let input = shown.map_or(Value::Null, |(_, shown)| {
        shown["entry"]["payload"]["input_hash"].clone()
    });
    ask(
        "hall.approval",
        post,
        "/wcp/approvals/resolve",
        json!({"entry": entry, "input_hash": input, "verdict": "approve", "why": "known"}),
    );
    ask("wcp.decision", post, "/route", request("cap.human"));
    ask(
        "wcp.attestation",
        post,
        "/v1/attestations",
        json!({"worker_id": "org.a.w", "worker_species_id": "wrk.a", "manifest": "", "files": []}),
    );
    ask(
        "manifest.verify",
        post,
        "/v1/manifests",
        json!({"manifest": null, "artifacts": []}),
    );
    ask("vacant.card", post, "/v1/cards", json!({"card": card()}));
    ask(
        "hall.enrolment",
        post,
        "/v1/enrolments",
        worker("org.a.new"),
    );
    let mut tampered = worker("org.a.tampered");
    tampered["artifact_hash"] = json!(format!("sha256:{}", "0".repeat(64)));
    ask("hall.enrolment", post, "/v1/enrolments", tampered);
    let hash = "a".repeat(64);
    ask(
        "hall.attestation",
        "PUT",
        "/api/v1/workers/org.a.w/attest",
        json!({"sha256": hash}),
    );
    ask(
        "hall.confirmation",
        post,
        "/api/v1/workers/org.a.w/confirm",
        json!({"sha256": hash, "why": "w"}),
    );
    ask(
        "hall.ban",
        post,
        "/api/v1/ban-list/ban",
        json!({"namespace": "org.b", "reason": "r"}),
    );
    ask(
        "wcp.ingested",
        post,
        "/decisions/ingest",
        json!({"decision_id": "d-1", "denied": true}),
    );
    let mut taken =
        json!({"input": request("cap.a"), "rules": rules(), "decision": {"denied": true}});
    taken["registry"] = json!({"controls": [], "workers": {"wrk.a": {"available": true}},
        "has_privileges": false, "has_code_hashes": false});
    ask("wcp.decision", post, "/v1/decisions", taken);
    ask(
        "note",
        post,
        "/v1/entries",
        json!({"kind": "note", "payload": {}}),
    );
    ask(
        "hall.revocation",
        post,
        "/api/v1/workers/org.a.w/revoke",
        json!({"why": "left"}),
    );
    // A change of the files is an entry before it decides anything.
    let wide = worker("org.a.w").to_string().replace("cap.a", "cap.b");
    std::fs::write(place.path("enrolled/w.json"), wide).unwrap();
    signal(server, "HUP");
    if until(log, lines, &["reloaded", "not reloaded"])
        && lines
            .last()
            .is_some_and(|line| line.contains("\"reloaded\""))
    {
        // The first one is of the start.
        for _ in 0..2 {
            answers.push(Asked {
                kind: "hall.reload",
                status: 200,
                body: Value::Null,
            });
        }
    }
}

/// One request through the socket; none if no whole answer came.
fn exchange(socket: &Path, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, serde_json::from_str(body).ok()?))
}

/// Whether an answer says that something is so, or that somebody was found out.
fn claims(asked: &Asked) -> bool {
    match asked.status {
        200..=299 => asked.body.get("decision").is_none() || !asked.body["receipt"].is_null(),
        _ => asked.body["code"] == "DENY_WORKER_TAMPERED",
    }
}

fn claimed(answers: &[Asked]) -> BTreeMap<&'static str, usize> {
    let mut claimed = BTreeMap::new();
    for asked in answers.iter().filter(|asked| claims(asked)) {
        *claimed.entry(asked.kind).or_default() += 1;
    }
    claimed
}

fn judge(served: Served, fault: &str) -> Tally {
    let mut tally = Tally::default();
    tally.count("servers");
    let mut find = |what: String| tally.find(format!("serve: {fault}: {what}"));
    let Served {
        place,
        answers,
        log,
        calls,
    } = served;
    // Numbers count by thread: the call may have been one of the runtime's own, which
    // does not live on without what wakes it.
    let elsewhere = calls
        .iter()
        .any(|call| call.injected && !call.is_in(&place));
    if let Some(line) = log.iter().find(|line| line.contains("panicked at"))
        && !elsewhere
    {
        find(format!("it panicked: {line}"));
    }
    let verified = place.run(&["verify"]);
    if verified.status != Some(0) {
        find(format!(
            "it does not verify: {} {}",
            verified.stdout, verified.stderr
        ));
    }
    let entries = place.run(&["--json", "log"]).documents();
    let mut recorded: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        *recorded
            .entry(entry["kind"].as_str().unwrap_or_default())
            .or_default() += 1;
    }
    for (kind, count) in claimed(&answers) {
        if recorded.get(kind).copied().unwrap_or_default() < count {
            find(format!(
                "{count} answers of {kind}, and {:?} entries",
                recorded.get(kind)
            ));
        }
    }
    for asked in &answers {
        let decision = &asked.body["decision"];
        if decision["denied"] == false && asked.body["receipt"].is_null() {
            find(format!("allowed without an entry: {}", asked.body));
        }
        let receipt = &asked.body["receipt"];
        let hash = receipt["entry_hash"].as_str().or(receipt["hash"].as_str());
        if let Some(hash) = hash
            && place.run(&["show", hash]).status != Some(0)
        {
            find(format!(
                "the entry of a receipt is not there: {}",
                asked.body
            ));
        }
    }
    let next = place.run(&["append", "--kind", "next", "--payload", "{}"]);
    if next.status != Some(0) {
        find(format!("it does not go on: {}", next.stderr));
    }
    let replayed = place.run(&["replay"]);
    if replayed.status != Some(0) {
        find(format!(
            "it is not replayed: {} {}",
            replayed.stdout, replayed.stderr
        ));
    }
    tally.add("answers", answers.len() as u64);
    tally.add(
        "answers that claim",
        answers.iter().filter(|asked| claims(asked)).count() as u64,
    );
    tally
}
