//! Keys as people have them.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use sealbook::Error;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::parse::parse;
use sealbook::ledger::pem::{PemError, parse_public_key};
use sealbook::logbook::key_file::{KeyFileError, public_text};

use crate::errors::{Failure, detached};

/// A key, or the file that has it.
#[derive(Clone, Debug, FromPyObject)]
pub(crate) enum GivenKey {
    Text(String),
    Path(PathBuf),
}

/// A public key as 64 lower-case hex digits.
///
/// `given` is what `sealbook key` prints: hex digits, PEM (`--pem`) or JSON (`--json`); or
/// the path of a file with one of these. A text that is no key is taken for a path.
///
/// Raises `Misused` for what is neither, and `SealbookError` (`key_invalid`,
/// `key_unreadable`) for a file without a public key.
#[pyfunction]
pub(crate) fn key(py: Python<'_>, given: GivenKey) -> PyResult<String> {
    detached(py, move || Ok(read_key(&given)?.to_string()))
}

/// The keys that are given, in their order.
pub(crate) fn read_keys(given: &[GivenKey]) -> Result<Vec<PublicKey>, Failure> {
    given.iter().map(read_key).collect()
}

fn read_key(given: &GivenKey) -> Result<PublicKey, Failure> {
    let (text, path) = match given {
        GivenKey::Path(path) => return in_file(path),
        GivenKey::Text(text) => (text, Path::new(text)),
    };
    match of_text(text) {
        Some(key) => Ok(key),
        None if path.exists() => in_file(path),
        None => Err(no_key(text)),
    }
}

fn in_file(path: &Path) -> Result<PublicKey, Failure> {
    let text = public_text(path).map_err(Error::from)?;
    if let Some(key) = of_text(&text) {
        return Ok(key);
    }
    let source = match text.contains("PRIVATE KEY-----") {
        true => PemError::Private,
        false => PemError::NotAPublicKey,
    };
    let path = path.to_owned();
    Err(Error::from(KeyFileError::Pem { path, source }).into())
}

fn no_key(text: &str) -> Failure {
    let short: String = text.chars().take(80).collect();
    let what = match text.split_whitespace().next() {
        Some(word) if word.starts_with("ssh-") || word.starts_with("ecdsa-") => {
            "it is an OpenSSH key, and "
        }
        Some(word) if word.to_ascii_lowercase().starts_with("sha256:") => {
            "it is the fingerprint of a key and not the key: "
        }
        _ => "",
    };
    let message = format!("key `{short}`: {what}64 hex digits or a PEM file are needed");
    Failure::new("usage", message)
}

/// Hex in any case, with white space in or around it, PEM, or JSON with the member `log`.
fn of_text(text: &str) -> Option<PublicKey> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        let value = parse(text.as_bytes()).ok()?;
        let log = value.as_object()?.get("log")?.as_str()?;
        return (!log.trim_start().starts_with('{'))
            .then(|| of_text(log))
            .flatten();
    }
    if text.contains("-----BEGIN") {
        return parse_public_key(text).ok();
    }
    let hex: String = text.split_whitespace().collect();
    PublicKey::from_hex(&hex.to_ascii_lowercase()).ok()
}
