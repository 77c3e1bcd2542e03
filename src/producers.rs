//! The kinds that producers record: one file a kind.
//!
//! A [`Kind`] says what an entry can be found by, whether it denied, how it is
//! shown in a timeline and what it is counted as. What reads a ledger asks here
//! and knows no producer: the index, `stats`, the report of a case, the replay.
//!
//! A program adds a kind of its own with [`register`]. That changes what is
//! found and shown. It changes no verdict: which kinds are reserved, and which
//! documents an entry refers to, is the format's
//! ([`kind`](crate::ledger::kind), [`document`](crate::ledger::document)).

mod approval;
mod attestation;
mod ban;
mod card;
mod confirmation;
mod decision;
#[cfg(any(feature = "parquet", feature = "client"))]
pub(crate) mod derived;
mod document;
mod enrolment;
mod fleet;
mod ingested;
pub mod kind;
mod manifest;
mod refusal;
mod reload;
mod report;
mod resident;
mod revocation;
mod submission;
mod timestamped;
mod witnessed;

use std::sync::{PoisonError, RwLock};

use crate::ledger::json::{Form, Object, Value};

use crate::ledger::names::{self, Rules};
pub use crate::ledger::names::{Fact, Facts, SearchField};

/// A kind of entries, as far as a reader of the ledger has to know it.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub event: &'static str,
    pub counted: &'static str,
    /// What it is in the custody of a case.
    pub role: Role,
    /// The member that says whether it denied, and the canonical JSON that says
    /// so; any other value but `null` says that it did not.
    pub denied: Option<(&'static str, &'static str)>,
    /// Members at the top that it is found by, beside the usual ones.
    pub named: &'static [(SearchField, &'static str)],
    /// The members that a timeline shows; all of them if there are none here.
    pub shown: &'static [&'static str],
    pub headline: fn(&Object) -> String,
    /// The members that are told below it, where they say something.
    pub details: &'static [&'static str],
}

/// What a kind is in the custody of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Choice,
    /// It is evidence of a worker, which stands beside the choice of it.
    Evidence,
    Document,
    Claim,
    /// It changes what is decided from then on.
    Change,
    Other,
}

static OWN: [&Kind; 19] = [
    &approval::KIND,
    &attestation::KIND,
    &ban::KIND,
    &card::KIND,
    &confirmation::KIND,
    &decision::KIND,
    &document::KIND,
    &enrolment::KIND,
    &fleet::KIND,
    &ingested::KIND,
    &manifest::KIND,
    &refusal::KIND,
    &reload::KIND,
    &report::KIND,
    &resident::KIND,
    &revocation::KIND,
    &submission::KIND,
    &timestamped::KIND,
    &witnessed::KIND,
];

/// Those of programs that this one is a part of.
static ADDED: RwLock<Vec<&'static Kind>> = RwLock::new(Vec::new());

/// Adds a kind. One of a name that is known already changes nothing.
pub fn register(kind: &'static Kind) {
    if find(kind.name).is_none() {
        let mut added = ADDED.write().unwrap_or_else(PoisonError::into_inner);
        added.push(kind);
    }
}

/// The kind of this name, if a producer records it.
pub fn find(name: &str) -> Option<&'static Kind> {
    own(name).or_else(|| {
        let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
        added.iter().copied().find(|kind| kind.name == name)
    })
}

pub fn all() -> Vec<&'static Kind> {
    let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
    OWN.iter().chain(added.iter()).copied().collect()
}

/// The names of the kinds of this role.
pub fn of_role(role: Role) -> Vec<String> {
    let kinds = all().into_iter().filter(|kind| kind.role == role);
    kinds.map(|kind| kind.name.to_owned()).collect()
}

/// The role that the format of a report knows a kind in: that of the kinds of
/// this program, whatever others are registered.
pub fn role(name: &str) -> Role {
    own(name).map_or(Role::Other, |kind| kind.role)
}

/// What an entry can be found by, sorted, each once.
#[must_use]
pub fn facts<'e>(kind: &'e str, payload: &'e [u8]) -> Facts<'e> {
    let rules = find(kind).map(Kind::rules).unwrap_or_default();
    names::facts(kind, payload, &rules)
}

fn own(name: &str) -> Option<&'static Kind> {
    OWN.iter().copied().find(|kind| kind.name == name)
}

impl Kind {
    /// What it says in members of its own.
    const fn rules(&self) -> Rules<'static> {
        Rules {
            denied: self.denied,
            named: self.named,
            document: matches!(self.role, Role::Document),
            choice: matches!(self.role, Role::Choice),
        }
    }

    /// Whether an entry denied; none if it says nothing of it.
    pub fn denies(&self, payload: &Object) -> Option<bool> {
        let (member, denied) = self.denied?;
        let said = payload.get(member).filter(|said| **said != Value::Null)?;
        Some(said.canonical(Form::Utf8) == denied)
    }

    /// What a timeline shows of an entry.
    pub fn summary(&self, payload: &Object) -> Object {
        if self.shown.is_empty() {
            return payload.clone();
        }
        let names = self.shown.iter().chain(&SHOWN_OF_ALL);
        let shown = names.filter_map(|name| Some((*name, payload.get(name)?.clone())));
        shown.collect()
    }
}

/// What is shown of every entry that has it.
const SHOWN_OF_ALL: [&str; 6] = [
    "_actor",
    "correlation_id",
    "path",
    "mode",
    "trusted_keys",
    "on_trust",
];

/// A member as text; nothing of what is not there.
pub fn text(object: &Object, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.canonical(Form::Utf8),
    }
}
