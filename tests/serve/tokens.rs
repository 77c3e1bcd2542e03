//! Who may what: without a token file, with one, with the wrong one.

use sealbook::serve::ServeError;
use sealbook::serve::scope::Scope;
use serde_json::json;

use crate::answer::Answer;
use crate::place::{Plan, Server};

/// Every endpoint, with the scope that it needs; none where it is open.
const ENDPOINTS: [(&str, &str, Option<Scope>); 56] = [
    ("GET", "/health", None),
    ("GET", "/openapi.json", None),
    ("GET", "/", None),
    ("GET", "/page/page.css", None),
    ("GET", "/log/checkpoint", None),
    ("GET", "/api/v1/verify/org.folder.one", None),
    ("GET", "/api/v1/ban-list", None),
    ("GET", "/metrics", Some(Scope::Read)),
    ("GET", "/status", Some(Scope::Read)),
    ("GET", "/workers", Some(Scope::Read)),
    ("GET", "/dispatches", Some(Scope::Read)),
    ("GET", "/dispatches/active", Some(Scope::Read)),
    ("GET", "/alerts", Some(Scope::Read)),
    ("GET", "/wcp/capabilities", Some(Scope::Read)),
    ("GET", "/wcp/workers", Some(Scope::Read)),
    ("GET", "/wcp/health", Some(Scope::Read)),
    ("GET", "/wcp/approvals/pending", Some(Scope::Read)),
    ("GET", "/v1/entries", Some(Scope::Read)),
    ("GET", "/v1/entries/0", Some(Scope::Read)),
    ("GET", "/v1/entries/0/proof", Some(Scope::Read)),
    ("GET", "/v1/epochs", Some(Scope::Read)),
    ("GET", "/v1/epochs/0", Some(Scope::Read)),
    ("GET", "/v1/head", Some(Scope::Read)),
    ("GET", "/v1/bundle", Some(Scope::Read)),
    ("GET", "/v1/report", Some(Scope::Read)),
    ("GET", "/v1/export.parquet", Some(Scope::Read)),
    ("GET", "/v1/epochs.parquet", Some(Scope::Read)),
    ("GET", "/v1/stats", Some(Scope::Read)),
    ("GET", "/v1/revocations", Some(Scope::Read)),
    ("POST", "/v1/verify", Some(Scope::Read)),
    ("POST", "/v1/entries", Some(Scope::Append)),
    ("POST", "/v1/logs", Some(Scope::Append)),
    ("POST", "/v1/traces", Some(Scope::Append)),
    ("POST", "/logs", Some(Scope::Append)),
    ("POST", "/v1/cloudevents", Some(Scope::Append)),
    ("POST", "/v1/entries/batch", Some(Scope::Append)),
    ("POST", "/route", Some(Scope::Route)),
    ("POST", "/v1/decisions", Some(Scope::Route)),
    ("POST", "/enroll", Some(Scope::Enrol)),
    ("PUT", "/api/v1/workers/x/attest", Some(Scope::Enrol)),
    ("POST", "/decisions/ingest", Some(Scope::Ingest)),
    ("POST", "/api/v1/ban-list/report", Some(Scope::Ingest)),
    ("POST", "/wcp/approvals/resolve", Some(Scope::Approve)),
    ("POST", "/v1/erasures", Some(Scope::Admin)),
    ("POST", "/v1/seal", Some(Scope::Admin)),
    ("POST", "/v1/publish", Some(Scope::Admin)),
    ("POST", "/v1/take-over", Some(Scope::Admin)),
    ("POST", "/v1/decide", Some(Scope::Route)),
    ("POST", "/v1/imports", Some(Scope::Admin)),
    ("POST", "/v1/attestations", Some(Scope::Attest)),
    ("POST", "/v1/manifests", Some(Scope::Attest)),
    ("POST", "/v1/cards", Some(Scope::Attest)),
    ("POST", "/v1/enrolments", Some(Scope::Enrol)),
    ("POST", "/api/v1/workers/x/confirm", Some(Scope::Admin)),
    ("POST", "/api/v1/workers/x/revoke", Some(Scope::Admin)),
    ("POST", "/api/v1/ban-list/ban", Some(Scope::Admin)),
];

fn send(server: &Server, method: &str, path: &str, credential: Option<(&str, String)>) -> Answer {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(credential.map(|(name, value)| (name.to_owned(), value)));
    let body: &[u8] = if method == "GET" { b"" } else { b"{}" };
    server.send(method, path, &headers, body)
}

fn bearer(token: &str) -> Option<(&'static str, String)> {
    Some(("authorization", format!("Bearer {token}")))
}

#[test]
fn every_endpoint_is_in_the_list_above() {
    let server = Server::start();
    let document = server.get("/openapi.json").is(200);
    let paths = document["paths"].as_object().unwrap();
    let mut described = 0;
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            described += 1;
            let like = |(own, asked, _): &(&str, &str, _)| {
                let fits = |(a, b): (&str, &str)| a == b || a.starts_with('{');
                own.eq_ignore_ascii_case(method)
                    && path.split('/').count() == asked.split('/').count()
                    && path.split('/').zip(asked.split('/')).all(fits)
            };
            // These are tested by themselves.
            let apart =
                path == "/v1/tail" || path == "/wcp/approvals/escalate" || path == "/v1/outcomes";
            assert!(apart || ENDPOINTS.iter().any(like), "{method} {path}");
        }
    }
    assert_eq!(described, ENDPOINTS.len() + 3);
}

#[test]
fn with_a_token_file_each_endpoint_wants_its_scope_and_no_other_will_do() {
    let server = Server::with_tokens();
    for (method, path, needed) in ENDPOINTS {
        let anonymous = send(&server, method, path, None);
        let Some(needed) = needed else {
            assert_eq!(anonymous.status, 200, "{method} {path}");
            continue;
        };
        assert_eq!(anonymous.header("www-authenticate"), Some("Bearer"));
        anonymous.refused(401, "token_needed");
        let wrong = format!("sbt_{}", "0".repeat(64));
        send(&server, method, path, bearer(&wrong)).refused(401, "token_invalid");
        for scope in Scope::ALL {
            let answer = send(&server, method, path, bearer(server.token(scope)));
            if scope == needed {
                assert!(
                    !matches!(answer.status, 401 | 403),
                    "{method} {path} {scope}"
                );
                assert!(answer.status < 500, "{method} {path} {scope}");
            } else {
                answer.refused(403, "scope_missing");
            }
        }
    }
}

#[test]
fn without_a_token_file_only_reading_routing_and_append_are_open() {
    let server = Server::start();
    for (method, path, needed) in ENDPOINTS {
        let answer = send(&server, method, path, None);
        match needed {
            Some(needed) if !Scope::WITHOUT_TOKENS.contains(&needed) => {
                answer.refused(403, "no_tokens");
            }
            _ => assert!(
                !matches!(answer.status, 401 | 403) && answer.status < 500,
                "{method} {path}: {}",
                answer.status
            ),
        }
    }
}

#[test]
fn a_registry_can_be_private() {
    let plan = Plan {
        tokens: true,
        registry_private: true,
        ..Plan::default()
    };
    let server = plan.start();
    for path in ["/api/v1/verify/org.folder.one", "/api/v1/ban-list"] {
        send(&server, "GET", path, None).refused(401, "token_needed");
        assert_eq!(server.get(path).status, 200);
        let cookie = format!("a=b; pyhall_session={}", server.token(Scope::Read));
        let by_cookie = send(&server, "GET", path, Some(("cookie", cookie)));
        assert_eq!(by_cookie.status, 200);
    }
}

#[test]
fn the_session_cookie_counts_where_registry_clients_send_it_and_nowhere_else() {
    let server = Server::with_tokens();
    let cookie = |scope| Some(("cookie", format!("pyhall_session={}", server.token(scope))));
    let report = "/api/v1/ban-list/report";
    let answer = send(&server, "POST", report, cookie(Scope::Ingest));
    answer.refused(400, "bad_input");
    send(&server, "POST", "/decisions/ingest", cookie(Scope::Ingest)).refused(401, "token_needed");
    send(&server, "GET", "/status", cookie(Scope::Read)).refused(401, "token_needed");
}

#[test]
fn a_token_that_expired_or_was_revoked_is_refused() {
    let server = Server::with_tokens();
    let path = server.dir().join("tokens.jsonl");
    let mut file = sealbook::serve::token_file::TokenFile::open(&path).unwrap();
    let now = sealbook::logbook::clock::Clock::wall(&*server.clock);
    let soon = now.saturating_add_micros(1_000_000);
    let (brief, _) = file
        .issue("brief", &[Scope::Read], now, Some(soon))
        .unwrap();
    file.save(&path).unwrap();
    server.reload.blocking_send(()).unwrap();
    server.until("the token is known", || {
        send(&server, "GET", "/status", bearer(brief.expose())).status == 200
    });
    server.clock.forward(1);
    send(&server, "GET", "/status", bearer(brief.expose())).refused(401, "token_invalid");
    let reader = server.token(Scope::Read);
    let id = file.find(reader).unwrap().id.clone();
    file.revoke(&id).unwrap();
    file.save(&path).unwrap();
    server.reload.blocking_send(()).unwrap();
    server.until("the token is gone", || {
        send(&server, "GET", "/status", bearer(reader)).status == 401
    });
}

#[test]
fn a_token_that_is_revoked_loses_its_open_tails() {
    use std::io::{BufRead as _, Read as _, Write as _};
    let server = Server::with_tokens();
    let reader = server.token(Scope::Read);
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    let timeout = std::time::Duration::from_secs(120);
    stream.set_read_timeout(Some(timeout)).unwrap();
    let head = format!(
        "GET /v1/tail HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {reader}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut tail = std::io::BufReader::new(stream);
    let mut first = String::new();
    tail.read_line(&mut first).unwrap();
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let path = server.dir().join("tokens.jsonl");
    let mut file = sealbook::serve::token_file::TokenFile::open(&path).unwrap();
    let id = file.find(reader).unwrap().id.clone();
    file.revoke(&id).unwrap();
    file.save(&path).unwrap();
    server.reload.blocking_send(()).unwrap();
    // It ends; were it still open, this would wait for ever.
    let mut rest = Vec::new();
    tail.read_to_end(&mut rest).unwrap();
}

#[test]
fn a_token_file_that_cannot_be_read_leaves_the_tokens_as_they_were() {
    let server = Server::with_tokens();
    let path = server.dir().join("tokens.jsonl");
    std::fs::write(&path, "not a token\n").unwrap();
    server.reload.blocking_send(()).unwrap();
    // A second reload is received when the first is done.
    server.reload.blocking_send(()).unwrap();
    server.reload.blocking_send(()).unwrap();
    assert_eq!(server.get("/status").status, 200);
}

#[test]
fn a_token_in_a_wrong_place_is_no_token() {
    let server = Server::with_tokens();
    let token = server.token(Scope::Read);
    for value in [
        token.to_owned(),
        format!("Basic {token}"),
        "Bearer ".to_owned(),
    ] {
        let answer = send(&server, "GET", "/status", Some(("authorization", value)));
        answer.refused(401, "token_invalid");
    }
    let query = format!("/status?token={token}");
    send(&server, "GET", &query, None).refused(401, "token_needed");
}

#[test]
fn other_addresses_are_served_with_a_token_file_only() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // The listener alone decides: nothing else is looked at before.
    let refused = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        crate::place::Plan::default().run_on(listener).await
    });
    assert!(matches!(refused, Err(ServeError::NotLoopback { .. })));
}

#[test]
fn nothing_secret_is_kept() {
    let server = Server::with_tokens();
    let token = server.token(Scope::Append).to_owned();
    let body = json!({"kind": "note", "payload": {}});
    server.post(Scope::Append, "/v1/entries", &body).is(201);
    let kept = std::fs::read_to_string(server.dir().join("tokens.jsonl")).unwrap();
    let entries = server.get("/v1/entries").body;
    let secret = token.strip_prefix("sbt_").unwrap();
    assert!(!kept.contains(secret));
    assert!(!String::from_utf8(entries).unwrap().contains(secret));
}
