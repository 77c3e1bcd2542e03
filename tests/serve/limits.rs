//! What the server bears, and what it answers beyond that.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sealbook::serve::scope::Scope;
use serde_json::json;

use crate::answer::{raw, raw_status};
use crate::place::{Plan, Server};

fn json_header() -> [(String, String); 1] {
    [("content-type".to_owned(), "application/json".to_owned())]
}

#[test]
fn every_endpoint_refuses_a_body_that_is_too_long() {
    let mut plan = Plan {
        tokens: true,
        ..Plan::default()
    };
    plan.limits.body_bytes = 1_000;
    plan.limits.upload_bytes = 1_000;
    let server = plan.start();
    let body = vec![b' '; 1_001];
    for (method, path, scope) in [
        ("POST", "/v1/entries", Scope::Append),
        ("POST", "/v1/entries/batch", Scope::Append),
        ("POST", "/v1/seal", Scope::Admin),
        ("POST", "/v1/verify", Scope::Read),
        ("POST", "/route", Scope::Route),
        ("POST", "/enroll", Scope::Enrol),
        ("POST", "/decisions/ingest", Scope::Ingest),
        ("POST", "/wcp/approvals/resolve", Scope::Approve),
        ("POST", "/wcp/approvals/escalate", Scope::Approve),
        ("POST", "/api/v1/ban-list/report", Scope::Ingest),
        ("PUT", "/api/v1/workers/x/attest", Scope::Enrol),
    ] {
        let token = format!("Bearer {}", server.token(scope));
        let mut headers = json_header().to_vec();
        headers.push(("authorization".to_owned(), token.clone()));
        server
            .send(method, path, &headers, &body)
            .refused(413, "too_large");
        // Announced or not.
        let chunked = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\
             connection: close\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n",
            " ".repeat(1_001)
        );
        let answer = raw(server.address, chunked.as_bytes());
        assert_eq!(raw_status(&answer), 413, "{path}");
    }
}

#[test]
fn a_head_that_does_not_come_loses_its_connection() {
    let mut plan = Plan::default();
    plan.limits.header_time = Duration::from_millis(100);
    let server = plan.start();
    for begun in [
        &b""[..],
        b"GET /heal",
        b"GET /health HTTP/1.1\r\nhost: localhost\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(begun).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut rest = Vec::new();
        // Closed, or answered 408 and closed: not held.
        let _reset = stream.read_to_end(&mut rest);
        let text = String::from_utf8(rest).unwrap();
        assert!(text.is_empty() || raw_status(&text) == 408, "{text}");
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let mut plan = Plan::default();
    plan.limits.body_time = Duration::from_millis(100);
    plan.limits.stall_time = Duration::from_millis(100);
    let server = plan.start();
    for (path, media_type) in [
        ("/v1/entries", "application/json"),
        ("/v1/verify", "application/octet-stream"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\n\
             content-length: 100\r\nconnection: close\r\n\r\n{{"
        );
        let answer = raw(server.address, head.as_bytes());
        assert_eq!(raw_status(&answer), 408, "{path}: {answer}");
    }
}

#[test]
fn a_head_that_is_too_long_or_is_none_is_refused() {
    let server = Server::start();
    let long = format!(
        "GET /health HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "a".repeat(64 << 10)
    );
    assert_eq!(raw_status(&raw(server.address, long.as_bytes())), 431);
    let many = format!(
        "GET /health HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
        "x: y\r\n".repeat(100)
    );
    assert_eq!(raw_status(&raw(server.address, many.as_bytes())), 431);
    for none in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"hello\r\n\r\n",
        b"POST /v1/entries HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\
          content-length: 4\r\n\r\nabc",
        b"GET /health HTTP/1.1\r\nhost : localhost\r\n\r\n",
    ] {
        let answer = raw(server.address, none);
        assert!(answer.is_empty() || raw_status(&answer) == 400, "{answer}");
    }
    server.get("/health").is(200);
}

/// As all other errors have.
#[test]
fn what_is_no_request_is_told_so_in_a_body() {
    let server = Server::start();
    let get = "GET /health HTTP/1.1\r\nhost: localhost\r\n";
    let long = format!("{get}x: {}\r\n\r\n", "a".repeat(64 << 10));
    let many = format!("{get}{}\r\n", "x: y\r\n".repeat(100));
    let before = format!("{get}\r\n");
    for (request, status, code) in [
        ("hello\r\n\r\n", 400, "not_http"),
        ("GET /health HTTP/1.1\r\nhost : a\r\n\r\n", 400, "not_http"),
        ("GET /health HTTP/1.1\nhost: a\r\n\r\n", 400, "not_http"),
        ("GET /health HTTP/9.1\r\nhost: a\r\n\r\n", 400, "not_http"),
        (&long, 431, "head_too_large"),
        (&many, 431, "head_too_large"),
    ] {
        let begin = request.get(..40.min(request.len())).unwrap();
        for first in ["", &before] {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            if !first.is_empty() {
                // Behind an answer, too.
                stream.write_all(first.as_bytes()).unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    head.extend(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let length = head.split("content-length: ").nth(1).unwrap();
                let length = length.lines().next().unwrap().parse().unwrap();
                stream.read_exact(&mut vec![0; length]).unwrap();
            }
            let _unread = stream.write_all(request.as_bytes());
            let mut answer = Vec::new();
            let _cut = stream.read_to_end(&mut answer);
            let answer = String::from_utf8(answer).unwrap();
            assert_eq!(raw_status(&answer), status, "{begin:?} {answer}");
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let length = format!("content-length: {}", body.len());
            for line in [
                "content-type: application/json",
                "connection: close",
                "cache-control: no-store",
                &length,
            ] {
                assert!(head.lines().any(|it| it == line), "{line}: {answer}");
            }
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["code"], code, "{begin:?}");
            assert!(body["error"].is_string());
        }
    }
}

/// RFC 9112, section 6.3: the chunks say how long it is, and the connection ends
/// with the answer, so that what follows is nobody's second request.
#[test]
fn a_length_beside_chunks_ends_the_connection() {
    let server = Server::start();
    let both = b"GET /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\
          transfer-encoding: chunked\r\n\r\n0\r\n\r\n\
          GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = raw(server.address, both);
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[test]
fn one_connection_too_many_is_told_to_come_again() {
    let mut plan = Plan::default();
    plan.limits.connections = 2;
    let server = plan.start();
    let hold = || {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        stream
    };
    let held = (hold(), hold());
    let answer = raw(server.address, b"");
    assert_eq!(raw_status(&answer), 503);
    assert!(answer.contains("retry-after: 1\r\n"));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}\r\n", body.len());
    assert!(answer.contains(&length), "{answer}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["code"], "busy");
    drop(held);
    server.until("there is a place again", || {
        let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        raw_status(&raw(server.address, request)) == 200
    });
}

#[test]
fn too_many_requests_are_told_when_to_come_again() {
    let mut plan = Plan {
        tokens: true,
        ..Plan::default()
    };
    plan.limits.requests_per_second = 1;
    plan.limits.request_burst = 3;
    let server = plan.start();
    for _ in 0..3 {
        server.get("/status").is(200);
    }
    server.get("/status").refused(429, "too_many_requests");
    // Of one token, not of another.
    let body = json!({"kind": "note", "payload": {}});
    server.post(Scope::Append, "/v1/entries", &body).is(201);
    // Anyone who guesses tokens is slowed down by address.
    let guess = [("authorization".to_owned(), "Bearer sbt_x".to_owned())];
    let statuses: Vec<u16> = (0..6)
        .map(|_| server.get_with("/status", &guess).status)
        .collect();
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn a_disk_that_is_nearly_full_takes_nothing_more_and_says_so() {
    let mut plan = Plan::default();
    plan.limits.min_free_bytes = u64::MAX;
    let server = plan.start();
    let before = server.store.count().unwrap();
    let body = json!({"kind": "note", "payload": {}});
    server
        .post(Scope::Append, "/v1/entries", &body)
        .refused(503, "disk_low");
    let request = crate::place::request("cap.doc.summarize", "dev", "c-1");
    server
        .post(Scope::Route, "/route", &request)
        .refused(503, "disk_low");
    let health = server.get("/health").is(503);
    assert_eq!(health["status"], "disk_low");
    assert_eq!(health["ok"], false);
    server.get("/v1/entries").is(200);
    assert_eq!(server.store.count().unwrap(), before);
}

#[test]
fn a_client_that_does_not_read_loses_its_connection_and_holds_nobody_up() {
    let mut plan = Plan::default();
    plan.limits.stall_time = Duration::from_millis(200);
    plan.limits.long_works = 1;
    let server = plan.start();
    let blob = "x".repeat(1 << 20);
    for _ in 0..24 {
        let body = json!({"kind": "blob", "payload": {"blob": blob}});
        server.post(Scope::Append, "/v1/entries", &body).is(201);
    }
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"GET /v1/bundle HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut begin = [0; 12];
    slow.read_exact(&mut begin).unwrap();
    // Others write while it does not read.
    let begun = Instant::now();
    server.note(1);
    assert!(begun.elapsed() < Duration::from_secs(10));
    // The one place for exports is free again, since it was cut off.
    server.until("the export is given up", || {
        server.get("/v1/bundle?until_seq=0").status == 409
    });
    let mut rest = Vec::new();
    slow.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let _reset = slow.read_to_end(&mut rest);
    assert!(rest.len() < 24 << 20, "it was not cut off");
}

/// What a reader leaves unread takes room, of which there is so much; a small answer needs none.
#[test]
fn an_answer_waits_for_room_of_its_reader_and_gives_it_back() {
    let mut plan = Plan::default();
    plan.limits.answers_bytes = 16 << 20;
    plan.limits.stall_time = Duration::from_secs(600);
    plan.limits.answer_time = Duration::from_secs(600);
    let server = plan.start();
    let blob = "x".repeat(1 << 20);
    for _ in 0..24 {
        let body = json!({"kind": "blob", "payload": {"blob": blob}});
        server.post(Scope::Append, "/v1/entries", &body).is(201);
    }
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.write_all(b"GET /v1/entries?kind=blob HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    let mut begin = [0; 15];
    slow.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    // It has all that one reader may have, and reads nothing of it.
    server
        .get("/v1/entries?kind=blob&limit=1")
        .refused(503, "busy");
    server.get("/v1/entries?kind=blob&limit=0").is(400);
    server.get("/health").is(200);
    server.note(1);
    drop(slow);
    server.until("the room is free again", || {
        server.get("/v1/entries?kind=blob&limit=1").status == 200
    });
}

#[test]
fn an_unknown_path_or_method_is_said_to_be_that() {
    let server = Server::start();
    server.get("/nothing").refused(404, "not_found");
    server.get("/v1/entries/").refused(404, "not_found");
    let answer = server.send("PUT", "/v1/entries", &json_header(), b"{}");
    answer.refused(405, "method_not_allowed");
    let answer = server.send("TRACE", "/health", &[], b"");
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    answer.refused(405, "method_not_allowed");
}

#[test]
fn connections_that_wait_make_room_for_one_that_comes() {
    let mut plan = Plan::default();
    plan.limits.connections = 16;
    let server = plan.start();
    let mut idle = Vec::new();
    for n in 0..40 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        if n % 2 == 0 {
            stream.write_all(b"GET /health HTTP/1.1\r\nho").unwrap();
        }
        idle.push(stream);
    }
    server.until("room is made", || {
        let asked = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        raw(server.address, asked.as_bytes()).starts_with("HTTP/1.1 200")
    });
    drop(idle);
}

#[test]
fn uploads_that_hardly_come_hold_no_place_of_others() {
    let mut plan = Plan::default();
    plan.limits.long_works = 4;
    let server = plan.start();
    server.note(1);
    server.post(Scope::Admin, "/v1/seal", &json!({}));
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = "POST /v1/verify HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/octet-stream\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        held.push(stream);
    }
    let answer = server.send(
        "POST",
        "/v1/verify",
        &[(
            "content-type".to_owned(),
            "application/octet-stream".to_owned(),
        )],
        b"",
    );
    assert_eq!(answer.is(200)["verdict"], "fail");
    drop(held);
}

#[test]
fn what_little_becomes_much_is_refused_and_not_walked() {
    let server = Plan::default().start();
    let headers = [(
        "content-type".to_owned(),
        "application/octet-stream".to_owned(),
    )];
    for line in ["\n", "\r\n", " \n", "{}\n"] {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        let block = line.repeat((1 << 20) / line.len());
        for _ in 0..300 {
            encoder.write_all(block.as_bytes()).unwrap();
        }
        let small = encoder.finish().unwrap();
        assert!(small.len() < 100 << 10, "{}", small.len());
        let answer = server.send("POST", "/v1/verify", &headers, &small);
        if line != "{}\n" {
            let verdict = answer.is(200);
            assert_eq!(verdict["verdict"], "fail", "{line:?}");
            assert_eq!(verdict["entries"], 0, "{line:?}");
        }
    }
}
