//! A ledger that somebody laid hands on: files, mark, whole copies. `verify`
//! answers no and names the fault; whatever would write refuses.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::place::{Place, codes, fault};

const REPAIR: &str = "run `sealbook verify` and restore the ledger from a backup";
const DAMAGED: &str = "the store is corrupt: a database file is damaged or missing";
const LOST: &str = "restore the newer database; if it is lost for good, and this is not a copy to be \
                    examined, `sealbook accept-rollback --reason TEXT` records that for ever";
const PUT_BACK: &str = "put the mark back, or name it with --mark FILE; if it is lost for good, and this is not a \
                        copy to be examined, `sealbook accept-rollback --reason TEXT` records that for ever";

fn verify(place: &Place, status: i32) -> Value {
    let run = place.run(&["--json", "verify", "--key", &key_of(place)]);
    run.ends_with(status).document()
}

/// Kept before anything is damaged.
fn key_of(place: &Place) -> String {
    place.read("public.hex").trim().to_owned()
}

fn keep_key(place: Place) -> Place {
    let key = place.key();
    place.write("public.hex", key);
    place
}

/// Every command that would write refuses, for this reason, and writes
/// nothing.
fn assert_refused(place: &Place, code: &str, detail: &str, hint: &str) {
    for args in [
        &["--json", "append", "--kind", "k", "--payload", "{}"][..],
        &["--json", "append", "--jsonl", "-"],
        &["--json", "seal"],
    ] {
        let run = place.run_with(args, "{\"kind\":\"k\",\"payload\":{}}\n");
        run.refused(code, detail, hint);
        assert_eq!(run.documents().len(), 1, "no receipts");
    }
}

/// With the mark's faults `head` says no too, and reading goes on.
fn assert_mark_refused(place: &Place, code: &str, detail: &str, hint: &str) {
    assert_refused(place, code, detail, hint);
    place.run(&["--json", "head"]).refused(code, detail, hint);
    place.run(&["log"]).ok();
    place.run(&["show", "0"]).ok();
    let report = verify(place, 1);
    assert_eq!(fault(&report), (code, detail));
}

fn flip(path: &Path, at: usize) -> Vec<u8> {
    let intact = fs::read(path).unwrap();
    let mut damaged = intact.clone();
    damaged[at] ^= 0x20;
    fs::write(path, damaged).unwrap();
    intact
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|part| part == needle)
}

/// A ledger whose entries lie in table files: every opening for writing puts
/// there what the log held.
fn in_tables() -> Place {
    let place = keep_key(Place::sealed());
    place.run(&["seal", "--if-any"]).ok();
    place
}

#[test]
fn a_flipped_byte_in_a_table_is_corruption() {
    let place = in_tables();
    let mut flipped = 0;
    for file in place.files(".sst") {
        let bytes = fs::read(&file).unwrap();
        // Where entries lie, told by what only they hold.
        let Some(at) = find(&bytes, b"sealbook:open").or_else(|| find(&bytes, b"note\x1f")) else {
            continue;
        };
        for at in [at, at + 3, 0] {
            flip(&file, at);
            let report = verify(&place, 1);
            assert_eq!(fault(&report), ("store_corrupt", DAMAGED), "byte {at}");
            fs::write(&file, &bytes).unwrap();
            flipped += 1;
        }
    }
    assert!(flipped >= 3, "no table with entries");
    verify(&place, 0);
}

#[test]
fn a_flipped_byte_anywhere_in_a_table_is_corruption_or_in_nothing_that_counts() {
    let place = in_tables();
    let (mut noticed, mut flips) = (0, 0);
    for file in place.files(".sst") {
        let length = fs::metadata(&file).unwrap().len();
        for part in 0..3 {
            let at = usize::try_from(length * part / 3).unwrap();
            let intact = flip(&file, at);
            let run = place.run(&["--json", "verify", "--key", &key_of(&place)]);
            flips += 1;
            if run.status != 0 {
                let report = run.ends_with(1).document();
                assert_eq!(codes(&report), ["store_corrupt"], "{report:#}");
                noticed += 1;
            }
            fs::write(&file, intact).unwrap();
        }
    }
    assert!(noticed * 2 > flips, "{noticed} of {flips}");
}

#[test]
fn a_table_that_is_gone_is_corruption() {
    let place = in_tables();
    for ending in [".sst", "MANIFEST", "CURRENT"] {
        for file in place.files(ending) {
            let intact = fs::read(&file).unwrap();
            fs::remove_file(&file).unwrap();
            let report = verify(&place, 1);
            assert_eq!(fault(&report), ("store_corrupt", DAMAGED), "{ending}");
            assert_eq!(report["entries"], 0);
            assert_refused(&place, "store_corrupt", DAMAGED, REPAIR);
            place
                .run(&["--json", "log"])
                .refused("store_corrupt", DAMAGED, REPAIR);
            fs::write(&file, intact).unwrap();
        }
    }
    verify(&place, 0);
}

#[test]
fn a_log_that_is_gone_is_corruption() {
    let place = keep_key(Place::after_power_cut());
    for file in place.files(".log") {
        fs::remove_file(file).unwrap();
    }
    let report = verify(&place, 1);
    assert_eq!(fault(&report).0, "store_corrupt");
    let detail = fault(&report).1.to_owned();
    assert!(
        [
            DAMAGED,
            "the store is corrupt: the write-ahead log is missing"
        ]
        .contains(&detail.as_str()),
        "{detail}"
    );
    assert_refused(&place, "store_corrupt", &detail, REPAIR);
}

#[test]
fn a_flipped_byte_in_the_log_is_corruption() {
    let place = keep_key(Place::after_power_cut());
    let size = |path: &std::path::PathBuf| fs::metadata(path).unwrap().len();
    let log = place.files(".log").into_iter().max_by_key(size).unwrap();
    let length = fs::read(&log).unwrap().len();
    assert!(length > 300, "the tail is in the log");
    for at in [0, 8, length / 3, length / 2] {
        let intact = flip(&log, at);
        let report = verify(&place, 1);
        assert_eq!(fault(&report), ("store_corrupt", DAMAGED), "byte {at}");
        assert_refused(&place, "store_corrupt", DAMAGED, REPAIR);
        fs::write(&log, intact).unwrap();
    }
    verify(&place, 0);
}

#[test]
fn a_log_that_was_cut_is_a_rollback() {
    let place = keep_key(Place::after_power_cut());
    let size = |path: &std::path::PathBuf| fs::metadata(path).unwrap().len();
    let log = place.files(".log").into_iter().max_by_key(size).unwrap();
    let intact = fs::read(&log).unwrap();
    let head = place.run(&["head"]).ok().document();
    let hash = head["head"]["hash"].as_str().unwrap();
    for kept in [intact.len() - 1, intact.len() / 2, 1, 0] {
        fs::write(&log, &intact[..kept]).unwrap();
        let report = verify(&place, 1);
        let detail = format!("the log once held entry 8 with hash {hash}, the database does not");
        assert_eq!(fault(&report), ("rollback_detected", detail.as_str()));
    }
    fs::write(&log, intact).unwrap();
    verify(&place, 0);
}

#[test]
fn an_older_copy_of_the_database_is_a_rollback() {
    let place = keep_key(Place::sealed());
    place.copy("ledger", "older");
    place.append(6..9);
    let head = place.run(&["head"]).ok().document();
    fs::rename(place.path("ledger"), place.path("newer")).unwrap();
    place.copy("older", "ledger");
    let detail = format!(
        "the log once held entry 8 with hash {}, the database does not",
        head["head"]["hash"].as_str().unwrap()
    );
    assert_mark_refused(&place, "rollback_detected", &detail, LOST);
    let report = verify(&place, 1);
    let found = &report["faults"][0];
    assert_eq!((&found["seq"], &found["at"]), (&8.into(), &"file".into()));
    assert_eq!(
        (&found["expected"], &found["actual"]),
        (&"8".into(), &"5".into())
    );
    // The older copy is sound in itself, which is the point of the mark.
    assert_eq!(report["entries"], 6);
    fs::remove_dir_all(place.path("ledger")).unwrap();
    fs::rename(place.path("newer"), place.path("ledger")).unwrap();
    verify(&place, 0);
}

#[test]
fn database_and_mark_put_back_together_are_seen_only_against_a_head_kept_elsewhere() {
    let place = keep_key(Place::sealed());
    place.copy("ledger", "older");
    let mark = place.read("ledger.mark");
    place.append(6..9);
    place.run(&["head", "-o", "kept"]).ok();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("older", "ledger");
    place.write("ledger.mark", mark);
    let report = verify(&place, 0);
    assert_eq!(report["not_checked"], json!(["truncation"]));
    let run = place.run(&["--json", "verify", "--contains", "kept"]);
    let report = run.ends_with(1).document();
    assert_eq!(
        fault(&report),
        (
            "head_not_contained",
            "the entry of the head given is not here"
        )
    );
}

#[test]
fn a_mark_that_is_gone_is_missing() {
    let place = keep_key(Place::with_tail());
    fs::remove_file(place.path("ledger.mark")).unwrap();
    let detail = "there is no high-water mark at ./ledger.mark";
    assert_mark_refused(&place, "mark_missing", detail, PUT_BACK);
}

#[test]
fn a_mark_that_was_forged_is_invalid() {
    let place = keep_key(Place::with_tail());
    let intact = place.read("ledger.mark");
    let mark: Value = serde_json::from_str(&intact).unwrap();
    let mut other_hash = mark.clone();
    other_hash["head"]["hash"] = json!("ab".repeat(32));
    let mut other_key = mark.clone();
    other_key["key"] = json!("11".repeat(32));
    for (text, problem) in [
        ("junk".to_owned(), "is not a head statement"),
        (String::new(), "is not a head statement"),
        ("{}".to_owned(), "is not a head statement"),
        (
            other_hash.to_string(),
            "has a signature that is not its log's",
        ),
        (
            other_key.to_string(),
            "has a signature that is not its log's",
        ),
    ] {
        place.write("ledger.mark", text);
        let detail = format!("the high-water mark at ./ledger.mark {problem}");
        assert_mark_refused(&place, "mark_invalid", &detail, PUT_BACK);
    }
    place.write("ledger.mark", intact);
    verify(&place, 0);
}

#[test]
fn a_mark_older_than_a_sealed_epoch_is_stale() {
    let place = keep_key(Place::sealed());
    let old = place.read("ledger.mark");
    place.append(6..9);
    place.run(&["seal"]).ok();
    place.write("ledger.mark", old);
    let detail = "the high-water mark names entry 5, the database goes on to 8";
    assert_mark_refused(&place, "mark_stale", detail, LOST);
}

#[test]
fn a_ledger_in_the_place_of_another_is_seen_by_key_mark_and_genesis() {
    let place = keep_key(Place::sealed());
    place.run(&["head", "-o", "kept"]).ok();
    place.run(&["--ledger", "other", "init"]).ok();
    let same = [
        "--ledger",
        "same",
        "init",
        "--reuse-key",
        "--key",
        "ledger.key.pem",
    ];
    place.run(&same).ok();
    fs::rename(place.path("ledger"), place.path("real")).unwrap();
    let detail = "the high-water mark at ./ledger.mark is that of another log";

    // Another key: the caller's does not fit, and the mark is not its.
    place.copy("other", "ledger");
    let report = verify(&place, 1);
    assert_eq!(codes(&report), ["untrusted_key", "mark_invalid"]);
    assert_eq!(report["faults"][1]["detail"], detail);
    fs::remove_dir_all(place.path("ledger")).unwrap();

    // The same key, begun again: the mark is not its.
    fs::rename(place.path("same"), place.path("ledger")).unwrap();
    assert_mark_refused(&place, "mark_invalid", detail, PUT_BACK);

    // With the mark replaced too, only what was kept elsewhere tells.
    fs::copy(place.path("same.mark"), place.path("ledger.mark")).unwrap();
    verify(&place, 0);
    let run = place.run(&["--json", "verify", "--contains", "kept"]);
    let report = run.ends_with(1).document();
    assert_eq!(
        fault(&report),
        ("head_not_contained", "the head given is of another log")
    );
}

#[test]
fn a_ledger_of_a_later_format_is_named_and_not_touched() {
    let place = keep_key(Place::sealed());
    crate::rows::edit(&place, |db| db.put("format", "2").unwrap());
    let detail = "the ledger has format \"2\", this program knows \"1\"";
    let hint = "use the version of sealbook that made it";
    assert_refused(&place, "unknown_format", detail, hint);
    place
        .run(&["--json", "verify"])
        .refused("unknown_format", detail, hint);
}

#[test]
fn a_ledger_with_a_damaged_table_takes_no_more() {
    let place = in_tables();
    let mut refused = 0;
    for file in place.files(".sst") {
        let bytes = fs::read(&file).unwrap();
        let Some(at) = find(&bytes, b"sealbook:open").or_else(|| find(&bytes, b"note\x1f")) else {
            continue;
        };
        flip(&file, at);
        let append = ["--json", "append", "--kind", "k", "--payload", "{}"];
        let run = place.run(&append).ends_with(2);
        assert_eq!(run.document()["error"]["code"], "store_corrupt");
        let run = place.run(&["--json", "doctor"]).ends_with(1).document();
        let findings = run["findings"].as_array().unwrap();
        assert_eq!(findings[0]["code"], "store_corrupt", "{run}");
        fs::write(&file, &bytes).unwrap();
        refused += 1;
    }
    assert!(refused > 0, "no table with entries");
    let well = place.run(&["--json", "doctor"]).ok().document();
    assert_eq!(well["findings"], serde_json::json!([]));
    verify(&place, 0);
    // A word of its own for what stands beside.
    fs::remove_file(place.path("ledger.mark")).unwrap();
    let run = place.run(&["--json", "doctor"]).ends_with(1).document();
    assert_eq!(run["findings"][0]["code"], "mark");
}
