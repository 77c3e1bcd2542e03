//! Each checkpoint before it is published: shown to witnesses, and not signed any more
//! once they have seen another history.
#![cfg(feature = "client")]

use std::path::Path;

use crate::ledger::note::Note;
use crate::ledger::time::Timestamp;
use crate::ledger::witnessing::Standing;
use crate::publish::{Proposed, Shelf};
use crate::witness::Panel;

use super::{Error, Halt};

/// Whether the ledger in `dir` signs checkpoints of this name.
///
/// # Errors
/// [`Error::Halted`] if it does not until somebody accepts why.
pub fn check_not_halted(dir: &Path, name: &str) -> Result<(), Error> {
    match Halt::of(dir)? {
        Some(halt) if halt.name == name => Err(halt.into()),
        _ => Ok(()),
    }
}

/// A checkpoint that was shown to witnesses.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What each witness did.
    pub standing: Standing,
    /// It, with the cosignatures that were given; none if it is not to be published.
    pub note: Option<Note>,
}

/// Shows a checkpoint of the ledger in `dir` to the witnesses of `panel`.
///
/// # Errors
/// [`Error::Halted`]: the witnesses have seen another history, and from now on nothing is
/// signed.
pub fn show_witnesses<S: Shelf + Sync>(
    panel: &Panel,
    dir: &Path,
    proposed: Proposed<'_, S>,
    now: Timestamp,
) -> Result<Shown, Error> {
    let Proposed {
        shelf,
        checkpoint,
        before,
        key,
    } = proposed;
    let name = checkpoint.content().origin.clone();
    check_not_halted(dir, &name)?;
    match panel.ask(shelf, checkpoint, before, key, now) {
        Ok(cosigned) => {
            let note = cosigned.checkpoint.into_note();
            Ok(Shown {
                standing: cosigned.standing,
                note: cosigned.publish.then_some(note),
            })
        }
        Err(stopped) => {
            let text = |note: &Vec<u8>| String::from_utf8_lossy(note).into_owned();
            let halt = Halt {
                evidence: stopped.evidence.iter().map(text).collect(),
                name,
                reason: stopped.stop.to_string(),
            };
            halt.keep(dir)?;
            Err(halt.into())
        }
    }
}
