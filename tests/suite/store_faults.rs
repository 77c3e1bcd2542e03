//! Damaged files, crashes and failing writes. A store may refuse, and must say
//! why; it may never give bytes that were not stored, or pass over their loss.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealbook::ledger::position::Seq;
use sealbook::store::indexer::catch_up;
use sealbook::store::{Corruption, NewEntry, RocksStore, Store, StoreError};

use crate::sample::Chain;
use crate::store_places::{Place, assert_corrupt};

const COUNT: u64 = 200;

/// A closed ledger of [`COUNT`] entries in table files.
fn in_tables() -> Place {
    let place = Place::empty();
    let store = RocksStore::create(&place.dir, Chain::default().batch(COUNT)).unwrap();
    catch_up(&store, u64::MAX).unwrap();
    store.compact().unwrap();
    store.close().unwrap();
    place
}

/// What a power cut leaves of a ledger of [`COUNT`] entries, committed in
/// batches of ten that are all in the write-ahead log.
fn in_the_log() -> Place {
    let place = Place::empty();
    let live = place.temp.path().join("live");
    let mut chain = Chain::default();
    let store = RocksStore::create(&live, chain.batch(10)).unwrap();
    for _ in 1..COUNT / 10 {
        store.commit(chain.batch(10)).unwrap();
    }
    copy(&live, &place.dir);
    drop(store);
    fs::remove_dir_all(live).unwrap();
    place
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// The database's files whose names end so.
fn files(place: &Place, ending: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(place.dir.join("db"))
        .unwrap()
        .map(|file| file.unwrap().path());
    let ends = |path: &PathBuf| path.to_str().unwrap().contains(ending);
    let found: Vec<_> = all.filter(ends).collect();
    assert!(!found.is_empty(), "no {ending}");
    found
}

/// The write-ahead log that holds something.
fn log(place: &Place) -> PathBuf {
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    files(place, ".log").into_iter().max_by_key(size).unwrap()
}

/// Everything that can be read, compared with what was stored.
fn read_all(store: &RocksStore, expected: &[NewEntry]) -> Result<(), StoreError> {
    for (row, entry) in store.entries(0..u64::MAX).zip(expected) {
        let (seq, record) = row?;
        assert_eq!(
            (seq, &record),
            (entry.seq, &entry.record),
            "other bytes than were stored"
        );
    }
    for entry in expected {
        assert_eq!(
            store.entry(entry.seq)?.as_ref(),
            Some(&entry.record),
            "{}",
            entry.seq
        );
        assert_eq!(store.seq_of(&entry.hash)?, Some(entry.seq));
    }
    Ok(())
}

fn stored() -> Vec<NewEntry> {
    Chain::default().batch(COUNT).entries
}

#[test]
fn a_flipped_byte_in_a_table_is_corruption() {
    let place = in_tables();
    let expected = stored();
    let (mut flips, mut noticed) = (0, 0);
    for file in files(&place, ".sst") {
        let intact = fs::read(&file).unwrap();
        for at in (0..intact.len()).step_by(intact.len() / 12 + 1) {
            let mut damaged = intact.clone();
            damaged[at] ^= 0x40;
            fs::write(&file, damaged).unwrap();
            let read = RocksStore::open_read_only(&place.dir)
                .and_then(|store| read_all(&store, &expected));
            flips += 1;
            match read {
                // A part that holds no entries, or that no reader looks at.
                Ok(()) => {}
                Err(StoreError::Corrupt {
                    what: Corruption::Engine,
                    source: Some(_),
                }) => noticed += 1,
                Err(other) => panic!("{} at {at}: {other:?}", file.display()),
            }
        }
        fs::write(&file, intact).unwrap();
    }
    assert!(
        flips >= 30 && noticed * 2 > flips,
        "{noticed} of {flips} were noticed"
    );
}

#[test]
fn a_lost_file_is_corruption() {
    for ending in [".sst", "MANIFEST", "CURRENT"] {
        let place = in_tables();
        for file in files(&place, ending) {
            let intact = fs::read(&file).unwrap();
            fs::remove_file(&file).unwrap();
            assert_corrupt(RocksStore::open_read_only(&place.dir), Corruption::Engine);
            assert_corrupt(RocksStore::open(&place.dir), Corruption::Engine);
            fs::write(&file, intact).unwrap();
        }
        let store = RocksStore::open_read_only(&place.dir).unwrap();
        read_all(&store, &stored()).unwrap();
    }
}

#[test]
fn a_flipped_byte_in_the_manifest_is_corruption() {
    let place = in_tables();
    let file = files(&place, "MANIFEST").remove(0);
    let intact = fs::read(&file).unwrap();
    for at in (0..intact.len()).step_by(7) {
        let mut damaged = intact.clone();
        damaged[at] ^= 0x01;
        fs::write(&file, damaged).unwrap();
        match RocksStore::open_read_only(&place.dir) {
            Err(StoreError::Corrupt { .. }) => {}
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn a_power_cut_loses_nothing_that_was_committed() {
    let place = in_the_log();
    let reader = RocksStore::open_read_only(&place.dir).unwrap();
    read_all(&reader, &stored()).unwrap();
    assert_eq!(reader.count().unwrap(), COUNT);
    drop(reader);
    let writer = RocksStore::open(&place.dir).unwrap();
    read_all(&writer, &stored()).unwrap();
    assert_eq!(writer.count().unwrap(), COUNT);
}

/// A length that reaches beyond the end of the file looks like the end that a
/// crash leaves; every other flip is told apart from one. Never does a flip
/// give other bytes than were stored, or half a batch.
#[test]
fn a_flipped_byte_in_the_log_is_corruption_or_a_cut() {
    let place = Place::empty();
    let live = place.temp.path().join("live");
    let mut chain = Chain::default();
    let store = RocksStore::create(&live, chain.batch(1)).unwrap();
    (0..3).for_each(|_| store.commit(chain.batch(1)).unwrap());
    copy(&live, &place.dir);
    let expected = Chain::default().batch(4).entries;

    let file = log(&place);
    let intact = fs::read(&file).unwrap();
    let mut cuts = 0;
    for at in 0..intact.len() {
        let mut damaged = intact.clone();
        damaged[at] ^= 0x01;
        fs::write(&file, damaged).unwrap();
        match RocksStore::open_read_only(&place.dir) {
            Err(StoreError::Corrupt {
                what: Corruption::Engine,
                ..
            }) => {}
            Ok(store) => {
                let count = usize::try_from(store.count().unwrap()).unwrap();
                assert!(count < 4, "the flip of byte {at} changed nothing");
                read_all(&store, &expected[..count]).unwrap();
                cuts += 1;
            }
            Err(other) => panic!("byte {at}: {other:?}"),
        }
    }
    // Two bytes of length a record.
    assert!(cuts <= 2 * 3, "{cuts} flips were taken for a cut");
}

#[test]
fn a_cut_log_gives_whole_batches_and_no_others() {
    let place = in_the_log();
    let file = log(&place);
    let intact = fs::read(&file).unwrap();
    let expected = stored();
    let mut counts = Vec::new();
    for cut in (1..=intact.len()).step_by(intact.len() / 40) {
        fs::write(&file, &intact[..intact.len() - cut]).unwrap();
        let store = RocksStore::open_read_only(&place.dir).unwrap();
        let count = store.count().unwrap();
        assert_eq!(count % 10, 0, "half a batch");
        let kept = usize::try_from(count).unwrap();
        read_all(&store, &expected[..kept]).unwrap();
        if let Some(next) = expected.get(kept) {
            assert_eq!(store.entry(next.seq).unwrap(), None);
            assert_eq!(store.seq_of(&next.hash).unwrap(), None);
        }
        counts.push(count);
    }
    // The loss itself is for the high-water mark to notice.
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    assert!(
        counts.first() < Some(&COUNT) && counts.len() > 20,
        "{counts:?}"
    );
}

#[test]
fn a_lost_log_is_corruption() {
    let place = in_the_log();
    for file in files(&place, ".log") {
        fs::remove_file(file).unwrap();
    }
    assert_corrupt(
        RocksStore::open_read_only(&place.dir),
        Corruption::NoWriteAheadLog,
    );
    assert_corrupt(RocksStore::open(&place.dir), Corruption::NoWriteAheadLog);
}

#[test]
fn the_index_lags_after_a_power_cut_and_catches_up() {
    let place = Place::empty();
    let live = place.temp.path().join("live");
    let mut chain = Chain::default();
    let store = RocksStore::create(&live, chain.batch(50)).unwrap();
    catch_up(&store, u64::MAX).unwrap();
    store.flush().unwrap();
    store.commit(chain.batch(50)).unwrap();
    catch_up(&store, u64::MAX).unwrap();
    assert_eq!(store.indexed_to().unwrap(), 100);
    copy(&live, &place.dir);
    drop(store);
    fs::remove_dir_all(live).unwrap();

    let reopened = RocksStore::open(&place.dir).unwrap();
    assert_eq!(
        (reopened.count().unwrap(), reopened.indexed_to().unwrap()),
        (100, 50)
    );
    assert_eq!(catch_up(&reopened, u64::MAX).unwrap(), 50);
    assert_eq!(reopened.indexed_to().unwrap(), 100);
}

#[test]
fn an_index_of_entries_that_are_gone_is_made_anew() {
    let place = in_tables();
    let store = RocksStore::open(&place.dir).unwrap();
    store.index(&[], COUNT + 1).unwrap();
    store.close().unwrap();
    let reader = RocksStore::open_read_only(&place.dir).unwrap();
    assert_eq!(reader.indexed_to().unwrap(), 0);
    drop(reader);
    let writer = RocksStore::open(&place.dir).unwrap();
    assert_eq!(writer.indexed_to().unwrap(), 0);
    assert_eq!(catch_up(&writer, u64::MAX).unwrap(), COUNT);
    writer.close().unwrap();
    let reader = RocksStore::open_read_only(&place.dir).unwrap();
    assert_eq!(reader.indexed_to().unwrap(), COUNT);
}

const LIMITED_DIR: &str = "SEALBOOK_TEST_LIMITED_DIR";

/// Runs a writer whose files may not grow over two megabytes: to RocksDB a
/// write that fails, as on a full disk.
#[test]
fn after_a_failed_write_nothing_is_taken_and_nothing_committed_is_lost() {
    let place = Place::with_ledger();
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store_faults::write_until_it_fails_for_another_test",
        ])
        .env(LIMITED_DIR, &place.dir)
        .status()
        .unwrap();
    assert!(status.success());
    let committed: u64 = fs::read_to_string(place.dir.join("committed"))
        .unwrap()
        .parse()
        .unwrap();
    let store = RocksStore::open(&place.dir).unwrap();
    // The batch that failed may be there: whole, or not at all.
    let count = store.count().unwrap();
    assert!(
        count == committed || count == committed + 100,
        "{count} of {committed}"
    );
    let mut chain = Chain::default();
    read_all(&store, &chain.batch(count).entries).unwrap();
    store.commit(chain.batch(1)).unwrap();
}

/// Not a test of its own: what the one above runs.
#[test]
fn write_until_it_fails_for_another_test() {
    let Some(dir) = std::env::var_os(LIMITED_DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = RocksStore::open(dir).unwrap();
    let mut chain = Chain::default();
    let mut committed = store.count().unwrap();
    chain.batch(committed);
    let error = loop {
        match store.commit(chain.batch(100)) {
            Ok(()) => committed += 100,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            error,
            StoreError::Io {
                kind: ErrorKind::FileTooLarge,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(store.count().unwrap(), committed);
    let mut chain = Chain::default();
    chain.batch(committed);
    let error = store.commit(chain.batch(1)).unwrap_err();
    assert!(matches!(error, StoreError::Stopped), "{error:?}");
    assert!(store.entry(Seq(0)).unwrap().is_some(), "reading goes on");
    fs::write(dir.join("committed"), committed.to_string()).unwrap();
}

#[test]
fn damage_that_a_reader_meets_stops_the_writer() {
    let place = in_tables();
    let store = RocksStore::open(&place.dir).unwrap();
    let mut chain = Chain::default();
    chain.batch(COUNT);
    store.commit(chain.batch(1)).unwrap();
    let largest = files(&place, ".sst")
        .into_iter()
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    for byte in &mut bytes[..1_000] {
        *byte ^= 0x40;
    }
    fs::write(&largest, bytes).unwrap();
    store.commit(chain.batch(1)).unwrap();
    assert_corrupt(store.scrub_on(u64::MAX), Corruption::Engine);
    assert_corrupt(store.commit(chain.batch(1)), Corruption::Engine);
}
