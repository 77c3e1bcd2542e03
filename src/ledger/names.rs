//! What an entry says of the things it can be found by.
//!
//! The producers put the same names in different places: a decision's
//! `tenant_id` stands in `payload.decision` and in `payload.input`, that of a
//! foreign entry at the top. All of them count, so an entry may have several
//! values in one field, and a query finds it by any.
//!
//! The index of a store is made from these facts and every hit is checked against
//! them: one function, so the two can never differ. What the signed index of an
//! epoch counts are some of them ([`term`](super::index::term)).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What an entry can be found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SearchField {
    Kind = 1,
    Tenant = 2,
    Correlation = 3,
    Decision = 4,
    /// `selected_worker_species_id`, `worker_species_id` or `worker_id`.
    Worker = 5,
    /// Whether it denied: `true` or `false`.
    Denied = 6,
    /// The `digest` of a document, of which it is stored once.
    Document = 7,
    /// `tenant_id` where it is not a string: the canonical JSON of a number, say.
    TenantJson = 8,
    /// The same of `correlation_id`.
    CorrelationJson = 9,
    /// The same of `decision_id`.
    DecisionJson = 10,
    /// The same of what names a worker or a species.
    WorkerJson = 11,
}

impl SearchField {
    /// The field of the values that stand where this one's strings do and are none.
    #[must_use]
    pub const fn of_other_types(self) -> Option<SearchField> {
        match self {
            SearchField::Tenant => Some(SearchField::TenantJson),
            SearchField::Correlation => Some(SearchField::CorrelationJson),
            SearchField::Decision => Some(SearchField::DecisionJson),
            SearchField::Worker => Some(SearchField::WorkerJson),
            _ => None,
        }
    }
}

pub type Fact<'e> = (SearchField, Cow<'e, str>);

pub type Facts<'e> = Vec<Fact<'e>>;

/// What a kind says in members of its own, beside those that mean the same in
/// all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules<'k> {
    /// The member that says whether it denied, and the canonical JSON that says
    /// so; any other value but `null` says that it did not.
    pub denied: Option<(&'k str, &'k str)>,
    /// Members at the top that it is found by, beside the usual ones.
    pub named: &'k [(SearchField, &'k str)],
    /// It is a document.
    pub document: bool,
    /// It chooses a worker.
    pub choice: bool,
}

/// The facts of an entry, sorted, each once. A payload that is not an object says
/// nothing.
pub fn facts<'e>(kind: &'e str, payload: &'e [u8], rules: &Rules<'_>) -> Facts<'e> {
    let mut values = vec![(SearchField::Kind, Cow::Borrowed(kind))];
    let text = str::from_utf8(payload).unwrap_or_default();
    if let Some(payload) = members(text) {
        payload.read(&mut values);
        if rules.document
            && let Some(digest) = payload.digest.and_then(|raw| string(raw.get()))
        {
            values.push((SearchField::Document, digest));
        }
        if rules.denied.is_some() || !rules.named.is_empty() {
            rules.read(text, &mut values);
        }
        if rules.choice {
            payload.chosen(&mut values);
        }
        for inner in [payload.decision, payload.input, payload.body] {
            let Some(inner) = read(inner) else { continue };
            inner.read(&mut values);
            // A worker that was found to be tampered with is selected by
            // nobody, and must be found all the same.
            if let Some(denial) = read(inner.deny_reason_if_denied) {
                denial.read(&mut values);
            }
        }
    }
    values.sort();
    values.dedup();
    values
}

fn read<'e>(raw: Option<&'e RawValue>) -> Option<NamedMembers<'e>> {
    members(raw?.get())
}

/// Of an object only. An array would be read too, by the members' places, and of
/// anything else it would be told at length, to nobody, what is wrong with it.
fn members(text: &str) -> Option<NamedMembers<'_>> {
    let object = text.starts_with('{').then_some(text)?;
    serde_json::from_str(object).ok()
}

/// The members that are looked at, not yet read: a number of four thousand
/// digits in the place of a name is nobody's name, and no error either.
#[derive(Deserialize)]
struct NamedMembers<'e> {
    #[serde(borrow)]
    tenant_id: Option<&'e RawValue>,
    #[serde(borrow)]
    correlation_id: Option<&'e RawValue>,
    #[serde(borrow)]
    decision_id: Option<&'e RawValue>,
    #[serde(borrow)]
    selected_worker_species_id: Option<&'e RawValue>,
    #[serde(borrow)]
    worker_species_id: Option<&'e RawValue>,
    #[serde(borrow)]
    worker_id: Option<&'e RawValue>,
    #[serde(borrow)]
    denied: Option<&'e RawValue>,
    #[serde(borrow)]
    deny_reason_if_denied: Option<&'e RawValue>,
    #[serde(borrow)]
    digest: Option<&'e RawValue>,
    #[serde(borrow)]
    decision: Option<&'e RawValue>,
    #[serde(borrow)]
    input: Option<&'e RawValue>,
    #[serde(borrow)]
    body: Option<&'e RawValue>,
    #[serde(borrow)]
    receipt: Option<&'e RawValue>,
}

/// Whether it is the form of a redacted member: any other object of that name is a value.
fn is_redacted(json: &str) -> bool {
    let hash = json.strip_prefix("{\"sealbook:redacted\":\"");
    let hash = hash.and_then(|rest| rest.strip_suffix("\"}"));
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    hash.is_some_and(|hash| hash.len() == 64 && hash.bytes().all(is_digit))
}

impl<'e> NamedMembers<'e> {
    fn read(&self, values: &mut Facts<'e>) {
        let named = [
            (SearchField::Tenant, self.tenant_id),
            (SearchField::Correlation, self.correlation_id),
            (SearchField::Decision, self.decision_id),
            (SearchField::Worker, self.selected_worker_species_id),
            (SearchField::Worker, self.worker_species_id),
            (SearchField::Worker, self.worker_id),
        ];
        // What stands for a value that can be erased is none.
        let says = |json: &str| !json.starts_with('"') && json != "null" && !is_redacted(json);
        for (field, raw) in named {
            let Some(json) = raw.map(RawValue::get) else {
                continue;
            };
            if let Some(text) = string(json) {
                values.push((field, text));
            } else if says(json)
                && let Some(field) = field.of_other_types()
            {
                // A tenant that is a number is a tenant, and another one than its digits.
                values.push((field, Cow::Borrowed(json)));
            }
        }
        if let Some(word @ ("true" | "false")) = self.denied.map(RawValue::get) {
            values.push((SearchField::Denied, Cow::Borrowed(word)));
        }
    }

    /// The worker that was chosen, which the decision itself names by its
    /// species.
    fn chosen(&self, values: &mut Facts<'e>) {
        let receipt = read(self.receipt);
        if let Some(worker) = receipt.and_then(|r| string(r.worker_id?.get())) {
            values.push((SearchField::Worker, worker));
        }
    }
}

impl Rules<'_> {
    /// What this kind alone says, in members of its own.
    fn read<'e>(&self, payload: &'e str, values: &mut Facts<'e>) {
        let Ok(members) = serde_json::from_str::<BTreeMap<Cow<'e, str>, &'e RawValue>>(payload)
        else {
            return;
        };
        let member = |name: &str| members.get(name).map(|raw| raw.get());
        if let Some((name, denied)) = self.denied
            && let Some(said) = member(name).filter(|said| *said != "null")
        {
            let word = if said == denied { "true" } else { "false" };
            values.push((SearchField::Denied, Cow::Borrowed(word)));
        }
        for (field, name) in self.named {
            values.extend(member(name).and_then(string).map(|text| (*field, text)));
        }
    }
}

/// The text of a JSON string; most have no escapes and are borrowed.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}
