//! Two checkpoints of a public log, compared; and what convicts their key.

use std::io;
use std::path::Path;

use crate::ledger::equivocation::{Equivocation, Growth, Signed};
use crate::ledger::key::PublicKey;
use crate::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use crate::ledger::tlog::said::signed_by;
use crate::ledger::tlog::source::{TileReadError, root_before};
use crate::publish::{self, Folder, PublicError};

use super::{Error, Options};

/// How two checkpoints of one log stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointOrder {
    /// They say the same.
    Same,
    /// The second begins with the first.
    FirstIsPrefix,
    /// The first begins with the second.
    SecondIsPrefix,
    /// Both cannot stand.
    Differ,
    /// They are of logs of two names.
    Unrelated,
}

/// Two checkpoints, compared.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// How they stand to each other.
    pub relation: CheckpointOrder,
    /// The key that signed both, if one of those given did.
    pub key: Option<PublicKey>,
    /// The proof that convicts it, where both cannot stand.
    pub equivocation: Option<Equivocation>,
}

/// Compares two checkpoints. Of two sizes the log leads from one to the other: its folder
/// of tiles or the ledger itself, at `from`, which is believed nothing that does not lead
/// to the newer root. `keys` are those that may have signed them.
///
/// # Errors
/// [`Error::TwoSizes`] without a log to lead from one to the other; what keeps it from
/// being read, or does not lead to the newer checkpoint.
pub fn compare_checkpoints(
    a: &SignedCheckpoint,
    b: &SignedCheckpoint,
    keys: &[PublicKey],
    from: Option<&Path>,
    options: &Options,
) -> Result<Checkpoints, Error> {
    let both = [a, b];
    let signed = |key: &&PublicKey| both.iter().all(|one| signed_by(**key, one).is_ok());
    let key = keys.iter().find(signed).copied();
    let [one, other] = both.map(SignedCheckpoint::content);
    let found = |relation| Checkpoints {
        relation,
        key,
        equivocation: None,
    };
    if one.origin != other.origin {
        return Ok(found(CheckpointOrder::Unrelated));
    }
    if one.size == other.size {
        if one.root == other.root {
            return Ok(found(CheckpointOrder::Same));
        }
        let signed = |one: &SignedCheckpoint| Signed::Checkpoint(Box::new(one.clone()));
        let prove = |key| Equivocation::prove(key, signed(a), signed(b)).ok();
        return Ok(Checkpoints {
            equivocation: key.and_then(prove),
            ..found(CheckpointOrder::Differ)
        });
    }
    let (old, new, grown) = match one.size < other.size {
        true => (a, b, CheckpointOrder::FirstIsPrefix),
        false => (b, a, CheckpointOrder::SecondIsPrefix),
    };
    let from = from.ok_or(Error::TwoSizes)?;
    let growth = growth(from, old.content().size, new.content(), options)?;
    if growth.root == old.content().root {
        return Ok(found(grown));
    }
    let prove = |key| Equivocation::prove_growth(key, old, new, growth.clone()).ok();
    Ok(Checkpoints {
        equivocation: key.and_then(prove),
        ..found(CheckpointOrder::Differ)
    })
}

/// What the log of the newer checkpoint says of its first `size` entries.
fn growth(
    from: &Path,
    size: u64,
    new: &CheckpointText,
    options: &Options,
) -> Result<Growth, Error> {
    let place = || from.display().to_string();
    if from.join("tile").is_dir() {
        let led = root_before(&Folder::read_only(from), size, new);
        let (root, path) = led.map_err(|error| match error {
            TileReadError::Source(error) => Error::file(from, error),
            error => Error::PublicLog {
                place: place(),
                error: Box::new(error),
            },
        })?;
        return Ok(Growth { path, root });
    }
    if !from.is_dir() {
        return Err(Error::file(from, io::ErrorKind::NotADirectory.into()));
    }
    let reader = options.reader(from)?;
    let entries = crate::store::Store::count(&reader.store)?;
    if entries < new.size {
        return Err(PublicError::Behind {
            place: place(),
            published: new.size,
            entries,
        }
        .into());
    }
    match publish::root_before(&reader.store, size, new)? {
        Some((root, path)) => Ok(Growth { path, root }),
        None => Err(PublicError::Differs {
            place: place(),
            size: new.size,
        }
        .into()),
    }
}
