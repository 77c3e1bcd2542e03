//! How lines end, and going on where an earlier verification stopped.

use std::io::BufReader;

use sealbook::ledger::checkpoint::{Checkpoint, StateError};
use sealbook::ledger::fault::{FaultCode, Report, Verdict, WarningCode};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::Signer;
use sealbook::ledger::logbook_file::{LogbookFile, ResumeError};
use sealbook::ledger::policy::Policy;
use sealbook::ledger::verify::{VerifyOutcome, verify, verify_from};

use crate::book::{line, signer, whole};

fn policy() -> Policy {
    Policy {
        keys: vec![signer(7).public_key()],
        ..Policy::default()
    }
}

fn text(entries: u64) -> Vec<u8> {
    let mut text = Vec::new();
    for entry in whole(&signer(7), entries) {
        text.extend(line(&entry));
        text.push(b'\n');
    }
    text
}

fn judge(text: &[u8]) -> Report {
    verify(&mut LogbookFile::new(text), &policy(), &mut |_| ())
        .unwrap()
        .report
}

fn warnings(report: &Report) -> Vec<WarningCode> {
    report.warnings.iter().map(|warning| warning.code).collect()
}

/// Verifies a file with its offsets; its outcome has how far it can be trusted.
fn reached(text: &[u8]) -> Option<Checkpoint> {
    let mut source = LogbookFile::with_offsets(text);
    let outcome = verify_from(&mut source, &policy(), None, &mut |_, _| ());
    outcome.unwrap().reached
}

fn resume(text: &[u8], at: &Checkpoint) -> Result<VerifyOutcome, ResumeError> {
    let mut source = LogbookFile::resumed(text, at)?;
    Ok(verify_from(&mut source, &policy(), Some(at), &mut |_, _| ()).unwrap())
}

#[test]
fn line_ends_marks_and_missing_newlines_are_said_and_are_no_faults() {
    let plain = text(5);
    let text = String::from_utf8(plain.clone()).unwrap();
    let marked = format!("\u{feff}{text}");
    let returns = text.replace('\n', "\r\n");
    let unended = text.trim_end();
    for (text, expected) in [
        (text.as_str(), vec![]),
        (&marked, vec![WarningCode::ByteOrderMark]),
        (&returns, vec![WarningCode::LineEnds]),
        (unended, vec![WarningCode::MissingFinalNewline]),
    ] {
        let report = judge(text.as_bytes());
        assert_eq!(report.faults, [], "{expected:?}");
        assert_eq!(warnings(&report), expected);
        assert_eq!(report.entries, 5);
        assert_eq!(report.head, judge(&plain).head);
    }
    // A mark anywhere else is part of a line.
    let inside = text.replacen('\n', "\n\u{feff}", 1);
    let report = judge(inside.as_bytes());
    assert_eq!(report.faults[0].code, FaultCode::SchemaViolation);
    assert_eq!(report.faults[0].index, Some(1));
}

#[test]
fn a_growing_file_is_gone_on_from_at_every_length() {
    let whole = text(30);
    let complete = judge(&whole);
    for cut in (0..=whole.len()).step_by(97) {
        let Some(at) = reached(&whole[..cut]) else {
            assert_eq!(cut, 0, "an empty file says nothing");
            continue;
        };
        let end = whole[..cut]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        assert_eq!(at.bytes, end as u64, "{cut} bytes");
        assert_eq!(at.hash, Hash::of(&whole[..end]));
        let resumed = resume(&whole, &at).unwrap();
        assert_eq!(resumed.report, complete, "{cut} bytes");
        assert_eq!(resumed.reached, reached(&whole), "{cut} bytes");
    }
}

#[test]
fn a_fault_after_the_checkpoint_is_found_at_its_place() {
    let whole = text(30);
    let end: usize = whole
        .split_inclusive(|b| *b == b'\n')
        .take(20)
        .map(<[u8]>::len)
        .sum();
    let at = reached(&whole[..end]).unwrap();
    assert_eq!((at.n, at.lines), (20, 20));
    let changed = String::from_utf8(whole)
        .unwrap()
        .replace("\"n\":25,", "\"n\":26,");
    let report = resume(changed.as_bytes(), &at).unwrap().report;
    assert_eq!(report.faults[0].code, FaultCode::SignatureInvalid);
    assert_eq!(
        (report.faults[0].index, report.faults[0].line),
        (Some(25), Some(26))
    );
    assert_eq!(report.entries, 30);
}

#[test]
fn the_link_over_the_checkpoint_is_judged() {
    let whole = text(30);
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let at = reached(&lines[..20].concat()).unwrap();
    let without = [&lines[..20], &lines[21..]].concat().concat();
    let report = resume(&without, &at).unwrap().report;
    assert_eq!(report.faults[0].code, FaultCode::PrevHashMismatch);
    assert_eq!(report.faults[0].index, Some(20));
}

#[test]
fn changed_or_shortened_bytes_before_the_checkpoint_are_refused() {
    let whole = text(10);
    let at = reached(&whole).unwrap();
    for place in [0, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        let refused = resume(&changed, &at).err();
        assert!(
            matches!(refused, Some(ResumeError::Changed)),
            "byte {place}"
        );
    }
    let refused = resume(&whole[..whole.len() - 1], &at).err();
    assert!(matches!(refused, Some(ResumeError::Changed)));
}

#[test]
fn a_book_with_a_fault_is_gone_on_from_before_it_or_not_at_all() {
    let changed = String::from_utf8(text(10))
        .unwrap()
        .replace("\"n\":0,", "\"n\":1,");
    assert_eq!(reached(changed.as_bytes()), None);
}

#[test]
fn a_saved_state_reads_back_and_a_changed_one_does_not() {
    let at = reached(&text(4)).unwrap();
    let signer = signer(3);
    let unsigned = Checkpoint::restore(&at.save(None).unwrap()).unwrap();
    assert_eq!(
        (unsigned.checkpoint, unsigned.signed_by),
        (at.clone(), None)
    );
    let signed = Checkpoint::restore(&at.save(Some(&signer)).unwrap()).unwrap();
    assert_eq!(signed.checkpoint, at);
    assert_eq!(signed.signed_by, Some(signer.public_key()));
    let other = Checkpoint { n: 3, ..at };
    let stolen = other.save(None).unwrap();
    let mut value = at_object(&other.save(Some(&signer)).unwrap());
    value.insert("state", stolen.get("state").unwrap().clone());
    value.insert("key", signer.public_key().to_string());
    value.insert("signature", "00".repeat(64));
    let refused = Checkpoint::restore(&value.into());
    assert_eq!(refused, Err(StateError::Signature));
}

fn at_object(value: &sealbook::ledger::json::Value) -> sealbook::ledger::json::Object {
    value.as_object().unwrap().clone()
}

/// Bytes, and then what a decompressor says of a stream that was cut.
struct Cut<'a>(&'a [u8]);

impl std::io::Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

#[test]
fn what_does_not_decompress_is_a_fault_after_what_does() {
    let text = text(6);
    let mut source = LogbookFile::new(BufReader::new(Cut(&text)));
    let report = verify(&mut source, &policy(), &mut |_| ()).unwrap().report;
    assert_eq!((report.verdict, report.entries), (Verdict::Fail, 6));
    assert_eq!(report.faults.len(), 1);
    assert_eq!(report.faults[0].code, FaultCode::Truncated);
    assert_eq!(report.faults[0].line, Some(7));
}
