//! Bundles: a verdict on any bytes, the same again. A signed bundle that passes
//! is one of those that the logs' owners made.

use super::logs::judge;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::fault::{NotChecked, Verdict};
use sealbook::ledger::source::ReadError;

const SIGNED: [&[u8]; 10] = [
    include_bytes!("../../../fixtures/format/range.v2.bundle"),
    include_bytes!("../../../fixtures/format/selection.v2.bundle"),
    include_bytes!("../../../fixtures/format/range.bundle"),
    include_bytes!("../../../fixtures/format/selection.bundle"),
    include_bytes!("../../../fixtures/ledgers/v1/all.bundle"),
    include_bytes!("../../../fixtures/ledgers/v1/acme.bundle"),
    include_bytes!("../../../fixtures/ledgers/v2/all.bundle"),
    include_bytes!("../../../fixtures/ledgers/v2/no-zeta.bundle"),
    include_bytes!("../../../fixtures/ledgers/v2/order-1.bundle"),
    include_bytes!("../../../fixtures/ledgers/v2/t-2.bundle"),
];

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    let verdict = |signatures| match BundleFile::open(bytes) {
        Err(ReadError::Unsupported(_)) => None,
        source => judge(&mut source.unwrap(), signatures),
    };
    let Some(report) = verdict(true) else {
        return;
    };
    assert_eq!(verdict(true), Some(report.clone()));
    let unsigned = report.not_checked.contains(&NotChecked::BundleUnsigned);
    if report.verdict == Verdict::Pass && !unsigned {
        assert!(SIGNED.contains(&bytes));
    }
    // Whatever passes with signatures passes without.
    let lenient = verdict(false).map(|report| report.verdict);
    assert!(report.verdict == Verdict::Fail || lenient == Some(Verdict::Pass));
}
