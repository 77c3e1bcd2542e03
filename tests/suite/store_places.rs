//! Making, opening, holding and copying a ledger's directory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sealbook::ledger::position::Seq;
use sealbook::store::{Batch, Corruption, RocksStore, Store, StoreError};

use crate::sample::Chain;

/// A place for a ledger, and a ledger of five entries where one is wanted.
pub(crate) struct Place {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) dir: PathBuf,
}

impl Place {
    pub(crate) fn empty() -> Place {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("ledger");
        Place { temp, dir }
    }

    pub(crate) fn with_ledger() -> Place {
        let place = Place::empty();
        let store = RocksStore::create(&place.dir, Chain::default().batch(5)).unwrap();
        store.close().unwrap();
        place
    }

    /// Changes the database behind the store's back.
    fn edit(&self, edit: impl FnOnce(&rocksdb::DB)) {
        let db = self.dir.join("db");
        let options = rocksdb::Options::default();
        let tables = rocksdb::DB::list_cf(&options, &db).unwrap();
        edit(&rocksdb::DB::open_cf(&options, db, tables).unwrap());
    }
}

type Opener = fn(&Path) -> Result<RocksStore, StoreError>;
const OPENERS: [Opener; 2] = [RocksStore::open, RocksStore::open_read_only];

/// Every file below `dir`, with its bytes.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn a_created_ledger_has_its_first_entries_and_nothing_lies_beside_it() {
    let place = Place::with_ledger();
    for open in OPENERS {
        assert_eq!(open(&place.dir).unwrap().count().unwrap(), 5);
    }
    let names: Vec<_> = fs::read_dir(place.temp.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_ledger_is_created_in_an_empty_directory() {
    let place = Place::empty();
    fs::create_dir(&place.dir).unwrap();
    let id = fs::metadata(&place.dir).unwrap().ino();
    // What a file system has of its own, and what a crash left.
    fs::create_dir(place.dir.join("lost+found")).unwrap();
    fs::create_dir(place.dir.join(".creating-x")).unwrap();
    let store = RocksStore::create(&place.dir, Chain::default().batch(1)).unwrap();
    assert_eq!(store.count().unwrap(), 1);
    drop(store);
    assert_eq!(fs::metadata(&place.dir).unwrap().ino(), id);
    let mut names: Vec<_> = fs::read_dir(&place.dir)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".creating-x", "db", "lock", "lost+found"]);
    assert_eq!(RocksStore::open(&place.dir).unwrap().count().unwrap(), 1);
}

#[test]
fn creating_touches_nothing_that_is_there() {
    let place = Place::with_ledger();
    let before = contents(&place.dir);
    let error = RocksStore::create(&place.dir, Batch::default()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Exists { dir } if *dir == place.dir),
        "{error:?}"
    );
    assert_eq!(contents(&place.dir), before);

    let file = place.temp.path().join("file");
    fs::write(&file, "mine").unwrap();
    let error = RocksStore::create(&file, Batch::default()).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn a_creation_that_is_refused_leaves_nothing() {
    let place = Place::empty();
    let mut chain = Chain::default();
    let (_, second) = (chain.batch(1), chain.batch(1));
    let error = RocksStore::create(&place.dir, second).unwrap_err();
    assert!(
        matches!(error, StoreError::EntryNotNext { expected: 0, .. }),
        "{error:?}"
    );
    assert_eq!(fs::read_dir(place.temp.path()).unwrap().count(), 0);
}

#[test]
fn opening_makes_nothing() {
    let place = Place::empty();
    for open in OPENERS {
        let error = open(&place.dir).unwrap_err();
        assert!(
            matches!(&error, StoreError::Missing { dir } if *dir == place.dir),
            "{error:?}"
        );
        assert!(!place.dir.exists());
    }
    fs::create_dir(&place.dir).unwrap();
    for open in OPENERS {
        let error = open(&place.dir).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
        assert_eq!(fs::read_dir(&place.dir).unwrap().count(), 0);
    }
}

#[test]
fn a_file_is_not_a_ledger() {
    let place = Place::empty();
    fs::write(&place.dir, "text").unwrap();
    for open in OPENERS {
        let error = open(&place.dir).unwrap_err();
        assert!(
            matches!(error, StoreError::NotADirectory { .. }),
            "{error:?}"
        );
        let error = open(&place.dir.join("below")).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
    }
}

#[test]
fn reading_writes_nothing() {
    let place = Place::with_ledger();
    let before = contents(&place.dir);
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    assert_eq!(store.entries(0..9).count(), 5);
    let refused = [
        store.commit(Batch::default()).unwrap_err(),
        store.index(&[], 5).unwrap_err(),
        store.flush().unwrap_err(),
        store.compact().unwrap_err(),
    ];
    assert!(
        refused.iter().all(|e| matches!(e, StoreError::ReadOnly)),
        "{refused:?}"
    );
    store
        .copy_files(&place.temp.path().join("copy"), false)
        .unwrap();
    store.close().unwrap();
    assert_eq!(contents(&place.dir), before);
}

#[test]
fn a_ledger_without_lock_file_is_read_and_gets_none() {
    let place = Place::with_ledger();
    fs::remove_file(place.dir.join("lock")).unwrap();
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    assert_eq!(store.count().unwrap(), 5);
    assert!(!place.dir.join("lock").exists());
}

#[test]
fn an_unknown_format_is_named() {
    let place = Place::with_ledger();
    place.edit(|db| db.put("format", "2").unwrap());
    for open in OPENERS {
        let error = open(&place.dir).unwrap_err();
        assert!(
            matches!(&error, StoreError::UnknownFormat { found } if found == "2"),
            "{error:?}"
        );
    }
    // A later format may have other tables too.
    let options = rocksdb::Options::default();
    let db = place.dir.join("db");
    let tables = rocksdb::DB::list_cf(&options, &db).unwrap();
    rocksdb::DB::open_cf(&options, db, tables)
        .unwrap()
        .create_cf("novel", &options)
        .unwrap();
    for open in OPENERS {
        let error = open(&place.dir).unwrap_err();
        assert!(
            matches!(&error, StoreError::UnknownFormat { found } if found == "2"),
            "{error:?}"
        );
    }
}

#[test]
fn a_ledger_that_names_no_format_is_corrupt() {
    let place = Place::with_ledger();
    place.edit(|db| db.delete("format").unwrap());
    for open in OPENERS {
        assert_corrupt(open(&place.dir), Corruption::NoFormat);
    }
}

#[test]
fn a_ledger_with_other_tables_is_corrupt() {
    let place = Place::with_ledger();
    let options = rocksdb::Options::default();
    let db = place.dir.join("db");
    let tables = rocksdb::DB::list_cf(&options, &db).unwrap();
    rocksdb::DB::open_cf(&options, db, tables)
        .unwrap()
        .drop_cf("hashes")
        .unwrap();
    for open in OPENERS {
        assert_corrupt(open(&place.dir), Corruption::ColumnFamilies);
    }
}

pub(crate) fn assert_corrupt<T: std::fmt::Debug>(
    result: Result<T, StoreError>,
    expected: Corruption,
) {
    match result {
        Err(StoreError::Corrupt { what, .. }) if what == expected => {}
        other => panic!("expected {expected:?}, got {other:?}"),
    }
}

#[test]
fn one_writer_or_many_readers() {
    let place = Place::with_ledger();
    let locked = |result: Result<RocksStore, StoreError>| matches!(result, Err(StoreError::Locked { dir }) if dir == place.dir);
    let writer = RocksStore::open(&place.dir).unwrap();
    assert!(locked(RocksStore::open(&place.dir)));
    assert!(locked(RocksStore::open_read_only(&place.dir)));
    drop(writer);
    let readers = [1, 2].map(|_| RocksStore::open_read_only(&place.dir).unwrap());
    assert!(locked(RocksStore::open(&place.dir)));
    drop(readers);
    RocksStore::open(&place.dir).unwrap();
}

/// Another process with the ledger open; dropping it kills it.
pub(crate) struct Other {
    child: Child,
}

const HELD_DIR: &str = "SEALBOOK_TEST_HELD_DIR";

impl Other {
    /// Starts this test binary again, as a writer who appends three entries.
    pub(crate) fn writing(dir: &Path) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store_places::hold_a_ledger_for_another_test",
                "--nocapture",
            ])
            .env(HELD_DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let held = stdout
            .lines()
            .map_while(Result::ok)
            .any(|line| line.ends_with("held"));
        assert!(held, "the other process could not open the ledger");
        Other { child }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Not a test of its own: what [`Other`] runs.
#[test]
fn hold_a_ledger_for_another_test() {
    let Some(dir) = std::env::var_os(HELD_DIR) else {
        return;
    };
    let store = RocksStore::open(Path::new(&dir)).unwrap();
    let mut chain = Chain::default();
    chain.batch(store.count().unwrap());
    store.commit(chain.batch(3)).unwrap();
    writeln!(std::io::stdout(), "held").unwrap();
    // Until killed, or the test that wanted it is gone.
    let _closed = std::io::stdin().lines().next();
}

#[test]
fn another_processes_ledger_is_locked_and_its_commits_survive_it() {
    let place = Place::with_ledger();
    let other = Other::writing(&place.dir);
    for open in OPENERS {
        let error = open(&place.dir).unwrap_err();
        assert!(
            matches!(&error, StoreError::Locked { dir } if *dir == place.dir),
            "{error:?}"
        );
    }
    drop(other);
    for open in OPENERS {
        assert_eq!(open(&place.dir).unwrap().count().unwrap(), 8);
    }
}

/// A copy of the ledger, by its files.
fn copied(place: &Place) -> PathBuf {
    let copy = place.temp.path().join("copy");
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    store.copy_files(&copy, false).unwrap();
    copy
}

fn commit_one(store: &RocksStore) {
    let mut chain = Chain::default();
    chain.batch(store.count().unwrap());
    store.commit(chain.batch(1)).unwrap();
}

#[test]
fn a_copy_reads_as_its_original_and_takes_no_place_that_is_taken() {
    let place = Place::with_ledger();
    let copy = copied(&place);
    let store = RocksStore::open(&place.dir).unwrap();
    commit_one(&store);
    let refused = store.copy_files(&copy, false).unwrap_err();
    assert!(matches!(refused, StoreError::NotHeld), "{refused:?}");
    drop(store);
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    let again = store.copy_files(&copy, false).unwrap_err();
    assert!(matches!(again, StoreError::Exists { .. }), "{again:?}");
    let reader = RocksStore::open_read_only(&copy).unwrap();
    assert_eq!(reader.count().unwrap(), 5);
    assert_eq!(reader.entry(Seq(4)).unwrap(), store.entry(Seq(4)).unwrap());
}

fn assert_copy(place: &Place, copy: &Path) {
    let refused = RocksStore::open(copy).unwrap_err();
    let real = fs::canonicalize(&place.dir).unwrap();
    assert!(
        matches!(&refused, StoreError::Copy { dir, original } if dir == copy && *original == real),
        "{refused:?}"
    );
}

#[test]
fn a_copy_is_not_written_while_its_original_is_there() {
    let place = Place::with_ledger();
    let copy = copied(&place);
    let before = contents(&place.dir);
    assert_copy(&place, &copy);
    assert_eq!(contents(&place.dir), before);
    // Nor beside a process that writes the original.
    let other = Other::writing(&place.dir);
    assert_copy(&place, &copy);
    drop(other);
    // The original itself goes on, by whatever name.
    let link = place.temp.path().join("link");
    std::os::unix::fs::symlink(&place.dir, &link).unwrap();
    commit_one(&RocksStore::open(&link).unwrap());
    // Once the original is gone, the copy goes on.
    // Beside it it would be found under its new name.
    let away = place.temp.path().join("another/machine");
    fs::create_dir_all(&away).unwrap();
    fs::rename(&place.dir, away.join("ledger")).unwrap();
    commit_one(&RocksStore::open(&copy).unwrap());
}

#[test]
fn a_ledger_that_takes_the_place_of_another_is_no_copy_of_it() {
    let place = Place::with_ledger();
    let copy = copied(&place);
    fs::remove_dir_all(&place.dir).unwrap();
    let batch = Batch {
        entries: vec![Chain::default().entry("another", 7, "{}").0],
        ..Batch::default()
    };
    drop(RocksStore::create(&place.dir, batch).unwrap());
    commit_one(&RocksStore::open(&copy).unwrap());
}

#[test]
fn an_adopted_copy_is_written_and_its_original_is_not() {
    let place = Place::with_ledger();
    let copy = copied(&place);
    assert_eq!(RocksStore::adopt(&place.dir).unwrap(), None);
    let real = fs::canonicalize(&place.dir).unwrap();
    assert_eq!(RocksStore::adopt(&copy).unwrap(), Some(real));
    commit_one(&RocksStore::open(&copy).unwrap());
    let refused = RocksStore::open(&place.dir).unwrap_err();
    assert!(matches!(refused, StoreError::Copy { .. }), "{refused:?}");
}

#[test]
fn a_copy_that_lacks_entries_of_its_original_is_not_adopted() {
    let place = Place::with_ledger();
    let copy = copied(&place);
    commit_one(&RocksStore::open(&place.dir).unwrap());
    let refused = RocksStore::adopt(&copy).unwrap_err();
    assert!(
        matches!(&refused, StoreError::OriginalAhead { last: Seq(5), .. }),
        "{refused:?}"
    );
    commit_one(&RocksStore::open(&place.dir).unwrap());
}

#[test]
fn the_size_on_disk_is_that_of_the_files() {
    let place = Place::with_ledger();
    let store = RocksStore::open_read_only(&place.dir).unwrap();
    let files: usize = contents(&place.dir.join("db")).values().map(Vec::len).sum();
    assert_eq!(store.disk_bytes().unwrap(), files as u64);
}
