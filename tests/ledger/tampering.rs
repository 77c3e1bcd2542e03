//! Every change of evidence is refused: all eight bit flips and two other values
//! of every byte, every cut, every line dropped, doubled and swapped with the
//! next.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::fault::{NotChecked, Report, Verdict};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::Signature;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::source::ReadError;
use sealbook::ledger::verify::{Policy, verify};
use sealbook::ledger::version::Version;

use crate::bundles::{judge, judge_bundle, judge_proof};
use crate::sample::Sample;

/// As large as the promise goes (bytes).
const LARGEST: usize = 8_192;

/// Calls `try_it` with each changed copy.
fn each_change(bytes: &[u8], mut try_it: impl FnMut(&[u8])) {
    let mut copy = bytes.to_vec();
    for (at, intact) in bytes.iter().copied().enumerate() {
        let flips = (0..8).map(|bit| intact ^ (1 << bit));
        for value in flips.chain([b' ', b'0']).filter(|value| *value != intact) {
            copy[at] = value;
            try_it(&copy);
        }
        copy[at] = intact;
        try_it(&bytes[..at]);
    }
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    for at in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(at);
        try_it(&dropped.concat());
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        try_it(&doubled.concat());
        if at + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            try_it(&swapped.concat());
        }
    }
}

fn assert_all_refused(bytes: &[u8], judge: impl Fn(&[u8]) -> Report) {
    assert!(bytes.len() <= LARGEST, "{}", bytes.len());
    let intact = judge(bytes);
    assert_eq!(intact.faults, []);
    let mut tried = 0;
    each_change(bytes, |changed| {
        tried += 1;
        let refused = judge(changed).verdict == Verdict::Fail;
        assert!(refused, "{}", String::from_utf8_lossy(changed));
    });
    assert!(tried > 10 * bytes.len(), "{tried}");
}

/// What is not of a version that is known gets no verdict, which is not a pass.
fn unless_unsupported(
    source: Result<BundleFile<&[u8]>, ReadError>,
    sample: &Sample,
) -> Option<Report> {
    match source {
        Ok(mut source) => Some(judge(&mut source, sample)),
        Err(ReadError::Unsupported(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_change_of_version_2_is_refused_or_of_a_version_that_nobody_knows() {
    let sample = Sample {
        version: Version::Two,
        ..Sample::new(&[2, 3], 1)
    };
    for bundle in [
        sample.range_bundle(1, 5, true),
        sample.selection_bundle(&[1, 3], true),
    ] {
        let mut unknown = 0;
        each_change(&bundle, |changed| {
            match unless_unsupported(BundleFile::open(changed), &sample) {
                Some(report) => assert_eq!(report.verdict, Verdict::Fail),
                None => unknown += 1,
            }
        });
        assert!((1..12).contains(&unknown), "{unknown}");
    }
    let proof = sample.proof(3).to_bytes();
    each_change(&proof, |changed| {
        let policy = Policy {
            keys: vec![sample.log()],
            ..Policy::default()
        };
        match verify(&mut ProofFile::new(changed), &policy, &mut |_| ()) {
            Ok(outcome) => assert_eq!(outcome.report.verdict, Verdict::Fail),
            Err(error) => assert!(matches!(error, ReadError::Unsupported(_))),
        }
    });
}

#[test]
fn every_change_of_a_signed_range_is_refused() {
    let sample = Sample::new(&[2, 3], 1);
    assert_all_refused(&sample.range_bundle(1, 5, true), |changed| {
        judge_bundle(changed, &sample)
    });
}

#[test]
fn every_change_of_a_signed_range_with_documents_and_a_tail_is_refused() {
    let sample = Sample::documented();
    let bundle = sample.range_bundle(3, 6, true);
    for part in ["{\"document\"", "{\"head\"", "{\"before\""] {
        assert!(String::from_utf8_lossy(&bundle).contains(part), "{part}");
    }
    assert_all_refused(&bundle, |changed| judge_bundle(changed, &sample));
}

#[test]
fn every_change_of_a_signed_selection_is_refused() {
    let sample = Sample::new(&[4, 3], 0);
    assert_all_refused(&sample.selection_bundle(&[1, 2, 5], true), |changed| {
        judge_bundle(changed, &sample)
    });
}

#[test]
fn every_change_of_a_signed_selection_with_documents_is_refused() {
    let sample = Sample::documented();
    let bundle = sample.selection_bundle(&[3, 4], true);
    assert_all_refused(&bundle, |changed| judge_bundle(changed, &sample));
}

#[test]
fn every_change_of_a_proof_is_refused() {
    let sample = Sample::new(&[1, 11], 0);
    assert_all_refused(&sample.proof(5).to_bytes(), |changed| {
        judge_proof(changed, &sample)
    });
}

/// Without its signature a bundle promises less: nothing in it was changed and
/// nothing added, but it may have been cut or rearranged.
#[test]
fn every_changed_or_added_byte_of_an_unsigned_bundle_is_refused() {
    let sample = Sample::documented();
    for bundle in [
        sample.range_bundle(3, 6, false),
        sample.selection_bundle(&[3, 4], false),
    ] {
        assert_all_refused(&bundle, |changed| judge_bundle(changed, &sample));
    }
}

/// The closing record of an unsigned bundle is anyone's to write again, so it
/// alone must not be what keeps additions out.
#[test]
fn nothing_can_be_added_to_an_unsigned_bundle_and_closed_anew() {
    let sample = Sample::documented();
    let range = sample.range_bundle(3, 6, false);
    let selection = sample.selection_bundle(&[3, 4], false);
    let other = sample.range_bundle(1, 4, false);
    let foreign: Vec<&[u8]> = [&range, &selection, &other]
        .into_iter()
        .flat_map(|bundle| bundle.split_inclusive(|b| *b == b'\n'))
        .collect();
    for bundle in [&range, &selection] {
        let lines: Vec<&[u8]> = bundle.split_inclusive(|b| *b == b'\n').collect();
        assert_eq!(judge_bundle(&closed_anew(&lines), &sample).faults, []);
        for at in 1..lines.len() {
            for line in &foreign {
                let mut more = lines.clone();
                more.insert(at, line);
                let report = judge_bundle(&closed_anew(&more), &sample);
                let added = String::from_utf8_lossy(line);
                assert_eq!(report.verdict, Verdict::Fail, "line {at}: {added}");
            }
        }
        // A path where none belongs.
        let with_path =
            String::from_utf8_lossy(lines[lines.len() / 2]).replace("\"}}\n", "\"},\"path\":[]}\n");
        let mut changed = lines.clone();
        changed[lines.len() / 2] = with_path.as_bytes();
        if changed != lines {
            let report = judge_bundle(&closed_anew(&changed), &sample);
            assert_eq!(report.verdict, Verdict::Fail, "{with_path}");
        }
    }
}

/// These lines, with a closing record that fits them in the place of the last.
fn closed_anew(lines: &[&[u8]]) -> Vec<u8> {
    let (_, before) = lines.split_last().unwrap();
    let bytes = before.concat();
    let count = |start: &str| {
        let lines = before.iter();
        lines
            .filter(|line| line.starts_with(start.as_bytes()))
            .count()
    };
    let opening: serde_json::Value = serde_json::from_slice(lines[0]).unwrap();
    let closing = serde_json::json!({"bundle": {
        "bytes": bytes.len(),
        "documents": count("{\"document\""),
        "entries": count("{\"entry\""),
        "epochs": count("{\"epoch\""),
        "format": 1,
        "genesis": opening["sealbook"]["genesis"],
        "hash": Hash::of(&bytes),
        "log": opening["sealbook"]["log"],
    }});
    [bytes, format!("{closing}\n").into_bytes()].concat()
}

/// What is signed of a logbook: signing payloads, signatures, links.
fn signed(text: &[u8]) -> Option<Vec<(Vec<u8>, Signature, Hash)>> {
    let lines = text.split(|b| *b == b'\n');
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let entry = |line| {
        let entry = Entry::from_logbook_line(line).ok()?;
        let payload = entry.signing_payload().to_vec();
        Some((payload, entry.signature(), entry.prev_hash()))
    };
    lines.map(entry).collect()
}

#[test]
fn a_changed_logbook_is_refused_or_says_and_signs_the_same() {
    let sample = Sample::documented();
    let mut book = Vec::new();
    for entry in &sample.entries[..4] {
        entry.write_json(None, &mut book);
        book.push(b'\n');
    }
    assert!(book.len() <= LARGEST, "{}", book.len());
    let whole = signed(&book).unwrap();
    let (mut refused, mut same, mut cut) = (0, 0, 0);
    each_change(&book, |changed| {
        let report = judge(&mut LogbookFile::new(changed), &sample);
        if report.verdict == Verdict::Fail {
            refused += 1;
            return;
        }
        let now = signed(changed).unwrap();
        if now == whole {
            same += 1;
        } else {
            // A logbook cannot show that its end is missing, and says so.
            assert!(whole.starts_with(&now) && report.not_checked[0] == NotChecked::Truncation);
            cut += 1;
        }
    });
    // Every cut within a line is refused; the spelling is free, so some blanks
    // may change. All but the ends of lines and a few spaces are signed.
    assert!(refused > 10 * book.len() && same > 0 && cut >= 4);
}
