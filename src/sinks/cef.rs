//! Common Event Format: `CEF:0|vendor|product|version|kind|name|severity|key=value …`.
//!
//! In a header `\` and `|` are escaped, in a value `\` and `=`; what ends a line is a
//! blank in a header, and `\n` or `\r` in a value. No other control character is passed on.

use crate::ledger::entry::Entry;
use crate::ledger::position::Seq;
use crate::producers;

use super::event::{EventOrigin, NamedParties};

/// The longest text that a value of the dictionary takes.
const LONGEST: usize = 4_000;

/// The longest `msg`.
const LONGEST_MESSAGE: usize = 1_023;

/// Severities of 0 to 10.
const USUAL: &str = "3";
const DENIED: &str = "6";

pub(super) fn event(
    about: &EventOrigin,
    seq: Seq,
    entry: &Entry,
    named: &NamedParties<'_>,
    whole: bool,
) -> Vec<u8> {
    let mut out = String::with_capacity(1_024);
    out.push_str("CEF:0");
    let headline = headline(entry);
    let severity = match named.denied() {
        Some(true) => DENIED,
        _ => USUAL,
    };
    let name = if headline.is_empty() {
        entry.kind()
    } else {
        &headline
    };
    for field in [
        "sealbook",
        "sealbook",
        env!("CARGO_PKG_VERSION"),
        entry.kind(),
        name,
        severity,
    ] {
        out.push('|');
        header(&mut out, field);
    }
    out.push('|');
    let mut pairs = Pairs { out, first: true };
    let number = seq.to_string();
    pairs.put("externalId", &number);
    let millis = entry.ts().unix_micros().div_euclid(1_000).to_string();
    pairs.put("rt", &millis);
    pairs.put("deviceExternalId", &about.log);
    let outcome = named
        .denied()
        .map(|denied| if denied { "denied" } else { "allowed" });
    pairs.maybe("outcome", outcome);
    pairs.maybe("reason", named.text("deny_code"));
    pairs.maybe("destinationServiceName", named.worker());
    let hash = entry.hash().to_string();
    let signature = entry.signature().to_string();
    let prev = entry.prev_hash().to_string();
    for (at, label, value) in [
        (1, "hash", Some(hash.as_str())),
        (2, "prevHash", Some(prev.as_str())),
        (3, "signature", Some(signature.as_str())),
        (
            4,
            "tenant",
            named.text("tenant").or_else(|| named.text("tenant_json")),
        ),
        (5, "correlation", named.text("correlation")),
        (6, "genesis", Some(about.genesis.as_str())),
    ] {
        if let Some(value) = value {
            pairs.put(&format!("cs{at}Label"), label);
            pairs.put(&format!("cs{at}"), value);
        }
    }
    if !headline.is_empty() {
        pairs.put("msg", cut(&headline, LONGEST_MESSAGE));
    }
    let payload = str::from_utf8(entry.payload_bytes()).unwrap_or_default();
    match whole && payload.len() <= LONGEST {
        true => pairs.put("rawEvent", payload),
        false => {
            pairs.put("cn1Label", "payloadBytes");
            pairs.put("cn1", &payload.len().to_string());
        }
    }
    pairs.out.into_bytes()
}

/// What a timeline says of it; nothing of kinds that have no word for themselves.
fn headline(entry: &Entry) -> String {
    let Some(kind) = producers::find(entry.kind()) else {
        return String::new();
    };
    let payload = entry.check_payload().unwrap_or_default();
    let words = (kind.headline)(&payload);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Pairs {
    out: String,
    first: bool,
}

impl Pairs {
    fn put(&mut self, key: &str, text: &str) {
        if !self.first {
            self.out.push(' ');
        }
        self.first = false;
        self.out.push_str(key);
        self.out.push('=');
        value(&mut self.out, cut(text, LONGEST));
    }

    fn maybe(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(key, text);
        }
    }
}

/// What begins a text, whole characters of it.
fn cut(text: &str, longest: usize) -> &str {
    let ends = (0..=longest.min(text.len())).rev();
    let end = { ends }.find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn header(out: &mut String, text: &str) {
    for character in cut(text, LONGEST_MESSAGE).chars() {
        match character {
            '\\' | '|' => out.extend(['\\', character]),
            other if ends_or_controls(other) => out.push(' '),
            other => out.push(other),
        }
    }
}

fn value(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' | '=' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other if ends_or_controls(other) => out.push(' '),
            other => out.push(other),
        }
    }
}

/// Control characters, and the two that end a line for some readers.
fn ends_or_controls(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_or_a_line_is_escaped() {
        let mut out = String::new();
        header(&mut out, "a|b\\c\nd=e");
        assert_eq!(out, "a\\|b\\\\c d=e");
        out.clear();
        value(&mut out, "a|b\\c\r\nd=e\u{7}");
        assert_eq!(out, "a|b\\\\c\\r\\nd\\=e ");
    }

    #[test]
    fn what_is_cut_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
