//! The registry's answers, read. Members that are not known are ignored: the
//! registry may say more than it used to.

use super::error::RegistryError;
use crate::attestation::ban_list::BanEntry;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};
use crate::ledger::sha256::Sha256Digest;

/// How a worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerStatus {
    /// Attested.
    Active,
    /// No longer attested.
    Revoked,
    /// Not to be run.
    Banned,
    /// Not known to the registry.
    Unknown,
}

impl WorkerStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            WorkerStatus::Active => "active",
            WorkerStatus::Revoked => "revoked",
            WorkerStatus::Banned => "banned",
            WorkerStatus::Unknown => "unknown",
        }
    }
}

/// What the registry says of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyResponse {
    /// Which worker.
    pub worker_id: String,
    /// How it stands.
    pub status: WorkerStatus,
    /// The hash of its package.
    pub current_hash: Option<Sha256Digest>,
    /// Whether that hash is banned.
    pub banned: bool,
    /// Why it is.
    pub ban_reason: Option<String>,
    /// When it was attested.
    pub attested_at: Option<String>,
    /// Whether a model wrote it.
    pub ai_generated: bool,
    /// Whose model.
    pub ai_service: Option<String>,
    /// Which model.
    pub ai_model: Option<String>,
    /// A fingerprint of the session in which it did.
    pub ai_session_fingerprint: Option<String>,
}

impl VerifyResponse {
    /// Every member, as on the wire.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        object.insert("worker_id", self.worker_id.as_str());
        object.insert("status", self.status.name());
        object.insert(
            "current_hash",
            self.current_hash.map(|hash| hash.to_string()),
        );
        object.insert("banned", self.banned);
        object.insert("ban_reason", self.ban_reason.clone());
        object.insert("attested_at", self.attested_at.clone());
        object.insert("ai_generated", self.ai_generated);
        object.insert("ai_service", self.ai_service.clone());
        object.insert("ai_model", self.ai_model.clone());
        let fingerprint = self.ai_session_fingerprint.clone();
        object.insert("ai_session_fingerprint", fingerprint);
        Value::Object(object)
    }

    pub(super) fn unknown(worker_id: &str) -> VerifyResponse {
        VerifyResponse {
            worker_id: worker_id.to_owned(),
            status: WorkerStatus::Unknown,
            current_hash: None,
            banned: false,
            ban_reason: None,
            attested_at: None,
            ai_generated: false,
            ai_service: None,
            ai_model: None,
            ai_session_fingerprint: None,
        }
    }

    pub(super) fn from_value(
        value: &Value,
        worker_id: &str,
    ) -> Result<VerifyResponse, RegistryError> {
        let mut members = Members::of(value, "")?;
        same(members.str("worker_id")?, worker_id, "worker_id")?;
        let status = match members.str("status")? {
            "active" => WorkerStatus::Active,
            "revoked" => WorkerStatus::Revoked,
            "banned" => WorkerStatus::Banned,
            "unknown" => WorkerStatus::Unknown,
            _ => {
                let expected = "a status that is known";
                let problem = MemberProblem::BadValue {
                    expected: expected.into(),
                };
                return Err(members.error("status", problem).into());
            }
        };
        let mut text = |name| Ok::<_, MemberError>(members.opt_str(name)?.map(str::to_owned));
        Ok(VerifyResponse {
            worker_id: worker_id.to_owned(),
            status,
            ban_reason: text("ban_reason")?,
            attested_at: text("attested_at")?,
            ai_service: text("ai_service")?,
            ai_model: text("ai_model")?,
            ai_session_fingerprint: text("ai_session_fingerprint")?,
            current_hash: members
                .opt_hex("current_hash")?
                .map(Sha256Digest::from_bytes),
            // Required: an answer that leaves it out does not say "not banned".
            banned: members.bool("banned")?,
            ai_generated: members.opt_bool("ai_generated")?.unwrap_or(false),
        })
    }
}

/// Whether the registry is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it says so.
    pub ok: bool,
    /// Its version.
    pub version: String,
}

impl Health {
    pub(super) fn from_value(value: &Value) -> Result<Health, RegistryError> {
        let mut members = Members::of(value, "")?;
        let ok = members.bool("ok")?;
        let version = members.str("version")?.to_owned();
        Ok(Health { ok, version })
    }
}

/// The registry's receipt for an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationResponse {
    /// The attestation's id.
    pub id: String,
    /// Whose package.
    pub worker_id: String,
    /// Its hash.
    pub sha256: Sha256Digest,
}

impl AttestationResponse {
    pub(super) fn from_value(
        value: &Value,
        worker_id: &str,
        sha256: &Sha256Digest,
    ) -> Result<AttestationResponse, RegistryError> {
        let mut members = Members::of(value, "")?;
        let id = members.str("id")?.to_owned();
        same(members.str("worker_id")?, worker_id, "worker_id")?;
        same(members.str("sha256")?, &sha256.to_string(), "sha256")?;
        Ok(AttestationResponse {
            id,
            worker_id: worker_id.to_owned(),
            sha256: *sha256,
        })
    }
}

pub(super) fn ban_list(value: &Value) -> Result<Vec<BanEntry>, RegistryError> {
    let items = value.as_array().ok_or(MemberError {
        at: String::new(),
        problem: MemberProblem::WrongType {
            expected: "an array".into(),
        },
    })?;
    let entries = items.iter().enumerate();
    let entries = entries.map(|(index, item)| BanEntry::from_value(item, &format!("[{index}]")));
    Ok(entries.collect::<Result<_, _>>()?)
}

fn same(found: &str, asked: &str, member: &'static str) -> Result<(), RegistryError> {
    if found == asked {
        Ok(())
    } else {
        Err(RegistryError::OtherSubject { member })
    }
}
