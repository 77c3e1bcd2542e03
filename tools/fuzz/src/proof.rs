//! Proofs: one spelling each, and none passes but those that were made.

use super::logs::{judge, keys};
use sealbook::ledger::equivocation_file::judge_equivocation;
use sealbook::ledger::fault::Verdict;
use sealbook::ledger::proof::{InclusionProof, ProofFile};

const MADE: [&[u8]; 4] = [
    include_bytes!("../../../fixtures/format/entry-3.v2.proof"),
    include_bytes!("../../../fixtures/format/entry-3.proof"),
    include_bytes!("../../../fixtures/ledgers/v1/entry-4.proof"),
    include_bytes!("../../../fixtures/ledgers/v2/entry-3.proof"),
];

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    if let Ok(proof) = InclusionProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
    }
    let report = judge(&mut ProofFile::new(bytes), true);
    if report.is_some_and(|report| report.verdict == Verdict::Pass) {
        assert!(MADE.contains(&bytes));
    }
    judge(&mut ProofFile::new(bytes), false);
    assert_eq!(judge_equivocation(bytes, &keys()).verdict, Verdict::Fail);
}
