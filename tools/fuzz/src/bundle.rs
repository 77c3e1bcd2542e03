//! Bundles: a verdict on any bytes, the same again. A signed bundle that passes
//! is one of those that the logs' owners made.

use super::logs::judge;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::{NotChecked, Verdict};

const SIGNED: [&[u8]; 4] = [
    include_bytes!("../../../fixtures/format/range.bundle"),
    include_bytes!("../../../fixtures/format/selection.bundle"),
    include_bytes!("../../../fixtures/ledgers/v1/all.bundle"),
    include_bytes!("../../../fixtures/ledgers/v1/acme.bundle"),
];

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    let verdict = |signatures| judge(&mut BundleFile::open(bytes).unwrap(), signatures);
    let report = verdict(true);
    assert_eq!(verdict(true), report);
    let unsigned = report.not_checked.contains(&NotChecked::BundleUnsigned);
    if report.verdict == Verdict::Pass && !unsigned {
        assert!(SIGNED.contains(&bytes));
    }
    // Whatever passes with signatures passes without.
    let lenient = verdict(false);
    assert!(report.verdict == Verdict::Fail || lenient.verdict == Verdict::Pass);
}
