//! Parquet tables, as a user writes, verifies and queries them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::place::Place;
use crate::routing::{route, scene};

/// Decisions, denials, notes of several tenants; all sealed.
fn decided() -> Place {
    let place = scene();
    route(&place, "acme", &[]).ok();
    route(&place, "zeta", &[]).ends_with(1);
    route(&place, "acme", &[]).ok();
    let lines = (0..40_u64).map(|n| {
        let payload = json!({"n": n, "tenant_id": format!("t-{}", n % 3),
            "correlation_id": format!("c-{}", n % 5), "denied": n % 4 == 0,
            "decision": {"tenant_id": "shared"}});
        format!("{}\n", json!({"kind": "note", "payload": payload}))
    });
    let lines: String = lines.collect();
    place.run_with(&["append", "--jsonl", "-"], &lines).ok();
    place.run(&["seal"]).ok();
    place
}

fn verified(place: &Place, path: &str) -> Value {
    let key = place.key();
    let run = place.run(&["--json", "verify", path, "--key", &key]);
    run.ok().document()
}

#[test]
fn tables_are_written_verified_and_replaced_as_other_evidence_is() {
    let place = decided();
    let export = ["export", "--format", "parquet", "-o"];
    place.run(&[&export[..], &["e.parquet"]].concat()).ok();
    let report = verified(&place, "e.parquet");
    assert_eq!(report["format"], "parquet");
    assert_eq!(report["verdict"], "pass");
    let entries = report["entries"].as_u64().unwrap();
    assert!(entries > 43, "{report}");
    // Its own output of the same log is replaced, anything else is not.
    place.run(&[&export[..], &["e.parquet"]].concat()).ok();
    place.write("other.parquet", "something else");
    let run = place.run(&[&export[..], &["other.parquet"]].concat());
    assert!(run.ends_with(2).stderr.contains("a Parquet table"));
    place
        .run(&[&export[..], &["acme.parquet", "--tenant", "acme"]].concat())
        .ok();
    let selected = verified(&place, "acme.parquet");
    assert!(selected["entries"].as_u64().unwrap() < entries);
    place
        .run(&[&export[..], &["epochs.parquet", "--table", "epochs"]].concat())
        .ok();
    assert_eq!(
        verified(&place, "epochs.parquet")["epochs"],
        report["epochs"]
    );
    place
        .run(&[&export[..], &["set", "--by", "day"]].concat())
        .ok();
    let set = verified(&place, "set");
    assert_eq!(
        (&set["entries"], &set["verdict"]),
        (&json!(entries), &json!("pass"))
    );
    // A folder of files holds tables too.
    std::fs::create_dir(place.path("files")).unwrap();
    std::fs::copy(place.path("e.parquet"), place.path("files/e.parquet")).unwrap();
    place.run(&["verify", "files", "--key", &place.key()]).ok();
    for (args, says) in [
        (&["x.parquet", "--zstd"][..], "compressed by itself"),
        (
            &["x", "--by", "day", "--table", "epochs"],
            "has the table of epochs",
        ),
    ] {
        let run = place.run(&[&export[..], args].concat()).ends_with(2);
        assert!(run.stderr.contains(says), "{run:?}");
    }
    let run = place
        .run(&["export", "-o", "x", "--by", "day"])
        .ends_with(2);
    assert!(run.stderr.contains("for --format parquet"), "{run:?}");
    place
        .run(&[&export[..], &["set", "--by", "day"]].concat())
        .ends_with(2);
}

/// The Python of the environment that `tools/prepare` makes.
pub(crate) fn python() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")));
    let venv = from("SEALBOOK_VENV").or_else(|| Some(cache?.join("sealbook/python")));
    let python = venv?.join("bin/python");
    if python.is_file() {
        return Some(python);
    }
    crate::skipped::skipped("no Python environment: tools/prepare makes one");
    None
}

fn has(python: &Path, module: &str) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", &format!("import {module}")]);
    let status = command.stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// A table is as good a book of a log as any other file of it.
#[test]
fn tables_are_verified_beside_other_evidence_and_their_forks_are_found() {
    let place = Place::initialised();
    let key = place.key();
    place.copy("ledger", "fork");
    std::fs::copy(place.path("ledger.mark"), place.path("fork.mark")).unwrap();
    place.append(1..4);
    place.run(&["seal"]).ok();
    let table = ["export", "--format", "parquet", "-o"];
    place.run(&[&table[..], &["t.parquet"]].concat()).ok();
    let by_day = [&table[..], &["days", "--by", "day"]].concat();
    place.run(&by_day).ok();
    place.run(&["export", "-o", "e.bundle"]).ok();
    let export = ["export", "--format", "logbook", "-o", "b.jsonl"];
    place.run(&export).ok();
    let files = ["t.parquet", "days", "e.bundle", "b.jsonl", "ledger"];
    for one in files {
        for other in files {
            place.run(&["verify", one, other, "--key", &key]).ok();
        }
    }
    place.run(&["diff", "t.parquet", "e.bundle"]).ok();
    std::fs::remove_dir_all(place.path("ledger")).unwrap();
    for (from, to) in [("fork", "ledger"), ("fork.mark", "ledger.mark")] {
        std::fs::rename(place.path(from), place.path(to)).unwrap();
    }
    place.append(11..13);
    place.run(&["seal"]).ok();
    for other in ["ledger", "b.jsonl"] {
        let verify = ["--json", "verify", "t.parquet", other, "--key", &key];
        let expected = if other == "ledger" { 1 } else { 0 };
        let report = place.run(&verify).ends_with(expected).document();
        assert_eq!(report["failed"], 2 * expected, "{report:#}");
    }
}

#[test]
fn every_engine_reads_a_set_and_the_ten_questions_are_answered() {
    let Some(python) = python() else { return };
    let place = decided();
    let stats = place.run(&["--json", "stats"]).ok().document();
    place
        .run(&["export", "--format", "parquet", "--by", "day", "-o", "set"])
        .ok();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = root.join("tools/python/tables.py");
    let chapter = root.join("src/parquet/questions.md");
    let mut args = vec![script.to_str().unwrap(), "set", chapter.to_str().unwrap()];
    let java = crate::place::have("java", &["-version"]);
    match java && has(&python, "pyspark") {
        true => args.push("--spark"),
        false => crate::skipped::skipped("no Spark: it needs Java"),
    }
    let mut command = place.command_of(&python, &args);
    // Spark names the user by the home.
    command.env("HOME", place.dir()).env("USER", "reader");
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();

    let engines = found["counts"].as_object().unwrap();
    assert_eq!(engines.len(), args.len() + 1);
    let head = place.run(&["--json", "head"]).ok().document();
    for (engine, counts) in engines {
        assert_eq!(counts["entries"], stats["entries"], "{engine}");
        assert_eq!(counts["kinds"], stats["kinds"], "{engine}");
        assert_eq!(counts["tenants"], stats["tenants"], "{engine}");
        assert_eq!(counts["denied"], stats["denied"], "{engine}");
        assert_eq!(counts["last"], head["head"]["hash"], "{engine}");
    }

    let answers = found["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 10);
    let rows = |question: usize| answers[question - 1].as_array().unwrap();
    assert_eq!(rows(1).len(), stats["kinds"].as_object().unwrap().len());
    let denials = rows(2).iter().find(|row| row["tenant"] == "zeta").unwrap();
    assert_eq!(denials["denials"], 1);
    assert!(denials["deny_code"].as_str().unwrap().starts_with("DENY_"));
    let case = rows(3);
    assert_eq!(case.len(), 3 + 8, "{case:?}");
    assert_eq!(rows(4)[0]["species"], "wrk.doc.summarizer");
    assert_eq!(
        (&rows(4)[0]["rule"], &rows(4)[0]["times"]),
        (&json!("rr_dev"), &json!(2))
    );
    assert_eq!(rows(5), &[] as &[Value]);
    assert!(rows(6).len() <= 2, "{:?}", rows(6));
    assert!(rows(7).iter().any(|row| row["tenant"] == "shared"));
    assert!(!rows(8).is_empty());
    assert_eq!(rows(9), &[json!({"broken": 0})]);
    assert_eq!(rows(10).len(), 1);
}
