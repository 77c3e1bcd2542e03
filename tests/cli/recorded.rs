//! `--record`: outcomes as entries, of the shape that SPEC §5.4 gives them.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, Run};

/// A ledger, and beside it a package, a folder under a manifest, and a card.
fn scene() -> Place {
    let place = Place::initialised();
    place.run(&["package", "scaffold", "pkg"]).ok();
    keyed(
        &place,
        &[
            "package",
            "sign",
            "pkg",
            "--worker-id",
            "org.a.w",
            "--worker-species-id",
            "wrk.a",
        ],
    )
    .ok();
    fs::create_dir(place.path("cache")).unwrap();
    place.write("cache/a", "a");
    place
        .run(&["manifest", "build", "cache", "--key", "ledger.key.pem"])
        .ok();
    let card = json!({"vacant_id": place.key(), "capability_text": "t", "halo_version": 1,
        "substrate_spec": {"allowed_substrates": ["s"], "policy": {}}});
    place.write("draft.json", card.to_string());
    let sign = [
        "card",
        "sign",
        "draft.json",
        "--key",
        "ledger.key.pem",
        "-o",
        "card.json",
    ];
    place.run(&sign).ok();
    place
}

fn keyed(place: &Place, args: &[&str]) -> Run {
    let mut command = place.command(args);
    command.env("WCP_ATTEST_HMAC_KEY", "k");
    Run::of(args, command.output().unwrap())
}

/// The last entry, which must be whole with all before it.
fn last(place: &Place, run: &Run) -> Value {
    place.run(&["verify"]).ok();
    let log = place
        .run(&["--json", "log", "--reverse", "--limit", "1"])
        .ok();
    let entry = log.document();
    let told = format!("sealbook: note: recorded as entry {}: ", entry["seq"]);
    assert!(run.stderr.contains(&told), "{run:?}");
    entry
}

fn members(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[test]
fn attestations_are_recorded_with_what_was_printed() {
    let place = scene();
    let args = [
        "--json",
        "package",
        "verify",
        "pkg",
        "--record",
        "--worker-id",
    ];
    for (worker, status) in [("org.a.w", 0), ("org.a.other", 1)] {
        let ids = [worker, "--worker-species-id", "wrk.a"];
        let run = keyed(&place, &[&args[..], &ids].concat()).ends_with(status);
        let (outcome, entry) = (run.document(), last(&place, &run));
        assert_eq!(entry["kind"], "wcp.attestation");
        let payload = &entry["payload"];
        let expected = [
            "_actor",
            "deny_code",
            "manifest_sha256",
            "meta",
            "mode",
            "ok",
            "package_hash",
            "path",
            "trusted_keys",
            "worker_id",
            "worker_species_id",
        ];
        assert_eq!(members(payload), expected);
        for name in ["ok", "deny_code", "meta"] {
            assert_eq!(payload[name], outcome[name], "{name}");
        }
        assert_eq!(payload["worker_id"], worker);
    }
    let found = place.run(&["--json", "log", "--worker", "org.a.w"]).ok();
    assert_eq!(found.documents().len(), 1);
}

#[test]
fn manifests_are_recorded_whole() {
    let place = scene();
    let key = place.key();
    let args = ["--json", "manifest", "verify", "cache", "--record"];
    for (more, status) in [(&["--trusted-key", &key][..], 0), (&[], 1)] {
        let run = place.run(&[&args[..], more].concat()).ends_with(status);
        let (mut result, entry) = (run.document(), last(&place, &run));
        assert_eq!(entry["kind"], "manifest.verify");
        let digest = entry["payload"]["manifest_sha256"].clone();
        assert!(digest.is_string());
        result["manifest_sha256"] = digest;
        for name in ["_actor", "mode", "path", "trusted_keys"] {
            result[name] = entry["payload"][name].clone();
            assert_ne!(result[name], Value::Null, "{name}");
        }
        assert_eq!(entry["payload"], result);
    }
}

#[test]
fn cards_and_resident_forms_are_recorded_with_their_verdict() {
    let place = scene();
    let (own, other) = (place.key(), "11".repeat(32));
    for (file, key, status) in [
        ("card.json", &own, 0),
        ("card.json", &other, 1),
        ("draft.json", &own, 1),
    ] {
        let args = ["card", "verify", file, "--key", key, "--record"];
        let run = place.run(&args).ends_with(status);
        let entry = last(&place, &run);
        assert_eq!(entry["kind"], "vacant.card");
        let expected = ["_actor", "card", "fault", "path", "trusted_keys", "verdict"];
        assert_eq!(members(&entry["payload"]), expected);
        let verdict = if status == 0 { "pass" } else { "fail" };
        assert_eq!(entry["payload"]["verdict"], verdict);
        assert_eq!(entry["payload"]["card"]["vacant_id"], own);
    }
    let form = json!({"identity": own, "logbook": [], "runtime_state": "LOCAL",
        "behavior_bundle": {"system_prompt": "", "policy_dsl": "", "tool_whitelist": []},
        "substrate_spec": {"allowed_substrates": ["s"], "policy": {}}});
    place.write("form.json", form.to_string());
    let run = place
        .run(&["resident", "verify", "form.json", "--record"])
        .ok();
    let entry = last(&place, &run);
    assert_eq!(entry["kind"], "vacant.resident");
    assert_eq!(entry["payload"]["verified"], true);
    assert!(entry["payload"]["form"].is_string());
}

#[test]
fn enrolments_are_recorded_with_the_registry_before_and_after() {
    let place = Place::initialised();
    place.write(
        "a.json",
        r#"{"worker_id": "a", "worker_species_id": "wrk.a"}"#,
    );
    let enroll = || {
        let run = place.run(&["--json", "enroll", "a.json", "--record"]).ok();
        let entry = last(&place, &run);
        assert_eq!(entry["kind"], "hall.enrolment");
        assert_eq!(entry["payload"]["worker_id"], "a");
        (run.document(), entry["payload"].clone())
    };
    let (first, payload) = enroll();
    assert_eq!(payload["before"]["artifact_hash"], Value::Null);
    assert_eq!(payload["after"]["artifact_hash"], first["artifact_hash"]);
    assert_ne!(payload["before"]["registry"], payload["after"]["registry"]);
    let (_, again) = enroll();
    assert_eq!(again["before"], payload["after"]);
    assert_eq!(again["after"], payload["after"]);
}

#[test]
fn what_cannot_be_recorded_is_not_answered() {
    let place = scene();
    let args = [
        "--json", "--ledger", "none", "manifest", "verify", "cache", "--record",
    ];
    place.run(&args).refused(
        "ledger_missing",
        "there is no ledger in none",
        "make one with `sealbook init`, or name it with --ledger DIR",
    );
    let count = place.count();
    place
        .run(&["--json", "manifest", "verify", "cache"])
        .ends_with(1);
    assert_eq!(
        place.count(),
        count + 1,
        "it is recorded unless one asks not to"
    );
    place.write(
        "a.json",
        r#"{"worker_id": "a", "worker_species_id": "wrk.a"}"#,
    );
    place
        .run(&["--ledger", "none", "enroll", "a.json", "--record"])
        .ends_with(2);
    assert!(!place.path("enrolled").exists());
}
