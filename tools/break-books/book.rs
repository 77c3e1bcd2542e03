//! Books to break: entries of one key, and chance that can be repeated.

use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::SoftwareSigner;
use sealbook::ledger::time::Timestamp;
use zeroize::Zeroizing;

/// SplitMix64: the same numbers for the same seed, everywhere.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `from` up to, not including, `end`.
    pub(crate) fn between(&mut self, from: u64, end: u64) -> u64 {
        from + self.below(end.saturating_sub(from))
    }

    pub(crate) fn hash(&mut self) -> Hash {
        Hash::of(&self.next().to_le_bytes())
    }
}

/// The key of number `n`.
pub(crate) fn signer(n: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([n; 32]))
}

/// An entry whose payload says `text`.
pub(crate) fn entry(signer: &SoftwareSigner, n: u64, text: &str, prev: &Hash) -> Entry {
    let start = Timestamp::parse("2026-03-01T10:00:00Z").expect("a time");
    let ts = start.saturating_add_micros(i64::try_from(n).expect("small") * 1_000);
    let payload = format!("{{\"amount\":{},\"n\":{n},\"text\":\"{text}\"}}", n * 7);
    let draft = Draft::new("payment", ts, payload.as_bytes(), prev).expect("an entry");
    draft.sign(signer).expect("a signature")
}

/// A whole book.
pub(crate) fn whole(signer: &SoftwareSigner, entries: u64) -> Vec<Entry> {
    let mut book: Vec<Entry> = Vec::new();
    for n in 0..entries {
        let prev = book.last().map_or(Hash::ZERO, Entry::hash);
        book.push(entry(signer, n, "as it was", &prev));
    }
    book
}

/// A line of a logbook file, without its newline.
pub(crate) fn line(entry: &Entry) -> Vec<u8> {
    let mut line = Vec::new();
    entry.write_json(None, &mut line);
    line
}
