//! The published file: never ahead of the ledger, healed after a crash, and
//! evidence if the ledger went another way.

use std::fs;
use std::path::PathBuf;

use sealbook::ledger::position::EpochNumber;
use sealbook::ledger::published::Published;
use sealbook::logbook::publish::{Added, PublishError, PublishFile};

use crate::book::Book;

fn path(book: &Book) -> PathBuf {
    book.temp().join("public")
}

fn open(book: &Book) -> Result<PublishFile, PublishError> {
    let identity = book.logbook().identity();
    book.read(|store| PublishFile::open(&path(book), store, identity))
}

fn publish(book: &Book) -> Added {
    let head = book.logbook().head().unwrap();
    let mut file = open(book).unwrap();
    book.read(|store| file.publish(store, Some(&head))).unwrap()
}

fn lines(book: &Book) -> Vec<Published> {
    let text = fs::read(path(book)).unwrap();
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| {
            let published = Published::from_line(line.trim_ascii_end()).unwrap();
            // In the one spelling, newline and all.
            assert_eq!(published.to_line(), line);
            published
        })
        .collect()
}

fn added(epochs: u64, heads: u64) -> Added {
    Added { epochs, heads }
}

#[test]
fn headers_come_in_order_and_heads_only_beyond_them() {
    let mut book = Book::in_memory();
    book.append_together(3);
    assert_eq!(publish(&book), added(0, 1));
    assert_eq!(publish(&book), added(0, 0));
    book.seal();
    assert_eq!(publish(&book), added(1, 0));
    for _ in 0..3 {
        book.append_together(2);
        book.seal();
    }
    book.append_together(1);
    assert_eq!(publish(&book), added(3, 1));
    let epochs: Vec<_> = lines(&book)
        .iter()
        .filter_map(|line| match line {
            Published::Epoch(epoch) => Some(epoch.content.epoch),
            Published::Head(_) => None,
        })
        .collect();
    assert_eq!(epochs, [0, 1, 2, 3].map(EpochNumber));
    assert_eq!(lines(&book).len(), 6);
}

#[test]
fn a_crash_at_any_byte_is_healed_by_the_next_run() {
    let mut book = Book::in_memory();
    for _ in 0..2 {
        book.append_together(2);
        book.seal();
    }
    book.append_together(1);
    publish(&book);
    let whole = fs::read(path(&book)).unwrap();
    for cut in 0..whole.len() {
        fs::write(path(&book), &whole[..cut]).unwrap();
        publish(&book);
        assert_eq!(fs::read(path(&book)).unwrap(), whole, "cut at {cut}");
    }
}

#[test]
fn two_writers_do_not_publish_at_once() {
    let mut book = Book::in_memory();
    book.append_together(2);
    let first = open(&book).unwrap();
    match open(&book) {
        Err(PublishError::InUse { .. }) => {}
        other => panic!("{other:?}"),
    }
    drop(first);
    open(&book).unwrap();
}

#[test]
fn a_ledger_that_went_another_way_is_not_published_over_it() {
    let mut book = Book::in_memory();
    book.append_together(2);
    book.seal();
    publish(&book);
    let text = fs::read_to_string(path(&book)).unwrap();
    let other = text.replacen("\"tree_size\":3", "\"tree_size\":2", 1);
    assert_ne!(other, text);
    fs::write(path(&book), &other).unwrap();
    match open(&book) {
        Err(PublishError::Differs { epoch, .. }) => assert_eq!(epoch, EpochNumber(0)),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_to_string(path(&book)).unwrap(), other);
    // A folder, and a place that is not there.
    fs::remove_file(path(&book)).unwrap();
    fs::create_dir(path(&book)).unwrap();
    match open(&book) {
        Err(PublishError::NotPublished { line: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}
