//! A server that holds the ledger and does not answer: stopped, and not gone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::Place;
use crate::wire::{hello, message};

/// Longer than any of these may take, and shorter than a server is waited for where
/// nothing is said of it.
const SOON: Duration = Duration::from_secs(25);

fn code(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout);
    let last: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let code = last["error"]["code"].as_str().unwrap_or("none").to_owned();
    (output.status.code(), code)
}

fn gone() -> (Option<i32>, String) {
    (Some(2), "server_gone".to_owned())
}

fn line(n: u64) -> String {
    format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}},\"idempotency_key\":\"k-{n}\"}}\n")
}

#[test]
fn a_frozen_server_keeps_no_reader_and_is_said_to_writers() {
    let place = Place::initialised();
    let server = place.serve(&[]);
    assert_eq!(server.append(1), 201);
    assert!(place.run(&["seal"]).status.success());
    let soon = |args: &[&str]| {
        let begun = Instant::now();
        let output = place.run(&[&["--json", "--wait", "1"], args].concat());
        assert!(begun.elapsed() < SOON, "{args:?}: {:?}", begun.elapsed());
        output
    };
    server.signal("STOP");
    for args in [
        &["append", "--kind", "note", "--payload", "{}"][..],
        &["seal"],
        &["export", "--seal", "-o", "sealed.bundle"],
    ] {
        let refused = soon(args);
        assert_eq!(code(&refused), gone(), "{args:?}: {refused:?}");
    }
    let url = format!("http://{}", server.address);
    let far = soon(&[
        "--ledger",
        &url,
        "append",
        "--kind",
        "note",
        "--payload",
        "{}",
    ]);
    assert_eq!(code(&far), gone(), "{far:?}");
    for args in [
        &["head"][..],
        &["prove", "1", "-o", "one.proof"],
        &["export", "-o", "all.bundle"],
        &["log"],
        &["verify"],
    ] {
        let read = soon(args);
        assert!(read.status.success(), "{args:?}: {read:?}");
    }
    server.signal("CONT");
    // Nothing of what was refused is recorded, then or later.
    let receipt = place.run(&["append", "--kind", "note", "--payload", "{}"]);
    assert!(receipt.status.success(), "{receipt:?}");
    let listed = place.run(&["--json", "log", "--kind", "note"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    server.end();
}

#[test]
fn a_server_that_freezes_under_way_is_said_and_a_retry_doubles_nothing() {
    let place = Place::initialised();
    let server = place.serve(&[]);
    let mut append = place.command(&["--json", "--wait", "1", "append", "--jsonl", "-"]);
    append.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut append = append.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = append.stdin.take().unwrap();
    let mut receipts = BufReader::new(append.stdout.take().unwrap());
    input.write_all(line(1).as_bytes()).unwrap();
    let mut first = String::new();
    receipts.read_line(&mut first).unwrap();
    assert!(first.contains("\"seq\""), "{first}");
    server.signal("STOP");
    let begun = Instant::now();
    input.write_all(line(2).as_bytes()).unwrap();
    let mut failure = String::new();
    receipts.read_line(&mut failure).unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(failure.contains("\"server_gone\""), "{failure}");
    assert_eq!(append.wait().unwrap().code(), Some(2));
    server.signal("CONT");
    std::fs::write(place.path().join("lines"), line(1) + &line(2)).unwrap();
    for _ in 0..2 {
        let again = place.run(&["append", "--jsonl", "lines"]);
        assert!(again.status.success(), "{again:?}");
    }
    let listed = place.run(&["--json", "log", "--kind", "note"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    server.end();
}

/// Frozen as soon as it is asked for something: at the head of its answer, or in the
/// middle of its body.
#[test]
fn a_server_that_freezes_between_its_greeting_and_an_export_keeps_nobody() {
    for begun in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"sealbook\"",
    ] {
        let place = Place::initialised();
        let hello = hello(&place).to_string();
        let listener = UnixListener::bind(place.path().join("s")).unwrap();
        let frozen = Arc::new(AtomicBool::new(false));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (hello, frozen) = (hello.clone(), Arc::clone(&frozen));
                let mut client = client.unwrap();
                std::thread::spawn(move || {
                    let mut asks = BufReader::new(client.try_clone().unwrap());
                    while let Some(request) = message(&mut asks) {
                        let length = hello.len();
                        if frozen.load(Ordering::Relaxed) {
                            continue;
                        }
                        let greets = request.starts_with(b"GET /health");
                        frozen.store(!greets, Ordering::Relaxed);
                        let answer = match greets {
                            true => {
                                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}");
                                format!("{head}\r\n\r\n{hello}")
                            }
                            false => begun.to_owned(),
                        };
                        client.write_all(answer.as_bytes()).unwrap();
                    }
                });
            }
        });
        let begun = Instant::now();
        let export = [
            "--json", "--wait", "1", "--socket", "s", "export", "-o", "e.bundle",
        ];
        let refused = place.run(&export);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert_eq!(code(&refused), gone(), "{refused:?}");
        assert!(!place.path().join("e.bundle").exists());
    }
}
