//! The registry's answers, read. Members that are not known are ignored: the
//! registry may say more than it used to.

use serde::{Deserialize, Serialize};

use super::error::RegistryError;
use crate::attestation::ban_list::BanEntry;
use crate::ledger::json::Value;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::ledger::words::words;

words! {
    pub enum WorkerStatus: "a status that is known" {
        Active = "active",
        Revoked = "revoked",
        Banned = "banned",
        Unknown = "unknown",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyResponse {
    pub worker_id: String,
    pub status: WorkerStatus,
    pub current_hash: Option<Sha256Digest>,
    /// Whether that hash is banned. An answer that leaves it out does not say
    /// that it is not.
    pub banned: bool,
    pub ban_reason: Option<String>,
    pub attested_at: Option<String>,
    #[serde(default, deserialize_with = "shape::or_default")]
    pub ai_generated: bool,
    pub ai_service: Option<String>,
    pub ai_model: Option<String>,
    pub ai_session_fingerprint: Option<String>,
}

impl VerifyResponse {
    pub fn to_value(&self) -> Value {
        shape::write(self)
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
        let response: VerifyResponse = shape::read(value, "")?;
        same(&response.worker_id, worker_id, "worker_id")?;
        Ok(response)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Health {
    pub ok: bool,
    pub version: String,
}

impl Health {
    pub(super) fn from_value(value: &Value) -> Result<Health, RegistryError> {
        Ok(shape::read(value, "")?)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationResponse {
    pub id: String,
    pub worker_id: String,
    pub sha256: Sha256Digest,
}

impl AttestationResponse {
    pub(super) fn from_value(
        value: &Value,
        worker_id: &str,
        sha256: &Sha256Digest,
    ) -> Result<AttestationResponse, RegistryError> {
        let members = shape::members(value)?;
        let id = shape::member(members, "id")?;
        same(shape::member(members, "worker_id")?, worker_id, "worker_id")?;
        same(
            shape::member(members, "sha256")?,
            &sha256.to_string(),
            "sha256",
        )?;
        Ok(AttestationResponse {
            id,
            worker_id: worker_id.to_owned(),
            sha256: *sha256,
        })
    }
}

pub(super) fn ban_list(value: &Value) -> Result<Vec<BanEntry>, RegistryError> {
    Ok(shape::read(value, "")?)
}

fn same(found: &str, asked: &str, member: &'static str) -> Result<(), RegistryError> {
    if found == asked {
        Ok(())
    } else {
        Err(RegistryError::OtherSubject { member })
    }
}
