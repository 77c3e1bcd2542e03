//! Chains of entries to store. The signatures are not ones: a store does not
//! look at them.

use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{PublicKey, SignError, Signature, Signer};
use sealbook::ledger::position::Seq;
use sealbook::ledger::time::Timestamp;
use sealbook::store::{Batch, NewEntry};

struct NoSigner;

impl Signer for NoSigner {
    fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes([0; 32])
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let digest = Hash::of(message);
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(digest.as_bytes());
        bytes[32..].copy_from_slice(Hash::of(digest.as_bytes()).as_bytes());
        Ok(Signature::from_bytes(bytes))
    }
}

/// A chain that grows.
#[derive(Default)]
pub(crate) struct Chain {
    head: Option<Hash>,
    count: u64,
}

impl Chain {
    /// The next entry, `seconds` after 2026-01-01.
    pub(crate) fn entry(&mut self, kind: &str, seconds: i64, payload: &str) -> (NewEntry, Entry) {
        let prev = self.head.unwrap_or(Hash::ZERO);
        let draft = Draft::new(kind, time(seconds), payload.as_bytes(), &prev).unwrap();
        let entry = draft.sign(&NoSigner).unwrap();
        let seq = Seq(self.count);
        self.head = Some(entry.hash());
        self.count += 1;
        let new = NewEntry {
            seq,
            hash: entry.hash(),
            record: entry.record().to_vec(),
        };
        (new, entry)
    }

    /// A batch of the next `count` entries, all of one small sort.
    pub(crate) fn batch(&mut self, count: u64) -> Batch {
        let entry = |_| {
            let (n, ts) = (self.count, i64::try_from(self.count).unwrap());
            let payload = format!(r#"{{"correlation_id":"c-{n}","n":{n}}}"#);
            self.entry("sample", ts, &payload).0
        };
        Batch {
            entries: (0..count).map(entry).collect(),
            ..Batch::default()
        }
    }
}

/// So many seconds after 2026-01-01.
pub(crate) fn time(seconds: i64) -> Timestamp {
    let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    start.saturating_add_micros(seconds * 1_000_000)
}

/// Numbers that are the same in every run (Knuth's MMIX generator).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next one below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
