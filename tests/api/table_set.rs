//! A set of tables by day, which is verified as one.

use std::fs;
use std::path::Path;

use sealbook::api::{Examined, examine};
use sealbook::ledger::fault::{FaultCode, NotChecked, Verdict};
use sealbook::store::query::Filter;
use sealbook::{Ledger, Options, Policy};

use crate::tables::{acme, codes, scene};

fn examined(ledger: &Ledger, path: &Path) -> Examined {
    let policy = Policy::key(ledger.key());
    examine(path, None, &policy, &Options::default(), &mut |_| ()).unwrap()
}

#[test]
fn a_set_by_day_is_verified_as_one() {
    let ledger = scene();
    let temp = tempfile::tempdir().unwrap();
    for (name, filter) in [("range", Filter::default()), ("selection", acme())] {
        let folder = temp.path().join(name);
        let written = ledger.export_set(&filter, &folder, &mut |_| ()).unwrap();
        assert_eq!(written.days, 3);
        let report = examined(&ledger, &folder).report;
        assert_eq!(report.faults, []);
        assert_eq!(report.entries, written.entries);
        assert!(!report.not_checked.contains(&NotChecked::OtherParts));
        let day = folder.join("entries/day=2026-03-02/entries.parquet");
        let alone = examined(&ledger, &day).report;
        assert_eq!(alone.verdict, Verdict::Pass);
        assert!(alone.not_checked.contains(&NotChecked::OtherParts));
        let error = ledger
            .export_set(&filter, &folder, &mut |_| ())
            .unwrap_err();
        assert_eq!(error.code(), "exists");
    }
    let limited = Filter {
        limit: Some(3),
        ..Filter::default()
    };
    let error = ledger.export_set(&limited, &temp.path().join("x"), &mut |_| ());
    assert_eq!(error.unwrap_err().code(), "usage");
    let folder = temp.path().join("range");
    let first = folder.join("entries/day=2026-03-01/entries.parquet");
    let second = folder.join("entries/day=2026-03-02/entries.parquet");
    let manifest = folder.join("manifest.json");
    let faults = || codes(&examined(&ledger, &folder).report);
    let kept = fs::read(&second).unwrap();

    for more in [
        "entries/more.parquet",
        "entries/day=2026-03-02/x",
        "b.parquet",
    ] {
        fs::copy(&second, folder.join(more)).unwrap();
        assert_eq!(faults(), [FaultCode::TableMismatch], "{more}");
        fs::remove_file(folder.join(more)).unwrap();
    }

    fs::remove_file(&second).unwrap();
    let missing = faults();
    assert_eq!(missing[0], FaultCode::Truncated);
    assert!(
        missing.contains(&FaultCode::PrevHashMismatch),
        "{missing:?}"
    );
    fs::copy(&first, &second).unwrap();
    assert!(faults().contains(&FaultCode::BundleCorrupt));
    fs::write(&second, kept).unwrap();
    assert_eq!(faults(), []);

    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("2026-03-01", "2026-03-00", 1)).unwrap();
    assert_eq!(faults(), [FaultCode::SignatureInvalid]);
}
