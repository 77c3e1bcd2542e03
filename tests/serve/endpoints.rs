//! Every endpoint that the description names: asked well, asked badly, asked by
//! nobody and by the wrong one, and with more than it takes. One that is added
//! without a row here fails.

use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::answer::{raw, raw_status};
use crate::place::{Plan, Server, request, worker};

/// Bytes of a body that the server takes.
const LIMIT: usize = 4_096;

/// How an endpoint is asked.
struct Asked {
    /// The path below the server, with its query.
    path: String,
    /// What is posted or put; nothing for `GET`.
    body: Value,
}

struct Row {
    method: &'static str,
    /// As the description spells it.
    path: &'static str,
    needs: Option<Scope>,
    good: Asked,
    status: u16,
    bad: Asked,
    /// What is answered to that.
    refused: (u16, &'static str),
}

/// A row of what is only read: `good` and `bad` are its path and query.
fn read(path: &'static str, good: &str, bad: &str, refused: (u16, &'static str)) -> Row {
    Row {
        method: "GET",
        path,
        needs: Some(Scope::Read),
        good: asked(good, Value::Null),
        status: 200,
        bad: asked(bad, Value::Null),
        refused,
    }
}

/// A row of what is posted to its own path.
fn posted(
    path: &'static str,
    needs: Scope,
    (good, status): (Value, u16),
    (bad, refused): (Value, (u16, &'static str)),
) -> Row {
    Row {
        method: "POST",
        path,
        needs: Some(needs),
        good: asked(path, good),
        status,
        bad: asked(path, bad),
        refused,
    }
}

fn asked(path: &str, body: Value) -> Asked {
    Asked {
        path: path.to_owned(),
        body,
    }
}

const QUERY: (u16, &str) = (400, "bad_query");
const INPUT: (u16, &str) = (400, "bad_input");
const NONE: (u16, &str) = (404, "not_found");

/// In the order in which the good ones work.
fn rows(server: &Server) -> Vec<Row> {
    let open = |row: Row| Row { needs: None, ..row };
    let (denied, input_hash) = denied_for_a_human(server);
    let erasure = erasure(server);
    let said = |verdict| json!({"entry": denied, "input_hash": input_hash, "verdict": verdict, "why": "seen"});
    let escalated = json!({"entry": denied, "input_hash": input_hash, "why": "not mine"});
    let note = json!({"kind": "note", "payload": {"n": 1}});
    let reserved = json!({"kind": "sealbook:open", "payload": {}});
    server.post(Scope::Admin, "/v1/seal", &json!({})).is(200);
    let proof = server.get("/v1/entries/0/proof").is(200);
    let imported = proof.clone();
    let attest = "/api/v1/workers/{worker_id}/attest";
    let attested = "/api/v1/workers/org.folder.one/attest";
    vec![
        open(read("/", "/", "/?x=1", QUERY)),
        open(read(
            "/page/{name}",
            "/page/page.css",
            "/page/none.js",
            NONE,
        )),
        open(read("/health", "/health", "/health?x=1", QUERY)),
        open(read("/log/{*path}", "/log/checkpoint", "/log/.lock", NONE)),
        open(read(
            "/openapi.json",
            "/openapi.json",
            "/openapi.json?x=1",
            QUERY,
        )),
        read("/metrics", "/metrics", "/metrics?x=1", QUERY),
        read("/status", "/status", "/status?x=1", QUERY),
        read("/workers", "/workers", "/workers?x=1", QUERY),
        read(
            "/dispatches",
            "/dispatches?limit=5",
            "/dispatches?limit=x",
            INPUT,
        ),
        read(
            "/dispatches/active",
            "/dispatches/active",
            "/dispatches/active?limit=0",
            INPUT,
        ),
        read("/alerts", "/alerts", "/alerts?limit=201", INPUT),
        read(
            "/wcp/capabilities",
            "/wcp/capabilities",
            "/wcp/capabilities?x=1",
            QUERY,
        ),
        read("/wcp/workers", "/wcp/workers", "/wcp/workers?x=1", QUERY),
        read("/wcp/health", "/wcp/health", "/wcp/health?x=1", QUERY),
        read(
            "/wcp/approvals/pending",
            "/wcp/approvals/pending",
            "/wcp/approvals/pending?limit=0",
            INPUT,
        ),
        posted(
            "/wcp/approvals/escalate",
            Scope::Approve,
            (escalated, 200),
            (json!({}), INPUT),
        ),
        posted(
            "/wcp/approvals/resolve",
            Scope::Approve,
            (said("approve"), 200),
            (said("perhaps"), INPUT),
        ),
        posted(
            "/v1/entries",
            Scope::Append,
            (note.clone(), 201),
            (reserved, (403, "reserved_kind")),
        ),
        posted(
            "/v1/entries/batch",
            Scope::Append,
            (json!({"entries": [note]}), 201),
            (json!({"entries": []}), INPUT),
        ),
        posted(
            "/v1/erasures",
            Scope::Admin,
            (erasure, 201),
            (json!({"members": [], "reason": "r"}), INPUT),
        ),
        posted(
            "/v1/logs",
            Scope::Append,
            (json!({"resourceLogs": []}), 200),
            (json!({"resourceLogs": 7}), INPUT),
        ),
        posted(
            "/v1/traces",
            Scope::Append,
            (json!({"resourceSpans": []}), 200),
            (json!({"resourceSpans": 7}), INPUT),
        ),
        posted(
            "/logs",
            Scope::Append,
            (json!([{"decision_id": "d-1", "result": true}]), 200),
            (json!([{"result": true}]), INPUT),
        ),
        posted(
            "/v1/cloudevents",
            Scope::Append,
            (
                json!({"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}),
                200,
            ),
            (json!({"specversion": "1.0", "id": "1", "type": "t"}), INPUT),
        ),
        posted(
            "/route",
            Scope::Route,
            (request("cap.doc.summarize", "dev", "c-1"), 200),
            (request("cap.doc.summarize", "moon", "c-1"), INPUT),
        ),
        posted(
            "/v1/decisions",
            Scope::Route,
            (taken("dev"), 200),
            (taken("moon"), INPUT),
        ),
        posted(
            "/enroll",
            Scope::Enrol,
            (worker("org.new.one"), 201),
            (json!({"worker_id": "org.new.two"}), INPUT),
        ),
        posted(
            "/v1/decide",
            Scope::Route,
            (
                json!({"requests": [{"id": 1, "input": {"capability_id": "cap.a"}}]}),
                200,
            ),
            (json!({"requests": []}), INPUT),
        ),
        posted(
            "/decisions/ingest",
            Scope::Ingest,
            (json!({"decision_id": "d"}), 201),
            (json!({"decision_id": 1}), INPUT),
        ),
        posted(
            "/v1/seal",
            Scope::Admin,
            (json!({}), 200),
            (json!({"now": true}), INPUT),
        ),
        // It writes the log already.
        posted(
            "/v1/take-over",
            Scope::Admin,
            (json!({}), 409),
            (json!({"now": true}), INPUT),
        ),
        posted(
            "/v1/publish",
            Scope::Admin,
            (json!({}), 200),
            (json!({"now": true}), INPUT),
        ),
        read(
            "/v1/entries",
            "/v1/entries?kind=note&limit=5",
            "/v1/entries?kinds=note",
            QUERY,
        ),
        read(
            "/v1/entries/{id}",
            "/v1/entries/0",
            "/v1/entries/99999",
            NONE,
        ),
        read(
            "/v1/entries/{id}/proof",
            "/v1/entries/0/proof",
            "/v1/entries/99999/proof",
            NONE,
        ),
        read(
            "/v1/epochs",
            "/v1/epochs?from=0",
            "/v1/epochs?from=x",
            INPUT,
        ),
        read(
            "/v1/epochs/{number}",
            "/v1/epochs/0",
            "/v1/epochs/99999",
            NONE,
        ),
        read("/v1/head", "/v1/head", "/v1/head?x=1", QUERY),
        read(
            "/v1/bundle",
            "/v1/bundle?until_seq=1",
            "/v1/bundle?denied=maybe",
            INPUT,
        ),
        read(
            "/v1/report",
            "/v1/report?correlation=c-1",
            "/v1/report",
            INPUT,
        ),
        read(
            "/v1/export.parquet",
            "/v1/export.parquet?until_seq=1",
            "/v1/export.parquet?denied=maybe",
            INPUT,
        ),
        read(
            "/v1/epochs.parquet",
            "/v1/epochs.parquet",
            "/v1/epochs.parquet?x=1",
            QUERY,
        ),
        read("/v1/stats", "/v1/stats", "/v1/stats?limit=x", INPUT),
        read(
            "/v1/revocations",
            "/v1/revocations",
            "/v1/revocations?x=1",
            QUERY,
        ),
        read(
            "/v1/tail",
            "/v1/tail?from_seq=0&until_seq=0",
            "/v1/tail?from_seq=x",
            INPUT,
        ),
        Row {
            bad: asked("/v1/verify?as=novel", json!({})),
            ..posted(
                "/v1/verify",
                Scope::Read,
                (proof, 200),
                (Value::Null, INPUT),
            )
        },
        Row {
            bad: asked("/v1/imports?as=novel", json!({})),
            ..posted(
                "/v1/imports",
                Scope::Admin,
                (imported, 200),
                (Value::Null, INPUT),
            )
        },
        open(read(
            "/api/v1/verify/{worker_id}",
            "/api/v1/verify/org.folder.one",
            "/api/v1/verify/org.no.one",
            NONE,
        )),
        open(read(
            "/api/v1/ban-list",
            "/api/v1/ban-list?limit=1",
            "/api/v1/ban-list?limit=x",
            INPUT,
        )),
        posted(
            "/api/v1/ban-list/report",
            Scope::Ingest,
            (json!({"sha256": "a".repeat(64), "reason": "r"}), 201),
            (json!({"sha256": "A", "reason": "r"}), INPUT),
        ),
        Row {
            method: "PUT",
            good: asked(attested, json!({"sha256": "a".repeat(64)})),
            bad: asked(attested, json!({"sha256": "none"})),
            ..posted(
                attest,
                Scope::Enrol,
                (Value::Null, 200),
                (Value::Null, INPUT),
            )
        },
        Row {
            good: asked(
                "/api/v1/workers/org.folder.one/confirm",
                json!({"sha256": "a".repeat(64), "why": "read"}),
            ),
            bad: asked(
                "/api/v1/workers/org.folder.one/confirm",
                json!({"sha256": "none", "why": "read"}),
            ),
            ..posted(
                "/api/v1/workers/{worker_id}/confirm",
                Scope::Admin,
                (Value::Null, 201),
                (Value::Null, INPUT),
            )
        },
        Row {
            good: asked(
                "/api/v1/workers/org.folder.one/revoke",
                json!({"why": "left"}),
            ),
            bad: asked("/api/v1/workers/org.no.one/revoke", json!({"why": "left"})),
            ..posted(
                "/api/v1/workers/{worker_id}/revoke",
                Scope::Admin,
                (Value::Null, 201),
                (Value::Null, NONE),
            )
        },
        posted(
            "/api/v1/ban-list/ban",
            Scope::Admin,
            (json!({"sha256": "b".repeat(64), "reason": "r"}), 201),
            (json!({"reason": "r"}), INPUT),
        ),
        posted(
            "/v1/attestations",
            Scope::Attest,
            (
                json!({"worker_id": "org.folder.one", "worker_species_id": "wrk.doc.summarizer",
                    "manifest": "{}", "files": []}),
                201,
            ),
            (json!({"worker_id": "org.folder.one"}), INPUT),
        ),
        posted(
            "/v1/manifests",
            Scope::Attest,
            (json!({"manifest": "{}", "artifacts": []}), 201),
            (json!({"manifest": "{}"}), INPUT),
        ),
        posted(
            "/v1/cards",
            Scope::Attest,
            (
                json!({"card": {"vacant_id": "11".repeat(32), "capability_text": "t",
                    "halo_version": 1,
                    "substrate_spec": {"allowed_substrates": ["s"], "policy": {}}}}),
                201,
            ),
            (json!({"card": {}}), INPUT),
        ),
        posted(
            "/v1/enrolments",
            Scope::Enrol,
            (worker("org.acme.endpoint"), 201),
            (json!({}), INPUT),
        ),
    ]
}

/// A decision that was taken elsewhere, without any rule.
fn taken(env: &str) -> Value {
    json!({
        "input": request("cap.doc.summarize", env, "c-1"),
        "rules": {"rules": []},
        "registry": {"controls": [], "workers": {}, "has_privileges": false,
            "has_code_hashes": false},
        "decision": {"denied": true, "matched_rule_id": "NO_MATCH",
            "deny_reason_if_denied": {"code": "DENY_NO_MATCHING_RULE"}},
    })
}

/// A denial that wants a human: the entry's hash, and that of its input.
fn denied_for_a_human(server: &Server) -> (String, String) {
    let body = request("cap.pay", "dev", "c-0");
    let answer = server.post(Scope::Route, "/route", &body).is(200);
    let entry = answer["receipt"]["entry_hash"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/v1/entries/{entry}")).is(200);
    let hash = shown["entry"]["payload"]["input_hash"].as_str().unwrap();
    (entry, hash.to_owned())
}

/// What erases a member of an entry that there is.
fn erasure(server: &Server) -> Value {
    let entry = json!({"kind": "order", "payload": {"a": 1}, "redactable": ["/a"]});
    let receipt = server.post(Scope::Append, "/v1/entries", &entry).is(201);
    json!({"members": [{"seq": receipt["seq"], "pointer": "/a"}], "reason": "asked for"})
}

fn server() -> Server {
    let mut plan = Plan {
        tokens: true,
        gate: Some("REQUIRE_HUMAN"),
        ..Plan::default()
    };
    plan.limits.body_bytes = LIMIT as u64;
    plan.limits.upload_bytes = LIMIT as u64;
    plan.start()
}

fn headers(token: Option<&str>) -> Vec<(String, String)> {
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let bearer = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    std::iter::once(json).chain(bearer).collect()
}

fn ask(server: &Server, row: &Row, asked: &Asked, token: Option<&str>) -> crate::answer::Answer {
    let body = asked.body.to_string();
    server.send(row.method, &asked.path, &headers(token), body.as_bytes())
}

#[test]
fn every_endpoint_that_is_described_has_a_row() {
    let server = server();
    let mut rows: Vec<_> = rows(&server)
        .iter()
        .map(|row| format!("{} {}", row.method.to_lowercase(), row.path))
        .collect();
    let document = server.get("/openapi.json").is(200);
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        // It is for the socket, and tested with that.
        if path == "/v1/outcomes" {
            continue;
        }
        let methods = item.as_object().unwrap().keys();
        described.extend(methods.map(|method| format!("{method} {path}")));
    }
    rows.sort();
    described.sort();
    assert_eq!(rows, described);
}

#[test]
fn every_endpoint_answers_what_is_asked_well_and_says_what_is_asked_badly() {
    let server = server();
    let mut others = Vec::new();
    for row in rows(&server) {
        let token = row.needs.map(|scope| server.token(scope));
        let mut hold = |asked: &Asked, expected: (u16, Value)| {
            let answer = ask(&server, &row, asked, token);
            let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            let code = match expected.1 {
                Value::Null => Value::Null,
                _ => body["code"].clone(),
            };
            if (answer.status, code) != expected {
                let text = String::from_utf8_lossy(&answer.body);
                let asked = format!("{} {}", row.method, asked.path);
                others.push(format!("{asked}: not {expected:?} but {text}"));
            }
        };
        hold(&row.good, (row.status, Value::Null));
        hold(&row.bad, (row.refused.0, json!(row.refused.1)));
    }
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn every_endpoint_that_needs_a_scope_is_closed_to_nobody_and_to_any_other() {
    let server = server();
    for row in rows(&server) {
        let Some(needed) = row.needs else {
            assert_eq!(ask(&server, &row, &row.good, None).status, row.status);
            continue;
        };
        ask(&server, &row, &row.good, None).refused(401, "token_needed");
        for other in Scope::ALL.into_iter().filter(|scope| *scope != needed) {
            let answer = ask(&server, &row, &row.good, Some(server.token(other)));
            answer.refused(403, "scope_missing");
        }
    }
}

#[test]
fn every_endpoint_refuses_more_than_it_takes() {
    let server = server();
    for row in rows(&server) {
        let token = row.needs.map(|scope| server.token(scope));
        if row.method == "GET" {
            // It takes nothing but its head.
            let mark = if row.good.path.contains('?') {
                '&'
            } else {
                '?'
            };
            let head = format!(
                "GET {}{mark}x={} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
                row.good.path,
                "x".repeat(64 << 10),
                server.address,
                token.unwrap_or("none")
            );
            let answer = raw(server.address, head.as_bytes());
            assert_eq!(raw_status(&answer), 431, "{}", row.path);
            continue;
        }
        let body = vec![b' '; LIMIT + 1];
        let answer = server.send(row.method, &row.good.path, &headers(token), &body);
        answer.refused(413, "too_large");
    }
}
