//! What `--json` prints, pinned: these members and no others, of these types.

use serde_json::Value;

use crate::place::Place;

const REPORT: [&str; 12] = [
    "verdict",
    "format",
    "entries",
    "epochs",
    "head",
    "log",
    "genesis",
    "key_source",
    "faults",
    "not_checked",
    "warnings",
    "elapsed_ms",
];

const FAULT: [&str; 9] = [
    "code", "class", "index", "at", "seq", "line", "expected", "actual", "detail",
];

const RECEIPT: [&str; 8] = [
    "seq",
    "hash",
    "prev_hash",
    "ts",
    "kind",
    "signature",
    "log",
    "genesis",
];

/// Of the second version, which has an index.
const HEADER: [&str; 13] = [
    "epoch",
    "format",
    "index",
    "first_seq",
    "last_seq",
    "tree_size",
    "root",
    "head",
    "prev",
    "hour",
    "sealed_at",
    "log",
    "genesis",
];

/// Exactly these members: what is missing is a fault, and what is unknown too.
fn assert_members(value: &Value, expected: &[&str]) {
    let mut found: Vec<_> = value.as_object().expect("no object").keys().collect();
    let mut expected = expected.to_vec();
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected, "{value:#}");
}

fn assert_hex(value: &Value, digits: usize) {
    let text = value.as_str().unwrap();
    let lower = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    assert!(text.len() == digits && lower, "{text}");
}

/// `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`.
fn assert_time(value: &Value) {
    let text = value.as_str().unwrap();
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let known = [
        "0000-00-00T00:00:00+00:00",
        "0000-00-00T00:00:00.000000+00:00",
    ];
    assert!(known.contains(&shape.as_str()), "{text}");
}

fn assert_signed(value: &Value, what: &str) {
    assert_members(value, &[what, "key", "signature"]);
    assert_hex(&value["key"], 64);
    assert_hex(&value["signature"], 128);
}

fn assert_receipt(value: &Value) {
    assert_members(value, &RECEIPT);
    assert!(value["seq"].is_u64() && value["kind"].is_string());
    for hash in ["hash", "prev_hash", "log", "genesis"] {
        assert_hex(&value[hash], 64);
    }
    assert_hex(&value["signature"], 128);
    assert_time(&value["ts"]);
}

fn assert_header(value: &Value) {
    assert_signed(value, "epoch");
    let header = &value["epoch"];
    assert_members(header, &HEADER);
    for number in ["epoch", "first_seq", "last_seq", "tree_size"] {
        assert!(header[number].is_u64(), "{number}");
    }
    assert_eq!(header["format"], 2);
    for hash in ["root", "index", "head", "prev", "log", "genesis"] {
        assert_hex(&header[hash], 64);
    }
    assert_time(&header["hour"]);
    assert_time(&header["sealed_at"]);
}

fn assert_entry(value: &Value) {
    let members = ["seq", "kind", "ts", "payload", "prev_hash", "signature"];
    assert_members(value, &members);
    assert!(value["payload"].is_object());
    assert_time(&value["ts"]);
}

fn assert_report(value: &Value) {
    assert_members(value, &REPORT);
    for number in ["entries", "epochs", "elapsed_ms"] {
        assert!(value[number].is_u64(), "{number}");
    }
    assert_hex(&value["head"], 64);
    for fault in value["faults"].as_array().unwrap() {
        assert_members(fault, &FAULT);
        let at = fault["at"].as_str().unwrap();
        assert!(["entry", "epoch", "document", "file"].contains(&at), "{at}");
        let numbered = fault["index"].is_u64();
        assert_eq!(numbered, at != "file", "{fault:#}");
        assert!(fault["detail"].is_string());
    }
    for warning in value["warnings"].as_array().unwrap() {
        assert_members(warning, &["code", "detail"]);
    }
    let words = |value: &Value| value.as_array().unwrap().iter().all(Value::is_string);
    assert!(words(&value["not_checked"]));
}

fn document(place: &Place, args: &[&str]) -> Value {
    place.run(&[&["--json"], args].concat()).ok().document()
}

#[test]
fn init() {
    let made = document(&Place::empty(), &["init"]);
    assert_members(
        &made,
        &[
            "ledger",
            "log",
            "genesis",
            "fingerprint",
            "key_file",
            "mark_file",
        ],
    );
    assert_hex(&made["log"], 64);
    assert_hex(&made["genesis"], 64);
    assert!(made["fingerprint"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(
        [&made["ledger"], &made["key_file"], &made["mark_file"]],
        ["./ledger", "./ledger.key.pem", "./ledger.mark"]
    );
}

#[test]
fn receipts_are_json_with_and_without_the_switch() {
    let place = Place::initialised();
    let append = ["append", "--kind", "note", "--payload", "{}"];
    assert_receipt(&place.run(&append).ok().document());
    let receipt = document(&place, &append);
    assert_receipt(&receipt);
    let entry = document(&place, &["show", "2"]);
    assert_entry(&entry);
    for same in ["seq", "kind", "ts", "prev_hash", "signature"] {
        assert_eq!(receipt[same], entry[same], "{same}");
    }
    let made = document(&place, &["key"]);
    assert_eq!(receipt["log"], made["log"]);
    place.append(0..3).iter().for_each(assert_receipt);
}

#[test]
fn headers_heads_and_the_list_of_epochs() {
    let place = Place::initialised();
    let first = document(&place, &["seal"]);
    assert_header(&first);
    place.append(1..4);
    let second = document(&place, &["seal"]);
    assert_header(&second);
    let listed = place.run(&["--json", "epochs"]).ok().documents();
    assert_eq!(listed, [first, second]);
    let head = document(&place, &["head"]);
    assert_signed(&head, "head");
    assert_members(&head["head"], &["log", "genesis", "seq", "hash", "ts"]);
    assert_hex(&head["head"]["hash"], 64);
    assert_time(&head["head"]["ts"]);
}

#[test]
fn entries() {
    let place = Place::with_tail();
    let listed = place.run(&["--json", "log"]).ok().documents();
    listed.iter().for_each(assert_entry);
    assert_eq!(listed.len(), 9);
    assert_eq!(listed[4], document(&place, &["show", "4"]));
}

#[test]
fn reports_of_every_format_good_and_bad() {
    let place = Place::with_tail();
    place.run(&["prove", "2", "-o", "p"]).ok();
    place.run(&["export", "-o", "b"]).ok();
    place
        .run(&["export", "-o", "l", "--format", "logbook"])
        .ok();
    let key = place.key();
    for path in ["ledger", "p", "b", "l"] {
        let report = document(&place, &["verify", path, "--key", &key]);
        assert_report(&report);
        assert_eq!(report["verdict"], "pass");
        assert_eq!(report["key_source"], "given");
        assert_eq!(report["log"], key.as_str());
        let other = "11".repeat(32);
        let run = place.run(&["--json", "verify", path, "--key", &other]);
        let report = run.ends_with(1).document();
        assert_report(&report);
        assert_eq!(report["verdict"], "fail");
    }
    let damaged = place.read("l").replacen("\"n\":3", "\"n\":4", 1);
    place.write("l", damaged);
    let run = place.run(&["--json", "verify", "l", "--key", &key]);
    let report = run.ends_with(1).document();
    assert_report(&report);
    let fault = &report["faults"][0];
    assert_eq!(fault["code"], "signature_invalid");
    assert_eq!((&fault["index"], &fault["line"]), (&3.into(), &4.into()));
    let run = place.run(&["--json", "verify", "l", "--as", "bundle"]);
    assert_report(&run.ends_with(1).document());
}

#[test]
fn key_and_version() {
    let place = Place::initialised();
    let key = document(&place, &["key"]);
    assert_members(&key, &["log", "fingerprint", "pem"]);
    assert_eq!(key["log"], place.key());
    assert_eq!(key["pem"], place.run(&["key", "--pem"]).ok().stdout);
    let version = document(&place, &["version"]);
    assert_members(&version, &["sealbook", "ledger_format", "wcp_spec"]);
    assert_eq!(version["wcp_spec"], "0.1");
    assert_eq!(version["ledger_format"], 1);
}

#[test]
fn accepted_rollbacks() {
    let place = Place::initialised();
    std::fs::remove_file(place.path("ledger.mark")).unwrap();
    let receipt = document(&place, &["accept-rollback", "--reason", "lost"]);
    assert_receipt(&receipt);
    assert_eq!(receipt["kind"], "sealbook:rollback");
}

#[test]
fn errors() {
    let place = Place::empty();
    let run = place.run(&["--json", "log"]).ends_with(2);
    let error = run.document();
    assert_members(&error, &["error"]);
    assert_members(&error["error"], &["code", "detail"]);
    let run = place.run(&["--json", "no-such-command"]).ends_with(2);
    assert_members(&run.document()["error"], &["code", "detail"]);
}
