//! MV-TC-15: how long a manifest of 200 artifacts with 64 MB takes to verify,
//! against 100 ms and against raw SHA-256 of the same bytes on all cores in the
//! same run (wanted: at least 0.9 of its throughput).
//!
//! `cargo run --release --no-default-features --features files --example bench-manifest`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the terminal; a failed step ends it"
)]

use std::fs;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use sealbook::files::Disk;
use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::time::Timestamp;
use sealbook::manifest::{FolderVerifier, ManifestOutcome, ManifestVerifier as _, build, write};
use zeroize::Zeroizing;

const ARTIFACTS: usize = 200;
const BYTES: usize = 64_000_000;
const ROUNDS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let contents: Vec<Vec<u8>> = (0..ARTIFACTS)
        .map(|n| vec![n as u8; BYTES / ARTIFACTS])
        .collect();
    for (n, content) in contents.iter().enumerate() {
        fs::write(folder.path().join(format!("artifact-{n}")), content).unwrap();
    }
    let signer = SoftwareSigner::from_seed(&Zeroizing::new([7; 32]));
    let now = Timestamp::parse("2026-11-20T16:56:48Z").unwrap();
    let path = folder.path().join("Manifest.json");
    let manifest = build(folder.path(), "Manifest.json", None, now).unwrap();
    write(&manifest, &path, &signer).unwrap();

    let (mut raw, mut verified) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let digests = || {
            contents
                .par_iter()
                .with_max_len(1)
                .map(|c| Sha256Digest::of(c))
        };
        raw.push(time(|| {
            assert_eq!(digests().collect::<Vec<_>>().len(), ARTIFACTS)
        }));
        verified.push(time(|| {
            let verifier = FolderVerifier::airborne(&Disk);
            let result = verifier.verify_manifest(&path, &[signer.public_key()]);
            assert_eq!(result.outcome(), ManifestOutcome::Pass);
        }));
    }
    let (raw, verified) = (median(raw), median(verified));
    println!("raw SHA-256   {raw:?}");
    println!("verification  {verified:?}, of MV-TC-15's 100 ms");
    println!(
        "throughput    {:.3} of raw",
        raw.as_secs_f64() / verified.as_secs_f64()
    );
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap()
}
