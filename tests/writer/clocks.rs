//! Clocks that jump: recorded, and `ts` never goes back.

use sealbook::ledger::json::Object;
use sealbook::ledger::kind;
use sealbook::logbook::error::{LogbookError, OpenError};

use crate::book::{Book, START};
use crate::clock::ts;

const SECOND: i64 = 1_000_000;

/// The payload of a `sealbook:clock`.
fn clocks(wall: &str, monotonic: &str, last: &str) -> Object {
    let mut object = Object::new();
    for (name, time) in [("wall", wall), ("monotonic", monotonic), ("last", last)] {
        object.insert(name, ts(time).to_string());
    }
    object
}

#[test]
fn a_jump_forwards_is_recorded_with_both_clocks_before_the_entry() {
    for mut book in Book::both() {
        book.append();
        book.clock.pass_secs(10);
        book.clock.jump(61 * SECOND);
        let receipt = book.append();
        assert_eq!(receipt.seq.0, 3);
        assert_eq!(book.kinds()[2], kind::CLOCK);
        assert_eq!(
            book.payload(2),
            clocks("2026-03-01T10:01:11Z", "2026-03-01T10:00:10Z", START)
        );
        assert_eq!(book.entry(2).ts(), receipt.ts);
        assert_eq!(receipt.ts, ts("2026-03-01T10:01:11Z"));
        // Once is enough.
        assert_eq!(book.append().seq.0, 4);
        book.reopen();
    }
}

#[test]
fn a_jump_backwards_is_recorded_and_the_last_time_is_repeated() {
    for mut book in Book::both() {
        book.clock.pass_secs(600);
        book.append();
        book.clock.pass_secs(1);
        book.clock.jump(-300 * SECOND);
        let receipt = book.append();
        assert_eq!(receipt.ts, ts("2026-03-01T10:10:00Z"));
        assert_eq!(
            book.payload(2),
            clocks(
                "2026-03-01T10:05:01Z",
                "2026-03-01T10:10:01Z",
                "2026-03-01T10:10:00Z"
            )
        );
        for _ in 0..4 {
            book.clock.pass_secs(60);
            assert_eq!(book.append().ts, receipt.ts);
        }
        // The clock has caught up.
        book.clock.pass_secs(60);
        assert_eq!(book.append().ts, ts("2026-03-01T10:10:01Z"));
        // Once a minute, as long as it is behind by more than that.
        let recorded = book.kinds().iter().filter(|k| *k == kind::CLOCK).count();
        assert_eq!(recorded, 4);
    }
}

#[test]
fn clocks_that_part_by_a_minute_are_not_worth_an_entry_and_by_more_they_are() {
    for (jump, recorded) in [
        (60 * SECOND, false),
        (60 * SECOND + 1, true),
        (-60 * SECOND, false),
        (-60 * SECOND - 1, true),
    ] {
        let mut book = Book::in_memory();
        book.clock.pass_secs(600);
        book.append();
        book.clock.jump(jump);
        book.append();
        let found = book.kinds().contains(&kind::CLOCK.to_owned());
        assert_eq!(found, recorded, "{jump}");
    }
}

#[test]
fn clocks_that_part_slowly_are_recorded_when_they_are_a_minute_apart() {
    let mut book = Book::in_memory();
    book.append();
    let mut recorded = Vec::new();
    for round in 1..=130 {
        book.clock.pass_secs(2);
        book.clock.jump(-SECOND);
        let before = book.count();
        book.try_append().unwrap();
        if book.count() == before + 2 {
            recorded.push(round);
        }
    }
    book.check();
    assert_eq!(recorded, [61, 122]);
}

#[test]
fn a_clock_set_back_while_the_book_was_closed_is_recorded_against_the_last_entry() {
    for mut book in Book::both() {
        book.clock.pass_secs(1_000);
        book.append();
        book.close();
        book.clock.reboot();
        book.clock.set("2026-03-01T10:15:39Z");
        book.open().unwrap();
        let receipt = book.append();
        assert_eq!(receipt.ts, ts("2026-03-01T10:16:40Z"));
        assert_eq!(
            book.payload(2),
            clocks(
                "2026-03-01T10:15:39Z",
                "2026-03-01T10:15:39Z",
                "2026-03-01T10:16:40Z"
            )
        );
        book.reopen();
    }
}

#[test]
fn a_jump_into_another_hour_is_recorded_in_that_hour() {
    let mut book = Book::in_memory();
    book.append();
    book.clock.jump(3 * 3_600 * SECOND);
    let receipt = book.append();
    let epochs = book.epochs();
    assert_eq!(epochs.len(), 1);
    assert_eq!(epochs[0].last_seq.0, 1);
    assert_eq!(book.kinds()[2], kind::CLOCK);
    assert_eq!(receipt.seq.0, 3);
    let sealed = book.seal().unwrap();
    assert_eq!(sealed.hour, ts("2026-03-01T13:00:00Z"));
    assert_eq!(sealed.tree_size, 2);
}

#[test]
fn a_clock_set_back_into_the_hour_before_opens_no_earlier_epoch() {
    let mut book = Book::in_memory();
    book.clock.pass_secs(3_600);
    book.append();
    book.clock.jump(-3_600 * SECOND);
    let receipt = book.append();
    assert_eq!(receipt.ts, ts("2026-03-01T11:00:00Z"));
    assert_eq!(book.epochs().len(), 1);
    let sealed = book.seal().unwrap();
    assert_eq!(sealed.hour, ts("2026-03-01T11:00:00Z"));
    assert_eq!(sealed.sealed_at, ts("2026-03-01T11:00:00Z"));
}

#[test]
fn an_epoch_sealed_by_a_clock_far_ahead_holds_time_from_going_back() {
    for mut book in Book::both() {
        book.append();
        book.clock.jump(86_400 * SECOND);
        let sealed = book.seal().unwrap();
        assert_eq!(sealed.hour, ts(START));
        assert_eq!(sealed.sealed_at, ts("2026-03-02T10:00:00Z"));
        book.clock.jump(-86_400 * SECOND);
        book.reopen();
        let receipt = book.append();
        assert_eq!(receipt.ts, sealed.sealed_at);
        assert_eq!(book.kinds()[2], kind::CLOCK);
        book.seal().unwrap();
    }
}

#[test]
fn a_jump_in_the_middle_of_a_request_gives_its_caller_only_its_own_receipts() {
    for jump in [-1_000 * SECOND, 1_000 * SECOND, 7_200 * SECOND] {
        let mut book = Book::in_memory();
        book.append();
        book.clock.jump_after(17, jump);
        let receipts = book.append_together(30);
        assert!(receipts.iter().all(|receipt| receipt.kind == "note"));
        assert_eq!(book.count(), 2 + 30 + 1);
        assert_eq!(book.kinds()[2 + 17], kind::CLOCK);
        let skipped = receipts[17].seq.0 - receipts[16].seq.0;
        assert_eq!(skipped, 2, "the clock entry stands between");
    }
}

#[test]
fn jumps_of_an_hour_a_day_and_a_year_are_recorded_once_each_both_ways() {
    for seconds in [3_600, 86_400, 31_536_000] {
        for way in [1, -1] {
            for mut book in Book::both() {
                book.append();
                for jump in [way, -way, -way, way] {
                    book.clock.pass_secs(5);
                    book.clock.jump(jump * seconds * SECOND);
                    book.append();
                    book.seal();
                }
                book.reopen();
                let kinds = book.kinds();
                let recorded = kinds.iter().filter(|k| *k == kind::CLOCK).count();
                assert_eq!(recorded, 4, "{way} times {seconds} s");
            }
        }
    }
}

/// Ten years ahead for one entry.
fn frozen() -> Book {
    let mut book = Book::in_memory();
    book.clock.tell_boot();
    book.close();
    book.clock.reboot();
    book.clock.set("2036-03-01T10:00:00Z");
    book.open().unwrap();
    book.append();
    book.close();
    book.clock.reboot();
    book.clock.set("2026-03-01T10:05:00Z");
    book.open().unwrap();
    book
}

#[test]
fn a_clock_behind_the_log_is_recorded_once_a_minute_whoever_writes() {
    let mut book = frozen();
    let mut recorded = Vec::new();
    for second in 0..150 {
        // Every entry by a process of its own.
        book.close();
        book.open().unwrap();
        let receipt = book.append();
        assert_eq!(receipt.ts, ts("2036-03-01T10:00:00Z"));
        if book.kinds()[book.kinds().len() - 2] == kind::CLOCK {
            recorded.push(second);
        }
        book.clock.pass_secs(1);
    }
    assert_eq!(recorded, [0, 60, 120]);
    let at = book.kinds().iter().rposition(|k| k == kind::CLOCK).unwrap();
    let wall = book.payload(at as u64).get("wall").unwrap().clone();
    assert_eq!(wall.as_str(), Some("2026-03-01T10:07:00+00:00"));
}

fn day(days: i64) -> i64 {
    days * 24 * 3_600 * SECOND
}

#[test]
fn clocks_that_part_by_a_day_within_a_boot_are_refused_until_they_are_accepted() {
    for jump in [day(1) + SECOND, -day(1) - SECOND, day(3_650)] {
        let mut book = Book::in_memory();
        book.clock.tell_boot();
        book.close();
        book.open().unwrap();
        book.append();
        let (right, count) = (book.receipts.last().unwrap().ts, book.count());
        // In the process that has it open.
        assert!(!book.logbook().clocks_parted());
        book.clock.jump(jump);
        let refused = book.try_append().unwrap_err();
        assert!(matches!(refused, LogbookError::Clocks(_)), "{refused:?}");
        assert!(book.logbook().clocks_parted());
        assert_eq!(book.count(), count);
        // In the next one.
        book.close();
        let refused = book.open().unwrap_err();
        assert!(matches!(refused, OpenError::Clocks(_)), "{refused:?}");
        // Set right, it goes on without a word.
        book.clock.jump(-jump);
        book.open().unwrap();
        assert_eq!(book.append().ts, right);
        assert_eq!(book.count(), count + 1);
        // Accepted once, it is accepted for this boot.
        book.close();
        book.clock.jump(jump);
        book.clock.accept(true);
        book.open().unwrap();
        book.append();
        book.clock.accept(false);
        book.close();
        book.open().unwrap();
        book.append();
    }
}

#[test]
fn less_than_a_day_is_recorded_and_not_refused_and_so_is_a_day_between_boots() {
    let mut book = Book::in_memory();
    book.clock.tell_boot();
    book.close();
    book.open().unwrap();
    book.append();
    book.clock.jump(day(1) - SECOND);
    book.append();
    book.close();
    book.clock.reboot();
    book.clock.jump(day(30));
    book.open().unwrap();
    book.append();
}

#[test]
fn a_log_that_was_idle_for_a_year_goes_on() {
    let mut book = Book::in_memory();
    book.clock.tell_boot();
    book.close();
    book.open().unwrap();
    book.append();
    book.clock.pass_secs(365 * 24 * 3_600);
    book.append();
    book.close();
    book.clock.pass_secs(365 * 24 * 3_600);
    book.open().unwrap();
    book.append();
    assert!(!book.kinds().contains(&kind::CLOCK.to_owned()));
}
