//! A public log's folder over time: old partial tiles are removed when their full tile has
//! been there for an hour, and not before.

use std::fs;
use std::path::{Path, PathBuf};

use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::{TileSource as _, check_all, prove_growth, prove_inclusion};
use sealbook::logbook::request::PreparedEntry;
use sealbook::publish::{Folder, PublicLog, Publication, alone, bind_name, unpublished};

use sealbook::logbook::clock::Clock as _;

use crate::book::{Book, payload};
use crate::spy::replay;

const HOUR: u64 = 3_600;

struct Scene {
    book: Book,
    folder: PathBuf,
}

impl Scene {
    /// A ledger with a public name.
    fn new() -> Scene {
        let book = Book::in_memory();
        let folder = book.temp().join("public");
        bind_name(
            book.logbook(),
            &"log.example/partial".parse().unwrap(),
            None,
        )
        .unwrap();
        Scene { book, folder }
    }

    fn grow_to(&self, size: u64) {
        let logbook = self.book.logbook();
        let next = logbook.durable().seq.0 + 1;
        let entry = |n: u64| PreparedEntry::of_caller("note", &payload(n as usize)).unwrap();
        let entries = (next..size).map(entry).collect();
        logbook.submit(entries).unwrap().wait().unwrap();
    }

    fn open(&self) -> PublicLog<Folder> {
        PublicLog::new(Folder::open(&self.folder).unwrap(), "public")
    }

    fn publish(&self) -> CheckpointText {
        self.publish_to(&mut self.open())
    }

    fn publish_to(&self, log: &mut PublicLog<Folder>) -> CheckpointText {
        let with = Publication {
            logbook: self.book.logbook(),
            signer: &*self.book.signer,
            second: None,
            now: self.book.clock.wall(),
        };
        log.publish(&with, &mut alone).unwrap().checkpoint
    }

    fn has(&self, file: &str) -> bool {
        self.folder.join(file).exists()
    }

    fn whole(&self, checkpoint: &CheckpointText) {
        check_all(&Folder::read_only(&self.folder), checkpoint, |_, _| ()).unwrap();
    }
}

#[test]
fn a_partial_tile_goes_an_hour_after_its_full_one_is_durable() {
    let scene = Scene::new();
    scene.grow_to(100);
    let old = scene.publish();
    assert!(scene.has("tile/0/000.p/100") && scene.has("tile/entries/000.p/100"));
    scene.grow_to(200);
    scene.publish();
    // Grown, and not full: both stay, however long it takes.
    scene.book.clock.pass_secs(3 * HOUR);
    scene.publish();
    assert!(scene.has("tile/0/000.p/100") && scene.has("tile/0/000.p/200"));
    scene.grow_to(300);
    let full = scene.publish();
    assert!(scene.has("tile/0/000") && scene.has("tile/entries/000"));
    scene.book.clock.pass_secs(HOUR - 1);
    scene.publish();
    assert!(scene.has("tile/0/000.p/100") && scene.has("tile/entries/000.p/200"));
    scene.book.clock.pass_secs(1);
    scene.publish();
    assert!(!scene.has("tile/0/000.p") && !scene.has("tile/entries/000.p"));
    assert!(scene.has("tile/0/001.p/44") && scene.has("tile/entries/001.p/44"));
    // Anyone who holds the old checkpoint reads the full tile instead.
    scene.whole(&full);
    let folder = Folder::read_only(&scene.folder);
    scene.whole(&old);
    prove_growth(&folder, &old, &full).unwrap();
    let mut data = Vec::new();
    check_all(&folder, &old, |_, hash| data.push(*hash)).unwrap();
    prove_inclusion(&folder, &old, 99, &data[99]).unwrap();
}

#[test]
fn a_partial_tile_stays_while_its_full_one_is_not_there() {
    let scene = Scene::new();
    scene.grow_to(100);
    scene.publish();
    scene.grow_to(300);
    let full = scene.publish();
    let (tile, kept) = (scene.folder.join("tile/0/000"), scene.folder.join("kept"));
    fs::rename(&tile, &kept).unwrap();
    scene.book.clock.pass_secs(2 * HOUR);
    scene.publish();
    assert!(scene.has("tile/0/000.p/100"));
    assert!(!scene.has("tile/entries/000.p"));
    fs::rename(&kept, &tile).unwrap();
    scene.whole(&full);
}

#[test]
fn a_clock_that_goes_back_and_a_list_that_was_cut_short_remove_nothing() {
    let scene = Scene::new();
    scene.grow_to(100);
    scene.publish();
    scene.grow_to(300);
    let full = scene.publish();
    scene.book.clock.jump(-7_200_000_000);
    scene.publish();
    assert!(scene.has("tile/0/000.p/100"));
    let list = scene.folder.join(".retired");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, &text[..text.len() - 3]).unwrap();
    let outside = scene.folder.join("outside.p");
    fs::create_dir(&outside).unwrap();
    let more = format!("{text}0 ../outside\n0 /outside\n0 tile/0/../../outside\nx tile/0/000\n");
    fs::write(&list, more).unwrap();
    scene.book.clock.jump(7_200_000_000);
    scene.book.clock.pass_secs(HOUR);
    scene.publish();
    assert!(outside.is_dir());
    assert!(!scene.has("tile/0/000.p"));
    scene.whole(&full);
    assert_eq!(checkpoint_at(&scene.folder).size, 300);
}

#[test]
fn what_is_retired_is_forgotten_while_a_publisher_goes_on() {
    let scene = Scene::new();
    let mut log = scene.open();
    let mut grow = |size| {
        scene.grow_to(size);
        scene.publish_to(&mut log)
    };
    grow(100);
    for round in 1..=12 {
        grow(100 + round * 256);
        scene.book.clock.pass_secs(HOUR / 3);
    }
    // What became full an hour ago is gone but for what the last rounds left.
    let lines = || fs::read_to_string(scene.folder.join(".retired")).unwrap();
    assert!((2..=8).contains(&lines().lines().count()), "{}", lines());
    assert!(!scene.has("tile/0/006.p") && !scene.has("tile/entries/006.p"));
    assert!(scene.has("tile/0/011.p/100") && scene.has("tile/0/012.p/100"));
    // A line that a crash cut short takes none of the later ones with it.
    let torn = lines();
    fs::write(scene.folder.join(".retired"), &torn[..torn.len() - 3]).unwrap();
    grow(100 + 13 * 256);
    assert!(scene.has("tile/0/012") && scene.has("tile/0/012.p"));
    scene.book.clock.pass_secs(HOUR);
    let last = grow(100 + 13 * 256);
    assert!(!scene.has("tile/0/012.p"));
    assert!(scene.has("tile/0/013.p/100"));
    scene.whole(&last);
}

fn checkpoint_at(folder: &Path) -> CheckpointText {
    let bytes = Folder::read_only(folder)
        .read(Resource::Checkpoint)
        .unwrap()
        .unwrap();
    SignedCheckpoint::parse(&bytes).unwrap().content().clone()
}

#[test]
fn a_checkpoint_that_is_published_nowhere_costs_the_new_leaves_alone() {
    let (mut book, spy) = Book::spied();
    let name = "log.example/kept".parse().unwrap();
    let bound = bind_name(book.logbook(), &name, None).unwrap();
    book.receipts.extend(bound);
    let signed = |book: &Book| {
        let with = Publication {
            logbook: book.logbook(),
            signer: &*book.signer,
            second: None,
            now: book.clock.wall(),
        };
        unpublished(&with).unwrap().content().clone()
    };
    book.append_together(20);
    signed(&book);
    book.append_together(11);
    book.close();
    // An entry of long ago is another one: who reads it comes to another root.
    let commits = spy.commits();
    let with_spoilt = |spoil: bool, forget: bool| {
        let mut commits = commits.clone();
        for commit in &mut commits {
            let old = commit.batch.entries.iter_mut();
            let last = old.filter(|entry| entry.seq.0 == 3 && spoil);
            last.for_each(|entry| *entry.record.last_mut().unwrap() ^= 1);
            commit
                .batch
                .meta
                .retain(|(name, _)| !(forget && name.starts_with("public/")));
        }
        replay(&commits)
    };
    let mut roots = Vec::new();
    for (spoil, forget) in [(false, false), (false, true), (true, false), (true, true)] {
        book.put_back(with_spoilt(spoil, forget));
        book.open().unwrap();
        let checkpoint = signed(&book);
        assert_eq!(checkpoint.size, 33);
        // Once more, with nothing new, it is the same.
        assert_eq!(signed(&book), checkpoint);
        roots.push(checkpoint.root);
        book.close();
    }
    assert_eq!((roots[0], roots[0]), (roots[1], roots[2]));
    assert_ne!(roots[0], roots[3]);
}
