//! Decisions that become entries.

use std::collections::HashSet;
use std::sync::Arc;

use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::record::{
    Document, DocumentDigest, EvidenceReceipt, Outcome, RecordError, RequestContent, kind,
};
use sealbook::store::indexer::catch_up;
use sealbook::store::query::{Filter, select};
use sealbook::wcp::Denial;
use sealbook::wcp::gate::{FixedGate, GateAnswer, StubGate};

use crate::scene::{RULES, Scene, hall, input, worker};
use crate::support::json;

fn allow() -> FixedGate {
    FixedGate(Ok(GateAnswer {
        decision: "ALLOW".to_owned(),
        policy_version: "p1".to_owned(),
        reason: "fine".to_owned(),
    }))
}

/// Strings under `context` that are spelt as documents' digests.
fn digests(value: &Value, found: &mut HashSet<DocumentDigest>) {
    match value {
        Value::String(text) => found.extend(DocumentDigest::parse(text)),
        Value::Array(items) => items.iter().for_each(|item| digests(item, found)),
        Value::Object(object) => object.iter().for_each(|(_, value)| digests(value, found)),
        _ => {}
    }
}

#[test]
fn an_entry_has_every_part_and_the_receipt_says_where_it_is() {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(allow())));
    let recorded = scene.decide(&hall, &input(&[]));
    let receipt = recorded.receipt.unwrap();
    let entry = scene.entries().pop().unwrap();
    assert_eq!(
        (entry.kind(), entry.hash()),
        (kind::DECISION, receipt.entry.hash)
    );
    let payload = entry.check_payload().unwrap();
    let names: Vec<_> = payload.keys().collect();
    let expected = [
        "answers",
        "context",
        "decision",
        "digests",
        "format",
        "input",
        "input_hash",
    ];
    assert_eq!(names, expected);
    assert_eq!(recorded.decision.to_text(), recorded.answer);
    let hash = recorded.decision.artifact_hash.as_deref();
    assert_eq!(payload.get("input_hash").and_then(Value::as_str), hash);
    let answers = r#"{"gate":{"decision":"ALLOW","policy_version":"p1","reason":"fine"}}"#;
    assert_eq!(payload.get("answers"), Some(&json(answers)));
    let shown = format!(
        r#"{{"decision_id":"{}","denied":false,"matched_rule_id":"r",
            "selected_worker_species_id":"wrk.a","timestamp":"{}","worker_id":"org.a"}}"#,
        recorded.decision.decision_id, recorded.decision.timestamp,
    );
    assert_eq!(payload.get("decision"), Some(&json(&shown)));
    let asked = r#"{"capability_id":"cap.a","correlation_id":"c-1","data_label":"PUBLIC",
        "env":"dev","qos_class":"P2","tenant_id":"acme","tenant_risk":"low"}"#;
    assert_eq!(payload.get("input"), Some(&json(asked)));
    let context = payload.get("context").unwrap();
    let all = scene.registry.records_digest().to_string();
    assert_eq!(context.get("registry_digest"), Some(&Value::from(all)));
    let registry = context.get("registry").and_then(Value::as_str).unwrap();
    let documents = scene.payloads(kind::DOCUMENT);
    let of = |digest: &str| {
        let is = |it: &&Object| it.get("digest") == Some(&Value::from(digest));
        documents.iter().find(is).unwrap().get("content").unwrap()
    };
    let registry = of(registry);
    let record = scene.registry.worker("org.a").unwrap();
    let expected = format!(
        r#"{{"attestation_configured":true,"candidates":[
            {{"artifact_hash":null,"available":false,"envelope":null,"registered_hash":null,
              "worker_species_id":"wrk.b"}},
            {{"artifact_hash":"{}","available":true,"envelope":{{"tools":[]}},
              "registered_hash":null,"worker_id":"org.a","worker_species_id":"wrk.a"}}],
            "controls":{{"ctrl.x":true}},"egress_allowlist":null,
            "privileges_configured":true}}"#,
        record.artifact_hash,
    );
    assert_eq!(registry, &json(&expected));
    let object = receipt.to_object();
    assert_eq!(object.get("seq"), Some(&Value::from(receipt.entry.seq.0)));
    let evidence = receipt.evidence.to_object();
    for (name, value) in evidence.iter() {
        assert_eq!(object.get(name), Some(value), "{name}");
    }
    assert_eq!(object.len(), evidence.len() + 4);
    let EvidenceReceipt {
        worker_id,
        worker_species_id,
        policy_decision,
        controls_verified,
        dispatched_at,
        ..
    } = receipt.evidence;
    assert_eq!(worker_id.as_deref(), Some("org.a"));
    assert_eq!(worker_species_id.as_deref(), Some("wrk.a"));
    assert_eq!((policy_decision, controls_verified.len()), ("ALLOW", 1));
    assert_eq!(dispatched_at, Some(recorded.decision.timestamp));
}

#[test]
fn a_document_stands_once_and_before_every_decision_that_names_it() {
    let scene = Scene::new();
    let one = hall(RULES, "{}", Some(Arc::new(allow())));
    let other = hall(RULES, r#"{"require_credential": true}"#, None);
    for hall in [&one, &other, &one, &other] {
        assert!(scene.decide(hall, &input(&[])).receipt.is_ok());
    }
    let mut there = HashSet::new();
    for entry in scene.entries() {
        let payload = entry.check_payload().unwrap();
        if entry.kind() == kind::DOCUMENT {
            let (named, document) = Document::from_payload(&payload).unwrap();
            assert_eq!(named, document.digest());
            assert!(there.insert(named), "stored twice");
        }
        if entry.kind() == kind::DECISION {
            let mut named = HashSet::new();
            digests(payload.get("context").unwrap(), &mut named);
            assert_eq!(named.len(), 3);
            assert!(named.is_subset(&there));
        }
    }
    // One rule set, two configurations; and the registry was asked for more by the one
    // than by the other.
    assert_eq!(there.len(), 5);
}

#[test]
fn a_ledger_that_has_the_document_is_not_given_it_again() {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", None);
    let _ = scene.decide(&hall, &input(&[]));
    let again = sealbook::record::Recorder::new(Arc::clone(scene.recorder.logbook().unwrap()));
    let before = scene.payloads(kind::DOCUMENT).len();
    let asked = sealbook::record::DecisionRequest {
        input: &input(&[]),
        approval: None,
        task_id: "t",
        actor: Some(&Value::from("someone")),
        stamp: crate::support::stamp(),
    };
    let hall = hall.with_registry(scene.registry.clone());
    assert!(again.decide(&hall, &asked).receipt.is_ok());
    assert_eq!(scene.payloads(kind::DOCUMENT).len(), before);
    let last = scene.payloads(kind::DECISION).pop().unwrap();
    assert_eq!(last.get("_actor"), Some(&Value::from("someone")));
}

#[test]
fn threads_that_meet_store_each_document_once() {
    let scene = Scene::new();
    let sets: Vec<_> = (0..4)
        .map(|n| hall(&RULES.replace("\"r\"", &format!("\"r{n}\"")), "{}", None))
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for hall in sets.iter().cycle().take(40) {
                    assert!(scene.decide(hall, &input(&[])).receipt.is_ok());
                }
            });
        }
    });
    assert_eq!(scene.payloads(kind::DECISION).len(), 160);
    // Four rule sets, one configuration and one slice of the registry.
    assert_eq!(scene.payloads(kind::DOCUMENT).len(), 6);
    let (replay, _) = scene.book().replay();
    assert_eq!(replay.report.faults, []);
    assert_eq!(
        (replay.counts.recomputed, replay.counts.mismatched),
        (160, 0)
    );
}

#[test]
fn a_credential_is_nowhere_but_its_digest() {
    let secret = "credential-of-acme";
    let scene = Scene::new();
    let hall = hall(RULES, "{}", None);
    let asked = input(&[("tenant_credential", Value::from(secret))]);
    assert!(scene.decide(&hall, &asked).receipt.is_ok());
    for entry in scene.entries() {
        let text = String::from_utf8_lossy(entry.payload_bytes()).into_owned();
        assert!(!text.contains(secret));
    }
    let payload = scene.payloads(kind::DECISION).pop().unwrap();
    let recorded = payload.get("input").unwrap();
    assert_eq!(recorded.get("tenant_credential"), None);
    let digest = Sha256Digest::of(secret.as_bytes()).to_string();
    assert_eq!(
        recorded.get("tenant_credential_sha256"),
        Some(&Value::from(digest))
    );
    // The hash is of the request as it came, and so cannot be had again.
    let hash = Value::from(asked.artifact_hash());
    assert_eq!(payload.get("input_hash"), Some(&hash));
    let (replay, items) = scene.book().replay();
    assert_eq!((replay.report.faults, replay.counts.on_trust), (vec![], 1));
    let inputs = items[0].to_value().get("inputs").unwrap().clone();
    assert_eq!(
        inputs.get("input_hash"),
        Some(&Value::from("taken_on_trust"))
    );
}

#[test]
fn a_request_can_be_recorded_by_its_digest_and_flags() {
    let scene = Scene::with_content(RequestContent::Digest);
    let hall = hall(RULES, "{}", Some(Arc::new(allow())));
    let content = json(r#"{"text": "private", "writes": 1, "egress": ""}"#);
    let asked = input(&[("request", content.clone()), ("env", "prod".into())]);
    assert!(scene.decide(&hall, &asked).receipt.is_ok());
    let payload = scene.payloads(kind::DECISION).pop().unwrap();
    let recorded = payload.get("input").unwrap();
    assert_eq!(recorded.get("request"), None);
    let digest = format!(
        "blake2b-256:{}",
        Hash::of(content.canonical(Form::Utf8).as_bytes())
    );
    assert_eq!(recorded.get("request_digest"), Some(&Value::from(digest)));
    let flags = r#"{"egress":false,"external_call":false,"mutates_state":false,"writes":true}"#;
    assert_eq!(recorded.get("request_flags"), Some(&json(flags)));
    let (replay, _) = scene.book().replay();
    assert_eq!(
        (replay.report.faults, replay.counts.recomputed),
        (vec![], 1)
    );
}

#[test]
fn what_is_too_large_or_too_deep_is_denied_and_leaves_no_trace() {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(allow())));
    let before = scene.entries().len();
    let large = json(&format!("{{\"text\": \"{}\"}}", "x".repeat(10 << 20)));
    let recorded = scene.decide(&hall, &input(&[("request", large)]));
    assert_eq!(
        recorded.decision.deny_reason_if_denied,
        Some(Denial::InternalError)
    );
    assert_eq!(recorded.decision.selected_worker_species_id, None);
    let error = recorded.receipt.unwrap_err();
    assert!(matches!(
        error,
        RecordError::TooLarge {
            kind: kind::DECISION,
            limit: 4_194_304,
            ..
        }
    ));
    let deep = json(&format!(
        "{{\"a\": {}{}}}",
        "[".repeat(126),
        "]".repeat(126)
    ));
    let recorded = scene.decide(&hall, &input(&[("request", deep)]));
    let error = recorded.receipt.unwrap_err();
    assert!(
        matches!(
            error,
            RecordError::TooDeep {
                kind: kind::DECISION,
                levels: 129
            }
        ),
        "{error}"
    );
    assert_eq!(scene.entries().len(), before);
}

#[test]
fn dry_runs_and_denials_are_recorded_as_such() {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(allow())));
    let dry = scene.decide(&hall, &input(&[("dry_run", true.into())]));
    assert_eq!(dry.receipt.unwrap().evidence.dispatched_at, None);
    let denied = scene.decide(&hall, &input(&[("capability_id", "cap.none".into())]));
    let evidence = denied.receipt.unwrap().evidence;
    assert_eq!(
        (evidence.policy_decision, evidence.worker_id),
        ("DENY", None)
    );
    let (replay, _) = scene.book().replay();
    let counts = &replay.counts;
    assert_eq!(
        (counts.decisions, counts.dry_runs, counts.denied),
        (2, 1, 1)
    );
    assert_eq!(replay.report.faults, []);
}

#[test]
fn a_log_grows_with_the_decisions_and_not_with_the_registry() {
    let hall = hall(RULES, "{}", Some(Arc::new(StubGate::default())));
    let bytes = |workers: usize| {
        let mut scene = Scene::new();
        for n in 0..workers {
            let record = worker(&format!("org.w{n}"), &format!("wrk.w{n}"));
            scene.registry.enroll(&record).unwrap();
        }
        assert!(scene.decide(&hall, &input(&[])).receipt.is_ok());
        scene
            .entries()
            .iter()
            .map(|entry| entry.record().len())
            .sum::<usize>()
    };
    assert_eq!(bytes(0), bytes(1_000));
}

#[test]
fn decisions_are_found_by_what_they_say() {
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(allow())));
    let allowed = scene.decide(&hall, &input(&[("correlation_id", "c-9".into())]));
    let denied = input(&[
        ("tenant_id", "other".into()),
        ("capability_id", "cap.none".into()),
    ]);
    let denied = scene.decide(&hall, &denied);
    while catch_up(&*scene.store, 100).unwrap() > 0 {}
    let found = |filter: Filter| -> Vec<u64> {
        let found = select(&*scene.store, &filter).unwrap();
        found.map(|item| item.unwrap().0.0).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    let (allowed, seq) = (allowed.decision, allowed.receipt.unwrap().seq().0);
    let other = denied.receipt.unwrap().seq().0;
    let all = Filter::default;
    assert_eq!(
        found(Filter {
            tenant: text("acme"),
            ..all()
        }),
        [seq]
    );
    assert_eq!(
        found(Filter {
            correlation: text("c-9"),
            ..all()
        }),
        [seq]
    );
    assert_eq!(
        found(Filter {
            worker: text("wrk.a"),
            ..all()
        }),
        [seq]
    );
    let id = text(&allowed.decision_id.to_string());
    assert_eq!(
        found(Filter {
            decision: id,
            ..all()
        }),
        [seq]
    );
    assert_eq!(
        found(Filter {
            denied: Some(true),
            ..all()
        }),
        [other]
    );
    assert_eq!(
        found(Filter {
            denied: Some(false),
            ..all()
        }),
        [seq]
    );
    let digest = hall.documents()[0].digest().to_string();
    assert_eq!(
        found(Filter {
            document: text(&digest),
            ..all()
        }),
        [1]
    );
}

#[test]
fn claims_and_reloads_are_recorded_and_claims_never_counted() {
    let scene = Scene::new();
    let one = hall(RULES, "{}", None);
    let other = hall(RULES, "{}", Some(Arc::new(StubGate::default())));
    scene.recorder.reload(None, &one, None).unwrap();
    scene
        .recorder
        .reload(Some(&one), &other, Some("ops".into()))
        .unwrap();
    let body: Object = [("denied", false)].into_iter().collect();
    scene
        .recorder
        .record(&Outcome::ingested("them".into(), body))
        .unwrap();
    let reload = scene.payloads(kind::RELOAD).pop().unwrap();
    assert_eq!(reload.get("before"), Some(&one.digests()));
    assert_eq!(reload.get("after"), Some(&other.digests()));
    let (replay, _) = scene.book().replay();
    let counts = &replay.counts;
    assert_eq!(
        (counts.of("reloads"), counts.claimed, counts.decisions),
        (2, 1, 0)
    );
    assert_eq!(replay.report.faults, []);
}
