//! Evidence out of a ledger: every range, every entry, verified by a stranger
//! with the key alone.

use sealbook::evidence::range::{RangeExport, export_range};
use sealbook::evidence::{EvidenceError, Prover, prove};
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::{FaultCode, NotChecked, Report, Verdict};
use sealbook::ledger::head::SignedHead;
use sealbook::ledger::key::{PublicKey, Signer};
use sealbook::ledger::position::Seq;
use sealbook::ledger::proof::{InclusionProof, ProofFile};
use sealbook::ledger::source::Source;
use sealbook::ledger::verify::{Policy, verify};

use crate::book::Book;

/// Entries of each epoch; the first one has `sealbook:open` too.
const EPOCHS: [usize; 6] = [4, 1, 16, 17, 2, 3];
const TAIL: usize = 4;

/// Epochs of several sizes, and an unsealed tail.
fn book() -> (Book, u64) {
    let mut book = Book::in_memory();
    for (n, size) in EPOCHS.into_iter().enumerate() {
        book.try_append_together(size).unwrap();
        // Some epochs share an hour.
        if n % 2 == 0 {
            book.clock.pass_secs(3_600);
        }
        book.seal();
    }
    let sealed = book.count();
    book.append_together(TAIL);
    (book, sealed)
}

pub(crate) fn judge(source: &mut dyn Source, key: PublicKey) -> Report {
    let policy = Policy {
        keys: vec![key],
        ..Policy::default()
    };
    verify(source, &policy, &mut |_| ()).unwrap().report
}

pub(crate) fn export(
    book: &Book,
    (first, last): (u64, u64),
    head: Option<&SignedHead>,
    signed: bool,
) -> Result<Vec<u8>, EvidenceError> {
    let signer: Option<&dyn Signer> = if signed { Some(&*book.signer) } else { None };
    let export = RangeExport {
        version: sealbook::ledger::version::Version::default(),
        openings: Default::default(),
        first: Seq(first),
        last: Seq(last),
        head,
        signer,
        progress: &mut |_| (),
    };
    book.read(|store| export_range(store, Vec::new(), export))
        .map(|(bytes, _)| bytes)
}

/// The entries of a bundle, as its lines spell them.
fn entries_of(bundle: &[u8]) -> Vec<Vec<u8>> {
    bundle
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(br#"{"entry":"#)?.strip_suffix(b"}"))
        .map(<[u8]>::to_vec)
        .collect()
}

/// The same entries, out of the ledger.
fn entries(book: &Book, first: u64, last: u64) -> Vec<Vec<u8>> {
    let spell = |seq| {
        let mut json = Vec::new();
        book.entry(seq).write_json(Some(Seq(seq)), &mut json);
        json
    };
    (first..=last).map(spell).collect()
}

#[test]
fn every_range_exports_verifies_and_holds_its_entries() {
    let (book, sealed) = book();
    let head = book.logbook().head().unwrap();
    let count = book.count();
    assert_eq!((sealed, count), (44, 48));
    for first in 0..count {
        for last in first..count {
            let bundle = export(&book, (first, last), Some(&head), true);
            // A head covers all entries up to it: a range that ends between
            // the last seal and the head ends at the seal.
            let ends = if last < sealed || last == count - 1 {
                last
            } else {
                sealed - 1
            };
            if ends < first {
                assert_not_sealed(bundle, first);
                continue;
            }
            let bundle = bundle.unwrap();
            assert_eq!(entries_of(&bundle), entries(&book, first, ends));
            let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
            assert_eq!(report.faults, [], "{first} to {last}");
            assert_eq!(report.verdict, Verdict::Pass);
            assert_eq!(report.entries, ends - first + 1);
            assert_eq!(report.head, book.entry(ends).hash());
            assert_eq!(report.not_checked, []);
            assert_eq!(report.warnings, []);
        }
    }
}

fn assert_not_sealed<T: std::fmt::Debug>(result: Result<T, EvidenceError>, expected: u64) {
    match result {
        Err(EvidenceError::NotSealed { seq }) => assert_eq!(seq, Seq(expected)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_open_end_means_the_last_entry_there_is() {
    let (book, sealed) = book();
    let head = book.logbook().head().unwrap();
    let all = export(&book, (0, u64::MAX), Some(&head), true).unwrap();
    assert_eq!(all, export(&book, (0, 47), Some(&head), true).unwrap());
    // Without a head nothing covers the tail.
    let to_the_seal = export(&book, (0, u64::MAX), None, true).unwrap();
    assert_eq!(entries_of(&to_the_seal).len() as u64, sealed);
    let report = judge(&mut BundleFile::open(&to_the_seal[..]).unwrap(), book.log());
    assert_eq!(report.faults, []);
}

#[test]
fn a_range_that_has_no_entries_is_none() {
    let (book, _) = book();
    let head = book.logbook().head().unwrap();
    for range in [(48, 60), (48, u64::MAX), (9, 8), (47, 0), (45, 44)] {
        match export(&book, range, Some(&head), true) {
            Err(EvidenceError::EmptyRange) => {}
            other => panic!("{range:?}: {other:?}"),
        }
    }
    let nothing_sealed = Book::in_memory();
    assert_not_sealed(export(&nothing_sealed, (0, 0), None, true), 0);
}

#[test]
fn an_unsigned_bundle_is_no_pass() {
    let (book, _) = book();
    let bundle = export(&book, (3, 40), None, false).unwrap();
    let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
    let codes: Vec<_> = report.faults.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, [FaultCode::BundleUnsigned]);
}

#[test]
fn every_sealed_entry_is_proven_and_no_other_key_believes_it() {
    let (book, sealed) = book();
    for seq in 0..sealed {
        let proof = book.read(|store| prove(store, Seq(seq))).unwrap();
        let bytes = proof.to_bytes();
        assert_eq!(InclusionProof::from_bytes(&bytes).unwrap(), proof);
        let report = judge(&mut ProofFile::new(&bytes), book.log());
        assert_eq!(report.faults, [], "{seq}");
        assert_eq!(report.not_checked, [NotChecked::Chain]);
        assert_eq!(report.head, book.entry(seq).hash());
        let other = crate::book::signer(8).public_key();
        let report = judge(&mut ProofFile::new(&bytes), other);
        assert_eq!(report.verdict, Verdict::Fail);
    }
    for seq in sealed..book.count() {
        assert_not_sealed(book.read(|store| prove(store, Seq(seq))), seq);
    }
    match book.read(|store| prove(store, Seq(48))) {
        Err(EvidenceError::NoSuchEntry { seq: Seq(48) }) => {}
        other => panic!("{other:?}"),
    }
}

/// What a prover remembers of one proof changes none of the next: forwards,
/// backwards, from epoch to epoch, after a refusal, and of what was sealed since.
#[test]
fn one_prover_gives_what_each_alone_would() {
    let (mut book, sealed) = book();
    let prover = Prover::default();
    let ask = |book: &Book, seq: u64| book.read(|store| prover.prove(store, Seq(seq)));
    let alone = |book: &Book, seq: u64| book.read(|store| prove(store, Seq(seq)));
    for step in [1, 7, 13, sealed - 1] {
        for seq in (0..sealed).map(|n| n * step % sealed) {
            let proof = ask(&book, seq).unwrap();
            assert_eq!(proof, alone(&book, seq).unwrap(), "{seq} by {step}");
        }
        assert_not_sealed(ask(&book, sealed), sealed);
    }
    match ask(&book, 48) {
        Err(EvidenceError::NoSuchEntry { seq: Seq(48) }) => {}
        other => panic!("{other:?}"),
    }
    book.seal();
    for seq in (0..48).rev() {
        assert_eq!(ask(&book, seq).unwrap(), alone(&book, seq).unwrap());
    }
}

#[test]
fn evidence_out_of_a_database_on_disk_is_the_same() {
    let mut book = Book::on_disk();
    for _ in 0..4 {
        book.append_together(23);
        book.clock.pass_secs(3_600);
    }
    book.seal();
    book.close();
    for seq in 0..book.count() {
        let bytes = book
            .read(|store| prove(store, Seq(seq)))
            .unwrap()
            .to_bytes();
        assert_eq!(judge(&mut ProofFile::new(&bytes), book.log()).faults, []);
    }
    for range in [(0, 92), (5, 80), (23, 23), (24, 46)] {
        let bundle = export(&book, range, None, true).unwrap();
        assert_eq!(entries_of(&bundle), entries(&book, range.0, range.1));
        let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
        assert_eq!((report.faults, report.not_checked), (vec![], vec![]));
    }
}
