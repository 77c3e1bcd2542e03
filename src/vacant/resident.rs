//! The whole of a vacant, from who it is to how it behaves.

use serde::{Deserialize, Serialize};

use super::behavior::{self, BehaviorBundle};
use super::card::{self, CapabilityCard};
use super::error::TypeIntegrityError;
use super::identity::VacantId;
use super::logbook::VacantLogbook;
use super::state::VacantState;
use super::substrate::{self, SubstrateSpec};
use crate::ledger::entry::{Entry, EntryError};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::key::Signature;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;

/// How deep a payload stands in a resident form's file: in the form, in its
/// logbook, in an entry.
const PAYLOAD_LEVEL: usize = 3;

/// A vacant in memory. Only its state and its logbook change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentForm {
    pub identity: VacantId,
    pub logbook: VacantLogbook,
    pub behavior_bundle: BehaviorBundle,
    pub substrate_spec: SubstrateSpec,
    pub runtime_state: VacantState,
    /// How it announces itself, if it does.
    pub capability_card: Option<CapabilityCard>,
    /// Whom it descends from, if from anyone.
    pub parent_id: Option<VacantId>,
}

/// A form as it was read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormRead {
    identity: VacantId,
    logbook: Vec<Value>,
    behavior_bundle: behavior::BundleRead,
    substrate_spec: substrate::SubstrateRead,
    runtime_state: String,
    capability_card: Option<card::CardRead>,
    parent_id: Option<VacantId>,
}

/// A form as it is written.
#[derive(Serialize)]
struct FormWritten<'f> {
    identity: VacantId,
    logbook: Vec<LogEntryMembers<'f>>,
    behavior_bundle: &'f BehaviorBundle,
    substrate_spec: &'f SubstrateSpec,
    runtime_state: &'static str,
    capability_card: Option<&'f CapabilityCard>,
    parent_id: Option<VacantId>,
}

#[derive(Serialize)]
struct LogEntryMembers<'e> {
    kind: &'e str,
    ts: Timestamp,
    payload: Object,
    prev_hash: Hash,
    signature: Signature,
}

impl ResidentForm {
    /// Whether the parts are one vacant's: the logbook whole under its key, and
    /// the card, if there is one, its own and signed by it.
    pub fn verify_self(&self) -> bool {
        let own = |card: &CapabilityCard| card.vacant_id() == self.identity && card.verify();
        self.logbook.verify_chain(self.identity.verify_key())
            && self.capability_card.as_ref().is_none_or(own)
    }

    /// Member by member, whether a signature of the vacant's key covers it, and why
    /// not. It says nothing about whether that signature is good.
    pub fn coverage(&self) -> Vec<(&'static str, Result<(), &'static str>)> {
        let card = self.capability_card.as_ref();
        let of_card = card.map(|card| *card.substrate_spec() == self.substrate_spec);
        vec![
            ("identity", Ok(())),
            ("logbook", Ok(())),
            (
                "capability_card",
                card.map(drop)
                    .ok_or("there is none, and nobody signed that there is none"),
            ),
            (
                "substrate_spec",
                match of_card {
                    Some(true) => Ok(()),
                    Some(false) => Err("it is not the one of the signed card"),
                    None => Err("nothing that is signed holds it"),
                },
            ),
            ("behavior_bundle", Err("nothing that is signed holds it")),
            ("runtime_state", Err("nothing that is signed holds it")),
            ("parent_id", Err("nothing that is signed holds it")),
            (
                "logbook_end",
                Err("nothing that is signed says which entry is the last"),
            ),
        ]
    }

    /// Reads the text of a resident form's file. Nothing in it is judged.
    pub fn parse(text: &[u8]) -> Result<ResidentForm, TypeIntegrityError> {
        let value = parse::parse_with(text, &limits::embedded(PAYLOAD_LEVEL))?;
        let read: FormRead = shape::read(&value, "")?;
        Ok(ResidentForm {
            identity: read.identity,
            logbook: VacantLogbook::from_entries(parse_entries(&read.logbook)?),
            behavior_bundle: read.behavior_bundle.checked()?,
            substrate_spec: read.substrate_spec.checked()?,
            runtime_state: read.runtime_state.parse()?,
            capability_card: read
                .capability_card
                .map(card::CardRead::checked)
                .transpose()?,
            parent_id: read.parent_id,
        })
    }

    /// The text of a resident form's file: sorted keys, two spaces, a final
    /// newline.
    ///
    /// # Errors
    /// [`TypeIntegrityError::Entry`] for an entry whose payload is not JSON,
    /// which only a store can hold.
    pub fn to_text(&self) -> Result<String, TypeIntegrityError> {
        let mut entries = Vec::with_capacity(self.logbook.entries().len());
        for (index, entry) in self.logbook.entries().iter().enumerate() {
            let value = entry_members(entry);
            entries.push(value.map_err(|error| TypeIntegrityError::Entry { index, error })?);
        }
        let mut text = shape::write(&FormWritten {
            identity: self.identity,
            logbook: entries,
            behavior_bundle: &self.behavior_bundle,
            substrate_spec: &self.substrate_spec,
            runtime_state: self.runtime_state.as_str(),
            capability_card: self.capability_card.as_ref(),
            parent_id: self.parent_id,
        })
        .pretty();
        text.push('\n');
        Ok(text)
    }
}

/// Entries as lines of a logbook file spell them, in an array.
fn parse_entries(items: &[Value]) -> Result<Vec<Entry>, TypeIntegrityError> {
    let entries = items.iter().enumerate().map(|(index, item)| {
        let line = item.canonical(Form::Utf8);
        Entry::from_logbook_line(line.as_bytes())
            .map_err(|error| TypeIntegrityError::Entry { index, error })
    });
    entries.collect()
}

fn entry_members(entry: &Entry) -> Result<LogEntryMembers<'_>, EntryError> {
    Ok(LogEntryMembers {
        kind: entry.kind(),
        ts: entry.ts(),
        payload: entry.check_payload()?,
        prev_hash: entry.prev_hash(),
        signature: entry.signature(),
    })
}
