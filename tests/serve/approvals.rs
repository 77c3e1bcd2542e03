//! A human's word: of one request, once, until it expires.

use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::place::{Plan, Server, request};

fn server() -> Server {
    let plan = Plan {
        tokens: true,
        gate: Some("REQUIRE_HUMAN"),
        ..Plan::default()
    };
    plan.start()
}

fn route(server: &Server, body: &Value) -> Value {
    server.post(Scope::Route, "/route", body).is(200)
}

fn denied_for_a_human(server: &Server, body: &Value) -> (String, String) {
    let answer = route(server, body);
    assert_eq!(answer["receipt"]["policy_decision"], "REQUIRE_HUMAN");
    let entry = answer["receipt"]["entry_hash"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/v1/entries/{entry}")).is(200);
    let hash = shown["entry"]["payload"]["input_hash"].clone();
    (entry, hash.as_str().unwrap().to_owned())
}

fn saying(entry: &str, input_hash: &str, verdict: &str) -> Value {
    json!({"entry": entry, "input_hash": input_hash, "verdict": verdict, "why": "looked at it"})
}

const RESOLVE: &str = "/wcp/approvals/resolve";

#[test]
fn an_approval_holds_once_and_for_that_request_only() {
    let server = server();
    let body = request("cap.pay", "dev", "c-1");
    let (entry, input_hash) = denied_for_a_human(&server, &body);
    let pending = server.get("/wcp/approvals/pending").is(200);
    assert_eq!(pending["count"], 1);
    assert_eq!(pending["pending"][0]["entry"], entry);
    assert_eq!(
        pending["pending"][0]["code"],
        "DENY_REQUIRES_HUMAN_APPROVAL"
    );
    let said = saying(&entry, &input_hash, "approve");
    let resolved = server.post(Scope::Approve, RESOLVE, &said).is(200);
    assert_eq!(resolved["resolved"], true);
    assert_eq!(server.get("/wcp/approvals/pending").is(200)["count"], 0);
    let approval = server.get("/v1/entries?kind=hall.approval").is(200);
    let payload = &approval["entries"][0]["entry"]["payload"];
    assert_eq!(payload["denied"], entry);
    assert_eq!(payload["input_hash"], input_hash);
    assert_eq!(payload["why"], "looked at it");
    assert!(payload["who"].as_str().unwrap().starts_with("approver ("));
    assert_eq!(payload["correlation_id"], "c-1");
    // Another request, even of the same case, is not approved.
    let mut other = body.clone();
    other["request"] = json!({"amount": 1_000_000});
    denied_for_a_human(&server, &other);
    let allowed = route(&server, &body);
    assert_eq!(allowed["decision"]["denied"], false);
    let hash = allowed["receipt"]["entry_hash"].as_str().unwrap();
    let recorded = server.get(&format!("/v1/entries/{hash}")).is(200);
    let answers = &recorded["entry"]["payload"]["answers"];
    assert_eq!(answers["approval"], resolved["entry"]);
    assert_eq!(answers["gate"]["decision"], "REQUIRE_HUMAN");
    denied_for_a_human(&server, &body);
}

#[test]
fn an_approval_expires() {
    let server = server();
    let body = request("cap.pay", "dev", "c-1");
    let (entry, input_hash) = denied_for_a_human(&server, &body);
    let said = saying(&entry, &input_hash, "approve");
    server.post(Scope::Approve, RESOLVE, &said).is(200);
    server.clock.forward(3_600);
    denied_for_a_human(&server, &body);
    let (entry, input_hash) = denied_for_a_human(&server, &body);
    let mut said = saying(&entry, &input_hash, "approve");
    for expires in ["2026-03-01T00:00:00Z", "2027-01-01T00:00:00Z", "soon"] {
        said["expires"] = json!(expires);
        let answer = server.post(Scope::Approve, RESOLVE, &said);
        answer.refused(400, "bad_input");
    }
    said["expires"] = json!("2026-03-02T00:00:00Z");
    let resolved = server.post(Scope::Approve, RESOLVE, &said).is(200);
    assert_eq!(resolved["expires"], "2026-03-02T00:00:00+00:00");
    assert_eq!(route(&server, &body)["decision"]["denied"], false);
}

#[test]
fn a_blast_score_that_wants_a_human_can_be_approved_too() {
    let server = server();
    let mut body = request("cap.doc.summarize", "prod", "c-1");
    body["blast_score"] = json!(90);
    let (entry, input_hash) = denied_for_a_human(&server, &body);
    let said = saying(&entry, &input_hash, "approve");
    server.post(Scope::Approve, RESOLVE, &said).is(200);
    assert_eq!(route(&server, &body)["decision"]["denied"], false);
    denied_for_a_human(&server, &body);
}

#[test]
fn a_denial_that_is_denied_stays_denied_and_one_that_is_escalated_is_pending() {
    let server = server();
    let body = request("cap.pay", "dev", "c-1");
    let (entry, input_hash) = denied_for_a_human(&server, &body);
    let escalation = json!({"entry": entry, "input_hash": input_hash, "why": "above me",
        "supervisor_level": "gatekeeper"});
    let path = "/wcp/approvals/escalate";
    let answer = server.post(Scope::Approve, path, &escalation).is(200);
    assert_eq!(
        (&answer["resolved"], &answer["verdict"]),
        (&json!(false), &json!("escalate"))
    );
    assert_eq!(server.get("/wcp/approvals/pending").is(200)["count"], 1);
    let said = saying(&entry, &input_hash, "deny");
    server.post(Scope::Approve, RESOLVE, &said).is(200);
    assert_eq!(server.get("/wcp/approvals/pending").is(200)["count"], 0);
    let changed = saying(&entry, &input_hash, "approve");
    server
        .post(Scope::Approve, RESOLVE, &changed)
        .refused(409, "already_resolved");
    denied_for_a_human(&server, &body);
    server
        .post(Scope::Read, path, &escalation)
        .refused(403, "scope_missing");
}

#[test]
fn what_is_no_denial_that_wants_a_human_cannot_be_resolved() {
    let server = server();
    let body = request("cap.pay", "dev", "c-1");
    let (entry, input_hash) = denied_for_a_human(&server, &body);
    let resolve = |said: &Value| server.post(Scope::Approve, RESOLVE, said);
    let zeros = "0".repeat(64);
    resolve(&saying(&zeros, &input_hash, "approve")).refused(404, "not_found");
    resolve(&saying(&entry, &zeros, "approve")).refused(400, "bad_input");
    resolve(&saying(&entry, &input_hash, "maybe")).refused(400, "bad_input");
    resolve(&saying("x", &input_hash, "approve")).refused(400, "bad_input");
    let mut blank = saying(&entry, &input_hash, "approve");
    blank["why"] = json!(" ");
    resolve(&blank).refused(400, "bad_input");
    blank["why"] = json!("good");
    blank["supervisor_level"] = json!("king");
    resolve(&blank).refused(400, "bad_input");
    let note = server.note(1)["hash"].as_str().unwrap().to_owned();
    resolve(&saying(&note, &input_hash, "approve")).refused(409, "not_pending");
    let unknown = request("cap.unknown", "dev", "c");
    let denied = route(&server, &unknown)["receipt"]["entry_hash"].clone();
    let denied = denied.as_str().unwrap();
    resolve(&saying(denied, &input_hash, "approve")).refused(409, "not_pending");
}

#[test]
fn an_approval_is_of_one_task_and_no_other() {
    let server = server();
    let body = request("cap.pay", "dev", "c-1");
    let ask = |task: &str| {
        let path = format!("/route?task_id={task}");
        server.post(Scope::Route, &path, &body).is(200)
    };
    let denied = ask("t1");
    let entry = denied["receipt"]["entry_hash"].as_str().unwrap();
    let shown = server.get(&format!("/v1/entries/{entry}")).is(200);
    let input_hash = shown["entry"]["payload"]["input_hash"].as_str().unwrap();
    let pending = server.get("/wcp/approvals/pending").is(200);
    assert_eq!(pending["pending"][0]["task_id"], "t1");
    let said = saying(entry, input_hash, "approve");
    server.post(Scope::Approve, RESOLVE, &said).is(200);
    assert_eq!(ask("t2")["decision"]["denied"], true);
    assert_eq!(ask("t1")["decision"]["denied"], false);
    assert_eq!(ask("t1")["decision"]["denied"], true);
}
