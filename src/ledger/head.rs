//! Head statements: how far a log has come.

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::envelope::Purpose;
use super::hash::Hash;
use super::key::PublicKey;
use super::position::{EpochNumber, Seq};
use super::statement::{Content, Statement};
use super::time::Timestamp;
use super::version::Version;

/// That a log holds, at `seq`, the entry `hash`, and so all that its chain ties
/// to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HeadMembers", into = "HeadMembers")]
pub struct Head {
    pub log: PublicKey,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    pub seq: Seq,
    pub hash: Hash,
    /// When this was stated: not before the entry's own time.
    pub ts: Timestamp,
    /// What version 2 says beside.
    pub second: Option<HeadBasis>,
}

/// On what a head stands, in version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadBasis {
    /// The header of the last sealed epoch; `None` if there is none.
    pub epoch: Option<LastEpoch>,
    /// The tree over all entries up to this one, where the log has one.
    pub tree: Option<TreeHead>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastEpoch {
    pub epoch: EpochNumber,
    /// [`EpochHeader::hash`](super::epoch::EpochHeader::hash).
    pub hash: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeHead {
    pub root: Hash,
    pub size: u64,
}

/// A head with its signature, not judged.
pub type SignedHead = Statement<Head>;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadMembers {
    log: PublicKey,
    genesis: Hash,
    seq: Seq,
    hash: Hash,
    ts: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<Version>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    epoch: Option<Option<LastEpoch>>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    tree: Option<Option<TreeHead>>,
}

/// What stands there, also where that is `null`.
fn given<'v, T: Deserialize<'v>, D: Deserializer<'v>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl TryFrom<HeadMembers> for Head {
    type Error = &'static str;

    fn try_from(stated: HeadMembers) -> Result<Head, &'static str> {
        let second = match (stated.format, stated.epoch, stated.tree) {
            (None, None, None) => None,
            (Some(Version::Two), Some(epoch), Some(tree)) => Some(HeadBasis { epoch, tree }),
            _ => return Err("`format`, `epoch` and `tree` stand together, in version 2"),
        };
        Ok(Head {
            log: stated.log,
            genesis: stated.genesis,
            seq: stated.seq,
            hash: stated.hash,
            ts: stated.ts,
            second,
        })
    }
}

impl From<Head> for HeadMembers {
    fn from(head: Head) -> HeadMembers {
        let second = head.second;
        HeadMembers {
            log: head.log,
            genesis: head.genesis,
            seq: head.seq,
            hash: head.hash,
            ts: head.ts,
            format: second.as_ref().map(|_| Version::Two),
            epoch: second.as_ref().map(|second| second.epoch.clone()),
            tree: second.map(|second| second.tree),
        }
    }
}

impl Content for Head {
    const PURPOSE: Purpose = Purpose::Head;

    fn log(&self) -> PublicKey {
        self.log
    }
}
