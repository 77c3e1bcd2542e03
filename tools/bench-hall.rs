//! Measures a Hall that records: 1,000 workers enrolled between 100,000
//! decisions, bytes and time a decision, then a replay of all of them. Beside it
//! the same payloads are appended to another ledger without any deciding: the
//! rate that recording cannot exceed.
//!
//! `cargo run --release --example bench-hall -- [decisions] [workers]`
#![allow(clippy::print_stdout, reason = "a tool that prints what it measured")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sealbook::audit::LedgerSource;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::key::SoftwareSigner;
use sealbook::ledger::parse::parse;
use sealbook::ledger::source::ReadError;
use sealbook::ledger::verify::Policy;
use sealbook::logbook::clock::{Clock, SystemClock};
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::request::PreparedEntry;
use sealbook::logbook::{Logbook, Parts};
use sealbook::record::{self, kind};
use sealbook::record::{DecisionRequest, Hall, Recorder};
use sealbook::replay::item::Item;
use sealbook::replay::{ReplayOptions, replay};
use sealbook::store::RocksStore;
use sealbook::wcp::stamp::{DecisionId, DecisionStamp};
use sealbook::wcp::{RouteInput, load_rules_from_dict};
use zeroize::Zeroizing;

/// That of the program, so that it is measured as it is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let clock = Arc::new(SystemClock::new());
    let ledger = dir.path().join("ledger");
    let recorder = Recorder::new(Arc::new(create(&ledger, &clock)?));
    let recorded = record(&recorder, &*clock, decisions, workers)?;
    let logbook = Arc::clone(recorder.logbook().ok_or("no ledger")?);
    drop(recorder);
    let payloads = payloads(&logbook)?;
    Arc::into_inner(logbook).map(Logbook::close).transpose()?;
    let beside = create(&dir.path().join("beside"), &clock)?;
    let appended = append(&beside, &payloads, decisions)?;
    beside.close()?;
    println!(
        "appended as many of the same payloads, {appended:.0} a second: recorded / appended {:.2}",
        recorded / appended
    );
    again(&ledger, &MarkFile::beside(&ledger))
}

fn create(ledger: &Path, clock: &Arc<SystemClock>) -> Result<Logbook, Box<dyn Error>> {
    let mark = MarkFile::beside(ledger);
    let signer = Arc::new(SoftwareSigner::from_seed(&Zeroizing::new([7; 32])));
    let beginning = begin(&*signer, &**clock, &Origin::default())?;
    mark.write(&beginning.mark)?;
    RocksStore::create(ledger, beginning.batch)?.close()?;
    Ok(Logbook::open(Parts {
        store: Arc::new(RocksStore::open(ledger)?),
        signer,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        mark,
    })?)
}

/// Payloads that are appended again; more would only take memory.
const PAYLOADS: usize = 10_000;

/// What some of the decisions were recorded as.
fn payloads(logbook: &Logbook) -> Result<Vec<Object>, Box<dyn Error>> {
    let mut payloads = Vec::new();
    for row in logbook.store().entries(0..u64::MAX) {
        let entry = Entry::from_record(row?.1)?;
        if entry.kind() == kind::DECISION {
            payloads.push(entry.check_payload()?);
        }
        if payloads.len() == PAYLOADS {
            break;
        }
    }
    Ok(payloads)
}

/// Appends so many entries, again and again with these payloads; answers how
/// many a second.
fn append(logbook: &Logbook, payloads: &[Object], count: usize) -> Result<f64, Box<dyn Error>> {
    let (begun, mut waiting) = (Instant::now(), std::collections::VecDeque::new());
    for payload in payloads.iter().cycle().take(count) {
        let entry = PreparedEntry::new(kind::DECISION, payload)?;
        waiting.push_back(logbook.submit(vec![entry])?);
        if waiting.len() == UNDER_WAY
            && let Some(first) = waiting.pop_front()
        {
            first.wait()?;
        }
    }
    for pending in waiting {
        pending.wait()?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Requests one after the other, with workers enrolled between them.
struct Requests {
    hall: Hall,
    input: RouteInput,
    /// Decisions between two enrolments.
    every: usize,
}

impl Requests {
    fn new(decisions: usize, workers: usize) -> Result<Requests, Box<dyn Error>> {
        let mut hall = Hall::new(load_rules_from_dict(&parse(RULES)?)?);
        hall.enroll(&worker("org.acme.summarizer", "wrk.doc.summarizer")?)?;
        let input = parse(
            br#"{"capability_id": "cap.doc.summarize", "env": "dev", "data_label": "INTERNAL",
            "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme-corp",
            "correlation_id": "", "request": {"document": "s3://acme/contract.pdf"}}"#,
        )?;
        Ok(Requests {
            hall,
            input: RouteInput::read(&input, "")?,
            every: (decisions / workers).max(1),
        })
    }

    /// Decides on request `n`, and makes its entry.
    fn prepare(
        &mut self,
        n: usize,
        recorder: &Recorder,
        clock: &dyn Clock,
    ) -> Result<record::recorder::PreparedDecision, Box<dyn Error>> {
        if n.is_multiple_of(self.every) {
            let id = n / self.every;
            let record = worker(&format!("org.acme.w{id}"), &format!("wrk.doc.w{id}"))?;
            self.hall.enroll(&record)?;
        }
        self.input.correlation_id = format!("6f1f2d1e-0c1a-4c1e-9d2b-{n:012}");
        let mut id = [0; 16];
        let places = id.iter_mut().zip(n.to_be_bytes());
        places.for_each(|(to, from)| *to = from);
        let asked = DecisionRequest {
            input: &self.input,
            approval: None,
            task_id: "task_default",
            actor: None,
            stamp: DecisionStamp {
                decision_id: DecisionId::from_random(id),
                timestamp: clock.wall(),
            },
        };
        Ok(recorder.prepare(self.hall.governance(), &self.hall, &asked))
    }
}

fn record(
    recorder: &Recorder,
    clock: &dyn Clock,
    decisions: usize,
    workers: usize,
) -> Result<f64, Box<dyn Error>> {
    let mut requests = Requests::new(decisions, workers)?;
    let begun = Instant::now();
    for n in 0..decisions {
        drop(requests.prepare(n, recorder, clock)?);
    }
    let prepared = decisions as f64 / begun.elapsed().as_secs_f64();
    println!("decided and written out without recording, on one core: {prepared:.0} a second");
    let mut requests = Requests::new(decisions, workers)?;
    let (begun, mut waiting) = (Instant::now(), std::collections::VecDeque::new());
    for n in 0..decisions {
        waiting.push_back(recorder.submit(requests.prepare(n, recorder, clock)?));
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
    let store = recorder.logbook().ok_or("no ledger")?.store();
    let (mut bytes, mut first, mut last) = (0, 0, 0);
    for row in store.entries(0..u64::MAX) {
        let record = row?.1.len();
        first = if first == 0 { record } else { first };
        (bytes, last) = (bytes + record, record);
    }
    let entries = store.count()?;
    println!(
        "{} workers enrolled; {bytes} bytes in {entries} entries, {} a decision; the last has {last}",
        requests.hall.workers().enrolled_count(),
        bytes / decisions,
    );
    Ok(rate)
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

fn again(ledger: &Path, mark: &MarkFile) -> Result<(), Box<dyn Error>> {
    let store = RocksStore::open_read_only(ledger)?;
    let policy = Policy::default();
    let options = ReplayOptions {
        policy: &policy,
        wanted: &|_, _| true,
        others: false,
        evaluator: None,
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
