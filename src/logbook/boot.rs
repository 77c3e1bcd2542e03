//! A wall clock that was set wrong while the machine ran.
//!
//! Entries are stamped with the wall clock, and time in a log never goes back: one
//! entry of a clock that is ten years ahead would stop the time of the log for ten
//! years. Within one boot there is a second clock, which nobody sets. If the two part
//! by more than a day, one of them is wrong, and nothing is written until somebody has
//! said that the wall clock is right.
//!
//! What the wall clock said when the machine was started, as far as it can be told, is
//! kept under [`KEY`] from the first opening in a boot on. That a log was idle, for
//! however long, says nothing about the clocks, and is not looked at.

use std::time::Duration;

use super::clock::{Boot, Clock};
use super::error::{ClocksParted, OpenError};
use crate::ledger::time::Timestamp;
use crate::store::{Batch, Store};

/// The name under which the start is kept: the boot, a space, the wall clock then.
const KEY: &str = "boot";

/// How far the clocks may part.
const MOST: Duration = Duration::from_secs(24 * 3_600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Started {
    boot: String,
    at: Timestamp,
}

impl Started {
    /// What is kept in the store, held against the clocks of now; kept if there was
    /// nothing of this boot.
    pub(super) fn settle(
        store: &dyn Store,
        clock: &dyn Clock,
    ) -> Result<Option<Started>, OpenError> {
        let Some(boot) = clock.boot() else {
            return Ok(None);
        };
        let now = Started::of(&boot, clock.wall());
        let kept = store.meta(KEY)?.and_then(|text| Started::parse(&text));
        match kept {
            Some(kept) if kept.boot == now.boot && !clock.is_accepted() => {
                kept.check(clock)?;
                Ok(Some(kept))
            }
            Some(kept) if kept == now => Ok(Some(kept)),
            _ => {
                let text = format!("{} {}", now.boot, now.at);
                let meta = vec![(KEY, text.into_bytes())];
                let batch = Batch {
                    meta,
                    ..Batch::default()
                };
                store.commit(batch)?;
                Ok(Some(now))
            }
        }
    }

    /// That the clocks have not parted by too much since.
    pub(super) fn check(&self, clock: &dyn Clock) -> Result<(), ClocksParted> {
        let wall = clock.wall();
        let Some(boot) = clock.boot() else {
            return Ok(());
        };
        let apart = Started::of(&boot, wall).at.micros_since(self.at);
        if u128::from(apart.unsigned_abs()) <= MOST.as_micros() {
            return Ok(());
        }
        let expected = self.at.saturating_add_micros(micros(boot.since));
        Err(ClocksParted { wall, expected })
    }

    fn of(boot: &Boot, wall: Timestamp) -> Started {
        Started {
            boot: boot.id.clone(),
            at: wall.saturating_add_micros(-micros(boot.since)),
        }
    }

    fn parse(text: &[u8]) -> Option<Started> {
        let (boot, at) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        Some(Started {
            boot: boot.to_owned(),
            at: Timestamp::parse(at).ok()?,
        })
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
