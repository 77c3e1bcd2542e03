//! Seals on the hour, and an orderly end.

use sealbook::ledger::position::EpochNumber;
use sealbook::logbook::epoch_at;
use serde_json::json;

use sealbook::serve::scope::Scope;

use crate::place::{Plan, Server};

#[test]
fn an_hour_that_is_over_is_sealed_although_nobody_appends() {
    let server = Server::start();
    server.note(1);
    let last = server.store.count().unwrap() - 1;
    assert_eq!(server.store.last_epoch().unwrap(), None);
    server.clock.forward(3_600);
    server.until("the epoch is sealed", || {
        server.store.last_epoch().unwrap() == Some(EpochNumber::FIRST)
    });
    let epoch = epoch_at(&*server.store, EpochNumber::FIRST).unwrap();
    assert_eq!(epoch.content.last_seq.0, last);
    assert!(epoch.verify());
    // An hour without entries has no epoch, anyone who looks how often.
    server.clock.forward(3_600);
    let health = server.get("/health").is(200);
    assert_eq!(health["timestamp"], "2026-03-01T12:13:20+00:00");
    server.note(2);
    assert_eq!(server.store.last_epoch().unwrap(), Some(EpochNumber::FIRST));
    server.until("it is published", || *server.published.lock().unwrap() == 1);
}

#[test]
fn requests_under_way_are_answered_and_later_ones_refused() {
    let mut server = Plan::default().start();
    let address = server.address;
    let before = server.store.count().unwrap();
    let store = std::sync::Arc::clone(&server.store);
    let entry = json!({"kind": "note", "payload": {}});
    let acknowledged: u64 = std::thread::scope(|scope| {
        let send = || {
            let agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .new_agent();
            let mut acknowledged = 0;
            loop {
                let sent = agent
                    .post(format!("http://{address}/v1/entries"))
                    .header("content-type", "application/json")
                    .send(entry.to_string());
                match sent.map(|answer| answer.status().as_u16()) {
                    Ok(201) => acknowledged += 1,
                    // Refused, or nobody there any more.
                    Ok(503) | Err(_) => return acknowledged,
                    Ok(other) => panic!("{other}"),
                }
            }
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        let enough = || store.count().unwrap() > before + 50;
        server.until("there are some", enough);
        server.tell_to_stop();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    server.join().unwrap();
    // Acknowledged or refused, nothing in between.
    assert_eq!(store.count().unwrap(), before + acknowledged);
}

#[test]
fn what_the_hall_decides_under_is_recorded_when_it_begins_and_when_it_changes() {
    let server = Server::start();
    let reloads = |server: &Server| {
        let page = server.get("/v1/entries?kind=hall.reload").is(200);
        page["entries"].as_array().unwrap().clone()
    };
    let first = reloads(&server);
    assert_eq!(first.len(), 1);
    let payload = &first[0]["entry"]["payload"];
    assert!(payload["before"].is_null());
    let rules = payload["after"]["rules"].as_str().unwrap().to_owned();
    *server.rules.lock().unwrap() = json!({"rules": []});
    server.reload.blocking_send(()).unwrap();
    server.until("it is recorded", || reloads(&server).len() == 2);
    let payload = reloads(&server)[1]["entry"]["payload"].clone();
    assert_eq!(payload["before"]["rules"], rules);
    assert_ne!(payload["after"]["rules"], rules);
    let request = crate::place::request("cap.doc.summarize", "dev", "c-1");
    server.until("it stands on the new rules", || {
        let answer = server.post(Scope::Route, "/route", &request).is(200);
        answer["decision"]["denied"] == true
    });
    // What cannot be read changes nothing, and is not recorded.
    *server.rules.lock().unwrap() = json!({"rules": 7});
    server.reload.blocking_send(()).unwrap();
    server.reload.blocking_send(()).unwrap();
    server.reload.blocking_send(()).unwrap();
    assert_eq!(reloads(&server).len(), 2);
}
