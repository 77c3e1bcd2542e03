//! Simulating a dispatch from the catalogue, without a Hall.

use super::basis::{Basis, DEFAULT_TASK_ID};
use super::catalog::{Catalog, EntryType};
use super::config::HallConfig;
use super::decision::RouteDecision;
use super::gate::StubGate;
use super::input::RouteInput;
use super::router::make_decision;
use super::rule_set::RuleSet;
use super::rules::{RulesError, load_rules_from_dict};
use super::stamp::DecisionStamp;
use super::validate::EverythingPresent;
use crate::ledger::json::{Object, Value};

/// Rules for one capability, as the catalogue would have it: every worker that
/// is related to it is a candidate, every control that they or it need is
/// required.
///
/// # Errors
/// [`RulesError`] if the catalogue names controls that no rule can hold; that
/// of a catalogue that was loaded does not.
pub fn simulated_rules(catalog: &Catalog, capability_id: &str) -> Result<RuleSet, RulesError> {
    let workers = catalog.referring_to(capability_id);
    let workers: Vec<_> = workers
        .filter(|e| e.entry_type == EntryType::Worker)
        .collect();
    let sources = workers
        .iter()
        .copied()
        .chain(catalog.explain(capability_id));
    let related = sources.flat_map(|entry| &entry.related);
    let controls = related.filter(|id| EntryType::of_id(id) == Some(EntryType::Control));
    let text = |id: &str| Value::from(id);
    let candidates = workers
        .iter()
        .map(|worker| object([("worker_species_id", text(&worker.id))]));
    let decision = object([
        (
            "candidate_workers_ranked",
            Value::Array(candidates.collect()),
        ),
        (
            "required_controls_suggested",
            Value::Array(controls.map(|id| text(id)).collect()),
        ),
    ]);
    let rule = object([
        ("rule_id", text("rr_simulated")),
        ("match", object([("capability_id", text(capability_id))])),
        ("decision", decision),
    ]);
    load_rules_from_dict(&object([("rules", Value::Array(vec![rule]))]))
}

/// What would be decided on a request if every worker and control that the
/// rules name were there. Nothing is dispatched, and nothing is recorded.
pub fn simulate(rules: &RuleSet, input: &RouteInput, stamp: DecisionStamp) -> RouteDecision {
    let config = HallConfig::default();
    let basis = Basis {
        rules,
        config: &config,
        registry: &EverythingPresent,
        gate: Some(&StubGate { everywhere: true }),
        approval: None,
        task_id: DEFAULT_TASK_ID,
    };
    let mut input = input.clone();
    input.dry_run = true;
    make_decision(&input, &basis, stamp).decision
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect::<Object>())
}
