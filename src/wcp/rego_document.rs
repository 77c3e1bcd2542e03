//! A Rego policy as one document: what is recorded of it, and run again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rego::{ENTRYPOINT, RegoError, RegoGate, RegoLimits, RegoSource};
use crate::ledger::json::Value;
use crate::ledger::shape::{self, MemberError, constant};

/// The `engine` of the document.
const ENGINE: &str = "rego";

/// More steps than this are not run again, whatever a document says.
const MOST_INSTRUCTIONS: usize = 100_000_000;

/// Why a document is no policy that can be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegoDocumentError {
    /// A member is missing or wrong.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The policy was not loaded.
    #[error(transparent)]
    Policy(#[from] RegoError),
}

/// The document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    engine: Engine,
    entrypoint: Entrypoint,
    instructions: u64,
    modules: BTreeMap<String, String>,
    #[serde(deserialize_with = "Option::deserialize")]
    data: Option<Value>,
}

constant!(Engine, ENGINE, ENGINE);
constant!(Entrypoint, ENTRYPOINT, ENTRYPOINT);

impl RegoGate {
    /// `{"engine": "rego", "entrypoint", "instructions", "modules", "data"}`:
    /// modules by name, the limit of steps, since it decides too.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let source = self.source();
        shape::write(&Document {
            engine: Engine,
            entrypoint: Entrypoint,
            instructions: self.limits().instructions as u64,
            modules: source.modules.clone(),
            data: source.data.clone(),
        })
    }

    /// Compiles the policy of a document. Of `limits` the time holds: that of
    /// the machine which answered first says nothing about this one.
    ///
    /// # Errors
    /// [`RegoDocumentError`].
    pub fn from_document(
        document: &Value,
        limits: RegoLimits,
    ) -> Result<RegoGate, RegoDocumentError> {
        let document: Document = shape::read(document, "")?;
        let limits = RegoLimits {
            // Whoever wrote the document does not decide how long this runs.
            instructions: usize::try_from(document.instructions)
                .unwrap_or(usize::MAX)
                .min(MOST_INSTRUCTIONS),
            ..limits
        };
        let source = RegoSource {
            modules: document.modules,
            data: document.data,
        };
        Ok(RegoGate::new(source, limits)?)
    }
}
