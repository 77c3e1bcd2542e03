//! Sinks of a server: delivered beside everything else, seen in its figures, and gone on
//! with after a kill.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::raw;
use crate::process::Place;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn seqs(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let seq = |line: &str| serde_json::from_str::<Value>(line).ok()?["seq"].as_u64();
    text.lines().filter_map(seq).collect()
}

/// Appends, and answers how many entries there are then.
fn append(place: &Place, entries: usize) -> u64 {
    let line = "{\"kind\":\"note\",\"payload\":{}}\n";
    fs::write(place.path().join("lines"), line.repeat(entries)).unwrap();
    let run = place.run(&["append", "--jsonl", "lines"]);
    assert!(run.status.success(), "{run:?}");
    let stats = place.run(&["--json", "stats"]);
    let stats: Value = serde_json::from_slice(&stats.stdout).unwrap();
    stats["entries"].as_u64().unwrap()
}

fn sink(place: &Place, file: &str, text: &str) {
    fs::write(place.path().join(file), text).unwrap();
}

#[test]
fn entries_are_delivered_and_after_a_kill_none_is_missing() {
    let place = Place::initialised();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    sink(&place, "file.toml", "name = \"file\"\nto = \"out.jsonl\"\n");
    sink(
        &place,
        "gone.toml",
        &format!("name = \"gone\"\nto = \"syslog+tcp://{nobody}\"\nformat = \"cef\"\n"),
    );
    let args = ["--sink", "file.toml", "--sink", "gone.toml"];
    let out = place.path().join("out.jsonl");
    let mut expected = 0;
    for _ in 0..3 {
        let server = place.serve(&args);
        expected = append(&place, 700);
        until("not delivered", || {
            seqs(&out).last() >= Some(&(expected - 100))
        });
        server.kill();
    }
    let server = place.serve(&args);
    until("not delivered", || {
        seqs(&out).last() == Some(&(expected - 1))
    });
    let mut next = 0;
    for seq in seqs(&out) {
        assert!(seq <= next, "{seq} after {next}");
        next = next.max(seq + 1);
    }
    assert_eq!(next, expected);
    let expect = json!([
        {"name": "file", "lag": 0, "failing": false},
        {"name": "gone", "lag": expected, "failing": true},
    ]);
    until("the figures lag", || {
        server.get("/health").1["sinks"] == expect
    });
    let figures = raw(
        server.address,
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(
        figures.contains("sealbook_sink_lag_entries{sink=\"file\"} 0\n"),
        "{figures}"
    );
    assert!(
        figures.contains(&format!(
            "sealbook_sink_lag_entries{{sink=\"gone\"}} {expected}\n"
        )),
        "{figures}"
    );
    assert!(
        figures.contains("sealbook_sink_failed_attempts{sink=\"file\"} 0\n"),
        "{figures}"
    );
    server.kill();
}

#[test]
fn a_file_of_a_sink_that_is_wrong_is_refused_before_anything_is_served() {
    let place = Place::initialised();
    for (text, expected) in [
        ("name = \"a\"\n", "missing field `to`"),
        (
            "name = \"a\"\nto = \"out\"\nx = 1\n",
            "line 3: unknown field `x`",
        ),
        (
            "name = \"a\"\nto = \"ftp://h\"\n",
            "to: a file, syslog:SOCKET",
        ),
        (
            "name = \"a\"\nto = \"out\"\nformat = \"xml\"\n",
            "format: jsonl, ocsf or cef is needed",
        ),
        (
            "name = \"a\"\nto = \"https://h/\"\nsecret-file = \"none\"\n",
            "none: No such file",
        ),
    ] {
        sink(&place, "sink.toml", text);
        let run = place.run(&["serve", "--check-config", "--sink", "sink.toml"]);
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(
            !run.status.success() && said.contains(expected),
            "{text}: {said}"
        );
    }
    sink(&place, "sink.toml", "name = \"a\"\nto = \"out\"\n");
    let run = place.run(&[
        "serve",
        "--check-config",
        "--sink",
        "sink.toml",
        "--sink",
        "sink.toml",
    ]);
    assert!(String::from_utf8_lossy(&run.stderr).contains("another sink is named `a`"));
    assert!(
        place
            .run(&["serve", "--check-config", "--sink", "sink.toml"])
            .status
            .success()
    );
    assert!(!place.path().join("out").exists());
}
