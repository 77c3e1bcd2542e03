//! Head statements: how far a log has come.

use super::envelope::Purpose;
use super::hash::Hash;
use super::json::Object;
use super::key::PublicKey;
use super::members::{MemberError, Members};
use super::position::Seq;
use super::statement::{Content, Statement};
use super::time::Timestamp;

/// That a log holds, at `seq`, the entry `hash`, and so all that its chain ties
/// to it.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    fn from_object(object: &Object) -> Result<Self, MemberError> {
        let mut members = Members::of_object(object, "");
        let head = Head {
            log: PublicKey::from_bytes(members.hex("log")?),
            genesis: Hash::from_bytes(members.hex("genesis")?),
            seq: Seq(members.u64("seq")?),
            hash: Hash::from_bytes(members.hex("hash")?),
            ts: members.timestamp("ts")?,
        };
        members.finish()?;
        Ok(head)
    }

    fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("log", self.log.to_string());
        object.insert("genesis", self.genesis.to_string());
        object.insert("seq", self.seq.0);
        object.insert("hash", self.hash.to_string());
        object.insert("ts", self.ts.to_string());
        object
    }

    fn log(&self) -> PublicKey {
        self.log
    }
}
