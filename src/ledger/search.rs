//! Where in a book certain entries stand: a second reading, for books with
//! faults only. Nothing is judged; memory is that of two batches and of what is
//! looked for.

use std::collections::{HashMap, HashSet};

use super::hash::Hash;
use super::judge::{JudgeRequest, JudgedEntry, Opinion, judge};
use super::source::{Event, ReadError, Source};

/// Places that are kept of one entry.
const PLACES: usize = 4;

/// Where the entries that were looked for stand: how many entries stand before
/// them in the file, in ascending order, the first few of each.
#[derive(Clone, Debug, Default)]
pub struct Places(HashMap<Hash, Vec<u64>>);

impl Places {
    /// The places of the entry with this hash.
    pub fn of(&self, hash: &Hash) -> &[u64] {
        self.0.get(hash).map_or(&[], Vec::as_slice)
    }
}

/// Reads `source` to its end and finds the entries with the hashes `wanted`.
pub fn search(source: &mut dyn Source, wanted: &HashSet<Hash>) -> Result<Places, ReadError> {
    let mut places = Places::default();
    if wanted.is_empty() {
        return Ok(places);
    }
    let mut count = 0;
    let mut batch = Vec::new();
    source.next_batch(&mut batch)?;
    while !batch.is_empty() {
        let mut next = Vec::new();
        let (judged, read) =
            rayon::join(|| judge(&batch, NOTHING), || source.next_batch(&mut next));
        read?;
        for (event, opinion) in batch.iter().zip(&judged) {
            let (Event::Entry(..), Opinion::Entry(judged)) = (event, opinion) else {
                continue;
            };
            if let JudgedEntry::Read(entry) = judged
                && wanted.contains(&entry.hash)
            {
                let found = places.0.entry(entry.hash).or_default();
                if found.len() < PLACES {
                    found.push(count);
                }
            }
            count += 1;
        }
        batch = next;
    }
    Ok(places)
}

/// Only what an entry hashes to is asked.
const NOTHING: JudgeRequest<'static> = JudgeRequest {
    verifier: None,
    log: None,
    others: &[],
    receipts: false,
    kinds: false,
    index: None,
    header: None,
    selection: false,
};
