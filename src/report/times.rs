//! What a report carries to show when its entries were made. Nobody signs the list, and
//! nobody need: each part is held against the entries and a reader's own policy.

use serde::{Deserialize, Serialize};

use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;

/// Entries of a report whose times it carries, at most: the list is one line.
pub const MOST_TIMED: usize = 10_000;

/// The evidence for the times of a report's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedTimes {
    /// Checkpoints that witnesses cosigned, with the entries of the report that they hold:
    /// these were there by then.
    pub holding: Vec<Holding>,
    /// Proofs of entries that keep cosignatures, each as the text of its file: what stands
    /// behind them in the log came later.
    pub kept: Vec<String>,
}

/// A checkpoint, and the places of entries under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// The note, with its cosignatures.
    pub checkpoint: String,
    /// The entries that it is to hold.
    pub entries: Vec<Place>,
}

/// The place of an entry under a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its siblings in the tree of the public log, from the leaf up.
    pub path: Vec<Sha256Digest>,
    /// Its number.
    pub seq: Seq,
}
