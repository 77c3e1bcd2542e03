//! What a recomputed decision rests on.

use serde::ser::{Serialize, Serializer};

use crate::ledger::words::words;

words! {
    pub enum InputTrust {
        /// Computed again from what is recorded.
        Recomputed = "recomputed",
        /// The Hall's word, since its source cannot be asked again.
        TakenOnTrust = "taken_on_trust",
        /// It was erased, and nobody can take the decision again.
        Erased = "taken_on_trust: erased",
        /// It was taken out of the entry, and its opening is not here.
        Withheld = "taken_on_trust: withheld",
    }
}

/// The inputs of one decision, each with its label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(pub Vec<(&'static str, InputTrust)>);

impl Inputs {
    /// Whether what was asked is not here.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let mut labels = self.0.iter();
        labels.any(|(_, trust)| matches!(trust, InputTrust::Erased | InputTrust::Withheld))
    }

    pub(super) fn add(&mut self, name: &'static str, trust: InputTrust) {
        self.0.push((name, trust));
    }
}

/// By name, as JSON.
impl Serialize for Inputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut labels = self.0.clone();
        labels.sort_unstable_by_key(|(name, _)| *name);
        serializer.collect_map(labels.iter().map(|(name, trust)| (name, trust.as_str())))
    }
}
