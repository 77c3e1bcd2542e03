//! What the properties share: the logs that the seeds are of.

use sealbook::ledger::fault::{Report, Verdict};
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::policy::Policy;
use sealbook::ledger::source::{ReadError, Source};
use sealbook::ledger::verify::verify;

/// The keys of the logs in `fixtures/`.
pub fn keys() -> Vec<PublicKey> {
    [
        include_str!("../../../fixtures/format/key.txt"),
        include_str!("../../../fixtures/ledgers/v1/key.txt"),
    ]
    .iter()
    .map(|key| PublicKey::from_hex(key.trim()).unwrap())
    .collect()
}

/// Verifies a source under the keys of the fixtures. The verdict must be that
/// of the faults; there is none on what is of a version that is not known.
pub fn judge(source: &mut dyn Source, signatures: bool) -> Option<Report> {
    let policy = Policy {
        keys: keys(),
        signatures,
        allow_unsigned: true,
        ..Policy::default()
    };
    let outcome = match verify(source, &policy, &mut |_| ()) {
        Err(ReadError::Unsupported(_)) => return None,
        outcome => outcome.unwrap(),
    };
    let passed = outcome.report.verdict == Verdict::Pass;
    assert_eq!(passed, outcome.report.faults.is_empty());
    assert_eq!(passed, outcome.verified.is_some());
    Some(outcome.report)
}

/// The bytes as text, as far as they are.
pub fn valid(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes)
        .unwrap_or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap())
}
