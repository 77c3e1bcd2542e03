//! Deciding, recording and replaying, beside what each is made of: in one round the same
//! requests are decided alone, recorded, routed over HTTP and replayed, and entries of
//! the same size appended and verified.
//!
//! The bound of two steps, one after the other, is 1/(1/a + 1/b).

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sealbook::ledger::entry::Entry;
use sealbook::store::{RocksStore, Store as _};

use crate::verifying::sealbook;
use crate::{Fallible, say};

/// Connections that route and append at once.
const CLIENTS: u64 = 64;

/// How long they do.
const SERVED: Duration = Duration::from_secs(2);

const RULES: &str = r#"{"rules": [{"rule_id": "rr_001",
    "match": {"capability_id": "cap.doc.summarize", "env": {"in": ["dev", "stage"]}},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.doc.summarizer"}],
    "required_controls_suggested": ["ctrl.obs.audit-log-append-only"],
    "escalation": {"policy_gate": true}}}]}"#;

const WORKER: &str = r#"{"worker_id": "org.acme.summarizer", "worker_species_id": "wrk.doc.summarizer",
    "capabilities": ["cap.doc.summarize"],
    "currently_implements": ["ctrl.obs.audit-log-append-only"],
    "privilege_envelope": {"egress": {"allowlist": []}, "filesystem_writes": [],
        "network_egress": "none", "secrets_access": [], "tools": []}}"#;

const POLICY: &str = "package wcp\n\n\
    default gate := {\"decision\": \"DENY\", \"policy_version\": \"p1\", \"reason\": \"unknown tenant\"}\n\n\
    gate := {\"decision\": \"ALLOW\", \"policy_version\": \"p1\", \"reason\": \"a customer\"} \
    if input.tenant_id == \"acme\"\n";

/// One round: with a gate that always gives one answer, or with a policy that is run.
pub(crate) fn round(folder: &Path, count: u64, rego: bool) -> Fallible<()> {
    let mut hall = vec!["--rules", "rules.json", "--registry-dir", "enrolled"];
    match rego {
        true => hall.extend(["--policy", "gate.rego"]),
        false => hall.push("--stub-policy=everywhere"),
    }
    fs::create_dir(folder.join("enrolled"))?;
    fs::write(folder.join("rules.json"), RULES)?;
    fs::write(folder.join("enrolled/worker.json"), WORKER)?;
    fs::write(folder.join("gate.rego"), POLICY)?;
    let mut requests = BufWriter::new(File::create(folder.join("requests"))?);
    for n in 0..count {
        writeln!(requests, r#"{{"id":{n},"input":{}}}"#, request(n))?;
    }
    requests.flush()?;
    let name = |what: &str| match rego {
        true => format!("{what}, Rego"),
        false => what.to_owned(),
    };
    let rate = |what: &str, seconds: f64| {
        let rate = count as f64 / seconds / 1_000.0;
        say(&name(what), "thousand/s", rate);
        rate
    };
    let bound = |what: &str, a: f64, b: f64| {
        let both = 1.0 / (1.0 / a + 1.0 / b);
        say(&name(what), "thousand/s", both);
    };
    let decide: Vec<_> = ["decide", "requests"]
        .iter()
        .chain(&hall)
        .copied()
        .collect();
    let deciding = rate("decide", run(folder, "none", &decide)?);
    run(folder, "book", &["init"])?;
    let record: Vec<_> = decide.iter().copied().chain(["--record"]).collect();
    rate("decide --record", run(folder, "book", &record)?);
    let bytes = entries(folder)?;
    say(&name("payload of a decision"), "bytes", bytes);
    run(folder, "beside", &["init"])?;
    let append = run(folder, "beside", &["append", "--jsonl", "entries"])?;
    let appending = rate("append of entries as large", append);
    bound("bound: decide, then append", deciding, appending);
    let verifying = rate("verify of decisions", run(folder, "book", &["verify"])?);
    rate("replay", run(folder, "book", &["--json", "replay"])?);
    bound("bound: decide, then verify", deciding, verifying);
    served(folder, &hall, &name, deciding)
}

fn request(n: u64) -> String {
    format!(
        r#"{{"capability_id":"cap.doc.summarize","env":"dev","data_label":"INTERNAL","tenant_risk":"low","qos_class":"P2","tenant_id":"acme","correlation_id":"order-{n}","request":{{"document":"s3://acme/contract.pdf"}}}}"#
    )
}

/// Runs the program on a ledger of the folder; how long it took, in seconds.
fn run(folder: &Path, ledger: &str, arguments: &[&str]) -> Fallible<f64> {
    let begun = Instant::now();
    let output = Command::new(sealbook()?)
        .args(["--ledger", ledger])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    match output.status.success() {
        true => Ok(begun.elapsed().as_secs_f64()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

/// Writes the payloads of the decisions as entries of another kind; their size.
fn entries(folder: &Path) -> Fallible<f64> {
    let store = RocksStore::open_read_only(&folder.join("book"))?;
    let mut out = BufWriter::new(File::create(folder.join("entries"))?);
    let (mut bytes, mut count) = (0, 0);
    for row in store.entries(0..u64::MAX) {
        let entry = Entry::from_record(row?.1)?;
        if entry.kind() == "wcp.decision" {
            (bytes, count) = (bytes + entry.payload_bytes().len(), count + 1);
            out.write_all(b"{\"kind\":\"bench.decision\",\"payload\":")?;
            // The server alone may say who acted: the same bytes under another name.
            let payload = std::str::from_utf8(entry.payload_bytes())?;
            let payload = payload.replacen("\"_actor\":", "\"actor_\":", 1);
            out.write_all(payload.as_bytes())?;
            out.write_all(b"}\n")?;
        }
    }
    out.flush()?;
    Ok(bytes as f64 / f64::from(count.max(1)))
}

/// Routes and appends over HTTP, from the same cores.
fn served(
    folder: &Path,
    hall: &[&str],
    name: &dyn Fn(&str) -> String,
    deciding: f64,
) -> Fallible<()> {
    run(folder, "served", &["init"])?;
    let mut server = Command::new(sealbook()?)
        .args(["--ledger", "served", "serve", "--port", "0"])
        .args(["--rate", "10000000"])
        .args(hall)
        .current_dir(folder)
        .env("SEALBOOK_LOG", "info,sealbook::serve::requests=warn")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let measured = address(&mut server).and_then(|address| {
        let kept = fs::read_to_string(folder.join("entries"))?;
        let entry = kept
            .lines()
            .last()
            .ok_or("nothing was recorded")?
            .to_owned();
        let entries = load(address, "/v1/entries", &|_| entry.clone())?;
        let routes = load(address, "/route", &request)?;
        Ok((entries, routes))
    });
    server.kill()?;
    server.wait()?;
    let (entries, routes) = measured?;
    say(&name("/v1/entries as large"), "thousand/s", entries);
    say(&name("/route"), "thousand/s", routes);
    let both = 1.0 / (1.0 / entries + 1.0 / deciding);
    say(&name("bound: decide, then /v1/entries"), "thousand/s", both);
    Ok(())
}

fn address(server: &mut Child) -> Fallible<SocketAddr> {
    let mut log = BufReader::new(server.stderr.take().ok_or("no log")?);
    let address = loop {
        let mut line = String::new();
        if log.read_line(&mut line)? == 0 {
            return Err("the server did not begin".into());
        }
        let line: serde_json::Value = serde_json::from_str(&line)?;
        let said = |member| line.get(member).and_then(serde_json::Value::as_str);
        if said("message") == Some("serving") {
            break said("address").ok_or("no address")?.parse()?;
        }
    };
    // A log that nobody reads would stop it.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Ok(address)
}

/// Thousands of answers a second to that many clients, each with one request under way.
fn load(address: SocketAddr, path: &str, body: &(dyn Fn(u64) -> String + Sync)) -> Fallible<f64> {
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    let client = |first: u64| -> std::io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (mut answer, mut n) = (vec![0; 64 << 10], first);
        while !over.load(Ordering::Relaxed) {
            let text = body(n);
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{text}",
                text.len()
            );
            stream.write_all(request.as_bytes())?;
            read_answer(&mut stream, &mut answer)?;
            answered.fetch_add(1, Ordering::Relaxed);
            n += CLIENTS;
        }
        Ok(())
    };
    std::thread::scope(|scope| -> Fallible<()> {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| scope.spawn(move || client(n)))
            .collect();
        std::thread::sleep(SERVED);
        over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| "a client panicked")??;
        }
        Ok(())
    })?;
    Ok(answered.into_inner() as f64 / begun.elapsed().as_secs_f64() / 1_000.0)
}

/// Reads one answer, which must be a success with a length.
fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<()> {
    let (mut read, mut wanted) = (0, None);
    while wanted.is_none_or(|wanted| read < wanted) {
        let more = stream.read(buffer.get_mut(read..).unwrap_or_default())?;
        if more == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        read += more;
        let answer = buffer.get(..read).unwrap_or_default();
        let head = answer.windows(4).position(|it| it == b"\r\n\r\n");
        if let (None, Some(head)) = (wanted, head) {
            let text = String::from_utf8_lossy(answer.get(..head).unwrap_or_default());
            let text = text.to_ascii_lowercase();
            let length = text.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
            let is_success = text.starts_with("http/1.1 2");
            let length = length.filter(|_| is_success);
            wanted = Some(head + 4 + length.ok_or_else(|| std::io::Error::other(text))?);
        }
    }
    Ok(())
}
