//! The machine's clock jumps an hour, nearly a day and a year, both ways, between two
//! processes and under one that runs. Time in the ledger never goes back, a jump
//! is an entry, and no verdict depends on the clock.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::place::{Place, Ran, codes};
use super::tally::Tally;

const JUMPS: [&str; 6] = ["+1h", "-1h", "+23h", "-23h", "+1y", "-1y"];

/// Whether a jump is so far that it is refused until somebody accepts it.
fn is_refused(jump: &str) -> bool {
    jump.ends_with('y')
}

const APPEND: [&str; 5] = ["append", "--kind", "k", "--payload", "{}"];

pub(crate) fn run(program: &Path) -> Result<Tally, String> {
    let library = library().ok_or("libfaketime is not here (package faketime)")?;
    let mut tally = Tally::default();
    for jump in JUMPS {
        let place = Place::new(program);
        place.must(&["init"]);
        between_processes(&place, &library, jump, &mut tally);
        if is_refused(jump) {
            continue;
        }
        let place = Place::new(program);
        place.must(&["init"]);
        under_a_process(&place, &library, jump, &mut tally);
    }
    Ok(tally)
}

/// The library that answers for the clock in programs with threads.
pub(crate) fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let libraries = folders.filter_map(|folder| {
        let folder = folder.ok()?.path();
        Some(folder.join("faketime/libfaketimeMT.so.1"))
    });
    libraries.into_iter().find(|library| library.exists())
}

fn command(place: &Place, library: &Path, time: &str, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", time)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

/// A process now, one at another time, and one now again.
fn between_processes(place: &Place, library: &Path, jump: &str, tally: &mut Tally) {
    let case = format!("{jump} between processes");
    for time in ["+0", jump, "+0", jump, "+0"] {
        if is_refused(jump) && time == jump {
            let ran = Ran::of(command(place, library, time, &APPEND).output().unwrap());
            if ran.status != Some(2) || !ran.stderr.contains("--accept-clock") {
                tally.find(format!("{case}: it is not refused: {}", ran.stderr));
            }
            accepted(place, library, time, &case, tally);
            accepted(place, library, "+0", &case, tally);
            continue;
        }
        let ran = Ran::of(command(place, library, time, &APPEND).output().unwrap());
        if ran.status != Some(0) {
            tally.find(format!("{case}: {}", ran.stderr));
        }
        let ran = command(place, library, time, &["seal", "--if-any"]).output();
        if Ran::of(ran.unwrap()).status != Some(0) {
            tally.find(format!("{case}: it does not seal"));
        }
    }
    judge(place, library, jump, &case, tally);
}

/// An append of somebody who says that the clock is right.
fn accepted(place: &Place, library: &Path, time: &str, case: &str, tally: &mut Tally) {
    let args = [&["--accept-clock"], &APPEND[..]].concat();
    let ran = Ran::of(command(place, library, time, &args).output().unwrap());
    if ran.status != Some(0) {
        tally.find(format!("{case}: accepted: {}", ran.stderr));
    }
}

/// One process, whose clock is set twice while it waits for lines.
fn under_a_process(place: &Place, library: &Path, jump: &str, tally: &mut Tally) {
    let case = format!("{jump} under a process");
    let time = place.path("time");
    std::fs::write(&time, "+0").unwrap();
    let mut command = command(place, library, "", &["append", "--jsonl", "-"]);
    command
        .env_remove("FAKETIME")
        .env("FAKETIME_TIMESTAMP_FILE", &time)
        .env("FAKETIME_NO_CACHE", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut receipts = BufReader::new(child.stdout.take().unwrap()).lines();
    for now in ["+0", jump, "+0"] {
        std::fs::write(&time, now).unwrap();
        for _ in 0..2 {
            writeln!(stdin, r#"{{"kind":"k","payload":{{}}}}"#).unwrap();
            if receipts.next().is_none() {
                drop(stdin);
                let _ended = child.wait();
                return tally.find(format!("{case}: it stopped"));
            }
        }
    }
    drop(stdin);
    if !child.wait().unwrap().success() {
        tally.find(format!("{case}: it does not close"));
    }
    let jumps = judge(place, library, jump, &case, tally);
    // There and back again.
    if jumps != 2 {
        tally.find(format!("{case}: {jumps} jumps are recorded"));
    }
}

/// Verifies it at all three times. Returns how many jumps are recorded.
fn judge(place: &Place, library: &Path, jump: &str, case: &str, tally: &mut Tally) -> usize {
    tally.count("jumps");
    for time in ["+0", jump] {
        let ran = command(place, library, time, &["--json", "verify"]).output();
        let ran = Ran::of(ran.unwrap());
        if ran.status != Some(0) {
            tally.find(format!("{case}: it fails: {:?}", codes(&ran.document())));
        }
    }
    let entries = place.must(&["--json", "log"]).documents();
    let times: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["ts"].as_str())
        .collect();
    // Of one length but for whole seconds, which sort before their fractions.
    if !times.is_sorted_by_key(|time| time.replace("+00:00", "")) {
        tally.find(format!("{case}: time goes back"));
    }
    let is_jump = |entry: &&Value| entry["kind"] == "sealbook:clock";
    let jumps = entries.iter().filter(is_jump).count();
    if jumps == 0 {
        tally.find(format!("{case}: no jump is recorded"));
    }
    tally.add("jumps recorded", jumps as u64);
    jumps
}
