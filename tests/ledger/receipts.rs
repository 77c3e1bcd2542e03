//! Receipts against what is verified: everything that was acknowledged is there,
//! or is named, or is said not to be checked.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::{FaultClass, FaultCode, NotChecked, Report, WarningCode};
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::receipts::{Receipts, ReceiptsError};
use sealbook::ledger::source::Source;
use sealbook::ledger::verify::{Policy, verify};
use serde_json::{Value, json};

use crate::sample::Sample;

fn receipt(sample: &Sample, seq: usize) -> Value {
    let entry = &sample.entries[seq];
    json!({
        "seq": seq, "hash": entry.hash(), "prev_hash": entry.prev_hash(),
        "ts": entry.ts().to_string(), "kind": entry.kind(),
        "signature": entry.signature().to_string(),
        "log": sample.log(), "genesis": sample.genesis(),
    })
}

fn lines(receipts: impl IntoIterator<Item = Value>) -> String {
    receipts.into_iter().map(|r| format!("{r}\n")).collect()
}

fn all(sample: &Sample) -> String {
    lines((0..sample.entries.len()).map(|seq| receipt(sample, seq)))
}

fn read(text: &str) -> Receipts {
    Receipts::read(&mut text.as_bytes()).unwrap()
}

fn check(source: &mut dyn Source, sample: &Sample, receipts: &str) -> Report {
    let policy = Policy {
        keys: vec![sample.log()],
        receipts: Some(read(receipts)),
        ..Policy::default()
    };
    verify(source, &policy, &mut |_| ()).unwrap().report
}

fn logbook(sample: &Sample, entries: usize) -> Vec<u8> {
    let mut book = Vec::new();
    for entry in &sample.entries[..entries] {
        entry.write_json(None, &mut book);
        book.push(b'\n');
    }
    book
}

fn check_logbook(sample: &Sample, entries: usize, receipts: &str) -> Report {
    let book = logbook(sample, entries);
    check(&mut LogbookFile::new(&book[..]), sample, receipts)
}

fn found(report: &Report) -> Vec<(FaultCode, Option<u64>, Option<u64>)> {
    let place = |f: &sealbook::ledger::fault::Fault| (f.code, f.seq, f.line);
    report.faults.iter().map(place).collect()
}

#[test]
fn a_whole_log_holds_every_receipt_in_any_order_and_more_than_once() {
    let sample = Sample::new(&[1, 5, 4], 3);
    let report = check_logbook(&sample, 13, &all(&sample));
    // The last receipt shows that the end is not missing.
    assert_eq!((report.faults, report.not_checked), (vec![], vec![]));
    let backwards = lines((0..13).rev().chain([4, 4]).map(|n| receipt(&sample, n)));
    assert_eq!(check_logbook(&sample, 13, &backwards).faults, []);
    let bundle = sample.range_bundle(0, 12, true);
    let mut source = BundleFile::open(&bundle[..]).unwrap();
    let report = check(&mut source, &sample, &all(&sample));
    assert_eq!((report.faults, report.not_checked), (vec![], vec![]));
}

#[test]
fn a_log_that_ends_before_a_receipt_is_truncated() {
    let sample = Sample::new(&[1, 5, 4], 3);
    let report = check_logbook(&sample, 11, &all(&sample));
    let expected = [
        (FaultCode::Truncated, Some(11), Some(12)),
        (FaultCode::Truncated, Some(12), Some(13)),
    ];
    assert_eq!(found(&report), expected);
    assert_eq!(report.faults[0].class, Some(FaultClass::Truncation));
    let report = check(&mut LogbookFile::new(&b""[..]), &sample, &all(&sample));
    assert_eq!(report.faults.len(), 13);
}

#[test]
fn a_receipt_that_is_not_its_entrys_is_named_by_line() {
    let sample = Sample::new(&[6], 0);
    for (member, value) in [
        ("hash", json!("ab".repeat(32))),
        ("prev_hash", json!("ab".repeat(32))),
        ("ts", json!("2026-03-01T10:00:03.000001+00:00")),
        ("kind", json!("other")),
        ("signature", json!("ab".repeat(64))),
        ("seq", json!(4)),
    ] {
        let mut changed = receipt(&sample, 3);
        changed[member] = value;
        let text = lines([receipt(&sample, 2), changed]);
        let report = check_logbook(&sample, 6, &text);
        let seq = if member == "seq" { 4 } else { 3 };
        let expected = [(FaultCode::ReceiptMismatch, Some(seq), Some(2))];
        assert_eq!(found(&report), expected, "{member}");
        let compared = report.faults[0].expected.is_some();
        assert_eq!(compared, ["hash", "seq"].contains(&member), "{member}");
    }
}

#[test]
fn receipts_of_another_log_are_named_once_with_their_number() {
    let sample = Sample::new(&[6], 0);
    for (member, code) in [
        ("log", FaultCode::LogKeyMismatch),
        ("genesis", FaultCode::GenesisMismatch),
    ] {
        let other = |seq| {
            let mut other = receipt(&sample, seq);
            other[member] = json!("ab".repeat(32));
            other
        };
        // Where it would be beyond the end does not count.
        let mut beyond = other(4);
        beyond["seq"] = json!(99);
        let text = lines([receipt(&sample, 1), other(2), other(3), beyond]);
        let report = check_logbook(&sample, 6, &text);
        assert_eq!(found(&report), [(code, None, Some(2))], "{member}");
        assert!(report.faults[0].detail.starts_with("3 receipts"));
    }
}

#[test]
fn a_part_of_a_log_says_how_many_receipts_it_does_not_cover() {
    let sample = Sample::new(&[1, 5, 4], 3);
    let range = sample.range_bundle(2, 7, true);
    let selection = sample.selection_bundle(&[2, 3, 7], true);
    let proof = sample.proof(4).to_bytes();
    let sources: [(Box<dyn Source>, u64); 3] = [
        (Box::new(BundleFile::open(&range[..]).unwrap()), 7),
        (Box::new(BundleFile::open(&selection[..]).unwrap()), 10),
        (Box::new(ProofFile::new(&proof)), 12),
    ];
    for (mut source, uncovered) in sources {
        let report = check(&mut *source, &sample, &all(&sample));
        assert_eq!(report.faults, []);
        assert!(report.not_checked.contains(&NotChecked::Receipts));
        let said = format!("{uncovered} of 13 receipts are of entries outside of this part");
        let warnings: Vec<_> = report
            .warnings
            .iter()
            .map(|w| (w.code, &w.detail))
            .collect();
        assert!(
            warnings.contains(&(WarningCode::NotCovered, &said)),
            "{warnings:?}"
        );
    }
    // What a part does hold must be what was acknowledged.
    let mut wrong = receipt(&sample, 3);
    wrong["hash"] = json!("ab".repeat(32));
    for bundle in [&range, &selection] {
        let mut source = BundleFile::open(&bundle[..]).unwrap();
        let report = check(&mut source, &sample, &lines([wrong.clone()]));
        let expected = [(FaultCode::ReceiptMismatch, Some(3), Some(1))];
        assert_eq!(found(&report), expected);
    }
}

#[test]
fn no_receipts_check_nothing_and_the_report_says_so() {
    let sample = Sample::new(&[6], 0);
    let report = check_logbook(&sample, 6, "\n  \n");
    assert_eq!(report.faults, []);
    let unknown = [NotChecked::Truncation, NotChecked::Receipts];
    assert_eq!(report.not_checked, unknown);
}

#[test]
fn what_is_no_receipt_is_named_by_line_and_a_torn_end_is_told() {
    let sample = Sample::new(&[6], 0);
    let mut unknown = receipt(&sample, 1);
    unknown["more"] = json!(1);
    let mut short = receipt(&sample, 1);
    short["hash"] = json!("ab");
    for bad in [unknown.to_string(), short.to_string(), "{".to_owned()] {
        let text = format!("{}{bad}\n", lines([receipt(&sample, 0)]));
        match Receipts::read(&mut text.as_bytes()) {
            Err(ReceiptsError::Line { line: 2, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let whole = all(&sample);
    for cut in 1..80 {
        let receipts = read(&whole[..whole.len() - cut]);
        // Without its newline the last receipt is one all the same.
        assert_eq!(receipts.is_torn(), cut > 1);
        assert_eq!(receipts.len(), if cut > 1 { 5 } else { 6 });
    }
}
