//! Appends: numbers, links, shared batches.

use std::thread;
use std::time::Duration;

use sealbook::ledger::entry::{EntryError, KindError};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::kind;
use sealbook::ledger::position::Seq;
use sealbook::logbook::error::LogbookError;
use sealbook::logbook::request::{PreparedEntry, Receipt};

use crate::book::{Book, payload};

fn seqs(receipts: &[Receipt]) -> Vec<u64> {
    receipts.iter().map(|receipt| receipt.seq.0).collect()
}

#[test]
fn receipts_are_consecutive_and_chained() {
    for mut book in Book::both() {
        for _ in 0..20 {
            book.append();
            book.clock.pass(Duration::from_millis(250));
        }
        assert_eq!(seqs(&book.receipts), (0..=20).collect::<Vec<_>>());
        assert_eq!(book.receipts[0].prev_hash, Hash::ZERO);
        for pair in book.receipts.windows(2) {
            assert_eq!(pair[1].prev_hash, pair[0].hash);
        }
        assert_eq!(book.logbook().identity().genesis, book.receipts[0].hash);
        assert_eq!(book.logbook().identity().log, book.log());
        book.reopen();
    }
}

#[test]
fn threads_that_append_at_once_each_get_their_own_receipts() {
    const THREADS: usize = 8;
    const EACH: usize = 40;
    for mut book in Book::both() {
        let logbook = book.logbook();
        let receipts: Vec<Vec<Receipt>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    scope.spawn(move || {
                        let append = |n| {
                            let kind = format!("thread-{thread}");
                            logbook.append(&kind, &payload(n)).unwrap()
                        };
                        (0..EACH).map(append).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for (thread, own) in receipts.iter().enumerate() {
            assert!(own.is_sorted_by_key(|receipt| receipt.seq));
            for (n, receipt) in own.iter().enumerate() {
                assert_eq!(receipt.kind, format!("thread-{thread}"));
                assert_eq!(book.payload(receipt.seq.0), payload(n));
            }
        }
        let mut all = receipts.concat();
        all.sort_by_key(|receipt| receipt.seq);
        book.receipts.extend(all);
        let expected: Vec<_> = (0..=(THREADS * EACH) as u64).collect();
        assert_eq!(seqs(&book.receipts), expected);
        book.check();
        book.reopen();
    }
}

#[test]
fn what_waits_while_a_batch_is_written_shares_the_next_ones() {
    const WAITING: usize = 500;
    let (mut book, spy) = Book::spied();
    let before = spy.commits().len();
    let held = spy.hold();
    let submit = |n| {
        let entry = PreparedEntry::of_caller("note", &payload(n)).unwrap();
        book.logbook().submit(vec![entry]).unwrap()
    };
    let pending: Vec<_> = (0..WAITING).map(submit).collect();
    drop(held);
    let receipts: Vec<_> = pending
        .into_iter()
        .flat_map(|pending| pending.wait().unwrap())
        .collect();
    book.receipts.extend(receipts);
    book.check();
    // One is being written, one is signed and waits, one waits to be handed
    // on; everything else is in the queue and goes together.
    let commits = spy.commits().len() - before;
    assert!(commits <= 4, "{commits} commits for {WAITING} appends");
    assert_eq!(book.count(), 1 + WAITING as u64);
}

#[test]
fn a_request_larger_than_a_batch_is_answered_whole() {
    for mut book in Book::both() {
        let receipts = book.append_together(2_500);
        assert_eq!(seqs(&receipts), (1..=2_500).collect::<Vec<_>>());
        book.reopen();
        book.seal();
    }
}

#[test]
fn an_empty_request_gets_no_receipts_and_writes_nothing() {
    let (book, spy) = Book::spied();
    let before = spy.commits().len();
    assert_eq!(book.logbook().submit(vec![]).unwrap().wait().unwrap(), []);
    assert_eq!(spy.commits().len(), before);
    book.check();
}

#[test]
fn a_receipt_that_nobody_waits_for_stops_nothing() {
    let mut book = Book::in_memory();
    let entry = PreparedEntry::of_caller("note", &payload(1)).unwrap();
    drop(book.logbook().submit(vec![entry]).unwrap());
    // The one that nobody waited for is there all the same.
    let receipt = book.logbook().append("note", &payload(2)).unwrap();
    assert_eq!(receipt.seq, Seq(2));
    assert_eq!(book.payload(1), payload(1));
    book.close();
    assert_eq!(book.audit().faults, []);
}

#[test]
fn what_cannot_be_an_entry_is_refused_and_leaves_no_trace() {
    let (book, spy) = Book::spied();
    let before = spy.commits().len();
    let refuse = |kind: &str| book.logbook().append(kind, &payload(0)).unwrap_err();
    for (kind, expected) in [
        ("", KindError::Blank),
        ("  \u{2003}", KindError::Blank),
        (&"k".repeat(257), KindError::TooLong { bytes: 257 }),
        (
            "a\u{1f}b",
            KindError::Control {
                character: '\u{1f}',
                at: 1,
            },
        ),
        (
            "é\u{85}",
            KindError::Control {
                character: '\u{85}',
                at: 2,
            },
        ),
    ] {
        let error = refuse(kind);
        assert!(
            matches!(&error, LogbookError::Entry(EntryError::Kind(found)) if *found == expected),
            "{kind:?}: {error:?}"
        );
    }
    for expected in kind::RESERVED_PREFIXES {
        let error = refuse(&format!("{expected}x"));
        assert!(
            matches!(error, LogbookError::ReservedKind { prefix } if prefix == expected),
            "{error:?}"
        );
    }
    assert_eq!(spy.commits().len(), before);
    book.check();
}

#[test]
fn a_payload_of_sixteen_mebibytes_with_its_envelope_is_the_largest() {
    let mut book = Book::in_memory();
    // kind, 0x1f, ts of 32 bytes, 0x1f, {"x":"…"}, 0x1f, 32 bytes.
    let around = "note".len() + 1 + 32 + 1 + r#"{"x":""}"#.len() + 1 + 32;
    let fits = (16 << 20) - around;
    let of = |length| {
        let mut payload = sealbook::ledger::json::Object::new();
        payload.insert("x", "y".repeat(length));
        payload
    };
    let receipt = book.logbook().append("note", &of(fits)).unwrap();
    book.receipts.push(receipt);
    let error = book.logbook().append("note", &of(fits + 1)).unwrap_err();
    assert!(
        matches!(error, LogbookError::Entry(EntryError::TooLarge { bytes }) if bytes == (16 << 20) + 1),
        "{error:?}"
    );
    book.check();
    book.reopen();
}

#[test]
fn a_closed_books_receipts_are_all_there_even_if_nobody_waited_for_the_last() {
    let mut book = Book::on_disk();
    let pending: Vec<_> = (0..300)
        .map(|n| {
            let entry = PreparedEntry::of_caller("note", &payload(n)).unwrap();
            book.logbook().submit(vec![entry]).unwrap()
        })
        .collect();
    book.close();
    for pending in pending {
        book.receipts.extend(pending.wait().unwrap());
    }
    book.check();
    assert_eq!(book.count(), 301);
    assert_eq!(book.marked().content.seq, Seq(300));
}

#[test]
fn what_was_handed_over_before_stands_before_what_is_appended_alone() {
    for mut book in Book::both() {
        for n in 0..60 {
            let entry = PreparedEntry::of_caller("note", &payload(n)).unwrap();
            let before = book.logbook().submit(vec![entry]).unwrap();
            let alone = book.logbook().append("note", &payload(n)).unwrap();
            let before = before.wait().unwrap();
            assert_eq!(seqs(&before), [alone.seq.0 - 1]);
            book.receipts.extend(before);
            book.receipts.push(alone);
        }
        book.check();
        book.reopen();
    }
}

#[test]
fn one_after_the_other_alone_is_a_commit_each_and_a_seal_between_them_holds() {
    let (mut book, spy) = Book::spied();
    let before = spy.commits().len();
    for n in 0..20 {
        book.append();
        if n % 5 == 4 {
            assert_eq!(book.seal().unwrap().last_seq, Seq(n + 1));
        }
    }
    assert_eq!(spy.commits().len() - before, 20 + 4);
    book.reopen();
}

#[test]
fn lone_appends_requests_and_seals_at_once_make_one_book() {
    const EACH: usize = 60;
    for mut book in Book::both() {
        let logbook = book.logbook();
        let mut receipts = thread::scope(|scope| {
            let alone = |_| {
                scope.spawn(move || {
                    let append = |n| logbook.append("alone", &payload(n)).unwrap();
                    (0..EACH).map(append).collect::<Vec<_>>()
                })
            };
            let mut threads: Vec<_> = (0..3).map(alone).collect();
            threads.push(scope.spawn(move || {
                let entries = |n: usize| {
                    let two =
                        [n, n + 1].map(|n| PreparedEntry::of_caller("two", &payload(n)).unwrap());
                    logbook.submit(two.into()).unwrap().wait().unwrap()
                };
                (0..EACH).flat_map(entries).collect()
            }));
            for _ in 0..EACH {
                logbook.seal().unwrap();
            }
            let all = threads.into_iter().flat_map(|t| t.join().unwrap());
            all.collect::<Vec<_>>()
        });
        receipts.sort_by_key(|receipt| receipt.seq);
        book.receipts.extend(receipts);
        let expected: Vec<_> = (0..=(5 * EACH) as u64).collect();
        assert_eq!(seqs(&book.receipts), expected);
        book.check();
        book.reopen();
    }
}
