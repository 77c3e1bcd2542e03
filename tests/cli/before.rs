//! `fixtures/ledgers/v0.1.0`: what version 0.1.0 left behind is read, verified
//! and gone on with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sealbook::ledger::hash::Hash;
use sealbook::ledger::position::Seq;
use sealbook::logbook::entry_at;
use sealbook::logbook::remembered::recall;
use sealbook::store::RocksStore;
use serde_json::Value;

use crate::place::Place;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledgers/v0.1.0")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// A copy, with the ledger's key where a new ledger has it.
fn copied() -> Place {
    let place = Place::empty();
    for name in [
        "all.bundle",
        "order-7.bundle",
        "order-7.html",
        "book.jsonl",
        "entry-1.proof",
        "part.jsonl",
        "state.json",
        "head.json",
        "public.jsonl",
        "receipts.jsonl",
        "ledger.mark",
    ] {
        place.write(name, fs::read(folder().join(name)).unwrap());
    }
    place.copy_from(&folder().join("ledger"), "ledger");
    place.write("ledger.key.pem", text("throwaway-key.pem"));
    let only_mine = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.path("ledger.key.pem"), only_mine).unwrap();
    place
}

fn verdict(place: &Place, args: &[&str]) -> Value {
    let key = text("key.txt");
    let args = [&["--json", "verify"], args, &["--key", key.trim()]].concat();
    place.run(&args).ok().document()
}

#[test]
fn every_file_of_the_version_before_verifies() {
    let place = copied();
    for (file, format, entries) in [
        ("all.bundle", "bundle", 16),
        ("order-7.bundle", "bundle", 2),
        ("book.jsonl", "logbook", 16),
        ("entry-1.proof", "proof", 1),
        ("order-7.html", "report", 3),
        ("ledger", "ledger", 16),
    ] {
        let report = verdict(&place, &[file]);
        assert_eq!(report["verdict"], "pass", "{file}");
        assert_eq!(report["format"], format, "{file}");
        assert_eq!(report["entries"], entries, "{file}");
    }
}

#[test]
fn what_it_said_of_a_bundle_is_still_said() {
    let place = copied();
    let mut then: Value = serde_json::from_str(&text("all.verify.json")).unwrap();
    let mut now = verdict(&place, &["all.bundle"]);
    for report in [&mut then, &mut now] {
        report["elapsed_ms"] = Value::Null;
    }
    assert_eq!(now, then);
}

#[test]
fn receipts_heads_and_published_headers_of_the_version_before_are_contained() {
    let place = copied();
    let report = verdict(
        &place,
        &[
            "ledger",
            "--receipts",
            "receipts.jsonl",
            "--contains",
            "head.json",
            "--contains",
            "public.jsonl",
        ],
    );
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["not_checked"], serde_json::json!([]));
}

#[test]
fn a_saved_state_is_gone_on_with() {
    let place = copied();
    place.write("part.jsonl", text("book.jsonl"));
    let report = verdict(&place, &["part.jsonl", "--state", "state.json"]);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["entries"], 16);
    let state: Value = serde_json::from_str(&place.read("state.json")).unwrap();
    assert_eq!(state["state"]["n"], 16);
}

#[test]
fn its_decisions_are_computed_again_as_they_were() {
    let place = copied();
    let then: Value = serde_json::from_str(&text("order-7.replay.json")).unwrap();
    let key = text("key.txt");
    let run = place.run(&["--json", "replay", "order-7.bundle", "--key", key.trim()]);
    let now = run.ok().document();
    let timeline = now["timeline"].as_array().unwrap();
    assert_eq!(timeline.len(), 2);
    for (now, then) in timeline.iter().zip(then["timeline"].as_array().unwrap()) {
        // Members may be added; what was said before is still said.
        for (name, value) in then.as_object().unwrap() {
            assert_eq!(&now[name], value, "{name}");
        }
    }
}

#[test]
fn a_request_that_it_answered_is_remembered() {
    let place = copied();
    let receipt: Value = serde_json::from_str(&text("idempotent.json")).unwrap();
    let seq = receipt["seq"].as_u64().unwrap();
    let store = RocksStore::open_read_only(&place.path("ledger")).unwrap();
    let entry = entry_at(&store, Seq(seq)).unwrap();
    // Of no token, of this path, with this key.
    let scoped = Hash::of(b"\x1f/v1/entries\x1fkept-1");
    let remembered = recall(&store, entry.ts(), scoped.as_bytes())
        .unwrap()
        .unwrap();
    assert_eq!((remembered.first.0, remembered.last.0), (seq, seq));
    assert_eq!(entry.hash().to_string(), receipt["hash"]);
}

#[test]
fn the_ledger_is_gone_on_with() {
    let place = copied();
    let before = place.count();
    place.append(1..4);
    place.run(&["seal"]).ok();
    assert_eq!(verdict(&place, &["ledger"])["verdict"], "pass");
    assert!(place.count() >= before + 3);
}

/// Its leaves come out of the epochs that it sealed: it is published as any other.
#[test]
fn the_ledger_is_published_as_any_other() {
    let place = copied();
    let name = ["--name", "log.example/before"];
    let publish = [&["--json", "publish", "--to", "log"][..], &name].concat();
    let size = place.run(&publish).ok().document()["size"].clone();
    // All that it had, and the entry that binds the name.
    assert_eq!(size.as_u64(), Some(place.count() as u64));
    let log = verdict(&place, &["log"]);
    assert_eq!(log["format"], "tlog_tiles");
    assert_eq!(log["entries"], size);
    place
        .run(&["prove", "1", "--tlog", "log", "-o", "one.tlog-proof"])
        .ok();
    let proof = ["one.tlog-proof", "--entry", "entry-1.proof"];
    assert_eq!(verdict(&place, &proof)["format"], "tlog_proof");
}
