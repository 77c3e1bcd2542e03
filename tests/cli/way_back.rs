//! The way back from a rollback, as the README describes it: put the newer
//! ledger back; or accept, and take in what others still have of what was lost.

use std::fs;

use serde_json::json;

use crate::place::{Place, codes, fault};

/// A ledger that lost entries 6 to 8, and a bundle of them that was given away.
fn rolled_back() -> (Place, String) {
    let place = Place::sealed();
    let key = place.key();
    place.copy("ledger", "older");
    place.append(6..9);
    place.run(&["export", "-o", "given.bundle"]).ok();
    place.run(&["backup", "copy"]).ok();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("older", "ledger");
    let run = place.run(&["--json", "verify"]).ends_with(1);
    assert_eq!(fault(&run.document()).0, "rollback_detected");
    (place, key)
}

#[test]
fn the_newer_ledger_put_back_is_as_if_nothing_had_been() {
    let (place, _) = rolled_back();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("copy/ledger", "ledger");
    let report = place.run(&["--json", "verify"]).ok().document();
    assert_eq!(
        (&report["entries"], &report["faults"]),
        (&json!(9), &json!([]))
    );
    place.append(9..10);
    place.run(&["verify"]).ok();
}

#[test]
fn what_was_lost_is_taken_in_as_evidence_once_the_rollback_is_accepted() {
    let (place, key) = rolled_back();
    let import = ["--json", "import", "given.bundle", "--key", &key];
    place.run(&import).ends_with(2);
    place
        .run(&["accept-rollback", "--reason", "the disk died"])
        .ok();
    let imported = place.run(&import).ok().document();
    assert_eq!(imported["outcome"], "imported");
    // Beside the log, not in it: its numbers 6 to 8 were given again.
    let lost = place.run(&["--json", "log", "--log", &key, "--from-seq", "6"]);
    let numbers: Vec<_> = lost
        .ok()
        .documents()
        .iter()
        .map(|entry| (entry["seq"].clone(), entry["payload"]["n"].clone()))
        .collect();
    let expected: Vec<_> = (6..9).map(|n| (json!(n), json!(n))).collect();
    assert_eq!(numbers, expected);
    let own = place.run(&["--json", "show", "6"]).ok().document();
    assert_eq!(own["kind"], "sealbook:rollback");
    let digest = imported["digest"].as_str().unwrap();
    place
        .run(&["export", "--file", digest, "-o", "again.bundle"])
        .ok();
    assert!(
        fs::read(place.path("again.bundle")).unwrap()
            == fs::read(place.path("given.bundle")).unwrap()
    );
    place.run(&["verify", "again.bundle", "--key", &key]).ok();
    place.run(&["verify"]).ok();
    assert_eq!(place.run(&import).ok().document()["outcome"], "known");
}

#[test]
fn evidence_of_the_log_itself_that_holds_nothing_lost_is_not_taken_in() {
    let (place, key) = rolled_back();
    place.run(&["accept-rollback", "--reason", "gone"]).ok();
    place.run(&["export", "-o", "own.bundle", "--seal"]).ok();
    place
        .run(&["--json", "import", "own.bundle", "--key", &key])
        .refused_with(
            1,
            "own_key",
            "it is signed with this ledger's own key: it is no other log",
            "",
        );
}

#[test]
fn a_mark_that_is_lost_is_accepted_and_begins_anew() {
    let place = Place::with_tail();
    fs::remove_file(place.path("ledger.mark")).unwrap();
    let run = place.run(&["--json", "verify"]).ends_with(1);
    assert_eq!(codes(&run.document()), ["mark_missing"]);
    place
        .run(&["accept-rollback", "--reason", "the mark's disk died"])
        .ok();
    let report = place.run(&["--json", "verify"]).ok().document();
    assert_eq!(report["warnings"][1]["code"], "acknowledged_rollback");
    place.append(9..10);
    place.run(&["seal"]).ok();
    place.run(&["verify"]).ok();
}
