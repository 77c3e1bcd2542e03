//! Pipes: closed ones, slow ones, and lines that are wrong.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::place::{Place, Run};

/// Runs it with nobody at the other end of its stdout.
fn run_into_nothing(place: &Place, args: &[&str]) -> Run {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = place.command(args);
    command.stdout(writer).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    drop(command);
    Run::of(args, child.wait_with_output().unwrap())
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let place = Place::with_tail();
    for args in [
        &["log"][..],
        &["--json", "log"],
        &["show", "1"],
        &["--json", "show", "1"],
        &["epochs"],
        &["head"],
        &["key"],
        &["key", "--pem"],
        &["version"],
        &["verify"],
        &["--json", "verify"],
        &["prove", "1", "-o", "-"],
        &["export", "-o", "-"],
        &["export", "-o", "-", "--format", "logbook"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let run = run_into_nothing(&place, args);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{args:?}");
    }
}

/// What `append` says of entries `first` to `last`, if their receipts were lost.
fn lost(first: u64, last: u64, why: &str) -> String {
    let entries = last - first + 1;
    format!(
        "sealbook: error: output_lost: {entries} entries are recorded, the last of them {last}, \
         but not every receipt could be written: {why}\n\
         sealbook: hint: append none of them again: `sealbook log --from-seq {first} \
         --until-seq {last}` shows what was recorded\n"
    )
}

const GONE: &str = "Broken pipe (os error 32)";

#[test]
fn what_is_appended_into_a_closed_pipe_is_recorded_and_said_to_be() {
    let place = Place::initialised();
    let run = run_into_nothing(&place, &["append", "--kind", "k", "--payload", "{}"]);
    assert_eq!((run.status, run.stderr), (2, lost(1, 1, GONE)));
    assert_eq!(place.count(), 2);
    place.run(&["verify"]).ok();
}

#[test]
fn all_lines_are_recorded_whatever_becomes_of_their_receipts() {
    let lines: String = (1..=5_000)
        .map(|n| format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}\n"))
        .collect();
    for (shell, why) in [
        (
            "\"$0\" append --jsonl lines | head -n 1; exit ${PIPESTATUS[0]}",
            GONE,
        ),
        (
            "\"$0\" append --jsonl lines > /dev/full",
            "No space left on device (os error 28)",
        ),
    ] {
        let place = Place::initialised();
        place.write("lines", &lines);
        let program = env!("CARGO_BIN_EXE_sealbook");
        let mut command = place.command_of("bash".as_ref(), &["-c", shell, program]);
        let run = Run::of(&[], command.output().unwrap());
        assert_eq!(
            (run.status, run.stderr),
            (2, lost(1, 5_000, why)),
            "{shell}"
        );
        assert_eq!(place.count(), 5_001);
        place.run(&["verify"]).ok();
    }
}

/// Why the input is not given again.
const TWICE: &str = ": what stands before it would be recorded twice, unless every line has an \
                     \"idempotency_key\"";

#[test]
fn a_line_at_fault_and_lost_receipts_are_both_said() {
    let place = Place::initialised();
    place.write(
        "lines",
        "{\"kind\":\"a\",\"payload\":{}}\n{\"kind\":\"b\",\"payload\":{}}\n{}\n",
    );
    let run = run_into_nothing(&place, &["append", "--jsonl", "lines"]);
    let expected = format!(
        "sealbook: warning: output_lost: 2 entries are recorded, the last of them 2, but not \
         every receipt could be written: {GONE}\n\
         sealbook: error: line 3: kind: missing; 2 entries of this input are recorded, the last \
         of them 2\n\
         sealbook: hint: put it right and go on from line 3 of the input{TWICE}\n"
    );
    assert_eq!((run.status, run.stderr), (2, expected));
    assert_eq!(place.count(), 3);
}

#[test]
fn a_verdict_is_given_to_nobody_as_it_is_to_somebody() {
    let place = Place::with_tail();
    let key = place.key();
    place.run(&["export", "-o", "good.bundle"]).ok();
    let forged = place.read("good.bundle").replace("\"n\":3", "\"n\":4");
    place.write("forged.bundle", forged);
    place
        .run(&["export", "--format", "logbook", "-o", "a.jsonl"])
        .ok();
    place.write(
        "b.jsonl",
        place.read("a.jsonl").replace("\"n\":3", "\"n\":4"),
    );
    for (status, args) in [
        (0, &["verify", "good.bundle", "--key", &key][..]),
        (1, &["verify", "forged.bundle", "--key", &key]),
        (1, &["--json", "verify", "forged.bundle", "--key", &key]),
        (
            1,
            &["verify", "good.bundle", "forged.bundle", "--key", &key],
        ),
        (1, &["diff", "a.jsonl", "b.jsonl", "--key", &key]),
        (0, &["diff", "a.jsonl", "a.jsonl", "--key", &key]),
        (1, &["replay", "forged.bundle", "--key", &key]),
        (1, &["--json", "replay", "forged.bundle", "--key", &key]),
        (0, &["replay", "good.bundle", "--key", &key]),
    ] {
        assert_eq!(place.run(args).status, status, "{args:?}");
        let run = run_into_nothing(&place, args);
        assert_eq!((run.status, run.stderr.as_str()), (status, ""), "{args:?}");
    }
    let args = ["report", "--correlation", "nobody", "-o", "-"];
    assert_eq!(run_into_nothing(&place, &args).status, 1);
}

#[test]
fn each_receipt_is_given_before_the_next_line_is_written() {
    let place = Place::initialised();
    let mut command = place.command(&["append", "--jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut receipts = BufReader::new(child.stdout.take().unwrap()).lines();
    for n in 1..=20 {
        // Blank lines in between hold nothing back.
        write!(stdin, "{{\"kind\":\"slow\",\"payload\":{{\"n\":{n}}}}}\n\n").unwrap();
        stdin.flush().unwrap();
        // Without a receipt this would wait for ever.
        let receipt: Value = serde_json::from_str(&receipts.next().unwrap().unwrap()).unwrap();
        assert_eq!(receipt["seq"], n);
    }
    drop(stdin);
    assert!(receipts.next().is_none());
    assert!(child.wait().unwrap().success());
    assert_eq!(place.count(), 21);
}

#[test]
fn a_line_that_comes_in_pieces_waits_for_its_end() {
    let place = Place::initialised();
    let mut command = place.command(&["append", "--jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut receipts = BufReader::new(child.stdout.take().unwrap()).lines();
    stdin
        .write_all(b"{\"kind\":\"a\",\"payload\":{}}\n{\"kind\":\"b\",")
        .unwrap();
    stdin.flush().unwrap();
    // The first is not held back by the second, which is not here yet.
    assert!(receipts.next().unwrap().unwrap().contains("\"kind\":\"a\""));
    stdin.write_all(b"\"payload\":{}}").unwrap();
    drop(stdin);
    assert!(receipts.next().unwrap().unwrap().contains("\"kind\":\"b\""));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_bad_line_is_named_and_nothing_after_it_is_appended() {
    let good = |n: u64| format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}\n");
    for before in [0, 1, 5, 255, 256, 257, 600] {
        let place = Place::initialised();
        let mut lines: String = (1..=before).map(good).collect();
        lines.push_str("{\"kind\":\"note\"}\n");
        lines.extend((900..905).map(good));
        let run = place.run_with(&["--json", "append", "--jsonl", "-"], &lines);
        let bad = before + 1;
        let detail = format!("line {bad}: payload: missing");
        match before {
            0 => run.refused("bad_input", &detail, ""),
            _ => {
                let error = run.documents().pop().unwrap();
                assert_eq!(run.status, 2, "{run:?}");
                assert_eq!(error["error"]["code"], "bad_input");
                let detail = match before {
                    1 => format!("{detail}; one entry of this input is recorded, 1"),
                    _ => format!(
                        "{detail}; {before} entries of this input are recorded, the last of \
                         them {before}"
                    ),
                };
                assert_eq!(error["error"]["detail"], detail);
                let said = json!({"entries": before, "last": before, "next": {"line": bad},
                    "not_recorded": []});
                assert_eq!(error["error"]["recorded"], said);
                let hint = format!(
                    "sealbook: hint: put it right and go on from line {bad} of the input{TWICE}\n"
                );
                assert!(run.stderr.ends_with(&hint), "{run:?}");
            }
        }
        // Those before it are recorded, and their receipts were given.
        let receipts = run.documents().len() - 1;
        assert_eq!(receipts as u64, before);
        let entries = place.run(&["--json", "log"]).ok().documents();
        assert_eq!(entries.len() as u64, before + 1);
        if before > 0 {
            assert_eq!(entries.last().unwrap()["payload"]["n"], before);
        }
        place.run(&["verify"]).ok();
    }
}

#[test]
fn many_lines_keep_their_order() {
    let place = Place::initialised();
    let receipts = place.append(1..3_001);
    assert_eq!(receipts.len(), 3_000);
    for (n, receipt) in receipts.iter().enumerate() {
        assert_eq!(receipt["seq"], n as u64 + 1);
    }
    let entries = place
        .run(&["--json", "log", "--kind", "note"])
        .ok()
        .documents();
    for (n, entry) in entries.iter().enumerate() {
        assert_eq!(entry["payload"]["n"], n as u64 + 1);
    }
    place.run(&["verify"]).ok();
}

#[test]
fn a_file_of_lines_that_is_not_there_is_named() {
    let place = Place::initialised();
    for args in [
        &["append", "--jsonl", "nowhere"][..],
        &["append", "--kind", "k", "--payload-file", "nowhere"],
    ] {
        let detail = "nowhere: No such file or directory (os error 2)";
        crate::place::refused_both_ways(&place, args, "io", detail, "");
    }
    assert_eq!(place.count(), 1);
}
