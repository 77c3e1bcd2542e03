//! A Rego policy as one document: what is recorded of it, and run again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rego::{ENTRYPOINT, RegoError, RegoGate, RegoLimits, RegoSource};
use crate::ledger::json::Value;
use crate::ledger::shape::{self, MemberError, MemberProblem, constant};

/// The `engine` of the document.
const ENGINE: &str = "rego";

/// More instructions than this are not run again, whatever a document says.
const MOST_INSTRUCTIONS: usize = 100_000_000;

/// And no more bytes.
const MOST_BYTES: u64 = 256 << 20;

/// The version of the counted budget.
const BUDGET: u64 = 1;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegoDocumentError {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Policy(#[from] RegoError),
}

/// The document. Those of earlier releases have `instructions` alone in the place
/// of the budget.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyDocument {
    engine: Engine,
    entrypoint: Entrypoint,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    budget: Option<Budget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instructions: Option<u64>,
    modules: BTreeMap<String, String>,
    #[serde(deserialize_with = "Option::deserialize")]
    data: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    version: u64,
    instructions: u64,
    bytes: u64,
}

constant!(Engine, ENGINE, ENGINE);
constant!(Entrypoint, ENTRYPOINT, ENTRYPOINT);

impl RegoGate {
    /// `{"engine": "rego", "entrypoint", "budget", "modules", "data"}`: modules by
    /// name, and the budget, since it decides too: `{"version": 1, "instructions",
    /// "bytes"}`.
    pub fn to_document(&self) -> Value {
        to_document(self.source(), self.limits())
    }

    /// Compiles the policy of a document. Of `limits` the time holds: that of
    /// the machine which answered first says nothing about this one.
    pub fn from_document(
        document: &Value,
        limits: RegoLimits,
    ) -> Result<RegoGate, RegoDocumentError> {
        let document: PolicyDocument = shape::read(document, "")?;
        let wrong = |at: &str, expected: &'static str| MemberError {
            at: at.to_owned(),
            problem: MemberProblem::BadValue {
                expected: expected.into(),
            },
        };
        let (instructions, bytes) = match (document.budget, document.instructions) {
            (Some(budget), None) if budget.version == BUDGET => {
                (budget.instructions, Some(budget.bytes))
            }
            (Some(_), None) => {
                let expected = "1, the version that this release counts by";
                return Err(wrong("budget.version", expected).into());
            }
            (None, Some(instructions)) => (instructions, None),
            _ => return Err(wrong("budget", "a budget, or instructions alone").into()),
        };
        let limits = RegoLimits {
            // The document's author does not decide how long this runs.
            instructions: usize::try_from(instructions)
                .unwrap_or(usize::MAX)
                .min(MOST_INSTRUCTIONS),
            bytes: bytes.map(|bytes| bytes.min(MOST_BYTES)),
            ..limits
        };
        let source = RegoSource {
            modules: document.modules,
            data: document.data,
        };
        Ok(RegoGate::new(source, limits)?)
    }
}

/// Whether the policy of a document has a counted budget. One that has none may
/// take all memory there is, and is run behind the second fence only.
pub fn has_budget(document: &Value) -> bool {
    document.get("budget").is_some()
}

pub fn to_document(source: &RegoSource, limits: RegoLimits) -> Value {
    let instructions = limits.instructions as u64;
    let budget = limits.bytes.map(|bytes| Budget {
        version: BUDGET,
        instructions,
        bytes,
    });
    shape::write(&PolicyDocument {
        engine: Engine,
        entrypoint: Entrypoint,
        instructions: budget.is_none().then_some(instructions),
        budget,
        modules: source.modules.clone(),
        data: source.data.clone(),
    })
}
