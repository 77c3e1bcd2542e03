//! Model-checks how the writer's threads hand over: callers, sequencer,
//! committer and acknowledger under Shuttle, which chooses every interleaving.
//!
//!     cargo run --release -- [SCHEDULES] [SEED]        default: 20 000 each, seed 1
//!
//! What runs here is the protocol of `src/logbook/sequencer.rs` and
//! `committer.rs`, copied step for step with numbers for entries, not those
//! files themselves: they use channels that Shuttle does not know. Whoever
//! changes one changes the other.
//!
//! Each schedule draws a scenario: appends of one to three entries, seals by
//! callers, hours that pass, a signer that fails, a disk or mark that fails at
//! some write, which is there all the same or not, and a close by one of them
//! or by all leaving. Held to:
//! 1. every request is answered, once, and every thread ends;
//! 2. what is acknowledged is durable by then, in the order of the numbers;
//! 3. nothing is written or acknowledged after a failure, and some caller is
//!    told of it if any asks after it;
//! 4. epochs follow each other, have one hour, and a caller's seal covers what
//!    was acknowledged to it before;
//! 5. a close that succeeds comes after everything acknowledged, with the mark
//!    at the end.

mod channel;
mod disk;
mod writer;

use std::sync::Mutex;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::{Arc, mpsc};
use shuttle::{Config, Runner, thread};

use channel::Channels;
use disk::Disk;
use writer::{Committer, Line, Refused, Reply, Request, Sequencer, deliver};

const CALLERS: usize = 3;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let schedules = arguments.next().unwrap_or(20_000) as usize;
    let seed = arguments.next().unwrap_or(1);
    run("random", RandomScheduler::new_from_seed(seed, schedules));
    run(
        "PCT, depth 3",
        PctScheduler::new_from_seed(seed, 3, schedules),
    );
}

fn run(name: &str, scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = 0x20000;
    let seen = std::sync::Arc::new(Mutex::new(Seen::default()));
    let own = std::sync::Arc::clone(&seen);
    let schedules = Runner::new(scheduler, config).run(move || schedule(&own));
    println!("{name}: {schedules} schedules; {:?}", seen.lock().unwrap());
}

/// That the scenarios reach what they are for.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "printed")]
struct Seen {
    acknowledged: usize,
    refused_by_disk: usize,
    refused_by_signer: usize,
    stopped: usize,
    epochs: usize,
    failures: usize,
    closed: usize,
}

fn schedule(seen: &Mutex<Seen>) {
    let mut rng = thread_rng();
    let fails_in = rng.gen_bool(0.5).then(|| rng.gen_range(0..8));
    let disk = std::sync::Arc::new(Disk::new(fails_in, rng.gen_bool(0.5)));
    let hour = std::sync::Arc::new(Mutex::new(0));
    let line: Line = Channels::new(2, CALLERS);
    let sequencer = Sequencer {
        line: line.clone(),
        chain: Default::default(),
        hour: std::sync::Arc::clone(&hour),
        signing_fails: rng.gen_bool(0.2),
    };
    let (acknowledger, batches) = mpsc::sync_channel::<writer::Due>(1);
    let committer = Committer {
        line: line.clone(),
        disk: std::sync::Arc::clone(&disk),
        acknowledger,
        open: None,
        last: None,
        marked: None,
        failed: false,
        untold: None,
    };
    let closer = rng.gen_range(0..CALLERS + 1);
    let mut threads = vec![
        thread::spawn(move || sequencer.run()),
        thread::spawn(move || committer.run()),
        thread::spawn(move || batches.into_iter().for_each(deliver)),
    ];
    let tally = Arc::new(Mutex::new(Seen::default()));
    for caller in 0..CALLERS {
        let (line, disk) = (line.clone(), std::sync::Arc::clone(&disk));
        let (hour, tally) = (std::sync::Arc::clone(&hour), Arc::clone(&tally));
        threads.push(thread::spawn(move || {
            call(caller, caller == closer, &line, &disk, &hour, &tally);
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
        if !durable.failed && fails_in.is_none() {
            assert_eq!(tally.refused_by_disk, 0);
            assert_eq!(
                tally.acknowledged, entries,
                "what is there was acknowledged"
            );
        }
        seen.epochs += durable.epochs.len();
        seen.failures += usize::from(durable.failed);
    });
    seen.acknowledged += tally.acknowledged;
    seen.refused_by_disk += tally.refused_by_disk;
    seen.refused_by_signer += tally.refused_by_signer;
    seen.stopped += tally.stopped;
    seen.closed += tally.closed;
}

/// One caller: asks a few times, and holds every answer to what is durable.
fn call(
    caller: usize,
    closes: bool,
    line: &Line,
    disk: &Disk,
    hour: &Mutex<u32>,
    tally: &Mutex<Seen>,
) {
    let mut newest = None;
    for turn in 0..3_u32 {
        match thread_rng().gen_range(0..8) {
            0 => *hour.lock().unwrap() += 1,
            1 | 2 => {
                let (reply, answer) = mpsc::channel();
                if line.request(Request::Seal(reply)).is_err() {
                    continue;
                }
                if let Ok(Ok(Some((first, last)))) = answer.recv() {
                    let covers = |durable: &disk::Durable| durable.epochs.contains(&(first, last));
                    assert!(disk.look(covers), "a header that was given is durable");
                    assert!(
                        newest.is_none_or(|newest| newest <= last),
                        "it covers what was before"
                    );
                }
            }
            _ => {
                let count = thread_rng().gen_range(1..=3);
                let ids: Vec<_> = (0..count)
                    .map(|n| caller as u32 * 100 + turn * 10 + n)
                    .collect();
                let (reply, answer) = Reply::new();
                if line.request(Request::Append(ids.clone(), reply)).is_err() {
                    // The request came back; its reply is dropped with it.
                    assert_eq!(answer.recv(), Ok(Err(Refused::Stopped)));
                    continue;
                }
                let answered = answer.recv().expect("every request is answered");
                assert!(answer.recv().is_err(), "once");
                let mut tally = tally.lock().unwrap();
                match answered {
                    Ok(seqs) => {
                        let durable =
                            |seq: &u64| disk.look(|d| d.entries.get(*seq as usize).copied());
                        let there: Vec<_> = seqs.iter().filter_map(durable).map(|e| e.id).collect();
                        assert_eq!(there, ids, "acknowledged, durable, in order");
                        assert!(seqs.iter().min().copied() > newest || newest.is_none());
                        newest = seqs.last().copied();
                        tally.acknowledged += seqs.len();
                    }
                    Err(Refused::Sign) => tally.refused_by_signer += 1,
                    Err(Refused::Disk) => {
                        assert!(disk.look(|durable| durable.failed));
                        tally.refused_by_disk += 1;
                    }
                    Err(Refused::Stopped) => tally.stopped += 1,
                }
            }
        }
    }
    if closes {
        let (reply, answer) = mpsc::channel();
        if line.request(Request::Close(reply)).is_ok() {
            if let Ok(Ok(())) = answer.recv() {
                disk.look(|durable| {
                    assert!(!durable.failed);
                    let last = durable.entries.len().checked_sub(1).map(|last| last as u64);
                    assert_eq!(durable.mark, last, "the mark is at the end");
                });
                tally.lock().unwrap().closed += 1;
            }
        }
    }
}
