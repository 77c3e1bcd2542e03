//! `direct.rs`: who comes alone appends in his own thread.

use std::sync::{Arc, Weak};

use shuttle::sync::Mutex;

use super::mutant::Mutant;
use super::writer::{Answer, Committer, Id, Reply, Sequencer};

/// Both, as long as their threads live.
#[derive(Clone)]
pub struct Direct {
    sequencer: Weak<Mutex<Sequencer>>,
    committer: Weak<Mutex<Committer>>,
    mutant: Mutant,
}

impl Direct {
    pub fn new(
        sequencer: &Arc<Mutex<Sequencer>>,
        committer: &Arc<Mutex<Committer>>,
        mutant: Mutant,
    ) -> Direct {
        Direct {
            sequencer: Arc::downgrade(sequencer),
            committer: Arc::downgrade(committer),
            mutant,
        }
    }

    /// Appends; or, if somebody is at work, gives the numbers back.
    pub fn append(&self, ids: Vec<Id>) -> Result<Answer, Vec<Id>> {
        let both = self.sequencer.upgrade().zip(self.committer.upgrade());
        let Some((sequencer, committer)) = both else {
            return Err(ids);
        };
        let Ok(mut sequencer) = sequencer.try_lock() else {
            return Err(ids);
        };
        if sequencer.is_poisoned() || !sequencer.is_idle() {
            return Err(ids);
        }
        let (reply, answer) = Reply::new();
        if let Some(work) = sequencer.append_alone(ids, reply) {
            if self.mutant == Mutant::SequencerReleasedFirst {
                drop(sequencer);
                Committer::lock(&committer).perform(work);
            } else {
                let mut committer = Committer::lock(&committer);
                drop(sequencer);
                committer.perform(work);
            }
        } else {
            drop(sequencer);
        }
        Ok(answer.recv().expect("every request is answered"))
    }
}
