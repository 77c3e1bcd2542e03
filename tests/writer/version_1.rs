//! `fixtures/ledgers/v1`: one real ledger of version 1, with what was taken out
//! of it. Whatever comes later must open and verify it.
//!
//! `tools/fixtures ledger-v1` makes it again, which is right only until the first
//! release.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealbook::audit::audit;
use sealbook::evidence::prove;
use sealbook::evidence::range::{RangeExport, export_range};
use sealbook::evidence::selection::{SelectionExport, Unsealed, export_selection};
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::document;
use sealbook::ledger::fault::{NotChecked, Report};
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::key::{PublicKey, Signer};
use sealbook::ledger::kind;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::parse;
use sealbook::ledger::position::Seq;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::published::Published;
use sealbook::ledger::receipts::Receipts;
use sealbook::ledger::statement::Statement;
use sealbook::ledger::verify::Policy;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::publish::PublishFile;
use sealbook::logbook::request::PreparedEntry;
use sealbook::logbook::{Logbook, Parts, entry_at, key_file};
use sealbook::store::query::{Filter, select};
use sealbook::store::{RocksStore, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::book::temp_dir;
use crate::clock::ManualClock;
use crate::evidence::judge;

/// How many entries it has.
const ENTRIES: u64 = 12;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledgers/v1")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// A copy to work on: opening for writing changes files.
fn copied() -> TempDir {
    let temp = temp_dir();
    copy(&folder(), temp.path());
    temp
}

fn key() -> PublicKey {
    PublicKey::from_hex(fs::read_to_string(folder().join("key.txt")).unwrap().trim()).unwrap()
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn audited(dir: &Path, policy: &Policy) -> Report {
    let store = RocksStore::open_read_only(&dir.join("ledger")).unwrap();
    let mark = MarkFile::at(dir.join("ledger.mark"));
    audit(&store, &mark, policy, &mut |_| ()).unwrap().report
}

#[test]
fn the_ledger_of_version_1_opens_and_verifies() {
    let temp = copied();
    let receipts = Receipts::read(&mut &read("receipts.jsonl")[..]).unwrap();
    let public = read("public.jsonl");
    let lines = public
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty());
    let policy = Policy {
        keys: vec![key()],
        contains: lines
            .map(|line| Published::from_line(line).unwrap().to_anchor())
            .collect(),
        receipts: Some(receipts),
        ..Policy::default()
    };
    assert!(policy.contains.len() >= 3);
    let report = audited(temp.path(), &policy);
    assert_eq!(report.faults, []);
    assert_eq!((report.entries, report.epochs), (ENTRIES, 3));
    assert_eq!(report.not_checked, []);
}

#[test]
fn what_was_taken_out_of_version_1_verifies() {
    for (bundle, entries) in [("all.bundle", ENTRIES), ("acme.bundle", 3)] {
        let bytes = read(bundle);
        let report = judge(&mut BundleFile::open(&bytes[..]).unwrap(), key());
        assert_eq!(
            (report.faults, report.entries),
            (vec![], entries),
            "{bundle}"
        );
    }
    let packed = read("acme.bundle.zst");
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), read("acme.bundle"));
    let proof = judge(&mut ProofFile::new(&read("entry-4.proof")), key());
    assert_eq!(proof.faults, []);
    let book = read("book.jsonl");
    let book = judge(&mut LogbookFile::new(&book[..]), key());
    assert_eq!((book.faults, book.entries), (vec![], ENTRIES));
    assert_eq!(book.not_checked, [NotChecked::Truncation]);
}

#[test]
fn version_1_gives_the_same_evidence_today() {
    let temp = copied();
    let store = RocksStore::open_read_only(&temp.path().join("ledger")).unwrap();
    let signer = key_file::open(&private_key(temp.path())).unwrap();
    let head = parse::parse(read("head.json").trim_ascii_end()).unwrap();
    let head = Statement::from_value(&head).unwrap();
    let export = RangeExport {
        version: sealbook::ledger::version::Version::One,
        openings: Default::default(),
        first: Seq::FIRST,
        last: Seq(ENTRIES),
        head: Some(&head),
        signer: Some(&signer),
        progress: &mut |_| (),
    };
    let (all, _) = export_range(&store, Vec::new(), export).unwrap();
    assert!(all == read("all.bundle"));
    assert!(acme(&store, &signer) == read("acme.bundle"));
    let mut proof = prove(&store, Seq(4)).unwrap();
    proof.opening = None;
    assert!(proof.to_bytes() == read("entry-4.proof"));
}

#[test]
fn version_1_is_written_on_and_found_by_its_index() {
    let temp = copied();
    let logbook = open(
        temp.path(),
        &Arc::new(ManualClock::at("2026-03-01T14:00:00Z")),
    );
    let found = |filter: &Filter| select(&**logbook.store(), filter).unwrap().count();
    assert_eq!(found(&of_acme()), 4);
    logbook
        .append("note", &object(r#"{"later":true}"#))
        .unwrap();
    logbook.seal().unwrap().unwrap();
    logbook.close().unwrap();
    let policy = Policy {
        keys: vec![key()],
        ..Policy::default()
    };
    let report = audited(temp.path(), &policy);
    assert_eq!(report.faults, []);
    // The hour that was open has been sealed too.
    assert_eq!((report.entries, report.epochs), (ENTRIES + 1, 5));
}

/// The bundle of everything that names one tenant.
fn acme(store: &dyn Store, signer: &dyn Signer) -> Vec<u8> {
    let export = SelectionExport {
        version: sealbook::ledger::version::Version::One,
        openings: Default::default(),
        filter: &of_acme(),
        unsealed: Unsealed::LeftOut,
        signer: Some(signer),
        progress: &mut |_| (),
    };
    export_selection(store, Vec::new(), export).unwrap().0
}

fn of_acme() -> Filter {
    Filter {
        tenant: Some("acme".to_owned()),
        ..Filter::default()
    }
}

fn object(text: &str) -> Object {
    match parse::parse(text.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

/// Kept readable in the repository, and so of a name that says what it is; only
/// its owner may read the copy, or it would be refused.
fn private_key(dir: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("throwaway-key.pem");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn open(dir: &Path, clock: &Arc<ManualClock>) -> Logbook {
    let parts = Parts {
        store: Arc::new(RocksStore::open(&dir.join("ledger")).unwrap()),
        signer: Arc::new(key_file::open(&private_key(dir)).unwrap()),
        clock: Arc::clone(clock) as _,
        mark: MarkFile::at(dir.join("ledger.mark")),
    };
    Logbook::open(parts).unwrap()
}

/// Makes the fixture, if that is asked for by `tools/fixtures ledger-v1`.
#[test]
fn the_fixture_is_made_only_when_asked() {
    if std::env::var_os("SEALBOOK_WRITE_FIXTURES").is_none_or(|what| what != "ledger-v1") {
        return;
    }
    let temp = temp_dir();
    make(temp.path());
    // What the engine says for itself is not a part of the ledger.
    for name in ["LOG", "LOCK"] {
        let _absent = fs::remove_file(temp.path().join("ledger/db").join(name));
    }
    for name in [
        "ledger",
        "ledger.mark",
        "throwaway-key.pem",
        "key.txt",
        "all.bundle",
        "acme.bundle",
        "acme.bundle.zst",
        "entry-4.proof",
        "book.jsonl",
        "head.json",
        "public.jsonl",
        "receipts.jsonl",
    ] {
        let (from, to) = (temp.path().join(name), folder().join(name));
        if from.is_dir() {
            let _absent = fs::remove_dir_all(&to);
            copy(&from, &to);
        } else {
            fs::create_dir_all(folder()).unwrap();
            fs::copy(&from, &to).unwrap();
        }
    }
}

fn make(dir: &Path) {
    let clock = Arc::new(ManualClock::at("2026-03-01T10:00:00Z"));
    let signer = key_file::create(&dir.join("throwaway-key.pem")).unwrap();
    let origin = Origin {
        name: "sealbook version 1".to_owned(),
        ..Origin::default()
    };
    let beginning = begin(&signer, &*clock, &origin).unwrap();
    let mark = MarkFile::at(dir.join("ledger.mark"));
    mark.write(&beginning.mark).unwrap();
    let store = RocksStore::create(&dir.join("ledger"), beginning.batch).unwrap();
    store.close().unwrap();
    let logbook = open(dir, &clock);
    let mut receipts = vec![beginning.receipt];
    let mut record = |kind: &str, payload: &Object| {
        let prepared = PreparedEntry::new(kind, payload).unwrap();
        let pending = logbook.submit(vec![prepared]).unwrap();
        receipts.extend(pending.wait().unwrap());
        clock.pass(std::time::Duration::from_micros(1_500_001));
    };
    let rules = object(r#"{"rules":[{"decision":{},"match":{"env":"prod"},"rule_id":"r1"}]}"#);
    let rules = document::payload("application/json", Value::Object(rules));
    let digest = rules.get("digest").unwrap().canonical(Form::Utf8);
    record(kind::DOCUMENT, &rules);
    for (n, tenant) in ["acme", "zeta", "acme", "zeta", "acme"]
        .into_iter()
        .enumerate()
    {
        let decision = format!(
            r#"{{"context":{{"rules":{digest}}},"decision":{{"denied":{},"tenant_id":"{tenant}"}},"input":{{"tenant_id":"{tenant}"}}}}"#,
            n % 2 == 1
        );
        record("wcp.decision", &object(&decision));
        if n % 2 == 1 {
            clock.pass_secs(3_600);
        }
    }
    logbook.seal().unwrap();
    for text in [
        r#"{"float":1.5e300,"integer":123456789012345678901234567890,"text":"café 🔑 \u2028"}"#,
        r#"{"nested":[[],{},[null,true,-0.0]],"tenant_id":"acme"}"#,
        r#"{}"#,
        r#"{"unsealed":1}"#,
        r#"{"unsealed":2}"#,
    ] {
        record("note", &object(text));
    }
    let head = logbook.head().unwrap();
    let identity = logbook.identity();
    let store = Arc::clone(logbook.store());
    let mut public = PublishFile::open(&dir.join("public.jsonl"), &*store, identity).unwrap();
    public.publish(&*store, Some(&head)).unwrap();
    logbook.close().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    write("key.txt", format!("{}\n", identity.log).as_bytes());
    let head_line = Published::Head(head.clone()).to_line();
    write("head.json", &head_line);
    let export = RangeExport {
        version: sealbook::ledger::version::Version::One,
        openings: Default::default(),
        first: Seq::FIRST,
        last: Seq(ENTRIES),
        head: Some(&head),
        signer: Some(&signer),
        progress: &mut |_| (),
    };
    write(
        "all.bundle",
        &export_range(&*store, Vec::new(), export).unwrap().0,
    );
    let acme = acme(&*store, &signer);
    write("acme.bundle", &acme);
    write("acme.bundle.zst", &zstd::encode_all(&acme[..], 3).unwrap());
    write("entry-4.proof", &prove(&*store, Seq(4)).unwrap().to_bytes());
    let mut book = Vec::new();
    for seq in 0..store.count().unwrap() {
        entry_at(&*store, Seq(seq))
            .unwrap()
            .write_json(None, &mut book);
        book.push(b'\n');
    }
    write("book.jsonl", &book);
    let lines = receipts.iter().map(|receipt| {
        let line = json!({
            "seq": receipt.seq.0, "hash": receipt.hash, "prev_hash": receipt.prev_hash,
            "ts": receipt.ts.to_string(), "kind": receipt.kind,
            "signature": receipt.signature.to_string(),
            "log": identity.log, "genesis": identity.genesis,
        });
        format!("{line}\n")
    });
    write("receipts.jsonl", lines.collect::<String>().as_bytes());
}
