//! Both versions of a decision's entry: the first is replayed for ever, the second is
//! made again byte for byte.
//!
//! `tools/fixtures decisions` writes `fixtures/format/decisions.v2.jsonl`; what then
//! differs is another format. `decisions.v1.jsonl` holds what version 0.1.0 recorded of
//! the same requests, documents included.

use std::fs;

use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::parse::parse;
use sealbook::record::bulk::CaseGovernance;
use sealbook::record::decision::{Style, compose};
use sealbook::record::slice::Slices;
use sealbook::record::{RequestContent, kind};
use sealbook::wcp::bulk::CaseReader;
use sealbook::wcp::gate::DEFAULT_POLICY_VERSION;

use crate::replay::at;
use crate::scene::Scene;
use crate::support::{fixture, stamp};

fn lines(name: &str) -> Vec<Object> {
    let text = fs::read_to_string(fixture("format").join(name)).unwrap();
    let object = |line: &str| parse(line.as_bytes()).unwrap().as_object().unwrap().clone();
    text.lines().map(object).collect()
}

fn text(value: &Value) -> String {
    value.canonical(Form::Utf8)
}

/// A ledger in memory with the entries that version 0.1.0 recorded.
fn first() -> Scene {
    let scene = Scene::new();
    for line in lines("decisions.v1.jsonl") {
        let kind = line.get("kind").unwrap().as_str().unwrap();
        let payload = line.get("payload").unwrap().as_object().unwrap();
        scene.append(kind, payload);
    }
    scene
}

#[test]
fn what_version_1_recorded_is_computed_again_and_comes_out_the_same() {
    let scene = first();
    let decisions = scene.payloads(kind::DECISION);
    assert!(decisions.len() > 30);
    let (replay, items) = scene.book().replay();
    assert_eq!(replay.report.faults, []);
    let counts = &replay.counts;
    assert_eq!(counts.recomputed, decisions.len() as u64);
    assert_eq!(counts.mismatched, 0);
    assert!(counts.denied > 20 && counts.denied < counts.decisions);
    // Every deny code once, and what is shown of each is what it was.
    let mut codes = Vec::new();
    for (item, payload) in items.iter().zip(&decisions) {
        let shown = item.to_value();
        let of = |name| payload.get("decision").unwrap().get(name);
        for name in ["decision_id", "tenant_id", "env", "denied", "dry_run"] {
            assert_eq!(shown.get(name), of(name), "{name}");
        }
        codes.extend(
            shown
                .get("deny_code")
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
    }
    codes.sort();
    codes.dedup();
    assert!(codes.len() > 18, "{codes:?}");
}

#[test]
fn every_lie_in_an_entry_of_version_1_is_named_with_its_entry() {
    let scene = first();
    let allowed = |entry: &sealbook::ledger::entry::Entry| {
        let payload = entry.check_payload().unwrap();
        let of = |part: &str, name: &str| payload.get(part).and_then(|it| it.get(name)).cloned();
        of("decision", "denied") == Some(Value::from(false))
            && of("answers", "gate").is_some()
            && of("input", "env") == Some(Value::from("prod"))
    };
    let entry = scene.entries().iter().position(allowed).unwrap();
    let lies: [(&[&str], Value, &str); 8] = [
        (
            &["answers", "gate", "decision"],
            "DENY".into(),
            "decision.candidate_workers_ranked",
        ),
        (
            &["answers", "gate", "policy_version"],
            "p2".into(),
            "decision.telemetry_envelopes",
        ),
        (
            &["context", "registry", "candidates", "1", "available"],
            false.into(),
            "decision.candidate_workers_ranked[1].skip_reason",
        ),
        (
            &["decision", "selected_worker_species_id"],
            "wrk.b".into(),
            "decision.selected_worker",
        ),
        (
            &["decision", "telemetry_envelopes", "0", "tenant_id"],
            "rival".into(),
            "decision.telemetry_envelopes[0].tenant_id",
        ),
        (&["input", "tenant_id"], "rival".into(), "input_hash"),
        (&["input_hash"], "00".into(), "input_hash"),
        (
            &["receipt", "worker_id"],
            "wrk.b".into(),
            "receipt.worker_id",
        ),
    ];
    for (path, lie, field) in lies {
        let faults = scene
            .forged(entry, |payload| *at(payload, path) = lie)
            .faults();
        let named = |(_, _, detail): &(_, _, String)| detail.starts_with(field);
        assert!(faults.iter().any(named), "{path:?}: {faults:?}");
        for (code, index, _) in faults {
            let expected = (FaultCode::DecisionMismatch, Some(entry as u64));
            assert_eq!((code, index), expected);
        }
    }
}

/// The cases of the vectors, as they are recorded now: what is hashed beside what is
/// recorded. To add one is to add a line of `case` and `request`.
fn second() -> Vec<Value> {
    let (mut reader, mut memory) = (CaseReader::default(), CaseGovernance::default());
    let slices = Slices::default();
    let made = lines("decisions.v2.jsonl").into_iter().map(|line| {
        let (given, request) = (line.get("case").unwrap(), line.get("request").unwrap());
        let content = match request.as_str() {
            Some("hash") => RequestContent::Digest,
            _ => RequestContent::Whole,
        };
        let case = reader.read(given).unwrap();
        let governance = memory.of(&case);
        let basis = governance.basis(&case.hall, None, &case.task_id);
        let decided = sealbook::wcp::make_decision(&case.input, &basis, stamp());
        let style = Style {
            content,
            actor: None,
            slices: &slices,
        };
        let composed = compose(&decided, &case.input, &governance, &basis, style);
        let members = [
            ("case", given.clone()),
            ("decision", parse(&composed.answer).unwrap()),
            ("payload", parse(&composed.payload).unwrap()),
            ("receipt", Value::Object(composed.receipt.to_object())),
            ("registry", composed.registry.content().clone()),
            ("request", request.clone()),
        ];
        // Canonical already, both of them.
        assert_eq!(text(&members[1].1).as_bytes(), composed.answer);
        assert_eq!(text(&members[2].1).as_bytes(), composed.payload);
        let levels = members[2].1.depth();
        assert!(levels <= composed.levels, "{levels} {}", composed.levels);
        Value::Object(members.into_iter().collect())
    });
    made.collect()
}

#[test]
fn entries_of_version_2_are_made_byte_for_byte() {
    let path = fixture("format").join("decisions.v2.jsonl");
    let made: String = second().iter().map(|line| text(line) + "\n").collect();
    if std::env::var_os("SEALBOOK_WRITE_FIXTURES").is_some_and(|what| what == "decisions") {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    for (made, kept) in made.lines().zip(kept.lines()) {
        assert_eq!(made, kept);
    }
    assert_eq!(made.lines().count(), kept.lines().count());
    assert!(kept.lines().count() > 30);
}

#[test]
fn the_digests_are_those_of_what_was_answered() {
    for line in lines("decisions.v2.jsonl") {
        let of = |name| line.get(name).unwrap();
        let digest = |value: &Value| Value::from(Hash::of(text(value).as_bytes()).to_string());
        let (payload, decision) = (of("payload"), of("decision"));
        let digests = payload.get("digests").unwrap();
        assert_eq!(digests.get("decision"), Some(&digest(decision)));
        assert_eq!(digests.get("receipt"), Some(&digest(of("receipt"))));
        let telemetry = decision.get("telemetry_envelopes").unwrap();
        assert_eq!(digests.get("telemetry"), Some(&digest(telemetry)));
        let registry = Value::from(format!(
            "blake2b-256:{}",
            Hash::of(text(of("registry")).as_bytes())
        ));
        let context = payload.get("context").unwrap();
        assert_eq!(context.get("registry"), Some(&registry));
        // What is shown is what was answered, or asked.
        let shown = payload.get("decision").unwrap().as_object().unwrap();
        for (name, value) in shown.iter() {
            let answered = match name {
                "worker_id" => of("receipt").get(name),
                "blast_score" => continue,
                name => decision.get(name),
            };
            assert_eq!(answered, Some(value), "{name}");
        }
        for name in ["decision_id", "denied", "matched_rule_id", "timestamp"] {
            assert!(shown.contains_key(name), "{name}");
        }
        let denied = decision.get("denied") == Some(&Value::from(true));
        assert_eq!(shown.contains_key("deny_reason_if_denied"), denied);
        assert_eq!(shown.contains_key("selected_worker_species_id"), !denied);
    }
}

#[test]
fn a_version_that_is_not_known_is_said_and_not_taken_for_another() {
    let scene = first();
    let entry = scene.last(kind::DECISION);
    let forged = scene.forged(entry, |payload| {
        payload.insert("format", 3_u64);
    });
    let detail = "format: not a version that this program knows: 2, or none";
    let expected = (FaultCode::SchemaViolation, Some(entry as u64));
    let faults = forged.faults();
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].0, faults[0].1), expected);
    assert!(faults[0].2.contains(detail), "{}", faults[0].2);
}

#[test]
fn a_recorded_policy_version_that_the_gate_did_not_give_is_said() {
    let blast = "evt.gov.blast_scored";
    let scene = first();
    let honest = scene.book().replay().0;
    assert_eq!(honest.counts.policy_version_wrong, 0);
    let scored = |entry: &sealbook::ledger::entry::Entry| {
        let payload = entry.check_payload().unwrap();
        let said = Value::Object(payload).canonical(Form::Utf8);
        said.contains(blast) && said.contains(r#""policy_version":"p1""#)
    };
    let entry = scene.entries().iter().position(scored).unwrap();
    let lie = |event_id: &'static str, version: &'static str| {
        move |payload: &mut Object| {
            let decision = payload.get_mut("decision").unwrap();
            let Value::Object(decision) = decision else {
                unreachable!()
            };
            let Some(Value::Array(events)) = decision.get_mut("telemetry_envelopes") else {
                unreachable!()
            };
            for event in events {
                if let Value::Object(event) = event
                    && event.get("event_id").and_then(Value::as_str) == Some(event_id)
                {
                    event.insert("policy_version", version);
                }
            }
        }
    };
    // As the first release did: it stands, and is said.
    let (replay, items) = scene
        .forged(entry, lie(blast, DEFAULT_POLICY_VERSION))
        .replay();
    assert_eq!(replay.report.faults, []);
    assert_eq!(replay.counts.policy_version_wrong, 1);
    let seq = Value::from(entry as u64);
    let said = items.iter().map(|item| item.to_value());
    let mut said = said.filter(|item| item.get("seq") == Some(&seq));
    let said = said.next().unwrap();
    assert_eq!(said.get("policy_version_wrong"), Some(&Value::from(true)));
    // Any other lie of it is a fault.
    for (event, version) in [
        (blast, "p2"),
        ("evt.os.policy.gated", DEFAULT_POLICY_VERSION),
        ("evt.os.task.routed", DEFAULT_POLICY_VERSION),
    ] {
        let faults = scene.forged(entry, lie(event, version)).faults();
        assert!(
            faults
                .iter()
                .any(|(code, ..)| *code == FaultCode::DecisionMismatch),
            "{event} {version}"
        );
    }
}
