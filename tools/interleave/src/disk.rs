//! What is durable, and when writing it fails.

use std::sync::Mutex;

use shuttle::rand::{Rng, thread_rng};

use super::writer::{Entry, Refused};

pub struct Disk {
    durable: Mutex<Durable>,
    /// Now and then there is no room.
    is_scarce: bool,
}

#[derive(Default)]
pub struct Durable {
    pub entries: Vec<Entry>,
    pub epochs: Vec<(u64, u64)>,
    pub mark: Option<u64>,
    /// The write that fails, counted from here.
    fails_in: Option<usize>,
    /// Whether that write is there although it failed.
    persists: bool,
    pub failed: bool,
    /// Somebody panicked between writing and telling.
    pub lost: bool,
}

impl Disk {
    pub fn new(fails_in: Option<usize>, persists: bool, is_scarce: bool) -> Disk {
        let durable = Durable {
            fails_in,
            persists,
            ..Durable::default()
        };
        Disk {
            durable: Mutex::new(durable),
            is_scarce,
        }
    }

    pub fn look<T>(&self, look: impl FnOnce(&Durable) -> T) -> T {
        look(&self.durable.lock().unwrap())
    }

    pub fn is_lost(&self) {
        self.durable.lock().unwrap().lost = true;
    }

    fn write(&self, change: impl FnOnce(&mut Durable)) -> Result<(), Refused> {
        let mut durable = self.durable.lock().unwrap();
        assert!(!durable.failed, "nothing is written after a failure");
        assert!(!durable.lost, "nothing is written after a panic");
        let fails = durable.fails_in == Some(0);
        durable.fails_in = durable.fails_in.and_then(|n| n.checked_sub(1));
        durable.failed = fails;
        if !fails || durable.persists {
            change(&mut durable);
        }
        if fails { Err(Refused::Disk) } else { Ok(()) }
    }

    /// Whether there is room: asked before a write, by the throw of a die.
    pub fn has_room(&self) -> bool {
        !self.is_scarce || !thread_rng().gen_bool(0.2)
    }

    pub fn commit(&self, entries: Vec<Entry>) -> Result<(), Refused> {
        self.write(|durable| {
            let next = durable.epochs.last().map_or(0, |(_, last)| last + 1);
            for entry in entries {
                assert_eq!(entry.seq, durable.entries.len() as u64, "numbers follow");
                let open = durable.entries.get(next as usize);
                assert!(
                    open.is_none_or(|open| open.hour == entry.hour),
                    "an epoch has one hour"
                );
                durable.entries.push(entry);
            }
        })
    }

    pub fn seal(&self, first: u64, last: u64) -> Result<(), Refused> {
        self.write(|durable| {
            let next = durable.epochs.last().map_or(0, |(_, last)| last + 1);
            assert_eq!(
                (first, last + 1),
                (next, durable.entries.len() as u64),
                "epochs follow"
            );
            assert!(first <= last, "an epoch has entries");
            durable.epochs.push((first, last));
        })
    }

    pub fn mark(&self, last: Option<u64>) -> Result<(), Refused> {
        self.write(|durable| {
            assert!(last >= durable.mark, "the mark never goes back");
            assert!(last.is_none_or(|last| (last as usize) < durable.entries.len()));
            durable.mark = last;
        })
    }
}
