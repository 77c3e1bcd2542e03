//! What a recomputed decision rests on.

use crate::ledger::json::{Object, Value};
use crate::ledger::words::words;

words! {
    pub enum Trust {
        /// Computed again from what is recorded.
        Recomputed = "recomputed",
        /// The Hall's word, since its source cannot be asked again.
        TakenOnTrust = "taken_on_trust",
    }
}

/// The inputs of one decision, each with its label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(pub Vec<(&'static str, Trust)>);

impl Inputs {
    pub(super) fn add(&mut self, name: &'static str, trust: Trust) {
        self.0.push((name, trust));
    }

    pub fn to_value(&self) -> Value {
        let labels = self.0.iter().map(|(name, trust)| (*name, trust.as_str()));
        Value::Object(labels.collect::<Object>())
    }
}
