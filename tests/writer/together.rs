//! What several ask for and somebody hands over in one go.

use std::sync::mpsc::{Receiver, Sender, channel};

use sealbook::logbook::error::LogbookError;
use sealbook::logbook::request::{PreparedEntry, RequestAnswer, Submission};

use crate::book::{Book, payload};

/// `entries` of them, answered with their number.
fn submission(number: usize, entries: usize, to: &Sender<(usize, RequestAnswer)>) -> Submission {
    let entry = |n| PreparedEntry::of_caller("note", &payload(n)).unwrap();
    let to = to.clone();
    let answer = move |answer| to.send((number, answer)).unwrap();
    Submission::whole((0..entries).map(entry).collect(), None, answer)
}

/// The numbers of entries that are there now, for the book to be checked by.
fn seqs(book: &mut Book, answer: RequestAnswer) -> Vec<u64> {
    let receipts = answer.unwrap();
    let seqs = receipts.iter().map(|receipt| receipt.seq.0).collect();
    book.receipts.extend(receipts);
    seqs
}

/// The answers in the order of the numbers.
fn answers(from: &Receiver<(usize, RequestAnswer)>, count: usize) -> Vec<RequestAnswer> {
    let mut answers: Vec<_> = from.iter().take(count).collect();
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[test]
fn it_is_one_commit_in_its_order_and_each_is_answered() {
    let (mut book, spy) = Book::spied();
    let before = spy.commits().len();
    let (to, from) = channel();
    let sizes = [1, 3, 0, 2];
    let all = sizes.iter().enumerate();
    let all = all.map(|(number, entries)| submission(number, *entries, &to));
    book.logbook().submit_all(all.collect());
    let answers = answers(&from, sizes.len()).into_iter();
    let answers: Vec<_> = answers.map(|answer| seqs(&mut book, answer)).collect();
    let expected: [&[u64]; 4] = [&[1], &[2, 3, 4], &[], &[5, 6]];
    assert_eq!(answers, expected);
    assert_eq!(spy.commits().len(), before + 1);
    book.check();
}

#[test]
fn where_too_much_waits_each_is_told_and_nothing_of_it_is_written() {
    let (mut book, spy) = Book::spied();
    let (to, from) = channel();
    let held = spy.hold();
    let mut asked = 0;
    // No commit ends before this does, so only what was refused is answered.
    let refused = loop {
        book.logbook().submit_all(vec![
            submission(asked, 1, &to),
            submission(asked + 1, 2, &to),
        ]);
        asked += 2;
        if let Ok(first) = from.try_recv() {
            break [first, from.recv().unwrap()];
        }
        assert!(asked < 100_000, "it takes everything");
    };
    for (at, (number, answer)) in refused.into_iter().enumerate() {
        assert_eq!(number, asked - 2 + at);
        assert!(matches!(answer, Err(LogbookError::Busy)), "{answer:?}");
    }
    drop(held);
    let written: usize = answers(&from, asked - 2)
        .into_iter()
        .map(|answer| seqs(&mut book, answer).len())
        .sum();
    assert_eq!(written as u64, book.count() - 1);
    // And there is room again.
    book.logbook().submit_all(vec![submission(0, 1, &to)]);
    assert_eq!(seqs(&mut book, from.recv().unwrap().1).len(), 1);
    book.check();
}

#[test]
fn a_writer_that_has_finished_tells_each_that_it_has_stopped() {
    let book = Book::in_memory();
    book.logbook().finish().unwrap();
    let (to, from) = channel();
    book.logbook()
        .submit_all(vec![submission(0, 1, &to), submission(1, 0, &to)]);
    for answer in answers(&from, 2) {
        assert!(matches!(answer, Err(LogbookError::Stopped)), "{answer:?}");
    }
}
