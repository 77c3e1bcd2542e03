//! What clients give: bodies, keys and times as they come.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sealbook::serve::scope::Scope;
use serde_json::json;

use crate::answer::{raw, raw_status};
use crate::place::{Plan, Server};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn headers(encoding: &str) -> Vec<(String, String)> {
    [
        ("content-type", "application/json"),
        ("content-encoding", encoding),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

#[test]
fn a_compressed_body_is_what_is_inside_of_it() {
    let server = Server::start();
    let body = json!({"kind": "note", "payload": {"n": 1}}).to_string();
    for (encoding, bytes) in [
        ("gzip", gzip(body.as_bytes())),
        ("x-gzip", gzip(body.as_bytes())),
        ("identity", body.clone().into_bytes()),
    ] {
        let path = "/v1/entries";
        let receipt = server
            .send("POST", path, &headers(encoding), &bytes)
            .is(201);
        let entry = server.get(&format!("/v1/entries/{}", receipt["seq"]));
        assert_eq!(entry.is(200)["entry"]["payload"]["n"], 1);
    }
}

#[test]
fn a_compressed_body_is_bounded_by_what_is_inside_of_it() {
    let mut plan = Plan::default();
    plan.limits.body_bytes = 1 << 20;
    let server = plan.start();
    let path = "/v1/entries";
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 17);
    let answer = server.send("POST", path, &headers("gzip"), &bomb);
    answer.refused(413, "too_large");
    let whole = gzip(b"{\"kind\":\"note\",\"payload\":{}}");
    for cut in [1, 10, whole.len() - 1] {
        let answer = server.send("POST", path, &headers("gzip"), &whole[..cut]);
        answer.refused(400, "body_broken");
    }
    for encoding in ["br", "gzip, gzip", "zstd"] {
        let answer = server.send("POST", path, &headers(encoding), &whole);
        answer.refused(415, "content_encoding");
    }
}

#[test]
fn a_bare_line_feed_ends_no_line_of_a_request() {
    let server = Server::start();
    let get = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(raw_status(&raw(server.address, get.as_bytes())), 200);
    for bad in [
        get.replacen("\r\n", "\n", 1),
        get.replace("\r\n", "\n"),
        format!("\n{get}"),
        get.replace("localhost\r\n", "localhost\n"),
    ] {
        let answer = raw(server.address, bad.as_bytes());
        assert_eq!(raw_status(&answer), 400, "{bad:?}");
    }
    // Bodies have what line ends they like, and the next head is looked at again.
    let body = "{\n\"kind\":\"k\",\n\"payload\":{}\n}\n";
    let post = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    for (next, status) in [
        (get.to_owned(), "200"),
        (get.replacen("\r\n", "\n", 1), "400"),
    ] {
        let answer = raw(server.address, format!("{post}{next}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        assert!(answer.contains(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[test]
fn a_rate_of_nothing_is_no_limit() {
    let mut plan = Plan::default();
    plan.limits.requests_per_second = 0;
    plan.limits.request_burst = 0;
    let server = plan.start();
    for _ in 0..100 {
        server.get("/status").is(200);
    }
}

#[test]
fn what_is_open_to_all_asks_nobody_who_they_are() {
    let server = Server::with_tokens();
    for line in ["Bearer sbt_x", "Basic dXNlcjpwYXNz", "Negotiate", ""] {
        let header = [("authorization".to_owned(), line.to_owned())];
        for path in ["/health", "/openapi.json", "/"] {
            assert_eq!(server.get_with(path, &header).status, 200, "{line} {path}");
        }
        assert_eq!(server.get_with("/status", &header).status, 401, "{line}");
    }
}

#[test]
fn tenants_that_are_numbers_and_times_in_words_are_filters_too() {
    let server = Server::start();
    for tenant in [json!(42), json!("42")] {
        let entry = json!({"kind": "k", "payload": {"tenant_id": tenant}});
        server.post(Scope::Append, "/v1/entries", &entry).is(201);
    }
    for (query, count) in [
        ("tenant=42", 1),
        ("tenant_json=42", 1),
        ("kind=k&since=2026-03-01", 2),
        ("kind=k&since=2026-03-01T00:00:00%2B00:00", 2),
        ("kind=k&since=2026-03-01T00:00:00+00:00", 2),
        ("kind=k&until=2026-02-28", 0),
    ] {
        let found = server.get(&format!("/v1/entries?{query}")).is(200);
        assert_eq!(found["entries"].as_array().unwrap().len(), count, "{query}");
    }
    server
        .get("/v1/entries?tenant_json=x")
        .refused(400, "bad_input");
    server
        .get("/v1/entries?tenant_json=%22x%22")
        .refused(400, "bad_input");
}

/// In a header, where the answer may be a file.
#[test]
fn what_a_filter_passes_over_for_its_type_is_said_over_http_too() {
    let server = Server::with_tokens();
    let payloads = [
        json!({"tenant_id": 42, "correlation_id": 7}),
        json!({"tenant_id": "42", "correlation_id": "7", "worker_id": "é"}),
        json!({"worker_id": ["é"]}),
    ];
    let [numbers, ..] = payloads.map(|payload| {
        let entry = json!({"kind": "k", "payload": payload});
        let receipt = server.post(Scope::Append, "/v1/entries", &entry).is(201);
        receipt["seq"].clone()
    });
    server.post(Scope::Admin, "/v1/seal", &json!({})).is(200);
    let said = |path: &str| {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        answer.header("sealbook-warning").map(str::to_owned)
    };
    let tenant = "entries whose tenant_id is the JSON value 42 and not the string \"42\" are not \
                  among them: tenant_json finds those";
    let case = format!(
        "entries whose correlation_id is the JSON value 7 and not the string \"7\" are not \
         among them: entry {numbers} is one of those"
    );
    for path in ["/v1/entries", "/v1/stats", "/v1/bundle"] {
        let said = |query: &str| said(&format!("{path}?{query}"));
        assert_eq!(said("tenant=42").as_deref(), Some(tenant), "{path}");
        assert_eq!(said("correlation=7").as_deref(), Some(&*case), "{path}");
        assert_eq!(said("kind=k"), None, "{path}");
        assert_eq!(said("worker=%C3%A9"), None, "{path}");
    }
    assert_eq!(said("/v1/report?correlation=7").as_deref(), Some(&*case));
    let list = said("/v1/entries?worker=%5B%22%C3%A9%22%5D").unwrap();
    let shown = "JSON value [\"\\u{e9}\"] and not the string \"[\"\\u{e9}\"]\" are not among";
    assert!(list.contains(shown), "{list}");
}
