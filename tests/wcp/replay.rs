//! Decisions taken again, and Halls that lie about how they took them.

use std::sync::Arc;

use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::json::{Object, Value};
use sealbook::record::{Document, kind};
use sealbook::replay::otherwise::Alternative;
use sealbook::wcp::gate::{FixedGate, GateAnswer};
use sealbook::wcp::{Denial, load_rules_from_dict};

use crate::scene::{RULES, Scene, hall, input};
use crate::support::{json, vectors};

fn fixed(word: &str) -> FixedGate {
    FixedGate(Ok(GateAnswer {
        decision: word.to_owned(),
        policy_version: "p1".to_owned(),
        reason: "because".to_owned(),
    }))
}

/// One decision, allowed by an opaque gate.
fn scene() -> Scene {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(fixed("ALLOW"))));
    let recorded = scene.decide(&hall, &input(&[("env", "prod".into())]));
    assert!(!recorded.decision.denied());
    scene
}

/// The member at a path of names and indices.
pub(crate) fn at<'v>(object: &'v mut Object, path: &[&str]) -> &'v mut Value {
    let (first, rest) = path.split_first().unwrap();
    let mut value = object.get_mut(first).unwrap();
    for name in rest {
        value = match value {
            Value::Object(object) => object.get_mut(name).unwrap(),
            Value::Array(items) => &mut items[name.parse::<usize>().unwrap()],
            other => panic!("{name} of {other:?}"),
        };
    }
    value
}

#[test]
fn the_truth_replays_without_a_fault_and_says_what_it_rests_on() {
    let (replay, items) = scene().book().replay();
    assert_eq!(replay.report.faults, []);
    let value = items[0].to_value();
    assert_eq!(value.get("same"), Some(&Value::from(true)));
    let inputs = r#"{"config":"recomputed","input_hash":"recomputed","policy":"taken_on_trust",
        "registry":"recomputed","registry_digest":"taken_on_trust","rules":"recomputed"}"#;
    assert_eq!(value.get("inputs"), Some(&json(inputs)));
    let unenforced = r#"["preconditions.deny_if_unsigned_artifact_in_prod"]"#;
    assert_eq!(value.get("unenforced"), Some(&json(unenforced)));
}

#[test]
fn every_lie_in_an_entry_signed_anew_is_named_with_its_entry() {
    let scene = scene();
    let entry = scene.last(kind::DECISION);
    let lies: [(&[&str], Value, &str); 12] = [
        (
            &["answers", "gate", "decision"],
            "DENY".into(),
            "decision.deny_reason_if_denied",
        ),
        (
            &["answers", "gate", "policy_version"],
            "p2".into(),
            "digests.telemetry",
        ),
        (
            &["decision", "selected_worker_species_id"],
            "wrk.b".into(),
            "decision.selected_worker",
        ),
        (&["decision", "denied"], true.into(), "decision.denied"),
        (
            &["decision", "worker_id"],
            "org.b".into(),
            "decision.worker_id",
        ),
        (
            &["decision", "blast_score"],
            0_u64.into(),
            "decision.blast_score",
        ),
        // What it is called is nobody's to compute, and stands in what was answered.
        (
            &["decision", "decision_id"],
            "00000000-0000-4000-8000-000000000001".into(),
            "digests.decision",
        ),
        (&["input", "tenant_id"], "rival".into(), "digests.decision"),
        (&["input_hash"], "00".into(), "input_hash"),
        (&["digests", "decision"], digest("x"), "digests.decision"),
        (&["digests", "receipt"], digest("x"), "digests.receipt"),
        (&["digests", "telemetry"], digest("x"), "digests.telemetry"),
    ];
    for (path, lie, field) in lies {
        let forged = scene.forged(entry, |payload| *at(payload, path) = lie);
        expect_lie(forged, entry, field, &format!("{path:?}"));
    }
    let in_registry: [(&[&str], Value, &str); 4] = [
        (
            &["candidates", "1", "available"],
            false.into(),
            "decision.deny_reason_if_denied",
        ),
        (
            &["candidates", "0", "available"],
            true.into(),
            "decision.selected_worker",
        ),
        (
            &["candidates", "1", "worker_species_id"],
            "wrk.c".into(),
            "decision.selected_worker",
        ),
        (
            &["controls", "ctrl.x"],
            false.into(),
            "decision.deny_reason_if_denied",
        ),
    ];
    for (path, lie, field) in in_registry {
        let forged = scene.registry_forged(|slice| *at(slice, path) = lie.clone());
        expect_lie(forged, entry, field, &format!("{path:?}"));
    }
}

fn digest(of: &str) -> Value {
    Value::from(sealbook::ledger::hash::Hash::of(of.as_bytes()).to_string())
}

fn expect_lie(forged: crate::scene::Book, entry: usize, field: &str, what: &str) {
    let faults = forged.faults();
    let named = |(_, _, detail): &(_, _, String)| detail.starts_with(field);
    assert!(faults.iter().any(named), "{what}: {faults:?}");
    for (code, index, _) in faults {
        let expected = (FaultCode::DecisionMismatch, Some(entry as u64));
        assert_eq!((code, index), expected);
    }
}

/// Two versions of this program may word a denial otherwise.
#[test]
fn the_wording_of_a_denial_is_let_differ_and_nothing_else_of_it() {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(fixed("DENY"))));
    let recorded = scene.decide(&hall, &input(&[]));
    let entry = scene.last(kind::DECISION);
    let answered = recorded.decision.to_value();
    let reworded = |old: &str, new: &str| {
        let text = answered.canonical(sealbook::ledger::json::Form::Utf8);
        assert!(text.contains(old));
        json(&text.replace(old, new))
    };
    let other = reworded("the policy gate denied", "denied by the gate");
    let record = |decision: &Value| {
        let digest = |value: &Value| digest(&value.canonical(sealbook::ledger::json::Form::Utf8));
        let telemetry = digest(decision.get("telemetry_envelopes").unwrap());
        let reason = decision.get("deny_reason_if_denied").unwrap().clone();
        let whole = digest(decision);
        scene.forged(entry, move |payload| {
            *at(payload, &["decision", "deny_reason_if_denied"]) = reason;
            *at(payload, &["digests", "decision"]) = whole;
            *at(payload, &["digests", "telemetry"]) = telemetry;
        })
    };
    assert_eq!(record(&other).replay().0.report.faults, []);
    let other = reworded("because", "for no reason");
    let field = "decision.deny_reason_if_denied.reason";
    expect_lie(record(&other), entry, field, "the reason");
}

#[test]
fn a_document_that_was_changed_is_named_and_nothing_is_computed_from_it() {
    let scene = scene();
    let forged = scene.forged(1, |payload| {
        *at(payload, &["content", "rules", "0", "rule_id"]) = "other".into();
    });
    let faults = forged.faults();
    let decision = scene.last(kind::DECISION) as u64;
    assert_eq!(
        (faults[0].0, faults[0].1),
        (FaultCode::DocumentMismatch, Some(1))
    );
    assert_eq!(
        (faults[1].0, faults[1].1),
        (FaultCode::DocumentMissing, Some(decision))
    );
    assert_eq!(faults.len(), 2);
}

#[test]
fn a_document_renamed_after_its_change_is_missing_under_its_old_name() {
    let scene = scene();
    let forged = scene.forged(1, |payload| {
        *at(payload, &["content", "rules", "0", "rule_id"]) = "other".into();
        let digest = Document::new(payload.get("content").unwrap().clone()).digest();
        payload.insert("digest", digest);
    });
    let faults = forged.faults();
    let decision = scene.last(kind::DECISION) as u64;
    assert_eq!(
        (faults[0].0, faults[0].1),
        (FaultCode::DocumentMissing, Some(decision))
    );
    assert_eq!(faults.len(), 1);
}

#[test]
fn rules_that_were_put_in_afterwards_come_out_otherwise() {
    let scene = scene();
    let later = hall(
        &RULES.replace("cap.a", "cap.b"),
        "{}",
        Some(Arc::new(fixed("ALLOW"))),
    );
    let denied = scene.decide(&later, &input(&[]));
    assert_eq!(
        denied.decision.deny_reason_if_denied,
        Some(Denial::NoMatchingRule)
    );
    let entry = scene.last(kind::DECISION);
    let rules = hall(RULES, "{}", None).documents()[0].digest();
    let forged = scene.forged(entry, |payload| {
        *at(payload, &["context", "rules"]) = rules.into()
    });
    let faults = forged.faults();
    assert_eq!(
        (faults[0].0, faults[0].1),
        (FaultCode::DecisionMismatch, Some(entry as u64))
    );
}

#[test]
fn a_decision_before_its_document_has_none() {
    let scene = scene();
    let mut entries = scene.entries();
    let decision = scene.last(kind::DECISION);
    entries.swap(1, decision);
    let log = scene.recorder.logbook().unwrap().identity().log;
    let faults = crate::scene::Book::of(log, entries).faults();
    let missing = faults
        .iter()
        .filter(|(code, _, _)| *code == FaultCode::DocumentMissing);
    // It stands before all of them, under the number of the first.
    assert_eq!(
        missing.map(|fault| fault.1).collect::<Vec<_>>(),
        [Some(1), Some(1), Some(1)]
    );
}

#[test]
fn what_would_have_been_is_told_apart_from_what_was() {
    let scene = scene();
    let rules = |text: String| Some(Arc::new(load_rules_from_dict(&json(&text)).unwrap()));
    let alternative = |rules, gate: Option<&str>| Alternative {
        rules,
        gate: gate.map(|word| Arc::new(fixed(word)) as _),
    };
    let run = |alternative| {
        let (replay, items) = scene.book().replay_with(Some(alternative));
        assert_eq!(replay.report.faults, []);
        assert_eq!(items[0].to_value().get("same"), Some(&Value::from(true)));
        (replay.otherwise_counts, replay.otherwise)
    };
    let (counts, told) = run(alternative(None, Some("DENY")));
    assert_eq!(
        (counts.same, counts.changed, counts.undetermined),
        (0, 1, 0)
    );
    assert_eq!(
        told[0].1.otherwise.deny_code.as_deref(),
        Some("DENY_POLICY_GATE")
    );
    assert_eq!(told[0].1.recorded.worker.as_deref(), Some("wrk.a"));
    let (counts, _) = run(alternative(rules(RULES.to_owned()), None));
    assert_eq!(
        (counts.same, counts.changed, counts.undetermined),
        (1, 0, 0)
    );
    let (counts, told) = run(alternative(rules(RULES.replace("wrk.b", "wrk.z")), None));
    assert_eq!(
        (counts.same, counts.changed, counts.undetermined),
        (0, 0, 1)
    );
    assert_eq!(told[0].1.undetermined, ["availability of wrk.z"]);
}

#[test]
fn every_reference_vector_is_recorded_and_replayed() {
    use sealbook::record::bulk::CaseGovernance;
    use sealbook::wcp::bulk::CaseReader;
    let scene = Scene::new();
    let (mut reader, mut memory) = (CaseReader::default(), CaseGovernance::default());
    let mut count = 0;
    for vector in vectors("routing.jsonl") {
        let Ok(case) = reader.read(&vector) else {
            continue;
        };
        let governance = memory.of(&case);
        let prepared =
            scene
                .recorder
                .prepare_case(&governance, &case, None, crate::support::stamp());
        let recorded = scene.recorder.submit(prepared).wait();
        let plain = case.decide(crate::support::stamp()).decision;
        assert_eq!(recorded.decision, plain);
        assert!(recorded.receipt.is_ok());
        count += 1;
    }
    let (replay, _) = scene.book().replay();
    assert_eq!(replay.report.faults, []);
    assert_eq!(replay.counts.recomputed, count);
    assert!(count > 300);
}

#[cfg(feature = "rego")]
mod rego {
    use sealbook::wcp::rego::{RegoGate, RegoLimits, RegoSource};

    use super::*;

    fn gate(word: &str) -> RegoGate {
        let policy = format!(
            "package wcp\n\ngate := {{\"decision\": \"{word}\", \"policy_version\": \"p\", \"reason\": input.env}}\n"
        );
        let source = RegoSource {
            modules: [("gate.rego".to_owned(), policy)].into(),
            data: None,
        };
        RegoGate::new(source, RegoLimits::default()).unwrap()
    }

    #[test]
    fn a_policy_is_run_again_and_a_hall_that_lies_about_it_is_caught() {
        let scene = Scene::new();
        let allowing = hall(RULES, "{}", Some(Arc::new(gate("ALLOW"))));
        let denying = hall(RULES, "{}", Some(Arc::new(gate("DENY"))));
        let denied = scene.decide(&denying, &input(&[]));
        assert!(denied.decision.denied());
        let allowed = scene.decide(&allowing, &input(&[]));
        assert!(!allowed.decision.denied());
        let (replay, items) = scene.book().replay();
        assert_eq!(
            (replay.report.faults, replay.counts.recomputed),
            (vec![], 2)
        );
        let inputs = items[1].to_value().get("inputs").unwrap().clone();
        assert_eq!(inputs.get("policy"), Some(&Value::from("recomputed")));
        // The one claims to have been allowed under the policy that denies.
        let entry = scene.last(kind::DECISION);
        let policy = denying.digests().get("policy").unwrap().clone();
        let forged = scene.forged(entry, |payload| {
            *at(payload, &["context", "policy"]) = policy
        });
        let faults = forged.faults();
        assert!(
            faults
                .iter()
                .any(|(_, _, detail)| detail.starts_with("answers.gate"))
        );
        for (code, index, _) in faults {
            assert_eq!(
                (code, index),
                (FaultCode::DecisionMismatch, Some(entry as u64))
            );
        }
    }
}
