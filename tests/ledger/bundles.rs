//! Bundles and proofs: what is written verifies, what is changed does not.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::{At, FaultCode, NotChecked, Report};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::source::Source;
use sealbook::ledger::verify::{Policy, verify};

use crate::sample::Sample;

pub(crate) fn judge(source: &mut dyn Source, sample: &Sample) -> Report {
    let policy = Policy {
        keys: vec![sample.log()],
        ..Policy::default()
    };
    verify(source, &policy, &mut |_| ()).unwrap().report
}

pub(crate) fn judge_bundle(bytes: &[u8], sample: &Sample) -> Report {
    judge(&mut BundleFile::open(bytes).unwrap(), sample)
}

pub(crate) fn judge_proof(bytes: &[u8], sample: &Sample) -> Report {
    judge(&mut ProofFile::new(bytes), sample)
}

#[test]
fn every_range_of_a_log_verifies() {
    let sample = Sample::new(&[1, 5, 4], 3);
    for first in 0..13 {
        for last in first..13 {
            let report = judge_bundle(&sample.range_bundle(first, last, true), &sample);
            assert_eq!(report.faults, [], "{first}..={last}");
            assert_eq!(report.entries, last - first + 1);
            assert_eq!(report.not_checked, []);
            let unsigned = judge_bundle(&sample.range_bundle(first, last, false), &sample);
            assert_eq!(unsigned.faults, []);
            assert_eq!(unsigned.not_checked, [NotChecked::BundleUnsigned]);
        }
    }
}

#[test]
fn a_selection_verifies_and_says_what_it_cannot_show() {
    let sample = Sample::new(&[1, 5, 4, 6], 0);
    let report = judge_bundle(&sample.selection_bundle(&[0, 2, 3, 12, 15], true), &sample);
    assert_eq!(report.faults, []);
    assert_eq!(
        report.not_checked,
        [NotChecked::Completeness, NotChecked::Chain]
    );
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
}

#[test]
fn every_proof_verifies() {
    let sample = Sample::new(&[1, 5, 4, 17], 0);
    for seq in 0..27 {
        let report = judge_proof(&sample.proof(seq).to_bytes(), &sample);
        assert_eq!(report.faults, [], "{seq}");
    }
}

#[test]
fn an_entry_that_nothing_covers_is_a_fault() {
    let sample = Sample::new(&[2], 1);
    let bundle = String::from_utf8(sample.range_bundle(0, 2, false)).unwrap();
    let without_head: String = bundle
        .lines()
        .filter(|line| !line.starts_with("{\"head\""))
        .map(|l| format!("{l}\n"))
        .collect();
    let report = judge_bundle(without_head.as_bytes(), &sample);
    let codes: Vec<_> = report.faults.iter().map(|f| f.code).collect();
    assert_eq!(codes, [FaultCode::ProofInvalid, FaultCode::BundleCorrupt]);
}

#[test]
fn a_header_after_the_head_is_a_fault() {
    let sample = Sample::new(&[2], 1);
    let bundle = String::from_utf8(sample.range_bundle(0, 2, false)).unwrap();
    let mut lines: Vec<&str> = bundle.lines().collect();
    let head = lines
        .iter()
        .position(|l| l.starts_with("{\"head\""))
        .unwrap();
    let head = lines.remove(head);
    lines.insert(1, head);
    let moved: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // The closing record of the lines as they stand now.
    let closing = moved.lines().last().unwrap();
    let before = moved.strip_suffix(&format!("{closing}\n")).unwrap();
    let (told, _) = closing.split_once("\"hash\":\"").unwrap();
    let (_, rest) = closing.split_at(told.len() + "\"hash\":\"".len() + 64);
    let hash = Hash::of(before.as_bytes());
    let moved = format!("{before}{told}\"hash\":\"{hash}{rest}\n");
    let report = judge_bundle(moved.as_bytes(), &sample);
    let first = report.faults.first().map(|f| (f.code, f.at, f.index));
    assert_eq!(
        first,
        Some((FaultCode::BundleCorrupt, At::Epoch, Some(0))),
        "{:?}",
        report.faults
    );
    assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
}

#[test]
fn a_bundle_under_another_key_is_untrusted() {
    let sample = Sample::new(&[3], 0);
    let bundle = sample.range_bundle(0, 2, true);
    let policy = Policy {
        keys: vec![sealbook::ledger::key::PublicKey::from_bytes([7; 32])],
        ..Policy::default()
    };
    let report = verify(
        &mut BundleFile::open(&bundle[..]).unwrap(),
        &policy,
        &mut |_| (),
    )
    .unwrap()
    .report;
    let codes: Vec<_> = report.faults.iter().map(|f| f.code).collect();
    assert_eq!(codes, [FaultCode::UntrustedKey]);
}
