//! `accept_rollback`: what was lost is recorded for ever.

use std::fs;
use std::sync::Arc;

use sealbook::ledger::fault::{Verdict, WarningCode};
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::kind;
use sealbook::logbook::Logbook;
use sealbook::logbook::error::{LogbookError, OpenError};
use sealbook::logbook::mark::MarkFault;
use sealbook::store::Store;

use crate::book::{Book, parse_mark};
use crate::marks::refusal;
use crate::spy::{Commit, Spy, replay};

/// A closed book of which only the first commits were put back.
fn rolled_back() -> Book {
    let (mut book, spy) = Book::spied();
    for _ in 0..6 {
        book.append();
    }
    book.close();
    book.put_back(replay(&spy.commits()[..4]));
    book.receipts.truncate(4);
    book
}

fn acknowledgement(fault: &str, lost: Option<Value>, reason: &str) -> Object {
    let mut payload = Object::new();
    payload.insert("fault", fault);
    payload.insert("lost", lost);
    payload.insert("reason", reason);
    payload
}

/// Accepts, and checks all that must hold afterwards.
fn accept(book: &mut Book, fault: &str, lost: Option<Value>) {
    let receipt = book.accept_rollback("the disk died").unwrap();
    assert_eq!(receipt.kind, kind::ROLLBACK);
    assert_eq!(
        book.payload(receipt.seq.0),
        acknowledgement(fault, lost, "the disk died")
    );
    book.check();
    // The mark starts again from there.
    assert_eq!(book.marked().content.hash, receipt.hash);
    book.append();
    book.seal().unwrap();
    book.reopen();
    let report = book.audit();
    assert_eq!(report.verdict, Verdict::Pass);
    let warnings: Vec<_> = report
        .warnings
        .iter()
        .map(|w| (w.code, &*w.detail))
        .collect();
    let detail = format!("entry {} acknowledges a rollback", receipt.seq);
    assert_eq!(warnings, [(WarningCode::AcknowledgedRollback, &*detail)]);
}

fn assert_nothing_to_accept(book: &mut Book) {
    let count = book.count();
    match book.accept_rollback("why not") {
        Err(OpenError::NothingToAccept) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(book.count(), count);
}

#[test]
fn a_rollback_is_recorded_with_the_signed_head_that_was_lost() {
    let mut book = rolled_back();
    let lost = book.marked().to_value();
    accept(&mut book, "rollback_detected", Some(lost.clone()));
    // Anyone who reads the log can check it: it is the log's own word.
    let recorded = book.payload(4);
    let recorded = recorded.get("lost").unwrap();
    assert_eq!(*recorded, lost);
    book.close();
    assert_nothing_to_accept(&mut book);
}

#[test]
fn a_stale_mark_is_recorded_with_its_head() {
    let mut book = Book::in_memory();
    let old = fs::read(book.mark.path()).unwrap();
    book.append();
    book.seal();
    book.close();
    fs::write(book.mark.path(), &old).unwrap();
    let head = parse_mark(&old).to_value();
    accept(&mut book, "mark_stale", Some(head));
}

#[test]
fn a_mark_that_is_gone_or_broken_is_recorded_without_a_head() {
    for (fault, text) in [("mark_missing", None), ("mark_invalid", Some("{}"))] {
        let mut book = Book::in_memory();
        book.append();
        book.close();
        match text {
            None => fs::remove_file(book.mark.path()).unwrap(),
            Some(text) => fs::write(book.mark.path(), text).unwrap(),
        }
        accept(&mut book, fault, None);
    }
}

#[test]
fn where_the_mark_is_in_order_there_is_nothing_to_accept() {
    let mut book = Book::in_memory();
    book.append();
    book.close();
    assert_nothing_to_accept(&mut book);
}

#[test]
fn every_rollback_is_recorded_and_warned_of() {
    let mut book = rolled_back();
    accept_quietly(&mut book);
    book.close();
    fs::remove_file(book.mark.path()).unwrap();
    accept_quietly(&mut book);
    let report = book.audit();
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(report.warnings.len(), 2);
}

fn accept_quietly(book: &mut Book) {
    book.accept_rollback("again").unwrap();
    book.check();
}

#[test]
fn a_rollback_that_cannot_be_recorded_is_not_accepted() {
    let mut book = rolled_back();
    let lost = fs::read(book.mark.path()).unwrap();
    let commits = book.read(|store| store.count().unwrap());
    let spy = Arc::new(Spy::over(copy_of(&book), book.mark.path()));
    spy.fail(0, false);
    let mut parts = book.parts();
    parts.store = Arc::clone(&spy) as _;
    match Logbook::accept_rollback(parts, "full").map(drop) {
        Err(OpenError::Append(LogbookError::Store(_))) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(spy.count().unwrap(), commits);
    assert_eq!(fs::read(book.mark.path()).unwrap(), lost);
    assert!(matches!(refusal(&book), MarkFault::Rollback { .. }));
    let lost = book.marked().to_value();
    accept(&mut book, "rollback_detected", Some(lost));
}

fn copy_of(book: &Book) -> sealbook::store::MemoryStore {
    book.read(|store| {
        let entries = store.entries(0..u64::MAX).map(|row| {
            let (seq, record) = row.unwrap();
            let hash = sealbook::ledger::entry::Entry::from_record(record.clone());
            sealbook::store::NewEntry {
                seq,
                hash: hash.unwrap().hash(),
                record,
            }
        });
        let batch = sealbook::store::Batch {
            entries: entries.collect(),
            ..sealbook::store::Batch::default()
        };
        assert_eq!(store.last_epoch().unwrap(), None, "tiles are not copied");
        let copy = sealbook::store::MemoryStore::new();
        copy.commit(batch).unwrap();
        copy
    })
}

/// A crash in the middle must leave either the fault, or its record. In a later
/// hour the open epoch has to be sealed first, and sealing moves the mark:
/// not this once.
#[test]
fn a_crash_while_a_rollback_is_accepted_forgets_nothing() {
    for hours in [0, 1, 30] {
        let book = rolled_back();
        let lost = book.marked();
        let first = copy_of(&book);
        let spy = Arc::new(Spy::over(copy_of(&book), book.mark.path()));
        book.clock.pass_secs(hours * 3_600);
        let mut parts = book.parts();
        parts.store = Arc::clone(&spy) as _;
        let (logbook, _, _) = Logbook::accept_rollback(parts, "gone").unwrap();
        logbook.close().unwrap();
        let last = fs::read(book.mark.path()).unwrap();
        let commits = spy.commits();
        assert_eq!(commits.len(), 1 + usize::from(hours > 0), "{hours}");

        for done in 0..=commits.len() {
            for mark in marks_after(&commits, done, &last) {
                fs::write(book.mark.path(), &mark).unwrap();
                let store = Arc::new(copy_of_with(&first, &commits[..done]));
                let mut parts = book.parts();
                parts.store = Arc::clone(&store) as _;
                let recorded = (0..store.count().unwrap()).any(|seq| {
                    let entry =
                        sealbook::logbook::entry_at(&*store, sealbook::ledger::position::Seq(seq));
                    let entry = entry.unwrap();
                    let payload = entry.check_payload().unwrap();
                    entry.kind() == kind::ROLLBACK && payload.get("lost") == Some(&lost.to_value())
                });
                match Logbook::open(parts) {
                    Ok(_) => assert!(recorded, "{hours} hours, {done} commits: forgotten"),
                    Err(OpenError::Mark(MarkFault::Rollback { head, .. })) => {
                        assert_eq!(*head, lost);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
}

/// What the mark may have said when `done` commits were done: what it said at
/// the last of them, and at the next.
pub(crate) fn marks_after(commits: &[Commit], done: usize, last: &[u8]) -> Vec<Vec<u8>> {
    let at = |n: usize| commits.get(n).map(|commit| commit.mark.clone().unwrap());
    let before = done.checked_sub(1).and_then(at);
    let next = at(done).unwrap_or_else(|| last.to_vec());
    before.into_iter().chain([next]).collect()
}

fn copy_of_with(
    first: &sealbook::store::MemoryStore,
    commits: &[Commit],
) -> sealbook::store::MemoryStore {
    let entries = first.entries(0..u64::MAX).map(|row| {
        let (seq, record) = row.unwrap();
        let entry = sealbook::ledger::entry::Entry::from_record(record.clone()).unwrap();
        sealbook::store::NewEntry {
            seq,
            hash: entry.hash(),
            record,
        }
    });
    let batch = sealbook::store::Batch {
        entries: entries.collect(),
        ..sealbook::store::Batch::default()
    };
    let copy = sealbook::store::MemoryStore::new();
    copy.commit(batch).unwrap();
    for commit in commits {
        copy.commit(commit.batch.clone()).unwrap();
    }
    copy
}
