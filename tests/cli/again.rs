//! Input that is given again, or in another way than as a file: nothing is doubled, and
//! what is wrong is said by its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use serde_json::{Value, json};

use crate::place::{Place, Run, is_root};

fn note(n: u64) -> String {
    format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}")
}

fn keyed(key: &str, n: u64) -> String {
    format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}},\"idempotency_key\":\"{key}\"}}\n")
}

fn bash(place: &Place, script: &str) -> Run {
    let program = env!("CARGO_BIN_EXE_sealbook");
    let mut command = place.command_of("bash".as_ref(), &["-c", script, program]);
    Run::of(&[], command.output().unwrap())
}

#[test]
fn a_run_that_stops_says_where_to_go_on_and_going_on_there_doubles_nothing() {
    let place = Place::initialised();
    let bad = "{\"kind\":\"note\"}";
    let lines: Vec<String> = (1..=700)
        .map(|n| if n == 600 { bad.to_owned() } else { note(n) })
        .collect();
    place.write("lines", lines.join("\n") + "\n");
    let run = place.run(&["--json", "append", "--jsonl", "lines"]);
    assert_eq!(run.status, 2, "{run:?}");
    let error = run.documents().pop().unwrap();
    let next = error["error"]["recorded"]["next"]["line"].as_u64().unwrap();
    assert_eq!(next, 600);
    let rest = lines[usize::try_from(next).unwrap() - 1..].join("\n");
    place.write("rest", rest.replace(bad, &note(600)));
    place.run(&["append", "--jsonl", "rest"]).ok();
    let entries = place
        .run(&["--json", "log", "--kind", "note"])
        .ok()
        .documents();
    let found: Vec<_> = entries
        .iter()
        .map(|entry| entry["payload"]["n"].as_u64().unwrap())
        .collect();
    assert_eq!(found, (1..=700).collect::<Vec<_>>());
}

#[test]
fn a_key_that_was_used_is_named_with_its_line_and_what_was_recorded_behind_it_is_counted() {
    let place = Place::initialised();
    let mut lines = keyed("a", 1) + &keyed("b", 2) + &keyed("a", 3);
    (4..40).for_each(|n| lines.push_str(&keyed(&format!("k{n}"), n)));
    place.write("lines", lines);
    let run = place.run(&["--json", "append", "--jsonl", "lines"]);
    assert_eq!(run.status, 2, "{run:?}");
    let mut documents = run.documents();
    let error = documents.pop().unwrap();
    let detail = error["error"]["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("line 3: idempotency_key: it was used"),
        "{detail}"
    );
    // Every receipt was given, and what is recorded is what is said to be.
    let recorded = &error["error"]["recorded"];
    assert_eq!(recorded["entries"], documents.len());
    assert_eq!(place.count(), documents.len() + 1);
    let holes: &[Value] = if documents.len() == 2 {
        &[]
    } else {
        &[json!({"line": 3})]
    };
    assert_eq!(recorded["not_recorded"].as_array().unwrap(), holes);
    let next = if documents.len() == 2 {
        3
    } else {
        documents.len() + 2
    };
    assert_eq!(recorded["next"], json!({"line": next}));
}

#[test]
fn what_is_wrong_in_the_input_has_one_place() {
    let place = Place::initialised();
    for (input, detail) in [
        (
            format!("{}\n{{\"kind\":\"k\",\"pay", note(1)),
            "line 2: text ends where `\"` was expected at column 17",
        ),
        (
            format!("[{},{{\"kind\":\"k\"}}]", note(2)),
            "element 2 of the array, line 1: payload: missing",
        ),
        (
            format!("[{},\n{{\"kind\":\n x}}]", note(3)),
            "element 2 of the array, line 3: found 'x' where a value was expected at column 2",
        ),
    ] {
        let run = place.run_with(&["append", "--jsonl", "-"], &input);
        assert_eq!(run.status, 2, "{run:?}");
        let error = run.stderr.strip_prefix("sealbook: error: ").unwrap();
        assert!(error.starts_with(detail), "{error}");
    }
}

#[test]
fn evidence_comes_through_pipes_and_is_read_as_often_as_it_takes() {
    let place = Place::sealed();
    let key = place.key();
    place.run(&["export", "-o", "b.bundle"]).ok();
    place.run(&["head", "-o", "head.json"]).ok();
    place.write(
        "forged",
        place.read("b.bundle").replace("\"n\":3", "\"n\":4"),
    );
    for (status, script) in [
        (0, "\"$0\" verify <(cat b.bundle) --key KEY"),
        (0, "cat b.bundle | \"$0\" verify /dev/stdin --key KEY"),
        (0, "cat b.bundle | \"$0\" verify - --key KEY"),
        (0, "\"$0\" verify - --key KEY < b.bundle"),
        (
            0,
            "\"$0\" verify b.bundle --key KEY --contains <(cat head.json)",
        ),
        (0, "\"$0\" verify <(cat b.bundle) --as bundle --key KEY"),
        (
            0,
            "mkfifo p && (cat b.bundle > p &) && \"$0\" verify p --key KEY",
        ),
        (
            0,
            "\"$0\" verify <(zstd -qc b.bundle || cat b.bundle) --key KEY",
        ),
        (1, "\"$0\" verify <(cat forged) --key KEY"),
        (1, "\"$0\" verify <(cat b.bundle) <(cat forged) --key KEY"),
    ] {
        let run = bash(&place, &script.replace("KEY", &key));
        assert_eq!(run.status, status, "{script}: {run:?}");
    }
}

#[test]
fn a_folder_of_evidence_that_cannot_be_looked_into_is_no_pass() {
    if !is_root() {
        crate::skipped::skipped("only root may be another user");
        return;
    }
    let place = Place::sealed();
    let key = place.key();
    let mode = |name: &str, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::create_dir(place.path("ev")).unwrap();
    place.run(&["export", "-o", "ev/good.bundle"]).ok();
    fs::copy(env!("CARGO_BIN_EXE_sealbook"), place.path("sealbook")).unwrap();
    for name in ["", "ev", "sealbook"] {
        mode(name, 0o755);
    }
    mode("ev/good.bundle", 0o644);
    let verify = || {
        let args = ["verify", "ev", "--key", &key];
        let mut command = place.command_of(&place.path("sealbook"), &args);
        Run::of(&args, command.uid(65_534).gid(65_534).output().unwrap())
    };
    assert_eq!(verify().status, 0);
    // A ledger, or whatever may be one: it is not known.
    for (closed, db) in [(0o700, true), (0o711, false), (0o744, true)] {
        fs::create_dir_all(place.path("ev/led/db")).unwrap();
        if !db {
            fs::remove_dir(place.path("ev/led/db")).unwrap();
        }
        mode("ev/led", closed);
        let run = verify();
        assert_eq!(run.status, 2, "{closed:o}: {run:?}");
        assert!(
            run.stdout
                .contains("== ev/led\nERROR ev/led: Permission denied"),
            "{run:?}"
        );
        assert!(!run.stderr.contains("passed over"), "{run:?}");
        fs::remove_dir_all(place.path("ev/led")).unwrap();
    }
    // An ordinary folder is still passed over.
    fs::create_dir(place.path("ev/other")).unwrap();
    mode("ev/other", 0o755);
    assert_eq!(verify().status, 0);
}

#[test]
fn what_evidence_is_held_against_is_not_taken_for_evidence_and_its_flag_is_named() {
    let place = Place::sealed();
    fs::create_dir(place.path("ev")).unwrap();
    place.run(&["export", "-o", "ev/good.bundle"]).ok();
    place.run(&["head", "-o", "ev/head.json"]).ok();
    let key = place.key();
    let run = place.run(&["verify", "ev", "--key", &key]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(
        run.stdout.contains("hold a log against it with --contains"),
        "{run:?}"
    );
    assert!(!run.stdout.contains("--as"), "{run:?}");
    let alone = place.run(&["verify", "ev/head.json", "--key", &key]);
    assert!(alone.stderr.contains("with --contains"), "{alone:?}");
}

#[test]
fn a_name_in_a_file_of_keys_is_the_same_with_a_dot_before_it() {
    let place = Place::sealed();
    place.run(&["export", "-o", "a.bundle"]).ok();
    let key = place.key();
    for (named, given) in [
        ("./a.bundle", "a.bundle"),
        ("a.bundle", "./a.bundle"),
        ("./a.bundle", "././a.bundle"),
    ] {
        place.write("keys", format!("{named} {key}\n"));
        place.run(&["verify", given, "--keys", "keys"]).ok();
    }
}

#[test]
fn help_that_cannot_be_written_is_said() {
    let place = Place::empty();
    for script in [
        "\"$0\" help >/dev/full",
        "\"$0\" append --help >/dev/full",
        "\"$0\" >/dev/full",
    ] {
        let run = bash(&place, script);
        assert_eq!(run.status, 2, "{script}: {run:?}");
        assert!(run.stderr.contains("could not write the output"), "{run:?}");
    }
}
