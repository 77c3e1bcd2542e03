//! When something was, by the word of a quorum.
//!
//! A quorum holds somebody who is honest: that is what a policy says. So what a
//! checkpoint holds was there at the **latest** time that a quorum names, and
//! what came after its cosignatures was not there at the **earliest**. Of several
//! quorums the one counts that says the most.

use std::cmp::Reverse;

use super::{Member, WitnessPolicy};
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
pub enum Side {
    /// Not later than this.
    NotLater,
    /// Not earlier than this.
    NotEarlier,
}

/// A bound on a time, and whose word it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The bound.
    pub time: Timestamp,
    /// The witnesses of the quorum, by their places, in order.
    pub witnesses: Vec<usize>,
}

impl WitnessPolicy {
    /// The bound that a quorum of `cosigned` gives; none if they are no quorum,
    /// and none where the policy needs no witness: nobody says anything then.
    #[must_use]
    pub fn bound(&self, side: Side, cosigned: &[CosignedAt]) -> Option<Bound> {
        let of_member = |member, groups: &[Option<Bound>]| match member {
            Member::Group(at) => groups.get(at).cloned().flatten(),
            Member::Witness(witness) => {
                let times = cosigned.iter().filter(|at| at.witness == witness);
                let times = times.map(|at| at.time);
                let time = match side {
                    Side::NotLater => times.min(),
                    Side::NotEarlier => times.max(),
                };
                time.map(|time| Bound {
                    time,
                    witnesses: vec![witness],
                })
            }
        };
        let groups = self.groups_by(|group, groups: &[Option<Bound>]| {
            let members = group.members.iter();
            let mut bounds: Vec<Bound> = members.filter_map(|m| of_member(*m, groups)).collect();
            match side {
                Side::NotLater => bounds.sort_by_key(|bound| bound.time),
                Side::NotEarlier => bounds.sort_by_key(|bound| Reverse(bound.time)),
            }
            let quorum = bounds.get(..group.needed)?;
            let mut witnesses: Vec<_> = quorum.iter().flat_map(|b| b.witnesses.clone()).collect();
            witnesses.sort_unstable();
            // The last of them is the one that says the least.
            quorum.last().map(|last| Bound {
                time: last.time,
                witnesses,
            })
        });
        of_member(self.quorum?, &groups)
    }
}
