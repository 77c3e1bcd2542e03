//! The suite of the format document: every rule has a case, every case a rule, and the
//! engine says of each what it says. What is about files as such (compression, what a file
//! is taken for, what is given beside it) the program is held against, in
//! `tests/cli/conformance.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::format::document;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::source::Source;
use sealbook::ledger::verify::{Policy, verify};
use serde_json::Value;

use crate::vectors::text;

fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/format/suite");
    let mut cases = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let mut lines = String::new();
        let file = fs::File::open(file.unwrap().path()).unwrap();
        GzDecoder::new(file).read_to_string(&mut lines).unwrap();
        cases.extend(
            lines
                .lines()
                .map(|line| serde_json::from_str(line).unwrap()),
        );
    }
    cases
}

/// The names that begin the rows of the document's tables, and those of the paragraphs on the
/// index of a log, `I.1` and so on. Other rules of two letters than
/// those of the public log are of files that the suite does not hold: tables
/// (`tests/api/tables.rs`).
fn rules() -> BTreeSet<String> {
    let named = |line: &str| {
        let name = line.strip_prefix("| ")?.split(' ').next()?.to_owned();
        let (letter, number) = name.split_at_checked(if name.starts_with("PL") { 2 } else { 1 })?;
        let is_rule = letter.chars().all(|c| c.is_ascii_uppercase())
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit());
        is_rule.then_some(name)
    };
    let indexed = |line: &str| {
        let (number, _) = line.strip_prefix("I.")?.split_once(". ")?;
        let is_rule = number.chars().all(|c| c.is_ascii_digit());
        is_rule.then(|| format!("I.{number}"))
    };
    let lines = || document().lines();
    let indexed = lines().filter_map(indexed);
    lines().filter_map(named).chain(indexed).collect()
}

#[test]
fn every_rule_has_a_case_and_every_case_a_rule() {
    let cases = cases();
    assert!(cases.len() >= 1_500, "{}", cases.len());
    let cased: BTreeSet<String> = cases
        .iter()
        .map(|case| text(case, "rule").to_owned())
        .collect();
    assert_eq!(cased, rules());
    let names: BTreeSet<&str> = cases.iter().map(|case| text(case, "name")).collect();
    assert_eq!(names.len(), cases.len());
}

/// The codes that cases expect are those of the closed list and of I.12, and the other way
/// round.
#[test]
fn the_list_of_faults_is_closed() {
    let list = document().split("**Faults**:").nth(1).unwrap();
    let list = list.split("**Warnings**").next().unwrap();
    let mut listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    listed.extend(["index_invalid", "index_mismatch"]);
    let cases = cases();
    let expected: BTreeSet<&str> = cases
        .iter()
        .filter_map(|case| case["fault"]["code"].as_str())
        .collect();
    assert_eq!(expected, listed);
}

#[test]
fn the_engine_says_of_each_case_what_it_says() {
    let mut judged = 0;
    for case in cases() {
        let needs: BTreeSet<&str> = case["needs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|need| need.as_str().unwrap())
            .collect();
        let here = [
            "logbook",
            "range",
            "selection",
            "openings",
            "proof",
            "terms",
            "allow_unsigned",
            "ledger_rules",
            "expect_head",
            "names",
        ];
        let rule = text(&case, "rule");
        // What a file is taken for is not the engine's to say.
        if !needs.iter().all(|need| here.contains(need)) || rule.starts_with('N') {
            continue;
        }
        judged += 1;
        assert_eq!(
            judge(&case, &needs),
            expected(&case),
            "{}",
            text(&case, "name")
        );
    }
    assert!(judged > 1_500, "{judged}");
}

/// Verdict or error, and the first fault.
type Said = (String, Option<Value>);

fn expected(case: &Value) -> Said {
    let fault = case["fault"].is_object().then(|| case["fault"].clone());
    let error = case["error"].as_str();
    (error.unwrap_or(text(case, "verdict")).to_owned(), fault)
}

fn judge(case: &Value, needs: &BTreeSet<&str>) -> Said {
    let bytes = base64(text(case, "file"));
    let keys: Vec<&str> = match &case["key"] {
        Value::String(key) => vec![key],
        Value::Array(keys) => keys.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let policy = Policy {
        keys: keys
            .iter()
            .map(|key| PublicKey::from_hex(key).unwrap())
            .collect(),
        allow_unsigned: needs.contains("allow_unsigned"),
        ledger_rules: needs.contains("ledger_rules"),
        expect_head: case["options"]["expect_head"]
            .as_str()
            .map(|hash| Hash::from_hex(hash).unwrap()),
        ..Policy::default()
    };
    let unsupported = || ("format_unsupported".to_owned(), None);
    let mut source: Box<dyn Source + '_> = if needs.contains("logbook") {
        Box::new(LogbookFile::new(&bytes[..]))
    } else if needs.contains("proof") {
        Box::new(ProofFile::new(&bytes))
    } else {
        match BundleFile::open(&bytes[..]) {
            Ok(source) => Box::new(source),
            Err(_) => return unsupported(),
        }
    };
    let Ok(outcome) = verify(&mut *source, &policy, &mut |_| ()) else {
        return unsupported();
    };
    let report = serde_json::to_value(&outcome.report).unwrap();
    let fault = report["faults"].get(0).map(|fault| {
        serde_json::json!({"code": fault["code"], "at": fault["at"], "index": fault["index"]})
    });
    (text(&report, "verdict").to_owned(), fault)
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        u32::try_from(digits.iter().position(|d| *d == c).unwrap()).unwrap()
    };
    let digits = text.trim_end_matches('=').as_bytes();
    let quads = digits.chunks(4).flat_map(|quad| {
        let bits =
            quad.iter().fold(0_u32, |bits, c| bits << 6 | digit(*c)) << (6 * (4 - quad.len()));
        bits.to_be_bytes()[1..quad.len()].to_vec()
    });
    quads.collect()
}
