//! One routing rule, and what follows from it, prepared for every request.

use std::sync::Arc;

use super::condition::{Condition, ConditionError, Field};
use super::escalation::{Escalation, PreconditionsChecked, objects};
use super::reading::text_list;
use crate::ledger::json::Value;
use crate::ledger::members::{MemberError, MemberProblem, Members};

/// The control that asks for blast scoring.
pub const BLAST_CONTROL: &str = "ctrl.blast_radius_scoring";

/// The control that asks for privilege envelopes.
pub const ENVELOPE_CONTROL: &str = "ctrl.privilege_envelopes_required";

/// A routing rule: when it matches, and what is decided then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Unique in its set.
    pub rule_id: Arc<str>,
    /// At most one condition a field, in the order of the fields. A field that
    /// is not here may be anything.
    pub conditions: Vec<(Field, Condition)>,
    /// What is decided when every condition holds.
    pub effect: RuleEffect,
}

/// The `decision` of a rule. What every decision under it repeats is shared,
/// not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleEffect {
    /// The workers to try, best first.
    pub candidates: Arc<[RankedWorker]>,
    /// The controls that must be present, sorted and without repetition.
    pub required_controls: Arc<[Arc<str>]>,
    /// Objects; carried, not judged.
    pub recommended_profiles: Arc<[Value]>,
    /// Whether and why others have a say.
    pub escalation: Arc<Escalation>,
    /// What is checked first.
    pub preconditions: PreconditionsChecked,
    /// Whether [`BLAST_CONTROL`] is required.
    pub wants_blast_score: bool,
    /// Whether [`ENVELOPE_CONTROL`] is required.
    pub wants_envelope: bool,
}

/// A worker species that a rule names.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedWorker {
    /// None where the rule leaves it out; such a candidate is never available.
    pub worker_species_id: Option<Arc<str>>,
    /// Finite.
    pub score_hint: Option<f64>,
    /// Carried, not judged.
    pub requires_controls_minimum: Option<Arc<[Arc<str>]>>,
}

/// Hints are finite, so that equality is total.
impl Eq for RankedWorker {}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// A member is missing or of the wrong type.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// A condition on something that no request has.
    #[error("match.{field}: a request has no such field")]
    UnknownField {
        /// Its name.
        field: String,
    },
    /// A condition that is none.
    #[error("match.{field}: {problem}")]
    Condition {
        /// On which field.
        field: Field,
        /// What is wrong.
        problem: ConditionError,
    },
    /// An earlier rule has the same `rule_id`.
    #[error("rule_id: the same as that of rule {earlier}")]
    DuplicateId {
        /// The earlier rule's position, from 0.
        earlier: usize,
    },
}

impl RuleProblem {
    /// The path inside the rule.
    #[must_use]
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
    ///
    /// # Errors
    /// [`RuleProblem`] says where in the rule.
    pub fn read(value: &Value) -> Result<Rule, RuleProblem> {
        let mut members = Members::of(value, "")?;
        let rule_id = Arc::from(members.str("rule_id")?);
        let mut conditions = Vec::new();
        for (name, condition) in members.object("match")?.iter() {
            let field = Field::parse(name).ok_or_else(|| RuleProblem::UnknownField {
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
            effect: RuleEffect::read(members.nested("decision")?)?,
        })
    }

    /// The condition on `field`, if there is one.
    #[must_use]
    pub fn condition(&self, field: Field) -> Option<&Condition> {
        let mut conditions = self.conditions.iter();
        conditions.find(|(of, _)| *of == field).map(|(_, c)| c)
    }
}

impl RuleEffect {
    fn read(mut members: Members<'_>) -> Result<RuleEffect, MemberError> {
        let m = &mut members;
        let mut controls: Vec<Arc<str>> =
            text_list(m, "required_controls_suggested")?.unwrap_or_default();
        controls.sort_unstable();
        controls.dedup();
        let wants = |control: &str| controls.iter().any(|c| &**c == control);
        let (wants_blast_score, wants_envelope) = (wants(BLAST_CONTROL), wants(ENVELOPE_CONTROL));
        let candidates = m.opt_array("candidate_workers_ranked")?.unwrap_or_default();
        let candidates = candidates.iter().enumerate().map(|(index, item)| {
            let at = format!("{}[{index}]", m.path("candidate_workers_ranked"));
            RankedWorker::read(item, &at)
        });
        Ok(RuleEffect {
            candidates: candidates.collect::<Result<_, _>>()?,
            required_controls: controls.into(),
            recommended_profiles: objects(m, "recommended_profiles")?.into(),
            escalation: match m.opt_nested("escalation")? {
                Some(escalation) => Escalation::read(escalation)?,
                None => Escalation::default(),
            }
            .into(),
            preconditions: match m.opt_nested("preconditions")? {
                Some(preconditions) => PreconditionsChecked::read(preconditions)?,
                None => PreconditionsChecked::default(),
            },
            wants_blast_score,
            wants_envelope,
        })
    }
}

impl RankedWorker {
    fn read(value: &Value, at: &str) -> Result<RankedWorker, MemberError> {
        let mut members = Members::of(value, at)?;
        let m = &mut members;
        let score_hint = match m.optional("score_hint") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_f64().ok_or_else(|| {
                let expected = "a number";
                m.error(
                    "score_hint",
                    MemberProblem::WrongType {
                        expected: expected.into(),
                    },
                )
            })?),
        };
        let minimum: Option<Vec<Arc<str>>> = text_list(m, "requires_controls_minimum")?;
        Ok(RankedWorker {
            worker_species_id: m.opt_str("worker_species_id")?.map(Arc::from),
            score_hint,
            requires_controls_minimum: minimum.map(Arc::from),
        })
    }
}
