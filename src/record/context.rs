//! What a decision was taken under: digests of documents, and the slice of the
//! registry.

use super::document::{DocumentDigest, digest};
use super::slice::RegistrySlice;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};

/// The `context` of a recorded decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The routing task, for telemetry.
    pub task_id: String,
    /// The rule set.
    pub rules: DocumentDigest,
    /// The Hall's configuration.
    pub config: DocumentDigest,
    /// The policy gate.
    pub gate: GateSource,
    /// The ban list.
    pub ban_list: BanSource,
    /// What was consulted of the registry.
    pub registry: RegistrySlice,
}

/// What stood behind the policy gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateSource {
    /// No gate is configured.
    None,
    /// A policy that can be run again.
    Policy(DocumentDigest),
    /// The allow-all stub, in `dev` only.
    Stub,
    /// The allow-all stub, wherever it is asked.
    StubEverywhere,
    /// A gate that only its answer is known of.
    Opaque,
}

/// What stood behind the ban list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanSource {
    /// No ban list is configured.
    None,
    /// A list.
    List(DocumentDigest),
    /// A list that only its answer is known of.
    Opaque,
}

impl GateSource {
    const fn name(self) -> &'static str {
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

impl Context {
    /// The context as it is recorded, every member present.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let ban_list = match self.ban_list {
            BanSource::None => Value::Null,
            BanSource::List(digest) => Value::from(digest),
            BanSource::Opaque => Value::from(OPAQUE),
        };
        let members: Object = [
            ("task_id", Value::from(self.task_id.as_str())),
            ("rules", Value::from(self.rules)),
            ("config", Value::from(self.config)),
            ("gate", Value::from(self.gate.name())),
            ("policy", Value::from(self.gate.digest())),
            ("ban_list", ban_list),
            ("registry", self.registry.to_value()),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }

    /// The inverse of [`Context::to_value`].
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn read(mut members: Members<'_>) -> Result<Context, MemberError> {
        let m = &mut members;
        let policy = match m.opt_str("policy")? {
            None => None,
            Some(_) => Some(digest(m, "policy")?),
        };
        let gate = match (m.str("gate")?, policy) {
            ("none", None) => GateSource::None,
            ("policy", Some(digest)) => GateSource::Policy(digest),
            ("stub", None) => GateSource::Stub,
            ("stub_everywhere", None) => GateSource::StubEverywhere,
            (OPAQUE, None) => GateSource::Opaque,
            _ => {
                let expected = "a gate that agrees with `policy`";
                return Err(m.error(
                    "gate",
                    MemberProblem::BadValue {
                        expected: expected.into(),
                    },
                ));
            }
        };
        let ban_list = match m.opt_str("ban_list")? {
            None => BanSource::None,
            Some(OPAQUE) => BanSource::Opaque,
            Some(_) => BanSource::List(digest(m, "ban_list")?),
        };
        let context = Context {
            task_id: m.str("task_id")?.to_owned(),
            rules: digest(m, "rules")?,
            config: digest(m, "config")?,
            gate,
            ban_list,
            registry: RegistrySlice::read(m.nested("registry")?)?,
        };
        members.finish()?;
        Ok(context)
    }
}
