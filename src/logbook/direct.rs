//! Appending in the caller's own thread, where nobody else is at work.
//!
//! To wake the sequencer, the committer and the caller again takes as long as the
//! disk takes to sync. Who comes alone takes their places instead: the chain and
//! the tree are under locks, and the order in which the locks are taken is the
//! order of the log.
//!
//! 1. The sequencer is locked, if it can be at once, and nothing is asked,
//!    handed over or being written. So nothing was asked before this.
//! 2. The entries are chained and signed.
//! 3. The committer is locked, and only then the sequencer released. So whatever
//!    is chained after this is committed after it.
//! 4. The entries are committed as any others are.

use std::sync::{Arc, Mutex, Weak};

use super::committer::Committer;
use super::request::{Answer, Prepared, awaited};
use super::sequencer::Sequencer;

/// Both, as long as their threads live.
pub(super) struct Direct {
    sequencer: Weak<Mutex<Sequencer>>,
    committer: Weak<Mutex<Committer>>,
}

impl Direct {
    pub(super) fn new(
        sequencer: &Arc<Mutex<Sequencer>>,
        committer: &Arc<Mutex<Committer>>,
    ) -> Direct {
        Direct {
            sequencer: Arc::downgrade(sequencer),
            committer: Arc::downgrade(committer),
        }
    }

    /// Appends `entries`; or, if somebody is at work, gives them back.
    pub(super) fn append(&self, entries: Vec<Prepared>) -> Result<Answer, Vec<Prepared>> {
        let both = self.sequencer.upgrade().zip(self.committer.upgrade());
        let Some((sequencer, committer)) = both else {
            return Err(entries);
        };
        let Ok(mut sequencer) = sequencer.try_lock() else {
            return Err(entries);
        };
        if !sequencer.is_idle() {
            return Err(entries);
        }
        let (submission, pending) = awaited(entries);
        if let Some(work) = sequencer.append_alone(submission) {
            let mut committer = Committer::lock(&committer);
            drop(sequencer);
            committer.perform(work);
        } else {
            drop(sequencer);
        }
        Ok(pending.wait())
    }
}
