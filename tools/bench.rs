//! `tools/bench`: what sealbook does in a second, beside what the machine and
//! the libraries could do at most, in one run.
//!
//! Each ledger measure runs in a process of its own (this program again, with
//! the measure's name), so that memory and caches are its own.

#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use sealbook::audit::audit;
use sealbook::evidence::prove;
use sealbook::evidence::range::{RangeExport, export_range};
use sealbook::evidence::selection::{SelectionExport, export_selection};
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Object;
use sealbook::ledger::key::{Signer, SoftwareSigner, StrictVerifier};
use sealbook::ledger::position::Seq;
use sealbook::ledger::verify::{Policy, verify};
use sealbook::logbook::clock::{Clock, SystemClock};
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::request::Prepared;
use sealbook::logbook::{Logbook, Parts, entry_at, identity_of};
use sealbook::store::RocksStore;
use sealbook::store::query::{Filter, select};
use zeroize::Zeroizing;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Bytes of canonical payload in an entry.
const PAYLOAD: usize = 400;

/// Entries handed over together.
const GROUP: u64 = 256;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", name, folder, entries] => measure(name, Path::new(folder), entries.parse()?),
        [entries, runs] => table(entries.parse()?, runs.parse()?),
        _ => Err("usage: bench ENTRIES RUNS".into()),
    }
}

/// One row a measure: its runs, and what they are to be compared with.
fn table(entries: u64, runs: usize) -> Fallible<()> {
    let cores = std::thread::available_parallelism()?.get();
    println!("{entries} entries of {PAYLOAD} bytes of payload, {runs} runs, {cores} cores\n");
    println!("{:<34}{:>12}{:>12}{:>12}  unit", "", "min", "median", "max");
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for _ in 0..runs {
        let folder = tempfile::tempdir()?;
        for name in [
            "bounds",
            "append",
            "open",
            "read",
            "verify",
            "audit",
            "export",
            "selection",
        ] {
            for line in child(name, folder.path(), entries)?.lines() {
                let Some((figure, value)) = line.rsplit_once('\t') else {
                    continue;
                };
                let value = value.parse()?;
                match rows.iter_mut().find(|(known, _)| known == figure) {
                    Some((_, values)) => values.push(value),
                    None => rows.push((figure.to_owned(), vec![value])),
                }
            }
        }
    }
    for (figure, values) in &rows {
        let (name, unit) = figure.split_once('\t').unwrap_or((figure, ""));
        print_row(name, unit, values);
    }
    println!();
    ratio(
        &rows,
        "bulk append",
        "sign, one core",
        cores,
        "bulk append / signing on all cores",
    );
    ratio(
        &rows,
        "verify ledger",
        "verify_strict, one core",
        cores,
        "verify / verify_strict on all cores",
    );
    ratio(
        &rows,
        "audit without signatures",
        "BLAKE2b of the records",
        1,
        "audit / raw BLAKE2b, one core",
    );
    Ok(())
}

fn print_row(name: &str, unit: &str, values: &[f64]) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |n: usize| sorted.get(n).copied().unwrap_or(f64::NAN);
    let (low, middle, high) = (
        at(0),
        at(sorted.len() / 2),
        at(sorted.len().saturating_sub(1)),
    );
    println!("{name:<34}{low:>12.2}{middle:>12.2}{high:>12.2}  {unit}");
}

/// The ratio run by run, so that a machine whose speed drifts does not lie.
fn ratio(rows: &[(String, Vec<f64>)], of: &str, to: &str, times: usize, name: &str) {
    let find = |wanted: &str| {
        let mut named = rows.iter().filter(|(n, _)| n.starts_with(wanted));
        named
            .next()
            .map(|(_, values)| values.as_slice())
            .unwrap_or_default()
    };
    let pairs = find(of).iter().zip(find(to));
    let ratios: Vec<f64> = pairs.map(|(a, b)| a / (b * times as f64)).collect();
    print_row(name, "", &ratios);
}

fn child(name: &str, folder: &Path, entries: u64) -> Fallible<String> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    let output = command
        .args(["measure", name])
        .arg(folder)
        .arg(entries.to_string())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

fn measure(name: &str, folder: &Path, entries: u64) -> Fallible<()> {
    match name {
        "bounds" => bounds(),
        "append" => append(folder, entries),
        "open" => open(folder),
        "read" => read(folder, entries),
        "verify" => verify_ledger(folder, entries, true),
        "audit" => verify_ledger(folder, entries, false),
        "export" => export(folder, entries),
        "selection" => selection(folder),
        _ => Err("no such measure".into()),
    }
}

fn say(name: &str, unit: &str, value: f64) {
    println!("{name}\t{unit}\t{value}");
}

fn signer() -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([42; 32]))
}

/// What the primitives do on one core.
fn bounds() -> Fallible<()> {
    let signer = signer();
    let verifier = StrictVerifier::new(&signer.public_key());
    let message = vec![b'x'; PAYLOAD];
    let signature = signer.sign(&message)?;
    let rate = |count: u32, mut work: Box<dyn FnMut() + '_>| {
        let started = Instant::now();
        for _ in 0..count {
            work();
        }
        f64::from(count) / started.elapsed().as_secs_f64() / 1_000.0
    };
    let sign = rate(
        20_000,
        Box::new(|| drop(signer.sign(std::hint::black_box(&message)))),
    );
    say("sign, one core", "thousand/s", sign);
    let strict = rate(
        10_000,
        Box::new(|| {
            std::hint::black_box(verifier.verify(std::hint::black_box(&message), &signature));
        }),
    );
    say("verify_strict, one core", "thousand/s", strict);
    let record = vec![b'x'; PAYLOAD + 140];
    let hash = rate(
        200_000,
        Box::new(|| {
            std::hint::black_box(Hash::of(std::hint::black_box(&record)));
        }),
    );
    say("BLAKE2b of the records, one core", "thousand/s", hash);
    Ok(())
}

fn parts(folder: &Path, store: RocksStore) -> Parts {
    Parts {
        store: Arc::new(store),
        signer: Arc::new(signer()),
        clock: Arc::new(SystemClock::new()),
        mark: MarkFile::at(folder.join("mark")),
    }
}

/// An entry's payload: ids that repeat as they do in life, and a body that does
/// not compress.
fn payload(n: u64) -> Object {
    let mut object = Object::new();
    object.insert("tenant_id", format!("tenant-{}", n % 50));
    object.insert(
        "correlation_id",
        Hash::of(&(n / 10).to_be_bytes()).to_string(),
    );
    object.insert("denied", n.is_multiple_of(7));
    object.insert("n", n);
    // 64 characters of a hash's bytes: JSON that compresses by a quarter at the
    // most, so that the figures on disk owe nothing to a kind payload.
    let mut body = String::new();
    while body.len() < PAYLOAD {
        let block = Hash::of_parts(&[&n.to_be_bytes(), body.as_bytes()]);
        body.extend(
            block
                .as_bytes()
                .iter()
                .map(|byte| char::from(b'0' + byte % 64)),
        );
    }
    let body = body.replace('\\', "-");
    let other = object
        .iter()
        .map(|(k, v)| k.len() + format!("{v:?}").len())
        .sum::<usize>();
    let length = PAYLOAD.saturating_sub(other).max(200);
    object.insert("body", body.chars().take(length).collect::<String>());
    object
}

fn append(folder: &Path, entries: u64) -> Fallible<()> {
    let dir = folder.join("ledger");
    let beginning = begin(
        &signer(),
        &SystemClock::new() as &dyn Clock,
        &Origin::default(),
    )?;
    MarkFile::at(folder.join("mark")).write(&beginning.mark)?;
    let logbook = Logbook::open(parts(folder, RocksStore::create(&dir, beginning.batch)?))?;
    let mut pending = std::collections::VecDeque::new();
    let mut bytes = 0;
    let started = Instant::now();
    for from in (0..entries).step_by(GROUP as usize) {
        let group: Result<Vec<_>, _> = (from..entries.min(from + GROUP))
            .map(|n| Prepared::of_caller("bench.entry", &payload(n)))
            .collect();
        let group = group?;
        bytes += group.iter().map(Prepared::payload_bytes).sum::<usize>();
        pending.push_back(logbook.submit(group)?);
        if pending.len() > 32
            && let Some(oldest) = pending.pop_front()
        {
            oldest.wait()?;
        }
    }
    for one in pending {
        one.wait()?;
    }
    let seconds = started.elapsed().as_secs_f64();
    say(
        "bulk append",
        "thousand/s",
        entries as f64 / seconds / 1_000.0,
    );
    logbook.seal()?;
    logbook.close()?;
    say("append and index, peak memory", "MiB", peak_memory()?);
    let store = RocksStore::open(&dir)?;
    store.compact()?;
    let disk = store.disk_bytes()? as f64;
    store.close()?;
    let overhead = (disk - bytes as f64) / entries as f64;
    say("payload an entry", "bytes", bytes as f64 / entries as f64);
    say("disk beside payload, an entry", "bytes", overhead);
    Ok(())
}

fn open(folder: &Path) -> Fallible<()> {
    let started = Instant::now();
    let store = RocksStore::open(&folder.join("ledger"))?;
    let logbook = Logbook::open(parts(folder, store))?;
    say(
        "open for writing",
        "ms",
        started.elapsed().as_secs_f64() * 1_000.0,
    );
    logbook.close()?;
    let started = Instant::now();
    let store = RocksStore::open_read_only(&folder.join("ledger"))?;
    identity_of(&store)?;
    say(
        "open for reading",
        "ms",
        started.elapsed().as_secs_f64() * 1_000.0,
    );
    Ok(())
}

fn read(folder: &Path, entries: u64) -> Fallible<()> {
    let store = RocksStore::open_read_only(&folder.join("ledger"))?;
    let places: Vec<Seq> = (0..200).map(|n| Seq(1 + n * 7_919 % entries)).collect();
    let per = |name: &str, work: &dyn Fn(Seq) -> Fallible<()>| -> Fallible<()> {
        let started = Instant::now();
        if let Some(first) = places.first() {
            work(*first)?;
        }
        say(
            &format!("{name}, the first"),
            "ms",
            started.elapsed().as_secs_f64() * 1_000.0,
        );
        let started = Instant::now();
        for place in &places {
            work(*place)?;
        }
        let each = started.elapsed().as_secs_f64() * 1_000.0 / places.len() as f64;
        say(&format!("{name}, on average"), "ms", each);
        Ok(())
    };
    per("show", &|seq| Ok(drop(entry_at(&store, seq)?)))?;
    per("proof", &|seq| Ok(drop(prove(&store, seq)?)))?;
    per("query by correlation id", &|seq| {
        let correlation = Hash::of(&(seq.0 / 10).to_be_bytes()).to_string();
        let filter = Filter {
            correlation: Some(correlation),
            ..Filter::default()
        };
        Ok(drop(
            select(&store, &filter)?.collect::<Result<Vec<_>, _>>()?,
        ))
    })
}

fn verify_ledger(folder: &Path, entries: u64, signatures: bool) -> Fallible<()> {
    let store = RocksStore::open_read_only(&folder.join("ledger"))?;
    let policy = Policy {
        keys: vec![signer().public_key()],
        signatures,
        ..Policy::default()
    };
    let started = Instant::now();
    let outcome = audit(
        &store,
        &MarkFile::at(folder.join("mark")),
        &policy,
        &mut |_| (),
    )?;
    let seconds = started.elapsed().as_secs_f64();
    outcome.verified.ok_or("the ledger does not verify")?;
    let name = if signatures {
        "verify ledger"
    } else {
        "audit without signatures"
    };
    say(name, "thousand/s", entries as f64 / seconds / 1_000.0);
    say(&format!("{name}, peak memory"), "MiB", peak_memory()?);
    Ok(())
}

/// A selection of a thousand entries: written, and verified again.
fn selection(folder: &Path) -> Fallible<()> {
    let store = RocksStore::open_read_only(&folder.join("ledger"))?;
    let signer = signer();
    let filter = Filter {
        tenant: Some("tenant-7".to_owned()),
        limit: Some(1_000),
        ..Filter::default()
    };
    let started = Instant::now();
    let export = SelectionExport {
        filter: &filter,
        signer: Some(&signer),
        progress: &mut |_| (),
    };
    let (bundle, selected) = export_selection(&store, Vec::new(), export)?;
    let written = started.elapsed().as_secs_f64() * 1_000.0;
    let policy = Policy {
        keys: vec![signer.public_key()],
        ..Policy::default()
    };
    let started = Instant::now();
    let outcome = verify(&mut BundleFile::open(&bundle[..])?, &policy, &mut |_| ())?;
    let verified = started.elapsed().as_secs_f64() * 1_000.0;
    outcome.verified.ok_or("the selection does not verify")?;
    let count = selected.closing.entries;
    say(&format!("export {count} of one tenant"), "ms", written);
    say(&format!("verify {count} of one tenant"), "ms", verified);
    Ok(())
}

fn export(folder: &Path, entries: u64) -> Fallible<()> {
    let store = RocksStore::open_read_only(&folder.join("ledger"))?;
    let signer = signer();
    let path = folder.join("all.bundle");
    let out = std::io::BufWriter::new(std::fs::File::create(&path)?);
    let started = Instant::now();
    let export = RangeExport {
        first: Seq::FIRST,
        last: Seq(u64::MAX),
        head: None,
        signer: Some(&signer),
        progress: &mut |_| (),
    };
    export_range(&store, out, export)?;
    let seconds = started.elapsed().as_secs_f64();
    say("export", "thousand/s", entries as f64 / seconds / 1_000.0);
    say("export, peak memory", "MiB", peak_memory()?);
    let policy = Policy {
        keys: vec![signer.public_key()],
        ..Policy::default()
    };
    let file = std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(path)?);
    let started = Instant::now();
    let outcome = verify(&mut BundleFile::open(file)?, &policy, &mut |_| ())?;
    let seconds = started.elapsed().as_secs_f64();
    outcome.verified.ok_or("the bundle does not verify")?;
    say(
        "verify bundle",
        "thousand/s",
        entries as f64 / seconds / 1_000.0,
    );
    say("export and verify, peak memory", "MiB", peak_memory()?);
    Ok(())
}

/// The most memory this process ever had resident, in MiB.
fn peak_memory() -> Fallible<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .ok_or("no VmHWM")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
