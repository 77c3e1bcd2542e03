//! Bundles and proofs: what is written verifies, what is changed does not.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::explain::explain;
use sealbook::ledger::explanation::{Evidence, Explanation, Tie};
use sealbook::ledger::fault::{At, FaultClass, FaultCode, NotChecked, Report};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::search::search;
use sealbook::ledger::source::{ReadError, Source};
use sealbook::ledger::verify::{Policy, verify};

use crate::sample::Sample;

pub(crate) fn judge(source: &mut dyn Source, sample: &Sample) -> Report {
    let policy = Policy {
        keys: vec![sample.log()],
        allow_unsigned: true,
        ..Policy::default()
    };
    verify(source, &policy, &mut |_| ()).unwrap().report
}

pub(crate) fn judge_bundle(bytes: &[u8], sample: &Sample) -> Report {
    match BundleFile::open(bytes) {
        Ok(mut source) => judge(&mut source, sample),
        // No verdict, and so no pass: as of nothing at all.
        Err(ReadError::Unsupported(_)) => judge(&mut BundleFile::open(&b""[..]).unwrap(), sample),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn judge_proof(bytes: &[u8], sample: &Sample) -> Report {
    judge(&mut ProofFile::new(bytes), sample)
}

/// A bundle with what is said of it beyond its faults.
fn explained(bytes: &[u8], sample: &Sample) -> (Report, Explanation) {
    let policy = Policy {
        keys: vec![sample.log()],
        ..Policy::default()
    };
    let outcome = verify(&mut BundleFile::open(bytes).unwrap(), &policy, &mut |_| ());
    let outcome = outcome.unwrap();
    let wanted = outcome.trace.wanted();
    let places = search(&mut BundleFile::open(bytes).unwrap(), &wanted).unwrap();
    let mut report = outcome.report;
    let explanation = explain(&mut report, &policy, &outcome.trace, &places);
    (report, explanation)
}

#[test]
fn nothing_is_said_to_be_done_to_a_bundle_that_is_whole() {
    let sample = Sample::new(&[1, 5, 4], 3);
    for first in 0..13 {
        let last = first + (12 - first) / 2;
        let (_, range) = explained(&sample.range_bundle(first, last, true), &sample);
        assert_eq!(range.incidents, [], "{first}..={last}");
        assert_eq!(range.trusted.entries, last - first + 1, "{first}..={last}");
        assert!(range.chained);
    }
    let (_, selection) = explained(&sample.selection_bundle(&[0, 2, 3, 5, 9], true), &sample);
    assert_eq!(selection.incidents, []);
    assert!(!selection.chained);
}

#[test]
fn what_was_done_to_a_bundle_is_told_for_itself() {
    let sample = Sample::new(&[1, 5, 4], 0);
    let change = |bytes: Vec<u8>, entry: usize| {
        let text = String::from_utf8(bytes).unwrap();
        let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
        let mut entries = lines.iter_mut().filter(|l| l.starts_with("{\"entry\""));
        let line = entries.nth(entry).unwrap();
        *line = line.replacen("+00:00", ".5+00:00", 1);
        lines.join("\n").into_bytes()
    };
    // The third one of a selection, whose neighbours say nothing of it.
    let selection = change(sample.selection_bundle(&[0, 2, 5, 7, 9], true), 2);
    let (report, explanation) = explained(&selection, &sample);
    let told = |explanation: &Explanation| {
        let incidents = explanation.incidents.iter();
        let told = incidents.map(|i| (i.class, i.index, i.evidence));
        told.collect::<Vec<_>>()
    };
    let edit = (FaultClass::Edit, Some(2), Evidence::NothingFollows);
    assert_eq!(told(&explanation), [edit]);
    let tie = explanation.incidents[0].whole_again.map(|again| again.tie);
    assert_eq!(tie, Some(Tie::KeyAlone));
    let of_entries = report.faults.iter().filter(|f| f.at == At::Entry);
    assert!(of_entries.clone().count() > 0);
    assert!(of_entries.clone().all(|fault| fault.index == Some(2)));
    // In a range the next entry names what stood there.
    let range = change(sample.range_bundle(3, 9, true), 2);
    let (_, explanation) = explained(&range, &sample);
    let original = sample.entries[5].hash();
    let edit = (
        FaultClass::Edit,
        Some(2),
        Evidence::ContentReplaced { original },
    );
    assert_eq!(told(&explanation), [edit]);
    assert_eq!(explanation.trusted.entries, 2);
}

#[test]
fn a_range_that_lost_its_first_entries_is_not_taken_for_whole() {
    let sample = Sample::new(&[1, 5, 4], 0);
    let text = String::from_utf8(sample.range_bundle(2, 9, true)).unwrap();
    let mut entries = 0;
    let cut: Vec<_> = text
        .split('\n')
        .filter(|line| {
            entries += usize::from(line.starts_with("{\"entry\""));
            entries != 1 || !line.starts_with("{\"entry\"")
        })
        .collect();
    let (report, explanation) = explained(cut.join("\n").as_bytes(), &sample);
    assert_eq!(report.faults[0].code, FaultCode::SequenceGap);
    let classes: Vec<_> = explanation.incidents.iter().map(|i| i.class).collect();
    assert_eq!(classes, [FaultClass::Deletion]);
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
fn a_closing_record_that_nobody_signed_is_no_pass_unless_that_is_allowed() {
    let sample = Sample::new(&[1, 5, 4], 3);
    let policy = Policy {
        keys: vec![sample.log()],
        ..Policy::default()
    };
    for bundle in [
        sample.range_bundle(0, 12, false),
        sample.selection_bundle(&[2, 7], false),
    ] {
        let lines = bundle.iter().filter(|byte| **byte == b'\n').count() as u64;
        let mut source = BundleFile::open(&bundle[..]).unwrap();
        let report = verify(&mut source, &policy, &mut |_| ()).unwrap().report;
        let [fault] = &report.faults[..] else {
            panic!("{report:?}");
        };
        assert_eq!(fault.code, FaultCode::BundleUnsigned);
        assert_eq!((fault.at, fault.index), (At::Document, Some(lines - 1)));
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
