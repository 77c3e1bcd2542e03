//! Each checkpoint before it is published: shown to witnesses, and not signed any more
//! once they have seen another history.
#![cfg(feature = "client")]

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ledger::note::Note;
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witnessing::Standing;
use crate::publish::{LogStorage, Proposed, PublicLog, alone};
use crate::witness::Panel;

use super::halt::check_not_halted;
use super::{Error, Halt, Ledger, keep_witnessed};

/// What was published, and what the witnesses did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedLog {
    /// Under which name.
    pub name: String,
    /// How many entries the log has.
    pub size: u64,
    /// The root over them.
    pub root: Sha256Digest,
    /// Entries that were not public before.
    pub added: u64,
    /// Whether there was anything to be signed.
    pub changed: bool,
    /// Not where too few witnesses cosigned it and that is asked for.
    pub published: bool,
    /// What each witness did, if any were asked.
    pub witnesses: Option<Standing>,
    /// The entry that keeps what was signed besides, if there is a new one.
    pub witnessed: Option<Seq>,
}

impl Ledger {
    /// Publishes every durable entry under the name that is bound, and shows the
    /// checkpoint to the witnesses of `panel`. What they signed, if they are a quorum, and
    /// what the second key signed comes back into the log, at most once in `every`.
    ///
    /// # Errors
    /// [`Error::Halted`], [`Error::Public`].
    pub fn publish_to<S: LogStorage + Sync>(
        &self,
        log: &mut PublicLog<S>,
        panel: Option<&Panel>,
        every: Duration,
    ) -> Result<PublishedLog, Error> {
        let dir = self.dir().unwrap_or(Path::new("."));
        if let Some(named) = self.public_name()? {
            check_not_halted(dir, named.name.as_str())?;
        }
        let now = self.clock().wall();
        let (mut standing, mut note) = (None, None);
        let published = self.publish(log, &mut |proposed| {
            let signed = match panel {
                None => alone(proposed)?,
                Some(panel) => {
                    let shown = show_witnesses(panel, dir, proposed, now)?;
                    standing = Some(shown.standing);
                    shown.note
                }
            };
            note.clone_from(&signed);
            Ok(signed)
        })?;
        let quorum = standing
            .as_ref()
            .is_some_and(|standing: &Standing| standing.quorum);
        let withheld = standing.is_some() && note.is_none();
        let worth = quorum || self.second_key()?.is_some();
        let kept = match note.filter(|_| worth).map(SignedCheckpoint::of_note) {
            Some(Ok(checkpoint)) => keep_witnessed(self.logbook()?, &checkpoint, every, now)?,
            _ => None,
        };
        Ok(PublishedLog {
            name: published.name.to_string(),
            size: published.checkpoint.size,
            root: published.checkpoint.root,
            added: published.added,
            changed: published.changed,
            published: !withheld,
            witnesses: standing,
            witnessed: kept.map(|receipt| receipt.seq),
        })
    }
}

/// A checkpoint that was shown to witnesses.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What each witness did.
    pub standing: Standing,
    /// It, with the cosignatures that were given; none if it is not to be published.
    pub note: Option<Note>,
}

/// Shows a checkpoint of the ledger in `dir` to the witnesses of `panel`.
///
/// # Errors
/// [`Error::Halted`]: the witnesses have seen another history, and from now on nothing is
/// signed.
pub fn show_witnesses<S: LogStorage + Sync>(
    panel: &Panel,
    dir: &Path,
    proposed: Proposed<'_, S>,
    now: Timestamp,
) -> Result<Shown, Error> {
    let Proposed {
        storage,
        checkpoint,
        before,
        key,
    } = proposed;
    let name = checkpoint.content().origin.clone();
    check_not_halted(dir, &name)?;
    match panel.ask(storage, checkpoint, before, key, now) {
        Ok(cosigned) => {
            let note = cosigned.checkpoint.into_note();
            Ok(Shown {
                standing: cosigned.standing,
                note: cosigned.publish.then_some(note),
            })
        }
        Err(stopped) => {
            let text = |note: &Vec<u8>| String::from_utf8_lossy(note).into_owned();
            let halt = Halt {
                evidence: stopped.evidence.iter().map(text).collect(),
                name,
                reason: stopped.stop.to_string(),
            };
            halt.keep(dir)?;
            Err(halt.into())
        }
    }
}
