//! What the machine can do without us: primitives on one core, and RocksDB and
//! the disk without any cryptography.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use blake2::{Blake2b256, Digest};
use ed25519_dalek::{Signer as _, SigningKey};
use rocksdb::{DB, Options, WriteOptions};

use crate::scene::{BESIDE, PAYLOAD};
use crate::writing::{CROWD, CROWD_TIME};
use crate::{Fallible, say};

/// Thousands a second of `work`, over half a second.
fn rate(mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < Duration::from_millis(500) {
        for _ in 0..64 {
            work();
        }
        count += 64.0;
    }
    count / started.elapsed().as_secs_f64() / 1_000.0
}

/// ed25519-dalek and BLAKE2b as anyone would call them.
pub(crate) fn primitives() -> Fallible<()> {
    let key = SigningKey::from_bytes(&[42; 32]);
    let public = key.verifying_key();
    let message = vec![b'x'; PAYLOAD];
    let signature = key.sign(&message);
    let sign = rate(|| {
        black_box(key.sign(black_box(&message)));
    });
    say("bound: sign, one core", "thousand/s", sign);
    let strict = rate(|| {
        let _ = black_box(public.verify_strict(black_box(&message), &signature));
    });
    say("bound: verify_strict, one core", "thousand/s", strict);
    let record = vec![b'x'; PAYLOAD + BESIDE];
    let hash = rate(|| {
        black_box(Blake2b256::digest(black_box(&record)));
    });
    say("bound: BLAKE2b of records, one core", "thousand/s", hash);
    Ok(())
}

/// As many threads as append in [`crate::writing::crowd`] put records of the
/// same size into RocksDB, each write synced before it returns.
pub(crate) fn rocksdb_crowd(folder: &Path) -> Fallible<()> {
    let mut options = Options::default();
    options.create_if_missing(true);
    let db = DB::open(&options, folder.join("peer"))?;
    let record = vec![b'x'; PAYLOAD + BESIDE];
    let next = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| {
                let mut synced = WriteOptions::default();
                synced.set_sync(true);
                while started.elapsed() < CROWD_TIME {
                    let key = next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                    if db.put_opt(key, &record, &synced).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let count = next.into_inner() as f64;
    let seconds = started.elapsed().as_secs_f64();
    say(
        "peer: RocksDB synced, 64 threads",
        "thousand/s",
        count / seconds / 1_000.0,
    );
    fdatasync(folder)
}

/// One record after the other at the end of a file, each made durable.
fn fdatasync(folder: &Path) -> Fallible<()> {
    let mut file = std::fs::File::create(folder.join("synced"))?;
    let record = vec![b'x'; PAYLOAD + BESIDE];
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&record)?;
        file.sync_data()?;
        count += 1.0;
    }
    let rate = count / started.elapsed().as_secs_f64() / 1_000.0;
    say("bound: write and fdatasync each", "thousand/s", rate);
    Ok(())
}
