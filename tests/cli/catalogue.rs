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

/// As PyHall's SDK has its catalogue.
const SDK: &str = r#"{"_meta": {"version": "0.1.0", "wcp_spec": "0.1", "total_entities": 5, "built": "2026-02-26"},
  "entities": [
  {"id": "cap.doc.sign", "type": "capability", "name": "Sign", "description": "Signs a document.",
   "risk_tier": "high", "tags": ["document"], "typical_controls": ["ctrl.obs.audit"],
   "blast_radius_hint": {"data": 1, "reversibility": "reversible"}, "wcp_namespace": "reserved"},
  {"id": "wrk.doc.signer", "type": "worker_species", "name": "Signer", "description": "Signs.",
   "risk_tier": "medium", "tags": [], "serves_capabilities": ["cap.doc.sign"],
   "required_controls": ["ctrl.keys.held"], "idempotency": "full", "determinism": "captured"},
  {"id": "ctrl.obs.audit", "type": "control", "name": "Audit", "description": "Kept.", "tags": [],
   "enforcement_point": "worker", "required_for_risk_tiers": ["high"]},
  {"id": "prof.strict", "type": "profile", "name": "Strict", "description": "Tight.", "tags": [],
   "controls_required": ["ctrl.obs.audit"]},
  {"id": "pol.default-deny", "type": "policy", "name": "Default deny", "description": "Denies.",
   "tags": ["policy"], "controls_required": ["ctrl.obs.audit"]}]}"#;

#[test]
fn the_catalogue_file_of_the_sdk_is_read() {
    let place = Place::empty();
    place.write("catalog.json", SDK);
    let run = |args: &[&str]| {
        let all = [&["--json"][..], args, &["--catalog", "catalog.json"]].concat();
        place.run(&all)
    };
    let all = run(&["browse"]).ok().document();
    assert_eq!(all.as_array().unwrap().len(), 5);
    let policies = run(&["browse", "--type", "pol"]).ok().document();
    assert_eq!(policies[0]["id"], "pol.default-deny");
    assert_eq!(policies[0]["related"], json!(["ctrl.obs.audit"]));
    assert_eq!(policies.as_array().unwrap().len(), 1);
    let worker = run(&["explain", "wrk.doc.signer"]).ok().document();
    assert_eq!(worker["related"], json!(["cap.doc.sign", "ctrl.keys.held"]));
    assert_eq!(worker["risk_tier"], "medium");
    let decision = run(&["dispatch", "cap.doc.sign"]).ok().document();
    assert_eq!(decision["selected_worker_species_id"], "wrk.doc.signer");
    assert_eq!(
        decision["required_controls_effective"],
        json!(["ctrl.keys.held", "ctrl.obs.audit"])
    );
    place.write("catalog.json", SDK.replace("pol.default", "thing.default"));
    let error = run(&["browse"]).ends_with(2).document();
    let detail = error["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("entities[4].id"), "{detail}");
}

#[test]
fn a_plan_is_shown_and_nothing_is_decided() {
    let place = Place::empty();
    let plan = |capability: &str| {
        let args = ["--json", "dispatch", capability, "--dry-run", "--quiet"];
        place.run(&args).ok().document()
    };
    let shown = plan("cap.doc.summarize");
    assert_eq!(shown["matched_rule_id"], "rr_simulated");
    assert_eq!(shown["candidates"], json!(["wrk.doc.summarizer"]));
    assert_eq!(shown["dry_run"], true);
    assert_eq!(
        (shown.get("decision_id"), shown.get("denied")),
        (None, None)
    );
    place.write("rules.json", r#"{"rules": []}"#);
    let none = ["dispatch", "cap.a", "--dry-run", "--rules", "rules.json"];
    let none = place.run(&none).ok().stdout;
    assert!(none.contains("none: it would be denied"), "{none}");
}

#[test]
fn quiet_leaves_out_notes_and_says_warnings() {
    let place = Place::sealed();
    let loud = place.run(&["prove", "1", "-o", "one.proof"]).ok();
    assert!(
        loud.stderr.starts_with("sealbook: note: "),
        "{}",
        loud.stderr
    );
    let quiet = place
        .run(&["--quiet", "prove", "1", "-o", "one.proof"])
        .ok();
    assert_eq!(quiet.stderr, "");
    let warned = place.run(&["dispatch", "cap.none", "--quiet"]).ends_with(1);
    assert!(
        warned.stderr.contains("not in the catalogue"),
        "{}",
        warned.stderr
    );
    // That nothing is recorded is said all the same.
    let empty = Place::empty();
    empty.write("rules.json", r#"{"rules": []}"#);
    std::fs::create_dir(empty.path("enrolled")).unwrap();
    let route = [
        "route",
        "--quiet",
        "--capability",
        "cap.a",
        "--rules",
        "rules.json",
    ];
    let unrecorded = empty.run(&route).ends_with(1);
    assert!(
        unrecorded.stderr.contains("nothing was recorded"),
        "{}",
        unrecorded.stderr
    );
}
