//! Evidence judged over HTTP, and who may be dispatched to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealbook::attestation::{BuildSource, HmacKey, ManifestRequest, build_manifest};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::time::Timestamp;
use sealbook::serve::VerdictKeys;
use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::place::{Plan, Server, request, worker};

const CODE: &[u8] = b"print('hello')\n";

fn server() -> Server {
    let plan = Plan {
        tokens: true,
        verdict_keys: VerdictKeys {
            hmac: HmacKey::new("k"),
            trusted: Vec::new(),
        },
        ..Plan::default()
    };
    plan.start()
}

/// The manifest of a package of one file.
fn manifest() -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("w.py"), CODE).unwrap();
    let request = ManifestRequest {
        worker_id: "org.folder.one",
        worker_species_id: "wrk.doc.summarizer",
        worker_version: "1.0.0",
        build_source: BuildSource::Ci,
    };
    let key = HmacKey::new("k").unwrap();
    let now = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
    build_manifest(dir.path(), &request, &key, None, now)
        .unwrap()
        .to_text()
}

fn package(file: Value) -> Value {
    json!({"worker_id": "org.folder.one", "worker_species_id": "wrk.doc.summarizer",
        "manifest": manifest(), "files": [file], "correlation_id": "c-7", "path": "/srv/w"})
}

fn whole(content: &[u8]) -> Value {
    json!({"path": "w.py", "content": STANDARD.encode(content)})
}

fn reported(content: &[u8]) -> Value {
    let sha256 = Sha256Digest::of(content).to_string();
    json!({"path": "w.py", "size": content.len(), "sha256": sha256})
}

#[test]
fn reported_digests_may_deny_and_never_clear() {
    let server = server();
    for (file, verdict, ok) in [
        (whole(CODE), "cleared", json!(true)),
        (whole(b"tampered"), "denied", json!(false)),
        (reported(CODE), "not_cleared", Value::Null),
        (reported(b"tampered"), "denied", json!(false)),
    ] {
        let answer = server
            .post(Scope::Attest, "/v1/attestations", &package(file))
            .is(201);
        assert_eq!(answer["verdict"], verdict);
        let seq = &answer["receipt"]["seq"];
        let entry = server.get(&format!("/v1/entries/{seq}")).is(200)["entry"].clone();
        assert_eq!(entry["kind"], "wcp.attestation");
        let payload = &entry["payload"];
        assert_eq!(payload["ok"], ok);
        assert_eq!(payload["on_trust"], answer["on_trust"]);
        assert_eq!(
            (&payload["correlation_id"], &payload["path"]),
            (&json!("c-7"), &json!("/srv/w"))
        );
        assert_eq!(payload["_actor"]["name"], "attester");
    }
    let mut other = package(whole(CODE));
    other["worker_id"] = json!("org.folder.two");
    let answer = server
        .post(Scope::Attest, "/v1/attestations", &other)
        .is(201);
    assert_eq!(
        answer["outcome"]["deny_code"],
        "ATTEST_MANIFEST_ID_MISMATCH"
    );
    let alerts = server.get("/alerts").is(200);
    assert_eq!(alerts["count"], 3);
    assert_eq!(
        alerts["alerts"][0]["deny_reason"]["code"],
        "ATTEST_MANIFEST_ID_MISMATCH"
    );
    // The other scopes are not enough, and evidence that is none is refused.
    let refused = server.post(Scope::Append, "/v1/attestations", &package(whole(CODE)));
    refused.refused(403, "scope_missing");
    for file in [
        json!({"path": "../w.py", "content": ""}),
        json!({"path": "w.py", "content": "%"}),
        json!({"path": "w.py"}),
    ] {
        let refused = server.post(Scope::Attest, "/v1/attestations", &package(file));
        refused.refused(400, "bad_input");
    }
}

#[test]
fn what_no_hash_covers_denies_where_a_server_judges_too() {
    let server = server();
    let judged = |evidence: &Value| {
        let answer = server
            .post(Scope::Attest, "/v1/attestations", evidence)
            .is(201);
        let told = answer["outcome"]["meta"]["unattested"].clone();
        (answer["verdict"].clone(), told)
    };
    let pyc = "__pycache__/w.cpython-311.pyc";
    let mut told = package(whole(CODE));
    told["unattested"] = json!([pyc]);
    let mut sent = package(whole(CODE));
    let files = sent["files"].as_array_mut().unwrap();
    files.push(json!({"path": pyc, "content": STANDARD.encode("runs")}));
    for mut evidence in [told, sent] {
        assert_eq!(judged(&evidence), (json!("denied"), json!([pyc])));
        evidence["allow_unattested"] = json!(true);
        assert_eq!(judged(&evidence), (json!("cleared"), json!([pyc])));
    }
    // What a version control left is a warning.
    let mut evidence = package(whole(CODE));
    evidence["unattested"] = json!([".git/HEAD"]);
    assert_eq!(judged(&evidence), (json!("cleared"), json!([".git/HEAD"])));
}

#[test]
fn the_client_s_word_for_a_secret_clears_nothing() {
    let server = Server::with_tokens();
    let mut evidence = package(whole(CODE));
    let verdict = |evidence: &Value| {
        server
            .post(Scope::Attest, "/v1/attestations", evidence)
            .is(201)
    };
    assert_eq!(
        verdict(&evidence)["outcome"]["deny_code"],
        "ATTEST_SIGNATURE_MISSING"
    );
    evidence["hmac_valid"] = json!(true);
    let answer = verdict(&evidence);
    assert_eq!(answer["verdict"], "not_cleared");
    assert_eq!(answer["on_trust"], json!(["symmetric_key"]));
    evidence["hmac_valid"] = json!(false);
    assert_eq!(
        verdict(&evidence)["outcome"]["deny_code"],
        "ATTEST_SIG_INVALID"
    );
}

#[test]
fn a_manifest_and_a_card_are_judged_and_recorded() {
    let server = server();
    let evidence = json!({"manifest": "{}", "artifacts": []});
    let answer = server
        .post(Scope::Attest, "/v1/manifests", &evidence)
        .is(201);
    assert_eq!(answer["verdict"], "denied");
    assert_eq!(
        answer["outcome"]["fail_reasons"],
        json!(["manifest_self_hash_mismatch"])
    );
    let card = json!({"card": {"vacant_id": "11".repeat(32), "capability_text": "t",
        "halo_version": 1, "substrate_spec": {"allowed_substrates": ["s"], "policy": {}}}});
    let answer = server.post(Scope::Attest, "/v1/cards", &card).is(201);
    assert_eq!(
        (&answer["verdict"], &answer["outcome"]["verdict"]),
        (&json!("denied"), &json!("fail"))
    );
    let enrolled = server
        .post(Scope::Enrol, "/v1/enrolments", &worker("org.acme.w"))
        .is(201);
    assert_eq!(enrolled["enrolment"]["enrolled"], true);
    let seq = &enrolled["receipt"]["seq"];
    let entry = server.get(&format!("/v1/entries/{seq}")).is(200);
    assert_eq!(entry["entry"]["kind"], "hall.enrolment");
    let mut tampered = worker("org.acme.x");
    tampered["risk_tier"] = json!("high");
    let refused = server.post(Scope::Enrol, "/enroll", &tampered);
    refused.refused(400, "DENY_WORKER_TAMPERED");
    let alert = server.get("/alerts?limit=1").is(200)["alerts"][0].clone();
    assert_eq!(alert["kind"], "hall.enrolment");
    assert_eq!(alert["deny_reason"]["code"], "DENY_WORKER_TAMPERED");
}

#[test]
fn an_administrator_s_word_decides_who_is_dispatched_to() {
    let server = Server::with_tokens();
    let code = || {
        let body = request("cap.doc.summarize", "prod", "c-1");
        let answer = server.post(Scope::Route, "/route", &body).is(200);
        answer["decision"]["deny_reason_if_denied"]["code"].clone()
    };
    let say = |path: &str, body: Value| server.post(Scope::Admin, path, &body);
    let status = || server.get("/api/v1/verify/org.folder.one").is(200)["status"].clone();
    assert_eq!((code(), status()), (Value::Null, json!("active")));
    let revoke = "/api/v1/workers/org.folder.one/revoke";
    let changed = say(revoke, json!({"why": "left"})).is(201);
    let change = changed["changes"][0].as_str().unwrap();
    assert!(change.contains("revoked"), "{change}");
    assert_eq!(
        (code(), status()),
        (json!("DENY_WORKER_REVOKED"), json!("revoked"))
    );
    say(revoke, json!({"why": "back", "revoked": false})).is(201);
    assert_eq!((code(), status()), (Value::Null, json!("active")));
    let ban = "/api/v1/ban-list/ban";
    say(ban, json!({"worker_id": "org.folder.one", "reason": "r"})).is(201);
    assert_eq!(
        (code(), status()),
        (json!("DENY_WORKER_BANNED"), json!("banned"))
    );
    say(
        ban,
        json!({"worker_id": "org.folder.one", "reason": "r", "banned": false}),
    )
    .is(201);
    assert_eq!(code(), Value::Null);
    say(ban, json!({"reason": "r"})).refused(400, "bad_input");
    say(
        ban,
        json!({"namespace": "org.none", "reason": "r", "banned": false}),
    )
    .refused(404, "not_found");
    server
        .post(
            Scope::Enrol,
            ban,
            &json!({"namespace": "org.a", "reason": "r"}),
        )
        .refused(403, "scope_missing");
    // A hash that is submitted clears nothing, and one that is banned denies.
    let hash = "a".repeat(64);
    let headers = [
        (
            "authorization".to_owned(),
            format!("Bearer {}", server.token(Scope::Enrol)),
        ),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let submit = json!({"sha256": hash}).to_string();
    let path = "/api/v1/workers/org.folder.one/attest";
    server
        .send("PUT", path, &headers, submit.as_bytes())
        .is(200);
    let verify = || server.get("/api/v1/verify/org.folder.one").is(200)["review_status"].clone();
    assert_eq!(verify(), "pending");
    let confirm = "/api/v1/workers/org.folder.one/confirm";
    say(confirm, json!({"sha256": "b".repeat(64), "why": "w"})).refused(404, "not_found");
    say(confirm, json!({"sha256": hash, "why": "w"})).is(201);
    assert_eq!(verify(), "confirmed");
    say(ban, json!({"sha256": hash, "reason": "steals"})).is(201);
    assert_eq!(
        (code(), status()),
        (json!("DENY_WORKER_BANNED_HASH"), json!("banned"))
    );
}
