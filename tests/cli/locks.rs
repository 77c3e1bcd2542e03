//! A ledger that another process holds.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use crate::place::{Place, refused_both_ways};

/// A process that holds the ledger for as long as it is given lines.
pub(crate) struct Writer {
    child: Child,
    stdin: Option<ChildStdin>,
    receipts: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    pub(crate) fn of(place: &Place) -> Writer {
        let mut command = place.command(&["append", "--jsonl", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let receipts = BufReader::new(child.stdout.take().unwrap()).lines();
        Writer {
            child,
            stdin,
            receipts,
        }
    }

    /// Appends an entry and waits for its receipt: now it has the ledger.
    pub(crate) fn append(&mut self, payload: &str) -> Value {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{{\"kind\":\"k\",\"payload\":{payload}}}").unwrap();
        serde_json::from_str(&self.receipts.next().unwrap().unwrap()).unwrap()
    }

    pub(crate) fn close(mut self) {
        self.stdin = None;
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_ledger_that_somebody_writes_is_locked_for_other_writers() {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    writer.append("{}");
    for args in [
        &["--no-wait", "append", "--kind", "k", "--payload", "{}"][..],
        &["--no-wait", "append", "--jsonl", "-"],
        &["--no-wait", "seal"],
        &["--wait", "0", "accept-rollback", "--reason", "r"],
        &["--wait", "1", "export", "--seal", "-o", "x"],
    ] {
        refused_both_ways(
            &place,
            args,
            "ledger_locked",
            "the ledger in ./ledger is held by another process",
            "wait for the other process, or stop it",
        );
    }
    writer.close();
    assert_eq!(place.count(), 7);
    place.run(&["verify"]).ok();
}

#[test]
fn a_writer_that_is_killed_leaves_its_receipts_and_no_lock() {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    let mut last = Value::Null;
    for n in 0..50 {
        last = writer.append(&format!("{{\"n\":{n}}}"));
    }
    writer.kill();
    // As it was left, mark and log and all.
    place.run(&["verify", "--key", &place.key()]).ok();
    assert_eq!(place.count(), 56);
    let shown = place.run(&["--json", "show", "55"]).ok().document();
    assert_eq!(shown["signature"], last["signature"]);
    let next = place.append(0..1);
    assert_eq!(next[0]["prev_hash"], last["hash"]);
    place.run(&["verify"]).ok();
}

#[test]
fn ten_appends_that_start_together_all_record_their_events() {
    let place = Place::sealed();
    let children: Vec<_> = (0..10)
        .map(|n| {
            let payload = format!("{{\"n\":{n}}}");
            let mut command = place.command(&["append", "--kind", "k", "--payload", &payload]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(place.count(), 16);
    place.run(&["verify"]).ok();
}

#[test]
fn a_writer_waits_for_the_one_before_it() {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    writer.append("{}");
    let mut command = place.command(&["append", "--kind", "k", "--payload", "{}"]);
    let mut waiting = command.stdout(Stdio::null()).spawn().unwrap();
    writer.append("{}");
    assert!(waiting.try_wait().unwrap().is_none());
    writer.close();
    assert!(waiting.wait().unwrap().success());
    assert_eq!(place.count(), 9);
}

#[test]
fn nothing_is_written_with_read_only() {
    let place = Place::sealed();
    for args in [
        &["--read-only", "append", "--kind", "k", "--payload", "{}"][..],
        &["--read-only", "seal"],
        &["--read-only", "rotate"],
        &["--read-only", "adopt"],
        &["--read-only", "--ledger", "new", "init"],
    ] {
        refused_both_ways(
            &place,
            args,
            "read_only",
            "the ledger is open for reading only",
            "leave out --read-only",
        );
    }
    place.run(&["--read-only", "verify"]).ok();
    assert_eq!(place.count(), 6);
}
