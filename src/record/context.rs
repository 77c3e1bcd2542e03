//! What a decision was taken under: digests of documents, and the slice of the
//! registry.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::document::DocumentDigest;
use super::slice::RegistrySlice;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError, MemberProblem};

#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    pub task_id: String,
    pub rules: DocumentDigest,
    pub config: DocumentDigest,
    pub gate: GateSource,
    pub ban_list: BanSource,
    pub registry: RegistrySlice,
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

    const fn digest(self) -> Option<DocumentDigest> {
        match self {
            GateSource::Policy(digest) => Some(digest),
            _ => None,
        }
    }
}

/// In the place of the digest of a ban list that has none.
const OPAQUE: &str = "opaque";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextMembers<'c> {
    task_id: Cow<'c, str>,
    rules: DocumentDigest,
    config: DocumentDigest,
    gate: Cow<'c, str>,
    policy: Option<DocumentDigest>,
    ban_list: Option<ListNamed>,
    registry: Cow<'c, RegistrySlice>,
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

impl Context {
    /// The context as it is recorded, every member present.
    pub fn to_value(&self) -> Value {
        shape::write(&ContextMembers {
            task_id: Cow::Borrowed(&self.task_id),
            rules: self.rules,
            config: self.config,
            gate: Cow::Borrowed(self.gate.name()),
            policy: self.gate.digest(),
            ban_list: match self.ban_list {
                BanSource::None => None,
                BanSource::List(digest) => Some(ListNamed(Some(digest))),
                BanSource::Opaque => Some(ListNamed(None)),
            },
            registry: Cow::Borrowed(&self.registry),
        })
    }

    pub fn read(context: &Object) -> Result<Context, MemberError> {
        let recorded: ContextMembers<'_> = shape::read_object(context, "")?;
        let gate = match (&*recorded.gate, recorded.policy) {
            ("none", None) => GateSource::None,
            ("policy", Some(digest)) => GateSource::Policy(digest),
            ("stub", None) => GateSource::Stub,
            ("stub_everywhere", None) => GateSource::StubEverywhere,
            (OPAQUE, None) => GateSource::Opaque,
            _ => {
                let expected = "a gate that agrees with `policy`";
                let expected = expected.into();
                let problem = MemberProblem::BadValue { expected };
                return Err(MemberError::from(problem).inside("gate"));
            }
        };
        Ok(Context {
            task_id: recorded.task_id.into_owned(),
            rules: recorded.rules,
            config: recorded.config,
            gate,
            ban_list: match recorded.ban_list {
                None => BanSource::None,
                Some(ListNamed(None)) => BanSource::Opaque,
                Some(ListNamed(Some(digest))) => BanSource::List(digest),
            },
            registry: recorded.registry.into_owned(),
        })
    }
}
