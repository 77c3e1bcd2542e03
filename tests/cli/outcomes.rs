//! Every outcome is an entry: of packages, manifests, workers and routes; and
//! what an investigator asks of them.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, Run};
use crate::routing::{route, scene};

fn keyed(place: &Place, args: &[&str]) -> Run {
    let mut command = place.command(args);
    command.env("WCP_ATTEST_HMAC_KEY", "k");
    Run::of(args, command.output().unwrap())
}

const IDS: [&str; 4] = [
    "--worker-id",
    "org.a.w",
    "--worker-species-id",
    "wrk.doc.summarizer",
];

/// A scene with an attested package and a manifest of the ledger's key.
fn outcomes() -> Place {
    let place = scene();
    place.run(&["package", "scaffold", "pkg"]).ok();
    keyed(&place, &[&["package", "sign", "pkg"][..], &IDS].concat()).ok();
    fs::create_dir(place.path("cache")).unwrap();
    place.write("cache/a", "a");
    place
        .run(&["manifest", "build", "cache", "--key", "ledger.key.pem"])
        .ok();
    place
}

fn package(place: &Place, more: &[&str]) -> Run {
    keyed(
        place,
        &[&["--json", "package", "verify", "pkg"][..], &IDS, more].concat(),
    )
}

fn last(place: &Place) -> Value {
    let log = place.run(&["--json", "log", "--reverse", "--limit", "1"]);
    log.ok().document()
}

#[test]
fn a_verdict_is_recorded_without_being_asked_and_not_where_one_asks_not_to() {
    let place = outcomes();
    let before = place.count();
    package(&place, &["--correlation-id", "c-9"]).ok();
    assert_eq!(place.count(), before + 1);
    let payload = last(&place)["payload"].clone();
    assert_eq!(payload["correlation_id"], "c-9");
    assert_eq!(
        (&payload["path"], &payload["mode"]),
        (&json!("pkg"), &json!("strict"))
    );
    assert_eq!(payload["trusted_keys"], json!([]));
    let actor = &payload["_actor"];
    assert_eq!(actor["via"], "cli");
    assert!(
        actor["uid"].is_u64() && actor["host"].is_string(),
        "{actor}"
    );
    let key = place.key();
    place
        .run(&["manifest", "verify", "cache", "--trusted-key", &key])
        .ok();
    let payload = last(&place)["payload"].clone();
    assert_eq!(payload["path"], "cache/Manifest.json");
    assert_eq!(
        (&payload["mode"], &payload["trusted_keys"]),
        (&json!("airborne"), &json!([key]))
    );
    let before = place.count();
    package(&place, &["--no-record"]).ok();
    package(&place, &["--actor", "none"]).ok();
    assert_eq!(place.count(), before + 1);
    assert_eq!(last(&place)["payload"]["_actor"], Value::Null);
}

#[test]
fn decisions_in_bulk_name_who_asked_too() {
    let place = scene();
    let input = json!({"capability_id": "cap.doc.summarize", "env": "dev",
        "data_label": "INTERNAL", "tenant_risk": "low", "qos_class": "P2",
        "tenant_id": "acme", "correlation_id": "c-1"});
    let own = json!({"id": 2, "input": input, "rules": {"rules": []}});
    let given = json!({"id": 1, "input": input});
    for (line, more) in [(&given, &["--rules", "rules.json"][..]), (&own, &[])] {
        place.write("lines", format!("{line}\n"));
        let decide = [&["decide", "--record", "lines"][..], more].concat();
        place.run(&decide).ok();
        let actor = &last(&place)["payload"]["_actor"];
        assert_eq!(actor["via"], "cli");
        assert!(actor["uid"].is_u64(), "{actor}");
        place
            .run(&[&decide[..], &["--actor", "none"]].concat())
            .ok();
        assert_eq!(last(&place)["payload"]["_actor"], Value::Null);
    }
}

#[test]
fn where_there_is_no_ledger_one_line_says_so() {
    let place = outcomes();
    fs::rename(place.path("ledger"), place.path("away")).unwrap();
    let run = package(&place, &[]).ok();
    let told = "sealbook: note: nothing was recorded: there is no ledger in ./ledger\n";
    assert_eq!(run.stderr, told);
    assert_eq!(package(&place, &["--no-record"]).ok().stderr, "");
    package(&place, &["--record"]).ends_with(2);
    keyed(
        &place,
        &[&["--ledger", "none", "package", "verify", "pkg"][..], &IDS].concat(),
    )
    .ends_with(2);
    // A folder of that name is not a ledger either.
    fs::create_dir(place.path("ledger")).unwrap();
    assert_eq!(package(&place, &[]).ok().stderr, told);
}

#[test]
fn a_ledger_that_is_meant_and_cannot_be_written_gets_no_verdict_out() {
    let place = outcomes();
    fs::rename(place.path("ledger.key.pem"), place.path("lost")).unwrap();
    for args in [
        &["package", "verify", "pkg"][..],
        &["manifest", "verify", "cache"],
        &["route", "--capability", "cap.doc.summarize"],
    ] {
        let ids = if args[0] == "package" { &IDS[..] } else { &[] };
        let run = keyed(&place, &[args, ids].concat()).ends_with(2);
        assert_eq!(run.stdout, "", "{args:?}");
    }
    fs::rename(place.path("lost"), place.path("ledger.key.pem")).unwrap();
    fs::remove_file(place.path("ledger.mark")).unwrap();
    assert_eq!(
        package(&place, &[]).ends_with(2).document()["error"]["code"],
        "mark_missing"
    );
}

#[test]
fn what_failed_is_found_and_counted_as_denied() {
    let place = outcomes();
    place.write("pkg/code/worker_logic.py", "tampered");
    package(&place, &[]).ends_with(1);
    place.run(&["manifest", "verify", "cache"]).ends_with(1);
    let tampered =
        r#"{"worker_id": "org.a.x", "worker_species_id": "wrk.x", "artifact_hash": "sha256:00"}"#;
    place.write("bad.json", tampered);
    let run = place.run(&["--json", "enroll", "bad.json"]).ends_with(1);
    assert_eq!(run.document()["error"]["code"], "DENY_WORKER_TAMPERED");
    assert!(!place.path("enrolled/org.a.x.json").exists());
    let denied = place.run(&["--json", "log", "--denied"]).ok().documents();
    let kinds: Vec<_> = denied
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["wcp.attestation", "manifest.verify", "hall.enrolment"]
    );
    assert_eq!(denied[2]["payload"]["deny_code"], "DENY_WORKER_TAMPERED");
    assert_eq!(denied[2]["payload"]["worker_id"], "org.a.x");
    let detail = denied[0]["payload"]["meta"]["detail"].as_str().unwrap();
    assert!(!detail.contains("Some("), "{detail}");
    assert_eq!(place.run(&["--json", "stats"]).ok().document()["denied"], 3);
    let told = place.run(&["replay"]).ok().stdout;
    assert!(told.contains("NOT ATTESTED  org.a.w"), "{told}");
    assert!(told.contains(", via cli"), "{told}");
}

#[test]
fn a_ban_a_revocation_and_a_record_s_code_decide_routes_and_are_replayed() {
    let place = scene();
    let code = |run: Run| {
        let decision = run.document()["decision"].clone();
        decision["deny_reason_if_denied"]["code"].clone()
    };
    assert_eq!(code(route(&place, "acme", &[]).ok()), Value::Null);
    let worker = |verb: &str, more: &[&str]| {
        place.run(&[&["worker", verb][..], more, &["--why", "found out"]].concat())
    };
    let told = worker("revoke", &["org.a.w"]).ok().stdout;
    assert_eq!(
        told,
        "standing.org.a.w is new: {\"confirmed_hash\":null,\"pending_hash\":null,\"standing\":\"revoked\"}\n"
    );
    assert_eq!(code(route(&place, "acme", &[])), "DENY_WORKER_REVOKED");
    assert_eq!(
        code(route(&place, "acme", &["--no-record"])),
        "DENY_WORKER_REVOKED"
    );
    worker("restore", &["org.a.w"]).ok();
    worker("restore", &["org.a.w"]).ends_with(1);
    assert_eq!(code(route(&place, "acme", &[])), Value::Null);
    for what in [["--worker-id", "org.a.w"], ["--namespace", "org.a"]] {
        worker("ban", &what).ok();
        assert_eq!(code(route(&place, "acme", &[])), "DENY_WORKER_BANNED");
        worker("lift-ban", &what).ok();
    }
    let code_file = place.path("w.py");
    fs::write(&code_file, "print(1)").unwrap();
    let hash = sealbook::ledger::sha256::Sha256Digest::of(b"print(1)").to_string();
    let record = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.doc.summarizer",
        "currently_implements": ["ctrl.obs.audit"],
        "attestation": {"code_hash": hash, "source_file": code_file}});
    place.write("enrolled/w.json", record.to_string());
    place.write("config.json", r#"{"require_worker_attestation": true}"#);
    let attested = ["--config", "config.json", "--workers-root", "."];
    let run = route(&place, "acme", &attested).ok();
    assert_eq!(run.document()["receipt"]["worker_id"], "org.a.w");
    assert_eq!(run.document()["decision"]["worker_attestation_valid"], true);
    worker("ban", &["--sha256", &hash]).ok();
    assert_eq!(
        code(route(&place, "acme", &attested)),
        "DENY_WORKER_BANNED_HASH"
    );
    worker("lift-ban", &["--sha256", &hash]).ok();
    fs::write(&code_file, "print(2)").unwrap();
    assert_eq!(
        code(route(&place, "acme", &attested)),
        "DENY_WORKER_TAMPERED"
    );
    let replay = place.run(&["--json", "replay"]).ok().document();
    assert_eq!(replay["counts"]["mismatched"], 0);
    assert_eq!(replay["counts"]["recomputed"], 8);
    assert_eq!(replay["counts"]["bans"], 6);
    // Found by the worker's id, though a decision names its species.
    let found = place.run(&[
        "--json",
        "log",
        "--worker",
        "org.a.w",
        "--kind",
        "wcp.decision",
    ]);
    assert_eq!(found.ok().documents().len(), 3);
}

#[test]
fn what_decided_is_shown_and_compared_in_words() {
    let place = scene();
    route(&place, "acme", &[]).ok();
    let first = last(&place);
    let rules = place
        .read("rules.json")
        .replace("\"env\":\"dev\"", "\"env\":\"stage\"");
    place.write("rules.json", rules);
    route(&place, "acme", &["--env", "stage"]).ok();
    let second = last(&place);
    let digest = first["payload"]["context"]["rules"].as_str().unwrap();
    let shown = place
        .run(&["--json", "show", "--document", digest])
        .ok()
        .document();
    assert_eq!(shown["content"]["rules"][0]["rule_id"], "rr_dev");
    place
        .run(&["show", "--document", &"0".repeat(64)])
        .ends_with(1);
    let (a, b) = (first["seq"].to_string(), second["seq"].to_string());
    let told = place
        .run(&["--json", "diff", "--documents", &a, &b])
        .ends_with(1);
    let told = told.document()["differences"].clone();
    assert_eq!(
        told,
        json!(["rules.rr_dev.match.env: \"dev\" became \"stage\""])
    );
    let same = place.run(&["diff", "--documents", &a, &a]).ok();
    assert!(same.stdout.contains("nothing that decides is different"));
    place.run(&["diff", "--documents", "0", &a]).ends_with(2);
    let ban = ["worker", "ban", "--namespace", "x.bad", "--why", "steals"];
    place.run(&ban).ok();
    let changes = place.run(&["log", "--changes"]).ok().stdout;
    assert!(changes.contains("BANNED  x.bad"), "{changes}");
}

#[test]
fn a_tampered_package_is_never_what_was_attested_last() {
    let place = outcomes();
    package(&place, &[]).ok();
    let compared = ["replay", "--package", "pkg"];
    let told = keyed(&place, &compared).ok().stdout;
    assert!(told.contains("package is what was attested last"), "{told}");
    place.write("pkg/code/worker_logic.py", "tampered");
    package(&place, &[]).ends_with(1);
    let told = keyed(&place, &compared).ends_with(1).stdout;
    assert!(
        told.contains("package is NOT what was attested last"),
        "{told}"
    );
    let other = scene();
    other.copy_from(&place.path("pkg"), "pkg");
    let told = keyed(&other, &compared).ends_with(1).stdout;
    assert!(
        told.contains("the record has NO attestation of the package that passed"),
        "{told}"
    );
}

#[test]
fn the_command_line_enrols_as_the_server_does() {
    let place = scene();
    place.write(
        "a.json",
        r#"{"worker_id": "org.b", "worker_species_id": "wrk.b"}"#,
    );
    place.run(&["enroll", "a.json"]).ok();
    let entry = last(&place);
    assert_eq!(entry["kind"], "hall.enrolment");
    let payload = &entry["payload"];
    assert_eq!(
        (&payload["enrolled"], &payload["kept_in"]),
        (&json!(true), &json!("folder"))
    );
    assert_eq!(payload["record"]["worker_id"], "org.b");
    let changes = payload["changes"].as_array().unwrap();
    assert!(
        changes[0]
            .as_str()
            .unwrap()
            .starts_with("records.org.b is new"),
        "{changes:?}"
    );
}
