//! Redactable members, erased through the server; and rules that it records under.

use sealbook::ledger::parse::parse;
use sealbook::ledger::redact::rules::RedactRules;
use sealbook::record::redacting::Redacting;
use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::place::{Plan, Server, request};

const SECRET: &str = "q7Zp2LxVw9KdT4mRyB8sHc1NfJ6gUa3E";

fn appended(server: &Server) -> u64 {
    let entry = json!({"kind": "order", "payload": {"email": SECRET, "n": 1},
                       "redactable": ["/email"]});
    let receipt = server.post(Scope::Append, "/v1/entries", &entry).is(201);
    receipt["seq"].as_u64().unwrap()
}

fn of(seq: u64, pointer: &str, more: &Value) -> Value {
    let mut body = json!({"members": [{"seq": seq, "pointer": pointer}], "reason": "asked for"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn a_member_is_erased_once_by_who_may_and_the_log_says_who_it_was() {
    let plan = Plan {
        tokens: true,
        ..Plan::default()
    };
    let server = plan.start();
    let seq = appended(&server);
    let erase = |scope, body: &Value| server.post(scope, "/v1/erasures", body);
    for scope in [Scope::Append, Scope::Read] {
        assert_eq!(
            erase(scope, &of(seq, "/email", &json!({}))).is(403)["code"],
            "scope_missing"
        );
    }
    let planned = erase(Scope::Admin, &of(seq, "/email", &json!({"dry_run": true}))).is(200);
    assert_eq!(planned["erased"][0]["pointer"], "/email");
    assert_eq!(planned["receipts"], json!([]));
    for (body, code) in [
        (of(seq, "/n", &json!({})), "not_erasable"),
        (of(seq + 1, "/email", &json!({})), "not_found"),
        (of(seq, "/email", &json!({"reason": " "})), "bad_input"),
        (json!({"members": [], "reason": "r"}), "bad_input"),
    ] {
        let refused = erase(Scope::Admin, &body);
        assert_eq!(refused.json()["code"], code, "{body}");
    }
    let done = erase(Scope::Admin, &of(seq, "/email", &json!({}))).is(201);
    assert_eq!(done["erased"], planned["erased"]);
    let by = done["receipts"][0]["seq"].as_u64().unwrap();
    let entry = server.get(&format!("/v1/entries/{by}")).is(200);
    let payload = &entry["entry"]["payload"];
    assert_eq!(payload["reason"], "asked for");
    assert_eq!(payload["erased"], done["erased"]);
    assert!(payload["_actor"].is_object(), "{payload}");
    assert_eq!(
        erase(Scope::Admin, &of(seq, "/email", &json!({}))).is(409)["code"],
        "not_erasable"
    );
}

fn under(rules: &Value, gate: Option<&'static str>) -> Server {
    let rules = RedactRules::read(&parse(rules.to_string().as_bytes()).unwrap()).unwrap();
    let plan = Plan {
        tokens: true,
        gate,
        redacting: Redacting::new(rules).unwrap(),
        ..Plan::default()
    };
    plan.start()
}

/// What producers send that know nothing of it is taken out, too, and a body that comes
/// again is recorded once.
#[test]
fn the_rules_of_a_server_hold_for_all_that_it_takes() {
    let rules = json!({"kinds": {"order": ["/email"], "opa.decision":
        [{"pointer": "/event/input/email", "optional": true}]}});
    let server = under(&rules, None);
    let entry = json!({"kind": "order", "payload": {"email": SECRET}});
    let batch = json!({"entries": [entry.clone(), {"kind": "note", "payload": {}}]});
    server.post(Scope::Append, "/v1/entries", &entry).is(201);
    server
        .post(Scope::Append, "/v1/entries/batch", &batch)
        .is(201);
    let log = json!([{"decision_id": "d-1", "result": true, "input": {"email": SECRET}}]);
    for _ in 0..2 {
        server.post(Scope::Append, "/logs", &log).is(200);
    }
    let all = server.get("/v1/entries").is(200).to_string();
    assert!(!all.contains(SECRET), "{all}");
    assert_eq!(all.matches("sealbook:redacted").count(), 3);
    assert_eq!(all.matches("\"opa.decision\"").count(), 1);
}

/// An approval repeats the digest of what was asked: it is taken out of it, holds all the
/// same, and is erased with the request.
#[test]
fn an_approval_of_a_request_that_can_be_erased_holds_and_is_erased_with_it() {
    let rules = json!({"kinds": {"wcp.decision": ["/input/request"]}});
    let server = under(&rules, Some("REQUIRE_HUMAN"));
    let mut body = request("cap.pay", "dev", "c-1");
    body["request"] = json!({"email": SECRET});
    let answer = server.post(Scope::Route, "/route", &body).is(200);
    assert_eq!(answer["receipt"]["policy_decision"], "REQUIRE_HUMAN");
    let seq = answer["receipt"]["seq"].as_u64().unwrap();
    let pending = server.get("/wcp/approvals/pending").is(200);
    let pending = &pending["pending"][0];
    let said = json!({"entry": pending["entry"], "input_hash": pending["input_hash"],
                      "verdict": "approve", "why": "looked at it"});
    server
        .post(Scope::Approve, "/wcp/approvals/resolve", &said)
        .is(200);
    let approval = server.get("/v1/entries?kind=hall.approval").is(200);
    let approval = &approval["entries"][0];
    let hash = &approval["entry"]["payload"]["input_hash"];
    assert!(hash["sealbook:redacted"].is_string(), "{approval}");
    let allowed = server.post(Scope::Route, "/route", &body).is(200);
    assert_eq!(allowed["decision"]["denied"], false);
    let erase = of(seq, "/input/request", &json!({}));
    let done = server.post(Scope::Admin, "/v1/erasures", &erase).is(201);
    let erased: Vec<_> = done["erased"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["seq"].as_u64().unwrap(), it["pointer"].as_str().unwrap()))
        .collect();
    let by = approval["entry"]["seq"].as_u64().unwrap();
    let expected = [
        (seq, "/digests"),
        (seq, "/input/request"),
        (seq, "/input_hash"),
        (by, "/input_hash"),
    ];
    assert_eq!(erased, expected);
}
