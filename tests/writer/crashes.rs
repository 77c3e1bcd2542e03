//! The order of mark and database: whenever the power goes, what is left is a
//! ledger that opens, with all that was acknowledged.

use std::fs;
use std::sync::Arc;

use sealbook::ledger::position::Seq;
use sealbook::logbook::Logbook;
use sealbook::store::Store;

use crate::book::{Book, parse_mark};
use crate::rollbacks::marks_after;
use crate::spy::replay;

/// A book with all that can happen in it; every crash point of it is tried.
fn a_life() -> (Book, Vec<crate::spy::Commit>) {
    let (mut book, spy) = Book::spied();
    let mut life = |steps: &[fn(&mut Book)]| steps.iter().for_each(|step| step(&mut book));
    life(&[
        |book| drop(book.try_append().unwrap()),
        |book| drop(book.try_append_together(20).unwrap()),
        |book| drop(book.logbook().seal().unwrap()),
        // Entries minutes apart, without a seal.
        |book| {
            for _ in 0..8 {
                book.clock.pass_secs(200);
                book.try_append().unwrap();
            }
        },
        |book| {
            book.clock.pass_secs(3_600);
            book.try_append().unwrap();
        },
        // One request over several hours.
        |book| {
            book.clock.step(std::time::Duration::from_secs(900));
            book.try_append_together(12).unwrap();
            book.clock.step(std::time::Duration::ZERO);
        },
        |book| book.clock.jump(-100_000_000),
        |book| drop(book.try_append().unwrap()),
        |book| drop(book.logbook().seal().unwrap()),
        |book| book.clock.jump(7_200_000_000),
        |book| drop(book.try_append().unwrap()),
        |book| {
            book.close();
            book.open().unwrap();
        },
        |book| drop(book.try_append().unwrap()),
    ]);
    book.close();
    book.check();
    let commits = spy.commits();
    (book, commits)
}

#[test]
fn every_crash_leaves_a_ledger_that_opens_and_verifies() {
    let (mut book, commits) = a_life();
    let last = fs::read(book.mark.path()).unwrap();
    assert!(commits.len() > 20, "{}", commits.len());
    for done in 1..=commits.len() {
        for mark in marks_after(&commits, done, &last) {
            fs::write(book.mark.path(), &mark).unwrap();
            book.put_back(replay(&commits[..done]));
            assert_eq!(book.audit().faults, [], "after {done} commits");
            let (logbook, count) = (Logbook::open(book.parts()), book.count());
            let logbook = logbook.unwrap_or_else(|error| panic!("after {done}: {error}"));
            let receipt = logbook.append("after", &crate::book::payload(0)).unwrap();
            assert!(receipt.seq.0 >= count, "nothing is written over");
            drop(logbook);
            assert_eq!(book.audit().faults, [], "after {done} commits and one more");
        }
    }
}

#[test]
fn the_mark_never_names_an_entry_that_is_not_durable() {
    let (_, commits) = a_life();
    for (done, commit) in commits.iter().enumerate().skip(1) {
        let before = replay(&commits[..done]);
        let mark = parse_mark(commit.mark.as_ref().unwrap());
        assert!(mark.verify());
        let Seq(seq) = mark.content.seq;
        assert!(seq < before.count().unwrap(), "commit {done}");
        assert_eq!(before.seq_of(&mark.content.hash).unwrap(), Some(Seq(seq)));
    }
}

#[test]
fn before_an_epoch_is_sealed_the_mark_names_its_last_entry() {
    let (_, commits) = a_life();
    let sealing = commits.iter().filter(|commit| commit.batch.epoch.is_some());
    let mut seals = 0;
    for commit in sealing {
        let epoch = commit.batch.epoch.as_ref().unwrap();
        let mark = parse_mark(commit.mark.as_ref().unwrap());
        assert_eq!(mark.content.seq, epoch.last_seq);
        let header = crate::book::parse_epoch(&epoch.header);
        assert_eq!(mark.content.hash, header.content.head);
        assert!(commit.batch.entries.is_empty(), "a seal stands alone");
        seals += 1;
    }
    assert!(seals >= 5, "{seals}");
}

#[test]
fn a_writer_that_is_killed_is_as_good_as_one_that_was_closed() {
    let (mut book, spy) = Book::spied();
    book.append_together(40);
    // Nothing is told to the writer: it is still running.
    let mark = fs::read(book.mark.path()).unwrap();
    let copy = Arc::new(replay(&spy.commits()));
    book.close();
    fs::write(book.mark.path(), mark).unwrap();
    let mut parts = book.parts();
    parts.store = copy;
    let logbook = Logbook::open(parts).unwrap();
    assert_eq!(logbook.head().unwrap().content.seq, Seq(40));
    logbook.seal().unwrap().unwrap();
}
