//! How many files a ledger has, whatever the pattern of writes.

use std::fs;
use std::path::Path;

use rocksdb::{DB, Options};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::tile::TileId;
use sealbook::store::term::{SearchField, TermKey};
use sealbook::store::{Batch, NewEpoch, Posting, RocksStore, Store, TileKey};

use crate::sample::Chain;
use crate::store_places::Place;

/// Files that a ledger may have, of whatever sort.
const MOST_FILES: usize = 100;

/// Processes that write one after the other.
const COUNT: u64 = 250;

fn files(dir: &Path) -> usize {
    fs::read_dir(dir.join("db")).unwrap().count()
}

/// One entry, sealed, with its rows in every table that grows by it.
fn one_of_everything(chain: &mut Chain, number: u64) -> Batch {
    let mut batch = chain.batch(1);
    let (epoch, last_seq) = (EpochNumber(number), batch.entries[0].seq);
    batch.epoch = Some(NewEpoch {
        number: epoch,
        last_seq,
        header: vec![b'h'; 600],
    });
    let tile = TileId { level: 0, index: 0 };
    batch.tiles = vec![(TileKey { epoch, tile }, vec![1; 32])];
    batch.meta = vec![("name", number.to_be_bytes().to_vec())];
    batch
}

fn index(store: &RocksStore, seq: Seq) {
    let of = |field, value: &str| Posting {
        term: TermKey::new(field, value),
        seq,
    };
    let own = seq.to_string();
    let postings = [
        of(SearchField::Kind, "sample"),
        of(SearchField::Correlation, &own),
    ];
    store.index(&postings, seq.0 + 1).unwrap();
}

#[test]
fn hundreds_of_processes_that_write_a_little_each_leave_few_files() {
    let place = Place::empty();
    let mut chain = Chain::default();
    drop(RocksStore::create(&place.dir, one_of_everything(&mut chain, 0)).unwrap());
    let mut most = 0;
    for number in 1..COUNT {
        let store = RocksStore::open(&place.dir).unwrap();
        store.commit(one_of_everything(&mut chain, number)).unwrap();
        index(&store, Seq(number));
        let imported = (
            format!("{:x}", number * 7_919 % COUNT).into_bytes(),
            vec![0; 99],
        );
        store.put_imported(&[imported]).unwrap();
        // One way or the other: closed, or ended without a word.
        if number % 3 == 0 {
            drop(store);
        } else {
            store.close().unwrap();
        }
        most = most.max(files(&place.dir));
    }
    assert!(most <= MOST_FILES, "{most} files");
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    assert_eq!(store.entries(0..u64::MAX).count() as u64, COUNT);
    assert_eq!(store.epochs(EpochNumber(0)).count() as u64, COUNT);
    store.scrub().unwrap();
}

#[test]
fn opening_hundreds_of_times_without_writing_leaves_few_files() {
    let place = Place::with_ledger();
    for _ in 0..COUNT {
        drop(RocksStore::open(&place.dir).unwrap());
    }
    let found = files(&place.dir);
    assert!(found <= MOST_FILES / 2, "{found} files");
}

/// What earlier versions left: a table file of every table for every process.
#[test]
fn a_ledger_of_hundreds_of_small_tables_opens_and_heals() {
    let place = Place::with_ledger();
    let path = place.dir.join("db");
    let mut options = Options::default();
    options.set_disable_auto_compactions(true);
    let names = DB::list_cf(&options, &path).unwrap();
    let tables = names.iter().map(|name| (name, options.clone()));
    let db = DB::open_cf_with_opts(&options, &path, tables).unwrap();
    let mut chain = Chain::default();
    chain.batch(5);
    for _ in 0..300 {
        let entry = chain.batch(1).entries.remove(0);
        let seq = entry.seq.0.to_be_bytes();
        for (table, key, value) in [
            ("entries", &seq[..], &entry.record[..]),
            ("hashes", &entry.hash.as_bytes()[..], &seq[..]),
        ] {
            let family = db.cf_handle(table).unwrap();
            db.put_cf(family, key, value).unwrap();
            db.flush_cf(family).unwrap();
        }
    }
    drop(db);
    assert!(files(&place.dir) > 600);

    let store = RocksStore::open(&place.dir).unwrap();
    let next = chain.batch(1);
    store.commit(next).unwrap();
    store.close().unwrap();
    let found = files(&place.dir);
    assert!(found <= MOST_FILES, "{found} files");
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    assert_eq!(store.entries(0..u64::MAX).count(), 306);
}

/// What earlier versions left at the bottom of a table whose rows go everywhere.
#[test]
fn a_table_in_many_pieces_is_put_together() {
    let place = Place::with_ledger();
    let path = place.dir.join("db");
    let mut options = Options::default();
    options.set_disable_auto_compactions(true);
    options.set_target_file_size_base(1_000);
    let names = DB::list_cf(&options, &path).unwrap();
    let tables = names.iter().map(|name| (name, options.clone()));
    let db = DB::open_cf_with_opts(&options, &path, tables).unwrap();
    let hashes = db.cf_handle("hashes").unwrap();
    for n in 0..20_000_u64 {
        let hash = Hash::of(&n.to_be_bytes());
        db.put_cf(hashes, hash.as_bytes(), 0_u64.to_be_bytes())
            .unwrap();
    }
    db.flush_cf(hashes).unwrap();
    db.compact_range_cf(hashes, None::<&[u8]>, None::<&[u8]>);
    drop(db);
    let before = files(&place.dir);
    assert!(before > MOST_FILES, "{before} files");
    drop(RocksStore::open(&place.dir).unwrap());
    let after = files(&place.dir);
    assert!(after < MOST_FILES / 2, "{after} files");
}
