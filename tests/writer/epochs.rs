//! Epochs: when they end, and that every header is that of its entries.

use std::time::Duration;

use sealbook::ledger::epoch::EpochHeader;

use crate::book::{Book, START};
use crate::clock::ts;

fn spans(epochs: &[EpochHeader]) -> Vec<(u64, u64)> {
    epochs
        .iter()
        .map(|epoch| (epoch.first_seq.0, epoch.last_seq.0))
        .collect()
}

#[test]
fn the_first_append_of_a_later_hour_seals_the_open_epoch_first() {
    for mut book in Book::both() {
        book.append();
        book.clock.set("2026-03-01T10:59:59.999999Z");
        book.append();
        assert_eq!(book.epochs(), []);
        book.clock.pass(Duration::from_micros(1));
        let receipt = book.append();
        let epochs = book.epochs();
        // The jump to the end of the hour is an entry of its own.
        assert_eq!(spans(&epochs), [(0, receipt.seq.0 - 1)]);
        assert_eq!(epochs[0].hour, ts(START));
        assert_eq!(epochs[0].sealed_at, receipt.ts);
        assert_eq!(receipt.ts, ts("2026-03-01T11:00:00Z"));
        book.reopen();
    }
}

#[test]
fn hours_without_entries_have_no_epochs() {
    let mut book = Book::in_memory();
    book.clock.pass_secs(9 * 3_600);
    book.append();
    book.clock.pass_secs(30 * 3_600);
    book.append();
    let hours: Vec<_> = book.epochs().iter().map(|epoch| epoch.hour).collect();
    assert_eq!(hours, [ts(START), ts("2026-03-01T19:00:00Z")]);
    assert_eq!(spans(&book.epochs()), [(0, 0), (1, 1)]);
}

#[test]
fn an_early_seal_ends_the_epoch_and_several_may_share_an_hour() {
    for mut book in Book::both() {
        for round in 1..=3 {
            book.append();
            book.clock.pass_secs(60);
            let header = book.seal().unwrap();
            assert_eq!(header.epoch.0 + 1, round);
            assert_eq!(header.hour, ts(START));
            assert_eq!(header.head, book.receipts.last().unwrap().hash);
        }
        assert_eq!(spans(&book.epochs()), [(0, 1), (2, 2), (3, 3)]);
        book.reopen();
        assert_eq!(spans(&book.epochs()), [(0, 1), (2, 2), (3, 3)]);
    }
}

#[test]
fn there_is_nothing_to_seal_where_no_entry_is_open() {
    for mut book in Book::both() {
        assert!(book.seal().is_some(), "entry 0");
        assert_eq!(book.seal(), None);
        book.reopen();
        assert_eq!(book.seal(), None);
        book.clock.pass_secs(7_200);
        assert_eq!(book.seal(), None);
        book.append();
        assert!(book.seal().is_some());
        assert_eq!(book.epochs().len(), 2);
    }
}

#[test]
fn an_hour_of_monotonic_time_ends_an_epoch_whatever_the_wall_clock_says() {
    let mut book = Book::in_memory();
    book.seal();
    book.append();
    // The wall clock goes slow, by less than is worth an entry.
    book.clock.pass(Duration::from_micros(3_599_999_999));
    book.clock.jump(-50_000_000);
    book.append();
    assert_eq!(book.epochs().len(), 1);
    book.clock.pass(Duration::from_micros(1));
    book.append();
    assert_eq!(spans(&book.epochs()), [(0, 0), (1, 2)]);
    assert_eq!(book.epochs()[1].hour, ts(START));
    assert!(book.receipts[3].ts < ts("2026-03-01T11:00:00Z"));
}

#[test]
fn the_age_of_an_epoch_counts_from_its_first_entry() {
    let mut book = Book::in_memory();
    book.seal();
    book.clock.pass_secs(3_000);
    book.append();
    book.clock.pass_secs(599);
    book.append();
    assert_eq!(book.epochs().len(), 1);
}

#[test]
fn an_epoch_left_open_is_sealed_by_whoever_appends_in_a_later_hour() {
    for mut book in Book::both() {
        book.append();
        book.close();
        book.clock.pass_secs(86_400);
        book.clock.reboot();
        book.open().unwrap();
        book.check();
        assert_eq!(book.epochs(), []);
        let receipt = book.append();
        assert_eq!(spans(&book.epochs()), [(0, 1)]);
        assert_eq!(book.epochs()[0].sealed_at, receipt.ts);
    }
}

#[test]
fn one_request_may_span_many_epochs() {
    for mut book in Book::both() {
        book.clock.step(Duration::from_secs(13 * 60));
        let receipts = book.append_together(100);
        assert_eq!(receipts.len(), 100);
        let hours = 100 * 13 / 60;
        assert!(book.epochs().len() >= hours, "{}", book.epochs().len());
        book.reopen();
    }
}

#[test]
fn months_of_epochs_verify() {
    let mut book = Book::in_memory();
    for round in 0..1_500 {
        book.clock.pass_secs(3_600);
        match round % 7 {
            0 => drop(book.try_append_together(20).unwrap()),
            // Nothing happens on some hours.
            3 => continue,
            _ => drop(book.try_append().unwrap()),
        }
    }
    book.check();
    let epochs = book.epochs();
    assert_eq!(epochs.len(), 1_500 - 214);
    let days = epochs.last().unwrap().hour.micros_since(ts(START)) / 86_400_000_000;
    assert_eq!(days, 62);
    book.reopen();
}

/// Sizes around the width of a tile, 16, and of sixteen tiles.
const SIZES: [usize; 14] = [1, 2, 14, 15, 16, 17, 31, 32, 33, 240, 255, 256, 257, 273];

#[test]
fn a_tree_goes_on_after_reopening_at_any_size() {
    for mut book in Book::both() {
        for size in SIZES {
            let first = book.count();
            book.try_append_together(size).unwrap();
            book.close();
            book.open().unwrap();
            book.try_append_together(16).unwrap();
            book.close();
            book.open().unwrap();
            book.try_append().unwrap();
            let header = book.seal().unwrap();
            let entries = book.count() - if header.epoch.0 == 0 { 0 } else { first };
            assert_eq!(header.tree_size, entries, "{size}");
        }
    }
}

#[test]
fn a_tree_goes_on_after_reopening_after_every_entry() {
    let mut book = Book::in_memory();
    for _ in 1..70 {
        book.append();
        book.reopen();
    }
    assert_eq!(book.seal().unwrap().tree_size, 70);
}

#[test]
fn chain_epochs_and_tree_go_on_after_reopening_on_disk() {
    let mut book = Book::on_disk();
    for round in 0..24 {
        book.append_together(1 + round % 5);
        match round % 4 {
            0 => drop(book.seal()),
            1 => book.clock.pass_secs(3_700),
            _ => {}
        }
        book.reopen();
    }
    assert!(book.epochs().len() >= 12);
}
