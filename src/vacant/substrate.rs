//! On what a vacant may run. A substrate is a resource, not the identity.

use serde::{Deserialize, Serialize};

use super::error::TypeIntegrityError;
use crate::ledger::json::{Form, Object};
use crate::ledger::shape;

/// The substrates that a vacant accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubstrateSpec {
    allowed_substrates: Vec<String>,
    policy: Object,
}

/// A specification as it was read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubstrateRead {
    allowed_substrates: Vec<String>,
    policy: Object,
}

impl SubstrateRead {
    pub(super) fn checked(self) -> Result<SubstrateSpec, TypeIntegrityError> {
        SubstrateSpec::new(self.allowed_substrates, self.policy)
    }
}

impl SubstrateSpec {
    /// A specification; the order of the names is part of it.
    pub fn new(
        allowed_substrates: Vec<String>,
        policy: Object,
    ) -> Result<SubstrateSpec, TypeIntegrityError> {
        let blank = allowed_substrates
            .iter()
            .position(|name| name.trim().is_empty());
        match blank {
            Some(index) => Err(TypeIntegrityError::BlankSubstrate { index }),
            None => Ok(SubstrateSpec {
                allowed_substrates,
                policy,
            }),
        }
    }

    /// The names, such as `openai:gpt-4o`.
    pub fn allowed_substrates(&self) -> &[String] {
        &self.allowed_substrates
    }

    /// Settings by substrate, in whatever form its dispatcher reads.
    pub const fn policy(&self) -> &Object {
        &self.policy
    }

    /// The canonical JSON of `{"allowed_substrates", "policy"}`, UTF-8: what a
    /// card's signature covers.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.to_object().write_canonical(Form::Utf8, &mut bytes);
        bytes
    }

    /// `{"allowed_substrates", "policy"}`.
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}
