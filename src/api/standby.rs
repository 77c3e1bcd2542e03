//! Standing by: a machine follows a log in a bucket that another one writes, and takes it
//! over when it is told to, or when the writer is quiet.
//!
//! Whether the writer lives is told by two things that change: the objects of the log, and
//! the heartbeat that a server leaves beside them. How long they have not changed is
//! measured here, by the clock that nobody sets. A wrong guess costs a fence and never an
//! entry: safety hangs on who creates an object first (see [`crate::bucket`]).

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::bucket;
use super::{Error, Ledger, Options};
use crate::bucket::{BucketError, HEARTBEAT, Look, Objects, follow};
use crate::ledger::hash::Hash;
use crate::ledger::key::Signer;
use crate::logbook::{Logbook, Parts};
use crate::store::RocksStore;

/// How a log is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standby {
    /// From one look into the bucket to the next.
    pub every: Duration,
    /// How long the writer may be quiet before the log is taken over; `None` waits to be
    /// told.
    pub after: Option<Duration>,
}

/// What a follower is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowerCommand {
    /// To take the log over.
    TakeOver,
    /// To end.
    Stop,
}

/// Keeps a ledger up to what another machine writes.
pub struct Follower {
    base: Objects,
    cache: Arc<RocksStore>,
    signer: Arc<dyn Signer>,
    logbook: Arc<Logbook>,
}

/// Says in the bucket that a writer lives.
pub struct Heartbeat {
    objects: Objects,
    nonce: Hash,
    beats: u64,
}

impl Ledger {
    /// Opens the ledger in `dir` to stand by: brought up to what the bucket has, for
    /// reading. What would be written is refused as `standing_by`, until both are dropped
    /// and the ledger is opened with [`Ledger::open`], which takes it over.
    ///
    /// # Errors
    /// [`Error::Bucket`], as where this machine could not take the log over; other
    /// [`Error`]s of opening.
    pub fn stand_by(dir: impl AsRef<Path>, options: Options) -> Result<(Ledger, Follower), Error> {
        let dir = dir.as_ref();
        let address = options.bucket.clone().ok_or(BucketError::NotInBucket)?;
        let base = address.connect()?;
        let (cache, signer, mark) = bucket::followed(dir, &address, &base, &options)?;
        let cache = Arc::new(cache);
        let parts = Parts {
            store: Arc::<RocksStore>::clone(&cache),
            signer: Arc::clone(&signer),
            clock: options.clock_or_system(),
            mark,
        };
        let ledger = Ledger::following(dir, parts, options)?;
        let logbook = Arc::clone(ledger.logbook()?);
        let follower = Follower {
            base,
            cache,
            signer,
            logbook,
        };
        Ok((ledger, follower))
    }

    /// What says that this writer lives, if its record is in a bucket.
    ///
    /// # Errors
    /// [`Error::Bucket`].
    pub fn heartbeat(&self) -> Result<Option<Heartbeat>, Error> {
        let Some(objects) = self.bucket_objects()? else {
            return Ok(None);
        };
        let mut nonce = [0; Hash::BYTES];
        getrandom::fill(&mut nonce).map_err(BucketError::Randomness)?;
        Ok(Some(Heartbeat {
            objects,
            nonce: Hash::from_bytes(nonce),
            beats: 0,
        }))
    }
}

impl Heartbeat {
    /// Says it once more.
    ///
    /// # Errors
    /// [`Error::Bucket`].
    pub fn beat(&mut self) -> Result<(), Error> {
        self.beats = self.beats.wrapping_add(1);
        let text = format!("{} {}\n", self.nonce, self.beats);
        Ok(self.objects.replace(HEARTBEAT, Bytes::from(text))?)
    }
}

impl Follower {
    /// Follows the log until it is told something, or until the writer has been quiet for
    /// so long. `quiet` is told after each look for how long that is. Gives what is to be
    /// done then.
    ///
    /// # Errors
    /// [`Error::Bucket`] where the bucket holds another history, or a damaged one. While it
    /// cannot be reached the log is followed no further, and never taken over.
    pub fn follow(
        self,
        how: Standby,
        orders: &Receiver<FollowerCommand>,
        quiet: impl Fn(Duration),
    ) -> Result<FollowerCommand, Error> {
        let mut writer = Liveness::default();
        let mut order = FollowerCommand::Stop;
        follow(&self.base, &self.cache, &*self.signer, |seen| {
            match seen {
                Ok(look) => {
                    self.logbook.followed()?;
                    writer.look(look, Instant::now());
                }
                Err(error) => {
                    tracing::warn!(%error, "the bucket cannot be reached: the log is not followed");
                    // What was not looked at is not quiet.
                    writer.start_anew();
                }
            }
            let now = Instant::now();
            quiet(writer.quiet(now));
            if how.after.is_some_and(|after| writer.is_gone(now, after)) {
                tracing::warn!("the writer is quiet: the log is taken over");
                order = FollowerCommand::TakeOver;
                return Ok(ControlFlow::Break(()));
            }
            order = match orders.recv_timeout(how.every) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => return Ok(ControlFlow::Continue(())),
                Err(RecvTimeoutError::Disconnected) => FollowerCommand::Stop,
            };
            Ok::<_, Error>(ControlFlow::Break(()))
        })?;
        Ok(order)
    }
}

/// Whether a writer lives, by what changes.
#[derive(Debug, Default)]
struct Liveness {
    last: Option<Look>,
    /// When something changed last.
    changed: Option<Instant>,
}

impl Liveness {
    fn look(&mut self, look: Look, now: Instant) {
        let same = self
            .last
            .as_ref()
            .is_some_and(|last| last.place == look.place && last.heartbeat == look.heartbeat);
        if !same || self.changed.is_none() {
            self.changed = Some(now);
        }
        self.last = Some(look);
    }

    fn start_anew(&mut self) {
        self.changed = None;
    }

    fn quiet(&self, now: Instant) -> Duration {
        self.changed.map_or(Duration::ZERO, |changed| now - changed)
    }

    /// A writer that never left a heartbeat may live and have nothing to write.
    fn is_gone(&self, now: Instant, after: Duration) -> bool {
        let beats = self
            .last
            .as_ref()
            .is_some_and(|last| last.heartbeat.is_some());
        beats && self.changed.is_some() && self.quiet(now) >= after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::wal::WalPosition;

    fn look(n: u64, heartbeat: Option<&'static str>) -> Look {
        Look {
            place: WalPosition { generation: 0, n },
            heartbeat: heartbeat.map(|text| Bytes::from_static(text.as_bytes())),
        }
    }

    #[test]
    fn a_writer_is_gone_when_neither_objects_nor_heartbeat_change_while_they_are_looked_at() {
        let (begun, after) = (Instant::now(), Duration::from_secs(30));
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut writer = Liveness::default();
        assert!(!writer.is_gone(at(100), after), "nothing was seen yet");
        writer.look(look(1, Some("a")), at(0));
        writer.look(look(1, Some("a")), at(29));
        assert!(!writer.is_gone(at(29), after));
        writer.look(look(2, Some("a")), at(29));
        writer.look(look(2, Some("b")), at(50));
        writer.look(look(2, Some("b")), at(79));
        assert!(!writer.is_gone(at(79), after));
        assert!(writer.is_gone(at(80), after));
        // The way to the bucket was cut: what it did meanwhile is not known.
        writer.start_anew();
        assert!(!writer.is_gone(at(200), after));
        writer.look(look(2, Some("b")), at(200));
        assert!(!writer.is_gone(at(229), after));
        assert!(writer.is_gone(at(230), after));
    }

    #[test]
    fn a_writer_without_a_heartbeat_is_never_gone() {
        let begun = Instant::now();
        let mut writer = Liveness::default();
        writer.look(look(1, None), begun);
        assert!(!writer.is_gone(begun + Duration::from_secs(9_999), Duration::from_secs(30)));
    }
}
