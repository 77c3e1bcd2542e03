//! Two checkpoints of a public log that cannot both stand.
//!
//! Of one size they have two roots. Of two sizes, the newer one's own tree has another
//! root at the older size: the root and the proof of RFC 6962 §2.1.2 from there to the
//! newer root show it, and stand in a line behind the two.

use serde::{Deserialize, Serialize};

use super::{Contradiction, Equivocation, EquivocationError, NotProven, Signed};
use crate::ledger::bundle_line;
use crate::ledger::json::Value;
use crate::ledger::key::PublicKey;
use crate::ledger::note::Note;
use crate::ledger::parse;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError};
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::tlog::said::signed_by;
use crate::ledger::tlog::tree::check_growth;

/// What the newer of two checkpoints says of the older one's size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// The proof from that root to the newer checkpoint's.
    pub path: Vec<Sha256Digest>,
    /// The root of its first entries, as many as the older has.
    pub root: Sha256Digest,
}

impl Growth {
    pub(super) fn to_line(&self) -> Vec<u8> {
        bundle_line::line_of("growth", shape::write(self))
    }

    pub(super) fn from_line(text: &[u8]) -> Result<Growth, EquivocationError> {
        const LINE: usize = 4;
        let failed = |error| EquivocationError::Json { line: LINE, error };
        let value = parse::parse(text).map_err(failed)?;
        read_growth(&value).map_err(|error| EquivocationError::Member { line: LINE, error })
    }
}

fn read_growth(value: &Value) -> Result<Growth, MemberError> {
    let members = shape::members(value)?;
    shape::only(members, &["growth"])?;
    shape::member(members, "growth")
}

/// The two of one log and one size.
pub(super) fn of_one_size(
    a: &SignedCheckpoint,
    b: &SignedCheckpoint,
) -> Result<Contradiction, NotProven> {
    let (a, b) = (a.content(), b.content());
    match (a.origin == b.origin && a.size == b.size, a.root == b.root) {
        (false, _) => Err(NotProven::Unrelated),
        (true, true) => Err(NotProven::Same),
        (true, false) => Ok(Contradiction::Checkpoints {
            origin: a.origin.clone(),
            size: a.size,
        }),
    }
}

/// The checkpoint under the log's own signature alone: cosignatures convict nobody, and
/// the same evidence is the same file. None if that key did not sign it.
pub(super) fn reduced(log: PublicKey, checkpoint: &SignedCheckpoint) -> Option<SignedCheckpoint> {
    let key = signed_by(log, checkpoint).ok()?;
    let own = checkpoint.note().signatures().iter();
    let own = own.filter(|line| line.id == key.id() && line.name == *key.name());
    let text = checkpoint.note().text().to_owned();
    let note = Note::new(text, own.cloned().collect()).ok()?;
    SignedCheckpoint::of_note(note).ok()
}

impl Equivocation {
    /// Checks that `log` signed both checkpoints, the older of which is not of the first
    /// entries of the newer: `growth` says which root those have.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn prove_growth(
        log: PublicKey,
        old: &SignedCheckpoint,
        new: &SignedCheckpoint,
        growth: Growth,
    ) -> Result<Equivocation, NotProven> {
        let (from, to) = (old.content(), new.content());
        if from.origin != to.origin || from.size >= to.size {
            return Err(NotProven::Unrelated);
        }
        if from.root == growth.root {
            return Err(NotProven::Same);
        }
        let ends = ((from.size, growth.root), (to.size, to.root));
        check_growth(ends.0, ends.1, &growth.path).map_err(|_| NotProven::Growth)?;
        let sides = [old, new].map(|one| reduced(log, one));
        let [Some(old), Some(new)] = sides else {
            return Err(NotProven::Signature);
        };
        let contradiction = Contradiction::Growth {
            origin: from.origin.clone(),
            from: from.size,
            to: to.size,
        };
        let sides = [old, new].map(|one| Signed::Checkpoint(Box::new(one)));
        let sides = super::in_order(sides);
        Ok(Equivocation {
            log,
            contradiction,
            sides,
            growth: Some(growth),
            counted: None,
        })
    }
}

/// A checkpoint in a line of the file.
pub(super) fn to_line(checkpoint: &SignedCheckpoint) -> Vec<u8> {
    bundle_line::line_of("checkpoint", checkpoint.to_string())
}

/// The inverse of [`to_line`].
pub(super) fn from_value(
    value: &Value,
    line: usize,
) -> Result<SignedCheckpoint, EquivocationError> {
    let note = note_of(value).map_err(|error| EquivocationError::Member { line, error })?;
    SignedCheckpoint::parse(note.as_bytes())
        .map_err(|error| EquivocationError::Checkpoint { line, error })
}

fn note_of(value: &Value) -> Result<String, MemberError> {
    let members = shape::members(value)?;
    shape::only(members, &["checkpoint"])?;
    shape::member(members, "checkpoint")
}
