//! A writer that was killed in the middle of a write: what is left of it is
//! called a crash, and nothing else is.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use sealbook::ledger::json::Object;
use sealbook::logbook::clock::SystemClock;
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::{Logbook, Parts, key_file};
use sealbook::store::RocksStore;
use serde_json::Value;

use crate::books::warning_codes;
use crate::place::{Place, fault};

/// Entries 0 to 5 sealed, 6 and 7 in the log and nowhere else, the mark as it was
/// before 7; and how long the log was before 7, and after.
fn in_the_middle() -> (Place, PathBuf, u64, u64) {
    let place = Place::sealed();
    let dir = place.path("ledger");
    let logbook = Logbook::open(Parts {
        store: Arc::new(RocksStore::open(&dir).unwrap()),
        signer: Arc::new(key_file::open(&place.path("ledger.key.pem")).unwrap()),
        clock: Arc::new(SystemClock::new()),
        mark: MarkFile::beside(&dir),
    });
    let logbook = logbook.unwrap();
    let append = |n: u64| {
        let mut payload = Object::new();
        payload.insert("n", n);
        logbook.append("note", &payload).unwrap();
    };
    append(6);
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let log = place.files(".log").into_iter().max_by_key(size).unwrap();
    let mark = place.read("ledger.mark");
    let before = size(&log);
    append(7);
    let after = size(&log);
    place.copy("ledger", "cut");
    logbook.close().unwrap();
    fs::remove_dir_all(&dir).unwrap();
    fs::rename(place.path("cut"), &dir).unwrap();
    place.write("ledger.mark", mark);
    (place, log, before, after)
}

fn verify(place: &Place, status: i32) -> Value {
    place
        .run(&["--json", "verify"])
        .ends_with(status)
        .document()
}

#[test]
fn a_write_that_was_cut_off_is_called_a_crash_and_the_ledger_goes_on() {
    let (place, log, before, after) = in_the_middle();
    let whole = fs::read(&log).unwrap();
    assert_eq!(verify(&place, 0)["entries"], 8);
    assert_eq!(warning_codes(&verify(&place, 0)), ["key_from_ledger"]);
    // From a whole header on: before that zeros may be taken for filling.
    for cut in (before + 7..after).step_by(23) {
        fs::write(&log, &whole[..usize::try_from(cut).unwrap()]).unwrap();
        let report = verify(&place, 0);
        assert_eq!(report["entries"], 7, "cut at {cut}");
        assert_eq!(
            warning_codes(&report),
            ["key_from_ledger", "interrupted_write"]
        );
        let detail = format!(
            "the write-ahead log ends with {} bytes of a write that was interrupted, as by a \
             crash: nothing of it is there or was acknowledged",
            cut - before
        );
        assert_eq!(report["warnings"][1]["detail"], detail.as_str());
    }
    // Nothing has to be done about it.
    assert_eq!(place.append(8..9)[0]["seq"], 7);
    let report = verify(&place, 0);
    assert_eq!(report["entries"], 8);
    assert_eq!(warning_codes(&report), ["key_from_ledger"]);
}

#[test]
fn a_log_that_ends_with_a_whole_write_was_not_cut_off_in_one() {
    let (place, log, before, _) = in_the_middle();
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..usize::try_from(before).unwrap()]).unwrap();
    let report = verify(&place, 0);
    assert_eq!(report["entries"], 7);
    assert_eq!(warning_codes(&report), ["key_from_ledger"]);
}

/// What the mark names was acknowledged: that is not a crash alone.
#[test]
fn a_cut_into_what_the_mark_names_is_a_rollback() {
    let place = Place::after_power_cut();
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let log = place.files(".log").into_iter().max_by_key(size).unwrap();
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 1]).unwrap();
    let report = verify(&place, 1);
    assert_eq!(fault(&report).0, "rollback_detected");
    assert_eq!(
        warning_codes(&report),
        ["key_from_ledger", "interrupted_write"]
    );
}
