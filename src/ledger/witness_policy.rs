//! Whose word on a public log counts: which logs, which witnesses, and how many
//! of them must have cosigned a checkpoint (c2sp.org/tlog-policy).
//!
//! ```text
//! log       <vkey> [<url>]
//! witness   <name> <vkey> [<url>]
//! group     <name> all|any|<k> <name>...
//! quorum    <name>|none
//! ```
//! A line defines a name before another uses it, each name is a member of one
//! group at most, and a public key stands for one log or one witness only. A
//! policy of [Rego](crate::wcp::rego) is another thing.

mod reader;
mod times;

use super::note::{KeyId, KeyName, VerifierKey};

pub use reader::{PolicyError, PolicyProblem, parse};
pub use times::{BoundSide, CosignedAt, TimeBound};

/// The longest policy that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The most logs, witnesses and groups, each.
pub const MAX_OF_EACH: usize = 256;

/// A policy, read and whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessPolicy {
    /// The logs whose checkpoints count; none where the log is known otherwise.
    pub logs: Vec<KnownLog>,
    /// The witnesses, in the order of the file.
    pub witnesses: Vec<Witness>,
    groups: Vec<PolicyGroup>,
    quorum: Option<PolicyMember>,
}

/// A log whose checkpoints count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLog {
    /// The key of its checkpoints; its name is the log's origin.
    pub key: VerifierKey,
    /// Where it is read.
    pub url: Option<String>,
}

/// A witness whose cosignatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What the policy calls it.
    pub name: String,
    /// The key of its cosignatures.
    pub key: VerifierKey,
    /// Where checkpoints are submitted to it.
    pub url: Option<String>,
}

/// So many of its members are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PolicyGroup {
    name: String,
    needed: usize,
    members: Vec<PolicyMember>,
}

/// A witness or a group, by its place. A group's members stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PolicyMember {
    Witness(usize),
    Group(usize),
}

impl WitnessPolicy {
    /// Whether the witnesses for which `cosigned` says so are a quorum. It is
    /// asked by the place in [`witnesses`](WitnessPolicy::witnesses).
    #[must_use]
    pub fn is_met(&self, cosigned: impl Fn(usize) -> bool) -> bool {
        let met = |member, groups: &[bool]| match member {
            PolicyMember::Witness(at) => cosigned(at),
            PolicyMember::Group(at) => groups.get(at).copied().unwrap_or(false),
        };
        let groups = self.groups_by(|group, groups| {
            let have = group.members.iter().filter(|member| met(**member, groups));
            have.count() >= group.needed
        });
        self.quorum.is_none_or(|quorum| met(quorum, &groups))
    }

    /// How many witnesses can be lost, whichever they are, with a quorum left of
    /// the others; none where no witness is needed.
    #[must_use]
    pub fn can_lose(&self) -> Option<usize> {
        // The fewest whose absence leaves no quorum, less one: of a group that
        // needs k of n, the n − k + 1 members that are the cheapest to lose.
        let cost = |member, groups: &[usize]| match member {
            PolicyMember::Witness(_) => 1,
            PolicyMember::Group(at) => groups.get(at).copied().unwrap_or(0),
        };
        let groups = self.groups_by(|group, groups| {
            let mut costs: Vec<usize> = group.members.iter().map(|m| cost(*m, groups)).collect();
            costs.sort_unstable();
            let blocking = (group.members.len() + 1).saturating_sub(group.needed);
            costs.iter().take(blocking).sum()
        });
        self.quorum
            .map(|quorum| cost(quorum, &groups).saturating_sub(1))
    }

    /// The quorum's name, `none` where no witness is needed.
    #[must_use]
    pub fn quorum_name(&self) -> &str {
        let name = match self.quorum {
            None => None,
            Some(PolicyMember::Witness(at)) => self.witnesses.get(at).map(|witness| &witness.name),
            Some(PolicyMember::Group(at)) => self.groups.get(at).map(|group| &group.name),
        };
        name.map_or(reader::NONE, String::as_str)
    }

    /// The witness whose key has this name and id.
    #[must_use]
    pub fn witness_of(&self, name: &KeyName, id: KeyId) -> Option<usize> {
        let of = |witness: &Witness| witness.key.name() == name && witness.key.id() == id;
        self.witnesses.iter().position(of)
    }

    /// What `of` says of each group, given what it said of those before.
    fn groups_by<T>(&self, of: impl Fn(&PolicyGroup, &[T]) -> T) -> Vec<T> {
        let mut said = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let this = of(group, &said);
            said.push(this);
        }
        said
    }
}
