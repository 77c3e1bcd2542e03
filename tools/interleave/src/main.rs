//! Model-checks how the writer's threads hand over: callers, sequencer,
//! committer and acknowledger under Shuttle, which chooses every interleaving.
//!
//!     cargo run --release -- [SCHEDULES] [SEED]        default: 20 000 each, seed 1
//!     cargo test --release                             that mistakes are found
//!
//! What runs here is the protocol of `src/logbook/sequencer.rs`, `handover.rs`,
//! `committer.rs` and `direct.rs`, copied step for step with numbers for entries, not those
//! files themselves: they use channels that Shuttle does not know. Whoever
//! changes one changes the other.
//!
//! Each schedule draws a scenario: appends of one to three entries, seals by
//! callers, hours that pass, a signer that fails, a disk or mark that fails at
//! some write, which is there all the same or not, a panic under either lock,
//! and a close by one of them or by all leaving. Single entries are appended in
//! the caller's own thread where nobody else is at work. Held to:
//! 1. every request is answered, once, and every thread ends;
//! 2. what is acknowledged is durable by then, in the order of the numbers;
//! 3. nothing is written or acknowledged after a failure or a panic, and some
//!    caller is told of it if any asks after it;
//! 4. epochs follow each other, have one hour, and a caller's seal covers what
//!    was acknowledged to it before;
//! 5. a close that succeeds comes after everything acknowledged, with the mark
//!    at the end.
//!
//! Not seen: orderings of atomics weaker than sequential consistency, which
//! Shuttle does not model. The one atomic, `unfinished`, only says when to try
//! the locks; whatever is read is read under them.

mod channel;
mod direct;
mod disk;
mod mutant;
mod writer;

use std::sync::Mutex;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::{Arc, Mutex as Lock, mpsc};
use shuttle::{Config, Runner, thread};

use channel::Channels;
use direct::Direct;
use disk::Disk;
use mutant::Mutant;
use writer::{Committer, Handed, Line, Refused, Reply, Request, Sequencer, deliver};

const CALLERS: usize = 3;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let schedules = arguments.next().unwrap_or(20_000) as usize;
    let seed = arguments.next().unwrap_or(1);
    run_all(Mutant::Sound, schedules, seed);
}

fn run_all(mutant: Mutant, schedules: usize, seed: u64) {
    let random = RandomScheduler::new_from_seed(seed, schedules);
    run("random", random, mutant);
    let pct = PctScheduler::new_from_seed(seed, 3, schedules);
    run("PCT, depth 3", pct, mutant);
}

fn run(name: &str, scheduler: impl Scheduler + 'static, mutant: Mutant) {
    let mut config = Config::new();
    config.stack_size = 0x20000;
    config.failure_persistence = shuttle::FailurePersistence::None;
    let seen = std::sync::Arc::new(Mutex::new(Seen::default()));
    let own = std::sync::Arc::clone(&seen);
    let schedules = Runner::new(scheduler, config).run(move || schedule(mutant, &own));
    println!("{name}: {schedules} schedules; {:?}", seen.lock().unwrap());
}

/// That the scenarios reach what they are for.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "printed")]
struct Seen {
    acknowledged: usize,
    alone: usize,
    refused_by_disk: usize,
    refused_by_signer: usize,
    stopped: usize,
    epochs: usize,
    failures: usize,
    closed: usize,
    panics: usize,
}

fn schedule(mutant: Mutant, seen: &Mutex<Seen>) {
    let mut rng = thread_rng();
    let fails_in = rng.gen_bool(0.5).then(|| rng.gen_range(0..8));
    let disk = std::sync::Arc::new(Disk::new(fails_in, rng.gen_bool(0.5)));
    let hour = std::sync::Arc::new(Mutex::new(0));
    let line: Line = Channels::new(2, CALLERS, mutant);
    let handed = Handed::default();
    // One of four schedules has a panic, under one of the locks.
    let panics_in = rng.gen_bool(0.25).then(|| rng.gen_range(0..5));
    let under_sequencer = rng.gen_bool(0.5);
    let sequencer = std::sync::Arc::new(Lock::new(Sequencer {
        line: line.clone(),
        handed: handed.clone(),
        chain: Default::default(),
        hour: std::sync::Arc::clone(&hour),
        signing_fails: rng.gen_bool(0.2),
        panics_in: panics_in.filter(|_| under_sequencer),
        poisoned: false,
        mutant,
    }));
    let (acknowledger, batches) = mpsc::sync_channel::<writer::Due>(1);
    let committer = std::sync::Arc::new(Lock::new(Committer {
        disk: std::sync::Arc::clone(&disk),
        acknowledger,
        open: None,
        last: None,
        marked: None,
        failed: false,
        untold: None,
        panics_in: panics_in.filter(|_| !under_sequencer),
        poisoned: false,
        mutant,
    }));
    let direct = Direct::new(&sequencer, &committer, mutant);
    let closer = rng.gen_range(0..CALLERS + 1);
    let works = line.clone();
    let mut threads = vec![
        thread::spawn(move || Sequencer::run(sequencer)),
        thread::spawn(move || Committer::run(committer, &works, &handed)),
        thread::spawn(move || batches.into_iter().for_each(deliver)),
    ];
    let tally = Arc::new(Mutex::new(Seen::default()));
    for caller in 0..CALLERS {
        let (line, disk) = (line.clone(), std::sync::Arc::clone(&disk));
        let (hour, tally) = (std::sync::Arc::clone(&hour), Arc::clone(&tally));
        let direct = direct.clone();
        threads.push(thread::spawn(move || {
            let scene = Scene {
                line: &line,
                direct: &direct,
                disk: &disk,
                hour: &hour,
                tally: &tally,
            };
            scene.call(caller, caller == closer);
            line.caller_leaves();
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let tally = tally.lock().unwrap();
    let mut seen = seen.lock().unwrap();
    disk.look(|durable| {
        let entries = durable.entries.len();
        assert!(tally.acknowledged <= entries);
        if !durable.failed && fails_in.is_none() && panics_in.is_none() {
            assert_eq!(tally.refused_by_disk, 0);
            assert_eq!(
                tally.acknowledged, entries,
                "what is there was acknowledged"
            );
        }
        seen.epochs += durable.epochs.len();
        seen.failures += usize::from(durable.failed);
        seen.panics += usize::from(durable.lost);
    });
    seen.acknowledged += tally.acknowledged;
    seen.alone += tally.alone;
    seen.refused_by_disk += tally.refused_by_disk;
    seen.refused_by_signer += tally.refused_by_signer;
    seen.stopped += tally.stopped;
    seen.closed += tally.closed;
}

/// What a caller sees.
struct Scene<'s> {
    line: &'s Line,
    direct: &'s Direct,
    disk: &'s Disk,
    hour: &'s Mutex<u32>,
    tally: &'s Mutex<Seen>,
}

impl Scene<'_> {
    /// One caller: asks a few times, and holds every answer to what is durable.
    fn call(&self, caller: usize, closes: bool) {
        let mut newest = None;
        for turn in 0..3_u32 {
            match thread_rng().gen_range(0..8) {
                0 => *self.hour.lock().unwrap() += 1,
                1 | 2 => self.seal(newest),
                _ => {
                    let count = thread_rng().gen_range(1..=3);
                    let ids: Vec<_> = (0..count)
                        .map(|n| caller as u32 * 100 + turn * 10 + n)
                        .collect();
                    self.append(ids, &mut newest);
                }
            }
        }
        if closes {
            self.close();
        }
    }

    fn append(&self, ids: Vec<u32>, newest: &mut Option<u64>) {
        let alone = match ids.len() {
            1 => self.direct.append(ids.clone()).ok(),
            _ => None,
        };
        self.tally.lock().unwrap().alone += usize::from(alone.is_some());
        let answered = alone.unwrap_or_else(|| {
            let (reply, answer) = Reply::new();
            if self
                .line
                .request(Request::Append(ids.clone(), reply))
                .is_err()
            {
                // The request came back; its reply is dropped with it.
                assert_eq!(answer.recv(), Ok(Err(Refused::Stopped)));
                return Err(Refused::Stopped);
            }
            let answered = answer.recv().expect("every request is answered");
            assert!(answer.recv().is_err(), "once");
            answered
        });
        let mut tally = self.tally.lock().unwrap();
        match answered {
            Ok(seqs) => {
                let durable = |seq: &u64| self.disk.look(|d| d.entries.get(*seq as usize).copied());
                let there: Vec<_> = seqs.iter().filter_map(durable).map(|e| e.id).collect();
                assert_eq!(there, ids, "acknowledged, durable, in order");
                assert!(seqs.iter().min().copied() > *newest || newest.is_none());
                *newest = seqs.last().copied();
                tally.acknowledged += seqs.len();
            }
            Err(Refused::Sign) => tally.refused_by_signer += 1,
            Err(Refused::Disk) => {
                assert!(self.disk.look(|durable| durable.failed));
                tally.refused_by_disk += 1;
            }
            Err(Refused::Stopped) => tally.stopped += 1,
        }
    }

    fn seal(&self, newest: Option<u64>) {
        let (reply, answer) = mpsc::channel();
        if self.line.request(Request::Seal(reply)).is_err() {
            return;
        }
        if let Ok(Ok(Some((first, last)))) = answer.recv() {
            let covers = |durable: &disk::Durable| durable.epochs.contains(&(first, last));
            assert!(self.disk.look(covers), "a header that was given is durable");
            assert!(
                newest.is_none_or(|newest| newest <= last),
                "it covers what was before"
            );
        }
    }

    fn close(&self) {
        let (reply, answer) = mpsc::channel();
        if self.line.request(Request::Close(reply)).is_err() {
            return;
        }
        if let Ok(Ok(())) = answer.recv() {
            self.disk.look(|durable| {
                assert!(!durable.failed && !durable.lost);
                let last = durable.entries.len().checked_sub(1).map(|last| last as u64);
                assert_eq!(durable.mark, last, "the mark is at the end");
            });
            self.tally.lock().unwrap().closed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// More than enough for each mistake; most are found within a hundred.
    const SCHEDULES: usize = 5_000;

    #[test]
    fn the_protocol_holds() {
        run_all(Mutant::Sound, 1_000, 7);
    }

    #[test]
    fn every_mistake_is_found() {
        for mutant in Mutant::MISTAKES {
            let tried = AssertUnwindSafe(|| run_all(mutant, SCHEDULES, 1));
            assert!(catch_unwind(tried).is_err(), "{mutant:?} was not found");
        }
    }
}
