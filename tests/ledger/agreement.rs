//! Files that a second verifier was held against: `tools/verify-agreement` made
//! them, and wrote what both name first.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::source::Source;
use sealbook::ledger::verify::{Policy, verify};

use crate::vectors::text;

#[test]
fn both_verifiers_name_the_same_fault_first() {
    let cases = include_str!("../../fixtures/agreement.jsonl").trim_end();
    let mut seen = 0;
    for line in cases.split('\n') {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = text(&case, "file").as_bytes();
        let mut source: Box<dyn Source + '_> = match text(&case, "format") {
            "bundle" => Box::new(BundleFile::open(file).unwrap()),
            "proof" => Box::new(ProofFile::new(file)),
            _ => Box::new(LogbookFile::new(file)),
        };
        let policy = Policy {
            keys: vec![PublicKey::from_hex(text(&case, "key")).unwrap()],
            allow_unsigned: true,
            ..Policy::default()
        };
        // What a file is taken for is not the verifier's to say.
        if case["expect"]["code"] == "format_mismatch" {
            continue;
        }
        let outcome = verify(&mut *source, &policy, &mut |_| ()).unwrap();
        let report = serde_json::to_value(&outcome.report).unwrap();
        let (first, expect) = (&report["faults"][0], &case["expect"]);
        for name in ["code", "at", "index"] {
            assert_eq!(first[name], expect[name], "{name} of {line}");
        }
        assert_eq!(report["verdict"], expect["verdict"], "{line}");
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn entry_0_names_no_entry_before_it_also_where_links_are_not_judged() {
    let named = include_str!("../../fixtures/agreement.jsonl")
        .split('\n')
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|case| text(case, "format") == "proof")
        .map(|case| case["expect"]["code"].clone());
    let code = serde_json::to_value(FaultCode::PrevHashMismatch).unwrap();
    assert_eq!(named.filter(|named| *named == code).count(), 1);
}
