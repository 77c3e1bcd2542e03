//! The router of the crate's first page, and what else is done to a ledger on
//! disk.

use std::fs;
use std::path::{Path, PathBuf};

use sealbook::api::{Export, ExportFormat, Unsealed};
use sealbook::ledger::json::Object;
use sealbook::ledger::parse::parse;
use sealbook::ledger::position::Seq;
use sealbook::ledger::version::Version;
use sealbook::store::query::Filter;
use sealbook::wcp::RouteInput;
use sealbook::{Error, Hall, Ledger, Options, Policy, Verdict};
use tempfile::TempDir;

const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;

const WORKER: &str = r#"{"worker_id": "org.a", "worker_species_id": "wrk.a",
    "capabilities": ["cap.a"], "currently_implements": []}"#;

const REQUEST: &str = r#"{"capability_id": "cap.a", "env": "dev", "data_label": "INTERNAL",
    "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme", "correlation_id": "c-1"}"#;

struct Scene {
    dir: TempDir,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("rules.json"), RULES).unwrap();
        fs::create_dir(dir.path().join("enrolled")).unwrap();
        fs::write(dir.path().join("enrolled/a.json"), WORKER).unwrap();
        Scene { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn ledger(&self) -> Ledger {
        Ledger::create(self.path("ledger"), Options::new("router")).unwrap()
    }
}

fn input() -> RouteInput {
    RouteInput::read(&parse(REQUEST.as_bytes()).unwrap(), "").unwrap()
}

fn payload(n: u64) -> Object {
    let mut payload = Object::new();
    payload.insert("n", n);
    payload
}

#[test]
fn a_router_records_proves_and_is_believed() -> Result<(), Error> {
    let scene = Scene::new();
    let input = input();
    let ledger = Ledger::create(scene.path("ledger"), Options::new("router"))?;
    let hall = Hall::load(scene.path("rules.json"))?.registry(scene.path("enrolled"))?;
    let done = ledger.decide(&hall, &input)?;
    ledger.seal()?;
    let proof = ledger.prove(done.receipt.seq)?;
    let report = sealbook::verify(&proof.to_bytes()[..], &Policy::key(ledger.key()))?;
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(
        done.decision.selected_worker_species_id.as_deref(),
        Some("wrk.a")
    );
    assert_eq!(ledger.entry(done.receipt.seq)?.kind(), "wcp.decision");
    assert_eq!(ledger.verify(&Policy::default())?.verdict, Verdict::Pass);
    ledger.close()
}

/// What is recorded is there for anyone who opens the ledger next.
#[test]
fn a_ledger_that_was_closed_is_opened_again() {
    let scene = Scene::new();
    let ledger = scene.ledger();
    let first = ledger.append("demo.event", &payload(1)).unwrap();
    let key = ledger.key();
    ledger.close().unwrap();
    let ledger = Ledger::open(scene.path("ledger"), Options::default()).unwrap();
    assert_eq!(ledger.key(), key);
    let second = ledger.append("demo.event", &payload(2)).unwrap();
    assert_eq!(second.prev_hash, first.hash);
    ledger.close().unwrap();
}

/// The mark is there before the store is: a crash between the two leaves no
/// ledger without its mark.
#[test]
fn what_must_not_be_there_is_looked_for_before_anything_is_made() {
    for name in ["ledger", "ledger.mark", "ledger.key.pem"] {
        let scene = Scene::new();
        fs::write(scene.path(name), "").unwrap();
        let error = Ledger::init(scene.path("ledger"), &Options::default()).unwrap_err();
        assert_eq!(error.code(), "exists", "{name}");
        let there = ["ledger", "ledger.mark", "ledger.key.pem"].into_iter();
        let made: Vec<_> = there.filter(|file| scene.path(file).exists()).collect();
        assert_eq!(made, [name]);
    }
}

#[test]
fn a_reader_stands_beside_the_writer_and_writes_nothing() {
    let scene = Scene::new();
    let ledger = scene.ledger();
    ledger.append("demo.event", &payload(1)).unwrap();
    let reader = Ledger::open_read(scene.path("ledger"), Options::default()).unwrap();
    assert_eq!(reader.as_of().unwrap(), Some(Seq(1)));
    let error = reader.append("demo.event", &payload(2)).unwrap_err();
    assert!(matches!(error, Error::ReadOnly), "{error}");
    assert!(matches!(reader.seal(), Err(Error::ReadOnly)));
    let found: Vec<_> = reader.query(&Filter::default()).unwrap().collect();
    assert_eq!(found.len(), 2);
}

#[test]
fn a_book_is_continued_and_both_are_one_custody() {
    let scene = Scene::new();
    let ledger = scene.ledger();
    let key = ledger.key();
    ledger.append("demo.event", &payload(1)).unwrap();
    ledger.close().unwrap();
    let old = scene.path("ledger");
    let rotated = Ledger::rotate(&old, &Options::default(), None, &Options::default()).unwrap();
    assert_eq!(rotated.made.ledger, scene.path("ledger.2"));
    assert_eq!(rotated.end.log, key);
    // Asked again, it says the same.
    let again = Ledger::rotate(&old, &Options::default(), None, &Options::default()).unwrap();
    assert_eq!(again.made.identity, rotated.made.identity);
    let next = Ledger::open(&rotated.made.ledger, Options::default()).unwrap();
    assert_eq!(next.key(), rotated.end.successor);
    let closed = Ledger::open(&old, Options::default()).unwrap();
    let error = closed.append("demo.event", &payload(2)).unwrap_err();
    assert_eq!(error.code(), "closed");
}

fn export(ledger: &Ledger, format: ExportFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let what = Export {
        filter: &Filter::default(),
        format,
        version: Version::default(),
        openings: Default::default(),
        unsealed: Unsealed::Refused,
        no_sign: false,
        progress: &mut |_| (),
    };
    ledger.export(what, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_exported_is_recognised_by_its_content_and_passes() {
    let scene = Scene::new();
    let ledger = scene.ledger();
    ledger.append("demo.event", &payload(1)).unwrap();
    let policy = Policy::key(ledger.key());
    for format in [ExportFormat::Bundle, ExportFormat::Logbook] {
        let mut bytes = export(&ledger, format);
        let report = sealbook::verify(&bytes[..], &policy).unwrap();
        assert_eq!(report.verdict, Verdict::Pass, "{:?}", report.faults);
        assert_eq!(report.entries, 2);
        let packed = zstd::encode_all(&bytes[..], 0).unwrap();
        let report = sealbook::verify(&packed[..], &policy).unwrap();
        assert_eq!(report.verdict, Verdict::Pass);
        let at = bytes.iter().position(|byte| *byte == b'1').unwrap();
        bytes[at] = b'2';
        let report = sealbook::verify(&bytes[..], &policy).unwrap();
        assert_eq!(report.verdict, Verdict::Fail);
    }
}

#[test]
fn a_backup_is_verified_and_opens() {
    let scene = Scene::new();
    let ledger = scene.ledger();
    ledger.append("demo.event", &payload(1)).unwrap();
    let (from, to) = (scene.path("ledger"), scene.path("copy"));
    let made = Ledger::backup(&from, &Options::default(), &to, false, &mut |_| ()).unwrap();
    assert_eq!(made.report.entries, 2);
    let copy = Ledger::open_read(to.join("ledger"), Options::default()).unwrap();
    assert_eq!(copy.key(), ledger.key());
}

#[test]
fn a_missing_ledger_is_named() {
    let error = Ledger::open(Path::new("/nonexistent/ledger"), Options::default());
    let error = error.err().unwrap();
    assert_eq!(error.code(), "ledger_missing");
    assert_eq!(error.place().unwrap().to_string(), "/nonexistent/ledger");
}

/// The README and the crate's first page show the same program, which is run
/// there.
#[test]
fn the_program_of_the_readme_is_that_of_the_first_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, program) = readme.split_once("```rust\n").unwrap();
    let (program, _) = program.split_once("```\n").unwrap();
    let page = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let shown = page.lines().filter_map(|line| line.strip_prefix("//!"));
    let shown: Vec<_> = shown
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let shown = shown.into_iter().filter(|line| !line.starts_with("# "));
    let shown = shown.collect::<Vec<_>>().join("\n");
    assert!(shown.contains(program), "{program}");
    assert!(program.lines().filter(|line| !line.is_empty()).count() <= 20);
}
