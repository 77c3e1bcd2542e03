//! Which openings of redacted members go with the entries that are given out.

use crate::ledger::bundle::{BundleSink, BundleWriter};
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::redact::opened::Opened;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::{Opening, mentions_form, open_all, redacted_in};
use crate::ledger::version::Version;
use crate::logbook::identity_of;
use crate::store::Store;

use super::EvidenceError;

/// Which of the openings that a ledger keeps are given out. A pointer stands for what
/// lies in its place, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Openings {
    #[default]
    All,
    /// All but those of these places.
    AllBut(Vec<Pointer>),
    /// Those of these places.
    Only(Vec<Pointer>),
}

impl Openings {
    /// None of them.
    pub const NONE: Openings = Openings::Only(Vec::new());

    fn wants(&self, pointer: &Pointer) -> bool {
        let holds = |places: &[Pointer]| places.iter().any(|place| place.holds(pointer));
        match self {
            Openings::All => true,
            Openings::AllBut(places) => !holds(places),
            Openings::Only(places) => holds(places),
        }
    }

    /// What version of a bundle can hold: openings need the second.
    pub(super) fn in_version(&self, version: Version) -> Openings {
        match version {
            Version::One => Openings::NONE,
            Version::Two => self.clone(),
        }
    }

    /// Whether any would be given with the entries of a range.
    pub(super) fn any_in(
        &self,
        store: &dyn Store,
        first: Seq,
        last: Seq,
    ) -> Result<bool, EvidenceError> {
        if *self == Openings::NONE {
            return Ok(false);
        }
        for row in store.openings(first.0..last.0.saturating_add(1)) {
            let opening = Opening::from_row(&row?.1);
            if opening.is_some_and(|opening| self.wants(&opening.pointer)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether any would be given with an entry.
    pub(super) fn any_of(
        &self,
        store: &dyn Store,
        seq: Seq,
        entry: &Entry,
    ) -> Result<bool, EvidenceError> {
        match redacted_in(entry.payload_bytes()).is_empty() {
            true => Ok(false),
            false => self.any_in(store, seq, seq),
        }
    }

    /// Writes those of an entry that was just written.
    pub(super) fn write<W: BundleSink>(
        &self,
        store: &dyn Store,
        genesis: &Hash,
        (seq, entry): (Seq, &Entry),
        writer: &mut BundleWriter<W>,
    ) -> Result<(), EvidenceError> {
        if *self == Openings::NONE {
            return Ok(());
        }
        for opening in openings_of(store, genesis, seq, entry)? {
            if self.wants(&opening.pointer) {
                writer.opened(&Opened { seq, opening })?;
            }
        }
        Ok(())
    }
}

/// The openings that are kept of an entry, in the order of its payload. What was erased
/// has none.
///
/// # Errors
/// [`EvidenceError::OpeningDamaged`] if one is not what the entry commits to.
pub fn openings_of(
    store: &dyn Store,
    genesis: &Hash,
    seq: Seq,
    entry: &Entry,
) -> Result<Vec<Opening>, EvidenceError> {
    let redacted = redacted_in(entry.payload_bytes());
    if redacted.is_empty() {
        return Ok(Vec::new());
    }
    let mut kept = Vec::new();
    for row in store.openings(seq.0..seq.0.saturating_add(1)) {
        let (key, row) = row?;
        kept.push((key.commitment, row));
    }
    let mut openings = Vec::new();
    for (pointer, commitment) in redacted {
        let Some((_, row)) = kept.iter().find(|(of, _)| *of == commitment) else {
            continue;
        };
        let opening = Opening::from_row(row).filter(|opening| {
            opening.pointer == pointer && opening.commitment(genesis) == commitment
        });
        openings.push(opening.ok_or(EvidenceError::OpeningDamaged { seq, pointer })?);
    }
    Ok(openings)
}

/// An entry's payload, with the values that are kept of it where commitments stand.
///
/// # Errors
/// [`EvidenceError::OpeningDamaged`]; [`EvidenceError::Store`].
pub fn plain_payload(store: &dyn Store, seq: Seq, entry: &Entry) -> Result<Object, EvidenceError> {
    let payload = entry.check_payload().unwrap_or_default();
    if !mentions_form(entry.payload_bytes()) {
        return Ok(payload);
    }
    let genesis = identity_of(store)?.genesis;
    let openings = openings_of(store, &genesis, seq, entry)?;
    let mut payload = Value::Object(payload);
    open_all(&mut payload, &openings.iter().collect::<Vec<_>>(), &genesis);
    match payload {
        Value::Object(payload) => Ok(payload),
        _ => Ok(Object::new()),
    }
}
