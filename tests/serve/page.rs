//! The page, the report and the counts, as a browser is given them.

use sealbook::ledger::fault::Verdict;
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::policy::Policy;
use sealbook::report::verify_report;
use sealbook::serve::scope::Scope;
use serde_json::json;
use zeroize::Zeroizing;

use crate::place::{SEED, Server};

fn key() -> PublicKey {
    SoftwareSigner::from_seed(&Zeroizing::new(SEED)).public_key()
}

/// The files that a text loads, and those that they load.
fn loaded(server: &Server) -> Vec<(String, String)> {
    let html = String::from_utf8(server.get_with("/", &[]).body).unwrap();
    let mut found = vec![("/".to_owned(), html)];
    let mut at = 0;
    while at < found.len() {
        let text = found[at].1.clone();
        for (mark, folder) in [("from \"./", "/page/"), ("src=\"/", "/"), ("href=\"/", "/")] {
            for rest in text.split(mark).skip(1) {
                let path = format!("{folder}{}", rest.split('"').next().unwrap());
                if found.iter().all(|(known, _)| *known != path) {
                    let answer = server.get_with(&path, &[]);
                    assert_eq!(answer.status, 200, "{path}");
                    found.push((path, String::from_utf8(answer.body).unwrap()));
                }
            }
        }
        at += 1;
    }
    found
}

#[test]
fn the_page_needs_no_token_and_may_load_nothing_from_elsewhere() {
    let server = Server::with_tokens();
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/blake2b.js", "text/javascript; charset=utf-8"),
        ("/page/look.css", "text/css; charset=utf-8"),
        ("/page/page.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let answer = server.get_with(path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(media_type));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        let policy = answer.header("content-security-policy").unwrap();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(
                policy.split("; ").any(|own| own == directive),
                "{directive}"
            );
        }
        assert!(!policy.contains("unsafe"));
    }
    for path in [
        "/page/",
        "/page/none.js",
        "/page/../main.js",
        "/page/%2e%2e",
        "/page/a/b",
    ] {
        assert_eq!(server.get_with(path, &[]).status, 404, "{path}");
    }
    let other = server.get("/v1/head");
    let policy = other.header("content-security-policy").unwrap();
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
}

/// A policy that forbids what the page does would be noticed in a browser; that
/// the page does nothing which a policy must forbid is seen here.
#[test]
fn no_file_of_the_page_has_script_or_style_inline_or_makes_markup_of_text() {
    let files = loaded(&Server::start());
    assert!(files.len() >= 30, "{}", files.len());
    for (path, text) in &files {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "eval(",
            "new Function",
            "setHTML",
            "javascript:",
            "http://",
            "https://",
        ] {
            let namespace = word == "http://" && text.contains("http://www.w3.org/2000/svg");
            assert!(namespace || !text.contains(word), "{path}: {word}");
        }
    }
    let (_, html) = &files[0];
    for word in ["<style", " style=", " onclick", " onload", "<script>"] {
        assert!(!html.contains(word), "{word}");
    }
    assert_eq!(html.matches("<script").count(), 1);
}

#[test]
fn a_report_over_http_is_one_that_the_command_line_verifies() {
    let server = Server::with_tokens();
    let append = |payload| {
        let entry = json!({"kind": "note", "payload": payload});
        server.post(Scope::Append, "/v1/entries", &entry).is(201)
    };
    append(json!({"correlation_id": "c-1", "text": "</script><b>"}));
    server
        .get("/v1/report?correlation=c-1")
        .refused(409, "not_sealed");
    append(json!({"correlation_id": "c-2"}));
    server.post(Scope::Admin, "/v1/seal", &json!({})).is(200);
    append(json!({"correlation_id": "c-1"}));
    let answer = server.get("/v1/report?correlation=c-1");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let disposition = answer.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"case.html\""));
    let policy = Policy {
        keys: vec![key()],
        ..Policy::default()
    };
    let report = verify_report(&answer.body[..], &policy, &mut |_| ())
        .unwrap()
        .report;
    assert_eq!((report.verdict, report.entries), (Verdict::Pass, 1));
    assert!(
        String::from_utf8(answer.body)
            .unwrap()
            .contains("\"left_out\":1")
    );
    let refused = |path: &str, status, code: &str| server.get(path).refused(status, code);
    refused("/v1/report?correlation=nobody", 404, "not_found");
    refused("/v1/report", 400, "bad_input");
    refused("/v1/report?correlation=a&correlation=b", 400, "bad_input");
    refused("/v1/report?correlation=c-1&x=1", 400, "bad_query");
    server
        .get_with("/v1/report?correlation=c-1", &[])
        .refused(401, "token_needed");
}

#[test]
fn a_report_that_is_sent_is_judged() {
    let server = Server::start();
    let entry = json!({"kind": "note", "payload": {"correlation_id": "c-1"}});
    server.post(Scope::Append, "/v1/entries", &entry).is(201);
    server.clock.forward(3_600);
    server.note(1);
    let report = server.get("/v1/report?correlation=c-1").body;
    let headers = [(
        "content-type".to_owned(),
        "application/octet-stream".to_owned(),
    )];
    let path = format!("/v1/verify?key={}", key());
    let judged = server.send("POST", &path, &headers, &report).is(200);
    assert_eq!(
        (&judged["verdict"], &judged["format"]),
        (&json!("pass"), &json!("report"))
    );
    let forged = String::from_utf8(report)
        .unwrap()
        .replace("<main>", "<main >");
    let judged = server
        .send("POST", &path, &headers, forged.as_bytes())
        .is(200);
    assert_eq!(judged["faults"][0]["code"], "format_mismatch");
}

#[test]
fn counts_are_those_of_the_entries() {
    let server = Server::with_tokens();
    let append = |n: u64, denied: bool| {
        let payload = json!({"n": n, "denied": denied, "tenant_id": "t"});
        let entry = json!({"kind": "check", "payload": payload});
        server.post(Scope::Append, "/v1/entries", &entry).is(201);
    };
    (0..5).for_each(|n| append(n, n == 1));
    server.clock.forward(3_600);
    (0..3).for_each(|n| append(n, n != 1));
    let stats = server.get("/v1/stats?kind=check").is(200);
    assert_eq!(
        stats,
        json!({
            "entries": 8, "denied": 3, "not_denied": 5, "complete": true,
            "first_seq": stats["first_seq"], "last_seq": stats["last_seq"],
            "hours": [
                {"hour": "2026-03-01T10:00:00+00:00", "entries": 5, "denied": 1},
                {"hour": "2026-03-01T11:00:00+00:00", "entries": 3, "denied": 2},
            ],
            "kinds": [{"kind": "check", "entries": 8}],
            "tenants": [{"tenant": "t", "entries": 8}],
            "reasons": [],
        })
    );
    let reason = json!({"denied": true, "deny_code": "NOT_TODAY"});
    let entry = json!({"kind": "refused", "payload": reason});
    server.post(Scope::Append, "/v1/entries", &entry).is(201);
    let decided =
        json!({"decision": {"denied": true, "deny_reason_if_denied": {"code": "DENY_X"}}});
    let entry = json!({"kind": "refused", "payload": decided});
    server.post(Scope::Append, "/v1/entries", &entry).is(201);
    let refused = server.get("/v1/stats?kind=refused").is(200);
    let reasons =
        json!([{"reason": "DENY_X", "entries": 1}, {"reason": "NOT_TODAY", "entries": 1}]);
    assert_eq!(refused["reasons"], reasons);
    let newest = server.get("/v1/stats?kind=check&limit=2").is(200);
    assert_eq!(
        (&newest["entries"], &newest["complete"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(newest["last_seq"], stats["last_seq"]);
    let none = server.get("/v1/stats?tenant=nobody").is(200);
    assert_eq!(
        (&none["entries"], &none["first_seq"]),
        (&json!(0), &json!(null))
    );
    server
        .get("/v1/stats?limit=100001")
        .refused(400, "bad_input");
    server.get("/v1/stats?limit=0").refused(400, "bad_input");
    server.get("/v1/stats?top=1").refused(400, "bad_query");
    server
        .get_with("/v1/stats", &[])
        .refused(401, "token_needed");
}

#[test]
fn the_last_headers_can_be_asked_for() {
    let server = Server::with_tokens();
    for n in 0..4 {
        server.note(n);
        server.post(Scope::Admin, "/v1/seal", &json!({})).is(200);
    }
    let page = server.get("/v1/epochs?last=2").is(200);
    let numbers: Vec<_> = page["epochs"].as_array().unwrap().iter().collect();
    assert_eq!(numbers.len(), 2);
    assert_eq!(numbers[0]["epoch"]["epoch"], 2);
    assert_eq!(page["next"], json!(null));
    let all = server.get("/v1/epochs?last=1000").is(200);
    assert_eq!(all["epochs"].as_array().unwrap().len(), 4);
    server.get("/v1/epochs?last=1001").refused(400, "bad_input");
}
