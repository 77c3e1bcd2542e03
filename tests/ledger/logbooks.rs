//! `logbooks.jsonl`: verdict, count, first fault, head.

use sealbook::ledger::fault::{Fault, FaultCode, KeySource, NotChecked, Verdict, WarningCode};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::verify::{Policy, VerifyOutcome, verify};

use crate::vectors::{cases, text};

fn walk(text: &str, policy: &Policy) -> VerifyOutcome {
    let mut source = LogbookFile::new(text.as_bytes());
    verify(&mut source, policy, &mut |_| ()).unwrap()
}

fn trusting(key: &str) -> Policy {
    Policy {
        keys: vec![PublicKey::from_hex(key).unwrap()],
        ..Policy::default()
    }
}

fn file(case: &serde_json::Value) -> String {
    let lines = case["lines"].as_array().unwrap().iter();
    lines
        .map(|line| format!("{}\n", line.as_str().unwrap()))
        .collect()
}

#[test]
fn every_logbook_of_the_vectors_gets_the_reference_verdict() {
    for case in cases("logbooks.jsonl") {
        let id = text(&case, "id");
        let expect = &case["expect"];
        let outcome = walk(&file(&case), &trusting(text(&case, "public_key")));
        let report = outcome.report;
        let ok = expect["ok"].as_bool().unwrap();
        assert_eq!(report.verdict == Verdict::Pass, ok, "{id}");
        assert_eq!(outcome.verified.is_some(), ok, "{id}");
        assert_eq!(Some(report.entries), expect["entries"].as_u64(), "{id}");
        assert_eq!(report.head.to_string(), text(expect, "head"), "{id}");
        let first = report.faults.first();
        let code = first.map(|fault| serde_json::to_value(fault.code).unwrap());
        assert_eq!(code.unwrap_or_default(), expect["first_fault"], "{id}");
        let index = first.and_then(|fault| fault.index);
        assert_eq!(index, expect["first_fault_index"].as_u64(), "{id}");
        assert_eq!(
            report.not_checked,
            [NotChecked::Truncation, NotChecked::LedgerRules],
            "{id}"
        );
    }
}

/// A whole book of the vectors, as a file, with its key.
fn whole_book() -> (Vec<String>, String) {
    let case = cases("logbooks.jsonl")
        .into_iter()
        .find(|case| case["tamper"] == "none" && case["lines"].as_array().unwrap().len() > 6)
        .unwrap();
    let lines = file(&case).lines().map(str::to_owned).collect();
    (lines, text(&case, "public_key").to_owned())
}

fn found(faults: &[Fault]) -> Vec<(FaultCode, Option<u64>)> {
    faults
        .iter()
        .map(|fault| (fault.code, fault.index))
        .collect()
}

#[test]
fn an_unreadable_line_is_one_fault_and_its_neighbours_are_judged_on() {
    let (mut lines, key) = whole_book();
    lines[2] = "{".to_owned();
    let report = walk(&lines.join("\n"), &trusting(&key)).report;
    assert_eq!(
        found(&report.faults),
        [(FaultCode::SchemaViolation, Some(2))]
    );
    assert_eq!(report.entries, lines.len() as u64);
    assert_eq!(report.faults[0].line, Some(3));
}

#[test]
fn an_unknown_member_is_a_fault() {
    let (mut lines, key) = whole_book();
    lines[1] = lines[1].replacen('{', "{\"note\":1,", 1);
    let report = walk(&lines.join("\n"), &trusting(&key)).report;
    assert_eq!(
        found(&report.faults),
        [(FaultCode::SchemaViolation, Some(1))]
    );
}

#[test]
fn a_dropped_line_is_a_broken_link_with_both_hashes() {
    let (mut lines, key) = whole_book();
    lines.remove(3);
    let report = walk(&lines.join("\n"), &trusting(&key)).report;
    assert_eq!(
        found(&report.faults),
        [(FaultCode::PrevHashMismatch, Some(3))]
    );
    let fault = &report.faults[0];
    assert_ne!(fault.expected, fault.actual);
    assert_eq!(fault.expected.as_ref().map(String::len), Some(64));
}

#[test]
fn both_faults_may_stand_on_one_entry_link_first() {
    let (mut lines, key) = whole_book();
    let line: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    let prev = line["prev_hash"].as_str().unwrap();
    lines[3] = lines[3].replace(prev, &"ab".repeat(32));
    let report = walk(&lines.join("\n"), &trusting(&key)).report;
    let expected = [
        (FaultCode::PrevHashMismatch, Some(3)),
        (FaultCode::SignatureInvalid, Some(3)),
    ];
    assert_eq!(found(&report.faults), expected);
}

#[test]
fn without_a_key_nothing_is_trusted_and_links_are_still_walked() {
    let (mut lines, _) = whole_book();
    lines.remove(3);
    let report = walk(&lines.join("\n"), &Policy::default()).report;
    assert_eq!(
        found(&report.faults),
        [
            (FaultCode::UntrustedKey, None),
            (FaultCode::PrevHashMismatch, Some(3))
        ]
    );
    assert_eq!(report.key_source, KeySource::None);
    assert_eq!(
        report.not_checked,
        [
            NotChecked::Truncation,
            NotChecked::Signatures,
            NotChecked::LedgerRules
        ]
    );
}

#[test]
fn of_several_keys_the_one_that_signed_is_taken() {
    let (lines, key) = whole_book();
    let mut policy = trusting(&"11".repeat(32));
    policy.keys.extend(trusting(&key).keys);
    let report = walk(&lines.join("\n"), &policy).report;
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(report.log.unwrap().to_string(), key);
}

#[test]
fn an_empty_book_passes_with_a_warning() {
    let report = walk("\n  \n", &trusting(&"11".repeat(32))).report;
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(report.head, Hash::ZERO);
    assert_eq!(report.warnings.len(), 1);
    assert_eq!(report.warnings[0].code, WarningCode::Empty);
}

#[test]
fn a_cut_tail_is_seen_against_the_head_that_was_expected() {
    let (mut lines, key) = whole_book();
    let mut policy = trusting(&key);
    policy.expect_head = Some(walk(&lines.join("\n"), &policy).report.head);
    let whole = walk(&lines.join("\n"), &policy).report;
    assert_eq!(
        (whole.verdict, whole.not_checked),
        (Verdict::Pass, vec![NotChecked::LedgerRules])
    );
    lines.pop();
    let cut = walk(&lines.join("\n"), &policy).report;
    assert_eq!(found(&cut.faults), [(FaultCode::HeadMismatch, None)]);
}

#[test]
fn without_signatures_an_edit_is_seen_in_the_next_link_and_it_says_so() {
    let (mut lines, key) = whole_book();
    let kind = serde_json::from_str::<serde_json::Value>(&lines[2]).unwrap()["kind"].to_string();
    lines[2] = lines[2].replace(&kind, "\"OTHER\"");
    let mut policy = trusting(&key);
    policy.signatures = false;
    let report = walk(&lines.join("\n"), &policy).report;
    assert_eq!(
        found(&report.faults),
        [(FaultCode::PrevHashMismatch, Some(3))]
    );
    assert_eq!(
        report.not_checked,
        [
            NotChecked::Truncation,
            NotChecked::Signatures,
            NotChecked::LedgerRules
        ]
    );
}
