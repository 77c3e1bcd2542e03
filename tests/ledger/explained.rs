//! Where trust ends: every class at its place, nothing on whole books, and what
//! still stands.

use sealbook::ledger::entry::Entry;
use sealbook::ledger::explanation::{Evidence, Explanation, Prefix, Tie};
use sealbook::ledger::fault::{FaultClass, Report};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{PublicKey, Signer};
use sealbook::ledger::policy::Policy;
use sealbook::ledger::position::Seq;
use sealbook::ledger::search::search;
use sealbook::ledger::verify::{Anchor, verify};

use crate::book::{entry, line, signer, whole};
use crate::breaker::break_book;
use crate::score::{Score, examine};

const ENTRIES: u64 = 12;

fn own() -> Vec<Entry> {
    whole(&signer(7), ENTRIES)
}

fn key() -> PublicKey {
    signer(7).public_key()
}

fn file(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    text
}

fn lines(book: &[Entry]) -> Vec<Vec<u8>> {
    book.iter().map(line).collect()
}

fn explained(text: &[u8], policy: &Policy) -> (Report, Explanation) {
    use sealbook::ledger::explain::explain;
    use sealbook::ledger::logbook_file::LogbookFile;
    let outcome = verify(&mut LogbookFile::new(text), policy, &mut |_| ()).unwrap();
    let mut report = outcome.report;
    let mut wanted = outcome.trace.wanted();
    wanted.extend(policy.expect_head);
    let places = search(&mut LogbookFile::new(text), &wanted).unwrap();
    let explanation = explain(&mut report, policy, &outcome.trace, &places);
    (report, explanation)
}

fn trusting() -> Policy {
    Policy {
        keys: vec![key()],
        ..Policy::default()
    }
}

/// The one incident of a file: class, place, what it may be as well.
fn incident(text: &[u8]) -> (FaultClass, Option<u64>, Vec<FaultClass>) {
    let (report, explanation) = explained(text, &trusting());
    assert_eq!(explanation.incidents.len(), 1, "{explanation:#?}");
    let incident = &explanation.incidents[0];
    assert!(
        report
            .faults
            .iter()
            .all(|fault| fault.class == Some(incident.class))
    );
    (incident.class, incident.index, incident.or.clone())
}

fn head_of(book: &[Entry]) -> Anchor {
    let last = book.last().unwrap();
    Anchor {
        log: key(),
        genesis: book[0].hash(),
        seq: Seq(book.len() as u64 - 1),
        hash: last.hash(),
        epoch: None,
        signed: true,
        line: None,
    }
}

#[test]
fn a_whole_book_is_trusted_to_its_end_and_has_no_incidents() {
    let book = own();
    let (report, explanation) = explained(&file(&lines(&book)), &trusting());
    assert_eq!(report.faults, []);
    assert_eq!(explanation.incidents, []);
    let head = book[11].hash();
    assert_eq!(
        explanation.trusted,
        Prefix {
            entries: ENTRIES,
            head
        }
    );
}

#[test]
fn faults_at_random_are_all_named_at_their_place_and_nothing_else_is() {
    let book = whole(&signer(7), 3_000);
    let head = head_of(&book);
    let mut score = Score::default();
    for seed in 0..4 {
        let broken = break_book(&book, &signer(7), 60, seed);
        let (report, explanation) = examine(&broken.text, key(), head.clone());
        score.add(&broken.breaks, &report, &explanation);
    }
    assert_eq!(score.missed, Vec::<String>::new());
    assert_eq!(score.false_alarms, Vec::<String>::new());
    assert_eq!(score.unclassified, 0);
    assert_eq!((score.breaks, score.exact + score.either), (240, 240));
}

#[test]
fn a_deletion_names_what_is_missing_and_where_the_book_goes_on() {
    let book = own();
    let mut left = lines(&book);
    left.drain(4..6);
    let (_, explanation) = explained(&file(&left), &trusting());
    let incident = &explanation.incidents[0];
    assert_eq!(
        (incident.class, incident.index),
        (FaultClass::Deletion, Some(4))
    );
    let missing = book[5].hash();
    assert_eq!(incident.evidence, Evidence::OneBeforeMissing { missing });
    let again = incident.whole_again.unwrap();
    assert_eq!(
        (again.index, again.tie),
        (4, Tie::MissingEntry { hash: missing })
    );
    let head = book[3].hash();
    assert_eq!(explanation.trusted, Prefix { entries: 4, head });
}

#[test]
fn an_edit_is_told_by_what_the_next_entry_names() {
    let book = own();
    let mut left = lines(&book);
    let text = String::from_utf8(left[5].clone()).unwrap();
    left[5] = text.replace("as it was", "as it was not").into_bytes();
    let (report, explanation) = explained(&file(&left), &trusting());
    let incident = &explanation.incidents[0];
    assert_eq!(
        (incident.class, incident.index),
        (FaultClass::Edit, Some(5))
    );
    // Another key may have signed it: the file does not say.
    assert_eq!(incident.or, [FaultClass::ForeignKey]);
    let original = book[5].hash();
    assert_eq!(incident.evidence, Evidence::ContentReplaced { original });
    assert_eq!(incident.whole_again.unwrap().index, 6);
    assert_eq!(report.faults.len(), 1);
}

#[test]
fn a_foreign_signature_is_certain_if_its_key_is_known() {
    let book = own();
    let mut left = lines(&book);
    left[5] = line(&entry(&signer(8), 5, "mine", &book[5].prev_hash()));
    let guess = (FaultClass::Edit, Some(5), vec![FaultClass::ForeignKey]);
    assert_eq!(incident(&file(&left)), guess);
    let policy = Policy {
        known: vec![signer(8).public_key()],
        ..trusting()
    };
    let (_, explanation) = explained(&file(&left), &policy);
    let incident = &explanation.incidents[0];
    assert_eq!(
        (incident.class, incident.or.len()),
        (FaultClass::ForeignKey, 0)
    );
    let key = signer(8).public_key();
    assert_eq!(incident.evidence, Evidence::SignedBy { key });
}

#[test]
fn a_forged_entry_that_the_chain_closes_without_is_an_insertion() {
    let book = own();
    let mut left = lines(&book);
    left.insert(7, line(&entry(&signer(9), 7, "forged", &book[6].hash())));
    let certain = (FaultClass::Insertion, Some(7), vec![]);
    assert_eq!(incident(&file(&left)), certain);
}

#[test]
fn neighbours_swapped_are_one_incident() {
    let mut left = lines(&own());
    left.swap(4, 5);
    let (class, index, or) = incident(&file(&left));
    assert_eq!(
        (class, index, or),
        (FaultClass::Reordering, Some(4), vec![])
    );
}

#[test]
fn an_entry_twice_is_a_duplication_at_the_second() {
    let mut left = lines(&own());
    let copy = left[4].clone();
    left.insert(5, copy);
    assert_eq!(
        incident(&file(&left)),
        (FaultClass::Duplication, Some(5), vec![])
    );
}

#[test]
fn two_entries_of_the_key_after_one_end_trust_at_that_one() {
    let book = own();
    let mut left = lines(&book);
    left.insert(
        5,
        line(&entry(&signer(7), 99, "otherwise", &book[4].hash())),
    );
    let (_, explanation) = explained(&file(&left), &trusting());
    let incident = &explanation.incidents[0];
    assert_eq!(
        (incident.class, incident.index),
        (FaultClass::Fork, Some(6))
    );
    assert_eq!(incident.evidence, Evidence::TwoAfterOne { at: 4 });
    let head = book[4].hash();
    assert_eq!(explanation.trusted, Prefix { entries: 5, head });
}

#[test]
fn a_missing_end_is_a_truncation_and_another_end_a_fork() {
    let book = own();
    let head = head_of(&book);
    let cut = file(&lines(&book[..9]));
    let policy = |head: Anchor| Policy {
        contains: vec![head],
        ..trusting()
    };
    let (report, explanation) = explained(&cut, &policy(head.clone()));
    assert_eq!(report.faults[0].class, Some(FaultClass::Truncation));
    assert_eq!(explanation.incidents[0].or, []);
    assert_eq!(explanation.trusted.entries, 9);
    // The same number with another hash: the owner wrote two books.
    let other = Anchor {
        seq: Seq(6),
        hash: Hash::of(b"another entry"),
        ..head.clone()
    };
    let (report, _) = explained(&cut, &policy(other));
    assert_eq!(report.faults[0].class, Some(FaultClass::Fork));
    // A hash alone does not say which of both.
    let expecting = |hash| Policy {
        expect_head: Some(hash),
        ..trusting()
    };
    let (report, explanation) = explained(&cut, &expecting(head.hash));
    assert_eq!(report.faults[0].class, Some(FaultClass::Truncation));
    assert_eq!(explanation.incidents[0].or, [FaultClass::Fork]);
    // The book goes on after it: nothing was taken away.
    let (report, _) = explained(&cut, &expecting(book[3].hash()));
    assert_eq!(report.faults[0].class, None);
}

#[test]
fn a_torn_last_line_is_told_from_a_damaged_one() {
    let book = own();
    let mut text = file(&lines(&book));
    text.truncate(text.len() - 20);
    assert_eq!(incident(&text).0, FaultClass::TornLastLine);
    text.push(b'\n');
    assert_eq!(incident(&text).0, FaultClass::Edit);
}

#[test]
fn a_book_under_the_wrong_key_is_one_incident() {
    let book = whole(&signer(8), 50);
    let (class, index, or) = incident(&file(&lines(&book)));
    assert_eq!((class, index), (FaultClass::ForeignKey, Some(0)));
    assert!(or.contains(&FaultClass::Edit));
}
