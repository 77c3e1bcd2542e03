//! Verification: a ledger in library and by the program, a bundle of all, a
//! selection of a thousand.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use sealbook::audit::audit;
use sealbook::evidence::range::{RangeExport, export_range};
use sealbook::evidence::selection::{SelectionExport, Unsealed, export_selection};
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::key::Signer;
use sealbook::ledger::position::Seq;
use sealbook::ledger::verify::{Policy, verify};
use sealbook::store::RocksStore;
use sealbook::store::query::Filter;

use crate::scene::{ledger_dir, mark, peak_memory, signer};
use crate::{Fallible, say};

pub(crate) fn policy(signatures: bool) -> Policy {
    Policy {
        keys: vec![signer().public_key()],
        signatures,
        ..Policy::default()
    }
}

fn thousands(entries: u64, started: Instant) -> f64 {
    entries as f64 / started.elapsed().as_secs_f64() / 1_000.0
}

pub(crate) fn ledger(folder: &Path, entries: u64, signatures: bool) -> Fallible<()> {
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    let started = Instant::now();
    let outcome = audit(&store, &mark(folder), &policy(signatures), &mut |_| ())?;
    outcome.verified.ok_or("the ledger does not verify")?;
    let name = if signatures {
        "verify ledger"
    } else {
        "audit without signatures"
    };
    say(name, "thousand/s", thousands(entries, started));
    say(&format!("{name}, peak memory"), "MiB", peak_memory()?);
    Ok(())
}

/// The program beside this one: built together with it.
pub(crate) fn sealbook() -> Fallible<PathBuf> {
    let own = std::env::current_exe()?;
    let built = own
        .parent()
        .and_then(Path::parent)
        .ok_or("no target folder")?;
    let program = built.join("sealbook");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is not there: build it first", program.display()).into())
    }
}

/// The same verification by the program, its start included.
pub(crate) fn program(folder: &Path, entries: u64) -> Fallible<()> {
    let started = Instant::now();
    let status = Command::new(sealbook()?)
        .arg("--ledger")
        .arg(ledger_dir(folder))
        .arg("--mark")
        .arg(folder.join("mark"))
        .args(["verify", "--key", &signer().public_key().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("sealbook verify failed".into());
    }
    say(
        "sealbook verify, the process",
        "thousand/s",
        thousands(entries, started),
    );
    Ok(())
}

/// A thousand entries of one tenant: written, and verified again.
pub(crate) fn selection(folder: &Path) -> Fallible<()> {
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    let filter = Filter {
        tenant: Some("tenant-7".to_owned()),
        limit: Some(1_000),
        ..Filter::default()
    };
    let started = Instant::now();
    let export = SelectionExport {
        version: sealbook::ledger::version::Version::default(),
        openings: Default::default(),
        filter: &filter,
        unsealed: Unsealed::LeftOut,
        signer: Some(&signer()),
        progress: &mut |_| (),
    };
    let (bundle, selected) = export_selection(&store, Vec::new(), export)?;
    let written = started.elapsed().as_secs_f64() * 1_000.0;
    let started = Instant::now();
    let mut file = BundleFile::open(&bundle[..])?;
    let outcome = verify(&mut file, &policy(true), &mut |_| ())?;
    let verified = started.elapsed().as_secs_f64() * 1_000.0;
    outcome.verified.ok_or("the selection does not verify")?;
    let count = selected.closing.entries;
    say(&format!("export {count} of one tenant"), "ms", written);
    say(&format!("verify {count} of one tenant"), "ms", verified);
    Ok(())
}

/// Everything as one bundle in a file.
pub(crate) fn whole(folder: &Path, entries: u64) -> Fallible<()> {
    let store = RocksStore::open_read_only(&ledger_dir(folder))?;
    let path = folder.join("all.bundle");
    let out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let started = Instant::now();
    let export = RangeExport {
        version: sealbook::ledger::version::Version::default(),
        openings: Default::default(),
        first: Seq::FIRST,
        last: Seq(u64::MAX),
        head: None,
        signer: Some(&signer()),
        progress: &mut |_| (),
    };
    export_range(&store, out, export)?;
    say("export", "thousand/s", thousands(entries, started));
    let file = BufReader::with_capacity(1 << 20, File::open(&path)?);
    let started = Instant::now();
    let outcome = verify(&mut BundleFile::open(file)?, &policy(true), &mut |_| ())?;
    outcome.verified.ok_or("the bundle does not verify")?;
    say("verify bundle", "thousand/s", thousands(entries, started));
    say("export and verify, peak memory", "MiB", peak_memory()?);
    Ok(std::fs::remove_file(path)?)
}
