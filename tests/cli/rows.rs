//! Rows of the database that were changed by somebody who knows the database:
//! no checksum helps, the chain and the trees do.

use serde_json::Value;

use crate::place::{Place, codes};

/// Changes the database behind the program's back.
pub(crate) fn edit(place: &Place, edit: impl FnOnce(&rocksdb::DB)) {
    let db = place.path("ledger/db");
    let options = rocksdb::Options::default();
    let tables = rocksdb::DB::list_cf(&options, &db).unwrap();
    edit(&rocksdb::DB::open_cf(&options, db, tables).unwrap());
}

fn key(seq: u64) -> [u8; 8] {
    seq.to_be_bytes()
}

fn row(db: &rocksdb::DB, table: &str, at: u64) -> Vec<u8> {
    let table = db.cf_handle(table).unwrap();
    db.get_cf(table, key(at)).unwrap().unwrap()
}

fn put(db: &rocksdb::DB, table: &str, at: u64, bytes: &[u8]) {
    db.put_cf(db.cf_handle(table).unwrap(), key(at), bytes)
        .unwrap();
}

fn delete(db: &rocksdb::DB, table: &str, at: u64) {
    db.delete_cf(db.cf_handle(table).unwrap(), key(at)).unwrap();
}

/// Two sealed epochs, entries 0 to 5 and 6 to 8, and 9 to 11 unsealed. What
/// `verify` says of it after the edit.
fn after(change: impl FnOnce(&rocksdb::DB)) -> Value {
    let place = Place::with_tail();
    place.run(&["seal"]).ok();
    place.append(9..12);
    report_after(&place, change)
}

/// What `verify` says of `place` after the edit.
fn report_after(place: &Place, change: impl FnOnce(&rocksdb::DB)) -> Value {
    edit(place, change);
    let run = place.run(&["--json", "verify"]);
    run.ends_with(1).document()
}

/// Codes with their indexes, in the order found.
fn found(report: &Value) -> Vec<(&str, Option<u64>)> {
    let faults = report["faults"].as_array().unwrap();
    faults
        .iter()
        .map(|f| (f["code"].as_str().unwrap(), f["index"].as_u64()))
        .collect()
}

#[test]
fn an_edited_payload_breaks_signature_and_tree() {
    let report = after(|db| {
        let mut record = row(db, "entries", 3);
        let at = record.windows(5).position(|part| part == b"\"n\":3");
        record[at.unwrap() + 4] = b'7';
        put(db, "entries", 3, &record);
    });
    assert_eq!(
        found(&report),
        [
            ("signature_invalid", Some(3)),
            ("index_mismatch", Some(0)),
            ("epoch_root_mismatch", Some(0)),
            ("index_mismatch", Some(1))
        ]
    );
}

#[test]
fn an_edited_signature_is_named_at_its_entry() {
    let report = after(|db| {
        let mut record = row(db, "entries", 10);
        *record.last_mut().unwrap() ^= 1;
        put(db, "entries", 10, &record);
    });
    assert_eq!(found(&report), [("signature_invalid", Some(10))]);
}

#[test]
fn two_entries_that_changed_places_break_every_link_between_them() {
    // Entries of one run may be of one time; these two are of two.
    let place = Place::initialised();
    place.append(1..3);
    place.append(3..6);
    place.run(&["seal"]).ok();
    let report = report_after(&place, |db| {
        let (a, b) = (row(db, "entries", 2), row(db, "entries", 3));
        put(db, "entries", 2, &b);
        put(db, "entries", 3, &a);
    });
    let links: Vec<_> = found(&report)
        .into_iter()
        .filter(|(code, _)| *code == "prev_hash_mismatch")
        .collect();
    assert_eq!(links, [2, 3, 4].map(|n| ("prev_hash_mismatch", Some(n))));
    assert!(codes(&report).contains(&"timestamp_regression"));
    assert!(codes(&report).contains(&"epoch_root_mismatch"));
}

#[test]
fn an_entry_that_was_taken_out_leaves_a_gap() {
    let report = after(|db| delete(db, "entries", 4));
    assert_eq!(
        found(&report),
        [
            ("sequence_gap", Some(5)),
            ("prev_hash_mismatch", Some(5)),
            ("index_mismatch", Some(0)),
            ("epoch_root_mismatch", Some(0)),
            ("index_mismatch", Some(1))
        ]
    );
    let gap = &report["faults"][0];
    assert_eq!(
        (&gap["expected"], &gap["actual"]),
        (&"4".into(), &"5".into())
    );
}

#[test]
fn a_tail_that_was_taken_off_is_a_rollback() {
    let report = after(|db| (9..12).for_each(|seq| delete(db, "entries", seq)));
    assert_eq!(found(&report), [("rollback_detected", None)]);
    let report = after(|db| delete(db, "entries", 11));
    assert_eq!(found(&report), [("rollback_detected", None)]);
}

#[test]
fn a_sealed_end_that_was_taken_off_is_corruption() {
    let report = after(|db| (7..12).for_each(|seq| delete(db, "entries", seq)));
    assert_eq!(found(&report), [("store_corrupt", None)]);
    assert_eq!(
        report["faults"][0]["detail"],
        "the store is corrupt: epoch 1 is sealed, but its last entry 8 is missing"
    );
}

#[test]
fn a_first_entry_that_is_gone_opens_no_ledger() {
    let report = after(|db| delete(db, "entries", 0));
    assert_eq!(report["faults"][0]["code"], "store_corrupt");
    assert_eq!(report["faults"][0]["detail"], "entry 0 is missing");
}

#[test]
fn an_entry_that_is_none_is_named_and_reading_goes_on() {
    let report = after(|db| put(db, "entries", 4, b"junk"));
    let named = found(&report);
    assert_eq!(named[0], ("schema_violation", Some(4)));
    assert_eq!(report["entries"], 12);
    assert!(
        named.contains(&("epoch_root_mismatch", Some(0))),
        "{named:?}"
    );
}

#[test]
fn an_entry_that_was_added_at_the_end_is_unsigned() {
    let report = after(|db| {
        let record = row(db, "entries", 11);
        put(db, "entries", 12, &record);
    });
    assert_eq!(found(&report), [("prev_hash_mismatch", Some(12))]);
}

#[test]
fn an_edited_header_breaks_its_signature_and_the_chain_of_headers() {
    let report = after(|db| {
        let header = String::from_utf8(row(db, "epochs", 0)).unwrap();
        let header = header.replace("\"tree_size\":6", "\"tree_size\":5");
        put(db, "epochs", 0, header.as_bytes());
    });
    assert_eq!(
        found(&report),
        [
            ("epoch_signature_invalid", Some(0)),
            ("epoch_invariant", Some(0)),
            ("epoch_root_mismatch", Some(0)),
            ("epoch_chain_broken", Some(1))
        ]
    );
}

#[test]
fn a_header_that_is_gone_leaves_its_place_empty() {
    let report = after(|db| delete(db, "epochs", 0));
    // Epoch 1 stands where epoch 0 must, begins later, and follows a header
    // that is not there.
    assert_eq!(
        found(&report),
        [
            ("epoch_invariant", Some(1)),
            ("epoch_invariant", Some(1)),
            ("epoch_chain_broken", Some(1))
        ]
    );
}

#[test]
fn a_header_that_is_none_is_named() {
    let report = after(|db| put(db, "epochs", 0, b"{}"));
    let first = &report["faults"][0];
    assert_eq!(
        (&first["code"], &first["index"]),
        (&"schema_violation".into(), &0.into())
    );
}

#[test]
fn a_damaged_tree_proves_nothing_and_says_so() {
    let place = Place::sealed();
    edit(&place, |db| {
        let tiles = db.cf_handle("tiles").unwrap();
        let rows: Vec<_> = db
            .iterator_cf(tiles, rocksdb::IteratorMode::Start)
            .map(Result::unwrap)
            .collect();
        for (key, value) in rows {
            let mut value = value.to_vec();
            value[0] ^= 1;
            db.put_cf(tiles, key, value).unwrap();
        }
    });
    let hint = "run `sealbook verify` and restore the ledger from a backup";
    place.run(&["--json", "prove", "3", "-o", "p"]).refused(
        "store_corrupt",
        "the stored tree does not lead from entry 3 to the sealed root: verify the ledger",
        hint,
    );
    assert!(!place.path("p").exists());
    // Tiles are derived: the entries and headers themselves are in order.
    place.run(&["verify"]).ok();
}
