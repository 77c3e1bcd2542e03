//! What a record in a bucket costs: a store in memory whose creations take 30 ms.
//!
//!     cargo run --release --example bench-bucket -- [SECONDS] [PUT_MS]
//!
//! 256 callers that each wait for their receipt; callers that keep 16 MiB outstanding,
//! beside the same without a bucket; what these left, replayed on a new machine, which signs
//! every entry again, beside the rate of signing alone; taking over after 10 000 objects, and replay of all of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a measurement that cannot go on ends"
)]
#![allow(dead_code, reason = "the tests use more of what is shared")]

#[path = "../tests/bucket/faulty.rs"]
mod faulty;
#[path = "../tests/bucket/machine.rs"]
mod machine;

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use object_store::memory::InMemory;
use rayon::prelude::*;
use sealbook::ledger::entry::Draft;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Object};
use sealbook::logbook::clock::{Clock as _, SystemClock};
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::request::PreparedEntry;
use sealbook::logbook::{Logbook, Parts};
use sealbook::store::{RocksStore, Store as _};

use faulty::{Fate, Faulty};
use machine::{Machine, bucket, number, signer};

const CALLERS: u64 = 256;

/// Bytes that are under way at a time, and of one payload.
const OUTSTANDING: usize = 16 << 20;
const PAYLOAD: usize = 256;

/// Entries that are handed over together.
const TOGETHER: usize = 1_024;

/// How many are signed to measure that alone.
const SIGNED: u32 = 400_000;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().unwrap());
    let time = Duration::from_secs(arguments.next().unwrap_or(10));
    let millis = arguments.next().unwrap_or(30);
    waiting(time, millis);
    let near = outstanding(&local(), time);
    println!("16 MiB outstanding, without a bucket: {near:.0} entries a second");
    let (machine, slow, store) = slow(millis);
    let logbook = machine.logbook();
    let before = slow.creations();
    let far = outstanding(&logbook, time);
    let puts = slow.creations() - before;
    println!(
        "16 MiB outstanding, PUTs of {millis} ms: {far:.0} entries a second, {:.2} of the local \
         rate, {puts} PUTs",
        far / near
    );
    logbook.close().unwrap();
    replaying(store);
    taking_over();
}

/// All that the bucket has, on a machine that has nothing.
fn replaying(store: Arc<InMemory>) {
    let other = Machine::of(store);
    let objects = other.base.list("log").unwrap();
    let bytes: u64 = objects.iter().map(|object| object.size).sum();
    let begun = Instant::now();
    other.restore().unwrap();
    let entries = other.store().unwrap().count().unwrap();
    let took = begun.elapsed().as_secs_f64();
    let mib = bytes as f64 / 1e6;
    let rate = entries as f64 / took;
    println!(
        "replayed on a new machine: {mib:.0} MB of {} objects in {took:.2} s, {:.0} MB and \
         {rate:.0} entries a second",
        objects.len(),
        mib / took
    );
    let signed = signing();
    println!(
        "signing alone, on every core: {signed:.0} entries a second; replay is {:.2} of it",
        rate / signed
    );
}

/// Entries a second, where nothing is done but to sign them.
fn signing() -> f64 {
    let signer = signer();
    let mut payload = Vec::new();
    one().write_canonical(Form::Utf8, &mut payload);
    let now = SystemClock::new().wall();
    let draft = Draft::new("note", now, &payload, &Hash::ZERO).unwrap();
    let begun = Instant::now();
    let signed = (0..SIGNED).into_par_iter();
    signed.for_each(|_| {
        black_box(signer.sign(draft.signing_payload()).unwrap());
    });
    f64::from(SIGNED) / begun.elapsed().as_secs_f64()
}

/// The payload that callers hand over.
fn one() -> Object {
    let mut payload = number(0);
    payload.insert("text", "x".repeat(PAYLOAD - 20).as_str());
    payload
}

fn slow(millis: u64) -> (Machine, Arc<Faulty>, Arc<InMemory>) {
    let store = bucket();
    let machine = Machine::of(store.clone());
    machine.create();
    let slow = Arc::new(Faulty::over(&store, &[Fate::Slow(millis)]));
    (machine.before(slow.clone()), slow, store)
}

/// Callers that each wait.
fn waiting(time: Duration, millis: u64) {
    let (machine, slow, _) = slow(millis);
    let logbook = machine.logbook();
    let (before, done) = (slow.creations(), AtomicBool::new(false));
    let begun = Instant::now();
    let mut waits: Vec<Duration> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (logbook, done) = (&logbook, &done);
                scope.spawn(move || {
                    let mut waits = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        let asked = Instant::now();
                        logbook.append("note", &number(caller)).unwrap();
                        waits.push(asked.elapsed());
                    }
                    waits
                })
            })
            .collect();
        thread::sleep(time);
        done.store(true, Ordering::Relaxed);
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect()
    });
    let rate = waits.len() as f64 / begun.elapsed().as_secs_f64();
    let puts = slow.creations() - before;
    waits.sort_unstable();
    let at = |part: f64| waits[(waits.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{CALLERS} callers that wait, PUTs of {millis} ms: {rate:.0} entries a second, p50 {:.1} \
         ms, p99 {:.1} ms, {puts} PUTs, {:.0} entries in each",
        at(0.5),
        at(0.99),
        waits.len() as f64 / puts as f64
    );
    logbook.close().unwrap();
}

fn local() -> Logbook {
    let dir = tempfile::tempdir().unwrap().keep().join("ledger");
    let signer = signer();
    let beginning = begin(&*signer, &SystemClock::new(), &Origin::default()).unwrap();
    let mark = MarkFile::beside(&dir);
    mark.write(&beginning.mark).unwrap();
    let store = RocksStore::create(&dir, beginning.batch).unwrap();
    let parts = Parts {
        store: Arc::new(store),
        signer,
        clock: Arc::new(SystemClock::new()),
        mark,
    };
    Logbook::open(parts).unwrap()
}

/// Entries a second of a caller that keeps 16 MiB under way.
fn outstanding(logbook: &Logbook, time: Duration) -> f64 {
    let one = PreparedEntry::of_caller("note", &one()).unwrap();
    let most = OUTSTANDING / (PAYLOAD * TOGETHER);
    let (mut pending, mut entries) = (VecDeque::new(), 0);
    let begun = Instant::now();
    while begun.elapsed() < time {
        let request = vec![one.clone(); TOGETHER];
        pending.push_back(logbook.submit(request).unwrap());
        if pending.len() >= most {
            entries += pending.pop_front().unwrap().wait().unwrap().len();
        }
    }
    for last in pending {
        entries += last.wait().unwrap().len();
    }
    entries as f64 / begun.elapsed().as_secs_f64()
}

/// Ten thousand objects, then another machine.
fn taking_over() {
    let store: Arc<InMemory> = bucket();
    let machine = Machine::of(store.clone());
    machine.create();
    let logbook = machine.logbook();
    for n in 0..10_000 {
        logbook.append("note", &number(n)).unwrap();
    }
    logbook.close().unwrap();
    let begun = Instant::now();
    drop(machine.store().unwrap());
    println!(
        "taking over after 10 000 objects, cache at hand: {:.3} s",
        begun.elapsed().as_secs_f64()
    );
    let other = Machine::of(store);
    let begun = Instant::now();
    other.restore().unwrap();
    drop(other.store().unwrap());
    println!(
        "the same on a new machine, all replayed: {:.3} s",
        begun.elapsed().as_secs_f64()
    );
}
