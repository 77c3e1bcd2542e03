//! Appending: in bulk, by a crowd, by one.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sealbook::ledger::json::{Form, Object, Value};
use sealbook::logbook::request::PreparedEntry;
use sealbook::store::RocksStore;

use crate::scene::{self, payload, payload_among, peak_memory};
use crate::{Fallible, say};

/// Entries handed over together.
const GROUP: u64 = 256;

/// Groups under way.
const UNDER_WAY: usize = 16;

/// Threads that append one entry at a time.
pub(crate) const CROWD: usize = 64;

/// How long they do.
pub(crate) const CROWD_TIME: Duration = Duration::from_secs(2);

/// Everything from the object to the receipt, the making of the object not:
/// a thread of its own makes them ahead, and the time it takes on these cores is
/// in the figure.
pub(crate) fn bulk(folder: &Path, entries: u64) -> Fallible<()> {
    let logbook = scene::create(folder)?;
    let mut pending = VecDeque::new();
    let mut bytes = 0;
    let mut making = Duration::ZERO;
    let (tenants, mut left) = (scene::tenants(), scene::epoch_entries());
    let mut seals = Vec::new();
    let started = Instant::now();
    for from in (0..entries).step_by(GROUP as usize) {
        let began = Instant::now();
        let objects: Vec<_> = (from..entries.min(from + GROUP))
            .map(|n| payload_among(n, tenants))
            .collect();
        making += began.elapsed();
        let group: Result<Vec<_>, _> = objects
            .iter()
            .map(|object| PreparedEntry::of_caller("bench.entry", object))
            .collect();
        let group = group?;
        bytes += group
            .iter()
            .map(PreparedEntry::payload_bytes)
            .sum::<usize>();
        pending.push_back(logbook.submit(group)?);
        if pending.len() > UNDER_WAY
            && let Some(oldest) = pending.pop_front()
        {
            oldest.wait()?;
        }
        left = left.saturating_sub(GROUP);
        if left == 0 {
            left = scene::epoch_entries();
            let sealing = Instant::now();
            logbook.seal()?;
            seals.push(sealing.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    for one in pending {
        one.wait()?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let count = entries as f64;
    say("bulk append", "thousand/s", count / seconds / 1_000.0);
    if !seals.is_empty() {
        let sum: f64 = seals.iter().sum();
        say("seal, on average", "ms", sum / seals.len() as f64);
    }
    let share = 100.0 * making.as_secs_f64() / seconds;
    say("bulk append, its caller making entries", "% of time", share);
    let closing = Instant::now();
    logbook.seal()?;
    logbook.close()?;
    say(
        "seal, index and close",
        "ms",
        closing.elapsed().as_secs_f64() * 1_000.0,
    );
    say("append and index, peak memory", "MiB", peak_memory()?);
    let store = RocksStore::open(&scene::ledger_dir(folder))?;
    store.compact()?;
    let overhead = (store.disk_bytes()? as f64 - bytes as f64) / count;
    store.close()?;
    say("disk beside payload, an entry", "bytes", overhead);
    Ok(())
}

/// The entries as a file, for those that are measured beside.
pub(crate) fn entries(folder: &Path, entries: u64) -> Fallible<()> {
    let mut out = BufWriter::new(File::create(folder.join("entries.jsonl"))?);
    for n in 0..entries {
        let mut entry = Object::new();
        entry.insert("kind", "bench.entry");
        entry.insert("payload", payload(n));
        let mut line = Vec::new();
        Value::Object(entry).write_canonical(Form::Utf8, &mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(out.flush()?)
}

/// Threads that each wait for their receipt before the next entry.
pub(crate) fn crowd(folder: &Path) -> Fallible<()> {
    let place = folder.join("crowd");
    std::fs::create_dir(&place)?;
    let logbook = scene::create(&place)?;
    let latencies = Mutex::new(Vec::new());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..CROWD {
            let (logbook, latencies) = (&logbook, &latencies);
            scope.spawn(move || {
                let mut own = Vec::new();
                let object = payload(thread as u64);
                while started.elapsed() < CROWD_TIME {
                    let began = Instant::now();
                    if logbook.append("bench.entry", &object).is_err() {
                        return;
                    }
                    own.push(began.elapsed().as_secs_f64() * 1_000.0);
                }
                if let Ok(mut all) = latencies.lock() {
                    all.append(&mut own);
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let mut latencies = latencies.into_inner().map_err(|_| "a thread panicked")?;
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| {
        latencies
            .get((latencies.len() as f64 * share) as usize)
            .copied()
    };
    let rate = latencies.len() as f64 / seconds / 1_000.0;
    say("64 threads, one at a time", "thousand/s", rate);
    say("64 threads, entries", "entries", latencies.len() as f64);
    say("64 threads, median wait", "ms", at(0.5).unwrap_or(f64::NAN));
    say("64 threads, p99 wait", "ms", at(0.99).unwrap_or(f64::NAN));
    logbook.close()?;
    Ok(())
}

/// One thread that waits for every receipt.
pub(crate) fn single(folder: &Path) -> Fallible<()> {
    let place = folder.join("single");
    std::fs::create_dir(&place)?;
    let logbook = scene::create(&place)?;
    let object = payload(1);
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < Duration::from_secs(1) {
        logbook.append("bench.entry", &object)?;
        count += 1.0;
    }
    let rate = count / started.elapsed().as_secs_f64() / 1_000.0;
    say("one thread, one at a time", "thousand/s", rate);
    say("one thread, entries", "entries", count);
    logbook.close()?;
    Ok(())
}
