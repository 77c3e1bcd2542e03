//! Decisions that were taken elsewhere, and events of producers that keep them.

use serde_json::{Value, json};

use sealbook::serve::scope::Scope;

use crate::place::{Server, request};

/// Rules, a registry and a decision, as an SDK sends them.
fn taken(denied: bool) -> Value {
    json!({
        "input": request("cap.a", "dev", "c-1"),
        "rules": {"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
            "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}],
                "escalation": {"policy_gate": true}}}]},
        "registry": {"controls": [], "workers": {"wrk.a": {"available": true}},
            "has_privileges": false, "has_code_hashes": false},
        "gate": {"decision": "ALLOW", "policy_version": "p1", "reason": "python"},
        "decision": {"decision_id": "d-1", "denied": denied, "matched_rule_id": "r",
            "selected_worker_species_id": "wrk.a"},
    })
}

#[test]
fn a_decision_that_follows_is_recorded_as_it_is_computed_here() {
    let server = Server::start();
    let before = server.store.count().unwrap();
    let answer = server
        .post(Scope::Route, "/v1/decisions", &taken(false))
        .is(200);
    assert_eq!(answer["agrees"], true, "{answer:#}");
    assert_eq!(answer["decision"]["selected_worker_species_id"], "wrk.a");
    let seq = answer["receipt"]["entry_hash"].as_str().unwrap();
    let entry = server.get(&format!("/v1/entries/{seq}")).is(200);
    let payload = &entry["entry"]["payload"];
    assert_eq!(entry["entry"]["kind"], "wcp.decision");
    assert_eq!(
        payload["answers"]["gate"]["reason"], "python",
        "{payload:#}"
    );
    // Rules and configuration stand before it, as documents.
    assert!(server.store.count().unwrap() > before);
}

#[test]
fn a_decision_that_does_not_follow_is_recorded_beside_the_one_that_does() {
    let server = Server::start();
    let answer = server
        .post(Scope::Route, "/v1/decisions", &taken(true))
        .is(200);
    assert_eq!(answer["agrees"], false);
    assert_eq!(answer["differs"], json!(["denied"]));
    assert_eq!(answer["decision"]["denied"], false);
    let claims = server.get("/v1/entries?kind=wcp.ingested").is(200);
    let claim = &claims["entries"][0]["entry"]["payload"];
    assert_eq!(claim["body"]["decision_id"], "d-1", "{claims:#}");
}

#[test]
fn an_event_of_a_producer_is_recorded_once_however_late_it_comes_again() {
    let server = Server::start();
    let send = |producer: &str, body: &Value| {
        let headers = [
            ("content-type".to_owned(), "application/json".to_owned()),
            ("sealbook-producer".to_owned(), producer.to_owned()),
        ];
        server.send("POST", "/v1/entries", &headers, body.to_string().as_bytes())
    };
    let event = json!({"kind": "k", "payload": {"n": 1}});
    let first = send("p-1;0", &event);
    assert_eq!(first.status, 201);
    // Longer than any Idempotency-Key is kept.
    server.clock.forward(400 * 86_400);
    server.post(Scope::Append, "/v1/entries", &event).is(201);
    let again = send("p-1;0", &event);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let (first, again) = (first.is(201), again.is(201));
    assert_eq!(first, again);
    let entry = server.get(&format!("/v1/entries/{}", first["seq"])).is(200);
    let producer = &entry["entry"]["payload"]["_producer"];
    assert_eq!(producer, &json!({"id": "p-1", "n": 0}));

    assert_eq!(send("p-1;1", &event).status, 201);
    let other = json!({"kind": "k", "payload": {"n": 2}});
    send("p-1;0", &other).refused(422, "idempotency_key_reused");
    for bad in ["p-1", "p-1;01", "p 1;1"] {
        send(bad, &event).refused(400, "bad_input");
    }
    let brings = json!({"kind": "k", "payload": {"_producer": {"id": "p-1", "n": 9}}});
    server
        .post(Scope::Append, "/v1/entries", &brings)
        .refused(400, "bad_input");
}
