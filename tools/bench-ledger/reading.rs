//! Opening, proving, querying: cold where it says so, and what it read.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rocksdb::perf::{PerfContext, PerfMetric, PerfStatsLevel, set_perf_stats};
use sealbook::evidence::{EvidenceError, Prover, prove};
use sealbook::ledger::position::Seq;
use sealbook::ledger::proof::{InclusionProof, ProofFile};
use sealbook::ledger::verify::verify;
use sealbook::logbook::{Logbook, identity_of};
use sealbook::store::RocksStore;
use sealbook::store::query::{Filter, select};

use crate::scene::{correlation, forget_pages, ledger_dir, parts, tenants};
use crate::verifying::policy;
use crate::{Fallible, say};

/// Proofs and queries whose average is taken.
const WARM: u64 = 500;

/// Proofs of one key that are judged.
const CHECKED: u64 = 1_000;

fn millis(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1_000.0
}

pub(crate) fn open(folder: &Path) -> Fallible<()> {
    let started = Instant::now();
    let store = RocksStore::open(&ledger_dir(folder))?;
    let logbook = Logbook::open(parts(folder, store))?;
    say("open for writing", "ms", millis(started));
    logbook.close()?;
    let started = Instant::now();
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    identity_of(&store)?;
    say("open for reading", "ms", millis(started));
    Ok(())
}

/// The first in this process, with the page cache dropped; then warm ones.
pub(crate) fn proof(folder: &Path, entries: u64) -> Fallible<()> {
    forget_pages(folder)?;
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    let places: Vec<Seq> = (1..=WARM).map(|n| Seq(1 + n * 7_919 % entries)).collect();
    set_perf_stats(PerfStatsLevel::EnableCount);
    let mut counts = PerfContext::default();
    counts.reset();
    let started = Instant::now();
    prove(&store, Seq(entries / 3))?;
    say("proof, cold", "ms", millis(started));
    let blocks = counts.metric(PerfMetric::BlockReadCount) as f64;
    say("proof, cold, blocks read", "blocks", blocks);
    set_perf_stats(PerfStatsLevel::Disable);
    let prover = Prover::default();
    let one_by_one = |place: Seq| prove(&store, place);
    let many = |place: Seq| prover.prove(&store, place);
    let micros = |give: &dyn Fn(Seq) -> Result<InclusionProof, EvidenceError>| -> Fallible<f64> {
        places.iter().try_for_each(|place| give(*place).map(drop))?;
        let started = Instant::now();
        places.iter().try_for_each(|place| give(*place).map(drop))?;
        Ok(millis(started) * 1_000.0 / WARM as f64)
    };
    say("proof, warm", "µs", micros(&many)?);
    say(
        "proof, warm, nothing remembered",
        "µs",
        micros(&one_by_one)?,
    );
    Ok(())
}

/// Ten entries of one correlation id, found and read.
pub(crate) fn query(folder: &Path, entries: u64) -> Fallible<()> {
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    let find = |n: u64| -> Fallible<usize> {
        let filter = Filter {
            correlation: Some(correlation(n)),
            ..Filter::default()
        };
        let found = select(&store, &filter)?.collect::<Result<Vec<_>, _>>()?;
        Ok(found.len())
    };
    let started = Instant::now();
    let found = find(entries / 2)?;
    say("query by correlation id, the first", "ms", millis(started));
    if found == 0 {
        return Err("the query found nothing".into());
    }
    let started = Instant::now();
    for n in 0..WARM {
        find(n * 7_919 % entries)?;
    }
    let each = millis(started) / WARM as f64;
    say("query by correlation id, on average", "ms", each);
    newest(&store)
}

/// The newest ten of each tenant, in turns.
fn newest(store: &RocksStore) -> Fallible<()> {
    let tenants = tenants();
    let find = |n: u64| -> Fallible<()> {
        let filter = Filter {
            tenant: Some(format!("tenant-{}", n * 7_919 % tenants)),
            limit: Some(10),
            reverse: true,
            ..Filter::default()
        };
        let found = select(store, &filter)?.collect::<Result<Vec<_>, _>>()?;
        match found.len() {
            0 => Err("a tenant without entries".into()),
            _ => Ok(()),
        }
    };
    (0..WARM).try_for_each(find)?;
    let started = Instant::now();
    (0..WARM).try_for_each(find)?;
    let each = millis(started) * 1_000.0 / WARM as f64;
    say("newest ten of a tenant", "µs", each);
    Ok(())
}

/// Proofs of one key, each judged by itself, as a client does that is sent them.
pub(crate) fn checked(folder: &Path, entries: u64) -> Fallible<()> {
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    let places = (1..=CHECKED).map(|n| Seq(1 + n * 7_919 % entries));
    let prover = Prover::default();
    let proofs: Result<Vec<_>, _> = places.map(|place| prover.prove(&store, place)).collect();
    let proofs: Vec<_> = proofs?.iter().map(InclusionProof::to_bytes).collect();
    let policy = policy(true);
    let started = Instant::now();
    for proof in &proofs {
        let outcome = verify(&mut ProofFile::new(proof), &policy, &mut |_| ())?;
        outcome.verified.ok_or("a proof does not verify")?;
    }
    let each = millis(started) * 1_000.0 / CHECKED as f64;
    say("proof judged, of a thousand", "µs", each);
    Ok(())
}

/// The program from nothing to its version, as a shell would start it.
pub(crate) fn start() -> Fallible<()> {
    let program = crate::verifying::sealbook()?;
    let run = || -> Fallible<f64> {
        let started = Instant::now();
        let mut command = Command::new(&program);
        let status = command.arg("version").stdout(Stdio::null()).status()?;
        if !status.success() {
            return Err("sealbook version failed".into());
        }
        Ok(millis(started))
    };
    run()?;
    let mut times = (0..20).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
    say("sealbook version", "ms", median);
    Ok(())
}
