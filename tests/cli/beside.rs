//! Reading a ledger beside the process that writes it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::locks::Writer;
use crate::place::{Place, codes};

const NOTE: &str = "sealbook: note: another process is writing the ledger: this is as of entry";

#[test]
fn every_reading_command_answers_beside_a_writer_and_says_as_of_when() {
    let place = Place::sealed();
    let key = place.key();
    let mut writer = Writer::of(&place);
    let mut last = Value::Null;
    for n in 0..5 {
        last = writer.append(&format!("{{\"n\":{n},\"tenant_id\":\"t\"}}"));
    }
    let note = format!("{NOTE} 10\n");
    for args in [
        &["show", "10"][..],
        &["log", "--tenant", "t"],
        &["epochs"],
        &["head"],
        &["key"],
        &["stats"],
        &["prove", "1", "-o", "-"],
    ] {
        let run = place.run(args).ok();
        assert_eq!(run.stderr, note, "{args:?}");
        assert!(!run.stdout.is_empty());
        let json = [&["--json"], args].concat();
        let run = place.run(&json).ok();
        assert_eq!(run.stderr, note, "{args:?}");
    }
    let shown = place.run(&["--json", "show", "10"]).ok().document();
    assert_eq!(shown["signature"], last["signature"]);
    let found = place.run(&["--json", "log", "--tenant", "t"]).ok();
    assert_eq!(found.documents().len(), 5);
    let stats = place.run(&["--json", "stats"]).ok().document();
    assert_eq!(
        (&stats["as_of"], &stats["entries"]),
        (&10.into(), &11.into())
    );

    let report = place.run(&["--json", "verify"]).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &11.into())
    );
    assert_eq!(report["head"], last["hash"]);
    let warning = &report["warnings"][1];
    assert_eq!(warning["code"], "beside_writer");
    let detail = "another process is writing the ledger: this is as of entry 10";
    assert_eq!(warning["detail"], detail);

    // What was taken out stands on its own.
    place.run(&["head", "-o", "head"]).ok();
    place.run(&["export", "-o", "all.bundle"]).ok();
    place
        .run(&["export", "-o", "book", "--format", "logbook"])
        .ok();
    let report = place
        .run(&[
            "--json",
            "verify",
            "all.bundle",
            "--key",
            &key,
            "--contains",
            "head",
        ])
        .ok()
        .document();
    assert_eq!(report["entries"], 11);
    place
        .run(&["verify", "book", "--key", &key, "--contains", "head"])
        .ok();

    // The writer was never disturbed.
    assert_eq!(writer.append("{}")["seq"], 11);
    writer.close();
    assert_eq!(place.run(&["log"]).ok().stderr, "");
}

#[test]
fn a_rollback_is_found_beside_a_writer_too() {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    writer.append("{}");
    // A head that this log never had: what a mark of a lost future looks like.
    place.copy("ledger", "older");
    writer.append("{}");
    writer.append("{}");
    writer.close();
    fs::rename(place.path("ledger"), place.path("newer")).unwrap();
    fs::rename(place.path("older"), place.path("ledger")).unwrap();
    // Somebody holds it: nothing that writes can, with this mark, but a lock.
    let lock = fs::File::open(place.path("ledger/lock")).unwrap();
    lock.lock().unwrap();
    let report = place.run(&["--json", "verify"]).ends_with(1).document();
    assert_eq!(codes(&report), ["rollback_detected"]);
    assert_eq!(report["warnings"][1]["code"], "beside_writer");
}

#[test]
fn a_head_beside_a_writer_needs_the_key_and_nothing_else_does() {
    let place = Place::sealed();
    let mut writer = Writer::of(&place);
    writer.append("{}");
    fs::rename(place.path("ledger.key.pem"), place.path("away")).unwrap();
    place.run(&["verify"]).ok();
    place.run(&["export", "-o", "x", "--no-sign"]).ok();
    fs::rename(place.path("away"), place.path("ledger.key.pem")).unwrap();
    place.run(&["head"]).ok();
    writer.close();
}

/// Says that it is over when it is dropped, by a panic too.
struct Ends<'d>(&'d AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_reader_sees_a_true_ledger_whatever_its_writer_does() {
    let place = Place::sealed();
    let key = place.key();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // However this ends, the reader must see that it did.
        let writing = Ends(&done);
        let verifying = scope.spawn(|| {
            let (mut last, mut live) = (0, 0);
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) || looks < 5 {
                looks += 1;
                let run = place.run(&["--json", "verify", "--key", &key]).ok();
                let report = run.document();
                let entries = report["entries"].as_u64().unwrap();
                assert!(entries >= last, "{entries} after {last}");
                last = entries;
                live += u64::from(report["warnings"].to_string().contains("beside_writer"));
                let run = place
                    .run(&["--json", "log", "--limit", "3", "--reverse"])
                    .ok();
                assert!(run.documents()[0]["seq"].as_u64().unwrap() + 1 >= last);
            }
            live
        });
        // Writers come and go; each seals, flushes and compacts as it does.
        let body = "x".repeat(20_000);
        for round in 0..4 {
            let mut command = place.command(&["append", "--jsonl", "-"]);
            command.stdin(Stdio::piped()).stdout(Stdio::null());
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            for n in 0..800 {
                let payload = format!("{{\"n\":{n},\"body\":\"{body}\"}}");
                let line = format!("{{\"kind\":\"k{round}\",\"payload\":{payload}}}");
                // A reader that opened it alone a moment ago may be in the way:
                // then this writer is gone, and says so with its status.
                if writeln!(stdin, "{line}").is_err() {
                    break;
                }
            }
            drop(stdin);
            let status = child.wait().unwrap();
            assert!(status.success() || status.code() == Some(2), "{status}");
            let sealed = place.run(&["seal", "--if-any"]);
            assert!([0, 2].contains(&sealed.status), "{sealed:?}");
        }
        drop(writing);
        assert!(verifying.join().unwrap() > 0, "never beside a writer");
    });
    place.run(&["verify", "--key", &key]).ok();
}

#[test]
fn log_follows_what_other_processes_append() {
    let place = Place::sealed();
    let mut command = place.command(&["--json", "log", "--kind", "k", "--follow", "--limit", "6"]);
    command.stdout(Stdio::piped());
    let mut follower = command.spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    for round in 0..3 {
        // One writer after the other, and the follower is in nobody's way.
        let mut writer = Writer::of(&place);
        for n in 0..2 {
            let receipt = writer.append(&format!("{{\"round\":{round},\"n\":{n}}}"));
            let entry: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            assert_eq!(entry["seq"], receipt["seq"]);
            assert_eq!(entry["signature"], receipt["signature"]);
        }
        writer.close();
        place.run(&["seal"]).ok();
    }
    assert!(lines.next().is_none());
    assert!(follower.wait().unwrap().success());
}

#[test]
fn log_follows_up_to_an_entry_and_not_backwards() {
    let place = Place::sealed();
    let run = place
        .run(&["log", "--follow", "--from-seq", "3", "--until-seq", "4"])
        .ok();
    let first: Vec<_> = run.stdout.lines().map(|line| &line[..3]).collect();
    assert_eq!(first, ["3  ", "4  "]);
    place.run(&["log", "--follow", "--reverse"]).ends_with(2);
}

#[test]
fn log_pages_through_a_filter() {
    let place = Place::initialised();
    let line = |n: u64| {
        let tenant = n % 3;
        format!("{{\"kind\":\"k\",\"payload\":{{\"tenant_id\":\"t{tenant}\",\"n\":{n}}}}}\n")
    };
    let lines: String = (1..100).map(line).collect();
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    let page = |more: &[&str]| -> Vec<u64> {
        let args = [&["--json", "log", "--tenant", "t1", "--limit", "5"], more].concat();
        let run = place.run(&args);
        let seq = |entry: &Value| entry["seq"].as_u64().unwrap();
        match run.status {
            0 => run.documents().iter().map(seq).collect(),
            _ => Vec::new(),
        }
    };
    let (mut up, mut down) = (Vec::new(), Vec::new());
    loop {
        let next = up.last().map_or(0, |last| last + 1).to_string();
        let found = page(&["--from-seq", &next]);
        if found.is_empty() {
            break;
        }
        up.extend(found);
    }
    loop {
        let next = down.last().map_or(1_000, |last: &u64| last - 1).to_string();
        let found = page(&["--reverse", "--until-seq", &next]);
        if found.is_empty() {
            break;
        }
        down.extend(found);
    }
    let expected: Vec<u64> = (1..100).filter(|n| n % 3 == 1).collect();
    assert_eq!(up, expected);
    down.reverse();
    assert_eq!(down, expected);
}

#[test]
fn stats_count_what_a_filter_finds() {
    let place = Place::initialised();
    let mut lines = String::new();
    for (kind, payload) in [
        ("a", r#"{"tenant_id":"x","denied":true}"#),
        ("a", r#"{"tenant_id":"x","denied":false}"#),
        (
            "b",
            r#"{"decision":{"tenant_id":"y","denied":true},"input":{"tenant_id":"x"}}"#,
        ),
        ("b", r#"{"n":1}"#),
    ] {
        lines.push_str(&format!("{{\"kind\":\"{kind}\",\"payload\":{payload}}}\n"));
    }
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    let stats = place.run(&["--json", "stats"]).ok().document();
    let hours = stats["hours"].as_object().unwrap();
    assert_eq!(hours.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 5);
    let mut expected = serde_json::json!({
        "as_of": 4, "entries": 5, "first_seq": 0, "last_seq": 4,
        "kinds": {"a": 2, "b": 2, "sealbook:open": 1},
        "tenants": {"x": 3, "y": 1}, "no_tenant": 2,
        "denied": 2, "not_denied": 1,
        "others": {"kinds": 0, "tenants": 0, "hours": 0},
    });
    expected["hours"] = stats["hours"].clone();
    assert_eq!(stats, expected);
    let some = place
        .run(&["--json", "stats", "--tenant", "x", "--denied"])
        .ok()
        .document();
    assert_eq!(
        (&some["entries"], &some["last_seq"]),
        (&2.into(), &3.into())
    );
    let text = place.run(&["stats", "--top", "1"]).ok().stdout;
    assert!(
        text.starts_with("5 entries, 0 to 4\n2 denied, 1 not denied, 2 say neither\n"),
        "{text}"
    );
    assert!(text.contains(" TENANT  ENTRIES\n x       3\n"), "{text}");
    assert!(
        text.contains("the most frequent 1 of 3: --top N or --json for more"),
        "{text}"
    );
}
