//! Measures `make_decision` without recording, on one core, and how long a
//! registry of 50 000 records takes to be read from its folder.
//!
//! `cargo run --release --example bench-route -- fixtures/vectors/routing.jsonl`
#![allow(clippy::print_stdout, reason = "a tool that prints what it measured")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use sealbook::ledger::json::Value;
use sealbook::ledger::parse::parse;
use sealbook::ledger::time::Timestamp;
use sealbook::wcp::Registry;
use sealbook::wcp::bulk::{BulkCase, CaseReader};
use sealbook::wcp::stamp::{DecisionId, DecisionStamp};

/// That of the program, so that it is measured as it is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1);
    let path = path.unwrap_or_else(|| "fixtures/vectors/routing.jsonl".to_owned());
    let text = std::fs::read(path)?;
    let (mut allowed, mut all) = (Vec::new(), Vec::new());
    for line in text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let value = parse(line)?;
        let denied = value.get("expect").and_then(|e| e.get("denied"));
        let denied = denied.and_then(Value::as_bool);
        if let Ok(case) = CaseReader::default().read(&value) {
            all.push(case);
        }
        if denied == Some(false) {
            allowed.push(CaseReader::default().read(&value)?);
        }
    }
    measure("allowed", &allowed);
    measure("all", &all);
    load()
}

/// Records in the folder that is read.
const RECORDS: usize = 50_000;

fn load() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for index in 0..RECORDS {
        let record = format!(
            r#"{{"worker_id": "org.example.worker-{index}", "worker_species_id": "wrk.doc.summarizer",
                "capabilities": ["cap.doc.summarize"], "risk_tier": "low",
                "required_controls": ["ctrl.obs.audit-log-append-only"],
                "currently_implements": ["ctrl.obs.audit-log-append-only"],
                "allowed_environments": ["dev"], "blast_radius": {{"data": 1}},
                "privilege_envelope": {{"network_egress": "none"}}, "owner": "ü"}}"#
        );
        std::fs::write(folder.path().join(format!("{index}.json")), record)?;
    }
    for _ in 0..3 {
        let begin = Instant::now();
        let (registry, invalid) = Registry::from_dir(folder.path())?;
        let (seconds, refused) = (begin.elapsed().as_secs_f64(), invalid.len());
        let enrolled = registry.enrolled_count();
        println!("a registry of {enrolled} records, {refused} refused: loaded in {seconds:.2} s");
    }
    Ok(())
}

/// Rounds of some 20 ms; the best one is what the machine can do when nobody
/// else uses it.
const ROUNDS: usize = 100;

fn measure(name: &str, cases: &[BulkCase]) {
    let stamp = |count: usize| DecisionStamp {
        decision_id: DecisionId::from_random([count as u8; 16]),
        timestamp: Timestamp::MIN.saturating_add_micros(count as i64),
    };
    report(name, cases, |case, count| {
        black_box(case.decide(stamp(count)));
    });
    report(&format!("{name}, input hash alone"), cases, |case, _| {
        black_box(case.input.artifact_hash());
    });
}

fn report(name: &str, cases: &[BulkCase], mut run: impl FnMut(&BulkCase, usize)) {
    let mut rates: Vec<f64> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let (mut count, begin) = (0, Instant::now());
        while begin.elapsed().as_millis() < 20 {
            for case in cases {
                count += 1;
                run(case, count);
            }
        }
        rates.push(count as f64 / begin.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let median = rates.get(ROUNDS / 2).copied().unwrap_or_default();
    let best = rates.last().copied().unwrap_or_default();
    println!(
        "{name}: {median:.0} a second, at best {best:.0} ({} cases)",
        cases.len()
    );
}
