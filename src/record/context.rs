//! What a decision was taken under: digests of documents, and the slice of the
//! registry.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::document::DocumentDigest;
use super::governance::Governance;
use super::slice::RegistrySlice;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError, MemberProblem};

#[derive(Clone, Debug, PartialEq)]
pub struct RecordContext {
    pub task_id: String,
    pub rules: DocumentDigest,
    pub config: DocumentDigest,
    pub gate: GateSource,
    pub ban_list: BanSource,
    pub registry: RegistrySource,
    /// Of the sorted record digests of the whole registry. Not spelt as a document's
    /// digest, for it names none.
    pub registry_digest: Option<Hash>,
}

/// Where the slice stands that was consulted of a registry.
#[derive(Clone, Debug, PartialEq)]
pub enum RegistrySource {
    /// In a document.
    Document(DocumentDigest),
    /// In the decision itself, in version 1.
    Slice(Box<RegistrySlice>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateSource {
    None,
    /// A policy that can be run again.
    Policy(DocumentDigest),
    /// The allow-all stub, in `dev` only.
    Stub,
    StubEverywhere,
    /// A gate that only its answer is known of.
    Opaque,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanSource {
    None,
    List(DocumentDigest),
    /// A list that only its answer is known of.
    Opaque,
}

impl GateSource {
    pub const fn name(self) -> &'static str {
        match self {
            GateSource::None => "none",
            GateSource::Policy(_) => "policy",
            GateSource::Stub => "stub",
            GateSource::StubEverywhere => "stub_everywhere",
            GateSource::Opaque => "opaque",
        }
    }

    pub const fn digest(self) -> Option<DocumentDigest> {
        match self {
            GateSource::Policy(digest) => Some(digest),
            _ => None,
        }
    }
}

/// In the place of the digest of a ban list that has none.
const OPAQUE: &str = "opaque";

/// The members in canonical order; `registry` is a digest, or in version 1 a slice.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextMembers<'c, R> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ban_list: Option<ListNamed>,
    config: DocumentDigest,
    gate: Cow<'c, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<DocumentDigest>,
    registry: R,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_digest: Option<Hash>,
    rules: DocumentDigest,
    task_id: Cow<'c, str>,
}

/// A ban list by its digest, if it has one.
struct ListNamed(Option<DocumentDigest>);

impl Serialize for ListNamed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(digest) => digest.serialize(serializer),
            None => serializer.serialize_str(OPAQUE),
        }
    }
}

impl<'v> Deserialize<'v> for ListNamed {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<ListNamed, D::Error> {
        let expected = "blake2b-256: and 64 hex digits, or opaque";
        shape::read_text(deserializer, expected, |text| match text {
            OPAQUE => Some(ListNamed(None)),
            text => DocumentDigest::parse(text).map(|digest| ListNamed(Some(digest))),
        })
    }
}

/// The context as it is recorded, in canonical order.
pub(super) struct ContextWritten<'c> {
    pub(super) governance: &'c Governance,
    pub(super) registry: DocumentDigest,
    pub(super) registry_digest: Option<Hash>,
    pub(super) task_id: &'c str,
}

impl Serialize for ContextWritten<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (rules, config) = self.governance.named();
        let gate = self.governance.gate_source();
        let members = ContextMembers {
            ban_list: match self.governance.ban_source() {
                BanSource::None => None,
                BanSource::List(digest) => Some(ListNamed(Some(digest))),
                BanSource::Opaque => Some(ListNamed(None)),
            },
            config,
            gate: Cow::Borrowed(gate.name()),
            policy: gate.digest(),
            registry: self.registry,
            registry_digest: self.registry_digest,
            rules,
            task_id: Cow::Borrowed(self.task_id),
        };
        members.serialize(serializer)
    }
}

impl RecordContext {
    pub fn read(context: &Object) -> Result<RecordContext, MemberError> {
        match context.get("registry") {
            Some(Value::String(_)) => {
                let members: ContextMembers<'_, DocumentDigest> = shape::read_object(context, "")?;
                let registry_digest = members.registry_digest;
                let registry = RegistrySource::Document(members.registry);
                members.into_context(registry, registry_digest)
            }
            _ => {
                let members: ContextMembers<'_, RegistrySlice> = shape::read_object(context, "")?;
                if members.registry_digest.is_some() {
                    let error = MemberError::from(MemberProblem::Unknown);
                    return Err(error.inside("registry_digest"));
                }
                let digest = members.registry.digest;
                let slice = Box::new(members.registry.clone());
                members.into_context(RegistrySource::Slice(slice), digest)
            }
        }
    }
}

impl<R> ContextMembers<'_, R> {
    fn into_context(
        self,
        registry: RegistrySource,
        registry_digest: Option<Hash>,
    ) -> Result<RecordContext, MemberError> {
        let gate = match (&*self.gate, self.policy) {
            ("none", None) => GateSource::None,
            ("policy", Some(digest)) => GateSource::Policy(digest),
            ("stub", None) => GateSource::Stub,
            ("stub_everywhere", None) => GateSource::StubEverywhere,
            (OPAQUE, None) => GateSource::Opaque,
            _ => {
                let expected = "a gate that agrees with `policy`".into();
                let problem = MemberProblem::BadValue { expected };
                return Err(MemberError::from(problem).inside("gate"));
            }
        };
        Ok(RecordContext {
            task_id: self.task_id.into_owned(),
            rules: self.rules,
            config: self.config,
            gate,
            ban_list: match self.ban_list {
                None => BanSource::None,
                Some(ListNamed(None)) => BanSource::Opaque,
                Some(ListNamed(Some(digest))) => BanSource::List(digest),
            },
            registry,
            registry_digest,
        })
    }
}
