//! The whole of a vacant, from who it is to how it behaves.

use super::behavior::BehaviorBundle;
use super::card::CapabilityCard;
use super::error::TypeIntegrityError;
use super::identity::VacantId;
use super::logbook::Logbook;
use super::state::VacantState;
use super::substrate::SubstrateSpec;
use crate::ledger::entry::{Entry, EntryError};
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::members::Members;
use crate::ledger::parse;

/// How deep a payload stands in a resident form's file: in the form, in its
/// logbook, in an entry.
const PAYLOAD_LEVEL: usize = 3;

/// A vacant in memory. Only its state and its logbook change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentForm {
    /// Who it is.
    pub identity: VacantId,
    /// What it did.
    pub logbook: Logbook,
    /// How it behaves.
    pub behavior_bundle: BehaviorBundle,
    /// On what it runs.
    pub substrate_spec: SubstrateSpec,
    /// Where it stands.
    pub runtime_state: VacantState,
    /// How it announces itself, if it does.
    pub capability_card: Option<CapabilityCard>,
    /// Whom it descends from, if from anyone.
    pub parent_id: Option<VacantId>,
}

impl ResidentForm {
    /// Whether the parts are one vacant's: the logbook whole under its key, and
    /// the card, if there is one, its own and signed by it.
    #[must_use]
    pub fn verify_self(&self) -> bool {
        let own = |card: &CapabilityCard| card.vacant_id() == self.identity && card.verify();
        self.logbook.verify_chain(self.identity.verify_key())
            && self.capability_card.as_ref().is_none_or(own)
    }

    /// Reads the text of a resident form's file. Nothing in it is judged.
    ///
    /// # Errors
    /// [`TypeIntegrityError`] names the member.
    pub fn parse(text: &[u8]) -> Result<ResidentForm, TypeIntegrityError> {
        let value = parse::parse_with(text, &limits::embedded(PAYLOAD_LEVEL))?;
        let mut members = Members::of(&value, "")?;
        let identity = VacantId::from_verify_key(PublicKey::from_bytes(members.hex("identity")?));
        let logbook = parse_entries(members.array("logbook")?)?;
        let behavior_bundle = BehaviorBundle::from_members(members.nested("behavior_bundle")?)?;
        let substrate_spec = SubstrateSpec::from_members(members.nested("substrate_spec")?)?;
        let runtime_state = members.str("runtime_state")?.parse()?;
        let card = members.opt_nested("capability_card")?;
        let capability_card = card.map(CapabilityCard::from_members).transpose()?;
        let parent_id = members.opt_hex("parent_id")?.map(PublicKey::from_bytes);
        members.finish()?;
        Ok(ResidentForm {
            identity,
            logbook: Logbook::from_entries(logbook),
            behavior_bundle,
            substrate_spec,
            runtime_state,
            capability_card,
            parent_id: parent_id.map(VacantId::from_verify_key),
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
            let value = entry_value(entry);
            entries.push(value.map_err(|error| TypeIntegrityError::Entry { index, error })?);
        }
        let mut object = Object::new();
        object.insert("identity", self.identity.hex());
        object.insert("logbook", entries);
        object.insert("behavior_bundle", self.behavior_bundle.to_object());
        object.insert("substrate_spec", self.substrate_spec.to_object());
        object.insert("runtime_state", self.runtime_state.name());
        let card = self.capability_card.as_ref().map(CapabilityCard::to_object);
        object.insert("capability_card", card);
        object.insert("parent_id", self.parent_id.map(|parent| parent.hex()));
        let mut text = Value::Object(object).pretty();
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

fn entry_value(entry: &Entry) -> Result<Value, EntryError> {
    let mut object = Object::new();
    object.insert("kind", entry.kind());
    object.insert("ts", entry.ts().to_string());
    object.insert("payload", entry.check_payload()?);
    object.insert("prev_hash", entry.prev_hash().to_string());
    object.insert("signature", entry.signature().to_string());
    Ok(Value::Object(object))
}
