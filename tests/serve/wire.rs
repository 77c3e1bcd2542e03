//! What becomes of a command whose server goes away in the middle, is of another
//! release, or answers nonsense: an error that says so, nothing half recorded, and a
//! retry recorded once.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::process::{Place, Process};

const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}],
        "escalation": {"policy_gate": true}}}]}"#;

const GATE: &str = "package wcp\n\ngate := {\"decision\": \"ALLOW\", \"policy_version\": \"p1\", \"reason\": \"r\"}\n";

pub(crate) fn scene() -> Place {
    let place = Place::initialised();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    std::fs::create_dir(place.path().join("enrolled")).unwrap();
    write("rules.json", RULES);
    write("none.json", r#"{"rules": []}"#);
    write("gate.rego", GATE);
    write(
        "config.json",
        r#"{"require_signatory": true, "allowed_tenants": ["t"]}"#,
    );
    let worker = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.a",
        "capabilities": ["cap.a"], "currently_implements": []});
    write("enrolled/w.json", &worker.to_string());
    write("record.json", &worker.to_string());
    write(
        "keyed",
        "{\"kind\":\"note\",\"payload\":{},\"idempotency_key\":\"k\"}\n",
    );
    write("cases", &format!("{}\n{}\n", case("t"), case("u")));
    assert!(place.run(&["package", "scaffold", "pkg"]).status.success());
    place
}

pub(crate) fn case(tenant: &str) -> Value {
    json!({"id": tenant, "input": {"capability_id": "cap.a", "env": "dev", "data_label": "PUBLIC",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": tenant, "correlation_id": "c"}})
}

/// The server that decides nothing by itself.
pub(crate) fn hall(place: &Place) -> Process {
    place.serve(&["--rules", "none.json", "--registry-dir", "enrolled"])
}

pub(crate) fn documents(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn document(output: &Output) -> Value {
    documents(output)
        .pop()
        .unwrap_or_else(|| panic!("{output:?}"))
}

pub(crate) fn code(output: &Output) -> (Option<i32>, String) {
    let code = document(output)["error"]["code"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    (output.status.code(), code)
}

fn gone() -> (Option<i32>, String) {
    (Some(2), "server_gone".to_owned())
}

pub(crate) fn entries(place: &Place, kind: &str) -> Vec<Value> {
    let log = place.run(&["--json", "log", "--kind", kind]);
    // With none of it the answer is no.
    match log.status.success() {
        true => documents(&log),
        false => Vec::new(),
    }
}

/// Where the connection is cut.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// After the server has answered, and before the client hears it.
    Answer,
    /// In the middle of the request.
    Request,
}

/// Passes on what a client says to the server, until it posts: that connection is cut.
fn cutting(place: &Place, cut: Cut) -> std::path::PathBuf {
    let path = place.path().join("cut.sock");
    let _old = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let server = place.path().join("ledger.sock");
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), server) = (client, server.clone()) else {
                return;
            };
            std::thread::spawn(move || pass(&client, &server, cut));
        }
    });
    path
}

/// One request and its answer at a time.
fn pass(client: &UnixStream, server: &Path, cut: Cut) {
    let Ok(there) = UnixStream::connect(server) else {
        return;
    };
    let mut asks = BufReader::new(client.try_clone().unwrap());
    let mut answers = BufReader::new(there.try_clone().unwrap());
    while let Some(request) = message(&mut asks) {
        let posts = request.starts_with(b"POST ");
        let sent = match (posts, cut) {
            (true, Cut::Request) => &request[..request.len() - 2],
            _ => &request[..],
        };
        if (&there).write_all(sent).is_err() || posts && cut == Cut::Request {
            return;
        }
        let Some(answer) = message(&mut answers) else {
            return;
        };
        if posts || (&*client).write_all(&answer).is_err() {
            return;
        }
    }
}

/// A head, and as much as it says follows.
pub(crate) fn message(from: &mut BufReader<UnixStream>) -> Option<Vec<u8>> {
    let (mut whole, mut length) = (Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line).to_ascii_lowercase();
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        whole.extend_from_slice(&line);
        if line == b"\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    whole.extend(body);
    Some(whole)
}

/// Every command that records, and the kind that it records.
const RECORDING: [(&[&str], &str); 7] = [
    (&["append", "--jsonl", "keyed"], "note"),
    (&["append", "--kind", "other", "--payload", "{}"], "other"),
    (&["route", "--capability", "cap.a"], "wcp.decision"),
    (
        &[
            "package",
            "verify",
            "pkg",
            "--worker-id",
            "org.a.w",
            "--worker-species-id",
            "wrk.a",
        ],
        "wcp.attestation",
    ),
    (&["manifest", "verify", "none"], "manifest.verify"),
    (
        &["enroll", "record.json", "--registry-dir", "registry"],
        "hall.enrolment",
    ),
    (
        &["decide", "--record", "--rules", "rules.json", "cases"],
        "wcp.decision",
    ),
];

/// No verdict, no decision but a denial, and no receipt was printed.
fn says_nothing(output: &Output, args: &[&str]) {
    for said in documents(output) {
        for member in ["ok", "outcome", "enrolled", "seq"] {
            assert_eq!(said.get(member), None, "{args:?}: {said}");
        }
        if let Some(decision) = said.get("decision") {
            assert_eq!(decision["denied"], true, "{args:?}: {said}");
            assert_eq!(said.get("receipt"), None, "{args:?}: {said}");
        }
    }
}

#[test]
fn an_answer_that_is_lost_gives_no_verdict_and_a_retry_is_recorded_once() {
    let place = scene();
    let server = hall(&place);
    cutting(&place, Cut::Answer);
    for (args, kind) in RECORDING {
        let before = entries(&place, kind).len();
        let all = [&["--json", "--socket", "cut.sock"], args].concat();
        let lost = place.run(&all);
        assert_eq!(code(&lost), gone(), "{args:?} {lost:?}");
        says_nothing(&lost, args);
        // It was recorded, whole; the client cannot know.
        assert!(entries(&place, kind).len() > before, "{args:?}");
    }
    let once = entries(&place, "note");
    assert_eq!(once.len(), 1);
    let again = place.run(&["append", "--jsonl", "keyed"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(document(&again)["signature"], once[0]["signature"]);
    assert_eq!(entries(&place, "note").len(), 1);
    server.end();
    assert!(place.run(&["verify"]).status.success());
    assert!(place.run(&["replay"]).status.success());
}

#[test]
fn a_request_that_is_cut_records_nothing_and_its_retry_once() {
    let place = scene();
    let server = hall(&place);
    cutting(&place, Cut::Request);
    let count = || documents(&place.run(&["--json", "log"])).len();
    let before = count();
    for (args, _) in RECORDING {
        let all = [&["--json", "--socket", "cut.sock"], args].concat();
        let cut = place.run(&all);
        assert_eq!(code(&cut), gone(), "{args:?} {cut:?}");
        says_nothing(&cut, args);
        assert_eq!(count(), before, "{args:?}");
    }
    for _ in 0..2 {
        assert!(place.run(&["append", "--jsonl", "keyed"]).status.success());
    }
    assert_eq!(entries(&place, "note").len(), 1);
    server.end();
    assert!(place.run(&["verify"]).status.success());
}

/// Answers what `answer` says to each path, after a greeting of a later release.
fn posing(place: &Place, hello: Value, answer: impl Fn(&str) -> (u16, String) + Send + 'static) {
    let path = place.path().join("s");
    let _old = std::fs::remove_file(&path);
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { return };
            let mut asks = BufReader::new(client.try_clone().unwrap());
            while let Some(request) = message(&mut asks) {
                let head = String::from_utf8_lossy(&request).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let (status, body) = match path {
                    "/health" => (200, hello.to_string()),
                    path => answer(path),
                };
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                if (&client).write_all(text.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
}

pub(crate) fn hello(place: &Place) -> Value {
    let key = document(&place.run(&["--json", "key"]));
    let report = document(&place.run(&["--json", "verify"]));
    json!({"version": "99.0.0", "log": key["log"], "genesis": report["genesis"], "more": {"x": [1]}})
}

#[test]
fn a_newer_server_is_understood_as_far_as_it_says_the_same() {
    let place = scene();
    let receipt = json!({"seq": 7, "hash": "1".repeat(64), "prev_hash": "2".repeat(64),
        "ts": "2026-03-01T10:00:00+00:00", "kind": "note", "signature": "3".repeat(128),
        "more": true});
    let note = [
        "--json",
        "--socket",
        "s",
        "append",
        "--kind",
        "note",
        "--payload",
        "{}",
    ];
    let said = receipt.clone();
    posing(&place, hello(&place), move |_| {
        (201, json!({"receipts": [said], "more": 1}).to_string())
    });
    let fine = place.run(&note);
    assert!(fine.status.success(), "{fine:?}");
    assert_eq!(document(&fine)["seq"], 7);

    for (status, body, expected) in [
        // It says no in a word of its own.
        (
            400,
            json!({"code": "brand_new", "error": "no"}).to_string(),
            "server_refused",
        ),
        // It does not have what is asked for any more.
        (
            404,
            json!({"code": "not_found", "error": "there is nothing here"}).to_string(),
            "server_unsupported",
        ),
        // Too few receipts, one without a signature, and no JSON.
        (
            201,
            json!({"receipts": []}).to_string(),
            "server_unsupported",
        ),
        (
            201,
            json!({"receipts": [{"seq": 7}]}).to_string(),
            "server_unsupported",
        ),
        (201, "<html>".to_owned(), "server_unsupported"),
        (502, "<html>".to_owned(), "server_unsupported"),
    ] {
        let answer = body.clone();
        posing(&place, hello(&place), move |_| (status, answer.clone()));
        let refused = place.run(&note);
        assert_eq!(
            code(&refused),
            (Some(2), expected.to_owned()),
            "{body} {refused:?}"
        );
    }
    // One that does not say whose log it holds cannot be known, nor can one of another
    // log: while somebody holds the ledger that is said.
    let held = place.serve(&["--no-socket"]);
    let waiting = [&["--no-wait"], &note[..]].concat();
    let mut other = hello(&place);
    other["genesis"] = json!("4".repeat(64));
    for (hello, expected) in [
        (json!({"version": "0.0.1"}), "server_unsupported"),
        (other, "log_key_mismatch"),
    ] {
        posing(&place, hello, |_| (201, String::new()));
        let refused = place.run(&waiting);
        assert_eq!(
            code(&refused),
            (Some(2), expected.to_owned()),
            "{refused:?}"
        );
    }
    held.end();
    // Nobody holds it: a foreign file beside it does not keep the owner out.
    let own = place.run(&note);
    assert!(own.status.success(), "{own:?}");
    assert_eq!(entries(&place, "note").len(), 1);
}

#[test]
fn an_export_that_breaks_off_leaves_no_file() {
    let place = scene();
    posing(&place, hello(&place), |path| {
        match path.starts_with("/v1/bundle") {
            // A length that never comes.
            true => (200, "{\"sealbook\":{}}\n".to_owned()),
            false => (500, String::new()),
        }
    });
    // What comes whole is written as it came; it is for `verify` to judge.
    let whole = place.run(&["--json", "--socket", "s", "export", "-o", "whole"]);
    assert!(whole.status.success(), "{whole:?}");
    let path = place.path().join("s");
    std::fs::remove_file(&path).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let hello = hello(&place).to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let mut asks = BufReader::new(client.try_clone().unwrap());
            while let Some(request) = message(&mut asks) {
                let health = request.starts_with(b"GET /health");
                let (length, body) = match health {
                    true => (hello.len(), hello.as_str()),
                    false => (1_000, "{\"sealbook\":{}}\n"),
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
                (&client).write_all(head.as_bytes()).unwrap();
                if !health {
                    break;
                }
            }
        }
    });
    let broken = place.run(&["--json", "--socket", "s", "export", "-o", "broken"]);
    assert_eq!(code(&broken), gone(), "{broken:?}");
    let left: Vec<String> = std::fs::read_dir(place.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|name| name == "broken" || name.starts_with(".export"))
        .collect();
    assert_eq!(left, [""; 0]);
}
