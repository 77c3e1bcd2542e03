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

/// The words of the last reload of a ledger, and its number.
fn last_changes(place: &Place, ledger: &str) -> (u64, String) {
    let log = place.run(&["--json", "--ledger", ledger, "log", "--kind", "hall.reload"]);
    let last = document(&log);
    let words = last["payload"]["changes"].to_string();
    let log = place.run(&["--json", "--ledger", ledger, "log"]);
    let all = documents(&log);
    let seq = all
        .iter()
        .position(|entry| entry["signature"] == last["signature"]);
    (seq.unwrap() as u64, words)
}

#[test]
fn what_changed_while_nobody_served_is_told_in_words_on_either_side_of_a_rotation() {
    let place = scene();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    let hall = |ledger: &str| {
        let server = place.serve(&[
            "--ledger",
            ledger,
            "--rules",
            "rules.json",
            "--registry-dir",
            "enrolled",
            "--policy",
            "gate.rego",
        ]);
        server.end();
    };
    hall("ledger");
    let (first, words) = last_changes(&place, "ledger");
    assert_eq!(words, "[]");
    // The same again is not a change.
    hall("ledger");
    assert_eq!(last_changes(&place, "ledger").0, first);
    // A policy and a privilege.
    let gate = std::fs::read_to_string(place.path().join("gate.rego")).unwrap();
    write("gate.rego", &gate.replace("p1", "p2"));
    let wide = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.a",
        "capabilities": ["cap.a"], "currently_implements": [],
        "privilege_envelope": {"secrets_access": [], "network_egress": "open",
            "filesystem_writes": [], "tools": ["sh"]}});
    write("enrolled/w.json", &wide.to_string());
    hall("ledger");
    let (second, words) = last_changes(&place, "ledger");
    assert!(second > first);
    for told in ["policy", "p2", "envelopes.org.a.w is new", "sh"] {
        assert!(words.contains(told), "{told}: {words}");
    }
    // In the next book the rules change, and nothing else is told.
    assert!(place.run(&["rotate", "second"]).status.success());
    write("rules.json", r#"{"rules": []}"#);
    hall("second");
    let (third, words) = last_changes(&place, "second");
    assert!(words.contains("rules.r is gone"), "{words}");
    assert!(
        !words.contains("envelopes") && !words.contains("p2"),
        "{words}"
    );

    // Each question is one command, on either side.
    let books = ["--books", "ledger", "--books", "second"];
    let ask = |args: &[&str]| place.run(&[&["--json"], args, &books[..]].concat());
    let (before, after) = (format!("0:{second}"), format!("1:{third}"));
    let differs = ask(&["diff", "--documents", &before, &after]);
    assert_eq!(differs.status.code(), Some(1), "{differs:?}");
    let differs = document(&differs);
    assert_eq!(differs["books"], json!([0, 1]));
    assert!(
        differs["differences"]
            .to_string()
            .contains("rules.r is gone"),
        "{differs}"
    );
    let same = ask(&["diff", "--documents", &before, &before]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    let bare = ask(&["diff", "--documents", "1", "2"]);
    assert_eq!(code(&bare), (Some(2), "usage".to_owned()), "{bare:?}");
    let reload = document(&ask(&["show", &before]));
    assert_eq!(reload["book"], 0, "{reload}");
    let rules = reload["entry"]["payload"]["after"]["rules"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = document(&ask(&["show", "--document", &rules]));
    assert_eq!(shown["content"]["rules"][0]["rule_id"], "r", "{shown}");
    let by_hash = reload["entry"]["prev_hash"].as_str().unwrap().to_owned();
    assert_eq!(document(&ask(&["show", &by_hash]))["book"], 0);
    let none = ask(&["show", &"0".repeat(64)]);
    assert_eq!(code(&none), (Some(1), "not_found".to_owned()), "{none:?}");
    let changes = documents(&ask(&["log", "--changes"]));
    let of_books: Vec<&Value> = changes.iter().map(|entry| &entry["book"]).collect();
    assert!(
        of_books.contains(&&json!(0)) && of_books.contains(&&json!(1)),
        "{changes:?}"
    );
    for ledger in ["ledger", "second"] {
        assert!(place.run(&["verify", ledger]).status.success(), "{ledger}");
    }
}
