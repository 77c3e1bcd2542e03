//! What an entry says of tenants, workers and denials, each in one place: the columns
//! of a table beyond what is signed, and what other systems are told.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Facts, SearchField, facts};

/// The columns that follow from kind and payload.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Derived<'e> {
    /// Every tenant, sorted.
    pub(crate) tenants: Vec<Cow<'e, str>>,
    /// The columns of text that may be null, in the order of [`TEXTS`].
    pub(crate) texts: [Option<Cow<'e, str>>; TEXTS.len()],
    /// Whether it denied.
    pub(crate) denied: Option<bool>,
}

/// The names of [`Derived::texts`].
pub(crate) const TEXTS: [&str; 7] = [
    "tenant",
    "tenant_json",
    "correlation",
    "worker",
    "species",
    "decision",
    "deny_code",
];

impl<'e> Derived<'e> {
    /// Of the entry with this kind and canonical payload.
    pub(crate) fn of(kind: &'e str, payload: &'e str) -> Derived<'e> {
        let found = facts(kind, payload.as_bytes());
        let named = Named::mentioned(payload)
            .then(|| Named::of(payload))
            .flatten();
        let tenants: Vec<_> = of(&found, SearchField::Tenant).collect();
        let first = |field| of(&found, field).next();
        let denials: Vec<_> = of(&found, SearchField::Denied).collect();
        let denied = (!denials.is_empty()).then(|| denials.iter().any(|word| word == "true"));
        Derived {
            texts: [
                tenants.first().cloned(),
                first(SearchField::TenantJson),
                first(SearchField::Correlation),
                named.as_ref().and_then(Named::worker),
                named.as_ref().and_then(Named::species),
                first(SearchField::Decision),
                named.as_ref().and_then(Named::deny_code),
            ],
            tenants,
            denied,
        }
    }
}

fn of<'f, 'e>(
    facts: &'f Facts<'e>,
    wanted: SearchField,
) -> impl Iterator<Item = Cow<'e, str>> + 'f {
    let facts = facts.iter().filter(move |(field, _)| *field == wanted);
    facts.map(|(_, value)| value.clone())
}

/// The members that tell a worker's id from its species, and why it was denied.
#[derive(Deserialize)]
struct Named<'e> {
    #[serde(borrow)]
    worker_id: Option<&'e RawValue>,
    #[serde(borrow)]
    worker_species_id: Option<&'e RawValue>,
    #[serde(borrow)]
    selected_worker_species_id: Option<&'e RawValue>,
    #[serde(borrow)]
    deny_code: Option<&'e RawValue>,
    #[serde(borrow)]
    code: Option<&'e RawValue>,
    #[serde(borrow)]
    deny_reason_if_denied: Option<&'e RawValue>,
    #[serde(borrow)]
    receipt: Option<&'e RawValue>,
    #[serde(borrow)]
    decision: Option<&'e RawValue>,
    #[serde(borrow)]
    input: Option<&'e RawValue>,
    #[serde(borrow)]
    body: Option<&'e RawValue>,
}

impl<'e> Named<'e> {
    /// Whether a canonical text may have what is looked for: it spells names without
    /// escapes, and each of these holds one of the words.
    fn mentioned(text: &str) -> bool {
        let has = |what: &str| memchr::memmem::find(text.as_bytes(), what.as_bytes()).is_some();
        has("worker_") || has("deny_")
    }

    fn of(text: &'e str) -> Option<Named<'e>> {
        let object = text.starts_with('{').then_some(text)?;
        serde_json::from_str(object).ok()
    }

    fn inner(raw: Option<&'e RawValue>) -> Option<Named<'e>> {
        Named::of(raw?.get())
    }

    /// The places that name things, one after the other.
    fn first<T>(&self, read: impl Fn(&Named<'e>) -> Option<T>) -> Option<T> {
        let places = [self.decision, self.input, self.body].into_iter();
        let inside = || {
            places
                .filter_map(Named::inner)
                .find_map(|inner| read(&inner))
        };
        read(self).or_else(inside)
    }

    fn worker(&self) -> Option<Cow<'e, str>> {
        let chosen = Named::inner(self.receipt).and_then(|receipt| string(receipt.worker_id));
        chosen.or_else(|| self.first(|at| string(at.worker_id)))
    }

    fn species(&self) -> Option<Cow<'e, str>> {
        self.first(|at| {
            let selected = string(at.selected_worker_species_id);
            selected.or_else(|| string(at.worker_species_id))
        })
    }

    fn deny_code(&self) -> Option<Cow<'e, str>> {
        self.first(|at| {
            let reason = || string(Named::inner(at.deny_reason_if_denied)?.code);
            string(at.deny_code).or_else(reason)
        })
    }
}

/// The text of a JSON string.
fn string(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let raw = raw?.get();
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        true => serde_json::from_str(raw).ok().map(Cow::Owned),
        false => Some(Cow::Borrowed(inner)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_its_worker_in_the_receipt_and_its_denial_in_the_decision() {
        let payload = r#"{"decision":{"denied":true,"deny_reason_if_denied":{"code":"DENY_X"},
            "selected_worker_species_id":null,"tenant_id":"a"},"input":{"tenant_id":"b",
            "correlation_id":"c"},"receipt":{"worker_id":"w\u0041"}}"#;
        let derived = Derived::of("wcp.decision", payload);
        let text = |name| {
            let at = TEXTS.iter().position(|text| *text == name);
            at.and_then(|at| derived.texts.get(at)?.as_deref())
        };
        assert_eq!(derived.tenants, ["a", "b"]);
        assert_eq!(text("tenant"), Some("a"));
        assert_eq!(text("worker"), Some("wA"));
        assert_eq!(text("species"), None);
        assert_eq!(text("deny_code"), Some("DENY_X"));
        assert_eq!(text("correlation"), Some("c"));
        assert_eq!(derived.denied, Some(true));
    }
}
