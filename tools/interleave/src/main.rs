//! Model-checks the writer's threads: callers, those that sign for them, the committer
//! and the indexer, under Shuttle, which chooses every interleaving.
//!
//!     RUSTFLAGS='--cfg shuttle' cargo run --release -- [SCHEDULES] [SEED]
//!                                                     default: 20 000 each, seed 1
//!     tools/interleave/mistakes                       that mistakes are found
//!
//! What runs is `src/logbook` itself over a store in memory: its locks, channels and
//! threads are named in one place (`src/logbook/sync.rs`), and there are Shuttle's.
//!
//! Each schedule draws a scenario: appends of one to three entries, seals by
//! callers, hours that pass, a signer that fails or panics, a disk without room now and
//! then, a disk that fails at some write, which is there all the same or not, a mark that
//! cannot be written any more, a panic under either lock, and a close by one of them or
//! by all leaving. Single entries are committed in the caller's own thread where nobody
//! else is at work; others are signed by their callers, or by a thread that their callers
//! do not wait for. Held to:
//! 1. every request is answered, once, and every thread ends;
//! 2. what is acknowledged is durable by then, in the order of the numbers;
//! 3. nothing is written or acknowledged after a failure or a panic;
//! 4. a caller's seal covers what was acknowledged to it before;
//! 5. the mark names what is durable, and an epoch's last entry before it is sealed; a
//!    close that succeeds comes after everything acknowledged, with the mark at the end;
//! 6. what is there afterwards is opened again, and verified from its first entry.
//!
//! A wait with a time limit ends by it only where the writer counts on that, so
//! that a wake that was forgotten is a deadlock here.

#[macro_use]
#[path = "../../../tests/writer/delegated.rs"]
mod delegated;
mod disk;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use sealbook::ledger::json::{Form, Object};
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::position::Seq;
use sealbook::logbook::error::LogbookError;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::request::{PreparedEntry, RequestAnswer, Submission};
use sealbook::logbook::{Logbook, Parts};
use sealbook::store::{Store, StoreError};
use sealbook::{Ledger, Options, Policy, Verdict};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::mpsc;
use shuttle::{Config, Runner, thread};
use zeroize::Zeroizing;

use disk::{Disk, Faults, Hours, KIND, Key, PLANNED};

const CALLERS: usize = 4;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let schedules = arguments.next().unwrap_or(20_000) as usize;
    let seed = arguments.next().unwrap_or(1);
    say_only_what_was_not_planned();
    run("random", RandomScheduler::new_from_seed(seed, schedules));
    run(
        "PCT, depth 3",
        PctScheduler::new_from_seed(seed, 3, schedules),
    );
}

/// Something that is promised did not hold, in whatever thread.
static BROKEN: AtomicBool = AtomicBool::new(false);

/// Panics that a schedule wanted are not worth a line each; any other is a finding, also
/// where the writer lives on.
fn say_only_what_was_not_planned() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str();
        if text != Some(PLANNED) {
            BROKEN.store(true, Ordering::Relaxed);
            say(panic);
        }
    }));
}

fn run(name: &str, scheduler: impl Scheduler + 'static) {
    let mut config = Config::new();
    config.stack_size = 0x80000;
    config.failure_persistence = shuttle::FailurePersistence::None;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let own = Arc::clone(&seen);
    let folder = Folder::new();
    let mark = folder.0.join("mark");
    let schedules = Runner::new(scheduler, config).run(move || schedule(&mark, &own));
    println!("{name}: {schedules} schedules; {:?}", seen.lock().unwrap());
}

/// A folder of this run alone, in memory where the system has one there.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let memory = Path::new("/dev/shm");
        let parent = match memory.is_dir() {
            true => memory.to_owned(),
            false => std::env::temp_dir(),
        };
        let folder = parent.join(format!("interleave-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// That the scenarios reach what they are for.
#[derive(Clone, Debug, Default)]
#[allow(dead_code, reason = "printed")]
struct Seen {
    acknowledged: usize,
    alone: usize,
    refused_by_disk: usize,
    refused_by_signer: usize,
    refused_for_room: usize,
    refused_by_mark: usize,
    busy: usize,
    stopped: usize,
    epochs: usize,
    failures: usize,
    closed: usize,
    panics: usize,
    reopened: usize,
}

fn signer() -> Arc<SoftwareSigner> {
    static SIGNER: OnceLock<Arc<SoftwareSigner>> = OnceLock::new();
    let new = || Arc::new(SoftwareSigner::from_seed(&Zeroizing::new([7; 32])));
    Arc::clone(SIGNER.get_or_init(new))
}

/// A number of steps from which a fault comes, in some of the schedules.
fn sometimes(chance: f64, within: usize) -> Option<usize> {
    let mut rng = thread_rng();
    rng.gen_bool(chance).then(|| rng.gen_range(0..within))
}

fn countdown(from: Option<usize>) -> AtomicI64 {
    AtomicI64::new(from.map_or(-1, |from| from as i64))
}

fn schedule(mark: &Path, seen: &Mutex<Seen>) {
    // At most one panic: while a thread unwinds, others must not.
    let panics = thread_rng().gen_range(0..12);
    let clock = Arc::new(Hours {
        hours: AtomicU64::new(0),
        panics_in: AtomicI64::new(-1),
        panicked: AtomicU64::new(0),
    });
    let mark_file = MarkFile::at(mark.to_owned());
    let _ = std::fs::remove_dir_all(mark);
    let beginning = begin(&*signer(), &*clock, &Origin::default()).unwrap();
    mark_file.write(&beginning.mark).unwrap();
    let faults = Faults {
        fails_in: sometimes(0.4, 8),
        persists: thread_rng().gen_bool(0.5),
        panics_in: (panics == 0).then(|| thread_rng().gen_range(0..5)),
        ..Faults::default()
    };
    let is_scarce = thread_rng().gen_bool(0.3);
    let disk = Arc::new(Disk::new(
        beginning.batch,
        mark_file.clone(),
        faults,
        is_scarce,
    ));
    let key = Key {
        inner: signer(),
        fails: thread_rng().gen_bool(0.3),
        panics: countdown((panics == 1).then(|| thread_rng().gen_range(0..6))),
    };
    let logbook = Arc::new(
        Logbook::open(Parts {
            store: Arc::clone(&disk) as Arc<dyn Store>,
            signer: Arc::new(key),
            clock: Arc::clone(&clock) as Arc<_>,
            mark: mark_file.clone(),
        })
        .unwrap(),
    );
    if panics == 2 {
        let looks = thread_rng().gen_range(0..12);
        clock.panics_in.store(looks, Ordering::Relaxed);
    }
    let scene = Arc::new(Scene {
        disk,
        clock,
        mark: mark.to_owned(),
        tally: Mutex::default(),
    });
    let closer = thread_rng().gen_range(0..CALLERS + 1);
    let threads: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (logbook, scene) = (Arc::clone(&logbook), Arc::clone(&scene));
            thread::spawn(move || scene.call(&logbook, caller, caller == closer))
        })
        .collect();
    // The last that leaves closes it.
    drop(logbook);
    for thread in threads {
        thread.join().unwrap();
    }
    scene.look_back(mark_file, seen);
}

/// What a caller sees.
struct Scene {
    disk: Arc<Disk>,
    clock: Arc<Hours>,
    mark: PathBuf,
    tally: Mutex<Seen>,
}

impl Scene {
    /// One caller: asks a few times, and holds every answer to what is durable.
    fn call(&self, logbook: &Logbook, caller: usize, closes: bool) {
        self.disk.is_caller();
        let mut newest = None;
        for round in 0..3 {
            match thread_rng().gen_range(0..24) {
                0..3 => {
                    self.clock.hours.fetch_add(1, Ordering::Relaxed);
                }
                3..8 => self.seal(logbook, newest),
                // From now on the mark cannot be written.
                8 => {
                    let _ = std::fs::remove_file(&self.mark);
                    let _ = std::fs::create_dir(&self.mark);
                }
                _ => {
                    let count = thread_rng().gen_range(1..=3);
                    let ids = (0..count).map(|n| 100 * caller + 10 * round + n);
                    self.append(logbook, &ids.collect::<Vec<_>>(), &mut newest);
                }
            }
        }
        if closes && logbook.finish().is_ok() {
            assert!(!self.has_failed(), "a close that succeeds");
            let last = self.disk.inner.last_seq().unwrap();
            if self.mark.is_file() {
                assert_eq!(self.disk.marked(), last, "the mark is at the end");
            }
            self.tally.lock().unwrap().closed += 1;
        }
    }

    fn append(&self, logbook: &Logbook, ids: &[usize], newest: &mut Option<Seq>) {
        let payloads: Vec<_> = ids.iter().map(|id| payload(*id)).collect();
        let prepared = || -> Vec<_> {
            let each = payloads.iter();
            each.map(|payload| PreparedEntry::of_caller(KIND, payload).unwrap())
                .collect()
        };
        // A panic of the clock or the signer is the caller's own.
        let answer: Option<RequestAnswer> = catch_unwind(AssertUnwindSafe(|| match ids.len() {
            1 => logbook.append(KIND, &payloads[0]).map(|one| vec![one]),
            2 => {
                let (sender, answer) = mpsc::channel();
                // Nobody is there any more if the signer panicked meanwhile.
                let tell = move |answer| drop(sender.send(answer));
                logbook.submit_all(vec![Submission::whole(prepared(), None, tell)]);
                let answered = answer.recv().expect("every request is answered");
                assert!(answer.recv().is_err(), "once");
                answered
            }
            _ => logbook
                .submit(prepared())
                .and_then(|pending| pending.wait()),
        }))
        .ok();
        let mut tally = self.tally.lock().unwrap();
        match answer {
            Some(Ok(receipts)) => {
                assert_eq!(receipts.len(), ids.len(), "a receipt for each");
                for (receipt, payload) in receipts.iter().zip(&payloads) {
                    let mut bytes = Vec::new();
                    payload.write_canonical(Form::Utf8, &mut bytes);
                    assert!(
                        self.disk.has(receipt.seq, &bytes),
                        "acknowledged and durable"
                    );
                    assert!(Some(receipt.seq) > *newest, "in order");
                    *newest = Some(receipt.seq);
                }
                tally.acknowledged += receipts.len();
            }
            Some(Err(LogbookError::Sign(_))) => tally.refused_by_signer += 1,
            Some(Err(LogbookError::Busy)) => tally.busy += 1,
            Some(Err(LogbookError::Mark(_))) => tally.refused_by_mark += 1,
            Some(Err(LogbookError::Store(StoreError::NoRoom { .. }))) => {
                tally.refused_for_room += 1;
            }
            Some(Err(LogbookError::Store(StoreError::Stopped))) => {
                assert!(self.disk.faults().failed);
                tally.refused_by_disk += 1;
            }
            Some(Err(LogbookError::Stopped)) => tally.stopped += 1,
            Some(Err(error)) => panic!("{error}"),
            None => tally.panics += 1,
        }
    }

    fn seal(&self, logbook: &Logbook, newest: Option<Seq>) {
        let sealed = catch_unwind(AssertUnwindSafe(|| logbook.seal()));
        if let Ok(Ok(Some(epoch))) = sealed {
            let there = self.disk.inner.epoch(epoch.content.epoch).unwrap();
            let given = epoch.to_value().canonical(Form::Utf8).into_bytes();
            assert_eq!(there, Some(given), "a header that was given is durable");
            assert!(
                newest.is_none_or(|newest| newest <= epoch.content.last_seq),
                "it covers what was before"
            );
        }
    }

    fn has_failed(&self) -> bool {
        let faults = self.disk.faults();
        faults.failed || faults.panicked
    }

    /// After everybody has left.
    fn look_back(&self, mark: MarkFile, seen: &Mutex<Seen>) {
        assert!(!BROKEN.load(Ordering::Relaxed), "something did not hold");
        let faults = self.disk.faults();
        let tally = self.tally.lock().unwrap().clone();
        let store = &self.disk.inner;
        let entries = store.count().unwrap() as usize;
        assert!(tally.acknowledged < entries);
        let mut seen = seen.lock().unwrap();
        if !self.has_failed() && self.mark.is_file() {
            self.disk.disarm();
            let parts = Parts {
                store: Arc::clone(&self.disk) as Arc<dyn Store>,
                signer: signer() as Arc<dyn Signer>,
                clock: Arc::new(Hours {
                    hours: AtomicU64::new(self.clock.hours.load(Ordering::Relaxed)),
                    panics_in: AtomicI64::new(-1),
                    panicked: AtomicU64::new(0),
                }),
                mark,
            };
            let ledger = Ledger::of_parts(None, parts, Options::new("model"));
            let ledger = ledger.expect("it opens again");
            let report = ledger.verify(&Policy::key(ledger.key())).unwrap();
            assert_eq!(report.verdict, Verdict::Pass);
            ledger.close().unwrap();
            seen.reopened += 1;
        }
        seen.epochs += store
            .last_epoch()
            .unwrap()
            .map_or(0, |last| last.0 as usize + 1);
        seen.failures += usize::from(faults.failed);
        seen.panics += tally.panics + usize::from(faults.panicked);
        seen.alone += faults.alone;
        seen.acknowledged += tally.acknowledged;
        seen.refused_by_disk += tally.refused_by_disk;
        seen.refused_by_signer += tally.refused_by_signer;
        seen.refused_for_room += tally.refused_for_room;
        seen.refused_by_mark += tally.refused_by_mark;
        seen.busy += tally.busy;
        seen.stopped += tally.stopped;
        seen.closed += tally.closed;
    }
}

fn payload(id: usize) -> Object {
    let mut object = Object::new();
    object.insert("id", id as u64);
    object
}
