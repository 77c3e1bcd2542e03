//! Verifying logbook files of third parties:
//! `bench-book make FILE [--bytes N] [--payload N]` writes a book of about so many
//! bytes with payloads of so many; `bench-book verify FILE` verifies it as
//! `sealbook verify` does, and says how long that took and how much memory.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a tool that prints, and stops at what it does not expect"
)]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::time::Instant;

use sealbook::ledger::entry::Draft;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::policy::Policy;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::verify::verify;
use zeroize::Zeroizing;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [_, "make", path, ..] => make(
            path,
            number(&words, "--bytes", 1 << 30),
            number(&words, "--payload", 200),
        ),
        [_, "verify", path] => judge(path),
        _ => println!("bench-book make FILE [--bytes N] [--payload N] | bench-book verify FILE"),
    }
}

fn signer() -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([5; 32]))
}

fn make(path: &str, bytes: u64, payload: u64) {
    let signer = signer();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("a new file"));
    let start = Timestamp::parse("2026-03-01T10:00:00Z").expect("a time");
    let text = "what happened. ".repeat(usize::try_from(payload).expect("small") / 15 + 1);
    let (mut prev, mut written, mut entries) = (Hash::ZERO, 0, 0);
    let mut line = Vec::new();
    while written < bytes {
        let ts = start.saturating_add_micros(entries * 1_000);
        let content = format!("{{\"n\":{entries},\"text\":\"{text}\"}}");
        let draft = Draft::new("note", ts, content.as_bytes(), &prev).expect("an entry");
        let entry = draft.sign(&signer).expect("a signature");
        prev = entry.hash();
        line.clear();
        entry.write_json(None, &mut line);
        line.push(b'\n');
        out.write_all(&line).expect("room on the disk");
        written += line.len() as u64;
        entries += 1;
    }
    out.flush().expect("room on the disk");
    println!(
        "{entries} entries, {written} bytes, key {}",
        signer.public_key()
    );
}

fn judge(path: &str) {
    let policy = Policy {
        keys: vec![signer().public_key()],
        ..Policy::default()
    };
    let file = File::open(path).expect("the file");
    let bytes = file.metadata().expect("its length").len();
    let started = Instant::now();
    let mut source = LogbookFile::new(BufReader::with_capacity(1 << 20, file));
    let report = verify(&mut source, &policy, &mut |_| ())
        .expect("readable")
        .report;
    let seconds = started.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let rate = (
        bytes as f64 / 1e6 / seconds,
        report.entries as f64 / seconds,
    );
    println!(
        "{} entries, {} faults, {seconds:.1} s, {:.0} MB/s, {:.0} entries/s, {}",
        report.entries,
        report.faults.len(),
        rate.0,
        rate.1,
        peak()
    );
}

/// The most memory that this process ever had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("peak unknown").to_owned()
}

fn number(words: &[&str], name: &str, default: u64) -> u64 {
    let mut rest = words.iter().skip_while(|word| **word != name);
    rest.nth(1)
        .map_or(default, |value| value.parse().expect("a number"))
}
