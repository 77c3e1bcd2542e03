//! Anyone who has the log after an erasure, and a list of what it may have been, cannot tell
//! which it was.

use std::collections::BTreeSet;

use sealbook::api::MemberState;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::parse::parse;
use sealbook::ledger::position::Seq;
use sealbook::ledger::redact::pointer::Pointer;
use sealbook::ledger::redact::rules::RedactRules;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::time::Timestamp;
use sealbook::record::redacting::Redacting;
use sealbook::record::{DecisionRequest, RequestContent, kind};
use sealbook::wcp::stamp::{DecisionId, DecisionStamp};
use sealbook::wcp::{RouteInput, load_rules_from_dict};
use sealbook::{Hall, Ledger, Options, Policy, Verdict};

const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;

const WORKER: &str = r#"{"worker_id": "org.a", "worker_species_id": "wrk.a",
    "capabilities": ["cap.a"], "currently_implements": []}"#;

/// What a request may have said: of all of these it is known that one is true.
/// None of them is spelt in hexadecimal digits alone, of which the log is full.
const DICTIONARY: [&str; 4] = ["niklaus", "grace", "edsger", "barbara"];

const SAID: &str = "grace";

fn value(text: &str) -> Value {
    parse(text.as_bytes()).unwrap()
}

fn asked(name: &str) -> RouteInput {
    let request = format!(
        r#"{{"capability_id": "cap.a", "env": "dev", "data_label": "INTERNAL",
            "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme",
            "correlation_id": "c-1", "request": {{"name": "{name}", "writes": true}}}}"#
    );
    RouteInput::read(&value(&request), "").unwrap()
}

fn hall() -> Hall {
    let mut registry = sealbook::wcp::Registry::new();
    registry.enroll(&value(WORKER)).unwrap();
    Hall::new(load_rules_from_dict(&value(RULES)).unwrap()).with_registry(registry)
}

fn ledger(rules: &str, content: RequestContent) -> Ledger {
    let rules = Redacting::new(RedactRules::read(&value(rules)).unwrap()).unwrap();
    let options = Options::new("l").redacting(rules).record_request(content);
    Ledger::in_memory(options).unwrap()
}

/// Every member of the recorded decision with what could be computed in its place, were
/// that the request: what a dictionary is tried against.
fn guesses(decided: &Object, name: &str) -> BTreeSet<String> {
    let input = asked(name);
    let request = Value::Object(input.request.clone());
    let text = request.canonical(Form::Utf8);
    let mut guesses = BTreeSet::from([
        input.artifact_hash(),
        Sha256Digest::of(text.as_bytes()).to_string(),
        Hash::of(text.as_bytes()).to_string(),
        name.to_owned(),
    ]);
    guesses.extend(digests_as_decided(decided, &input));
    guesses
}

/// The digests of a decision on this input that has the recorded id and time.
fn digests_as_decided(decided: &Object, input: &RouteInput) -> Vec<String> {
    let of = |name: &str| decided.get("decision").unwrap().get(name).unwrap();
    let stamp = DecisionStamp {
        decision_id: DecisionId::parse(of("decision_id").as_str().unwrap()).unwrap(),
        timestamp: Timestamp::parse_canonical(of("timestamp").as_str().unwrap()).unwrap(),
    };
    let ledger = Ledger::in_memory(Options::new("l")).unwrap();
    let recorder = ledger.recorder().unwrap();
    let asked = DecisionRequest {
        input,
        approval: None,
        task_id: "task_default",
        actor: None,
        stamp,
    };
    recorder.decide(&hall(), &asked).receipt.unwrap();
    let again = last_decision(&ledger);
    let digests = again.get("digests").unwrap().as_object().unwrap().clone();
    let digests = digests.iter();
    digests
        .map(|(_, digest)| digest.as_str().unwrap().to_owned())
        .collect()
}

fn last_decision(ledger: &Ledger) -> Object {
    let last = ledger.store().last_seq().unwrap().unwrap();
    let entry = (0..=last.0)
        .rev()
        .map(|seq| ledger.entry(Seq(seq)).unwrap());
    let entry = entry
        .into_iter()
        .find(|entry| entry.kind() == kind::DECISION);
    entry.unwrap().check_payload().unwrap()
}

/// All that there is of a log, as text: entries, and what is kept beside them.
fn all_of(ledger: &Ledger) -> String {
    let mut all = String::new();
    for row in ledger.store().entries(0..u64::MAX) {
        all += &String::from_utf8_lossy(&row.unwrap().1);
    }
    for row in ledger.store().openings(0..u64::MAX) {
        all += &String::from_utf8_lossy(&row.unwrap().1);
    }
    all
}

/// Of whom the log says that it was them, after all that are in the dictionary were tried.
/// What comes out alike for all of them says nothing.
fn found(ledger: &Ledger) -> Vec<&'static str> {
    let (all, decided) = (all_of(ledger), last_decision(ledger));
    let tried = DICTIONARY.map(|name| (name, guesses(&decided, name)));
    let of_all = |guess: &String| tried.iter().all(|(_, guesses)| guesses.contains(guess));
    let says = |guess: &String| !of_all(guess) && all.contains(guess);
    let names = tried.iter();
    let names = names.filter(|(_, guesses)| guesses.iter().any(says));
    names.map(|(name, _)| *name).collect()
}

#[test]
fn a_dictionary_finds_nothing_in_a_log_after_an_erasure() {
    for (rules, content, pointer) in [
        (
            r#"{"kinds":{"wcp.decision":["/input/request"]}}"#,
            RequestContent::Whole,
            "/input/request",
        ),
        (
            r#"{"kinds":{"wcp.decision":["/input/request/name"]}}"#,
            RequestContent::Whole,
            "/input/request/name",
        ),
        (
            r#"{"kinds":{"wcp.decision":["/input/request_digest"]}}"#,
            RequestContent::Digest,
            "/input/request_digest",
        ),
    ] {
        // The control: where nothing was taken out, and before it is erased, it is found.
        let plain = ledger(r#"{"kinds":{}}"#, content);
        plain.decide(&hall(), &asked(SAID)).unwrap();
        assert_eq!(found(&plain), [SAID], "{pointer}");
        let ledger = ledger(rules, content);
        let seq = ledger.decide(&hall(), &asked(SAID)).unwrap().receipt.seq;
        assert_eq!(found(&ledger), [SAID], "{pointer}");
        let wanted = [(seq, Pointer::parse(pointer).unwrap())];
        ledger.erase(&wanted, "asked for", Value::Null).unwrap();
        assert_eq!(found(&ledger), [""; 0], "{pointer}");
        let states = ledger.redacted(seq).unwrap().into_iter();
        assert!(
            states
                .into_iter()
                .all(|it| matches!(it.state, MemberState::Erased { .. }))
        );
        assert_eq!(
            ledger.verify(&Policy::default()).unwrap().verdict,
            Verdict::Pass
        );
    }
}

/// Where the opening is not kept at all, there is nothing to try from the beginning.
#[test]
fn a_masked_request_is_not_found_by_any_digest() {
    let rules = r#"{"kinds":{"wcp.decision":[{"pointer":"/input/request","do":"commitment"}]}}"#;
    let ledger = ledger(rules, RequestContent::Whole);
    ledger.decide(&hall(), &asked(SAID)).unwrap();
    assert_eq!(found(&ledger), [""; 0]);
}
