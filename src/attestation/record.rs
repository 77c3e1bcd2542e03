//! `artifact_hash`: what a registry record says of itself.

use thiserror::Error;

use crate::ledger::json::{Form, Object, Value};
use crate::ledger::sha256::Sha256Digest;

const MEMBER: &str = "artifact_hash";

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PackageRecordError {
    #[error("artifact_hash: missing")]
    Missing,
    #[error("artifact_hash: not a string")]
    NotText,
    #[error("artifact_hash: the record hashes to {computed}")]
    Mismatch { claimed: String, computed: String },
}

/// `sha256:` and the hex SHA-256 of all members but `artifact_hash`, in
/// canonical ASCII form.
pub fn compute_artifact_hash(record: &Object) -> String {
    let mut hashed = record.clone();
    hashed.remove(MEMBER);
    let mut bytes = Vec::new();
    hashed.write_canonical(Form::Ascii, &mut bytes);
    format!("sha256:{}", Sha256Digest::of(&bytes))
}

/// Whether a record is what its `artifact_hash` says. The hash is no secret and
/// no signature: it shows a change, not who made it.
pub fn verify_artifact_hash(record: &Object) -> Result<(), PackageRecordError> {
    let claimed = match record.get(MEMBER) {
        None | Some(Value::Null) => return Err(PackageRecordError::Missing),
        Some(Value::String(claimed)) => claimed.clone(),
        Some(_) => return Err(PackageRecordError::NotText),
    };
    let computed = compute_artifact_hash(record);
    if claimed == computed {
        Ok(())
    } else {
        Err(PackageRecordError::Mismatch { claimed, computed })
    }
}
