//! A ledger that another process holds.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::place::{Place, refused_both_ways};

#[test]
fn a_ledger_that_somebody_writes_is_locked_for_everyone_else() {
    let place = Place::sealed();
    let mut command = place.command(&["append", "--jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut writer = command.spawn().unwrap();
    let mut stdin = writer.stdin.take().unwrap();
    let mut receipts = BufReader::new(writer.stdout.take().unwrap()).lines();
    writeln!(stdin, "{{\"kind\":\"k\",\"payload\":{{}}}}").unwrap();
    // It has the ledger now, and keeps it as long as it waits for more.
    receipts.next().unwrap().unwrap();

    for args in [
        &["append", "--kind", "k", "--payload", "{}"][..],
        &["append", "--jsonl", "-"],
        &["seal"],
        &["accept-rollback", "--reason", "r"],
        &["log"],
        &["show", "1"],
        &["head"],
        &["epochs"],
        &["key"],
        &["verify"],
        &["prove", "1", "-o", "x"],
        &["export", "-o", "x"],
    ] {
        refused_both_ways(
            &place,
            args,
            "ledger_locked",
            "the ledger in ./ledger is held by another process",
            "wait for the other process, or stop it",
        );
    }
    drop(stdin);
    assert!(writer.wait().unwrap().success());
    assert_eq!(place.count(), 7);
    place.run(&["verify"]).ok();
}

#[test]
fn a_writer_that_is_killed_leaves_its_receipts_and_no_lock() {
    let place = Place::sealed();
    let mut command = place.command(&["append", "--jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut writer = command.spawn().unwrap();
    let mut stdin = writer.stdin.take().unwrap();
    let mut receipts = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut last = serde_json::Value::Null;
    for n in 0..50 {
        writeln!(stdin, "{{\"kind\":\"k\",\"payload\":{{\"n\":{n}}}}}").unwrap();
        last = serde_json::from_str(&receipts.next().unwrap().unwrap()).unwrap();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    // As it was left, mark and log and all.
    place.run(&["verify", "--key", &place.key()]).ok();
    assert_eq!(place.count(), 56);
    let shown = place.run(&["--json", "show", "55"]).ok().document();
    assert_eq!(shown["signature"], last["signature"]);
    let next = place.append(0..1);
    assert_eq!(next[0]["prev_hash"], last["hash"]);
    place.run(&["verify"]).ok();
}
