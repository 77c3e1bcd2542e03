//! Whether a decision has the shape that a conformance specification demands;
//! for CI, not for production.

use std::sync::LazyLock;

use serde::Deserialize;

use super::decision::RouteDecision;
use crate::ledger::json::Value;
use crate::ledger::shape::{self, MemberError};

/// What decisions must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conformance {
    pub required_fields: Vec<String>,
    pub required_events: Vec<RequiredEvent>,
}

/// An event that must be reported.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RequiredEvent {
    pub event: String,
    /// The members that it must have, not `null`.
    #[serde(default, deserialize_with = "shape::or_default")]
    pub must_include_dimensions: Vec<String>,
}

/// The specification's document; what else it has is not for this.
#[derive(Deserialize)]
struct Specification {
    decision_output_schema: Option<OutputSchema>,
    telemetry_requirements: Option<TelemetryRequirements>,
}

#[derive(Deserialize)]
struct OutputSchema {
    required_fields: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct TelemetryRequirements {
    required_events: Option<Vec<RequiredEvent>>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConformanceError {
    #[error("the decision has no field \"{field}\"")]
    MissingField { field: String },
    #[error("the decision reports no event \"{event}\"")]
    MissingEvent { event: String },
    #[error("event \"{event}\" has no dimension \"{dimension}\"")]
    MissingDimension { event: String, dimension: String },
}

static DEFAULT: LazyLock<Conformance> = LazyLock::new(|| {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let event = |event: &str, dimensions: &[&str]| RequiredEvent {
        event: event.to_owned(),
        must_include_dimensions: texts(dimensions),
    };
    Conformance {
        required_fields: texts(&[
            "decision_id",
            "timestamp",
            "correlation_id",
            "tenant_id",
            "capability_id",
            "matched_rule_id",
            "denied",
            "telemetry_envelopes",
        ]),
        required_events: vec![
            event(
                "evt.os.task.routed",
                &["correlation_id", "tenant_id", "capability_id", "qos_class"],
            ),
            event(
                "evt.os.worker.selected",
                &["correlation_id", "capability_id"],
            ),
            event("evt.os.policy.gated", &["correlation_id", "decision"]),
        ],
    }
});

impl Default for Conformance {
    /// What WCP itself demands (SPEC §7).
    fn default() -> Conformance {
        DEFAULT.clone()
    }
}

impl Conformance {
    /// Reads a specification: `decision_output_schema.required_fields` and
    /// `telemetry_requirements.required_events`; what it leaves out is that of
    /// the default.
    pub fn read(value: &Value) -> Result<Conformance, MemberError> {
        let given: Specification = shape::read(value, "")?;
        let given_events = given.telemetry_requirements;
        let given_fields = given.decision_output_schema;
        let default = Conformance::default();
        Ok(Conformance {
            required_fields: given_fields
                .and_then(|schema| schema.required_fields)
                .unwrap_or(default.required_fields),
            required_events: given_events
                .and_then(|telemetry| telemetry.required_events)
                .unwrap_or(default.required_events),
        })
    }

    /// Everything in which a decision falls short; a denial need not report the
    /// events of a dispatch.
    pub fn check(&self, decision: &RouteDecision) -> Vec<ConformanceError> {
        let value = decision.to_value();
        let fields = self.required_fields.iter();
        let mut errors: Vec<_> = fields
            .filter(|field| value.get(field).is_none())
            .map(|field| ConformanceError::MissingField {
                field: field.clone(),
            })
            .collect();
        if !decision.denied() {
            let reported = value.get("telemetry_envelopes").and_then(Value::as_array);
            for required in &self.required_events {
                required.check(reported.unwrap_or_default(), &mut errors);
            }
        }
        errors
    }
}

impl RequiredEvent {
    fn check(&self, reported: &[Value], errors: &mut Vec<ConformanceError>) {
        let is_it = |e: &&Value| e.get("event_id").and_then(Value::as_str) == Some(&self.event);
        let Some(event) = reported.iter().find(is_it) else {
            return errors.push(ConformanceError::MissingEvent {
                event: self.event.clone(),
            });
        };
        for dimension in &self.must_include_dimensions {
            if event.get(dimension).is_none_or(Value::is_null) {
                errors.push(ConformanceError::MissingDimension {
                    event: self.event.clone(),
                    dimension: dimension.clone(),
                });
            }
        }
    }
}
