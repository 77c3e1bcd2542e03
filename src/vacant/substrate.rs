//! On what a vacant may run. A substrate is a resource, not the identity.

use super::error::TypeIntegrityError;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};

/// The substrates that a vacant accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubstrateSpec {
    allowed_substrates: Vec<String>,
    policy: Object,
}

impl SubstrateSpec {
    /// A specification; the order of the names is part of it.
    ///
    /// # Errors
    /// [`TypeIntegrityError::BlankSubstrate`].
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
    #[must_use]
    pub fn allowed_substrates(&self) -> &[String] {
        &self.allowed_substrates
    }

    /// Settings by substrate, in whatever form its dispatcher reads.
    #[must_use]
    pub const fn policy(&self) -> &Object {
        &self.policy
    }

    /// The canonical JSON of `{"allowed_substrates", "policy"}`, UTF-8: what a
    /// card's signature covers.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.to_object().write_canonical(Form::Utf8, &mut bytes);
        bytes
    }

    /// `{"allowed_substrates", "policy"}`.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("allowed_substrates", strings(&self.allowed_substrates));
        object.insert("policy", self.policy.clone());
        object
    }

    /// The inverse of [`SubstrateSpec::to_object`].
    pub(super) fn from_members(
        mut members: Members<'_>,
    ) -> Result<SubstrateSpec, TypeIntegrityError> {
        let names = string_list(&mut members, "allowed_substrates")?;
        let policy = members.object("policy")?.clone();
        members.finish()?;
        SubstrateSpec::new(names, policy)
    }
}

pub(super) fn strings(texts: &[String]) -> Vec<Value> {
    texts
        .iter()
        .map(|text| Value::from(text.as_str()))
        .collect()
}

pub(super) fn string_list(
    members: &mut Members<'_>,
    name: &str,
) -> Result<Vec<String>, MemberError> {
    let items = members.array(name)?;
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect();
    let expected = "an array of strings";
    texts.ok_or_else(|| {
        members.error(
            name,
            MemberProblem::WrongType {
                expected: expected.into(),
            },
        )
    })
}
