//! One condition of a rule: what it lets through, and what it covers.

use super::input::RouteInput;
use crate::ledger::json::{Object, Value};
use crate::ledger::words::words;

words! {
    /// A field of a request that rules can match on.
    pub enum RequestField {
        CapabilityId = "capability_id",
        Env = "env",
        DataLabel = "data_label",
        TenantRisk = "tenant_risk",
        QosClass = "qos_class",
        TenantId = "tenant_id",
        CorrelationId = "correlation_id",
    }
}

impl RequestField {
    pub fn of(self, input: &RouteInput) -> &str {
        match self {
            RequestField::CapabilityId => &input.capability_id,
            RequestField::Env => input.env.as_str(),
            RequestField::DataLabel => input.data_label.as_str(),
            RequestField::TenantRisk => input.tenant_risk.as_str(),
            RequestField::QosClass => input.qos_class.as_str(),
            RequestField::TenantId => &input.tenant_id,
            RequestField::CorrelationId => &input.correlation_id,
        }
    }
}

/// What a rule wants of one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// `{"any": true}`: whatever it is.
    Any,
    /// `"value"`: this.
    Exact(String),
    /// `{"in": […]}`: one of these, sorted and without repetition.
    In(Vec<String>),
    /// `{"any": false}`: nothing.
    NotAny,
    /// `{}`: nothing.
    Empty,
}

/// What is wrong with a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    #[error("not a string, {{\"in\": [..]}} or {{\"any\": true}}")]
    WrongType,
    #[error("not exactly one of the operators \"in\" and \"any\"")]
    BadOperator,
    #[error("\"in\" is not a list of strings")]
    BadList,
    #[error("\"any\" is not a boolean")]
    BadAny,
}

impl Condition {
    pub fn read(value: &Value) -> Result<Condition, ConditionError> {
        match value {
            Value::String(text) => Ok(Condition::Exact(text.clone())),
            Value::Object(object) => operator(object),
            _ => Err(ConditionError::WrongType),
        }
    }

    /// Whether it lets `value` through.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Condition::Any => true,
            Condition::Exact(wanted) => wanted == value,
            Condition::In(wanted) => contains(wanted, value),
            Condition::NotAny | Condition::Empty => false,
        }
    }

    /// Whether it covers `other`, a condition on the same field, in the sense
    /// of shadow detection (SPEC §5.1): equal covers equal, `in` a member or a
    /// subset, only `any` covers `any`. By form, not by meaning: a list of
    /// every environment does not cover `any`.
    pub fn covers(&self, other: &Condition) -> bool {
        match (self, other) {
            (Condition::Any, _) => true,
            (Condition::In(wide), Condition::Exact(text)) => contains(wide, text),
            (Condition::In(wide), Condition::In(narrow)) => {
                narrow.len() <= wide.len() && narrow.iter().all(|text| contains(wide, text))
            }
            _ => self == other,
        }
    }
}

fn operator(object: &Object) -> Result<Condition, ConditionError> {
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (None, _) => Ok(Condition::Empty),
        (Some(("any", Value::Bool(any))), None) => Ok(match any {
            true => Condition::Any,
            false => Condition::NotAny,
        }),
        (Some(("any", _)), None) => Err(ConditionError::BadAny),
        (Some(("in", Value::Array(items))), None) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            let texts: Option<Vec<String>> = texts.collect();
            let mut texts = texts.ok_or(ConditionError::BadList)?;
            texts.sort_unstable();
            texts.dedup();
            Ok(Condition::In(texts))
        }
        (Some(("in", _)), None) => Err(ConditionError::BadList),
        _ => Err(ConditionError::BadOperator),
    }
}

fn contains(sorted: &[String], text: &str) -> bool {
    sorted
        .binary_search_by(|item| item.as_str().cmp(text))
        .is_ok()
}
