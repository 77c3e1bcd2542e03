//! Model-checks how the writer's threads hand over: callers, signers, committer and
//! acknowledger under Shuttle, which chooses every interleaving.
//!
//!     cargo run --release -- [SCHEDULES] [SEED]        default: 20 000 each, seed 1
//!     cargo test --release                             that mistakes are found
//!
//! What runs here is the protocol of `src/logbook/queue.rs`, `sequencer.rs` and
//! `committer.rs`, copied step for step with numbers for entries, not those files
//! themselves: their locks are not Shuttle's. Whoever changes one changes the
//! other.
//!
//! Each schedule draws a scenario: appends of one to three entries, seals by
//! callers, hours that pass, a signer that fails or panics, a disk without room now and
//! then, a disk or mark that fails at some write, which is there all the same or not, a panic under either
//! lock, and a close by one of them or by all leaving. Single entries are committed
//! in the caller's own thread where nobody else is at work; others are signed by
//! their callers, or by a thread that their callers do not wait for, or by the
//! committer where they hold up others. Held to:
//! 1. every request is answered, once, and every thread ends;
//! 2. what is acknowledged is durable by then, in the order of the numbers;
//! 3. nothing is written or acknowledged after a failure or a panic, and some
//!    caller is told of it if any asks after it;
//! 4. epochs follow each other, have one hour, and a caller's seal covers what
//!    was acknowledged to it before;
//! 5. a close that succeeds comes after everything acknowledged, with the mark
//!    at the end.
//!
//! A wait with a time limit ends by it only where the writer counts on that, so
//! that a wake that was forgotten is a deadlock here.

mod disk;
mod mutant;
mod writer;

use std::sync::{Arc, Mutex, Weak};

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::{Mutex as Lock, mpsc};
use shuttle::{Config, Runner, thread};

use disk::Disk;
use mutant::Mutant;
use writer::{Committer, Queue, Refused, Reply, Sequencer, Signing, deliver};

const CALLERS: usize = 4;

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
    let seen = Arc::new(Mutex::new(Seen::default()));
    let own = Arc::clone(&seen);
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
    refused_for_room: usize,
    busy: usize,
    stopped: usize,
    epochs: usize,
    failures: usize,
    closed: usize,
    panics: usize,
}

fn schedule(mutant: Mutant, seen: &Mutex<Seen>) {
    let mut rng = thread_rng();
    let fails_in = rng.gen_bool(0.5).then(|| rng.gen_range(0..8));
    let disk = Arc::new(Disk::new(fails_in, rng.gen_bool(0.5), rng.gen_bool(0.3)));
    let hour = Arc::new(Mutex::new(0));
    // One of four schedules has a panic, under one of the locks.
    let panics_in = rng.gen_bool(0.25).then(|| rng.gen_range(0..5));
    let under_queue = rng.gen_bool(0.5);
    let signing_fails = rng.gen_bool(0.3);
    let sequencer = Sequencer::new(Arc::clone(&hour));
    let queue = Queue::new(sequencer, panics_in.filter(|_| under_queue), mutant);
    let queue = Arc::new(queue);
    let (acknowledger, batches) = mpsc::sync_channel::<writer::Due>(1);
    let committer = Arc::new(Lock::new(Committer {
        disk: Arc::clone(&disk),
        acknowledger,
        open: None,
        last: None,
        marked: None,
        failed: false,
        not_written: false,
        untold: None,
        panics_in: panics_in.filter(|_| !under_queue),
        poisoned: false,
        mutant,
    }));
    let closer = rng.gen_range(0..CALLERS + 1);
    let for_callers = Arc::downgrade(&committer);
    let own = Arc::clone(&queue);
    let mut threads = vec![
        thread::spawn(move || Committer::run(committer, &own)),
        thread::spawn(move || batches.into_iter().for_each(deliver)),
    ];
    let callers = Arc::new(Mutex::new(CALLERS));
    let tally = Arc::new(Mutex::new(Seen::default()));
    for caller in 0..CALLERS {
        let (queue, disk) = (Arc::clone(&queue), Arc::clone(&disk));
        let (hour, tally) = (Arc::clone(&hour), Arc::clone(&tally));
        let committer = Weak::clone(&for_callers);
        let callers = Arc::clone(&callers);
        threads.push(thread::spawn(move || {
            let scene = Scene {
                queue: &queue,
                committer: &committer,
                signing_fails,
                disk: &disk,
                hour: &hour,
                tally: &tally,
            };
            scene.call(caller, caller == closer);
            let left = {
                let mut callers = callers.lock().unwrap();
                *callers -= 1;
                *callers
            };
            if left == 0 {
                queue.end();
            }
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
    seen.refused_for_room += tally.refused_for_room;
    seen.busy += tally.busy;
    seen.stopped += tally.stopped;
    seen.closed += tally.closed;
}

/// What a caller sees.
struct Scene<'s> {
    queue: &'s Arc<Queue>,
    committer: &'s Weak<Lock<Committer>>,
    signing_fails: bool,
    disk: &'s Disk,
    hour: &'s Mutex<u32>,
    tally: &'s Mutex<Seen>,
}

impl Scene<'_> {
    /// One caller: asks a few times, and holds every answer to what is durable.
    fn call(&self, caller: usize, closes: bool) {
        let mut newest = None;
        for round in 0..3_u32 {
            match thread_rng().gen_range(0..8) {
                0 => *self.hour.lock().unwrap() += 1,
                1 | 2 => self.seal(newest),
                _ => {
                    let count = thread_rng().gen_range(1..=3);
                    let ids: Vec<_> = (0..count)
                        .map(|n| caller as u32 * 100 + round * 10 + n)
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
        let (reply, answer) = Reply::new();
        let entered = match ids.len() {
            2 => self.queue.try_enter(ids.clone(), reply),
            _ => self.queue.enter(ids.clone(), reply),
        };
        let mut signer = None;
        if let Some(unsigned) = entered {
            let signing = self.signing();
            match ids.len() {
                1 => {
                    let permit = self.queue.sign_alone(unsigned, signing);
                    self.tally.lock().unwrap().alone += usize::from(permit.is_some());
                    if let Some((permit, committer)) = permit.zip(self.committer.upgrade()) {
                        Committer::perform_all(&committer, permit);
                    }
                }
                2 => self.queue.sign(unsigned, signing),
                _ => {
                    let queue = Arc::clone(self.queue);
                    let sign = move || queue.sign(unsigned, signing);
                    signer = Some(thread::spawn(sign));
                }
            }
        }
        let answered = answer.recv().expect("every request is answered");
        assert!(answer.recv().is_err(), "once");
        if let Some(signer) = signer {
            signer.join().unwrap();
        }
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
            Err(Refused::Busy) => tally.busy += 1,
            Err(Refused::Full) => tally.refused_for_room += 1,
            Err(Refused::Disk) => {
                assert!(self.disk.look(|durable| durable.failed));
                tally.refused_by_disk += 1;
            }
            Err(Refused::Stopped) => tally.stopped += 1,
        }
    }

    fn signing(&self) -> Signing {
        match thread_rng().gen_range(0..10) {
            0 | 1 if self.signing_fails => Signing::Fails,
            2 if self.signing_fails => Signing::Panics,
            _ => Signing::Succeeds,
        }
    }

    fn seal(&self, newest: Option<u64>) {
        let (reply, answer) = mpsc::channel();
        self.queue.seal(reply);
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
        self.queue.close(reply);
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
            // In a thread of its own: what a schedule leaves behind that was broken
            // off must not break the next one.
            let tried = std::thread::spawn(move || run_all(mutant, SCHEDULES, 1));
            assert!(tried.join().is_err(), "{mutant:?} was not found");
        }
    }
}
