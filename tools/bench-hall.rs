//! Measures a Hall that records: 1,000 workers enrolled between 100,000
//! decisions, bytes and time a decision, then a replay of all of them.
//!
//! `cargo run --release --example bench-hall -- [decisions] [workers]`
#![allow(clippy::print_stdout, reason = "a tool that prints what it measured")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use sealbook::audit::LedgerSource;
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::key::SoftwareSigner;
use sealbook::ledger::parse::parse;
use sealbook::ledger::source::ReadError;
use sealbook::ledger::verify::Policy;
use sealbook::logbook::clock::{Clock, SystemClock};
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::{Logbook, Parts};
use sealbook::record::{Asked, Premises, Recorder, Sources};
use sealbook::replay::item::Item;
use sealbook::replay::{Options, replay};
use sealbook::store::{RocksStore, Store};
use sealbook::wcp::stamp::{DecisionId, Stamp};
use sealbook::wcp::{HallConfig, Registry, RouteInput, load_rules_from_dict};
use zeroize::Zeroizing;

const RULES: &[u8] = br#"{"rules": [{"rule_id": "rr_summarize",
    "match": {"capability_id": "cap.doc.summarize", "env": {"in": ["dev", "stage"]}},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.doc.summarizer"},
        {"worker_species_id": "wrk.doc.w1"}],
    "required_controls_suggested": ["ctrl.obs.audit-log-append-only"]}}]}"#;

/// Decisions under way at once.
const UNDER_WAY: usize = 1_024;

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |n: usize, usual: usize| {
        let given = std::env::args().nth(n);
        given.map_or(Ok(usual), |text| text.parse())
    };
    let (decisions, workers) = (argument(1, 100_000)?, argument(2, 1_000)?);
    let dir = tempfile::tempdir()?;
    let ledger = dir.path().join("ledger");
    let mark = MarkFile::beside(&ledger);
    let signer = Arc::new(SoftwareSigner::from_seed(&Zeroizing::new([7; 32])));
    let clock = Arc::new(SystemClock::new());
    let beginning = begin(&*signer, &*clock, &Origin::default())?;
    mark.write(&beginning.mark)?;
    RocksStore::create(&ledger, beginning.batch)?.close()?;
    let store = Arc::new(RocksStore::open(&ledger)?);
    let parts = Parts {
        store,
        signer,
        clock: clock.clone(),
        mark: mark.clone(),
    };
    let recorder = Recorder::new(Arc::new(Logbook::open(parts)?));
    record(&recorder, &*clock, decisions, workers)?;
    let logbook = Arc::clone(recorder.logbook());
    drop(recorder);
    Arc::into_inner(logbook).map(Logbook::close).transpose()?;
    again(&ledger, &mark)
}

fn record(
    recorder: &Recorder,
    clock: &dyn Clock,
    decisions: usize,
    workers: usize,
) -> Result<(), Box<dyn Error>> {
    let rules = Arc::new(load_rules_from_dict(&parse(RULES)?)?);
    let premises = Premises::new(rules, HallConfig::default(), None, None);
    let mut registry = Registry::new();
    registry.enroll(&worker("org.acme.summarizer", "wrk.doc.summarizer")?)?;
    let mut input = RouteInput::read(
        &parse(
            br#"{"capability_id": "cap.doc.summarize", "env": "dev", "data_label": "INTERNAL",
            "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme-corp",
            "correlation_id": "", "request": {"document": "s3://acme/contract.pdf"}}"#,
        )?,
        "",
    )?;
    let (begun, mut waiting) = (Instant::now(), std::collections::VecDeque::new());
    for n in 0..decisions {
        if n % (decisions / workers).max(1) == 0 {
            let id = n / (decisions / workers).max(1);
            let record = worker(&format!("org.acme.w{id}"), &format!("wrk.doc.w{id}"))?;
            registry.enroll(&record)?;
        }
        input.correlation_id = format!("6f1f2d1e-0c1a-4c1e-9d2b-{n:012}");
        let mut id = [0; 16];
        id.iter_mut()
            .zip(n.to_be_bytes())
            .for_each(|(to, from)| *to = from);
        let asked = Asked {
            input: &input,
            sources: Sources::of_registry(&registry),
            task_id: "task_default",
            actor: None,
            stamp: Stamp {
                decision_id: DecisionId::from_random(id),
                timestamp: clock.wall(),
            },
        };
        waiting.push_back(recorder.begin(&premises, &asked));
        if waiting.len() == UNDER_WAY
            && let Some(first) = waiting.pop_front()
        {
            first.wait().receipt?;
        }
    }
    for underway in waiting {
        underway.wait().receipt?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = decisions as f64 / seconds;
    println!("recorded {decisions} decisions in {seconds:.2} s, {rate:.0} a second");
    let store = recorder.logbook().store();
    let (mut bytes, mut first, mut last) = (0, 0, 0);
    for row in store.entries(0..u64::MAX) {
        let record = row?.1.len();
        first = if first == 0 { record } else { first };
        (bytes, last) = (bytes + record, record);
    }
    let entries = store.count()?;
    println!(
        "{} workers enrolled; {bytes} bytes in {entries} entries, {} a decision; the last has {last}",
        registry.enrolled_count(),
        bytes / decisions,
    );
    Ok(())
}

fn worker(id: &str, species: &str) -> Result<Value, Box<dyn Error>> {
    let members: Object = [("worker_id", id), ("worker_species_id", species)]
        .into_iter()
        .collect();
    let mut record = members;
    record.insert("capabilities", vec![Value::from("cap.doc.summarize")]);
    let controls = vec![Value::from("ctrl.obs.audit-log-append-only")];
    record.insert("currently_implements", controls);
    Ok(Value::Object(record))
}

fn again(ledger: &std::path::Path, mark: &MarkFile) -> Result<(), Box<dyn Error>> {
    let store = RocksStore::open_read_only(ledger)?;
    let policy = Policy::default();
    let options = Options {
        policy: &policy,
        wanted: &|_, _| true,
        others: false,
        alternative: None,
        today: None,
    };
    let begun = Instant::now();
    let mut source = LedgerSource::new(&store, mark)?;
    let nothing = &mut |_: &[Item], _| Ok::<(), ReadError>(());
    let result = replay(&mut source, &options, nothing)?;
    let seconds = begun.elapsed().as_secs_f64();
    let counts = result.counts;
    println!(
        "replayed in {seconds:.2} s: {} computed again, {} come out otherwise, {} faults",
        counts.recomputed,
        counts.mismatched,
        result.report.faults.len()
    );
    Ok(())
}
