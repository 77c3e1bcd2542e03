//! `Idempotency-Key`: recorded once, answered as often as asked.

use std::sync::Arc;

use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::place::{Plan, Server};

fn post(server: &Server, token: Option<&str>, path: &str, key: &str, body: &Value) -> Answer {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("idempotency-key".to_owned(), key.to_owned()),
    ];
    if let Some(token) = token {
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    server.send("POST", path, &headers, body.to_string().as_bytes())
}

fn entry(n: u64) -> Value {
    json!({"kind": "note", "payload": {"n": n}})
}

#[test]
fn a_request_that_comes_again_is_answered_as_it_was_and_recorded_once() {
    let server = Server::start();
    let first = post(&server, None, "/v1/entries", "k1", &entry(1));
    assert_eq!(first.header("idempotency-replayed"), None);
    let first = first.is(201);
    server.note(2);
    let again = post(&server, None, "/v1/entries", "k1", &entry(1));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.is(201), first);
    let batch = json!({"entries": [entry(3), entry(4), entry(5)]});
    let first = post(&server, None, "/v1/entries/batch", "k1", &batch).is(201);
    let count = server.store.count().unwrap();
    let again = post(&server, None, "/v1/entries/batch", "k1", &batch).is(201);
    assert_eq!(again, first);
    assert_eq!(server.store.count().unwrap(), count);
}

#[test]
fn a_key_with_another_body_is_refused() {
    let server = Server::start();
    post(&server, None, "/v1/entries", "k", &entry(1)).is(201);
    let count = server.store.count().unwrap();
    post(&server, None, "/v1/entries", "k", &entry(2)).refused(422, "idempotency_key_reused");
    assert_eq!(server.store.count().unwrap(), count);
}

#[test]
fn a_key_belongs_to_its_token() {
    let server = Server::with_tokens();
    // The file has one token with this scope; another one is made beside it.
    let path = server.dir().join("tokens.jsonl");
    let mut file = sealbook::serve::token_file::TokenFile::open(&path).unwrap();
    let now = sealbook::logbook::clock::Clock::wall(&*server.clock);
    let (other, _) = file.issue("other", &[Scope::Append], now, None).unwrap();
    file.save(&path).unwrap();
    server.reload.blocking_send(()).unwrap();
    let own = server.token(Scope::Append).to_owned();
    server.until("the other token is known", || {
        post(&server, Some(other.expose()), "/v1/entries", "x", &entry(0)).status == 201
    });
    let first = post(&server, Some(&own), "/v1/entries", "k", &entry(1)).is(201);
    let second = post(&server, Some(other.expose()), "/v1/entries", "k", &entry(2)).is(201);
    assert_ne!(first["seq"], second["seq"]);
}

#[test]
fn a_key_outlives_the_server_and_is_free_after_a_day() {
    let server = Server::start();
    let first = post(&server, None, "/v1/entries", "k", &entry(1)).is(201);
    server.clock.forward(23 * 3_600);
    let again = post(&server, None, "/v1/entries", "k", &entry(1)).is(201);
    assert_eq!(again, first);
    // Two hours later it is older than a day, although its hour is still kept.
    server.note(2);
    server.clock.forward(2 * 3_600);
    post(&server, None, "/v1/entries", "k", &entry(9)).is(201);
    let (ended, store) = server.stop();
    ended.unwrap();
    assert!(store.count().unwrap() > 4);
}

#[test]
fn what_was_remembered_is_forgotten_by_the_hour() {
    let server = Server::start();
    post(&server, None, "/v1/entries", "k", &entry(1)).is(201);
    let store = Arc::clone(&server.store);
    let noted = |store: &dyn sealbook::store::Store, key: &[u8; 32], from: u64, to: u64| {
        (from..to).any(|hour| store.note(hour, key).unwrap().is_some())
    };
    let hour = 1_772_360_000 / 3_600;
    let parts: [&[u8]; 5] = [b"", b"\x1f", b"/v1/entries", b"\x1f", b"k"];
    let key = *sealbook::ledger::hash::Hash::of_parts(&parts).as_bytes();
    assert!(noted(&*store, &key, hour, hour + 1));
    server.clock.forward(26 * 3_600);
    server.note(2);
    assert!(!noted(&*store, &key, hour, hour + 30));
}

#[test]
fn a_key_that_is_none_is_refused() {
    let server = Server::start();
    for key in ["", &"k".repeat(256), "a\tb"] {
        post(&server, None, "/v1/entries", key, &entry(1)).refused(400, "bad_input");
    }
    post(&server, None, "/v1/entries", &"k".repeat(255), &entry(1)).is(201);
}

#[test]
fn the_same_key_at_once_is_recorded_once() {
    let server = Plan::default().start();
    let before = server.store.count().unwrap();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let send = || post(&server, None, "/v1/entries", "k", &entry(1)).status;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    // Anyone who came while the first was under way was told to come again.
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)));
    assert!(statuses.contains(&201));
    assert_eq!(server.store.count().unwrap(), before + 1);
}
