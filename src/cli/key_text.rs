//! Public keys as people give them: as an argument, or as the text of a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::ledger::key::PublicKey;
use crate::ledger::parse::parse;
use crate::ledger::pem;

#[derive(Debug, Error)]
pub(super) enum KeyTextError {
    #[error("64 hex digits or a PEM file are needed")]
    Unknown,
    #[error("there is no such file, and it is not 64 hex digits")]
    NoFile,
    #[error("it is an OpenSSH key, and 64 hex digits or a PEM file are needed")]
    OpenSsh(Option<PublicKey>),
    #[error("it is a recipient of age, which encrypts and signs nothing")]
    Age,
    #[error("it is the fingerprint of a key and not the key")]
    Fingerprint,
}

impl KeyTextError {
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            KeyTextError::Unknown | KeyTextError::NoFile => return None,
            KeyTextError::OpenSsh(Some(key)) => {
                format!("as sealbook writes it, it is {key}; `sealbook key` prints a log's key")
            }
            KeyTextError::OpenSsh(None) => {
                "only ssh-ed25519 holds a key that could be a log's; `sealbook key` prints it"
                    .to_owned()
            }
            KeyTextError::Age | KeyTextError::Fingerprint => {
                "`sealbook key` prints the log's key; ask its owner for it".to_owned()
            }
        })
    }
}

/// Reads a key: hex in any case, with white space in or around it; what `key`,
/// `key --pem` and `key --json` print.
pub(super) fn read(text: &str) -> Result<PublicKey, KeyTextError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.contains("-----BEGIN") && !text.starts_with('{') {
        return pem::parse_public_key(text).map_err(|_| KeyTextError::Unknown);
    }
    let hex: String = text.split_whitespace().collect();
    if let Ok(key) = PublicKey::from_hex(&hex.to_ascii_lowercase()) {
        return Ok(key);
    }
    if let Some(log) = printed(text) {
        return read(&log);
    }
    Err(other_tools(text))
}

fn printed(text: &str) -> Option<String> {
    let value = text
        .starts_with('{')
        .then(|| parse(text.as_bytes()))?
        .ok()?;
    let log = value.as_object()?.get("log")?.as_str()?;
    (!log.trim_start().starts_with('{')).then(|| log.to_owned())
}

fn other_tools(text: &str) -> KeyTextError {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("ssh-ed25519"), blob) => KeyTextError::OpenSsh(blob.and_then(of_openssh)),
        (Some(word), Some(_)) if word.starts_with("ssh-") || word.starts_with("ecdsa-") => {
            KeyTextError::OpenSsh(None)
        }
        (Some(word), None) if word.to_ascii_lowercase().starts_with("age1") => KeyTextError::Age,
        (Some(word), _) if word.to_ascii_lowercase().starts_with("sha256:") => {
            KeyTextError::Fingerprint
        }
        _ => KeyTextError::Unknown,
    }
}

/// The 32 bytes at the end of the blob (RFC 8709 §4).
fn of_openssh(blob: &str) -> Option<PublicKey> {
    let bytes = STANDARD.decode(blob).ok()?;
    let key = bytes.strip_prefix(b"\0\0\0\x0bssh-ed25519\0\0\0\x20")?;
    let hex = crate::ledger::hexadecimal::encode(key);
    PublicKey::from_hex(&hex).ok()
}
