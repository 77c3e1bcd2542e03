//! Stamping: what time an entry gets, and when the clocks are to be recorded.
//!
//! `ts` never goes backwards: where the wall clock does, the last `ts` is
//! repeated. Two things are worth an entry of their own (SPEC §3): the wall
//! clock and the monotonic clock part by more than 60 s, or the wall clock
//! is more than 60 s behind the last `ts`. The latter may last for years: it is
//! recorded again whenever a minute has passed, so that every entry stands near one
//! that says when it was made.

use std::time::Duration;

use serde::Serialize;

use crate::ledger::json::Object;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;

use super::clock::Clock;

/// How far clocks may part before it is recorded.
const TOLERANCE: Duration = Duration::from_secs(60);

/// How long clocks that were recorded are not recorded again for being behind.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Both clocks at the moment they were seen to disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Disagreement {
    pub(crate) wall: Timestamp,
    /// What it should say, had it gone as the monotonic clock did.
    pub(crate) monotonic: Timestamp,
    pub(crate) last: Timestamp,
}

impl Disagreement {
    /// The payload of `sealbook:clock`.
    pub(crate) fn to_object(self) -> Object {
        shape::write_object(&self)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryTime {
    pub(crate) ts: Timestamp,
    /// The monotonic clock, for the age of an epoch.
    pub(crate) monotonic: Duration,
    pub(crate) disagreement: Option<Disagreement>,
}

/// Remembers where the clocks last agreed.
#[derive(Clone, Debug)]
pub(crate) struct Stamper {
    last: Timestamp,
    /// The wall clock and the monotonic clock at the same moment.
    together: Option<(Timestamp, Duration)>,
    /// The wall clock when the clocks were last recorded.
    recorded: Option<Timestamp>,
}

impl Stamper {
    /// Goes on after an entry of time `last`, where the clocks were last recorded when
    /// the wall clock said `recorded`.
    pub(crate) fn after(last: Timestamp, recorded: Option<Timestamp>) -> Stamper {
        Stamper {
            last,
            together: None,
            recorded,
        }
    }

    /// Whether the clocks part so far that it is recorded, or refused.
    pub(crate) fn are_apart(&self, clock: &dyn Clock) -> bool {
        let (wall, monotonic) = (clock.wall(), clock.monotonic());
        let together = self.together.as_ref();
        together.is_some_and(|together| parted(together, wall, monotonic).1)
    }

    /// Goes on after an entry of time `last`, since those after it will never be.
    pub(crate) fn go_back(&mut self, last: Timestamp) {
        self.last = last;
    }

    /// The time for something that is not an entry and records nothing.
    pub(crate) fn stamp_only(&mut self, clock: &dyn Clock) -> Timestamp {
        self.last = self.last.max(clock.wall());
        self.last
    }

    pub(crate) fn stamp(&mut self, clock: &dyn Clock) -> EntryTime {
        let (wall, monotonic) = (clock.wall(), clock.monotonic());
        let together = self.together.get_or_insert((wall, monotonic));
        let (should_be, parted) = parted(together, wall, monotonic);
        let behind = self.last.micros_since(wall) > micros(TOLERANCE);
        let due = self.recorded.is_none_or(|recorded| {
            !(0..micros(AGAIN_AFTER)).contains(&wall.micros_since(recorded))
        });
        let disagreement = (parted || (behind && due)).then_some(Disagreement {
            wall,
            monotonic: should_be,
            last: self.last,
        });
        if parted {
            self.together = Some((wall, monotonic));
        }
        if disagreement.is_some() {
            self.recorded = Some(wall);
        }
        self.last = self.last.max(wall);
        EntryTime {
            ts: self.last,
            monotonic,
            disagreement,
        }
    }
}

/// What the wall clock should say, and whether it says something else.
fn parted(
    (base, since): &(Timestamp, Duration),
    wall: Timestamp,
    monotonic: Duration,
) -> (Timestamp, bool) {
    let elapsed = micros(monotonic.saturating_sub(*since));
    let should_be = base.saturating_add_micros(elapsed);
    let apart = wall.micros_since(should_be).unsigned_abs();
    (should_be, apart > micros(TOLERANCE).unsigned_abs())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    struct Fixed(i64, u64);

    impl Clock for Fixed {
        fn wall(&self) -> Timestamp {
            at(self.0)
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.1)
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn time_never_goes_back_and_a_small_step_back_is_not_worth_an_entry() {
        let mut stamper = Stamper::after(at(1000), None);
        let stamp = stamper.stamp(&Fixed(950, 0));
        assert_eq!((stamp.ts, stamp.disagreement), (at(1000), None));
        let stamp = stamper.stamp(&Fixed(1001, 51));
        assert_eq!((stamp.ts, stamp.disagreement), (at(1001), None));
    }

    #[test]
    fn a_jump_is_recorded_once_in_either_direction() {
        let mut stamper = Stamper::after(at(0), None);
        assert_eq!(stamper.stamp(&Fixed(1000, 0)).disagreement, None);
        let forward = stamper.stamp(&Fixed(1062, 1)).disagreement;
        let (wall, monotonic, last) = (at(1062), at(1001), at(1000));
        assert_eq!(
            forward,
            Some(Disagreement {
                wall,
                monotonic,
                last
            })
        );
        assert_eq!(stamper.stamp(&Fixed(1063, 2)).disagreement, None);
        let back = stamper.stamp(&Fixed(900, 3));
        assert_eq!(back.ts, at(1063));
        assert!(back.disagreement.is_some());
        assert_eq!(stamper.stamp(&Fixed(901, 4)).disagreement, None);
    }

    #[test]
    fn a_clock_behind_the_last_entry_is_recorded_once_a_minute() {
        let mut stamper = Stamper::after(at(1000), None);
        let mut recorded = |wall, monotonic| {
            let stamp = stamper.stamp(&Fixed(wall, monotonic));
            stamp.disagreement.map(|clocks| clocks.wall)
        };
        assert_eq!(recorded(800, 0), Some(at(800)));
        assert_eq!(recorded(800, 0), None);
        assert_eq!(recorded(859, 59), None);
        assert_eq!(recorded(860, 60), Some(at(860)));
        assert_eq!(recorded(939, 139), Some(at(939)));
        assert_eq!(recorded(999, 199), None);
    }

    #[test]
    fn what_another_process_recorded_within_the_minute_is_not_recorded_again() {
        for (earlier, again) in [(800, false), (741, false), (740, true), (801, true)] {
            let mut stamper = Stamper::after(at(1000), Some(at(earlier)));
            let stamp = stamper.stamp(&Fixed(800, 0));
            assert_eq!(stamp.disagreement.is_some(), again, "{earlier}");
        }
    }
}
