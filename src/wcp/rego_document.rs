//! A Rego policy as one document: what is recorded of it, and run again.

use std::collections::BTreeMap;

use super::rego::{ENTRYPOINT, RegoError, RegoGate, RegoLimits, RegoSource};
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};

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

impl RegoGate {
    /// `{"engine": "rego", "entrypoint", "instructions", "modules", "data"}`:
    /// modules by name, the limit of steps, since it decides too.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let source = self.source();
        let modules = source.modules.iter();
        let modules: Object = modules.map(|(n, t)| (n.clone(), t.as_str())).collect();
        let instructions = self.limits().instructions as u64;
        let members: Object = [
            ("engine", Value::from(ENGINE)),
            ("entrypoint", Value::from(ENTRYPOINT)),
            ("instructions", Value::from(instructions)),
            ("modules", Value::Object(modules)),
            ("data", Value::from(source.data.clone())),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
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
        let mut members = Members::of(document, "")?;
        let m = &mut members;
        for (name, expected) in [("engine", ENGINE), ("entrypoint", ENTRYPOINT)] {
            if m.str(name)? != expected {
                return Err(m
                    .error(
                        name,
                        MemberProblem::BadValue {
                            expected: expected.into(),
                        },
                    )
                    .into());
            }
        }
        let instructions = m.u64("instructions")?;
        let mut named = m.nested("modules")?;
        let names: Vec<&str> = named.names().collect();
        let mut modules = BTreeMap::new();
        for name in names {
            modules.insert(name.to_owned(), named.str(name)?.to_owned());
        }
        let data = m.required("data")?;
        let data = (!data.is_null()).then(|| data.clone());
        members.finish()?;
        let limits = RegoLimits {
            // Whoever wrote the document does not decide how long this runs.
            instructions: usize::try_from(instructions)
                .unwrap_or(usize::MAX)
                .min(MOST_INSTRUCTIONS),
            ..limits
        };
        Ok(RegoGate::new(RegoSource { modules, data }, limits)?)
    }
}
