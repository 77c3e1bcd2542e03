//! Signatures that were found good a moment ago: a header and an opening come with each
//! proof out of the same epoch.

use std::sync::{Mutex, PoisonError};

use curve25519_dalek::Scalar;

use super::SignatureCheck;
use crate::ledger::key::Signature;

/// So many are remembered of a key, those that came last.
const MOST: usize = 64;

/// All that the verdict on a signature of one key is made of: R and S, and k.
type Judged = (Signature, Scalar);

#[derive(Default)]
pub(super) struct Recent(Mutex<Vec<Judged>>);

impl Recent {
    /// Which of them were found good.
    pub(super) fn good(&self, asked: &[SignatureCheck]) -> Vec<bool> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |one: &SignatureCheck| {
            let at = recent.iter().position(|judged| *judged == one.judged());
            if let Some(at) = at.and_then(|at| recent.get_mut(..=at)) {
                at.rotate_right(1);
            }
            at.is_some()
        };
        asked.iter().map(known).collect()
    }

    pub(super) fn remember(&self, one: &SignatureCheck) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.insert(0, one.judged());
        recent.truncate(MOST);
    }
}
