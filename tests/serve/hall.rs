//! The Hall API.

use sealbook::ledger::hash::Hash;
use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::place::{Server, request, worker};

/// The entry shows some of the decision that was answered, and has its digest.
fn is_of(payload: &Value, decision: &Value) {
    for (name, value) in payload["decision"].as_object().unwrap() {
        assert!(name == "worker_id" || decision[name] == *value, "{name}");
    }
    let digest = Hash::of(decision.to_string().as_bytes()).to_string();
    assert_eq!(payload["digests"]["decision"], digest);
}

#[test]
fn a_decision_is_recorded_before_it_is_answered() {
    let server = Server::with_tokens();
    let body = request("cap.doc.summarize", "dev", "c-1");
    let answer = server.post(Scope::Route, "/route", &body).is(200);
    assert_eq!(answer["decision"]["denied"], false);
    let worker = &answer["decision"]["selected_worker_species_id"];
    assert_eq!(worker, "wrk.doc.summarizer");
    let receipt = &answer["receipt"];
    assert_eq!(receipt["policy_decision"], "ALLOW");
    let hash = receipt["entry_hash"].as_str().unwrap();
    let entry = server.get(&format!("/v1/entries/{hash}")).is(200);
    assert_eq!(entry["entry"]["kind"], "wcp.decision");
    let payload = &entry["entry"]["payload"];
    is_of(payload, &answer["decision"]);
    assert_eq!(payload["input"]["correlation_id"], "c-1");
    assert_eq!(payload["_actor"]["name"], "router");
}

#[test]
fn a_denial_is_a_decision_and_malformed_input_names_its_field() {
    let server = Server::start();
    let body = request("cap.unknown", "dev", "c-1");
    let answer = server.post(Scope::Route, "/route", &body).is(200);
    let reason = &answer["decision"]["deny_reason_if_denied"];
    assert_eq!(reason["code"], "DENY_NO_MATCHING_RULE");
    assert_eq!(answer["receipt"]["policy_decision"], "DENY");
    let figures = String::from_utf8(server.get("/metrics").body).unwrap();
    let figure = "sealbook_denials_total{code=\"DENY_NO_MATCHING_RULE\"} 1";
    assert!(figures.contains(figure), "{figures}");
    let before = server.store.count().unwrap();
    for (field, value) in [
        ("env", json!("moon")),
        ("tenant_id", json!(" ")),
        ("blast_score", json!(true)),
        ("extra", json!(1)),
    ] {
        let mut body = request("cap.doc.summarize", "dev", "c-1");
        body[field] = value;
        let refused = server.post(Scope::Route, "/route", &body);
        let error = refused.refused(400, "bad_input");
        assert!(error.starts_with(field), "{error}");
    }
    assert_eq!(server.store.count().unwrap(), before);
}

#[test]
fn status_counts_what_was_decided() {
    let server = Server::start();
    let status = server.get("/status").is(200);
    assert_eq!(status["hall_name"], "test hall");
    assert_eq!(status["workers_enrolled"], 1);
    assert_eq!(status["decisions_total"], 0);
    for capability in ["cap.doc.summarize", "cap.unknown", "cap.unknown"] {
        let body = request(capability, "dev", "c");
        server.post(Scope::Route, "/route", &body).is(200);
    }
    let counts = |server: &Server| {
        let status = server.get("/status").is(200);
        ["decisions_total", "decisions_today", "denials_today"].map(|name| status[name].clone())
    };
    assert_eq!(counts(&server), [3, 3, 2].map(|n| json!(n)));
    server.clock.forward(24 * 3_600);
    assert_eq!(counts(&server), [3, 0, 0].map(|n| json!(n)));
    let body = request("cap.unknown", "dev", "c");
    server.post(Scope::Route, "/route", &body).is(200);
    assert_eq!(counts(&server), [4, 1, 1].map(|n| json!(n)));
}

#[test]
fn dispatches_come_newest_first_and_alerts_are_the_denials() {
    let server = Server::start();
    for n in 0..3 {
        let body = request("cap.doc.summarize", "dev", &format!("ok-{n}"));
        server.post(Scope::Route, "/route", &body).is(200);
        let body = request("cap.unknown", "dev", &format!("no-{n}"));
        server.post(Scope::Route, "/route", &body).is(200);
    }
    let all = server.get("/dispatches").is(200);
    assert_eq!(all["count"], 6);
    let item = &all["dispatches"][0];
    let members: Vec<&String> = item.as_object().unwrap().keys().collect();
    let expected = [
        "artifact_hash",
        "blast_score",
        "capability_id",
        "decided_at",
        "decision_id",
        "denied",
        "deny_reason",
        "env",
        "selected_worker",
        "tenant_id",
    ];
    assert_eq!(members, expected);
    assert_eq!(item["capability_id"], "cap.unknown");
    assert_eq!(server.get("/dispatches?limit=2").is(200)["count"], 2);
    let active = server.get("/dispatches/active").is(200);
    assert_eq!(active["count"], 3);
    let alerts = server.get("/alerts").is(200);
    assert_eq!(alerts["count"], 3);
    assert_eq!(
        alerts["alerts"][0]["deny_reason"]["code"],
        "DENY_NO_MATCHING_RULE"
    );
    for path in ["/dispatches", "/dispatches/active", "/alerts"] {
        for limit in ["0", "201", "x", "1.5", ""] {
            let answer = server.get(&format!("{path}?limit={limit}"));
            answer.refused(400, "bad_input");
        }
    }
    server.clock.forward(3_601);
    assert_eq!(server.get("/dispatches/active").is(200)["count"], 0);
}

#[test]
fn a_worker_is_enrolled_updated_and_known_to_the_next_server() {
    let server = Server::with_tokens();
    let mut record = worker("org.new.one");
    let answer = server.post(Scope::Enrol, "/enroll", &record).is(201);
    assert_eq!(answer["enrolled"], true);
    assert_eq!(answer["artifact_hash_verified"], true);
    assert_eq!(answer.get("updated"), None);
    let again = server.post(Scope::Enrol, "/enroll", &record).is(200);
    assert_eq!(again["updated"], true);
    let workers = server.get("/workers").is(200);
    assert_eq!(workers["count"], 2);
    let found = |workers: &Value| {
        let all = workers["workers"].as_array().unwrap().clone();
        all.into_iter().find(|w| w["worker_id"] == "org.new.one")
    };
    let shown = found(&workers).unwrap();
    assert_eq!(shown["status"], "active");
    assert_eq!(shown["risk_tier"], "low");
    assert_eq!(shown["enrolled_at"], again["enrolled_at"]);
    assert_eq!(server.get("/wcp/workers").is(200), workers);
    let entry = server.get("/v1/entries?kind=hall.enrolment").is(200);
    let payload = &entry["entries"][0]["entry"]["payload"];
    assert_eq!(payload["record"], record);
    assert_eq!(payload["_actor"]["name"], "enroler");
    // After a reload of the files it is still there.
    server.reload.blocking_send(()).unwrap();
    server.reload.blocking_send(()).unwrap();
    assert!(found(&server.get("/workers").is(200)).is_some());
    record["capabilities"] = json!(["cap.everything"]);
    server
        .post(Scope::Enrol, "/enroll", &record)
        .refused(400, "DENY_WORKER_TAMPERED");
    record.as_object_mut().unwrap().remove("artifact_hash");
    server
        .post(Scope::Enrol, "/enroll", &record)
        .refused(400, "bad_input");
    let mut bringing = worker("org.new.two");
    bringing["_actor"] = json!("me");
    server
        .post(Scope::Enrol, "/enroll", &bringing)
        .refused(400, "bad_input");
}

#[test]
fn a_decision_that_was_taken_elsewhere_is_recorded_as_a_claim() {
    let server = Server::with_tokens();
    let claim = json!({"decision_id": "d-1", "tenant_id": "acme", "denied": false});
    let answer = server.post(Scope::Ingest, "/decisions/ingest", &claim);
    assert_eq!(
        answer.is(201),
        json!({"recorded": true, "decision_id": "d-1"})
    );
    let entry = server.get("/v1/entries?decision=d-1").is(200);
    let item = &entry["entries"][0]["entry"];
    assert_eq!(item["kind"], "wcp.ingested");
    assert_eq!(item["payload"]["body"], claim);
    // It is claimed, and counts for nothing.
    assert_eq!(server.get("/status").is(200)["decisions_total"], 0);
    let listed = server.get("/dispatches").is(200);
    assert_eq!(listed["dispatches"][0]["kind"], "wcp.ingested");
    for bad in [
        json!([]),
        json!({}),
        json!({"decision_id": ""}),
        json!({"decision_id": 1}),
    ] {
        let answer = server.post(Scope::Ingest, "/decisions/ingest", &bad);
        answer.refused(400, "bad_input");
    }
    let mut bringing = claim;
    bringing["_actor"] = json!("me");
    server
        .post(Scope::Ingest, "/decisions/ingest", &bringing)
        .refused(400, "bad_input");
}

#[test]
fn discovery_says_what_can_be_routed_and_to_whom() {
    let server = Server::start();
    let capabilities = server.get("/wcp/capabilities").is(200);
    let expected = json!({"capabilities": [{
        "capability_id": "cap.doc.summarize",
        "worker_species_ids": ["wrk.doc.summarizer"],
    }], "count": 1});
    assert_eq!(capabilities, expected);
    let health = server.get("/wcp/health").is(200);
    assert_eq!(health["status"], "ok");
    assert_eq!(
        (&health["rules"], &health["workers"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn requests_in_bulk_are_decided_recorded_and_answered_in_order() {
    let server = Server::with_tokens();
    let input = request("cap.doc.summarize", "dev", "c-bulk");
    let body = json!({"requests": [
        {"id": "a", "input": input, "task_id": "t-1"},
        {"id": "b", "input": {"capability_id": "cap.a"}},
    ]});
    let told = server.post(Scope::Route, "/v1/decide", &body).is(200);
    let decisions = told["decisions"].as_array().unwrap();
    assert_eq!(
        (&decisions[0]["id"], &decisions[1]["id"]),
        (&json!("a"), &json!("b"))
    );
    assert_eq!(decisions[1]["error"]["field"], "env");
    let seq = &decisions[0]["receipt"]["seq"];
    let entry = server.get(&format!("/v1/entries/{seq}")).is(200);
    is_of(&entry["entry"]["payload"], &decisions[0]["decision"]);
    // Rules of the caller's own are an administrator's to bring.
    let own = json!({"requests": [{"id": 1, "input": input, "rules": {"rules": []}}]});
    server
        .post(Scope::Route, "/v1/decide", &own)
        .refused(403, "scope_missing");
}

#[test]
fn a_claimed_decision_is_listed_as_such_and_counted_by_nobody() {
    let server = Server::with_tokens();
    let before = server.get("/status").is(200)["decisions_total"].clone();
    let claim = json!({"decision_id": "d-9", "timestamp": "2026-03-01T10:00:00Z",
        "capability_id": "cap.x", "tenant_id": "acme", "env": "prod", "denied": false,
        "selected_worker_species_id": "wrk.x", "artifact_hash": "00"});
    server
        .post(Scope::Ingest, "/decisions/ingest", &claim)
        .is(201);
    let listed = server.get("/dispatches?limit=1").is(200);
    let listed = &listed["dispatches"][0];
    assert_eq!(listed["decision_id"], "d-9");
    assert_eq!(listed["selected_worker"], "wrk.x");
    assert_eq!(listed["kind"], "wcp.ingested");
    assert!(listed["claimed_by"].as_str().unwrap().contains("token"));
    assert_eq!(server.get("/status").is(200)["decisions_total"], before);
    let active = server.get("/dispatches/active").is(200);
    assert_eq!(active["count"], 0);
}
