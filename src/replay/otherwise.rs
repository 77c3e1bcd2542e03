//! What would have been decided under other rules or another policy. It never
//! happened, and is kept apart from what did.

use std::sync::Arc;

use crate::ledger::json::{Object, Value};
use crate::record::SharedGate;
use crate::wcp::decision::RouteDecision;
use crate::wcp::rule_set::RuleSet;

#[derive(Clone)]
pub struct Alternative {
    /// Other rules; none for those of the record.
    pub rules: Option<Arc<RuleSet>>,
    /// Another policy gate; none for that of the record.
    pub gate: Option<SharedGate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otherwise {
    pub recorded: Brief,
    pub otherwise: Brief,
    /// What would have been asked and is not recorded: then nobody can tell.
    pub undetermined: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    pub deny_code: Option<String>,
    pub worker: Option<String>,
    pub rule: String,
}

/// How many decisions would have come out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherwiseCounts {
    pub same: u64,
    /// Not the same.
    pub changed: u64,
    /// Nobody can tell.
    pub undetermined: u64,
}

impl Otherwise {
    pub(super) fn of(
        recorded: &Value,
        decided: &RouteDecision,
        undetermined: Vec<String>,
    ) -> Otherwise {
        let denial = decided.deny_reason_if_denied.as_ref();
        let worker = decided.selected_worker_species_id.as_deref();
        Otherwise {
            recorded: Brief::of_record(recorded),
            otherwise: Brief {
                deny_code: denial.map(|denial| denial.code().to_owned()),
                worker: worker.map(str::to_owned),
                rule: decided.matched_rule_id.as_ref().to_owned(),
            },
            undetermined,
        }
    }

    /// Whether the answer would have been another: denied or not, why, to whom.
    pub fn changed(&self) -> bool {
        let answer = |brief: &Brief| (brief.deny_code.clone(), brief.worker.clone());
        answer(&self.recorded) != answer(&self.otherwise)
    }

    pub fn to_object(&self) -> Object {
        let unknown = self.undetermined.iter();
        let unknown = unknown.map(|what| Value::from(what.as_str()));
        [
            ("recorded", self.recorded.to_value()),
            ("otherwise", self.otherwise.to_value()),
            ("undetermined", Value::Array(unknown.collect())),
        ]
        .into_iter()
        .collect()
    }
}

impl OtherwiseCounts {
    pub(super) fn add(&mut self, otherwise: &Otherwise) {
        let counter = match (otherwise.undetermined.is_empty(), otherwise.changed()) {
            (false, _) => &mut self.undetermined,
            (true, true) => &mut self.changed,
            (true, false) => &mut self.same,
        };
        *counter += 1;
    }
}

impl Brief {
    pub fn of_record(decision: &Value) -> Brief {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let denial = decision.get("deny_reason_if_denied");
        Brief {
            deny_code: text(denial.and_then(|denial| denial.get("code"))),
            worker: text(decision.get("selected_worker_species_id")),
            rule: text(decision.get("matched_rule_id")).unwrap_or_default(),
        }
    }

    /// `{"denied", "deny_code", "worker", "rule"}`.
    pub fn to_value(&self) -> Value {
        let members: Object = [
            ("denied", Value::from(self.deny_code.is_some())),
            ("deny_code", Value::from(self.deny_code.clone())),
            ("worker", Value::from(self.worker.clone())),
            ("rule", Value::from(self.rule.as_str())),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}
