//! Parts of the database that were replaced by other parts, each sound in itself;
//! and a log that lost its end, which is never sealed again as if it were whole.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::place::{Place, codes, fault};

/// Entries in table files, of several openings.
fn in_tables() -> Place {
    let place = Place::sealed();
    place.append(6..9);
    place.run(&["seal"]).ok();
    place.append(9..12);
    place.run(&["seal"]).ok();
    place
}

fn verify(place: &Place, status: i32) -> Value {
    place
        .run(&["--json", "verify"])
        .ends_with(status)
        .document()
}

#[test]
fn a_table_in_the_place_of_another_is_corruption() {
    let place = in_tables();
    let tables = place.files(".sst");
    let before = verify(&place, 0);
    let mut tried = 0;
    for (table, other) in tables.iter().zip(tables.iter().cycle().skip(1)) {
        let whole = fs::read(table).unwrap();
        let other = fs::read(other).unwrap();
        for instead in [other.as_slice(), &[], &whole[..whole.len() / 2]] {
            fs::write(table, instead).unwrap();
            let report = verify(&place, 1);
            let codes = codes(&report);
            let corrupt = codes.iter().all(|code| *code == "store_corrupt");
            assert!(corrupt && !codes.is_empty(), "{}", table.display());
            tried += 1;
        }
        fs::write(table, whole).unwrap();
    }
    assert!(tried >= 9, "{tried}");
    assert_eq!(verify(&place, 0)["head"], before["head"]);
}

/// Another ledger that was made by the same steps has tables of the same names.
#[test]
fn a_table_of_another_ledger_is_never_taken_for_this_ones() {
    let (place, other) = (in_tables(), in_tables());
    let mut tried = 0;
    for table in place.files(".sst") {
        let name = table.file_name().unwrap();
        let stranger = other.path("ledger/db").join(name);
        if !stranger.exists() {
            continue;
        }
        let whole = fs::read(&table).unwrap();
        fs::copy(stranger, &table).unwrap();
        let report = verify(&place, 1);
        assert!(!codes(&report).is_empty(), "{}", table.display());
        fs::write(&table, whole).unwrap();
        tried += 1;
    }
    assert!(tried >= 3, "{tried}");
    verify(&place, 0);
}

#[test]
fn the_write_ahead_log_of_another_ledger_is_never_taken_for_this_ones() {
    let place = Place::after_power_cut();
    let other = Place::after_power_cut();
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let log = |place: &Place| place.files(".log").into_iter().max_by_key(size).unwrap();
    fs::copy(log(&other), log(&place)).unwrap();
    let report = verify(&place, 1);
    assert!(!codes(&report).is_empty());
    let run = place.run(&["--json", "append", "--kind", "k", "--payload", "{}"]);
    run.ends_with(2);
}

/// Every command that would seal.
const SEALING: [&[&str]; 6] = [
    &["seal"],
    &["seal", "--if-any", "--publish", "public"],
    &["export", "--seal", "-o", "bundle"],
    &["rotate", "next"],
    &["append", "--kind", "k", "--payload", "{}"],
    &["import", "foreign", "--key", "foreign.key"],
];

#[test]
fn a_shrunk_log_is_never_sealed_again_as_if_it_were_whole() {
    let place = Place::sealed();
    place.run(&["--ledger", "another", "init"]).ok();
    place
        .run(&["--ledger", "another", "export", "-o", "foreign"])
        .ok();
    let key = place
        .run(&["--ledger", "another", "key", "--pem"])
        .ok()
        .stdout;
    place.write("foreign.key", key);
    place.append(6..8);
    place.copy("ledger", "older");
    place.append(8..12);
    let lost = place.run(&["head"]).ok().document();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("older", "ledger");
    for args in SEALING {
        let run = place.run(&[&["--json"], args].concat()).ends_with(2);
        let error = run.documents().pop().unwrap();
        assert_eq!(error["error"]["code"], "rollback_detected", "{args:?}");
    }
    let epochs = place.run(&["--json", "epochs"]).ok().documents();
    assert_eq!(epochs.len(), 1, "nothing was sealed");
    assert_eq!(fault(&verify(&place, 1)).0, "rollback_detected");
    // Once accepted, what is sealed says for ever what was lost.
    place
        .run(&["accept-rollback", "--reason", "the disk died"])
        .ok();
    place.run(&["seal"]).ok();
    let entry = place.run(&["--json", "show", "8"]).ok().document();
    assert_eq!(entry["kind"], "sealbook:rollback");
    assert_eq!(entry["payload"]["lost"]["head"]["seq"], 11);
    assert_eq!(
        entry["payload"]["lost"]["head"]["hash"],
        lost["head"]["hash"]
    );
    verify(&place, 0);
}
