//! The tables, and how their keys are spelt.
//!
//! Every number is big-endian, so that keys sort as the numbers do.

use crate::ledger::hash::Hash;
use crate::ledger::position::Seq;

use super::super::{Corruption, OpeningKey, Posting, StoreError, TileKey};
use crate::store::term::TermKey;

/// In [`Table::Meta`]: the version of all this.
pub(super) const FORMAT_KEY: &str = "format";

/// In [`Table::Meta`]: the path of the folder that the ledger lives in.
pub(super) const HOME_KEY: &str = "home";

/// In [`Table::Meta`]: the first and last entry of which openings were erased that may
/// be in files still; empty or absent if there are none.
pub(super) const ERASING_KEY: &str = "erasing";

/// In [`Table::Index`]: how many entries are indexed. No term is so short.
pub(super) const INDEXED_TO_KEY: &[u8] = &[0x00];

/// In [`Table::Index`], and as short: which facts the index has terms of.
pub(super) const INDEX_VERSION_KEY: &[u8] = &[0x01];

/// In [`Table::Index`], and as short: where reading for damage goes on.
pub(super) const SCRUBBED_KEY: &[u8] = &[0x02];

/// Which fields each is the first to have all terms of says `query::begun_with`. Without
/// a version it is 1.
pub(super) const INDEX_VERSION: u64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RocksTable {
    Meta,
    Entries,
    Hashes,
    Epochs,
    EpochEnds,
    Tiles,
    Index,
    Imports,
}

impl RocksTable {
    pub(super) const ALL: [RocksTable; 8] = [
        RocksTable::Meta,
        RocksTable::Entries,
        RocksTable::Hashes,
        RocksTable::Epochs,
        RocksTable::EpochEnds,
        RocksTable::Tiles,
        RocksTable::Index,
        RocksTable::Imports,
    ];

    /// Whether what is written later lies among the keys that are there, and not
    /// behind them.
    pub(super) const fn overlaps(self) -> bool {
        matches!(
            self,
            RocksTable::Hashes | RocksTable::Index | RocksTable::Imports
        )
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            // The one that RocksDB makes in every database.
            RocksTable::Meta => "default",
            RocksTable::Entries => "entries",
            RocksTable::Hashes => "hashes",
            RocksTable::Epochs => "epochs",
            RocksTable::EpochEnds => "epoch_ends",
            RocksTable::Tiles => "tiles",
            RocksTable::Index => "index",
            RocksTable::Imports => "imports",
        }
    }
}

pub(super) const fn be(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// The inverse of [`be`], for bytes out of `table`.
pub(super) fn number(table: RocksTable, bytes: &[u8]) -> Result<u64, StoreError> {
    let wrong = |_| {
        StoreError::corrupt(Corruption::Row {
            table: table.name(),
        })
    };
    bytes.try_into().map(u64::from_be_bytes).map_err(wrong)
}

pub(super) fn number_in(
    table: RocksTable,
    value: Option<Vec<u8>>,
) -> Result<Option<u64>, StoreError> {
    value.map(|bytes| number(table, &bytes)).transpose()
}

/// Epoch, level, index: the tiles of an epoch stand together, and in it those
/// of a level.
pub(super) fn tile_key(key: &TileKey) -> [u8; 17] {
    let mut bytes = [key.tile.level; 17];
    fill(&mut bytes, 0, &be(key.epoch.0));
    fill(&mut bytes, 9, &be(key.tile.index));
    bytes
}

/// A word that is not a name, the hour, the key: the notes of an hour stand
/// together, and are forgotten together.
pub(super) fn note_key(hour: u64, key: &[u8; 32]) -> [u8; 45] {
    let mut bytes = [0; 45];
    fill(&mut bytes, 0, b"note/");
    fill(&mut bytes, 5, &be(hour));
    fill(&mut bytes, 13, key);
    bytes
}

/// A word that is not a name, the entry, the commitment: the openings of an entry stand
/// together.
pub(super) fn opening_key(key: &OpeningKey) -> [u8; 45] {
    let mut bytes = [0; 45];
    fill(&mut bytes, 0, OPENING);
    fill(&mut bytes, 5, &be(key.seq.0));
    fill(&mut bytes, 13, key.commitment.as_bytes());
    bytes
}

const OPENING: &[u8] = b"open/";

/// What the keys of all openings of an entry begin with.
pub(super) fn openings_from(seq: u64) -> Vec<u8> {
    [OPENING, &be(seq)].concat()
}

/// The inverse of [`opening_key`].
pub(super) fn read_opening_key(key: &[u8]) -> Result<OpeningKey, StoreError> {
    let read = || {
        let (seq, commitment) = key.strip_prefix(OPENING)?.split_first_chunk::<8>()?;
        Some(OpeningKey {
            seq: Seq(u64::from_be_bytes(*seq)),
            commitment: Hash::from_bytes(commitment.try_into().ok()?),
        })
    };
    read().ok_or(StoreError::corrupt(Corruption::Row {
        table: RocksTable::Meta.name(),
    }))
}

/// Term, then entry: the postings of a term stand together, oldest first.
pub(super) fn posting_key(posting: &Posting) -> [u8; TermKey::BYTES + 8] {
    let mut bytes = [0; TermKey::BYTES + 8];
    fill(&mut bytes, 0, posting.term.as_bytes());
    fill(&mut bytes, TermKey::BYTES, &be(posting.seq.0));
    bytes
}

/// The entry that a key of the index names, if it is one of `term`.
pub(super) fn posting_seq(term: &TermKey, key: &[u8]) -> Result<Option<Seq>, StoreError> {
    let seq = key.strip_prefix(term.as_bytes().as_slice());
    Ok(seq
        .map(|bytes| number(RocksTable::Index, bytes))
        .transpose()?
        .map(Seq))
}

fn fill(bytes: &mut [u8], at: usize, part: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(part) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::position::EpochNumber;
    use crate::ledger::tile::TileId;
    use crate::store::term::SearchField;

    #[test]
    fn keys_sort_as_what_they_spell() {
        let tile = |epoch, level, index| TileKey {
            epoch: EpochNumber(epoch),
            tile: TileId { level, index },
        };
        let keys = [
            tile(0, 0, 255),
            tile(0, 0, 256),
            tile(0, 1, 0),
            tile(1, 0, 0),
            tile(256, 0, 0),
        ];
        assert!(keys.is_sorted());
        assert!(keys.map(|key| tile_key(&key)).is_sorted());
        assert_eq!(
            tile_key(&tile(1, 2, 3)),
            [0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3]
        );
    }

    #[test]
    fn a_posting_reads_back_under_its_term_only() {
        let (term, other) = (
            TermKey::new(SearchField::Tenant, "a"),
            TermKey::new(SearchField::Worker, "a"),
        );
        let seq = Seq(0x0102_0304_0506_0708);
        let key = posting_key(&Posting { term, seq });
        assert!(matches!(posting_seq(&term, &key), Ok(Some(found)) if found == seq));
        assert!(matches!(posting_seq(&other, &key), Ok(None)));
    }
}
