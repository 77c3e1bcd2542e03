//! One routing rule, and what follows from it, prepared for every request.

use std::sync::Arc;

use serde::Deserialize;

use super::condition::{Condition, ConditionError, RequestField};
use super::escalation::{Escalation, PreconditionsChecked};
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError};
use crate::ledger::written::Written;

/// The control that asks for blast scoring.
pub const BLAST_CONTROL: &str = "ctrl.blast_radius_scoring";

/// The control that asks for privilege envelopes.
pub const ENVELOPE_CONTROL: &str = "ctrl.privilege_envelopes_required";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub rule_id: Arc<str>,
    /// At most one condition a field, in the order of the fields. A field that
    /// is not here may be anything.
    pub conditions: Vec<(RequestField, Condition)>,
    pub effect: RuleEffect,
}

/// The `decision` of a rule. What every decision under it repeats is shared,
/// not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleEffect {
    pub candidates: Arc<[RankedWorker]>,
    /// The controls that must be present, sorted and without repetition.
    pub required_controls: Arc<Written<Vec<Arc<str>>>>,
    /// Objects; carried, not judged.
    pub recommended_profiles: Arc<Written<Vec<Value>>>,
    pub escalation: Arc<Written<Escalation>>,
    pub preconditions: Arc<Written<PreconditionsChecked>>,
    /// Whether [`BLAST_CONTROL`] is required.
    pub wants_blast_score: bool,
    /// Whether [`ENVELOPE_CONTROL`] is required.
    pub wants_envelope: bool,
}

/// The `decision` of a rule, as its document has it. Of its own members those
/// that are not known are let pass.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Decision {
    #[serde(deserialize_with = "shape::or_default")]
    required_controls_suggested: Vec<Arc<str>>,
    #[serde(deserialize_with = "shape::or_default")]
    candidate_workers_ranked: Vec<RankedWorker>,
    #[serde(deserialize_with = "shape::or_default")]
    recommended_profiles: Vec<Object>,
    #[serde(deserialize_with = "shape::or_default")]
    escalation: Escalation,
    #[serde(deserialize_with = "shape::or_default")]
    preconditions: PreconditionsChecked,
}

/// A worker species that a rule names.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RankedWorker {
    /// None where the rule leaves it out; such a candidate is never available.
    pub worker_species_id: Option<Arc<str>>,
    pub score_hint: Option<f64>,
    /// Carried, not judged.
    pub requires_controls_minimum: Option<Arc<[Arc<str>]>>,
}

/// Hints are finite, so that equality is total.
impl Eq for RankedWorker {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("match.{field}: a request has no such field")]
    UnknownField { field: String },
    #[error("match.{field}: {problem}")]
    Condition {
        field: RequestField,
        problem: ConditionError,
    },
    #[error("rule_id: the same as that of rule {earlier}")]
    DuplicateId { earlier: usize },
}

impl RuleProblem {
    pub fn at(&self) -> String {
        match self {
            RuleProblem::Member(error) => error.at.clone(),
            RuleProblem::UnknownField { field } => format!("match.{field}"),
            RuleProblem::Condition { field, .. } => format!("match.{field}"),
            RuleProblem::DuplicateId { .. } => "rule_id".to_owned(),
        }
    }
}

impl Rule {
    /// Reads a rule. Members that WCP does not know are let pass, in a rule and
    /// in its decision: rule files carry notes. In `match`, `escalation` and
    /// `preconditions` they are errors, for there they would be guards that
    /// nobody keeps.
    pub fn read(value: &Value) -> Result<Rule, RuleProblem> {
        let members = shape::members(value)?;
        let rule_id = shape::member(members, "rule_id")?;
        let mut conditions = Vec::new();
        for (name, condition) in shape::member_object(members, "match")?.iter() {
            let field = RequestField::parse(name).ok_or_else(|| RuleProblem::UnknownField {
                field: name.to_owned(),
            })?;
            let condition = Condition::read(condition)
                .map_err(|problem| RuleProblem::Condition { field, problem })?;
            conditions.push((field, condition));
        }
        conditions.sort_unstable_by_key(|(field, _)| *field);
        Ok(Rule {
            rule_id,
            conditions,
            effect: RuleEffect::of(shape::member(members, "decision")?),
        })
    }

    pub fn condition(&self, field: RequestField) -> Option<&Condition> {
        let mut conditions = self.conditions.iter();
        conditions.find(|(of, _)| *of == field).map(|(_, c)| c)
    }
}

impl RuleEffect {
    fn of(decision: Decision) -> RuleEffect {
        let mut controls = decision.required_controls_suggested;
        controls.sort_unstable();
        controls.dedup();
        let wants = |control: &str| controls.iter().any(|c| &**c == control);
        let profiles = decision.recommended_profiles.into_iter();
        RuleEffect {
            wants_blast_score: wants(BLAST_CONTROL),
            wants_envelope: wants(ENVELOPE_CONTROL),
            candidates: decision.candidate_workers_ranked.into(),
            required_controls: Arc::new(Written::new(controls)),
            recommended_profiles: Arc::new(Written::new(profiles.map(Value::Object).collect())),
            escalation: Arc::new(Written::new(decision.escalation)),
            preconditions: Arc::new(Written::new(decision.preconditions)),
        }
    }
}
