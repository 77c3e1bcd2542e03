//! A worker's registry record.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::Deserializer;

use crate::ledger::hexadecimal;
use crate::ledger::json::{Form, Object, Quoted, Value};
use crate::ledger::sha256::sha256;
use crate::ledger::shape::{self, MemberError};

pub const HASH_PREFIX: &str = "sha256:";

/// A registry record that was read, and whose `artifact_hash` is right.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerRecord {
    pub worker_id: Arc<str>,
    /// What it is routed by; several workers may be of one species.
    pub worker_species_id: Arc<str>,
    pub capabilities: Vec<Arc<str>>,
    /// The controls that must be present for it.
    pub required_controls: Vec<Arc<str>>,
    pub currently_implements: Vec<Arc<str>>,
    /// What it may reach; none if the record has none.
    pub privilege_envelope: Option<Arc<Object>>,
    /// What its code is to be, and where it is; none if the record has none.
    pub attestation: Option<CodeAttestation>,
    /// `sha256:` and 64 hex digits over all other members.
    pub artifact_hash: Arc<str>,
    /// The whole record as it came, with the `artifact_hash`.
    pub document: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CodeAttestation {
    /// The SHA-256 that it is to have, well-formed or not: the router judges it.
    pub code_hash: Option<Arc<str>>,
    /// The file whose SHA-256 it has.
    pub source_file: Option<Arc<str>>,
}

#[derive(Deserialize)]
struct KnownMembers<'r> {
    #[serde(deserialize_with = "identifier")]
    worker_id: Arc<str>,
    #[serde(deserialize_with = "identifier")]
    worker_species_id: Arc<str>,
    #[serde(default, deserialize_with = "shape::or_default")]
    capabilities: Vec<Arc<str>>,
    #[serde(default, deserialize_with = "shape::or_default")]
    required_controls: Vec<Arc<str>>,
    #[serde(default, deserialize_with = "shape::or_default")]
    currently_implements: Vec<Arc<str>>,
    #[serde(rename = "risk_tier")]
    _risk_tier: Option<&'r str>,
    #[serde(rename = "allowed_environments")]
    _allowed_environments: Option<Vec<String>>,
    #[serde(rename = "blast_radius")]
    _blast_radius: Option<Object>,
    privilege_envelope: Option<Arc<Object>>,
    attestation: Option<CodeAttestation>,
    artifact_hash: Option<&'r str>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerRecordError {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("{at}: {error}")]
    Control { at: String, error: ControlIdError },
    /// `artifact_hash` is not that of the record: it was changed after it was
    /// hashed (`DENY_WORKER_TAMPERED`).
    #[error(
        "artifact_hash: the record hashes to {actual}, not to {}",
        Quoted(claimed)
    )]
    Tampered { claimed: String, actual: String },
}

/// A control id that is not `ctrl.` and one part or more, separated by dots, of
/// lower-case letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not a control id, such as ctrl.obs.audit-log-append-only",
    Quoted(control_id)
)]
pub struct ControlIdError {
    pub control_id: String,
}

/// Checks the form of a control id.
pub fn check_control_id(control_id: &str) -> Result<(), ControlIdError> {
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let part = |part: &str| !part.is_empty() && part.bytes().all(plain);
    match control_id.strip_prefix("ctrl.") {
        Some(rest) if control_id.len() <= 256 && rest.split('.').all(part) => Ok(()),
        _ => Err(ControlIdError {
            control_id: control_id.chars().take(256).collect(),
        }),
    }
}

/// The `artifact_hash` of a record: `sha256:` and the hex SHA-256 of the
/// `ascii` form of all its other members.
pub fn artifact_hash(record: &Object) -> String {
    let others = record.iter().filter(|(key, _)| *key != "artifact_hash");
    let mut text = Vec::with_capacity(1024);
    text.push(b'{');
    for (index, (key, value)) in others.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        crate::ledger::json::write_str(&mut text, key, Form::Ascii);
        text.push(b':');
        value.write_canonical(Form::Ascii, &mut text);
    }
    text.push(b'}');
    format!("{HASH_PREFIX}{}", hexadecimal::encode(&sha256(&text)))
}

impl WorkerRecord {
    /// Reads a record. Members that WCP does not know are let pass: they are
    /// covered by the `artifact_hash`, which is verified, and computed where
    /// the record has none.
    pub fn read(record: &Value) -> Result<WorkerRecord, WorkerRecordError> {
        let known: KnownMembers<'_> = shape::read(record, "")?;
        check_controls("required_controls", &known.required_controls)?;
        check_controls("currently_implements", &known.currently_implements)?;
        let mut document = record.as_object().cloned().unwrap_or_default();
        let actual = artifact_hash(&document);
        match known.artifact_hash {
            Some(claimed) if claimed != actual => {
                let claimed = claimed.chars().take(256).collect();
                return Err(WorkerRecordError::Tampered { claimed, actual });
            }
            _ => document.insert("artifact_hash", actual.as_str()),
        };
        Ok(WorkerRecord {
            worker_id: known.worker_id,
            worker_species_id: known.worker_species_id,
            capabilities: known.capabilities,
            required_controls: known.required_controls,
            currently_implements: known.currently_implements,
            privilege_envelope: known.privilege_envelope,
            attestation: known.attestation,
            artifact_hash: actual.into(),
            document,
        })
    }
}

/// Text that names something: not empty, no control characters, no white space
/// at its ends.
fn identifier<'v, D: Deserializer<'v>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    let named =
        |text: &str| !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
    shape::read_text(deserializer, "an identifier", |text| {
        named(text).then(|| Arc::from(text))
    })
}

fn check_controls(name: &str, controls: &[Arc<str>]) -> Result<(), WorkerRecordError> {
    for (index, control) in controls.iter().enumerate() {
        check_control_id(control).map_err(|error| WorkerRecordError::Control {
            at: format!("{name}[{index}]"),
            error,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_ids_have_one_form() {
        for good in [
            "ctrl.a",
            "ctrl.blast_radius_scoring",
            "ctrl.obs.audit-log-2",
        ] {
            assert_eq!(check_control_id(good), Ok(()), "{good}");
        }
        let long = format!("ctrl.{}", "a".repeat(300));
        for bad in [
            "", "ctrl", "ctrl.", "ctrl..a", "ctrl.A", "cap.a", "ctrl.a ", "ctrl.é", &long,
        ] {
            let refused = check_control_id(bad).map_err(|error| error.control_id);
            assert_eq!(refused, Err(bad.chars().take(256).collect()));
        }
    }
}
