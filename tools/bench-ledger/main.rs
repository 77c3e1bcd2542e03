//! Measures sealbook beside its bounds and peers, in one run, as ratios.
//!
//! Every measure is a process of its own, so that its memory is its own and
//! nothing is warm that was not said to be. A measure prints `name TAB unit TAB
//! value`; the table puts the runs together.
#![allow(clippy::print_stdout, reason = "a tool's table is its output")]

mod bounds;
mod deciding;
mod growth;
mod outside;
mod plot;
mod publishing;
mod reading;
mod scene;
mod table;
mod verifying;
mod writing;

use std::error::Error;
use std::path::Path;
use std::process::Command;

use table::Table;

type Fallible<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: bench [--quick | --full | --growth [SIZE...] | \
    --deciding [DECISIONS [ROUNDS]] | ENTRIES RUNS]";

/// Entries of the ledgers over which cost is seen to grow.
const SIZES: [u64; 3] = [100_000, 1_000_000, 5_000_000];

/// That of the program, so that it is measured as it is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure", name, folder, entries] => measure(name, Path::new(folder), entries.parse()?),
        [] | ["--quick"] => report(100_000, 3),
        ["--full"] => {
            report(1_000_000, 5)?;
            report(10_000_000, 5)?;
            decisions(100_000, 10)?;
            growth::report(&SIZES)
        }
        ["--deciding"] => decisions(50_000, 10),
        ["--deciding", count] => decisions(count.parse()?, 10),
        ["--deciding", count, rounds] => decisions(count.parse()?, rounds.parse()?),
        ["--growth"] => growth::report(&SIZES),
        ["--growth", sizes @ ..] => {
            let sizes: Result<Vec<_>, _> = sizes.iter().map(|size| size.parse()).collect();
            growth::report(&sizes?)
        }
        [entries, runs] => report(entries.parse()?, runs.parse()?),
        _ => Err(USAGE.into()),
    }
}

/// The measures of one run, in the order in which each finds what it needs.
const MEASURES: [&str; 21] = [
    "bounds",
    "append",
    "open",
    "proof",
    "query",
    "checked",
    "verify",
    "audit",
    "program",
    "bundle",
    "export",
    "tenth",
    "public-tenth",
    "public",
    "public-read",
    "public-thousands",
    "crowd",
    "crowd-peer",
    "single",
    "start",
    "outside",
];

/// One table: every measure so many times, each time on a ledger of its own.
fn report(entries: u64, runs: usize) -> Fallible<()> {
    let mut table = Table::default();
    for _ in 0..runs {
        let folder = tempfile::tempdir()?;
        for name in MEASURES {
            table.take(&child(name, folder.path(), entries)?)?;
        }
    }
    println!(
        "{entries} entries of {} bytes of payload, {runs} runs",
        scene::PAYLOAD
    );
    table.print(std::thread::available_parallelism()?.get() as f64);
    Ok(())
}

/// A policy costs so many times what a gate of one answer does.
const REGO: u64 = 10;

/// One table: in each round everything about decisions, with a gate of one answer and
/// with a policy.
fn decisions(count: u64, rounds: usize) -> Fallible<()> {
    let mut table = Table::default();
    for _ in 0..rounds {
        for (name, count) in [("deciding", count), ("deciding-rego", count / REGO)] {
            let folder = tempfile::tempdir()?;
            table.take(&child(name, folder.path(), count)?)?;
        }
    }
    println!("{count} decisions a round, {rounds} rounds");
    table.print(std::thread::available_parallelism()?.get() as f64);
    Ok(())
}

fn measure(name: &str, folder: &Path, entries: u64) -> Fallible<()> {
    match name {
        "bounds" => bounds::primitives(),
        "crowd-peer" => bounds::rocksdb_crowd(folder),
        "entries" => writing::entries(folder, entries),
        "append" => writing::bulk(folder, entries),
        "crowd" => writing::crowd(folder),
        "single" => writing::single(folder),
        "open" => reading::open(folder),
        "proof" => reading::proof(folder, entries),
        "query" => reading::query(folder, entries),
        "checked" => reading::checked(folder, entries),
        "verify" => verifying::ledger(folder, entries, true),
        "audit" => verifying::ledger(folder, entries, false),
        "program" => verifying::program(folder, entries),
        "bundle" => verifying::selection(folder),
        "export" => verifying::whole(folder, entries),
        "tenth" => publishing::make_tenth(folder, entries),
        "public-tenth" => publishing::tenth(folder),
        "public" => publishing::whole(folder, entries),
        "public-read" => publishing::read_back(folder),
        "public-thousands" => publishing::thousands(folder, entries),
        "start" => reading::start(),
        "deciding" => deciding::round(folder, entries, false),
        "deciding-rego" => deciding::round(folder, entries, true),
        "outside" => outside::signatures(folder),
        _ => Err(USAGE.into()),
    }
}

/// Runs one measure in a process of its own and gives what it printed.
fn child(name: &str, folder: &Path, entries: u64) -> Fallible<String> {
    child_with(name, folder, entries, &[])
}

/// The same, told more about the ledger.
fn child_with(
    name: &str,
    folder: &Path,
    entries: u64,
    told: &[(&str, String)],
) -> Fallible<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(["measure", name])
        .arg(folder)
        .arg(entries.to_string())
        .envs(told.iter().cloned())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// What a measure found.
fn say(name: &str, unit: &str, value: f64) {
    println!("{name}\t{unit}\t{value}");
}
