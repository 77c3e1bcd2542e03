//! Policies in a process of their own, and what of it does not hold.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sealbook::ledger::json::Value;
use sealbook::wcp::gate::{FixedGate, GateAnswer, GateContext, GateError, PolicyGate, Rerun};
use sealbook::wcp::rego::fenced::FencedGate;
use sealbook::wcp::rego::{RegoGate, RegoLimits};
use sealbook::wcp::rego_document::to_document;
use sealbook::wcp::{RouteInput, rego::RegoError};

use crate::rego::{POLICY, growing, source};
use crate::scene::{RULES, Scene, hall, input};
use crate::support::request;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealbook");

/// The limits of policies that were recorded before bytes were counted.
const OLD: RegoLimits = RegoLimits {
    instructions: 1_000_000,
    bytes: None,
    time: None,
};

fn fenced(policy: &str) -> FencedGate {
    FencedGate::new(Path::new(PROGRAM), &source(policy), RegoLimits::default()).unwrap()
}

fn old(policy: &str) -> Result<FencedGate, RegoError> {
    FencedGate::new(Path::new(PROGRAM), &source(policy), OLD)
}

#[test]
fn a_policy_answers_behind_the_fence_as_it_does_before_it() {
    let here = RegoGate::new(source(POLICY), RegoLimits::default()).unwrap();
    let there = fenced(POLICY);
    assert_eq!(there.rerun(), here.rerun());
    for env in ["dev", "stage", "prod"] {
        let input = RouteInput::read(&request(&[("env", env.into())]), "").unwrap();
        let context = GateContext::of(&input);
        assert_eq!(there.evaluate(&context), here.evaluate(&context), "{env}");
    }
    let refused = FencedGate::new(
        Path::new(PROGRAM),
        &source("package wcp\ngate := {"),
        RegoLimits::default(),
    );
    let here = RegoGate::new(source("package wcp\ngate := {"), RegoLimits::default());
    assert_eq!(
        refused.unwrap_err().to_string(),
        here.unwrap_err().to_string()
    );
}

#[test]
fn a_limit_is_the_same_denial_behind_the_fence() {
    let input = RouteInput::read(&request(&[]), "").unwrap();
    for (name, policy) in growing() {
        let answer = fenced(&policy).evaluate(&GateContext::of(&input));
        let limit = 64 << 20;
        assert_eq!(answer, Err(GateError::TooManyBytes { limit }), "{name}");
    }
}

/// Nothing is counted, so that the process is what ends.
#[test]
fn a_process_that_takes_all_memory_or_time_ends_alone() {
    let input = RouteInput::read(&request(&[]), "").unwrap();
    let context = GateContext::of(&input);
    for (name, policy) in growing() {
        if !["strings", "squares"].contains(&name) {
            continue;
        }
        let gate = old(&policy).unwrap();
        for _ in 0..2 {
            let answer = gate.evaluate(&context).unwrap_err();
            assert_eq!(answer.code(), "could_not_evaluate", "{name}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_evaluator_has_two_pipes_and_little_memory_and_may_call_for_nothing_else() {
    let gate = fenced(POLICY);
    let text = format!("{gate:?}");
    let (_, processes) = text.split_once("processes: [").unwrap();
    let (process, _) = processes.split_once(']').unwrap();
    let of = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).unwrap();
    let limits = of("limits");
    for (limit, value) in [
        ("Max core file size", "0"),
        ("Max file size", "0"),
        ("Max open files", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        assert!(line[limit.len()..].trim().starts_with(value), "{line}");
    }
    let data = limits
        .lines()
        .find(|line| line.starts_with("Max data size"));
    let data = data.unwrap().split_whitespace().nth(3).unwrap();
    assert!(data.parse::<u64>().unwrap() < 512 << 20, "{data}");
    assert!(of("status").contains("Seccomp:\t2"));
    assert!(of("status").contains("NoNewPrivs:\t1"));
    assert_eq!(of("environ"), "MIMALLOC_ARENA_RESERVE=0\0");
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["0", "1", "2"]);
}

/// Says what a Hall recorded, of a policy that nobody evaluated here.
struct Claimed(FixedGate, Value);

impl PolicyGate for Claimed {
    fn evaluate(&self, context: &GateContext<'_>) -> Result<GateAnswer, GateError> {
        self.0.evaluate(context)
    }

    fn rerun(&self) -> Rerun {
        Rerun::Policy(self.1.clone())
    }
}

#[test]
fn an_auditor_whose_evaluator_ends_finds_no_mismatch_and_says_so() {
    let answer = GateAnswer {
        decision: "ALLOW".to_owned(),
        policy_version: "p".to_owned(),
        reason: "1".to_owned(),
    };
    let (_, strings) = growing().swap_remove(0);
    let scene = Scene::new();
    let document = to_document(&source(&strings), OLD);
    let gate = Claimed(FixedGate(Ok(answer)), document);
    let hall = hall(RULES, "{}", Some(Arc::new(gate)));
    scene.decide(&hall, &input(&[]));
    let (replay, items) = scene.book().replay_by(Some(Path::new(PROGRAM)));
    assert_eq!(replay.report.faults, []);
    let counts = replay.counts;
    assert_eq!((counts.could_not_evaluate, counts.without_budget), (1, 1));
    assert_eq!((counts.recomputed, counts.mismatched), (0, 0));
    let told = items.iter().map(|item| item.to_value());
    let told: Vec<Value> = told
        .filter(|item| item.get("could_not_evaluate").is_some())
        .collect();
    assert_eq!(told.len(), 1);
    // Without an evaluator nothing of it is run, and the Hall's word is taken.
    let (replay, _) = scene.book().replay();
    let counts = replay.counts;
    assert_eq!(replay.report.faults, []);
    assert_eq!((counts.recomputed, counts.on_trust), (1, 1));
}

/// The evaluator gets a twentieth of a core, as on a machine that has much else to do.
#[cfg(target_os = "linux")]
#[test]
fn a_machine_that_has_little_time_decides_as_every_other() {
    let numbers: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    let numbers = numbers.join(",");
    let endless = format!(
        "package wcp\nn := [{numbers}]\ngate := {{\"decision\": \"ALLOW\", \"policy_version\": \"p\", \
         \"reason\": \"r\"}} if {{ some a in n; some b in n; some c in n; some d in n; a + b + c + d < 0 }}"
    );
    let gate = fenced(&endless);
    let input = RouteInput::read(&request(&[]), "").unwrap();
    let context = GateContext::of(&input);
    let limit = GateError::TooManyInstructions { limit: 1_000_000 };
    assert_eq!(gate.evaluate(&context), Err(limit.clone()));
    let text = format!("{gate:?}");
    let (_, processes) = text.split_once("processes: [").unwrap();
    let process = processes.split(']').next().unwrap().parse::<i32>().unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    let ended = std::sync::atomic::AtomicBool::new(false);
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use rustix::process::{Signal, kill_process};
            use std::sync::atomic::Ordering;
            while !ended.load(Ordering::Relaxed) {
                kill_process(process, Signal::STOP).unwrap();
                std::thread::sleep(Duration::from_millis(19));
                kill_process(process, Signal::CONT).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        // As long as it takes for the load to be seen.
        while begun.elapsed() < Duration::from_secs(4) {
            assert_eq!(gate.evaluate(&context), Err(limit.clone()));
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(text == format!("{gate:?}"), "another process answered");
}
