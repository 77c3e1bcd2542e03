//! The public log: all entries published at once, and a thousand at a time; read back and
//! checked. Times are of one core: user and system together.

use std::path::{Path, PathBuf};
use std::time::Instant;

use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::{TileSource as _, check_all};
use sealbook::logbook::Logbook;
use sealbook::logbook::clock::{Clock as _, SystemClock};
use sealbook::logbook::request::PreparedEntry;
use sealbook::publish::{Folder, PublicLog, Publication, alone, bind_name};
use sealbook::store::RocksStore;

use crate::scene::{create, ledger_dir, parts, payload, peak_memory, signer};
use crate::{Fallible, say};

const NAME: &str = "bench.example/log";

/// Entries of a publication.
const AT_ONCE: u64 = 1_000;

/// Seconds that this thread had of a core so far: it does all of publishing, and threads
/// behind it index what was appended before.
fn core_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn publish(logbook: &Logbook, log: &mut PublicLog<Folder>) -> Fallible<()> {
    let with = Publication {
        logbook,
        signer: &signer(),
        second: None,
        now: SystemClock::new().wall(),
    };
    log.publish(&with, &mut alone)?;
    Ok(())
}

fn public(folder: &Path) -> Fallible<(PathBuf, PublicLog<Folder>)> {
    let path = folder.join("public");
    let log = PublicLog::new(Folder::open(&path)?, "public");
    Ok((path, log))
}

/// The ledger that there is, all of it.
pub(crate) fn whole(folder: &Path, entries: u64) -> Fallible<()> {
    let per_million = 1_000_000.0 / entries as f64;
    say(
        "publish 1 M entries at once, one core",
        "s",
        all_of(folder)? * per_million,
    );
    say("publish, memory", "MiB", peak_memory()?);
    Ok(())
}

/// Makes a ledger of a tenth of the entries beside the other.
pub(crate) fn make_tenth(folder: &Path, entries: u64) -> Fallible<()> {
    let folder = folder.join("tenth");
    std::fs::create_dir(&folder)?;
    let logbook = create(&folder)?;
    for from in (0..entries / 10).step_by(usize::try_from(AT_ONCE)?) {
        append(&logbook, from)?;
    }
    logbook.seal()?;
    logbook.close()?;
    Ok(())
}

/// Publishes it: what memory takes does not grow with the entries.
pub(crate) fn tenth(folder: &Path) -> Fallible<()> {
    all_of(&folder.join("tenth"))?;
    say("publish a tenth of them, memory", "MiB", peak_memory()?);
    Ok(())
}

/// Publishes a ledger, and gives the seconds that it took of a core.
fn all_of(folder: &Path) -> Fallible<f64> {
    let store = RocksStore::open(&ledger_dir(folder))?;
    let logbook = Logbook::open(parts(folder, store))?;
    bind_name(&logbook, &NAME.parse()?, None)?;
    let (_, mut log) = public(folder)?;
    let begun = core_seconds();
    publish(&logbook, &mut log)?;
    let spent = core_seconds() - begun;
    logbook.close()?;
    Ok(spent)
}

/// What was published, by somebody who believes nothing of it.
pub(crate) fn read_back(folder: &Path) -> Fallible<()> {
    let source = Folder::read_only(&folder.join("public"));
    let checkpoint = checkpoint(&source)?;
    let started = Instant::now();
    let mut leaves = 0_u64;
    check_all(&source, &checkpoint, |_, _| leaves += 1)?;
    if leaves != checkpoint.size {
        return Err("not all leaves were read".into());
    }
    let seconds = started.elapsed().as_secs_f64();
    say(
        "read back and check a public log",
        "leaves/s",
        leaves as f64 / seconds,
    );
    say("read back, memory", "MiB", peak_memory()?);
    Ok(())
}

fn checkpoint(source: &Folder) -> Fallible<CheckpointText> {
    let bytes = source.read(Resource::Checkpoint)?.ok_or("no checkpoint")?;
    Ok(SignedCheckpoint::parse(&bytes)?.content().clone())
}

/// Appends a thousand entries.
fn append(logbook: &Logbook, from: u64) -> Fallible<()> {
    let batch: Result<Vec<_>, _> = (from..from + AT_ONCE)
        .map(|n| PreparedEntry::of_caller("bench", &payload(n)))
        .collect();
    logbook.submit(batch?)?.wait()?;
    Ok(())
}

/// A ledger that grows by a thousand entries between two publications.
pub(crate) fn thousands(folder: &Path, entries: u64) -> Fallible<()> {
    let folder = folder.join("thousands");
    std::fs::create_dir(&folder)?;
    let logbook = create(&folder)?;
    bind_name(&logbook, &NAME.parse()?, None)?;
    let (path, mut log) = public(&folder)?;
    let mut spent = 0.0;
    for from in (0..entries).step_by(usize::try_from(AT_ONCE)?) {
        append(&logbook, from)?;
        if from % (100 * AT_ONCE) == 0 {
            logbook.seal()?;
        }
        let begun = core_seconds();
        publish(&logbook, &mut log)?;
        spent += core_seconds() - begun;
    }
    logbook.close()?;
    let per_million = 1_000_000.0 / entries as f64;
    let name = "publish 1 M entries, 1 000 at a time, one core";
    say(name, "s", spent * per_million);
    let files = files(&path)? as f64 * per_million;
    say("files of 1 M entries, 1 000 at a time", "files", files);
    Ok(())
}

fn files(folder: &Path) -> Fallible<u64> {
    let mut count = 0;
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        count += match file.file_type()?.is_dir() {
            true => files(&file.path())?,
            false => 1,
        };
    }
    Ok(count)
}
