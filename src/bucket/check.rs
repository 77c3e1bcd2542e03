//! Whether a bucket can hold a log at all: creations that exclude each other.
//!
//! The whole of fencing stands on one condition: of several creations of one key, one
//! succeeds. Not every store that speaks S3 holds it when they come at the same time, so
//! it is tried, over every endpoint that is named, and the outcome is kept in the bucket.

use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::BucketError;
use super::objects::Objects;
use super::protocol::Answer;
use crate::ledger::hash::Hash;
use crate::ledger::json::Form;
use crate::ledger::{parse, shape};

/// Connections that race.
pub const CONNECTIONS: usize = 8;

/// Keys that they race for.
pub const KEYS: usize = 64;

/// Where the outcome is kept.
const PASSED: &str = "check/passed";

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passed {
    /// Keys that were raced for.
    pub keys: u64,
    /// Connections that raced.
    pub connections: u64,
    /// Endpoints that they went over.
    pub endpoints: u64,
}

/// Refuses a bucket that has not passed.
///
/// # Errors
/// [`BucketError::NotChecked`].
pub fn passed(base: &Objects) -> Result<Passed, BucketError> {
    let url = || base.url().to_owned();
    let bytes = base.read(PASSED)?;
    let bytes = bytes.ok_or_else(|| BucketError::NotChecked { url: url() })?;
    let value = parse::parse(&bytes).ok();
    let passed = value.and_then(|value| shape::read(&value, "").ok());
    passed.ok_or_else(|| BucketError::NotChecked { url: url() })
}

/// Races, and keeps the outcome if it is good. `endpoints` lead to the same prefix of the
/// same bucket, one at least.
///
/// # Errors
/// [`BucketError::NotExclusive`] names the key; [`BucketError::Store`].
pub fn run(endpoints: &[Objects]) -> Result<Passed, BucketError> {
    let Some(first) = endpoints.first() else {
        return Err(BucketError::NoLog { url: String::new() });
    };
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(BucketError::Randomness)?;
    let id = hex::encode(id);
    // Wrong credentials, clocks and names show here, with what the store says.
    let probe = format!("check/{id}/probe");
    first.try_create(&probe, Bytes::from_static(b"probe"))?;
    for other in endpoints {
        if other.read(&probe)?.as_deref() != Some(b"probe") {
            return Err(BucketError::NotExclusive {
                key: probe,
                times: 0,
            });
        }
    }
    for key in 0..KEYS {
        let key = format!("check/{id}/{key}");
        race(endpoints, &key)?;
        first.remove(&key)?;
    }
    first.remove(&probe)?;
    let passed = Passed {
        keys: KEYS as u64,
        connections: CONNECTIONS as u64,
        endpoints: endpoints.len() as u64,
    };
    let text = shape::write(&passed).canonical(Form::Utf8);
    first.replace(PASSED, Bytes::from(text.into_bytes()))?;
    Ok(passed)
}

/// Every connection creates the key with bytes of its own, at the same time.
fn race(endpoints: &[Objects], key: &str) -> Result<(), BucketError> {
    let start = Arc::new(Barrier::new(CONNECTIONS));
    let racers = endpoints.iter().cycle().take(CONNECTIONS).enumerate();
    let threads: Vec<_> = racers
        .map(|(number, objects)| {
            let (objects, key, start) = (objects.clone(), key.to_owned(), Arc::clone(&start));
            thread::spawn(move || {
                let bytes = Bytes::from(format!("{key} {number}"));
                start.wait();
                let created = objects.create(&key, bytes.clone()) == Answer::Created;
                (created, bytes)
            })
        })
        .collect();
    let raced: Vec<_> = threads
        .into_iter()
        .filter_map(|thread| thread.join().ok())
        .collect();
    let winners: Vec<_> = raced.iter().filter(|(created, _)| *created).collect();
    let failed = |times| BucketError::NotExclusive {
        key: key.to_owned(),
        times,
    };
    if winners.len() > 1 || raced.len() < CONNECTIONS {
        return Err(failed(winners.len()));
    }
    // An answer may be lost; what is there is of one of them, over every endpoint, and of
    // the winner if there is one.
    let mut seen: Option<Hash> = winners.first().map(|(_, bytes)| Hash::of(bytes));
    for objects in endpoints {
        let found = objects.read(key)?.ok_or_else(|| failed(0))?;
        let found = Hash::of(&found);
        if *seen.get_or_insert(found) != found {
            return Err(failed(2));
        }
    }
    Ok(())
}
