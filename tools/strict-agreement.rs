//! Holds the faster verdict against `verify_strict` on signatures made to part
//! them: a million, or as many as asked.
//!
//! `cargo run --release --example strict-agreement [COUNT [SEED]]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a tool's findings are its output; the generator is a test's"
)]

#[path = "../tests/ledger/adversary.rs"]
mod adversary;

use std::time::Instant;

use adversary::{Choices, Key, Signed};
use ed25519_dalek::VerifyingKey;
use rayon::prelude::*;
use sealbook::ledger::key::{PublicKey, Signature, StrictVerifier};

/// Signatures of one key.
const PER_KEY: u64 = 500;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().ok());
    let count: u64 = arguments.next().flatten().unwrap_or(1_000_000);
    let first: u64 = arguments.next().flatten().unwrap_or(0);
    let started = Instant::now();
    let keys = count.div_ceil(PER_KEY);
    let results: Vec<_> = (first..first + keys).into_par_iter().map(compare).collect();
    let valid: usize = results.iter().map(|(valid, _)| valid).sum();
    let apart: usize = results.iter().map(|(_, apart)| apart).sum();
    println!(
        "{} signatures of {keys} keys: {valid} valid, {apart} disagreements, {:.0} s",
        keys * PER_KEY,
        started.elapsed().as_secs_f64()
    );
    std::process::exit(i32::from(apart > 0));
}

/// How many are valid, and on how many the two differ.
fn compare(seed: u64) -> (usize, usize) {
    let mut choices = Choices::new(seed);
    let key = Key::draw(&mut choices);
    let signed: Vec<_> = (0..PER_KEY)
        .map(|_| Signed::draw(&key, &mut choices))
        .collect();
    let mut verifier = StrictVerifier::new(&PublicKey::from_bytes(key.bytes));
    // So many that they are judged out of tables.
    verifier.expect(1_000);
    let batch: Vec<_> = signed
        .iter()
        .map(|s| (s.message.as_slice(), Signature::from_bytes(s.signature)))
        .collect();
    let decoded = VerifyingKey::from_bytes(&key.bytes).ok();
    let canonical = decoded.filter(|k| k.to_edwards().compress().as_bytes() == &key.bytes);
    let (mut valid, mut apart) = (0, 0);
    for (one, verdict) in signed.iter().zip(verifier.verify_batch(&batch)) {
        let signature = ed25519_dalek::Signature::from_bytes(&one.signature);
        let strict = canonical
            .as_ref()
            .is_some_and(|k| k.verify_strict(&one.message, &signature).is_ok());
        valid += usize::from(strict);
        if strict != verdict {
            apart += 1;
            println!(
                "seed {seed}: key {:x?} signature {:x?}",
                key.bytes, one.signature
            );
        }
    }
    (valid, apart)
}
