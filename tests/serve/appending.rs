//! Appending.

use serde_json::json;

use sealbook::serve::scope::Scope;

use crate::place::Server;

#[test]
fn an_entry_is_durable_when_it_is_answered_and_says_who_sent_it() {
    let server = Server::with_tokens();
    let before = server.store.count().unwrap();
    let body = json!({"kind": "deploy", "payload": {"tenant_id": "acme", "n": 1.0}});
    let receipt = server.post(Scope::Append, "/v1/entries", &body).is(201);
    assert_eq!(receipt["seq"], before);
    assert_eq!(server.store.count().unwrap(), before + 1);
    let shown = server.get(&format!("/v1/entries/{before}")).is(200);
    assert_eq!(shown["hash"], receipt["hash"]);
    let payload = &shown["entry"]["payload"];
    assert_eq!(payload["tenant_id"], "acme");
    assert_eq!(payload["_actor"]["name"], "appender");
    assert_eq!(payload["_actor"]["address"], "127.0.0.1");
    assert!(payload["_actor"]["token"].is_string());
    assert!(payload["_actor"]["certificate"].is_null());
}

#[test]
fn a_batch_is_appended_whole_or_not_at_all() {
    let server = Server::start();
    let before = server.store.count().unwrap();
    let entry = |n| json!({"kind": "note", "payload": {"n": n}});
    let good = json!({"entries": [entry(1), entry(2), entry(3)]});
    let receipts = server
        .post(Scope::Append, "/v1/entries/batch", &good)
        .is(201);
    let receipts = receipts["receipts"].as_array().unwrap().clone();
    let seqs: Vec<_> = receipts
        .iter()
        .map(|r| r["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, [before, before + 1, before + 2]);
    assert_eq!(receipts[0]["ts"], receipts[2]["ts"]);
    let bad = json!({"entries": [entry(1), {"kind": "hall.reload", "payload": {}}]});
    let error = server
        .post(Scope::Append, "/v1/entries/batch", &bad)
        .refused(403, "reserved_kind");
    assert_eq!(error, "entry 1: kind: `hall.` is reserved");
    assert_eq!(server.store.count().unwrap(), before + 3);
}

#[test]
fn what_no_entry_can_be_is_refused_and_leaves_no_trace() {
    let server = Server::start();
    let before = server.store.count().unwrap();
    let post = |body: &str| {
        let json = [("content-type".to_owned(), "application/json".to_owned())];
        server.send("POST", "/v1/entries", &json, body.as_bytes())
    };
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"kind":"k","payload":{{"a":{open}{close}}}}}"#)
    };
    for (body, status, code) in [
        ("", 400, "bad_json"),
        ("{", 400, "bad_json"),
        (r#"{"kind":"k","payload":{"a":1,"a":2}}"#, 400, "bad_json"),
        (r#"{"kind":"k","payload":{"a":1e999}}"#, 400, "bad_json"),
        (r#"{"kind":"k","payload":{"a":"\ud800"}}"#, 400, "bad_json"),
        (r#"{"kind":"k"}"#, 400, "bad_input"),
        (r#"{"kind":"k","payload":[]}"#, 400, "bad_input"),
        (r#"{"kind":7,"payload":{}}"#, 400, "bad_input"),
        (r#"{"kind":" ","payload":{}}"#, 400, "bad_input"),
        (r#"{"kind":"k","payload":{},"ts":"now"}"#, 400, "bad_input"),
        (
            r#"{"kind":"k","payload":{"_actor":"me"}}"#,
            400,
            "bad_input",
        ),
        (
            r#"{"kind":"sealbook:x","payload":{}}"#,
            403,
            "reserved_kind",
        ),
        (
            r#"{"kind":"wcp.decision","payload":{}}"#,
            403,
            "reserved_kind",
        ),
        (&deep(129), 400, "bad_input"),
        (&deep(140), 400, "bad_json"),
    ] {
        post(body).refused(status, code);
    }
    assert_eq!(server.store.count().unwrap(), before);
    assert_eq!(post(&deep(128)).status, 201);
    let none = json!({"entries": []});
    let many = json!({"entries": vec![json!({"kind": "k", "payload": {}}); 1_001]});
    for batch in [none, many] {
        server
            .post(Scope::Append, "/v1/entries/batch", &batch)
            .refused(400, "bad_input");
    }
}
