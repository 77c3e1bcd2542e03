//! Both clocks, set by hand.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealbook::ledger::time::Timestamp;
use sealbook::logbook::clock::{Boot, Clock};

/// Clocks that stand still unless they are told to move.
pub(crate) struct ManualClock(Mutex<Hands>);

#[derive(Clone, Copy)]
struct Hands {
    wall: Timestamp,
    monotonic: Duration,
    /// How far both go on whenever the wall clock is looked at.
    step: Duration,
    /// After how many looks the wall clock jumps, and how far.
    jump: Option<(usize, i64)>,
    /// Which start of the machine it is, if that is told.
    boot: Option<u32>,
    accepted: bool,
}

impl ManualClock {
    pub(crate) fn at(wall: &str) -> ManualClock {
        ManualClock(Mutex::new(Hands {
            wall: ts(wall),
            monotonic: Duration::from_secs(1_000_000),
            step: Duration::ZERO,
            jump: None,
            boot: None,
            accepted: false,
        }))
    }

    /// Time passes.
    pub(crate) fn pass(&self, time: Duration) {
        self.turn(|hands| {
            hands.wall = hands.wall.saturating_add_micros(micros(time));
            hands.monotonic += time;
        });
    }

    pub(crate) fn pass_secs(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set(&self, wall: &str) {
        self.turn(|hands| hands.wall = ts(wall));
    }

    /// The wall clock jumps.
    pub(crate) fn jump(&self, by_micros: i64) {
        self.turn(|hands| hands.wall = hands.wall.saturating_add_micros(by_micros));
    }

    /// The wall clock will jump before it is looked at so many times more.
    pub(crate) fn jump_after(&self, looks: usize, by_micros: i64) {
        self.turn(|hands| hands.jump = Some((looks, by_micros)));
    }

    /// From now on every look takes so long.
    pub(crate) fn step(&self, step: Duration) {
        self.turn(|hands| hands.step = step);
    }

    /// The machine was started again: the monotonic clock counts from zero.
    pub(crate) fn reboot(&self) {
        self.turn(|hands| {
            hands.monotonic = Duration::ZERO;
            hands.boot = hands.boot.map(|boot| boot + 1);
        });
    }

    /// From now on it is told which start of the machine it is.
    pub(crate) fn tell_boot(&self) {
        self.turn(|hands| hands.boot = Some(1));
    }

    /// Somebody says whether the wall clock is right.
    pub(crate) fn accept(&self, accepted: bool) {
        self.turn(|hands| hands.accepted = accepted);
    }

    fn turn<T>(&self, turn: impl FnOnce(&mut Hands) -> T) -> T {
        turn(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.turn(|hands| {
            match &mut hands.jump {
                Some((0, by)) => {
                    hands.wall = hands.wall.saturating_add_micros(*by);
                    hands.jump = None;
                }
                Some((looks, _)) => *looks -= 1,
                None => {}
            }
            let wall = hands.wall;
            hands.wall = wall.saturating_add_micros(micros(hands.step));
            hands.monotonic += hands.step;
            wall
        })
    }

    fn monotonic(&self) -> Duration {
        self.turn(|hands| hands.monotonic)
    }

    fn boot(&self) -> Option<Boot> {
        self.turn(|hands| {
            hands.boot.map(|boot| Boot {
                id: format!("boot-{boot}"),
                since: hands.monotonic,
            })
        })
    }

    fn is_accepted(&self) -> bool {
        self.turn(|hands| hands.accepted)
    }
}

pub(crate) fn ts(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap()
}
