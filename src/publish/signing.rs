//! Checkpoints of a ledger, and who signs them.

use super::{PublicError, Publication, leaves, names_of};
use crate::ledger::note::{Note, cosign_ml_dsa, sign};
use crate::ledger::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::tlog::name::LogName;
use crate::ledger::tlog::tree::{LogFrontier, empty_root, leaf};

/// The note of a checkpoint under the log's key, and under its second one if that is at
/// hand.
pub(super) fn signed(
    checkpoint: &Checkpoint,
    name: &LogName,
    with: &Publication<'_>,
) -> Result<SignedCheckpoint, PublicError> {
    let text = checkpoint.to_string();
    let line = sign(&text, name.as_key_name(), with.signer)?;
    let mut note = Note::new(text, vec![line])?;
    if let Some(second) = with.second {
        let seconds = u64::try_from(with.now.unix_micros() / 1_000_000).unwrap_or(0);
        let line = cosign_ml_dsa(checkpoint, seconds, name.as_key_name(), second);
        note.add(line.ok_or(PublicError::SecondKey)?)?;
    }
    Ok(SignedCheckpoint::of_note(note)?)
}

/// A checkpoint over every durable entry, which is published nowhere. Every leaf is read
/// for it.
///
/// # Errors
/// [`PublicError::NoName`]; [`PublicError`] if the leaves cannot be read.
pub fn unpublished(with: &Publication<'_>) -> Result<SignedCheckpoint, PublicError> {
    let store = &**with.logbook.store();
    let size = with.logbook.durable().seq.0.saturating_add(1);
    let names = names_of(store)?;
    let name = names.current().ok_or(PublicError::NoName)?.name.clone();
    let mut frontier = LogFrontier::new();
    leaves::each(store, 0..size, |data| {
        frontier.push(leaf(&data), |_, _| ());
        Ok(())
    })?;
    let checkpoint = Checkpoint {
        origin: name.to_string(),
        size,
        root: frontier.root().unwrap_or_else(empty_root),
        extensions: Vec::new(),
    };
    signed(&checkpoint, &name, with)
}
