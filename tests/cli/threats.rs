//! The table of the threat model, row by row: what each attacker can do, and what it
//! is found by. A test has the name of its row, and another holds both together.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use sealbook::ledger::json::Object;
use sealbook::logbook::clock::SystemClock;
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::{Logbook, Parts, key_file};
use sealbook::store::RocksStore;
use serde_json::{Value, json};

use crate::place::{Place, Run, codes};
use crate::rows;

/// A log, and what others kept of it: a published header of entries 0 to 5, and
/// of entry 8 a head, a receipt, and a bundle that was given away.
fn kept() -> Place {
    let place = Place::initialised();
    place.append(1..6);
    place.run(&["seal", "--publish", "header"]).ok();
    keep(&place, 6);
    place.write("public.key", place.key());
    place
}

/// Appends three entries, and keeps what is given out of them.
fn keep(place: &Place, from: u64) {
    let receipts = place.append(from..from + 3);
    let lines: String = receipts.iter().map(|r| format!("{r}\n")).collect();
    place.write("receipts", lines);
    for kept in ["head", "bundle"] {
        fs::remove_file(place.path(kept)).unwrap_or_default();
    }
    place.run(&["head", "-o", "head"]).ok();
    place.run(&["export", "-o", "bundle"]).ok();
}

/// What the ledger says of itself, and which of the kept things speak against it.
fn told(place: &Place) -> (Vec<String>, BTreeSet<&'static str>) {
    let verify = |more: &[&str]| {
        let run = place.run(&[&["--json", "verify"], more].concat());
        assert!(run.status < 2, "{run:?}");
        let report = run.document();
        codes(&report)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let alone = verify(&[]);
    let mut told = BTreeSet::new();
    for (what, args) in [
        ("header", ["--contains", "header"]),
        ("head", ["--contains", "head"]),
        ("receipt", ["--receipts", "receipts"]),
    ] {
        if verify(&args).len() > alone.len() {
            told.insert(what);
        }
    }
    let run = place.run(&["--json", "diff", "bundle", "ledger"]);
    let relation = &run.document()["relation"];
    if relation != "same" && relation != "a_is_prefix" {
        told.insert("bundle");
    }
    (alone, told)
}

fn all() -> BTreeSet<&'static str> {
    ["header", "head", "receipt", "bundle"].into()
}

fn assert_writes_refused(place: &Place, code: &str) {
    for args in [
        &["--json", "append", "--kind", "k", "--payload", "{}"][..],
        &["--json", "seal"],
    ] {
        let run: Run = place.run(args).ends_with(2);
        let error = run.documents().pop().unwrap();
        assert_eq!(error["error"]["code"], code, "{error}");
    }
}

#[test]
fn someone_with_a_copy_of_a_bundle_or_proof() {
    let place = kept();
    place.run(&["prove", "3", "-o", "proof"]).ok();
    let key = place.read("public.key");
    let refused = |name: &str, bytes: &[u8]| {
        place.write("changed", bytes);
        let run = place.run(&["--json", "verify", "changed", "--as", name, "--key", &key]);
        assert_ne!(run.status, 0, "{name}: {run:?}");
    };
    for name in ["bundle", "proof"] {
        let whole = fs::read(place.path(name)).unwrap();
        place.run(&["verify", name, "--key", &key]).ok();
        for at in (0..whole.len()).step_by(whole.len() / 25) {
            let mut changed = whole.clone();
            changed[at] ^= 0x01;
            refused(name, &changed);
            refused(name, &whole[..at]);
        }
        let mut longer = whole.clone();
        longer.extend(b"{}\n");
        refused(name, &longer);
    }
    // Entries left out, put in twice, and in another order.
    let bundle = place.read("bundle");
    let lines: Vec<&str> = bundle.split_inclusive('\n').collect();
    for n in 1..lines.len() - 1 {
        refused(
            "bundle",
            [&lines[..n], &lines[n + 1..]].concat().concat().as_bytes(),
        );
        refused(
            "bundle",
            [&lines[..=n], &lines[n..]].concat().concat().as_bytes(),
        );
        let mut turned = lines.clone();
        turned.swap(n, n - 1);
        refused("bundle", turned.concat().as_bytes());
    }
}

/// At scale: `tests/writer/rewriting.rs`.
#[test]
fn someone_with_the_database_without_the_key() {
    let put = |db: &rocksdb::DB, seq: u64, record: &[u8]| {
        let entries = db.cf_handle("entries").unwrap();
        db.put_cf(entries, seq.to_be_bytes(), record).unwrap();
    };
    let get = |db: &rocksdb::DB, seq: u64| {
        let entries = db.cf_handle("entries").unwrap();
        db.get_cf(entries, seq.to_be_bytes()).unwrap().unwrap()
    };
    let edits: [&dyn Fn(&rocksdb::DB); 4] = [
        &|db| {
            let mut record = get(db, 7);
            let at = record.windows(5).position(|part| part == b"\"n\":7");
            record[at.unwrap() + 4] = b'1';
            put(db, 7, &record);
        },
        &|db| {
            let (a, b) = (get(db, 2), get(db, 3));
            put(db, 2, &b);
            put(db, 3, &a);
        },
        &|db| put(db, 9, &get(db, 8)),
        &|db| {
            let entries = db.cf_handle("entries").unwrap();
            db.delete_cf(entries, 8_u64.to_be_bytes()).unwrap();
        },
    ];
    for edit in edits {
        let place = kept();
        rows::edit(&place, edit);
        let (alone, _) = told(&place);
        assert!(!alone.is_empty(), "it is seen by verify alone");
    }
}

#[test]
fn the_same_who_removes_damages_or_replaces_files_of_it() {
    let place = kept();
    let files = [
        place.files(".sst"),
        place.files(".log"),
        place.files("MANIFEST"),
    ];
    for file in files.concat() {
        let whole = fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        if let Some(byte) = flipped.get_mut(whole.len() / 2) {
            *byte ^= 0x10;
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(told(&place).0, ["store_corrupt"], "{}", file.display());
        assert_writes_refused(&place, "store_corrupt");
        fs::write(&file, flipped).unwrap();
        // What is not seen is in nothing that counts: everything is there.
        let (alone, against) = told(&place);
        assert!(
            !alone.is_empty() || against.is_empty(),
            "{}",
            file.display()
        );
        fs::write(&file, whole).unwrap();
    }
    assert_eq!(told(&place), (Vec::new(), BTreeSet::new()));
}

#[test]
fn the_same_who_puts_back_an_older_copy() {
    let place = Place::initialised();
    place.copy("ledger", "older");
    place.append(1..6);
    place.run(&["seal", "--publish", "header"]).ok();
    keep(&place, 6);
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("older", "ledger");
    let (alone, _) = told(&place);
    assert_eq!(alone, ["rollback_detected"]);
    assert_writes_refused(&place, "rollback_detected");
    fs::remove_file(place.path("ledger.mark")).unwrap();
    assert_eq!(told(&place).0, ["mark_missing"]);
    assert_writes_refused(&place, "mark_missing");
}

#[test]
fn the_same_who_puts_back_an_older_copy_and_its_mark() {
    let place = Place::initialised();
    place.copy("ledger", "older");
    let mark = place.read("ledger.mark");
    place.append(1..6);
    place.run(&["seal", "--publish", "header"]).ok();
    keep(&place, 6);
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("older", "ledger");
    place.write("ledger.mark", mark);
    let (alone, against) = told(&place);
    assert_eq!((alone, against), (Vec::new(), all()));
}

#[test]
fn the_same_who_cuts_the_end_off_the_database_s_write_ahead_log() {
    let place = kept();
    let dir = place.path("ledger");
    let logbook = Logbook::open(Parts {
        store: Arc::new(RocksStore::open(&dir).unwrap()),
        signer: Arc::new(key_file::open(&place.path("ledger.key.pem")).unwrap()),
        clock: Arc::new(SystemClock::new()),
        mark: MarkFile::beside(&dir),
    });
    let logbook = logbook.unwrap();
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let log = place.files(".log").into_iter().max_by_key(size).unwrap();
    let before = size(&log);
    let mark = place.read("ledger.mark");
    let mut payload = Object::new();
    payload.insert("n", 9_u64);
    let receipt = logbook.append("note", &payload).unwrap();
    place.copy("ledger", "live");
    let head = logbook.head().unwrap();
    place.write(
        "head",
        head.to_value()
            .canonical(sealbook::ledger::json::Form::Utf8),
    );
    logbook.close().unwrap();
    let moved_up = place.read("ledger.mark");
    fs::remove_dir_all(&dir).unwrap();
    fs::rename(place.path("live"), &dir).unwrap();
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..usize::try_from(before).unwrap()]).unwrap();
    // Within the second before the mark moves up, verify alone does not see it.
    place.write("ledger.mark", mark);
    assert_eq!(receipt.seq.0, 9);
    assert_eq!(told(&place), (Vec::new(), ["head"].into()));
    // Later it does.
    place.write("ledger.mark", moved_up);
    assert_eq!(told(&place).0, ["rollback_detected"]);
}

/// At scale, for every entry: `tests/writer/rewriting.rs`.
#[test]
fn the_operator_who_holds_the_key() {
    // What nobody kept anything of can be written again.
    let place = kept();
    place.copy("ledger", "now");
    fs::copy(place.path("ledger.mark"), place.path("now.mark")).unwrap();
    place.append(9..12);
    fs::remove_dir_all(place.path("ledger")).unwrap();
    fs::rename(place.path("now"), place.path("ledger")).unwrap();
    fs::rename(place.path("now.mark"), place.path("ledger.mark")).unwrap();
    place.append(100..103);
    place.run(&["seal"]).ok();
    assert_eq!(told(&place), (Vec::new(), BTreeSet::new()));

    // Of what is older than anything that was kept, everything tells.
    let place = Place::initialised();
    place.copy("ledger", "empty");
    fs::copy(place.path("ledger.mark"), place.path("empty.mark")).unwrap();
    place.append(1..6);
    place.run(&["seal", "--publish", "header"]).ok();
    keep(&place, 6);
    let key = place.key();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("empty", "ledger");
    fs::copy(place.path("empty.mark"), place.path("ledger.mark")).unwrap();
    place.append(101..106);
    place.run(&["seal"]).ok();
    place.append(106..109);
    assert_eq!(told(&place), (Vec::new(), all()));
    let args = ["--json", "diff", "bundle", "ledger", "-o", "evidence"];
    let found = place.run(&args).ends_with(1).document();
    assert_eq!(found["first_difference"]["seq"], 1);
    let report = place
        .run(&["--json", "verify", "evidence", "--key", &key])
        .ok()
        .document();
    assert_eq!(report["format"], "equivocation");
    // And what was given away stands, whatever the operator does.
    place.run(&["verify", "bundle", "--key", &key]).ok();
}

#[test]
fn someone_who_reads_the_key_file() {
    let place = Place::empty();
    place.run(&["--ledger", "vault", "init"]).ok();
    let recovery = place.run(&["--ledger", "vault", "key"]).ok().stdout;
    let mut init = place.command(&["init", "--encrypt-key", "--recovery-key", recovery.trim()]);
    init.env("SEALBOOK_KEY_PASSPHRASE", "open sesame");
    assert!(init.output().unwrap().status.success());
    // Without the passphrase it signs nothing.
    let run = place.run(&["--json", "append", "--kind", "k", "--payload", "{}"]);
    let error = run.ends_with(2).document();
    assert_eq!(error["error"]["code"], "key_locked");
    // With it, anyone who has it is the operator; until the book is ended.
    let mut append = place.command(&["append", "--kind", "k", "--payload", "{}"]);
    append.env("SEALBOOK_KEY_PASSPHRASE", "open sesame");
    assert!(append.output().unwrap().status.success());
    place.run(&["verify"]).ok();
    let revoke = ["revoke", "0", "--key", "vault.key.pem", "-o", "revoked"];
    place.run(&revoke).ok();
    let key = place.key();
    let args = [
        "--json",
        "verify",
        "ledger",
        "--key",
        &key,
        "--revoked",
        "revoked",
    ];
    let report: Value = place.run(&args).ends_with(1).document();
    assert_eq!(codes(&report), ["untrusted_key"]);
    assert_eq!(report["faults"][0]["index"], json!(1));
}

/// The first column of the table, spelt as a name.
fn name(row: &str) -> String {
    let words = row.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}

#[test]
fn every_row_of_the_table_has_its_test_and_every_test_its_row() {
    let readme = include_str!("../../src/guide/verification.md");
    let (_, section) = readme.split_once("## The threat model\n").unwrap();
    let table = section.trim_start().split("\n\n").next().unwrap();
    let rows: BTreeSet<_> = table
        .lines()
        .skip(2)
        .map(|row| name(row.split('|').nth(1).unwrap()))
        .collect();
    let own = include_str!("threats.rs");
    let tests: BTreeSet<_> = own
        .split("#[test]\nfn ")
        .skip(1)
        .map(|test| test.split('(').next().unwrap().to_owned())
        .filter(|test| !test.starts_with("every_row"))
        .collect();
    assert_eq!(rows, tests);
    assert!(rows.len() >= 8);
}
