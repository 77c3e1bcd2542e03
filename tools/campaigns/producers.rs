//! Every write on the path of an outcome fails once: EIO, ENOSPC, and SIGKILL, at the
//! n-th write or sync of each thread. What reached a caller is an entry; where it could
//! not be recorded there is no verdict, and the ledger goes on.

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::place::{Place, copy};
use super::random::Random;
use super::syscalls::{Sample, TEMPLATE, take};
use super::tally::Tally;
use super::traced::{Traced, is_possible, trace};

pub(crate) const FAULTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=SIGKILL"];

/// What writes.
pub(crate) const WRITES: [&str; 6] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "fsync",
    "fdatasync",
];

/// A command that records, the kind of its entries, and how it ends.
struct Producer {
    args: &'static [&'static str],
    kind: &'static str,
    status: i32,
}

const fn producer(args: &'static [&'static str], kind: &'static str, status: i32) -> Producer {
    Producer { args, kind, status }
}

const PRODUCERS: [Producer; 14] = [
    producer(
        &["--json", "append", "--kind", "note", "--payload", "{}"],
        "note",
        0,
    ),
    producer(
        &["--json", "route", "--capability", "cap.a"],
        "wcp.decision",
        0,
    ),
    producer(
        &["--json", "route", "--capability", "cap.none"],
        "wcp.decision",
        1,
    ),
    producer(
        &["--json", "route", "--capability", "cap.a", "--dry-run"],
        "wcp.decision",
        0,
    ),
    producer(&["decide", "--record", "cases"], "wcp.decision", 0),
    producer(
        &["decide", "--record", "--rules", "rules.json", "requests"],
        "wcp.decision",
        0,
    ),
    producer(
        &[
            "--json",
            "package",
            "verify",
            "pkg",
            "--worker-id",
            "org.a.w",
            "--worker-species-id",
            "wrk.a",
        ],
        "wcp.attestation",
        1,
    ),
    producer(
        &["--json", "manifest", "verify", "none"],
        "manifest.verify",
        1,
    ),
    producer(&["--json", "card", "verify", "card.json"], "vacant.card", 1),
    producer(
        &["--json", "enroll", "new.json", "--registry-dir", "enrolled"],
        "hall.enrolment",
        0,
    ),
    producer(
        &[
            "--json",
            "enroll",
            "tampered.json",
            "--registry-dir",
            "enrolled",
        ],
        "hall.enrolment",
        1,
    ),
    producer(
        &[
            "--json",
            "worker",
            "ban",
            "--namespace",
            "org.b",
            "--why",
            "w",
        ],
        "hall.ban",
        0,
    ),
    producer(
        &["--json", "worker", "revoke", "org.a.w", "--why", "w"],
        "hall.revocation",
        0,
    ),
    producer(&["--json", "seal"], "", 0),
];

/// Tries a sample of all that can fail.
pub(crate) fn run(program: &Path, sample: &Sample, loud: bool) -> Result<Tally, String> {
    is_possible()?;
    let before = scene(program);
    let mut tally = Tally::default();
    let mut random = Random::new(sample.seed);
    for producer in &PRODUCERS {
        let name = producer.args.join(" ");
        let whole = Place::new(program);
        take(&before, &whole);
        let traced = trace(&whole, None, producer.args, "");
        assert_eq!(
            traced.ran.status,
            Some(producer.status),
            "{name}: {:?}",
            traced.ran
        );
        assert!(told(&traced) > 0, "{name}: {:?}", traced.ran);
        let faults = drawn(&traced, &whole, sample, &mut random);
        let tallies: Vec<Tally> = faults
            .par_iter()
            .with_max_len(1)
            .map(|fault| case(program, &before, producer, fault))
            .collect();
        tallies.into_iter().for_each(|cases| tally.join(cases));
        if loud {
            eprintln!("producers: {name}: {tally}");
        }
    }
    Ok(tally)
}

/// The faults of a sample: which call, how it fails, and at its n-th time.
fn drawn(traced: &Traced, place: &Place, sample: &Sample, random: &mut Random) -> Vec<String> {
    let mut faults = Vec::new();
    for (call, numbers) in traced.numbers(place) {
        if !WRITES.contains(&call.as_str()) {
            continue;
        }
        for number in numbers {
            for fault in FAULTS {
                if random.below(sample.every) == 0 {
                    faults.push(format!("{call}:{fault}:when={number}"));
                }
            }
        }
    }
    faults
}

/// A ledger with rules, workers, a package, a card and requests beside it.
fn scene(program: &Path) -> Place {
    let place = Place::new(program);
    let write = |name: &str, text: &str| std::fs::write(place.path(name), text).unwrap();
    std::fs::create_dir(place.path("enrolled")).unwrap();
    write("rules.json", &rules().to_string());
    let worker = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.a",
        "capabilities": ["cap.a"], "currently_implements": []});
    write("enrolled/w.json", &worker.to_string());
    write(
        "new.json",
        &worker.to_string().replace("org.a.w", "org.a.new"),
    );
    let mut tampered = worker.clone();
    tampered["worker_id"] = json!("org.a.tampered");
    tampered["artifact_hash"] = json!(format!("sha256:{}", "0".repeat(64)));
    write("tampered.json", &tampered.to_string());
    write("card.json", &card().to_string());
    let request = json!({"id": 1, "input": request("cap.a")});
    write("requests", &format!("{request}\n"));
    let mut case = request;
    case["rules"] = rules();
    write("cases", &format!("{case}\n"));
    place.must(&["init"]);
    place.must(&["package", "scaffold", "pkg"]);
    place.must(&["append", "--kind", "before", "--payload", "{}"]);
    std::fs::rename(place.path("ledger"), place.path(TEMPLATE)).unwrap();
    place
}

pub(crate) fn rules() -> Value {
    json!({"rules": [
        {"rule_id": "r", "match": {"capability_id": "cap.a"},
            "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}},
        {"rule_id": "h", "match": {"capability_id": "cap.human"},
            "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}],
                "escalation": {"policy_gate": true}}}]})
}

pub(crate) fn request(capability: &str) -> Value {
    json!({"capability_id": capability, "env": "dev", "data_label": "PUBLIC",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": "t", "correlation_id": "c"})
}

/// Nobody has signed it.
pub(crate) fn card() -> Value {
    json!({"vacant_id": "11".repeat(32), "capability_text": "t", "halo_version": 1,
        "substrate_spec": {"allowed_substrates": ["s"], "policy": {}}})
}

/// The code of a decision that could not be recorded.
const UNRECORDED: &str = "DENY_INTERNAL_ERROR";

/// How many outcomes left the program: what is not an error, and a worker's rejection. A
/// denial that says that nothing was recorded is none.
fn told(traced: &Traced) -> usize {
    let answers = |document: &&Value| {
        let code = document["error"]["code"].as_str();
        let denied = &document["decision"]["deny_reason_if_denied"]["code"];
        denied != UNRECORDED && code.is_none_or(|code| code.starts_with("DENY_"))
    };
    traced.ran.documents().iter().filter(answers).count()
}

/// One command with one fault.
fn case(program: &Path, before: &Place, producer: &Producer, fault: &str) -> Tally {
    let mut tally = Tally::default();
    let place = Place::new(program);
    copy(before.dir(), place.dir());
    std::fs::rename(place.path(TEMPLATE), place.path("ledger")).unwrap();
    let traced = trace(&place, Some(fault), producer.args, "");
    let name = format!("{}: {fault}", producer.args.join(" "));
    let mut find = |what: String| tally.find(format!("{name}: {what}"));
    let told = told(&traced);
    let (status, signal) = (traced.ran.status, traced.signal);
    let killed = fault.contains("SIGKILL");
    if traced.hung {
        find("it hangs".to_owned());
    }
    let stderr = &traced.ran.stderr;
    if stderr.contains("panicked at") || signal.is_some_and(|signal| signal != 9 || !killed) {
        find(format!("it died: {signal:?} {stderr}"));
    }
    let mute = traced
        .injected()
        .any(|(_, call)| call.text.starts_with("write(2<"));
    // An output that could not be written says nothing of what is recorded.
    let deaf = traced
        .injected()
        .any(|(_, call)| call.text.starts_with("write(1<"));
    match status {
        // In bulk, what is durable is answered before the end is known.
        Some(2) if told > 0 && producer.args[0] != "decide" && !deaf => find(format!(
            "no answer, and one on stdout: {}",
            traced.ran.stdout
        )),
        Some(2) if !mute && !stderr.contains("sealbook: error: ") => {
            find(format!("no clear error: {stderr}"));
        }
        Some(0..=2) | None => {}
        status => find(format!("it ended with {status:?}: {stderr}")),
    }
    // A verdict is a status, too.
    let answered = told > 0 || matches!(status, Some(0 | 1));
    let recorded = match producer.kind {
        "" => entries(&place, &["epochs"]),
        kind => entries(&place, &["log", "--kind", kind]),
    };
    if answered && recorded == 0 {
        find(format!(
            "status {status:?}, {told} answers, and nothing is recorded: {stderr}"
        ));
    }
    let broken = traced
        .injected()
        .find(|(_, call)| WRITES.contains(&call.name.as_str()) && call.text.contains(".log>"));
    if let Some((at, _)) = broken {
        let later = traced.calls.get(at..).unwrap_or_default();
        let printed = |text: &str| {
            let outcome = !text.contains("\\\"error\\\"") && !text.contains(UNRECORDED);
            text.starts_with("write(1<") && outcome
        };
        if later.iter().any(|call| printed(&call.text)) {
            find("something was printed after a write or sync of the log failed".to_owned());
        }
    }
    goes_on(&place, &mut find);
    tally.count("cases");
    tally.count(match (answered, signal) {
        (true, _) => "answered and recorded",
        (false, Some(_)) => "killed before an answer",
        (false, None) => "refused",
    });
    if broken.is_some() {
        tally.count("faults in the write-ahead log");
    }
    tally
}

fn entries(place: &Place, args: &[&str]) -> usize {
    let ran = place.run(&[&["--json"], args].concat());
    match ran.status {
        Some(0) => ran.documents().len(),
        _ => 0,
    }
}

/// It verifies, takes an entry, and verifies again.
fn goes_on(place: &Place, find: &mut impl FnMut(String)) {
    for args in [
        &["verify"][..],
        &["append", "--kind", "next", "--payload", "{}"],
        &["verify"],
        &["replay"],
    ] {
        let ran = place.run(args);
        if ran.status != Some(0) {
            find(format!(
                "afterwards {args:?} ends with {:?}: {} {}",
                ran.status, ran.stdout, ran.stderr
            ));
        }
    }
}
