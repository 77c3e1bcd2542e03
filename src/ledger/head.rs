//! Head statements: how far a log has come.

use serde::{Deserialize, Serialize};

use super::envelope::Purpose;
use super::hash::Hash;
use super::key::PublicKey;
use super::position::Seq;
use super::statement::{Content, Statement};
use super::time::Timestamp;

/// That a log holds, at `seq`, the entry `hash`, and so all that its chain ties
/// to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The log's key.
    pub log: PublicKey,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    /// The last entry.
    pub seq: Seq,
    /// Its hash.
    pub hash: Hash,
    /// When this was stated: not before the entry's own time.
    pub ts: Timestamp,
}

/// A head with its signature, not judged.
pub type SignedHead = Statement<Head>;

impl Content for Head {
    const PURPOSE: Purpose = Purpose::Head;

    fn log(&self) -> PublicKey {
        self.log
    }
}
