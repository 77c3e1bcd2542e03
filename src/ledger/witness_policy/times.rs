//! When something was, by the word of a quorum.
//!
//! A quorum holds somebody who is honest: that is what a policy says. So what a
//! checkpoint holds was there at the **latest** time that a quorum names, and
//! what came after its cosignatures was not there at the **earliest**. Of several
//! quorums the one counts that says the most.

use std::cmp::Reverse;

use super::{PolicyMember, WitnessPolicy};
use crate::ledger::time::Timestamp;

/// When a witness of the policy cosigned, whose cosignature was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CosignedAt {
    /// Its place in [`WitnessPolicy::witnesses`].
    pub witness: usize,
    /// When, by its clock.
    pub time: Timestamp,
}

/// Which bound is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundSide {
    /// Not later than this.
    NotLater,
    /// Not earlier than this.
    NotEarlier,
}

/// A bound on a time, and whose word it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeBound {
    /// The bound.
    pub time: Timestamp,
    /// The witnesses of the quorum, by their places, in order.
    pub witnesses: Vec<usize>,
}

impl WitnessPolicy {
    /// The bound that a quorum of `cosigned` gives; none if they are no quorum,
    /// and none where the policy needs no witness: nobody says anything then.
    #[must_use]
    pub fn bound(&self, side: BoundSide, cosigned: &[CosignedAt]) -> Option<TimeBound> {
        let of_member = |member, groups: &[Option<TimeBound>]| match member {
            PolicyMember::Group(at) => groups.get(at).cloned().flatten(),
            PolicyMember::Witness(witness) => {
                let times = cosigned.iter().filter(|at| at.witness == witness);
                let times = times.map(|at| at.time);
                let time = match side {
                    BoundSide::NotLater => times.min(),
                    BoundSide::NotEarlier => times.max(),
                };
                time.map(|time| TimeBound {
                    time,
                    witnesses: vec![witness],
                })
            }
        };
        let groups = self.groups_by(|group, groups: &[Option<TimeBound>]| {
            let members = group.members.iter();
            let mut bounds: Vec<TimeBound> =
                members.filter_map(|m| of_member(*m, groups)).collect();
            match side {
                BoundSide::NotLater => bounds.sort_by_key(|bound| bound.time),
                BoundSide::NotEarlier => bounds.sort_by_key(|bound| Reverse(bound.time)),
            }
            let quorum = bounds.get(..group.needed)?;
            let mut witnesses: Vec<_> = quorum.iter().flat_map(|b| b.witnesses.clone()).collect();
            witnesses.sort_unstable();
            // The last of them is the one that says the least.
            quorum.last().map(|last| TimeBound {
                time: last.time,
                witnesses,
            })
        });
        of_member(self.quorum?, &groups)
    }
}
