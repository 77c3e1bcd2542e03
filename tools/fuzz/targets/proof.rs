//! Proofs: one spelling each, and none passes but those that were made.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealbook::ledger::equivocation_file::judge_equivocation;
use sealbook::ledger::fault::Verdict;
use sealbook::ledger::proof::{InclusionProof, ProofFile};
use sealbook_fuzz::{judge, keys};

const MADE: [&[u8]; 2] = [
    include_bytes!("../../../fixtures/format/entry-3.proof"),
    include_bytes!("../../../fixtures/ledgers/v1/entry-4.proof"),
];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = InclusionProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
    }
    let report = judge(&mut ProofFile::new(bytes), true);
    if report.verdict == Verdict::Pass {
        assert!(MADE.contains(&bytes));
    }
    judge(&mut ProofFile::new(bytes), false);
    assert_eq!(judge_equivocation(bytes, &keys()).verdict, Verdict::Fail);
});
