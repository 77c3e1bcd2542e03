//! Breaks books at random and scores how they are explained:
//! `break-books [--entries N] [--faults N] [--books N] [--seed N]`.
//!
//! Every book is verified whole, which must give no fault; then broken in
//! `faults` places and verified again: each must be named at its place with its
//! class. Exit status 1 if one is missed, a false alarm is given, or explaining
//! takes more than twice the time of verifying the whole book.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a tool that prints, and stops at what it does not expect"
)]

mod book;
mod breaker;
mod score;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use sealbook::ledger::entry::Entry;
use sealbook::ledger::key::Signer;
use sealbook::ledger::position::Seq;
use sealbook::ledger::verify::Anchor;

use score::{Score, examine};

fn main() -> ExitCode {
    let entries = argument("--entries", 200_000);
    let faults = argument("--faults", 200);
    let books = argument("--books", 5);
    let seed = argument("--seed", 1);
    let own = book::signer(7);
    let key = own.public_key();
    let whole = book::whole(&own, entries);
    let last = whole.last().expect("an entry");
    let head = Anchor {
        log: key,
        genesis: whole[0].hash(),
        seq: Seq(entries - 1),
        hash: last.hash(),
        epoch: None,
        signed: true,
        line: None,
    };
    let text = text_of(&whole);
    let started = Instant::now();
    let (report, explanation) = examine(&text, key, head.clone());
    let whole_time = started.elapsed();
    drop(text);
    let mut score = Score::default();
    let quiet = report.faults.is_empty() && explanation.incidents.is_empty();
    println!(
        "whole book: {entries} entries, {} faults, {whole_time:.2?}",
        report.faults.len()
    );
    let mut slowest = Duration::ZERO;
    for n in 0..books {
        let broken = breaker::break_book(&whole, &own, faults, seed + n);
        let started = Instant::now();
        let (report, explanation) = examine(&broken.text, key, head.clone());
        let time = started.elapsed();
        slowest = slowest.max(time);
        score.add(&broken.breaks, &report, &explanation);
        println!(
            "book {n}: {} breaks, {} faults, {} incidents, {time:.2?}",
            broken.breaks.len(),
            report.faults.len(),
            explanation.incidents.len()
        );
    }
    for missed in &score.missed {
        println!("missed: {missed}");
    }
    for alarm in &score.false_alarms {
        println!("false alarm: {alarm}");
    }
    let ratio = slowest.as_secs_f64() / whole_time.as_secs_f64();
    println!(
        "{} breaks: {} named with their class, {} with either class, {} missed, {} false alarms, \
         {} faults without a class; slowest {ratio:.2} times the whole book",
        score.breaks,
        score.exact,
        score.either,
        score.missed.len(),
        score.false_alarms.len(),
        score.unclassified
    );
    let clean = score.missed.is_empty() && score.false_alarms.is_empty() && score.unclassified == 0;
    ExitCode::from(u8::from(!(quiet && clean && ratio <= 2.0)))
}

fn text_of(entries: &[Entry]) -> Vec<u8> {
    let mut text = Vec::new();
    for entry in entries {
        entry.write_json(None, &mut text);
        text.push(b'\n');
    }
    text
}

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1);
    value.map_or(default, |value| value.parse().expect("a number"))
}
