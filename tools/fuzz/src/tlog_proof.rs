//! Proofs of the public log: one spelling each, and none passes but that of its entry.

use sealbook::ledger::entry::Entry;
use sealbook::ledger::fault::Verdict;
use sealbook::ledger::policy::Policy;
use sealbook::ledger::tlog::judged::judge_tlog_proof;
use sealbook::ledger::tlog::proof::TlogProof;

use super::logs::keys;

const MADE: &str = include_str!("../../../fixtures/format/entry-3.tlog-proof");
const BOOK: &str = include_str!("../../../fixtures/format/logbook.jsonl");

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
    let line = BOOK.lines().nth(3).unwrap();
    let policy = Policy {
        entry: Some(Entry::from_logbook_line(line.as_bytes()).unwrap()),
        ..Policy::keys(keys())
    };
    if judge_tlog_proof(bytes, &policy).verdict == Verdict::Pass {
        let (proof, made) = (
            TlogProof::parse(bytes).unwrap(),
            TlogProof::parse(MADE.as_bytes()).unwrap(),
        );
        assert_eq!((proof.index, &proof.path), (made.index, &made.path));
        assert_eq!(proof.checkpoint.content(), made.checkpoint.content());
    }
    let nobody = judge_tlog_proof(bytes, &Policy::default());
    assert_eq!(nobody.verdict, Verdict::Fail);
}
