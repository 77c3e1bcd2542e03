//! The high-water mark: what it says when, and each of its faults by its own
//! cause.

use std::fs;
use std::time::Duration;

use sealbook::ledger::fault::{Fault, FaultCode};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::head::{Head, SignedHead};
use sealbook::ledger::json::Form;
use sealbook::ledger::key::Signer;
use sealbook::ledger::position::Seq;
use sealbook::ledger::statement::Statement;
use sealbook::logbook::error::OpenError;
use sealbook::logbook::mark::{MarkFault, MarkFile, MarkProblem};
use sealbook::logbook::{Logbook, epoch_at, extent_of, judge_mark};
use sealbook::store::Store;

use crate::book::{Book, START, signer};
use crate::clock::ts;
use crate::spy::replay;

/// A closed book with a sealed epoch, and the mark of its last entry.
fn closed() -> Book {
    let mut book = Book::in_memory();
    book.append();
    book.seal();
    book.append();
    book.close();
    book
}

/// Why the book is not opened; nothing is written by trying.
pub(crate) fn refusal(book: &Book) -> MarkFault {
    let (count, mark) = (book.count(), fs::read(book.mark.path()).ok());
    let fault = match Logbook::open(book.parts()) {
        Err(OpenError::Mark(fault)) => fault,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was opened"),
    };
    assert_eq!(
        (book.count(), fs::read(book.mark.path()).ok()),
        (count, mark)
    );
    fault
}

/// The one fault that verification names.
pub(crate) fn named(book: &Book) -> Fault {
    let mut faults = book.audit().faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

fn put(book: &Book, text: &str) {
    fs::write(book.mark.path(), text).unwrap();
}

fn text(head: &SignedHead) -> String {
    head.to_value().canonical(Form::Utf8)
}

fn assert_invalid(book: &Book, expected: MarkProblem) {
    let path = book.mark.path().to_owned();
    let fault = refusal(book);
    let problem = expected;
    assert_eq!(fault, MarkFault::Invalid { path, problem });
    assert_eq!(fault.lost(), None);
    let named = named(book);
    assert_eq!(
        (named.code, named.detail),
        (FaultCode::MarkInvalid, fault.to_string())
    );
}

#[test]
fn closing_leaves_the_mark_at_the_last_entry() {
    for mut book in Book::both() {
        book.append_together(3);
        book.close();
        let head = book.marked();
        assert!(head.verify());
        let last = book.receipts.last().unwrap();
        let expected = Head {
            second: None,
            log: book.log(),
            genesis: book.receipts[0].hash,
            seq: last.seq,
            hash: last.hash,
            ts: last.ts,
        };
        assert_eq!(head.content, expected);
    }
}

#[test]
fn dropping_leaves_the_mark_at_the_last_entry_too() {
    for mut book in Book::both() {
        book.append_together(3);
        book.drop_writer();
        assert_eq!(book.marked().content.seq, Seq(3));
        book.open().unwrap();
        book.check();
    }
}

#[test]
fn sealing_leaves_the_mark_at_the_epochs_last_entry() {
    for mut book in Book::both() {
        book.append();
        book.clock.pass(Duration::from_millis(10));
        let header = book.seal().unwrap();
        assert_eq!(book.marked().content.seq, header.last_seq);
        assert_eq!(book.marked().content.hash, header.head);
    }
}

#[test]
fn while_entries_come_the_mark_is_never_more_than_a_second_behind() {
    let mut book = Book::in_memory();
    for _ in 0..50 {
        book.clock.pass(Duration::from_millis(700));
        book.append();
        // It may name an earlier entry, but was stated lately.
        let age = book.receipts.last().unwrap().ts;
        let age = age.micros_since(book.marked().content.ts);
        assert!(age <= 1_000_000, "{age}");
    }
}

#[test]
fn a_mark_in_order_may_lag_by_five_seconds_and_by_more_is_stale() {
    for (micros, stale) in [(5_000_000, false), (5_000_001, true)] {
        let mut book = Book::in_memory();
        let old = book.marked();
        book.clock.pass(Duration::from_micros(micros));
        book.append();
        book.close();
        assert_eq!(book.marked().content.seq, Seq(1));
        put(&book, &text(&old));
        if stale {
            let last_seq = Seq(1);
            let head = Box::new(old);
            let fault = refusal(&book);
            assert_eq!(fault, MarkFault::Stale { head, last_seq });
            let named = named(&book);
            assert_eq!((named.code, named.seq), (FaultCode::MarkStale, Some(0)));
        } else {
            assert_eq!(book.audit().faults, []);
            book.open().unwrap();
            book.check();
        }
    }
}

#[test]
fn a_mark_older_than_a_sealed_epoch_is_stale_however_young_it_is() {
    let mut book = Book::in_memory();
    let old = book.marked();
    book.append();
    book.append();
    book.seal();
    book.close();
    put(&book, &text(&old));
    let head = Box::new(old);
    let last_seq = Seq(2);
    assert_eq!(refusal(&book), MarkFault::Stale { head, last_seq });
    let named = named(&book);
    assert_eq!(named.code, FaultCode::MarkStale);
    assert_eq!(
        (named.expected.as_deref(), named.actual.as_deref()),
        (Some("0"), Some("2"))
    );
}

/// Beside a writer that seals while mark and database are looked at, the mark
/// of before is behind, and the one of after is not.
#[test]
fn a_mark_that_was_overtaken_is_judged_by_what_it_says_afterwards() {
    let mut book = closed();
    let before = book.mark.as_of_now().unwrap();
    book.open().unwrap();
    book.append();
    book.seal();
    let extent = book.read(|store| extent_of(store).unwrap());
    let judge = |book: &Book, mark: &MarkFile| {
        book.read(|store| judge_mark(store, mark, &extent).unwrap().map(drop))
    };
    let stale = |judged| match judged {
        Err(MarkFault::Stale { head, .. }) => assert_eq!(head.content.seq, Seq(2)),
        other => panic!("{other:?}"),
    };
    stale(judge(&book, &before));
    assert_eq!(judge(&book, &before.clone().seen_again().unwrap()), Ok(()));
    // By then it may name what came after the look at the database.
    book.append();
    book.seal();
    assert_eq!(judge(&book, &before.clone().seen_again().unwrap()), Ok(()));
    book.close();
    // What is not a mark, or that of another log, says nothing.
    let other = closed();
    for text in [
        Some("{}"),
        Some(&*fs::read_to_string(other.mark.path()).unwrap()),
        None,
    ] {
        match text {
            Some(text) => put(&book, text),
            None => fs::remove_file(book.mark.path()).unwrap(),
        }
        stale(judge(&book, &before.clone().seen_again().unwrap()));
    }
}

#[test]
fn a_mark_that_is_gone_is_missing() {
    let book = closed();
    fs::remove_file(book.mark.path()).unwrap();
    let path = book.mark.path().to_owned();
    let fault = refusal(&book);
    assert_eq!(fault, MarkFault::Missing { path });
    let named = named(&book);
    assert_eq!(
        (named.code, named.detail),
        (FaultCode::MarkMissing, fault.to_string())
    );
}

#[test]
fn what_is_no_head_statement_is_no_mark() {
    let book = closed();
    let mark = book.marked();
    let header = book.read(|store| epoch_at(store, store.last_epoch().unwrap().unwrap()));
    let header = header.unwrap().to_value().canonical(Form::Utf8);
    let with_more = text(&mark).replacen('{', r#"{"note":1,"#, 1);
    let unsigned = {
        let mut value = mark.to_value();
        if let sealbook::ledger::json::Value::Object(object) = &mut value {
            object.remove("signature");
        }
        value.canonical(Form::Utf8)
    };
    let huge = " ".repeat(1 << 20) + &text(&mark);
    for bad in [
        "",
        "\n",
        "not json",
        "{}",
        "[]",
        "null",
        &header,
        &with_more,
        &unsigned,
        &huge,
        &format!("{}{}", text(&mark), text(&mark)),
    ] {
        put(&book, bad);
        assert_invalid(&book, MarkProblem::Unreadable);
    }
    fs::remove_file(book.mark.path()).unwrap();
    fs::create_dir(book.mark.path()).unwrap();
    let fault = refusal(&book);
    assert!(
        matches!(
            fault,
            MarkFault::Invalid {
                problem: MarkProblem::Unreadable,
                ..
            }
        ),
        "{fault:?}"
    );
}

#[test]
fn a_forged_mark_is_invalid() {
    let book = closed();
    let mark = book.marked();
    // Another head under the signature of this one.
    let hash = mark.content.hash.to_string();
    put(&book, &text(&mark).replace(&hash, &"ab".repeat(32)));
    assert_invalid(&book, MarkProblem::Signature);
    // This head under somebody else's signature, and under his key.
    let other = Statement::sign(mark.content.clone(), &signer(8)).unwrap();
    put(&book, &text(&other));
    assert_invalid(&book, MarkProblem::Signature);
    let his = signer(8).public_key().to_string();
    let ours = format!("\"key\":\"{}\"", book.log());
    let claimed = text(&other).replace(&format!("\"key\":\"{his}\""), &ours);
    put(&book, &claimed);
    assert_invalid(&book, MarkProblem::Signature);
    put(&book, &text(&mark));
    assert_eq!(book.audit().faults, []);
}

#[test]
fn every_flipped_bit_of_a_mark_is_noticed() {
    let book = closed();
    let intact = fs::read(book.mark.path()).unwrap();
    for at in 0..intact.len() - 1 {
        let mut damaged = intact.clone();
        damaged[at] ^= 0x01;
        fs::write(book.mark.path(), damaged).unwrap();
        let fault = refusal(&book);
        assert_eq!(fault.code(), FaultCode::MarkInvalid, "byte {at}: {fault:?}");
    }
}

#[test]
fn another_logs_mark_is_invalid_even_under_the_same_key() {
    let book = closed();
    // Another nonce makes another genesis.
    let same_key = closed();
    put(&book, &text(&same_key.marked()));
    assert_invalid(&book, MarkProblem::OtherLog);
    let other_key = Statement::sign(
        Head {
            second: None,
            log: signer(8).public_key(),
            ..book.marked().content
        },
        &signer(8),
    );
    put(&book, &text(&other_key.unwrap()));
    assert_invalid(&book, MarkProblem::OtherLog);
}

#[test]
fn an_older_copy_of_the_database_is_a_rollback_however_much_is_missing() {
    let (mut book, spy) = Book::spied();
    for round in 0..6 {
        book.append();
        if round == 2 {
            book.seal();
        }
    }
    book.close();
    let (mark, commits) = (book.marked(), spy.commits());
    assert_eq!(mark.content.seq, Seq(6));
    for kept in 1..commits.len() {
        let older = replay(&commits[..kept]);
        let last_seq = older.last_seq().unwrap().unwrap();
        book.put_back(older);
        let head = Box::new(mark.clone());
        assert_eq!(refusal(&book), MarkFault::Rollback { head, last_seq });
        let named = named(&book);
        assert_eq!(
            (named.code, named.seq),
            (FaultCode::RollbackDetected, Some(6))
        );
        let last = last_seq.to_string();
        assert_eq!(
            (named.expected.as_deref(), named.actual.as_deref()),
            (Some("6"), Some(last.as_str()))
        );
    }
    book.put_back(replay(&commits));
    assert_eq!(book.audit().faults, []);
}

#[test]
fn a_log_that_went_another_way_is_a_rollback_even_if_it_is_longer() {
    let (mut book, spy) = Book::spied();
    book.append();
    book.append();
    book.close();
    let mark = book.marked();
    // From entry 1 on, somebody with the key wrote it again.
    let commits = spy.commits();
    book.put_back(replay(&commits[..2]));
    put(&book, &text(&parse(&commits[1].mark)));
    book.receipts.truncate(2);
    book.clock.pass(Duration::from_millis(1));
    book.open().unwrap();
    for _ in 0..5 {
        book.append();
    }
    book.close();
    assert_eq!(book.audit().faults, []);
    put(&book, &text(&mark));
    let head = Box::new(mark);
    let last_seq = Seq(6);
    assert_eq!(refusal(&book), MarkFault::Rollback { head, last_seq });
    assert_eq!(named(&book).code, FaultCode::RollbackDetected);
}

fn parse(mark: &Option<Vec<u8>>) -> SignedHead {
    crate::book::parse_mark(mark.as_ref().unwrap())
}

#[test]
fn a_mark_that_names_an_entry_of_another_hash_is_a_rollback() {
    let book = closed();
    let head = Head {
        hash: Hash::of(b"another"),
        ts: ts(START),
        ..book.marked().content
    };
    let mark = Statement::sign(head, &signer(7)).unwrap();
    put(&book, &text(&mark));
    let head = Box::new(mark);
    let last_seq = Seq(2);
    assert_eq!(refusal(&book), MarkFault::Rollback { head, last_seq });
}

#[test]
fn another_key_opens_nothing() {
    let mut book = closed();
    let log = book.log();
    book.signer = std::sync::Arc::new(signer(8));
    let given = book.log();
    match book.open() {
        Err(OpenError::OtherKey { log: l, given: g }) => assert_eq!((l, g), (log, given)),
        Err(other) => panic!("{other:?}"),
        Ok(()) => panic!("it was opened"),
    }
}

#[test]
fn a_seal_that_was_lost_without_its_entries_is_a_rollback() {
    let (mut book, spy) = Book::spied();
    book.append();
    book.seal();
    book.append();
    let header = book.seal().unwrap();
    book.close();
    let commits = spy.commits();
    book.put_back(replay(&commits[..commits.len() - 1]));
    let fault = refusal(&book);
    let MarkFault::SealLost { epoch } = &fault else {
        panic!("{fault:?}");
    };
    assert_eq!(epoch.content, header);
    let named = named(&book);
    assert_eq!(
        (named.code, named.seq),
        (FaultCode::RollbackDetected, Some(header.last_seq.0))
    );
    let receipt = book.accept_rollback("the disk lied").unwrap();
    let payload = book.payload(receipt.seq.0);
    assert_eq!(payload.get("lost"), Some(&epoch.to_value()));
}
