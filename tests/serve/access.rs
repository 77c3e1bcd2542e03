//! A web page on the operator's machine can neither write nor, by rebinding a
//! name, read.

use crate::answer::{raw, raw_status};
use crate::place::{Plan, Server};

fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    lines.iter().map(owned).collect()
}

fn get(server: &Server, host: &str) -> u16 {
    let request = format!("GET /status HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    raw_status(&raw(server.address, request.as_bytes()))
}

#[test]
fn a_name_that_was_rebound_to_this_machine_is_not_answered() {
    let plan = Plan {
        allowed_hosts: vec!["hall.example".to_owned()],
        ..Plan::default()
    };
    let server = plan.start();
    let port = server.address.port();
    for host in ["localhost", "127.0.0.1", "hall.example"] {
        assert_eq!(get(&server, &format!("{host}:{port}")), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.2"] {
        assert_eq!(get(&server, &format!("{host}:{port}")), 421, "{host}");
    }
    // A name in the request line counts too.
    let absolute = format!(
        "GET http://evil.example/status HTTP/1.1\r\nhost: localhost:{port}\r\n\
         connection: close\r\n\r\n"
    );
    assert_eq!(raw_status(&raw(server.address, absolute.as_bytes())), 421);
    let none = b"GET /status HTTP/1.1\r\nconnection: close\r\n\r\n";
    assert_eq!(raw_status(&raw(server.address, none)), 421);
}

#[test]
fn a_page_of_another_origin_reads_and_writes_nothing() {
    let server = Server::start();
    let before = server.store.count().unwrap();
    let entry = br#"{"kind":"note","payload":{}}"#;
    for origin in ["http://evil.example", "null", "http://localhost"] {
        let headers = lines(&[("origin", origin), ("content-type", "application/json")]);
        server
            .send("POST", "/v1/entries", &headers, entry)
            .refused(403, "origin_refused");
        server
            .get_with("/v1/entries", &headers)
            .refused(403, "origin_refused");
    }
    assert_eq!(server.store.count().unwrap(), before);
    let own = format!("http://{}", server.address);
    let headers = lines(&[("origin", &own), ("content-type", "application/json")]);
    server.send("POST", "/v1/entries", &headers, entry).is(201);
}

#[test]
fn what_a_page_can_post_without_asking_is_not_taken() {
    let server = Server::start();
    let before = server.store.count().unwrap();
    let entry = br#"{"kind":"note","payload":{}}"#;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "",
    ] {
        let headers = lines(&[("content-type", media_type)]);
        server
            .send("POST", "/v1/entries", &headers, entry)
            .refused(415, "content_type");
    }
    server
        .send("POST", "/v1/entries", &[], entry)
        .refused(415, "content_type");
    assert_eq!(server.store.count().unwrap(), before);
    let headers = lines(&[("content-type", "Application/JSON; charset=utf-8")]);
    server.send("POST", "/v1/entries", &headers, entry).is(201);
}

#[test]
fn no_page_is_invited_unless_its_origin_is_named() {
    let preflight = lines(&[
        ("origin", "https://audit.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ]);
    let closed = Server::start();
    let answer = closed.send("OPTIONS", "/v1/entries", &preflight, b"");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let plan = Plan {
        cors_origins: vec!["https://audit.example".to_owned()],
        ..Plan::default()
    };
    let open = plan.start();
    let answer = open.send("OPTIONS", "/v1/entries", &preflight, b"");
    assert_eq!(answer.status, 200);
    let allowed = answer.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://audit.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let from = lines(&[("origin", "https://audit.example")]);
    let read = open.get_with("/v1/head", &from);
    let allowed = read.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://audit.example"));
    let other = lines(&[("origin", "https://evil.example")]);
    open.get_with("/v1/head", &other)
        .refused(403, "origin_refused");
}

#[test]
fn every_answer_says_that_it_is_no_page_and_has_a_name() {
    let server = Server::start();
    for path in ["/health", "/nothing", "/v1/entries/none"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-request-id").unwrap().len(), 24);
    }
}
