//! `replay`, as a user runs it.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, Run};
use crate::routing::{POLICY, RULES, route, scene};

#[test]
fn custody_is_told_in_order_for_people_and_escaped() {
    let place = scene();
    route(&place, "acme", &[]).ok();
    route(&place, "ev\u{1b}il", &[]).ends_with(1);
    let run = place.run(&["replay", "--correlation", "c-1"]).ok();
    assert!(!run.stdout.contains('\u{1b}'));
    let allowed = run.stdout.find("ALLOWED  wrk.doc.summarizer").unwrap();
    let denied = run.stdout.find("DENIED   DENY_POLICY_GATE").unwrap();
    assert!(allowed < denied);
    assert!(run.stdout.contains("by ev\\u{1b}il"));
    assert!(
        run.stdout
            .contains("2 decisions, 2 computed again, 0 come out otherwise")
    );
}

/// As everywhere where nothing is found: a case that is misspelt has not passed.
#[test]
fn a_replay_of_nothing_that_is_there_is_no_yes() {
    let place = scene();
    route(&place, "acme", &[]).ok();
    let nothing = ["--json", "replay", "--correlation", "c-2"];
    let replay = place.run(&nothing).ends_with(1).document();
    let empty = json!({"code": "empty", "detail": "no entry is what was asked for"});
    assert!(replay["warnings"].as_array().unwrap().contains(&empty));
    let said = place.run(&nothing[1..]).ends_with(1).stdout;
    assert!(said.contains("no entry is what was asked for"), "{said}");
    place.run(&["replay", "--correlation", "c-1"]).ok();
}

#[test]
fn the_json_of_a_replay_has_these_members_and_no_others() {
    let place = scene();
    route(&place, "acme", &[]).ok();
    let replay = place.run(&["--json", "replay"]).ok().document();
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let expected = [
        "books",
        "chained",
        "counts",
        "elapsed_ms",
        "entries",
        "epochs",
        "faults",
        "format",
        "genesis",
        "head",
        "key_source",
        "log",
        "not_checked",
        "otherwise",
        "timeline",
        "today",
        "verdict",
        "warnings",
    ];
    assert_eq!(names(&replay), expected);
    let expected = [
        "_actor",
        "ban_list",
        "capability_id",
        "config",
        "correlation_id",
        "data_label",
        "decision_id",
        "denied",
        "deny_code",
        "differences",
        "dry_run",
        "entry_hash",
        "env",
        "event",
        "inputs",
        "kind",
        "matched_rule_id",
        "policy",
        "recomputed",
        "registry",
        "rules",
        "same",
        "seq",
        "tenant_id",
        "ts",
        "unenforced",
        "worker",
        "worker_id",
    ];
    assert_eq!(names(&replay["timeline"][0]), expected);
    assert_eq!(replay["timeline"][0]["inputs"]["policy"], "recomputed");
    let expected = [
        "approvals",
        "attestations",
        "bans",
        "cards",
        "claimed",
        "confirmations",
        "could_not_evaluate",
        "decisions",
        "denied",
        "documents",
        "dry_runs",
        "enrolments",
        "fleet",
        "manifests",
        "mismatched",
        "on_trust",
        "policy_version_wrong",
        "recomputed",
        "refusals",
        "reloads",
        "reports",
        "revocations",
        "submissions",
        "timestamps",
        "unenforced",
        "without_budget",
        "without_input",
        "witnessed",
    ];
    assert_eq!(names(&replay["counts"]), expected);
}

#[test]
fn a_bundle_of_a_correlation_replays_offline_with_its_policy() {
    let place = scene();
    route(&place, "acme", &[]).ok();
    route(&place, "rival", &[]).ends_with(1);
    let export = ["export", "-o", "e.bundle", "--correlation", "c-1", "--seal"];
    place.run(&export).ok();
    let key = place.key();
    fs::rename(place.path("ledger"), place.path("gone")).unwrap();
    fs::remove_file(place.path("gate.rego")).unwrap();
    let run = place
        .run(&["--json", "replay", "e.bundle", "--key", &key])
        .ok();
    let replay = run.document();
    assert_eq!(
        (&replay["verdict"], &replay["format"]),
        (&json!("pass"), &json!("bundle"))
    );
    assert_eq!(replay["counts"]["recomputed"], 2);
    assert_eq!(replay["timeline"][0]["inputs"]["policy"], "recomputed");
    place.run(&["replay", "e.bundle"]).ends_with(1);
}

#[test]
fn what_would_have_been_stands_apart() {
    let place = scene();
    route(&place, "acme", &[]).ok();
    place.write("deny.rego", POLICY.replace("\"acme\"", "\"other\""));
    let args = ["--json", "replay", "--with-policy", "deny.rego"];
    let replay = place.run(&args).ok().document();
    assert_eq!(replay["timeline"][0]["denied"], false);
    assert_eq!(replay["otherwise"]["changed"], 1);
    let told = &replay["otherwise"]["decisions"][0];
    assert_eq!(told["otherwise"]["deny_code"], "DENY_POLICY_GATE");
    assert_eq!(told["recorded"]["worker"], "wrk.doc.summarizer");
    place.write(
        "other.json",
        RULES.replace("wrk.doc.summarizer", "wrk.other"),
    );
    let run = place.run(&["replay", "--with-rules", "other.json"]).ok();
    let apart = run.stdout.find("WHAT WOULD HAVE BEEN").unwrap();
    assert!(run.stdout.find("PASS").unwrap() < apart);
    assert!(
        run.stdout
            .contains("not recorded: availability of wrk.other")
    );
}

#[test]
fn packages_and_artifacts_are_held_against_what_was_attested() {
    let place = Place::initialised();
    let keyed = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("WCP_ATTEST_HMAC_KEY", "k");
        Run::of(args, command.output().unwrap())
    };
    keyed(&["package", "scaffold", "pkg"]).ok();
    let ids = ["--worker-id", "org.a.w", "--worker-species-id", "wrk.a"];
    keyed(&[&["package", "sign", "pkg"], &ids[..]].concat()).ok();
    keyed(&[&["package", "verify", "pkg", "--record"], &ids[..]].concat()).ok();
    fs::create_dir(place.path("cache")).unwrap();
    place.write("cache/a", "a");
    let build = ["manifest", "build", "cache", "--key", "ledger.key.pem"];
    place.run(&build).ok();
    let key = place.key();
    place
        .run(&[
            "manifest",
            "verify",
            "cache",
            "--trusted-key",
            &key,
            "--record",
        ])
        .ok();
    let replay = [
        "--json",
        "replay",
        "--package",
        "pkg",
        "--artifacts",
        "cache",
    ];
    let told = keyed(&replay).ok().document();
    assert_eq!(told["today"], true);
    assert_eq!(told["timeline"][0]["today"]["same"], true);
    assert_eq!(told["timeline"][0]["today"]["ok"], true);
    assert_eq!(told["timeline"][1]["today"]["same"], true);
    place.write("cache/a", "b");
    let told = keyed(&replay).ends_with(1).document();
    assert_eq!(told["today"], false);
    assert_eq!(told["timeline"][1]["today"]["changed"], json!(["a"]));
    assert_eq!(told["verdict"], "pass");
    place.write("pkg/more", "x");
    let told = keyed(&["--json", "replay", "--package", "pkg"])
        .ends_with(1)
        .document();
    assert_eq!(told["timeline"][0]["today"]["same"], false);
    assert_eq!(
        told["timeline"][0]["today"]["deny_code"],
        "ATTEST_HASH_MISMATCH"
    );
}
