//! The ledger that is measured, and the entries in it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Object;
use sealbook::ledger::key::SoftwareSigner;
use sealbook::logbook::clock::{Clock, SystemClock};
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::{Logbook, Parts};
use sealbook::store::RocksStore;
use zeroize::Zeroizing;

use crate::Fallible;

/// Bytes of canonical payload in an entry, about.
pub(crate) const PAYLOAD: usize = 400;

/// Bytes of kind, time, separators, previous hash and signature beside it.
pub(crate) const BESIDE: usize = 142;

pub(crate) fn signer() -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([42; 32]))
}

pub(crate) fn ledger_dir(folder: &Path) -> PathBuf {
    folder.join("ledger")
}

pub(crate) fn mark(folder: &Path) -> MarkFile {
    MarkFile::at(folder.join("mark"))
}

/// A new ledger in `folder`, open for writing.
pub(crate) fn create(folder: &Path) -> Fallible<Logbook> {
    let clock = &SystemClock::new() as &dyn Clock;
    let beginning = begin(&signer(), clock, &Origin::default())?;
    mark(folder).write(&beginning.mark)?;
    let store = RocksStore::create(&ledger_dir(folder), beginning.batch)?;
    Ok(Logbook::open(parts(folder, store))?)
}

pub(crate) fn parts(folder: &Path, store: RocksStore) -> Parts {
    Parts {
        store: Arc::new(store),
        signer: Arc::new(signer()),
        clock: Arc::new(SystemClock::new()),
        mark: mark(folder),
    }
}

/// Tenants whose entries follow each other in turns.
pub(crate) const TENANTS: u64 = 50;

/// How many there are, if the measure is of another ledger than the usual.
pub(crate) fn tenants() -> u64 {
    given("BENCH_TENANTS").unwrap_or(TENANTS)
}

/// Entries of an epoch; all of them, if nothing is said.
pub(crate) fn epoch_entries() -> u64 {
    given("BENCH_EPOCH_ENTRIES").unwrap_or(u64::MAX)
}

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The correlation id of entry `n`: ten entries share one.
pub(crate) fn correlation(n: u64) -> String {
    Hash::of(&(n / 10).to_be_bytes()).to_string()
}

/// An entry's payload: ids that repeat as they do in life, and a body of 64
/// characters out of a cheap generator, so that the figures on disk owe nothing
/// to text that compresses.
pub(crate) fn payload(n: u64) -> Object {
    payload_among(n, TENANTS)
}

/// The same, of one of so many tenants.
pub(crate) fn payload_among(n: u64, tenants: u64) -> Object {
    let mut object = Object::new();
    object.insert("correlation_id", correlation(n));
    object.insert("denied", n.is_multiple_of(7));
    object.insert("n", n);
    object.insert("tenant_id", format!("tenant-{}", n % tenants));
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let body = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match char::from(b'0' + (state >> 58) as u8) {
            '\\' => '-',
            plain => plain,
        }
    });
    let body: String = body.take(PAYLOAD - 145).collect();
    object.insert("body", body);
    object
}

/// The most memory this process ever had resident, in MiB.
pub(crate) fn peak_memory() -> Fallible<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.ok_or("no VmHWM")?.parse::<f64>()? / 1024.0)
}

/// Takes the ledger's files out of the page cache.
pub(crate) fn forget_pages(folder: &Path) -> Fallible<()> {
    for file in std::fs::read_dir(ledger_dir(folder).join("db"))? {
        let file = File::open(file?.path())?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}
