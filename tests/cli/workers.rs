//! `build`, `enroll` and `status`: a worker from nothing to the registry.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, Run, have, refused_both_ways};

const BUILD: [&str; 13] = [
    "build",
    "--worker-id",
    "org.acme.sum",
    "--worker-species-id",
    "wrk.doc.summarizer",
    "--capability",
    "cap.doc.summarize",
    "--risk-tier",
    "low",
    "--control",
    "ctrl.obs.audit-log-append-only",
    "--env",
    "dev",
];
const REST: [&str; 6] = [
    "--dir",
    "w",
    "--owner",
    "org.acme",
    "--contact",
    "a@acme.org",
];

fn build(place: &Place) -> Run {
    place.run(&[&BUILD[..], &REST].concat()).ok()
}

#[test]
fn a_worker_is_built_validated_attested_enrolled_and_counted() {
    let place = Place::empty();
    let built = build(&place);
    let files = [
        "w/code/bootstrap.py",
        "w/code/worker_logic.py",
        "w/requirements.lock",
        "w/config.schema.json",
        "w/registry_record.json",
        "w/rules.json",
        "w/tests.json",
    ];
    assert_eq!(built.stdout.lines().collect::<Vec<_>>(), files);
    place
        .run(&[
            "validate",
            "--rules",
            "w/rules.json",
            "--tests",
            "w/tests.json",
        ])
        .ok();
    place.run(&["rules", "lint", "w/rules.json"]).ok();
    let enroll = ["--json", "enroll", "w/registry_record.json"];
    let enrolled = place.run(&enroll).ok().document();
    let members: Vec<_> = enrolled.as_object().unwrap().keys().collect();
    let expected = [
        "artifact_hash",
        "artifact_hash_verified",
        "enrolled",
        "enrolled_at",
        "file",
        "updated",
        "worker_id",
        "worker_species_id",
    ];
    assert_eq!(members, expected);
    assert_eq!(enrolled["file"], "./enrolled/org.acme.sum.json");
    assert_eq!(
        (&enrolled["updated"], &enrolled["enrolled"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(enrolled["artifact_hash_verified"], true);
    assert_eq!(place.run(&enroll).ok().document()["updated"], true);
    let status = place.run(&["--json", "status"]).ok().document();
    let expected = json!({"enrolled_count": 1, "workers_available": 1, "capabilities": 1,
        "privilege_envelopes": 1, "attested_workers": 0, "invalid": [],
        "controls_present": ["ctrl.obs.audit-log-append-only"]});
    assert_eq!(status, expected);
    let people = place
        .run(&["status", "--registry-dir", "enrolled"])
        .ok()
        .stdout;
    assert!(people.contains("org.acme.sum"), "{people}");
}

#[test]
fn every_question_has_a_flag_and_one_that_is_missing_is_named() {
    let all = [&BUILD[1..], &REST].concat();
    for (at, flag) in all.iter().enumerate().step_by(2) {
        let place = Place::empty();
        let mut args = vec!["--json", "build"];
        args.extend(&all[..at]);
        args.extend(&all[at + 2..]);
        let run = place.run(&args).ends_with(2);
        let error = &run.document()["error"];
        assert_eq!(error["code"], "usage");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.ends_with(&format!("{flag} is missing")), "{detail}");
        assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 0);
    }
    // The usual answers, where there are some.
    let place = Place::empty();
    let args = ["build", "--defaults", "--worker-id", "x.me.tool"];
    let run = place.run(&args).ends_with(2);
    assert!(run.stderr.contains("--capability is missing"), "{run:?}");
    place
        .run(&[&args[..], &["--capability", "cap.a"]].concat())
        .ok();
    let record: Value = serde_json::from_str(&place.read("tool/registry_record.json")).unwrap();
    assert_eq!(record["worker_species_id"], "wrk.tool.worker");
    assert_eq!(record["owner"], "x.me");
}

#[test]
fn answers_that_are_no_good_are_refused_and_nothing_is_written() {
    for (at, bad, code) in [
        (2, "acme", "bad_answer"),
        (4, "worker", "bad_answer"),
        (6, "summarize", "bad_answer"),
        (8, "some", "bad_answer"),
        (10, "ctrl.A", "bad_answer"),
        (12, "mars", "usage"),
    ] {
        let place = Place::empty();
        let mut args = [&["--json"], &BUILD[..], &REST].concat();
        args[at + 1] = bad;
        let run = place.run(&args).ends_with(2);
        let error = &run.document()["error"];
        assert_eq!(error["code"], code, "{error}");
        assert!(error["detail"].as_str().unwrap().contains(bad), "{error}");
        assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 0, "{bad}");
    }
}

#[test]
fn build_replaces_nothing_unless_told_to() {
    let place = Place::empty();
    build(&place);
    place.write("w/rules.json", "mine");
    let again = [&["--json"], &BUILD[..], &REST].concat();
    place.run(&again).refused(
        "exists",
        "w/registry_record.json exists already",
        "move it away, or choose another place",
    );
    assert_eq!(place.read("w/rules.json"), "mine");
    place.run(&[&again[..], &["--overwrite"]].concat()).ok();
    assert_ne!(place.read("w/rules.json"), "mine");
}

#[test]
fn a_tampered_record_is_the_answer_no_and_a_malformed_one_none() {
    let place = Place::empty();
    build(&place);
    let text = place.read("w/registry_record.json");
    place.write(
        "tampered.json",
        text.replace("cap.doc.summarize", "cap.doc.steal"),
    );
    let run = place
        .run(&["--json", "enroll", "tampered.json"])
        .ends_with(1);
    assert_eq!(run.document()["error"]["code"], "DENY_WORKER_TAMPERED");
    assert!(!place.path("enrolled").exists());
    for (bad, code) in [
        ("{}", "bad_record"),
        ("[]", "bad_record"),
        ("{\"worker_id\":\"a\",\"worker_id\":\"b\"}", "bad_json"),
        (
            "{\"worker_id\":\"a\\u0000\",\"worker_species_id\":\"s\"}",
            "bad_record",
        ),
    ] {
        place.write("bad.json", bad);
        let run = place.run(&["--json", "enroll", "bad.json"]).ends_with(2);
        assert_eq!(run.document()["error"]["code"], code, "{bad}");
    }
    assert!(!place.path("enrolled").exists());
}

#[test]
fn an_id_that_is_a_path_stays_in_the_registry() {
    let place = Place::empty();
    let record = r#"{"worker_id": "../../evil", "worker_species_id": "wrk.a"}"#;
    place.write("record.json", record);
    let enrolled = place
        .run(&["--json", "enroll", "record.json"])
        .ok()
        .document();
    assert_eq!(enrolled["file"], "./enrolled/%2E.%2F..%2Fevil.json");
    assert_eq!(enrolled["artifact_hash_verified"], false);
    assert_eq!(
        place.run(&["--json", "status"]).ok().document()["enrolled_count"],
        1
    );
}

#[test]
fn an_update_goes_where_the_worker_is_and_two_places_are_refused() {
    let place = Place::empty();
    fs::create_dir(place.path("enrolled")).unwrap();
    let record = |risk: &str| {
        format!(r#"{{"worker_id": "w", "worker_species_id": "wrk.a", "risk_tier": "{risk}"}}"#)
    };
    place.write("enrolled/mine.json", record("low"));
    place.write("record.json", record("high"));
    let enrolled = place
        .run(&["--json", "enroll", "record.json"])
        .ok()
        .document();
    assert_eq!(
        (&enrolled["file"], &enrolled["updated"]),
        (&json!("./enrolled/mine.json"), &json!(true))
    );
    assert!(place.read("enrolled/mine.json").contains("high"));
    place.write("enrolled/other.json", record("low"));
    let run = place.run(&["--json", "enroll", "record.json"]).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "enrolled_twice");
    let status = place.run(&["--json", "status"]).ok().document();
    assert_eq!(status["invalid"][0]["path"], "./enrolled/other.json");
}

#[test]
fn status_reports_invalid_records_and_a_missing_registry() {
    let place = Place::empty();
    let detail = "./enrolled: No such file or directory (os error 2)";
    let hint =
        "name the folder of records with --registry-dir, or begin one with `sealbook enroll`";
    refused_both_ways(&place, &["status"], "io", detail, hint);
    fs::create_dir(place.path("enrolled")).unwrap();
    place.write("enrolled/bad\u{1b}[2J.json", "{");
    let run = place.run(&["status"]).ok();
    assert!(run.stderr.contains("not enrolled"), "{run:?}");
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
}

#[test]
fn a_registry_of_fifty_thousand_records_is_counted_in_time() {
    let place = Place::empty();
    fs::create_dir(place.path("enrolled")).unwrap();
    for n in 0..50_000 {
        let record = format!(
            r#"{{"worker_id":"org.acme.w{n}","worker_species_id":"wrk.w{}","capabilities":["cap.c{}"]}}"#,
            n % 1000,
            n % 100
        );
        place.write(&format!("enrolled/w{n}.json"), record);
    }
    let begun = std::time::Instant::now();
    let status = place.run(&["--json", "status"]).ok().document();
    let took = begun.elapsed();
    assert_eq!(status["enrolled_count"], 50_000);
    // Two seconds are promised; a busy machine is given more.
    assert!(took.as_secs() < 10, "{took:?}");
}

#[test]
fn the_wizard_asks_on_a_terminal() {
    if !have("script", &["-qec", "true", "/dev/null"]) {
        crate::skipped::skipped("without `script` there is no terminal to ask at");
        return;
    }
    let place = Place::empty();
    let program = env!("CARGO_BIN_EXE_sealbook");
    let without: Vec<_> = BUILD
        .iter()
        .filter(|arg| !arg.contains("risk") && **arg != "low")
        .collect();
    let args: Vec<_> = without
        .iter()
        .map(|a| a.to_string())
        .chain(REST.map(String::from))
        .collect();
    let line = format!("{program} {}", args.join(" "));
    let mut command = place.command_of("script".as_ref(), &["-qec", &line, "/dev/null"]);
    use std::io::Write;
    use std::process::Stdio;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first answer is chosen.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"\r").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("its risk tier"), "{shown}");
    let record: Value = serde_json::from_str(&place.read("w/registry_record.json")).unwrap();
    assert_eq!(record["risk_tier"], "low");
}
