//! The facts by which an entry is found, as the producers read them.
//!
//! The index is made from these facts and every hit is checked against them:
//! one function, so the two can never differ.

use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::producers;

use super::term::{SearchField, TermKey};

/// The fields of an entry that it can be found by, each value once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts<'e> {
    values: producers::Facts<'e>,
}

impl<'e> Facts<'e> {
    /// The facts of `entry`. A payload that is not an object says nothing.
    pub fn of(entry: &'e Entry) -> Facts<'e> {
        Facts::of_parts(entry.kind(), entry.payload_bytes())
    }

    /// The same of an entry that is not hashed.
    pub(super) fn of_parts(kind: &'e str, payload: &'e [u8]) -> Facts<'e> {
        Facts {
            values: producers::facts(kind, payload),
        }
    }

    pub fn has(&self, field: SearchField, value: &str) -> bool {
        self.values.iter().any(|(f, v)| *f == field && v == value)
    }

    pub fn values(&self) -> impl Iterator<Item = (SearchField, &str)> {
        self.values
            .iter()
            .map(|(field, value)| (*field, value.as_ref()))
    }

    pub fn terms(&self) -> impl Iterator<Item = TermKey> {
        let values = self.values.iter();
        let digests = Hash::of_each(values.map(|(_, value)| value.as_bytes()));
        let fields = self.values.iter().map(|(field, _)| *field);
        fields
            .zip(digests)
            .map(|(field, digest)| TermKey::of_digest(field, &digest))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::ledger::time::Timestamp;

    fn entry(payload: &str) -> Entry {
        let line = format!(
            r#"{{"kind":"k","ts":"{}","payload":{payload},"prev_hash":"{}","signature":"{}"}}"#,
            Timestamp::from_unix_micros(0).unwrap(),
            Hash::ZERO,
            "00".repeat(64),
        );
        Entry::from_logbook_line(line.as_bytes()).unwrap()
    }

    fn facts(payload: &str) -> Vec<(SearchField, String)> {
        let entry = entry(payload);
        let facts = Facts::of(&entry);
        facts
            .values
            .into_iter()
            .map(|(f, v)| (f, v.into_owned()))
            .collect()
    }

    #[test]
    fn every_place_counts_once() {
        let found = facts(
            r#"{"tenant_id":"a","decision":{"tenant_id":"a","denied":true,"decision_id":"d",
                "selected_worker_species_id":"w1"},"input":{"tenant_id":"b","correlation_id":"c"},
                "body":{"worker_id":"w2"},"other":{"tenant_id":"hidden"}}"#,
        );
        let expected = [
            (SearchField::Kind, "k"),
            (SearchField::Tenant, "a"),
            (SearchField::Tenant, "b"),
            (SearchField::Correlation, "c"),
            (SearchField::Decision, "d"),
            (SearchField::Worker, "w1"),
            (SearchField::Worker, "w2"),
            (SearchField::Denied, "true"),
        ];
        assert_eq!(
            found,
            expected.map(|(field, value)| (field, value.to_owned()))
        );
    }

    #[test]
    fn other_types_are_values_of_their_own_and_hide_nothing() {
        let number = "9".repeat(4_000);
        let payload = format!(
            r#"{{"tenant_id":{number},"denied":"true","decision_id":null,"decision":[1],
                "worker_id":{{"tenant_id":"x"}},"correlation_id":"q\"\u0001é"}}"#
        );
        let expected = [
            (SearchField::Kind, "k".to_owned()),
            (SearchField::Correlation, "q\"\u{1}é".to_owned()),
            (SearchField::TenantJson, number),
            (SearchField::WorkerJson, r#"{"tenant_id":"x"}"#.to_owned()),
        ];
        assert_eq!(facts(&payload), expected);
    }

    #[test]
    fn an_array_says_nothing_whatever_stands_in_it() {
        let members = r#"["t","c","d","w1","w2","w3",true,null,"x",null,null,null]"#;
        let payload = format!(r#"{{"decision":{members},"input":{members},"body":{members}}}"#);
        assert_eq!(facts(&payload), [(SearchField::Kind, "k".to_owned())]);
    }

    #[test]
    fn the_terms_are_those_of_the_values_one_by_one() {
        let long = "l".repeat(1_000);
        let entry = entry(&format!(
            r#"{{"tenant_id":"","correlation_id":"{long}","worker_id":"w","denied":false,
                "decision_id":"é","decision":{{"worker_id":"v"}}}}"#
        ));
        let facts = Facts::of(&entry);
        let one_by_one = facts
            .values()
            .map(|(field, value)| TermKey::new(field, value));
        assert_eq!(facts.values().count(), 7);
        assert!(facts.terms().eq(one_by_one));
    }

    #[test]
    fn nesting_as_deep_as_a_payload_may_go_hides_nothing() {
        let deep = format!("{}{}", "[".repeat(126), "]".repeat(126));
        let found = facts(&format!(r#"{{"aa":{deep},"tenant_id":"t"}}"#));
        assert!(found.contains(&(SearchField::Tenant, "t".to_owned())));
    }
}
