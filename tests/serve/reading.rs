//! Entries by filter and by name, epochs, the head, health and figures.

use sealbook::serve::scope::Scope;
use serde_json::{Value, json};

use crate::place::Server;

fn seqs(page: &Value) -> Vec<u64> {
    let entries = page["entries"].as_array().unwrap().iter();
    entries
        .map(|item| item["entry"]["seq"].as_u64().unwrap())
        .collect()
}

/// Every page, from the first to the last.
fn all(server: &Server, query: &str) -> Vec<u64> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/v1/entries?{query}{cursor}")).is(200);
        found.extend(seqs(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[test]
fn pages_give_every_entry_once_in_either_order() {
    let server = Server::start();
    for n in 0..23 {
        server.note(n);
    }
    let last = server.store.count().unwrap() - 1;
    let everything: Vec<u64> = (0..=last).collect();
    let mut reversed = everything.clone();
    reversed.reverse();
    for limit in [1, 2, 7, 1_000] {
        assert_eq!(all(&server, &format!("limit={limit}")), everything);
        let backwards = all(&server, &format!("limit={limit}&reverse=true"));
        assert_eq!(backwards, reversed);
    }
    let notes = all(&server, "limit=5&kind=note");
    assert_eq!(notes.len(), 23);
    assert_eq!(all(&server, "limit=5&kind=note&kind=hall.reload").len(), 24);
    let (from, until) = (last - 4, last - 2);
    let some = all(
        &server,
        &format!("limit=2&from_seq={from}&until_seq={until}"),
    );
    assert_eq!(some, [from, from + 1, until]);
    assert_eq!(all(&server, "tenant=nobody"), [0_u64; 0]);
}

#[test]
fn a_query_that_is_not_understood_is_refused_and_not_guessed() {
    let server = Server::start();
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "since=noon",
        "from_seq=-1",
        "reverse=yes",
        "denied=1",
        "cursor=zzz",
        "cursor=d5",
        "cursor=a5&reverse=true",
    ] {
        let answer = server.get(&format!("/v1/entries?{query}"));
        answer.refused(400, "bad_input");
    }
    server
        .get("/v1/entries?unknown=1")
        .refused(400, "bad_query");
    server.get("/v1/head?x=1").refused(400, "bad_query");
}

#[test]
fn an_entry_is_found_by_number_and_by_hash() {
    let server = Server::start();
    let receipt = server.note(1);
    let (seq, hash) = (&receipt["seq"], receipt["hash"].as_str().unwrap());
    let by_number = server.get(&format!("/v1/entries/{seq}")).is(200);
    let by_hash = server.get(&format!("/v1/entries/{hash}")).is(200);
    assert_eq!(by_number, by_hash);
    assert_eq!(by_number["entry"]["kind"], "note");
    assert_eq!(by_number["epoch"], Value::Null);
    for missing in ["99999", &"0".repeat(64), "99999999999999999999999999"] {
        let answer = server.get(&format!("/v1/entries/{missing}"));
        answer.refused(404, "not_found");
    }
    for none in ["x", "-1", "0x1", "%00", &"A".repeat(64)] {
        let answer = server.get(&format!("/v1/entries/{none}"));
        answer.refused(400, "bad_input");
    }
}

#[test]
fn a_payload_keeps_its_numbers_to_the_last_digit() {
    let server = Server::start();
    let body = br#"{"kind":"k","payload":{"big":123456789012345678901234567890,"f":1.0}}"#;
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let receipt = server.send("POST", "/v1/entries", &headers, body).is(201);
    let shown = server.get(&format!("/v1/entries/{}", receipt["seq"]));
    let text = String::from_utf8(shown.body).unwrap();
    assert!(text.contains(r#""big":123456789012345678901234567890,"f":1.0"#));
}

#[test]
fn epochs_and_head_are_the_ledgers_own_words() {
    let server = Server::with_tokens();
    assert_eq!(server.get("/v1/epochs").is(200)["epochs"], json!([]));
    server.get("/v1/epochs/0").refused(404, "not_found");
    server.get("/v1/epochs/x").refused(400, "bad_input");
    let receipt = server.note(1);
    let empty = json!({});
    let sealed = server.post(Scope::Admin, "/v1/seal", &empty).is(200);
    assert_eq!(sealed["epoch"]["last_seq"], receipt["seq"]);
    server
        .post(Scope::Admin, "/v1/seal", &empty)
        .refused(409, "nothing_to_seal");
    assert_eq!(server.get("/v1/epochs/0").is(200), sealed);
    let page = server.get("/v1/epochs").is(200);
    assert_eq!(page, json!({"epochs": [sealed], "next": null}));
    assert_eq!(*server.published.lock().unwrap(), 1);
    server.note(2);
    server.post(Scope::Admin, "/v1/seal", &empty).is(200);
    let page = server.get("/v1/epochs?limit=1").is(200);
    assert_eq!(page["next"], 1);
    let head = server.get("/v1/head").is(200);
    let last = server.store.count().unwrap() - 1;
    assert_eq!(head["head"]["seq"], last);
    assert!(head["signature"].is_string());
}

#[test]
fn health_and_figures_say_how_it_is() {
    let server = Server::start();
    server.note(1);
    let health = server.get("/health").is(200);
    assert_eq!(
        (&health["status"], &health["ok"]),
        (&json!("ok"), &json!(true))
    );
    assert_eq!(health["timestamp"], "2026-03-01T10:13:20+00:00");
    let figures = server.get("/metrics");
    assert_eq!(figures.status, 200);
    let text = String::from_utf8(figures.body).unwrap();
    for figure in [
        "sealbook_append_seconds_count 1",
        "sealbook_commit_entries_count",
        "sealbook_sync_seconds_count",
        "sealbook_queue_requests 0",
        "sealbook_unsealed_entries",
        "sealbook_epoch_lag_seconds 0",
        "sealbook_connections",
        "sealbook_store_memory_bytes{part=\"cached\"}",
        "sealbook_store_memory_bytes{part=\"unwritten\"}",
        "sealbook_store_memory_bytes{part=\"tables\"}",
        "sealbook_requests_total{method=\"POST\",route=\"/v1/entries\",status=\"201\"} 1",
        "# EOF",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
}
