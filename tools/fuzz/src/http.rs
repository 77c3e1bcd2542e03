//! Requests: a first line of method and target, the rest the body. Whatever is
//! sent is answered, and never by an error of the server's own; what it refuses
//! it explains and does not record, what it acknowledges is in the ledger.

use std::cell::RefCell;

use sealbook::ledger::entry::Entry;
use sealbook::ledger::json::{Form, Value};
use sealbook::ledger::parse::parse;
use sealbook::ledger::position::Seq;

use super::server::{Answer, Server};

/// Beyond so many entries a new ledger is begun.
const ENTRIES: u64 = 20_000;

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, body) = bytes.split_at(end.unwrap_or(bytes.len()));
    let body = body.get(1..).unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let Some((method, target)) = line.split_once(' ') else {
        return;
    };
    let is_method =
        (1..=16).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_alphabetic());
    let visible = target.bytes().all(|byte| byte.is_ascii_graphic());
    // What comes after an upgrade or in a tunnel is not an answer.
    if !is_method || method == "CONNECT" || !visible || !target.starts_with('/') {
        return;
    }
    SERVER.with_borrow_mut(|server| {
        if server.as_ref().is_none_or(|server| last(server) > ENTRIES) {
            *server = Some(Server::start());
        }
        let server = server.as_mut().unwrap();
        let before = last(server);
        let answer = server.ask(method, target, body);
        judge(&answer, method);
        let after = last(server);
        let path = target.split('?').next().unwrap_or_default();
        if after > before {
            // An enrolment that is refused is an outcome, and recorded too.
            let refused = path == "/enroll" && answer.status == 400;
            let status = answer.status;
            assert!((200..300).contains(&status) || refused, "{status}");
        }
        if answer.status == 201 && path.starts_with("/v1/entries") {
            let body = parse(body).unwrap();
            let told = parse(&answer.body).unwrap();
            let (sent, receipts) = match path {
                "/v1/entries" => (vec![body], vec![told]),
                _ => (list(&body, "entries"), list(&told, "receipts")),
            };
            assert_eq!(sent.len(), receipts.len());
            for (n, (sent, receipt)) in (1..).zip(sent.iter().zip(&receipts)) {
                recorded(server, before + n, sent, receipt);
            }
        }
    });
}

fn judge(answer: &Answer, method: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    assert!(
        (200..500).contains(&answer.status),
        "{}: {text}",
        answer.status
    );
    // Of what is not HTTP at all the protocol's library says so itself, in a
    // status alone.
    let mute = method == "HEAD" || answer.status == 400 && answer.body.is_empty();
    if answer.status >= 400 && !mute {
        let problem = parse(&answer.body).unwrap();
        let member = |name| problem.get(name).and_then(Value::as_str);
        assert!(
            member("code").is_some_and(|code| !code.is_empty()),
            "{text}"
        );
        assert!(
            member("error").is_some_and(|error| !error.is_empty()),
            "{text}"
        );
    }
}

fn last(server: &Server) -> u64 {
    server.store.last_seq().unwrap().map_or(0, |seq| seq.0)
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).unwrap().to_vec()
}

/// What was sent is entry `seq`, beside who sent it, and the receipt is that
/// entry's.
fn recorded(server: &Server, seq: u64, sent: &Value, receipt: &Value) {
    let record = server.store.entry(Seq(seq)).unwrap().unwrap();
    let entry = Entry::from_record(record).unwrap();
    let told = |name| receipt.get(name).map(|value| value.canonical(Form::Utf8));
    assert_eq!(told("seq"), Some(seq.to_string()));
    assert_eq!(told("hash"), Some(format!("\"{}\"", entry.hash())));
    assert_eq!(sent.get("kind").and_then(Value::as_str), Some(entry.kind()));
    let Value::Object(mut kept) = parse(entry.payload_bytes()).unwrap() else {
        panic!("a payload that is not an object");
    };
    assert!(kept.remove("_actor").is_some());
    assert_eq!(sent.get("payload"), Some(&Value::Object(kept)));
}
