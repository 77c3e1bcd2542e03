//! Filters, as the query of `GET /v1/entries`, against a second reader of
//! queries and a plain search through all entries: the same are refused, and
//! the same entries found in the same order.

use std::cell::OnceCell;
use std::cell::RefCell;

use sealbook::ledger::json::{Form, Value};
use sealbook::ledger::parse::parse;
use sealbook::ledger::time::Timestamp;
use sealbook::store::query::when::{self, TimeEnd};

use super::second_time::micros;
use super::server::Server;

/// A server, and all its entries.
struct Scene {
    server: Server,
    entries: Vec<Value>,
}

thread_local! {
    static SCENE: OnceCell<RefCell<Scene>> = const { OnceCell::new() };
}

/// Panics where it does not hold.
pub fn holds(query: &[u8]) {
    let visible = query.iter().all(u8::is_ascii_graphic);
    if !visible || query.contains(&b'#') || query.len() > 2_000 {
        return;
    }
    let query = std::str::from_utf8(query).unwrap();
    if only_the_product_reads(query) {
        return;
    }
    SCENE.with(|scene| {
        let scene = &mut *scene.get_or_init(|| RefCell::new(prepare())).borrow_mut();
        let answer = scene
            .server
            .ask("GET", &format!("/v1/entries?{query}"), b"");
        // Refused by the library of the protocol, which has its own idea of a
        // target.
        if answer.status == 400 && answer.body.is_empty() {
            return;
        }
        let expected = Wanted::read(query).map(|wanted| wanted.of(&scene.entries));
        let found = (answer.status == 200).then(|| {
            let page = parse(&answer.body).unwrap();
            let entries = page.get("entries").and_then(Value::as_array).unwrap();
            let next = page.get("next_cursor").unwrap().canonical(Form::Utf8);
            (entries.iter().map(number).collect(), next)
        });
        assert_eq!(found, expected, "{query}");
    });
}

/// Whether the query says something that the second reader does not know: times as
/// people write them, and tenants that are no strings. The product's own tests hold
/// these.
fn only_the_product_reads(query: &str) -> bool {
    let now = Timestamp::from_unix_micros(1_800_000_000_000_000).unwrap();
    query.split('&').any(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decoded(name), decoded(value));
        match name.as_str() {
            "tenant_json" => true,
            "since" => {
                micros(&value).is_none() && when::read(&value, TimeEnd::Since, now).is_some()
            }
            "until" => {
                micros(&value).is_none() && when::read(&value, TimeEnd::Until, now).is_some()
            }
            _ => false,
        }
    })
}

/// Entries of several kinds, tenants, cases and moments, some of them denied.
fn prepare() -> Scene {
    let mut server = Server::start();
    for n in 0..40 {
        let tenant = ["a", "b", "", "ä&=+"][n % 4];
        let entry = format!(
            r#"{{"kind":"k{}","payload":{{"tenant_id":"{tenant}","correlation_id":"c{}","worker_id":"w{}","decision_id":"d{n}","denied":{}}}}}"#,
            n % 3,
            n % 7,
            n % 2,
            n % 5 == 0,
        );
        let answer = server.ask("POST", "/v1/entries", entry.as_bytes());
        assert_eq!(answer.status, 201);
        server.forward(i64::try_from(n % 3).unwrap());
    }
    let page = server.ask("GET", "/v1/entries?limit=1000", b"");
    let page = parse(&page.body).unwrap();
    let entries = page.get("entries").and_then(Value::as_array).unwrap();
    let entries = entries.to_vec();
    Scene { server, entries }
}

fn number(item: &Value) -> u64 {
    let seq = item.get("entry").and_then(|entry| entry.get("seq"));
    seq.unwrap().canonical(Form::Utf8).parse().unwrap()
}

/// What a query asks for.
#[derive(Default)]
struct Wanted {
    /// Any of the kinds, and each of the other names with its value.
    kinds: Vec<String>,
    named: Vec<(&'static str, String)>,
    denied: Option<bool>,
    since: Option<i64>,
    until: Option<i64>,
    from: u64,
    to: Option<u64>,
    limit: Option<usize>,
    reverse: bool,
}

impl Wanted {
    /// `None` where the query must be refused.
    fn read(query: &str) -> Option<Wanted> {
        let mut wanted = Wanted::default();
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = None;
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name), decoded(value));
            if name == "kind" {
                wanted.kinds.push(value);
                continue;
            }
            if seen.contains(&name) {
                return None;
            }
            let truth = || match value.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            };
            match name.as_str() {
                "tenant" => wanted.named.push(("tenant_id", value)),
                "correlation" => wanted.named.push(("correlation_id", value)),
                "worker" => wanted.named.push(("worker_id", value)),
                "decision" => wanted.named.push(("decision_id", value)),
                "denied" => wanted.denied = Some(truth()?),
                "reverse" => wanted.reverse = truth()?,
                "since" => wanted.since = Some(micros(&value)?),
                "until" => wanted.until = Some(micros(&value)?),
                "from_seq" => wanted.from = digits(&value)?,
                "until_seq" => wanted.to = Some(digits(&value)?),
                "limit" => {
                    let limit = digits(&value).filter(|n| (1..=1_000).contains(n))?;
                    wanted.limit = Some(usize::try_from(limit).ok()?);
                }
                "cursor" => cursor = Some(value),
                _ => return None,
            }
            seen.push(name);
        }
        if let Some(cursor) = cursor {
            let direction = if wanted.reverse { 'd' } else { 'a' };
            let seq = digits(cursor.strip_prefix(direction)?)?;
            match wanted.reverse {
                true => wanted.to = Some(wanted.to.map_or(seq, |to| to.min(seq))),
                false => wanted.from = wanted.from.max(seq),
            }
        }
        Some(wanted)
    }

    /// The numbers of a page, and the cursor to the next.
    fn of(&self, entries: &[Value]) -> (Vec<u64>, String) {
        let mut all: Vec<u64> = entries
            .iter()
            .filter(|item| self.wants(item))
            .map(number)
            .collect();
        let mut letter = 'a';
        if self.reverse {
            all.reverse();
            letter = 'd';
        }
        let rest = all.split_off(self.limit.unwrap_or(100).min(all.len()));
        let next = rest.first().map(|seq| format!("\"{letter}{seq}\""));
        (all, next.unwrap_or_else(|| "null".to_owned()))
    }

    fn wants(&self, item: &Value) -> bool {
        let entry = item.get("entry").unwrap();
        let payload = entry.get("payload").unwrap();
        let text = |of: &Value, name| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let kind = text(entry, "kind").unwrap();
        let ts = micros(&text(entry, "ts").unwrap()).unwrap();
        let seq = number(item);
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.named.iter()).all(|(name, value)| text(payload, name).as_ref() == Some(value))
            && (self.denied)
                .is_none_or(|is| payload.get("denied").and_then(Value::as_bool) == Some(is))
            && self.since.is_none_or(|since| since <= ts)
            && self.until.is_none_or(|until| ts <= until)
            && self.from <= seq
            && self.to.is_none_or(|to| seq <= to)
    }
}

/// As Rust reads a number: a plus may stand before it.
fn digits(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let number = digits.bytes().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.filter(|_| !digits.is_empty())
}

/// Without the escapes of a form: `+` is a space, `%41` a byte, what is no
/// UTF-8 the replacement character.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let hex = hex.filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let escaped = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
                continue;
            }
            None if *byte == b'+' => out.push(b' '),
            None => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
