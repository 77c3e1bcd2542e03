//! Which stretch may follow which.

use std::collections::HashMap;

use super::super::hash::Hash;
use super::super::trace::{Nature, Trace};

/// The ends and beginnings of the stretches of the key's own entries.
pub(super) struct Joints {
    endings: HashMap<Hash, usize>,
    /// The first and last stretch that follow an entry.
    followers: HashMap<Hash, (usize, usize)>,
    beginnings: Vec<u64>,
    /// Stretches that stand before what they follow.
    displaced: Vec<bool>,
}

impl Joints {
    pub(super) fn of(trace: &Trace) -> Joints {
        let mut joints = Joints {
            endings: HashMap::new(),
            followers: HashMap::new(),
            beginnings: trace.stretches.iter().map(|s| s.start).collect(),
            displaced: vec![false; trace.stretches.len()],
        };
        for (at, stretch) in trace.stretches.iter().enumerate() {
            if stretch.nature != Nature::Linked {
                continue;
            }
            joints.endings.entry(stretch.last_hash).or_insert(at);
            let first = joints.followers.entry(stretch.first_prev);
            first.or_insert((at, at)).1 = at;
        }
        joints
    }

    pub(super) fn ending_with(&self, hash: &Hash) -> Option<usize> {
        self.endings.get(hash).copied()
    }

    pub(super) fn first_after(&self, hash: &Hash) -> Option<usize> {
        self.followers.get(hash).map(|(first, _)| *first)
    }

    pub(super) fn last_after(&self, hash: &Hash) -> Option<usize> {
        self.followers.get(hash).map(|(_, last)| *last)
    }

    pub(super) fn begins_at(&self, place: u64) -> bool {
        self.beginnings.binary_search(&place).is_ok()
    }

    pub(super) fn displace(&mut self, at: usize) {
        if let Some(displaced) = self.displaced.get_mut(at) {
            *displaced = true;
        }
    }

    pub(super) fn is_displaced(&self, at: usize) -> bool {
        self.displaced.get(at).copied().unwrap_or(false)
    }
}
