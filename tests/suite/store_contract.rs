//! What every store must do, as one function that every store runs.

use std::collections::BTreeSet;
use std::path::Path;

use sealbook::ledger::hash::Hash;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::tile::TileId;
use sealbook::store::term::{SearchField, TermKey};
use sealbook::store::{
    Batch, MemoryStore, NewEpoch, Posting, ReadOrder, RocksStore, Store, StoreError, TileKey,
};

use crate::sample::{Chain, Numbers};

/// A store, and a way to close it and open it again.
struct Subject {
    store: Box<dyn Store>,
    reopen: Reopen,
}

type Reopen = Box<dyn Fn(Box<dyn Store>) -> Box<dyn Store>>;

impl Subject {
    /// Runs `check` on the store as it is, and again after it was reopened.
    fn twice(self, check: impl Fn(&dyn Store)) {
        check(&*self.store);
        check(&*(self.reopen)(self.store));
    }
}

fn store_contract(make: impl Fn() -> Subject) {
    an_empty_store_has_nothing(make());
    what_was_committed_is_read(make());
    ranges_have_what_is_in_them_in_both_orders(make());
    what_does_not_follow_is_refused_and_leaves_nothing(make());
    epochs_are_found_by_the_entries_they_sealed(make());
    many_tiles_are_read_as_each_of_them(make());
    the_last_word_on_a_name_counts(make());
    postings_are_sought_in_both_orders(make());
    the_index_grows_at_its_end_only(make());
    imported_rows_are_read_in_both_orders(make());
}

#[test]
fn memory_store_keeps_the_contract() {
    store_contract(|| Subject {
        store: Box::new(MemoryStore::new()),
        reopen: Box::new(|store| store),
    });
}

#[test]
fn rocks_store_keeps_the_contract() {
    store_contract(|| {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("ledger");
        let store = RocksStore::create(&dir, Batch::default()).unwrap();
        Subject {
            store: Box::new(store),
            reopen: Box::new(move |store| {
                drop(store);
                let _keep = &temp;
                Box::new(RocksStore::open(&dir).unwrap())
            }),
        }
    });
}

#[test]
fn rocks_store_keeps_the_contract_after_flush_and_compaction() {
    store_contract(|| {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("ledger");
        let store = RocksStore::create(&dir, Batch::default()).unwrap();
        Subject {
            store: Box::new(store),
            reopen: Box::new(move |store| {
                store.flush().unwrap();
                drop(store);
                let _keep = &temp;
                compact_and_open_read_only(&dir)
            }),
        }
    });
}

#[test]
fn rocks_store_keeps_the_contract_beside_its_writer() {
    store_contract(|| {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("ledger");
        let store = RocksStore::create(&dir, Batch::default()).unwrap();
        Subject {
            store: Box::new(store),
            reopen: Box::new(move |store| {
                // The writer lives on, and holds what it holds.
                Box::leak(store);
                let _keep = &temp;
                Box::new(RocksStore::open_beside(&dir).unwrap())
            }),
        }
    });
}

fn compact_and_open_read_only(dir: &Path) -> Box<dyn Store> {
    let store = RocksStore::open(dir).unwrap();
    store.compact().unwrap();
    store.close().unwrap();
    Box::new(RocksStore::open_read_only(dir).unwrap())
}

fn an_empty_store_has_nothing(subject: Subject) {
    subject.twice(|store| {
        assert_eq!(store.last_seq().unwrap(), None);
        assert_eq!(store.count().unwrap(), 0);
        assert_eq!(store.entry(Seq(0)).unwrap(), None);
        assert_eq!(store.entries(0..u64::MAX).count(), 0);
        assert_eq!(store.entries_rev(0..u64::MAX).count(), 0);
        assert_eq!(store.seq_of(&Hash::ZERO).unwrap(), None);
        assert_eq!(store.last_epoch().unwrap(), None);
        assert_eq!(store.epoch(EpochNumber(0)).unwrap(), None);
        assert_eq!(store.epochs(EpochNumber(0)).count(), 0);
        assert_eq!(store.epoch_of(Seq(0)).unwrap(), None);
        assert_eq!(store.meta("nothing").unwrap(), None);
        assert_eq!(store.indexed_to().unwrap(), 0);
    });
}

fn what_was_committed_is_read(subject: Subject) {
    let mut chain = Chain::default();
    let (mut first, second) = (chain.batch(3), chain.batch(2));
    let tile = |epoch, level, index| TileKey {
        epoch: EpochNumber(epoch),
        tile: TileId { level, index },
    };
    first.tiles = vec![
        (tile(0, 0, 0), b"00".to_vec()),
        (tile(0, 1, 0), b"10".to_vec()),
    ];
    first.meta = vec![("name", b"value".to_vec())];
    subject.store.commit(first.clone()).unwrap();
    subject.store.commit(second.clone()).unwrap();
    subject.twice(|store| {
        for entry in first.entries.iter().chain(&second.entries) {
            assert_eq!(
                store.entry(entry.seq).unwrap().as_ref(),
                Some(&entry.record)
            );
            assert_eq!(store.seq_of(&entry.hash).unwrap(), Some(entry.seq));
        }
        assert_eq!(store.last_seq().unwrap(), Some(Seq(4)));
        assert_eq!(store.count().unwrap(), 5);
        assert_eq!(store.entry(Seq(5)).unwrap(), None);
        assert_eq!(store.meta("name").unwrap(), Some(b"value".to_vec()));
        // In the order of the question, whatever the order of the keys.
        let keys = [tile(0, 1, 0), tile(0, 0, 1), tile(0, 0, 0), tile(1, 0, 0)];
        let tiles = [Some(b"10".to_vec()), None, Some(b"00".to_vec()), None];
        assert_eq!(store.tiles(&keys).unwrap(), tiles);
        assert_eq!(store.tiles(&[]).unwrap(), Vec::<Option<Vec<u8>>>::new());
        let records = store.entries_of(&[Seq(4), Seq(9), Seq(0), Seq(4)]);
        let records: Vec<_> = records.into_iter().map(Result::unwrap).collect();
        let [last, first] = [&second.entries[1], &first.entries[0]].map(|e| Some(e.record.clone()));
        assert_eq!(records, [last.clone(), None, first, last]);
        assert!(store.entries_of(&[]).is_empty());
    });
}

fn ranges_have_what_is_in_them_in_both_orders(subject: Subject) {
    let mut chain = Chain::default();
    // Past 256, so that the order of keys is that of numbers and not of bytes.
    let batch = chain.batch(300);
    subject.store.commit(batch).unwrap();
    subject.twice(|store| {
        // What a caller's arithmetic may come to.
        let backwards = std::ops::Range { start: 7, end: 3 };
        for range in [
            0..300,
            0..0,
            0..1,
            250..260,
            299..400,
            300..400,
            backwards.clone(),
            0..u64::MAX,
        ] {
            let expected: Vec<u64> = range.clone().filter(|n| *n < 300).take(300).collect();
            let seqs = |rows: sealbook::store::Rows<'_, Seq>| -> Vec<u64> {
                rows.map(|row| row.unwrap().0.0).collect()
            };
            assert_eq!(seqs(store.entries(range.clone())), expected);
            let mut backwards = seqs(store.entries_rev(range));
            backwards.reverse();
            assert_eq!(backwards, expected);
        }
    });
}

fn what_does_not_follow_is_refused_and_leaves_nothing(subject: Subject) {
    let store = &subject.store;
    let mut chain = Chain::default();
    let (first, second, third) = (chain.batch(2), chain.batch(1), chain.batch(1));
    store.commit(first.clone()).unwrap();

    let again = store.commit(first).unwrap_err();
    assert!(
        matches!(
            again,
            StoreError::EntryNotNext {
                expected: 2,
                found: Seq(0)
            }
        ),
        "{again}"
    );
    let gap = store.commit(third.clone()).unwrap_err();
    assert!(
        matches!(
            gap,
            StoreError::EntryNotNext {
                expected: 2,
                found: Seq(3)
            }
        ),
        "{gap}"
    );

    let epoch = |number, last_seq| NewEpoch {
        number: EpochNumber(number),
        last_seq: Seq(last_seq),
        header: b"{}".to_vec(),
    };
    let mut early = second.clone();
    early.epoch = Some(epoch(1, 2));
    let skipped = store.commit(early).unwrap_err();
    assert!(
        matches!(
            skipped,
            StoreError::EpochNotNext {
                expected: 0,
                found: EpochNumber(1),
                ..
            }
        ),
        "{skipped}"
    );
    let mut beyond = second.clone();
    beyond.epoch = Some(epoch(0, 3));
    let beyond = store.commit(beyond).unwrap_err();
    assert!(
        matches!(
            beyond,
            StoreError::EpochNotNext {
                last_seq: Seq(3),
                ..
            }
        ),
        "{beyond}"
    );

    assert_eq!(store.count().unwrap(), 2);
    assert_eq!(store.entry(Seq(2)).unwrap(), None);
    assert_eq!(store.seq_of(&second.entries[0].hash).unwrap(), None);
    // A refusal is not a failure: what follows is taken.
    store.commit(second).unwrap();
    store.commit(third).unwrap();
    subject.twice(|store| assert_eq!(store.count().unwrap(), 4));
}

fn epochs_are_found_by_the_entries_they_sealed(subject: Subject) {
    let mut chain = Chain::default();
    let sizes = [1, 300, 2, 5];
    let mut last = 0;
    for (number, size) in (0..).zip(sizes) {
        let mut batch = chain.batch(size);
        last += size;
        batch.epoch = Some(NewEpoch {
            number: EpochNumber(number),
            last_seq: Seq(last - 1),
            header: vec![b'0' + u8::try_from(number).unwrap()],
        });
        subject.store.commit(batch).unwrap();
    }
    subject.store.commit(chain.batch(3)).unwrap();
    subject.twice(|store| {
        assert_eq!(store.last_epoch().unwrap(), Some(EpochNumber(3)));
        let mut seq = 0;
        for (number, size) in (0..).zip(sizes) {
            let number = EpochNumber(number);
            for _ in 0..size {
                assert_eq!(store.epoch_of(Seq(seq)).unwrap(), Some(number), "{seq}");
                seq += 1;
            }
        }
        assert_eq!(store.epoch_of(Seq(seq)).unwrap(), None);
        assert_eq!(store.epoch(EpochNumber(2)).unwrap(), Some(b"2".to_vec()));
        let from_two: Vec<_> = store.epochs(EpochNumber(2)).map(Result::unwrap).collect();
        assert_eq!(
            from_two,
            [
                (EpochNumber(2), b"2".to_vec()),
                (EpochNumber(3), b"3".to_vec())
            ]
        );
    });
}

fn many_tiles_are_read_as_each_of_them(subject: Subject) {
    let tile = |level, index| TileKey {
        epoch: EpochNumber(7),
        tile: TileId { level, index },
    };
    let there = |index: u64| index % 3 != 1 && index < 290;
    let bytes = |index: u64| vec![index as u8; index as usize];
    let below = (0..300).filter(|index| there(*index));
    let tiles = below.map(|index| (tile(0, index), bytes(index)));
    let batch = Batch {
        tiles: tiles.chain([(tile(1, 0), b"above".to_vec())]).collect(),
        ..Batch::default()
    };
    subject.store.commit(batch).unwrap();
    subject.twice(|store| {
        for indexes in [0..300, 64..200, 250..400, 300..500] {
            let keys: Vec<_> = indexes.clone().map(|index| tile(0, index)).collect();
            let wanted: Vec<_> = indexes
                .map(|index| there(index).then(|| bytes(index)))
                .collect();
            assert_eq!(store.tiles(&keys).unwrap(), wanted);
            // The same backwards, twice each, and far apart.
            let back: Vec<_> = keys.iter().rev().flat_map(|key| [*key, *key]).collect();
            let read = store.tiles(&back).unwrap();
            let twice = wanted.iter().rev().flat_map(|one| [one, one]);
            assert!(read.iter().eq(twice));
            let every: Vec<_> = keys.iter().flat_map(|key| [*key, *key]).collect();
            let twice = wanted.iter().flat_map(|one| [one, one]);
            assert!(store.tiles(&every).unwrap().iter().eq(twice));
        }
    });
}

fn the_last_word_on_a_name_counts(subject: Subject) {
    for value in [b"one".to_vec(), Vec::new(), b"three".to_vec()] {
        let batch = Batch {
            meta: vec![("name", value.clone())],
            ..Batch::default()
        };
        subject.store.commit(batch).unwrap();
        assert_eq!(subject.store.meta("name").unwrap(), Some(value));
    }
    subject.twice(|store| assert_eq!(store.meta("name").unwrap(), Some(b"three".to_vec())));
}

fn postings_are_sought_in_both_orders(subject: Subject) {
    const COUNT: u64 = 600;
    let mut chain = Chain::default();
    subject.store.commit(chain.batch(COUNT)).unwrap();
    let terms = [
        TermKey::new(SearchField::Tenant, "a"),
        TermKey::new(SearchField::Tenant, "b"),
        TermKey::new(SearchField::Worker, "a"),
        TermKey::of_bool(SearchField::Denied, true),
    ];
    let mut numbers = Numbers(1);
    let mut lists = vec![BTreeSet::new(); terms.len()];
    for half in [0..COUNT / 2, COUNT / 2..COUNT] {
        let mut postings = Vec::new();
        for seq in half.clone().map(Seq) {
            for (term, list) in terms.iter().zip(&mut lists) {
                if numbers.below(5) == 0 {
                    list.insert(seq);
                    postings.push(Posting { term: *term, seq });
                }
            }
        }
        subject.store.index(&postings, half.end).unwrap();
        // Written twice, as when an index that lost its mark is made again.
        subject.store.index(&postings, half.end).unwrap();
        subject.store.flush().unwrap();
    }
    subject.twice(|store| {
        assert_eq!(store.indexed_to().unwrap(), COUNT);
        let absent = TermKey::new(SearchField::Decision, "a");
        for order in [ReadOrder::Ascending, ReadOrder::Descending] {
            let mut none = store.postings(&absent, order).unwrap();
            assert_eq!(none.seek(Seq(300)).unwrap(), None);
        }
        for (term, list) in terms.iter().zip(&lists) {
            for stride in [1, 3, 40] {
                leaps_find_what_is_there(store, term, list, stride);
            }
        }
    });
}

fn the_index_grows_at_its_end_only(subject: Subject) {
    subject.store.commit(Chain::default().batch(10)).unwrap();
    let term = TermKey::new(SearchField::Tenant, "a");
    let posting = |seq| Posting {
        term,
        seq: Seq(seq),
    };
    let postings = [posting(1), posting(3)];
    subject.store.index(&postings, 4).unwrap();
    // What is below the mark was said, and is said once.
    let postings = [posting(2), posting(5)];
    subject.store.index(&postings, 6).unwrap();
    subject.store.index(&[posting(9)], 3).unwrap();
    subject.store.flush().unwrap();
    subject.twice(|store| {
        assert_eq!(store.indexed_to().unwrap(), 6);
        let mut up = store.postings(&term, ReadOrder::Ascending).unwrap();
        let found = [0, 2, 4, 6].map(|at| up.seek(Seq(at)).unwrap());
        assert_eq!(found, [Some(Seq(1)), Some(Seq(3)), Some(Seq(5)), None]);
    });
}

fn imported_rows_are_read_in_both_orders(subject: Subject) {
    let key = |n: u16| n.to_be_bytes().to_vec();
    let rows: Vec<_> = (0..600).map(|n| (key(n), vec![n as u8; 3])).collect();
    subject.store.put_imported(&rows).unwrap();
    subject
        .store
        .put_imported(&[(key(7), b"new".to_vec())])
        .unwrap();
    subject.twice(|store| {
        assert_eq!(store.imported(&key(7)).unwrap(), Some(b"new".to_vec()));
        assert_eq!(store.imported(&key(8)).unwrap(), Some(vec![8; 3]));
        assert_eq!(store.imported(&key(600)).unwrap(), None);
        for range in [0..600, 5..5, 250..260, 590..700, 600..700_u16] {
            let expected: Vec<u16> = range.clone().filter(|n| *n < 600).collect();
            let keys = |order| -> Vec<u16> {
                let range = key(range.start)..key(range.end);
                let number = |row: Result<(Vec<u8>, _), StoreError>| {
                    u16::from_be_bytes(row.unwrap().0.try_into().unwrap())
                };
                store.imported_rows(range, order).map(number).collect()
            };
            assert_eq!(keys(ReadOrder::Ascending), expected);
            let mut backwards = keys(ReadOrder::Descending);
            backwards.reverse();
            assert_eq!(backwards, expected);
        }
    });
}

/// Goes through a list both ways, leaping `stride` beyond each find.
fn leaps_find_what_is_there(store: &dyn Store, term: &TermKey, list: &BTreeSet<Seq>, stride: u64) {
    let mut up = store.postings(term, ReadOrder::Ascending).unwrap();
    let mut at = Seq(0);
    while let Some(found) = up.seek(at).unwrap() {
        assert_eq!(Some(&found), list.range(at..).next(), "up from {at}");
        at = Seq(found.0 + stride);
    }
    assert_eq!(list.range(at..).next(), None);

    let mut down = store.postings(term, ReadOrder::Descending).unwrap();
    let mut at = Some(Seq(u64::MAX));
    while let Some(from) = at {
        let found = down.seek(from).unwrap();
        assert_eq!(
            found.as_ref(),
            list.range(..=from).next_back(),
            "down from {from}"
        );
        at = found.and_then(|seq| seq.0.checked_sub(stride)).map(Seq);
    }
}
