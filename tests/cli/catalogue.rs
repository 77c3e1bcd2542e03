//! `search`, `explain`, `browse`, `dispatch`: the taxonomy catalogue.

use serde_json::json;

use crate::place::{Place, have};

const ENTRY: [&str; 6] = ["description", "id", "name", "related", "tags", "type"];

#[test]
fn search_finds_what_is_nearly_spelt_so_the_best_first() {
    let place = Place::empty();
    let found = place.run(&["--json", "search", "summarize documents"]).ok();
    let found = found.document();
    let entries = found.as_array().unwrap().iter();
    let ids: Vec<_> = entries.map(|entry| entry["id"].as_str().unwrap()).collect();
    for id in ["cap.doc.summarize", "wrk.doc.summarizer"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    let by_id = place.run(&["--json", "search", "cap.doc.summarize"]).ok();
    assert_eq!(by_id.document()[0]["id"], "cap.doc.summarize");
    let members: Vec<_> = found[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ENTRY);
    let workers = place
        .run(&["--json", "search", "summar", "--type", "wrk"])
        .ok();
    for entry in workers.document().as_array().unwrap() {
        assert_eq!(entry["type"], "wrk");
    }
    let one = place
        .run(&["--json", "search", "document", "--limit", "1"])
        .ok();
    assert_eq!(one.document().as_array().unwrap().len(), 1);
    let people = place.run(&["search", "summar"]).ok().stdout;
    assert!(people.lines().next().unwrap().starts_with(" ID") || people.starts_with("ID"));
    place.run(&["--json", "search", "qqqqzzzz"]).refused_with(
        1,
        "not_found",
        "nothing was found",
        "",
    );
}

#[test]
fn explain_shows_an_entry_and_what_refers_to_it() {
    let place = Place::empty();
    let entry = place.run(&["--json", "explain", "cap.doc.summarize"]).ok();
    let entry = entry.document();
    assert_eq!(entry["referred_to_by"], json!(["wrk.doc.summarizer"]));
    assert_eq!(entry.as_object().unwrap().len(), ENTRY.len() + 1);
    let people = place.run(&["explain", "cap.doc.summarize"]).ok().stdout;
    assert!(
        people.contains("used by   wrk.doc.summarizer\n"),
        "{people}"
    );
    place.run(&["--json", "explain", "cap.none"]).refused_with(
        1,
        "not_found",
        "nothing was found",
        "",
    );
}

#[test]
fn browse_lists_plainly_where_nobody_types() {
    let place = Place::empty();
    let all = place.run(&["--json", "browse"]).ok().document();
    let caps = place.run(&["--json", "browse", "--type", "cap"]).ok();
    let caps = caps.document();
    assert!(all.as_array().unwrap().len() > caps.as_array().unwrap().len());
    let of_type = |entry: &serde_json::Value| entry["type"] == "cap";
    assert!(caps.as_array().unwrap().iter().all(of_type));
    let people = place.run(&["browse", "--type", "cap"]).ok().stdout;
    assert!(people.contains("cap.doc.summarize"), "{people}");
    let run = place
        .run(&["--json", "browse", "--type", "all"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "usage");
}

#[test]
fn browse_is_a_search_on_a_terminal() {
    if !have("script", &["-qec", "true", "/dev/null"]) {
        crate::skipped::skipped("without `script` there is no terminal to browse on");
        return;
    }
    use std::io::Write;
    use std::process::Stdio;
    let place = Place::empty();
    let line = format!("{} browse", env!("CARGO_BIN_EXE_sealbook"));
    let mut command = place.command_of("script".as_ref(), &["-qec", &line, "/dev/null"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"translator\r\x1b").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    let explained = "Translates between languages with a local model.";
    assert!(shown.contains(explained), "{shown}");
}

#[test]
fn a_catalogue_of_ones_own_is_taken_and_its_text_is_escaped() {
    let place = Place::empty();
    let entry = r#"{"id": "cap.a", "name": "A\u001b[2J\u202e", "description": "x\ny"}"#;
    place.write("c.json", format!("{{\"entries\": [{entry}]}}"));
    let own = ["--catalog", "c.json"];
    let run = |args: &[&str]| place.run(&[args, &own[..]].concat());
    for args in [&["browse"][..], &["search", "cap"], &["explain", "cap.a"]] {
        let shown = run(args).ok().stdout;
        assert!(shown.contains("\\u{1b}[2J\\u{202e}"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
    run(&["--json", "explain", "cap.doc.summarize"]).refused_with(
        1,
        "not_found",
        "nothing was found",
        "",
    );
    place.write("c.json", format!("{{\"entries\": [{entry}, {entry}]}}"));
    let error = run(&["--json", "browse"]).ends_with(2).document();
    assert_eq!(error["error"]["code"], "bad_catalog");
    place.write("c.json", r#"{"entries": [{"id": "thing"}]}"#);
    let error = run(&["--json", "browse"]).ends_with(2).document();
    assert!(
        error["error"]["detail"]
            .as_str()
            .unwrap()
            .contains("entries[0].id")
    );
}

#[test]
fn dispatch_simulates_and_says_so() {
    let place = Place::empty();
    let args = ["--json", "dispatch", "cap.doc.summarize", "--env", "prod"];
    let decision = place.run(&args).ok().document();
    assert_eq!(decision["denied"], false, "{decision:#}");
    assert_eq!(decision["selected_worker_species_id"], "wrk.doc.summarizer");
    assert_eq!(
        (&decision["env"], &decision["dry_run"]),
        (&json!("prod"), &json!(true))
    );
    let again = place.run(&args).ok().document();
    assert_ne!(again["decision_id"], decision["decision_id"]);
    let people = place.run(&["dispatch", "cap.doc.summarize"]).ok().stdout;
    assert!(
        people.starts_with("simulated: nothing is dispatched or recorded\n"),
        "{people}"
    );
    let unknown = place.run(&["--json", "dispatch", "cap.none"]).ends_with(1);
    assert_eq!(unknown.document()["denied"], true);
    assert!(
        unknown.stderr.contains("not in the catalogue"),
        "{unknown:?}"
    );
    let run = place
        .run(&["--json", "dispatch", "cap.a", "--env", "mars"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "bad_input");
    place.write("rules.json", r#"{"rules": []}"#);
    let args = [
        "--json",
        "dispatch",
        "cap.doc.summarize",
        "--rules",
        "rules.json",
    ];
    let decision = place.run(&args).ends_with(1).document();
    assert_eq!(decision["matched_rule_id"], "NO_MATCH");
}
