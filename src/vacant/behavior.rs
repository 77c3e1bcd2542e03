//! How a vacant behaves, and one hash that changes when that does.

use serde::{Deserialize, Serialize};

use super::error::TypeIntegrityError;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object};
use crate::ledger::shape;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BehaviorBundle {
    system_prompt: String,
    policy_dsl: String,
    tool_whitelist: Vec<String>,
    bundle_hash: Hash,
}

/// A bundle as it was read; without a hash, or with an empty one, it is
/// computed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BundleRead {
    system_prompt: String,
    #[serde(default, deserialize_with = "shape::or_default")]
    policy_dsl: String,
    tool_whitelist: Vec<String>,
    #[serde(default, deserialize_with = "shape::none_if_empty")]
    bundle_hash: Option<Hash>,
}

impl BundleRead {
    pub(super) fn checked(self) -> Result<BehaviorBundle, TypeIntegrityError> {
        let bundle = BehaviorBundle::new(self.system_prompt, self.policy_dsl, self.tool_whitelist);
        match self.bundle_hash {
            Some(stated) => bundle.checked(&stated),
            None => Ok(bundle),
        }
    }
}

#[derive(Serialize)]
struct HashedContent<'b> {
    system_prompt: &'b str,
    policy_dsl: &'b str,
    tool_whitelist: &'b [String],
}

impl BehaviorBundle {
    /// A bundle with its hash: BLAKE2b-256 of the canonical JSON of the three
    /// members, the tools sorted by code point.
    pub fn new(
        system_prompt: String,
        policy_dsl: String,
        tool_whitelist: Vec<String>,
    ) -> BehaviorBundle {
        let mut sorted = tool_whitelist.clone();
        sorted.sort_unstable();
        let content = shape::write(&HashedContent {
            system_prompt: &system_prompt,
            policy_dsl: &policy_dsl,
            tool_whitelist: &sorted,
        });
        let text = content.canonical(Form::Utf8);
        BehaviorBundle {
            system_prompt,
            policy_dsl,
            tool_whitelist,
            bundle_hash: Hash::of(text.as_bytes()),
        }
    }

    /// The same bundle, if `stated` is its hash.
    pub fn checked(self, stated: &Hash) -> Result<BehaviorBundle, TypeIntegrityError> {
        if *stated == self.bundle_hash {
            return Ok(self);
        }
        Err(TypeIntegrityError::BundleHash {
            stated: *stated,
            computed: self.bundle_hash,
        })
    }

    pub fn system_prompt(&self) -> &str {
        &self.system_prompt
    }

    /// The policy, in its own language; may be empty.
    pub fn policy_dsl(&self) -> &str {
        &self.policy_dsl
    }

    pub fn tool_whitelist(&self) -> &[String] {
        &self.tool_whitelist
    }

    pub const fn bundle_hash(&self) -> Hash {
        self.bundle_hash
    }

    /// `{"bundle_hash", "policy_dsl", "system_prompt", "tool_whitelist"}`.
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}
