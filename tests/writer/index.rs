//! The index that headers commit to, as the writer makes it: after every crash, over
//! many epochs, on disk.

use std::fs;

use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::index::cover::{cover, newly_merged};
use sealbook::ledger::json::Object;
use sealbook::ledger::position::EpochNumber;
use sealbook::logbook::Logbook;
use sealbook::store::terms::{rows_of, tree};

use crate::book::Book;
use crate::rollbacks::marks_after;
use crate::spy::{Commit, replay};

fn append(logbook: &Logbook, n: u64) {
    let mut payload = Object::new();
    payload.insert("tenant_id", format!("t-{}", n % 3));
    payload.insert("correlation_id", format!("c-{}", n % 5));
    logbook.append("usual", &payload).unwrap();
}

/// Nine epochs with few entries each, closed and opened in between.
fn a_life() -> (Book, Vec<Commit>) {
    let (mut book, spy) = Book::spied_with_index();
    for n in 0..24 {
        append(book.logbook(), n);
        if n % 5 == 3 {
            book.close();
            book.open().unwrap();
        }
        if n % 3 == 2 {
            book.logbook().seal().unwrap().unwrap();
        }
    }
    book.clock.pass_secs(3_600);
    append(book.logbook(), 24);
    book.close();
    assert_eq!(book.audit().faults, []);
    (book, spy.commits())
}

#[test]
fn after_every_crash_the_index_is_that_of_the_entries_and_goes_on() {
    let (mut book, commits) = a_life();
    let last = fs::read(book.mark.path()).unwrap();
    let seals = commits.iter().filter(|commit| commit.batch.epoch.is_some());
    assert_eq!(seals.count(), 8);
    for done in 1..=commits.len() {
        for mark in marks_after(&commits, done, &last) {
            fs::write(book.mark.path(), &mark).unwrap();
            book.put_back(replay(&commits[..done]));
            assert_eq!(book.audit().faults, [], "after {done} commits");
            let logbook = Logbook::open(book.parts()).unwrap();
            for n in 0..3 {
                append(&logbook, 100 + n);
                logbook.seal().unwrap().unwrap();
            }
            logbook.close().unwrap();
            assert_eq!(
                book.audit().faults,
                [],
                "after {done} commits, and some more"
            );
        }
    }
}

#[test]
fn the_trees_under_the_last_header_are_there_and_few_others() {
    let mut book = Book::on_disk_with_index();
    for n in 0..40_u64 {
        append(book.logbook(), n);
        book.logbook().seal().unwrap().unwrap();
    }
    book.close();
    assert_eq!(book.audit().faults, []);
    let since = EpochNumber::FIRST;
    book.read(|store| {
        for block in cover(since, EpochNumber(39)) {
            assert!(tree(store, &block).unwrap().is_some(), "{block:?}");
        }
        // What no header stands over since two epochs is gone.
        let old = cover(since, EpochNumber(36)).into_iter();
        let kept = [37, 38, 39].map(|epoch| cover(since, EpochNumber(epoch)));
        let gone = old.filter(|block| !kept.iter().any(|kept| kept.contains(block)));
        for block in gone {
            assert!(tree(store, &block).unwrap().is_none(), "{block:?}");
        }
    });
    // A block keeps its number among those that no epoch has.
    assert!(rows_of(&newly_merged(since, EpochNumber(33)).unwrap()).0 >> 63 == 1);
}

#[test]
fn a_header_whose_index_leaves_out_an_entry_is_named_by_every_full_verification() {
    let (mut book, commits) = a_life();
    // The log's own writer seals an epoch once more, of whose index an entry is left out:
    // it is another log's index, under the right key.
    let spoilt: Vec<_> = commits
        .iter()
        .map(|commit| {
            let mut commit = commit.clone();
            if let Some(epoch) = &mut commit.batch.epoch
                && epoch.number == EpochNumber(4)
            {
                epoch.header = resigned(&epoch.header, |header| {
                    header.index = Some(header.root);
                });
            }
            commit
        })
        .collect();
    book.put_back(replay(&spoilt));
    let faults = book.audit().faults;
    let found: Vec<_> = faults
        .iter()
        .map(|fault| (fault.code, fault.index))
        .collect();
    assert!(
        found.contains(&(FaultCode::IndexMismatch, Some(4))),
        "{found:?}"
    );
    // A header without one is none of this log.
    let spoilt: Vec<_> = commits
        .iter()
        .map(|commit| {
            let mut commit = commit.clone();
            if let Some(epoch) = &mut commit.batch.epoch
                && epoch.number == EpochNumber(4)
            {
                epoch.header = resigned(&epoch.header, |header| {
                    (header.format, header.index) = (None, None);
                });
            }
            commit
        })
        .collect();
    book.put_back(replay(&spoilt));
    let faults = book.audit().faults;
    let found: Vec<_> = faults
        .iter()
        .map(|fault| (fault.code, fault.index))
        .collect();
    assert!(
        found.contains(&(FaultCode::EpochInvariant, Some(4))),
        "{found:?}"
    );
}

/// A stored header with something else in it, under the log's own signature.
fn resigned(header: &[u8], change: impl Fn(&mut sealbook::ledger::epoch::EpochHeader)) -> Vec<u8> {
    use sealbook::ledger::json::Form;
    use sealbook::ledger::statement::Statement;
    let mut content = crate::book::parse_epoch(header).content;
    change(&mut content);
    let signed = Statement::sign(content, &crate::book::signer(7)).unwrap();
    signed.to_value().canonical(Form::Utf8).into_bytes()
}
