//! Which members are redactable or masked, by the kind of entry:
//! `{"kinds":{"order":["/customer/email",{"pointer":"/note","optional":true,"do":"drop"}]}}`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::json::Value;
use super::super::shape::{self, MemberError};
use super::{RedactError, Redactable, check_apart};

/// Rules for the entries of some kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactRules {
    kinds: BTreeMap<String, Vec<Redactable>>,
}

/// Why a text is not rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("kinds.{kind}: {error}")]
    Kind { kind: String, error: RedactError },
}

impl RedactRules {
    /// Reads rules.
    ///
    /// # Errors
    /// [`RulesError`]; two places of a kind of which one lies in the other are refused.
    pub fn read(value: &Value) -> Result<RedactRules, RulesError> {
        let rules: RedactRules = shape::read(value, "")?;
        for (kind, places) in &rules.kinds {
            check_apart(places).map_err(|error| RulesError::Kind {
                kind: kind.clone(),
                error,
            })?;
        }
        Ok(rules)
    }

    /// Whether they say nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The kinds that they are about, each with its places.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &[Redactable])> {
        let kinds = self.kinds.iter();
        kinds.map(|(kind, places)| (kind.as_str(), &**places))
    }

    /// What they say of a kind, and what was said of one entry besides. Where both name
    /// a place, the entry's word stands.
    #[must_use]
    pub fn of(&self, kind: &str, besides: &[Redactable]) -> Vec<Redactable> {
        let own = self.kinds.get(kind).into_iter().flatten();
        let named = |rule: &&Redactable| !besides.iter().any(|it| it.pointer == rule.pointer);
        own.filter(named).chain(besides).cloned().collect()
    }
}
