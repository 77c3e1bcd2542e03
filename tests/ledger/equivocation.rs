//! Proofs of equivocation: what is one, what is none, and that nobody can make
//! one of what a key did not sign.

use sealbook::ledger::closing::Closing;
use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::equivocation::{Contradiction, Equivocation, NotProven, Signed};
use sealbook::ledger::equivocation_file::judge_equivocation;
use sealbook::ledger::fault::{FaultCode, Format, Verdict, WarningCode};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::head::Head;
use sealbook::ledger::json::{Form, Object};
use sealbook::ledger::key::Signer;
use sealbook::ledger::kind;
use sealbook::ledger::opening::{Opening, Predecessor};
use sealbook::ledger::position::Seq;
use sealbook::ledger::statement::Statement;
use sealbook::ledger::version::Version;

use crate::book::{entry, signer};
use crate::sample::Sample;

fn signed(entry: &Entry) -> Signed {
    Signed::Entry(Box::new(entry.clone()))
}

/// Two entries of one key after one.
fn fork() -> (Entry, Entry) {
    let own = signer(7);
    let before = entry(&own, 0, "before", &Hash::ZERO).hash();
    let entries = ["one way", "the other"].map(|text| entry(&own, 1, text, &before));
    let [a, b] = entries;
    (a, b)
}

fn opening(n: u8, nonce: u8) -> Entry {
    let signer = signer(n);
    let opening = Opening {
        format: Version::One,
        origin: String::new(),
        log: signer.public_key(),
        nonce: [nonce; 16],
        recovery_key_sha256: None,
        predecessor: Some(Predecessor {
            log: crate::book::signer(1).public_key(),
            seq: Seq(9),
            hash: Hash::of(b"the end"),
        }),
        index: None,
        post_quantum: None,
    };
    let mut payload = Vec::new();
    opening
        .to_object()
        .write_canonical(Form::Utf8, &mut payload);
    let ts = sealbook::ledger::time::Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
    let draft = Draft::new(kind::OPEN, ts, &payload, &Hash::ZERO).unwrap();
    draft.sign(&signer).unwrap()
}

#[test]
fn two_entries_after_one_are_proven_and_the_file_is_the_same_both_ways() {
    let (a, b) = fork();
    let key = signer(7).public_key();
    let proven = Equivocation::prove(key, signed(&a), signed(&b)).unwrap();
    let after = a.prev_hash();
    assert_eq!(proven.contradiction(), &Contradiction::Entries { after });
    let other = Equivocation::prove(key, signed(&b), signed(&a)).unwrap();
    assert_eq!(proven.to_bytes(), other.to_bytes());
    assert_eq!(Equivocation::parse(&proven.to_bytes()), Ok(proven.clone()));
    let report = judge_equivocation(&proven.to_bytes(), &[key]);
    assert_eq!(
        (report.verdict, report.format),
        (Verdict::Pass, Format::Equivocation)
    );
    let codes: Vec<_> = report.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [WarningCode::EquivocationProven]);
    assert_eq!((report.entries, report.log), (2, Some(key)));
}

#[test]
fn without_the_key_or_with_another_it_fails() {
    let (a, b) = fork();
    let key = signer(7).public_key();
    let bytes = Equivocation::prove(key, signed(&a), signed(&b))
        .unwrap()
        .to_bytes();
    for keys in [vec![], vec![signer(8).public_key()]] {
        let report = judge_equivocation(&bytes, &keys);
        assert_eq!(report.faults[0].code, FaultCode::UntrustedKey);
        assert_eq!(report.faults.len(), 1);
        assert!(report.warnings.is_empty());
    }
}

#[test]
fn what_contradicts_nothing_proves_nothing() {
    let own = signer(7);
    let key = own.public_key();
    let (a, b) = fork();
    let prove = |a: &Entry, b: &Entry| Equivocation::prove(key, signed(a), signed(b)).err();
    assert_eq!(prove(&a, &a), Some(NotProven::Same));
    let next = entry(&own, 2, "next", &a.hash());
    assert_eq!(prove(&a, &next), Some(NotProven::Unrelated));
    // A key may begin many books.
    let books = ["one", "two"].map(|text| entry(&own, 0, text, &Hash::ZERO));
    assert_eq!(prove(&books[0], &books[1]), Some(NotProven::Unrelated));
    let foreign = entry(&signer(8), 1, "someone else", &a.prev_hash());
    assert_eq!(prove(&a, &foreign), Some(NotProven::Signature));
    let key = signer(8).public_key();
    let stranger = Equivocation::prove(key, signed(&a), signed(&b));
    assert_eq!(stranger.err(), Some(NotProven::Signature));
}

#[test]
fn every_changed_byte_of_a_proof_is_refused() {
    let (a, b) = fork();
    let key = signer(7).public_key();
    let bytes = Equivocation::prove(key, signed(&a), signed(&b))
        .unwrap()
        .to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let report = judge_equivocation(&changed, &[key]);
        assert_eq!(report.verdict, Verdict::Fail, "byte {at}");
    }
    for cut in 0..bytes.len() {
        let report = judge_equivocation(&bytes[..cut], &[key]);
        assert_eq!(
            report.faults[0].code,
            FaultCode::ProofInvalid,
            "{cut} bytes"
        );
    }
    let more = [&bytes[..], b"\n"].concat();
    let report = judge_equivocation(&more, &[key]);
    assert_eq!(report.faults[0].code, FaultCode::ProofInvalid);
}

#[test]
fn two_books_that_continue_one_are_proven() {
    let (a, b) = (opening(7, 1), opening(7, 2));
    let key = signer(7).public_key();
    let proven = Equivocation::prove(key, signed(&a), signed(&b)).unwrap();
    assert_eq!(proven.contradiction().name(), "openings");
    assert_eq!(Equivocation::parse(&proven.to_bytes()), Ok(proven));
    let same = Equivocation::prove(key, signed(&a), signed(&a));
    assert_eq!(same.err(), Some(NotProven::Same));
}

#[test]
fn two_heads_of_one_number_are_proven_if_they_name_two_entries() {
    let own = signer(7);
    let key = own.public_key();
    let head = |hash: &[u8], ts: &str| {
        let head = Head {
            second: None,
            log: key,
            genesis: Hash::of(b"genesis"),
            seq: Seq(4),
            hash: Hash::of(hash),
            ts: sealbook::ledger::time::Timestamp::parse(ts).unwrap(),
        };
        Signed::Head(Box::new(Statement::sign(head, &own).unwrap()))
    };
    let early = "2026-03-01T10:00:00Z";
    let proven = Equivocation::prove(key, head(b"a", early), head(b"b", early)).unwrap();
    assert_eq!(proven.contradiction().name(), "heads");
    assert_eq!(Equivocation::parse(&proven.to_bytes()), Ok(proven));
    // The same entry, stated twice.
    let late = head(b"a", "2026-03-01T11:00:00Z");
    let twice = Equivocation::prove(key, head(b"a", early), late);
    assert_eq!(twice.err(), Some(NotProven::Same));
}

#[test]
fn two_headers_of_one_number_are_proven() {
    let sample = Sample::new(&[3], 0);
    let first = sample.epochs[0].clone();
    let mut content = first.content.clone();
    content.root = Hash::of(b"another tree");
    let second = Statement::sign(content, &sample.signer).unwrap();
    let [a, b] = [first, second].map(|epoch| Signed::Epoch(Box::new(epoch)));
    let key = sample.signer.public_key();
    let proven = Equivocation::prove(key, a.clone(), b).unwrap();
    assert_eq!(proven.contradiction().name(), "epochs");
    let report = judge_equivocation(&proven.to_bytes(), &[key]);
    assert_eq!((report.verdict, report.epochs), (Verdict::Pass, 2));
    let same = Equivocation::prove(key, a.clone(), a);
    assert_eq!(same.err(), Some(NotProven::Same));
}

#[test]
fn a_closing_that_says_more_than_its_successor_is_refused() {
    let closing = Closing {
        successor: signer(2).public_key(),
    };
    assert_eq!(Closing::from_object(&closing.to_object()), Ok(closing));
    let mut more = closing.to_object();
    more.insert("note", "unsigned nonsense");
    assert!(Closing::from_object(&more).is_err_and(|error| error.at == "payload.note"));
    assert!(Closing::from_object(&Object::new()).is_err_and(|e| e.at == "payload.successor"));
}
