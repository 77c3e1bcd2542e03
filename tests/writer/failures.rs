//! Commits and marks that fail: fault point × "persisted although it reported
//! failure". Nothing more is taken until the ledger is reopened, nothing that
//! was acknowledged is lost, and reopening reads what is there.

use std::fs;
use std::io::ErrorKind;

use sealbook::ledger::position::Seq;
use sealbook::logbook::error::LogbookError;
use sealbook::store::StoreError;

use crate::book::Book;

type Step = fn(&mut Book) -> Result<(), LogbookError>;

/// Every sort of commit, once each at least: an append, several at once, an
/// epoch sealed by the hour, one sealed early, an append after it.
const STEPS: [Step; 6] = [
    |book| book.try_append().map(drop),
    |book| book.try_append_together(20).map(drop),
    |book| {
        book.clock.pass_secs(3_600);
        book.try_append().map(drop)
    },
    |book| book.logbook().seal().map(drop),
    |book| book.try_append().map(drop),
    |book| {
        book.clock.pass_secs(2);
        book.try_append_together(3).map(drop)
    },
];

fn run(book: &mut Book) -> Result<(), LogbookError> {
    STEPS.iter().try_for_each(|step| step(book))
}

fn is_of(error: &LogbookError, expected: ErrorKind) -> bool {
    matches!(error, LogbookError::Store(StoreError::Io { kind, .. }) if *kind == expected)
}

fn assert_refuses_everything(book: &mut Book) {
    let refused = [
        book.try_append().unwrap_err(),
        book.try_append_together(2).unwrap_err(),
        book.try_append_together(0).unwrap_err(),
    ];
    let stopped = |error: &LogbookError| matches!(error, LogbookError::Stopped);
    assert!(refused.iter().all(stopped), "{refused:?}");
    let sealed = book.logbook().seal();
    assert!(matches!(sealed, Err(LogbookError::Stopped)), "{sealed:?}");
}

#[test]
fn after_a_failed_commit_nothing_is_taken_and_reopening_reads_what_is_there() {
    let commits = {
        let (mut book, spy) = Book::spied();
        run(&mut book).unwrap();
        spy.commits().len() - 1
    };
    assert_eq!(commits, STEPS.len() + 1, "the hour's seal is one more");
    for failing in 0..commits {
        for persists in [false, true] {
            let case = format!("commit {failing}, persisted: {persists}");
            let (mut book, spy) = Book::spied();
            spy.fail(failing, persists);
            let error = run(&mut book).expect_err(&case);
            assert!(is_of(&error, ErrorKind::Other), "{case}: {error:?}");

            let (seen, count) = (spy.commits().len(), book.count());
            // A head is of what was acknowledged.
            let acknowledged = book.receipts.last().unwrap().seq;
            let head = book.logbook().head().unwrap();
            assert!(head.verify());
            assert_eq!(head.content.seq, acknowledged, "{case}");
            assert_refuses_everything(&mut book);
            let closed = book.try_close().unwrap_err();
            assert!(
                matches!(closed, LogbookError::Stopped),
                "{case}: {closed:?}"
            );
            assert_eq!((spy.commits().len(), book.count()), (seen, count));

            book.open().unwrap();
            assert_eq!(book.audit().faults, [], "{case}");
            for receipt in &book.receipts {
                assert_eq!(book.entry(receipt.seq.0).hash(), receipt.hash, "{case}");
            }
            let next = book.try_append().unwrap();
            assert_eq!(next.seq, Seq(count), "{case}");
            run(&mut book).unwrap();
            assert_eq!(book.audit().faults, [], "{case}");
            book.close();
            assert_eq!(book.audit().faults, [], "{case}");
        }
    }
}

/// For want of room nothing is written, and nothing stops: with room it goes on.
#[test]
fn what_there_is_no_room_for_is_refused_and_the_writer_goes_on_from_where_it_was() {
    for index in [false, true] {
        for failing in 0..=STEPS.len() {
            let case = format!("commit {failing}, index: {index}");
            let (mut book, spy) = match index {
                true => Book::spied_with_index(),
                false => Book::spied(),
            };
            spy.fill(failing);
            let error = run(&mut book).expect_err(&case);
            assert!(is_of(&error, ErrorKind::StorageFull), "{case}: {error:?}");
            let acknowledged = book.receipts.last().map_or(Seq(0), |last| last.seq);
            assert_eq!(book.count(), acknowledged.0 + 1, "{case}");
            assert!(!book.logbook().is_stopped(), "{case}");
            // What comes before the queue was turned back is refused with it.
            while let Err(error) = book.try_append() {
                assert!(is_of(&error, ErrorKind::StorageFull), "{case}: {error:?}");
            }
            run(&mut book).unwrap();
            book.close();
            assert_eq!(book.audit().faults, [], "{case}");
            for receipt in &book.receipts {
                assert_eq!(book.entry(receipt.seq.0).hash(), receipt.hash, "{case}");
            }
        }
    }
}

/// What the mark's folder is not there for: each of these writes the mark.
const MARKING: [(&str, Step); 4] = [
    ("an append after a while", |book| {
        book.clock.pass_secs(2);
        book.try_append().map(drop)
    }),
    ("a seal", |book| book.logbook().seal().map(drop)),
    ("the hour's seal", |book| {
        book.clock.pass_secs(3_600);
        book.try_append().map(drop)
    }),
    ("closing", |book| {
        book.try_append().unwrap();
        book.try_close()
    }),
];

#[test]
fn a_mark_that_cannot_be_written_stops_the_writer_and_loses_nothing() {
    for (what, step) in MARKING {
        for disk in [false, true] {
            let mut book = if disk {
                Book::on_disk()
            } else {
                Book::in_memory()
            };
            book.append();
            let away = book.temp().join("away");
            fs::rename(book.mark_folder(), &away).unwrap();
            let error = step(&mut book).expect_err(what);
            assert!(
                matches!(&error, LogbookError::Mark(io) if io.kind() == ErrorKind::NotFound),
                "{what}: {error:?}"
            );
            if what != "closing" {
                assert_refuses_everything(&mut book);
                let closed = book.try_close().unwrap_err();
                assert!(
                    matches!(closed, LogbookError::Stopped),
                    "{what}: {closed:?}"
                );
            }
            fs::rename(&away, book.mark_folder()).unwrap();
            book.open().unwrap();
            book.check();
            book.append();
            book.seal();
            book.reopen();
        }
    }
}

#[test]
fn what_fails_behind_the_scenes_is_told_to_the_next_who_asks() {
    // The hour's seal has no caller: the append that caused it hears of it.
    let (mut book, spy) = Book::spied();
    book.append();
    book.clock.pass_secs(3_600);
    spy.fail(0, false);
    let error = book.try_append().unwrap_err();
    assert!(is_of(&error, ErrorKind::Other), "{error:?}");
    let error = book.try_append().unwrap_err();
    assert!(matches!(error, LogbookError::Stopped), "{error:?}");
}

#[test]
fn a_store_that_is_open_elsewhere_is_not_written_twice() {
    // Two writers on one store: the second to commit is refused by the store,
    // and what the first wrote stays.
    let mut book = Book::in_memory();
    let mut other = sealbook::logbook::Logbook::open(book.parts()).unwrap();
    book.append();
    let error = other.append("note", &crate::book::payload(9)).unwrap_err();
    assert!(
        matches!(
            error,
            LogbookError::Store(StoreError::EntryNotNext {
                expected: 2,
                found: Seq(1)
            })
        ),
        "{error:?}"
    );
    other = {
        drop(other);
        book.close();
        sealbook::logbook::Logbook::open(book.parts()).unwrap()
    };
    assert_eq!(other.store().count().unwrap(), 2);
    other.close().unwrap();
    book.check();
}
