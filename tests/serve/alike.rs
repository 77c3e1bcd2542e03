//! What is the same by the socket and by the lock: bulk deciding with files of its own,
//! bans, evidence of other logs; and what becomes of claims.

use serde_json::{Value, json};

use crate::process::Place;
use crate::wire::{case, code, document, documents, entries, hall, scene};

/// What of an answer does not differ from run to run.
fn plain(answers: Vec<Value>) -> Vec<Value> {
    let plain = |answer: Value| {
        let decision = &answer["decision"];
        json!([
            answer["id"],
            decision["denied"],
            decision["deny_reason_if_denied"]["code"],
            decision["matched_rule_id"],
            decision["selected_worker_species_id"]
        ])
    };
    answers.into_iter().map(plain).collect()
}

#[test]
fn decide_has_its_own_files_beside_a_server_with_others() {
    let place = scene();
    let decide = [
        "decide",
        "--record",
        "--rules",
        "rules.json",
        "--registry-dir",
        "enrolled",
        "--config",
        "config.json",
        "--policy",
        "gate.rego",
        "cases",
    ];
    let by_lock = place.run(&decide);
    assert!(by_lock.status.success(), "{by_lock:?}");
    let server = hall(&place);
    let by_socket = place.run(&decide);
    assert!(by_socket.status.success(), "{by_socket:?}");
    let (by_lock, by_socket) = (documents(&by_lock), documents(&by_socket));
    assert_eq!(plain(by_socket.clone()), plain(by_lock.clone()));
    assert_eq!(
        plain(by_socket.clone())[0],
        json!(["t", false, null, "r", "wrk.a"])
    );
    assert_eq!(plain(by_socket.clone())[1][1], true);
    // Both refer to the same documents: rules, configuration and policy stand there once.
    let entry = |answer: &Value| {
        let seq = answer["receipt"]["seq"]
            .as_u64()
            .or_else(|| answer["receipt"]["entry"]["seq"].as_u64());
        document(&place.run(&[
            "--json",
            "show",
            &seq.unwrap_or_else(|| panic!("{answer}")).to_string(),
        ]))
    };
    for (lock, socket) in by_lock.iter().zip(&by_socket) {
        let (lock, socket) = (entry(lock), entry(socket));
        for member in ["rules", "config", "policy", "registry"] {
            assert_eq!(
                lock["payload"].get(member),
                socket["payload"].get(member),
                "{member}"
            );
        }
    }
    server.end();
    let replayed = place.run(&["--json", "replay"]);
    let replayed = document(&replayed);
    assert_eq!(
        (&replayed["verdict"], &replayed["counts"]["mismatched"]),
        (&json!("pass"), &json!(0))
    );
}

#[test]
fn who_is_banned_in_the_ledger_is_not_chosen_in_bulk_either() {
    let place = scene();
    let ban = ["worker", "ban", "--worker-id", "org.a.w", "--why", "stolen"];
    let decide = [
        "decide",
        "--rules",
        "rules.json",
        "--registry-dir",
        "enrolled",
        "--policy",
        "gate.rego",
        "cases",
    ];
    let recorded = [&decide[..], &["--record"]].concat();
    let first = |args: &[&str]| {
        let output = place.run(args);
        assert!(output.status.success(), "{output:?}");
        documents(&output)[0]["decision"]["denied"].clone()
    };
    assert_eq!(
        (first(&decide), first(&recorded)),
        (json!(false), json!(false))
    );
    assert!(place.run(&ban).status.success());
    let named = [&["--ledger", "ledger"], &decide[..]].concat();
    assert_eq!(
        (first(&named), first(&recorded)),
        (json!(true), json!(true))
    );
    let server = hall(&place);
    assert_eq!(first(&recorded), true);
    server.end();
    let replayed = document(&place.run(&["--json", "replay"]));
    assert_eq!(
        (&replayed["verdict"], &replayed["counts"]["mismatched"]),
        (&json!("pass"), &json!(0))
    );
}

#[test]
fn evidence_of_another_log_is_taken_in_by_the_server_as_by_the_lock() {
    let place = scene();
    let other = Place::initialised();
    for args in [
        &["append", "--kind", "note", "--payload", "{}"][..],
        &["seal"],
        &["export", "-o", "b.bundle"],
    ] {
        assert!(other.run(args).status.success());
    }
    let key = String::from_utf8(other.run(&["key"]).stdout).unwrap();
    std::fs::copy(other.path().join("b.bundle"), place.path().join("b.bundle")).unwrap();
    let server = hall(&place);
    let import = |key: &str| place.run(&["--json", "import", "b.bundle", "--key", key]);
    // Under another key it is refused, and leaves nothing.
    let refused = import(&"11".repeat(32));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert_eq!(document(&refused)["outcome"], "refused");
    assert_eq!(entries(&place, "sealbook:import").len(), 0);
    let imported = document(&import(key.trim()));
    assert_eq!(imported["outcome"], "imported", "{imported}");
    assert_eq!(document(&import(key.trim()))["outcome"], "known");
    let listed = document(&place.run(&["--json", "import", "--list"]));
    assert_eq!(
        (&listed["digest"], &listed["seq"]),
        (&imported["digest"], &imported["seq"])
    );
    let missing = place.run(&["--json", "import", "none.bundle", "--key", key.trim()]);
    assert_eq!(code(&missing), (Some(2), "io".to_owned()), "{missing:?}");
    server.end();
    // The same by the lock: it is there already.
    assert_eq!(document(&import(key.trim()))["outcome"], "known");
    assert!(place.run(&["verify"]).status.success());
}

#[test]
fn a_claim_that_brings_its_inputs_is_computed_again_and_told_apart() {
    let place = scene();
    let token = place.run(&["token", "new", "--name", "python", "--scope", "ingest"]);
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let server = place.serve(&["--token-file", "tokens.jsonl"]);
    let mut claim = case("t");
    claim["rules"] = json!({"rules": []});
    let said = |denied: bool, code: Value| {
        let mut claim = claim.clone();
        claim["decision_id"] = json!(format!("d-{denied}"));
        claim["denied"] = json!(denied);
        claim["deny_reason_if_denied"] = json!({"code": code, "message": "m"});
        claim["matched_rule_id"] = json!("NO_MATCH");
        claim["capability_id"] = json!("cap.a");
        claim["tenant_id"] = json!("t");
        claim["correlation_id"] = json!("c");
        claim.to_string()
    };
    // One says what follows, one does not, and one brings nothing.
    for body in [
        said(true, json!("DENY_NO_MATCHING_RULE")),
        said(false, Value::Null),
        json!({"decision_id": "d-3", "denied": false}).to_string(),
    ] {
        assert_eq!(
            server.post_as(&token, "/decisions/ingest", &body).0,
            201,
            "{body}"
        );
    }
    server.end();
    let replayed = document(&place.run(&["--json", "replay"]));
    let claims: Vec<&Value> = replayed["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["event"] == "claimed")
        .collect();
    assert_eq!(claims.len(), 3, "{replayed:#}");
    assert_eq!(replayed["counts"]["claimed"], 3);
    let denied: Vec<Value> = claims
        .iter()
        .map(|it| it["of_its_inputs"]["denied"].clone())
        .collect();
    assert_eq!(
        denied,
        [json!(true), json!(true), Value::Null],
        "{claims:#?}"
    );
    assert_eq!(claims[1]["same_of_its_inputs"], false);
    assert_eq!(claims[2].get("same_of_its_inputs"), None);
    // A claim is nobody's decision here: the verdict does not hang on it.
    assert_eq!(
        (&replayed["verdict"], &replayed["counts"]["decisions"]),
        (&json!("pass"), &json!(0))
    );
}
