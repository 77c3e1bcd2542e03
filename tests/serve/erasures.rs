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

/// So many entries of a tenant, each with a member to be erased.
fn appended_of(server: &Server, tenant: &Value, many: usize) {
    let entry = |n| {
        json!({"kind": "order", "redactable": ["/email"],
               "payload": {"email": format!("{SECRET}-{n}"), "tenant_id": tenant}})
    };
    let entries: Vec<_> = (0..many).map(entry).collect();
    for entries in entries.chunks(400) {
        let batch = json!({ "entries": entries });
        let batch = server.post(Scope::Append, "/v1/entries/batch", &batch);
        batch.is(201);
    }
}

fn query(query: &Value, more: &Value) -> Value {
    let mut body = json!({"query": query, "pointers": ["/email"], "reason": "asked for"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// How many members are kept of the entries of a tenant.
fn kept(server: &Server) -> usize {
    server.store.openings(0..u64::MAX).count()
}

#[test]
fn what_a_query_finds_is_erased_once_it_is_confirmed_and_nothing_else() {
    let server = Server::with_tokens();
    appended_of(&server, &json!("acme"), 1_250);
    appended_of(&server, &json!("other"), 3);
    let erase = |scope, body: &Value| server.post(scope, "/v1/erasures", body);
    let acme = json!({"tenant": "acme", "kind": ["order"]});
    let dry_run = query(&acme, &json!({"dry_run": true}));
    for scope in [Scope::Append, Scope::Read] {
        erase(scope, &dry_run).refused(403, "scope_missing");
    }
    let last = server.store.last_seq().unwrap();
    let planned = erase(Scope::Admin, &dry_run).is(200);
    assert_eq!(
        (&planned["count"], &planned["dry_run"]),
        (&json!(1_250), &json!(true))
    );
    assert_eq!(planned["erased"].as_array().unwrap().len(), 1_000);
    let confirm = &planned["confirm"];
    let confirmed = query(&acme, &json!({"confirm": confirm}));

    // Without its confirmation, with another's, and when one more came in between.
    let fewer = json!({"tenant": "acme", "until_seq": 9});
    let of_fewer = erase(Scope::Admin, &query(&fewer, &json!({"dry_run": true}))).is(200);
    erase(Scope::Admin, &query(&acme, &json!({}))).refused(400, "bad_input");
    let another = query(&acme, &json!({"confirm": of_fewer["confirm"]}));
    erase(Scope::Admin, &another).refused(409, "plan_changed");
    assert_eq!(server.store.last_seq().unwrap(), last);
    appended_of(&server, &json!("acme"), 1);
    erase(Scope::Admin, &confirmed).refused(409, "plan_changed");
    assert_eq!(kept(&server), 1_254);

    // What comes later is not meant where the query has an end.
    let bounded = json!({"tenant": "acme", "until_seq": last.unwrap().0});
    let bounded = query(&bounded, &json!({"confirm": confirm}));
    let done = erase(Scope::Admin, &bounded).is(201);
    assert_eq!((&done["count"], &done["confirm"]), (&json!(1_250), confirm));
    assert_eq!(done["receipts"].as_array().unwrap().len(), 2);
    assert_eq!(kept(&server), 4);
    let log = server.get("/v1/entries?kind=sealbook:erasure").is(200);
    let said = log["entries"].as_array().unwrap().iter();
    let said = said.map(|it| it["entry"]["payload"]["erased"].as_array().unwrap().len());
    assert_eq!(said.collect::<Vec<_>>(), [1_000, 250]);
    let others = server.get("/v1/entries?tenant=other").is(200);
    assert_eq!(others["entries"].as_array().unwrap().len(), 3);

    // Who did not hear the answer asks again.
    let last = server.store.last_seq().unwrap();
    let again = erase(Scope::Admin, &bounded).is(200);
    assert_eq!(
        (&again["count"], &again["receipts"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(server.store.last_seq().unwrap(), last);
    // A pointer that is nowhere finds nothing.
    let nowhere = query(&acme, &json!({"dry_run": true, "pointers": ["/phone"]}));
    assert_eq!(erase(Scope::Admin, &nowhere).is(200)["count"], 0);
}

#[test]
fn a_query_that_says_too_little_or_both_is_refused_by_name() {
    let server = Server::with_tokens();
    let seq = appended(&server);
    let members = json!([{"seq": seq, "pointer": "/email"}]);
    let kind = json!({"kind": ["order"]});
    for (body, code, what) in [
        (
            query(&kind, &json!({"members": members})),
            "bad_input",
            "members: either",
        ),
        (json!({"reason": "r"}), "bad_input", "members: either"),
        (
            json!({"reason": "r", "pointers": ["/email"]}),
            "bad_input",
            "members: either",
        ),
        (
            json!({"reason": "r", "query": kind}),
            "bad_input",
            "pointers: a query",
        ),
        (
            query(&kind, &json!({"pointers": []})),
            "bad_input",
            "pointers: 1 to 100",
        ),
        (
            query(&json!({}), &json!({})),
            "bad_input",
            "query: at least one filter",
        ),
        // What says nothing would find more than was meant.
        (
            query(&json!({"kind": []}), &json!({})),
            "bad_input",
            "query: a filter that is given",
        ),
        (
            query(&json!({"kind": ["order"], "tenant": null}), &json!({})),
            "bad_input",
            "query: a filter that is given",
        ),
        (
            query(&json!({"tenant": 42}), &json!({})),
            "bad_input",
            "query.tenant",
        ),
        (
            query(&json!({"tenants": "acme"}), &json!({})),
            "bad_input",
            "tenants",
        ),
        (
            query(&json!({"kind": ["order"], "limit": 1}), &json!({})),
            "bad_input",
            "limit",
        ),
        (
            query(&json!({"since": "soon"}), &json!({})),
            "bad_input",
            "since: a time",
        ),
        (
            query(&json!({"tenant_json": "\"a\""}), &json!({})),
            "bad_input",
            "tenant_json",
        ),
        (
            query(&json!("tenant=acme"), &json!({})),
            "bad_input",
            "query",
        ),
        (
            query(&kind, &json!({"confirm": "yes"})),
            "bad_input",
            "confirm",
        ),
    ] {
        let said = server
            .post(Scope::Admin, "/v1/erasures", &body)
            .refused(400, code);
        assert!(said.contains(what), "{body}: {said}");
    }
    // Of members, too, what was confirmed is what is erased.
    let mut body = json!({"members": members, "reason": "asked for", "confirm": "00".repeat(32)});
    let erase = |body: &Value| server.post(Scope::Admin, "/v1/erasures", body);
    erase(&body).refused(409, "plan_changed");
    body["dry_run"] = json!(true);
    let confirm = erase(&body).is(200)["confirm"].clone();
    body["dry_run"] = json!(false);
    body["confirm"] = confirm;
    assert_eq!(erase(&body).is(201)["count"], 1);
}

#[test]
fn what_a_query_passes_over_because_of_a_type_is_said() {
    let server = Server::with_tokens();
    appended_of(&server, &json!(42), 1);
    appended_of(&server, &json!("42"), 1);
    let erase = |query| server.post(Scope::Admin, "/v1/erasures", query);
    let texts = query(&json!({"tenant": "42"}), &json!({"dry_run": true}));
    let answer = erase(&texts);
    let warning = answer.header("sealbook-warning").unwrap_or_default();
    assert!(warning.contains("tenant_json finds those"), "{warning}");
    let texts = answer.is(200);
    let numbers = query(&json!({"tenant_json": "42"}), &json!({"dry_run": true}));
    let numbers = erase(&numbers).is(200);
    assert_eq!((&texts["count"], &numbers["count"]), (&json!(1), &json!(1)));
    let seq = |planned: &Value| planned["erased"][0]["seq"].as_u64().unwrap();
    assert_eq!(seq(&numbers) + 1, seq(&texts));
}
