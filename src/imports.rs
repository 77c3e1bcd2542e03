//! Evidence of other logs, verified and kept apart from our own chain.
//!
//! An import is a file: a bundle, a proof or a logbook that passed verification
//! with a key its receiver trusts. It is kept whole, so that it can be given on
//! and verified again byte for byte, and its entries and headers are kept under
//! (key, genesis), so that they can be looked up. There may be gaps between
//! them. Nothing of it is an entry of ours.
//!
//! # What is recorded
//! Each import is an entry `sealbook:import` of our own chain. Its payload:
//! ```text
//! {"bytes": length of the file, "digest": "blake2b-256:" and hex of its bytes,
//!  "entries": how many, "epochs": how many headers,
//!  "first_seq": the first entry, "format": "bundle" | "logbook" | "proof",
//!  "genesis": hex, "last_seq": the last entry, "log": hex}
//! ```
//! A logbook has no sequence numbers: its entries are numbered from 0, and the
//! hash of the first is its genesis.
//!
//! # The order of an import
//! 1. The file is verified, and held against what was imported before
//!    ([`conflict`]).
//! 2. Its bytes are written, then its entries and headers, in steps.
//! 3. The entry `sealbook:import` is appended.
//! 4. The mark that the import is complete is written. **From here on it is
//!    visible**: every row names its file, and rows of a file that is not
//!    complete are passed over.
//!
//! A crash before 4 leaves nothing visible, at most the entry of step 3. The
//! same import again completes it and appends no second entry.

pub mod accept;
pub mod conflict;
pub mod reading;
mod rows;

use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;

/// A log: a key may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    pub key: PublicKey,
    pub genesis: Hash,
}
