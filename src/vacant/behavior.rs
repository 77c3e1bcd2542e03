//! How a vacant behaves, and one hash that changes when that does.

use super::error::TypeIntegrityError;
use super::substrate::{string_list, strings};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::members::Members;

/// System prompt, policy and tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviorBundle {
    system_prompt: String,
    policy_dsl: String,
    tool_whitelist: Vec<String>,
    bundle_hash: Hash,
}

impl BehaviorBundle {
    /// A bundle with its hash: BLAKE2b-256 of the canonical JSON of the three
    /// members, the tools sorted by code point.
    #[must_use]
    pub fn new(
        system_prompt: String,
        policy_dsl: String,
        tool_whitelist: Vec<String>,
    ) -> BehaviorBundle {
        let mut sorted = tool_whitelist.clone();
        sorted.sort_unstable();
        let content = content(&system_prompt, &policy_dsl, &sorted);
        let mut bytes = Vec::new();
        content.write_canonical(Form::Utf8, &mut bytes);
        BehaviorBundle {
            system_prompt,
            policy_dsl,
            tool_whitelist,
            bundle_hash: Hash::of(&bytes),
        }
    }

    /// The same bundle, if `stated` is its hash.
    ///
    /// # Errors
    /// [`TypeIntegrityError::BundleHash`].
    pub fn checked(self, stated: &Hash) -> Result<BehaviorBundle, TypeIntegrityError> {
        if *stated == self.bundle_hash {
            return Ok(self);
        }
        Err(TypeIntegrityError::BundleHash {
            stated: *stated,
            computed: self.bundle_hash,
        })
    }

    /// What the substrate is given as its system message.
    #[must_use]
    pub fn system_prompt(&self) -> &str {
        &self.system_prompt
    }

    /// The policy, in its own language; may be empty.
    #[must_use]
    pub fn policy_dsl(&self) -> &str {
        &self.policy_dsl
    }

    /// The tools that may be used, in the order given.
    #[must_use]
    pub fn tool_whitelist(&self) -> &[String] {
        &self.tool_whitelist
    }

    /// The hash of all three.
    #[must_use]
    pub const fn bundle_hash(&self) -> Hash {
        self.bundle_hash
    }

    /// `{"bundle_hash", "policy_dsl", "system_prompt", "tool_whitelist"}`.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = content(&self.system_prompt, &self.policy_dsl, &self.tool_whitelist);
        object.insert("bundle_hash", self.bundle_hash.to_string());
        object
    }

    /// The inverse of [`BehaviorBundle::to_object`]; without a hash, or with an
    /// empty one, it is computed.
    pub(super) fn from_members(
        mut members: Members<'_>,
    ) -> Result<BehaviorBundle, TypeIntegrityError> {
        let bundle = BehaviorBundle::new(
            members.str("system_prompt")?.to_owned(),
            members
                .opt_str("policy_dsl")?
                .unwrap_or_default()
                .to_owned(),
            string_list(&mut members, "tool_whitelist")?,
        );
        let absent = members.optional("bundle_hash").and_then(Value::as_str) == Some("");
        let stated = if absent {
            None
        } else {
            members.opt_hex("bundle_hash")?
        };
        members.finish()?;
        match stated {
            Some(stated) => bundle.checked(&Hash::from_bytes(stated)),
            None => Ok(bundle),
        }
    }
}

fn content(system_prompt: &str, policy_dsl: &str, tools: &[String]) -> Object {
    let mut object = Object::new();
    object.insert("system_prompt", system_prompt);
    object.insert("policy_dsl", policy_dsl);
    object.insert("tool_whitelist", strings(tools));
    object
}
