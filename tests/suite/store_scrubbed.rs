//! Damage that nobody asks for is found all the same, and nothing is built upon it.

use std::fs;
use std::path::PathBuf;

use sealbook::ledger::hash::Hash;
use sealbook::store::{Corruption, RocksStore, Store};

use crate::sample::Chain;
use crate::store_places::{Place, assert_corrupt};

const MIB: u64 = 1 << 20;

/// A closed ledger of some mebibytes that do not compress, in tables.
fn large(mebibytes: u64) -> Place {
    let place = Place::empty();
    let store = RocksStore::create(&place.dir, Chain::default().batch(1)).unwrap();
    for n in 0..64 * mebibytes {
        let value = |at: u64| *Hash::of(&[n.to_be_bytes(), at.to_be_bytes()].concat()).as_bytes();
        let value: Vec<u8> = (0..512).flat_map(value).collect();
        store
            .put_imported(&[(n.to_be_bytes().to_vec(), value)])
            .unwrap();
    }
    store.compact().unwrap();
    store.close().unwrap();
    place
}

fn largest(place: &Place) -> PathBuf {
    let files = fs::read_dir(place.dir.join("db")).unwrap();
    let tables = files.map(|file| file.unwrap().path());
    let tables = tables.filter(|path| path.extension().is_some_and(|ending| ending == "sst"));
    tables
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap()
}

/// Changes one byte, at so many hundredths of the largest table.
fn damage(place: &Place, hundredths: usize) {
    let path = largest(place);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 100 * hundredths;
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

#[test]
fn whatever_is_damaged_some_opening_finds_it() {
    for hundredths in [3, 50, 90] {
        let place = large(20);
        damage(&place, hundredths);
        let opened = |_: &u64| RocksStore::open(&place.dir).map(|store| store.close().unwrap());
        let mut openings = (1..=7).filter_map(|n| opened(&n).err().map(|error| (n, error)));
        let (n, error) = openings.next().unwrap();
        assert_corrupt::<()>(Err(error), Corruption::Engine);
        // Each reads four mebibytes on: none of them reads all.
        let at = 20 * u64::try_from(hundredths).unwrap() / 100;
        assert!(n >= at / 4, "{hundredths}: opening {n}");
    }
}

#[test]
fn a_writer_that_stays_reads_everything_and_writes_no_more_when_it_meets_damage() {
    let place = large(8);
    let store = RocksStore::open(&place.dir).unwrap();
    let calls = (1..=12).find(|_| store.scrub_on(MIB).unwrap());
    assert!(
        calls.is_some_and(|calls| (2..=10).contains(&calls)),
        "{calls:?}"
    );
    damage(&place, 50);
    let mut chain = Chain::default();
    chain.batch(1);
    store.commit(chain.batch(1)).unwrap();
    let met = (1..=12).find_map(|_| store.scrub_on(MIB).err());
    assert_corrupt::<()>(Err(met.unwrap()), Corruption::Engine);
    assert_corrupt(store.commit(chain.batch(1)), Corruption::Engine);
}

#[test]
fn damage_that_a_merge_meets_stops_the_writer() {
    let place = large(8);
    let store = RocksStore::open(&place.dir).unwrap();
    damage(&place, 70);
    let row = |n: u64| [(n.to_be_bytes().to_vec(), b"new".to_vec())];
    store.put_imported(&row(3)).unwrap();
    // It reads the table that it merges the new row with.
    store.compact().unwrap();
    assert_corrupt(store.put_imported(&row(4)), Corruption::Engine);
    let mut chain = Chain::default();
    chain.batch(1);
    assert_corrupt(store.commit(chain.batch(1)), Corruption::Engine);
}
