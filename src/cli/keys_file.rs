//! Which key is whose, for verifying many files: `--keys FILE`.
//!
//! One key a line, blank lines and lines that begin with `#` ignored:
//! ```text
//! # NAME KEY
//! alice.jsonl 0f3a…64 hex digits…
//! partners/bob.jsonl keys/bob.pem
//! {"name": "with spaces.jsonl", "key": "77ab…"}
//! * 9c01…
//! ```
//! NAME is the path of a file as it was given or found, its path below the
//! folder that was given, or its file name; the first of these that the file
//! knows decides, and `*` stands for all others. KEY is 64 hex digits, or a PEM
//! file whose path counts from the keys file and has a dot or a slash. A name may
//! have several keys.

use std::io::{Error, ErrorKind};
use std::path::{Component, Path};

use serde::Deserialize;

use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::shape;

use super::document::read;
use super::error::CliError;
use super::key::parse_key;

/// Stands for every file without a key of its own.
const ANY: &str = "*";

#[derive(Debug, Default)]
pub(super) struct KeysFile {
    keys: Vec<(String, PublicKey)>,
}

impl KeysFile {
    pub(super) fn read(path: &Path) -> Result<KeysFile, CliError> {
        let bytes = read(path, limits::LINE_BYTES).map_err(|error| match path.to_str() {
            // Easily said where `--key` was meant.
            Some(text) if PublicKey::from_hex(text).is_ok() => {
                CliError::usage("--keys names a file; a key in hex is given with --key")
            }
            _ => error,
        })?;
        let text = String::from_utf8(bytes);
        let text = text
            .map_err(|_| CliError::file(path, Error::new(ErrorKind::InvalidData, "not UTF-8")))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut keys = Vec::new();
        let text = text.trim_start_matches('\u{feff}');
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |problem| CliError::KeysFile {
                path: path.to_owned(),
                line,
                problem,
            };
            let (name, key) = name_and_key(text).ok_or_else(|| wrong("not a name and a key"))?;
            keys.push((name, key_of(folder, &key).ok_or_else(|| wrong(NO_KEY))?));
        }
        Ok(KeysFile { keys })
    }

    /// The keys of the file `path`, which was found as `below` in its folder.
    pub(super) fn of(&self, path: &Path, below: Option<&Path>) -> Vec<PublicKey> {
        let name = path.file_name().map(Path::new);
        let names = [Some(path), below, name, Some(Path::new(ANY))];
        let found = names.into_iter().flatten().map(|name| self.named(name));
        found
            .into_iter()
            .find(|keys| !keys.is_empty())
            .unwrap_or_default()
    }

    pub(super) fn all(&self) -> Vec<PublicKey> {
        self.keys.iter().map(|(_, key)| *key).collect()
    }

    fn named(&self, wanted: &Path) -> Vec<PublicKey> {
        let same = |name: &str| {
            let name = Path::new(name);
            let steps = |path: &'_ Path| -> Vec<_> {
                let steps = path.components().filter(|step| *step != Component::CurDir);
                steps.map(|step| step.as_os_str().to_owned()).collect()
            };
            steps(name) == steps(wanted)
        };
        let keys = self.keys.iter().filter(|(name, _)| same(name));
        keys.map(|(_, key)| *key).collect()
    }
}

const NO_KEY: &str = "that is not a key";

/// What is hex is a key, whatever files there are beside.
fn key_of(folder: &Path, key: &str) -> Option<PublicKey> {
    if let Ok(key) = PublicKey::from_hex(&key.to_ascii_lowercase()) {
        return Some(key);
    }
    let looks_like_a_path = key.contains(['/', '.']);
    let beside = folder.join(key);
    parse_key(beside.to_str().filter(|_| looks_like_a_path)?).ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedKey {
    name: String,
    key: String,
}

fn name_and_key(text: &str) -> Option<(String, String)> {
    if text.starts_with('{') {
        let value = parse::parse(text.as_bytes()).ok()?;
        let named: NamedKey = shape::read(&value, "").ok()?;
        return Some((named.name, named.key));
    }
    let mut words = text.split_whitespace();
    let both = (words.next()?.to_owned(), words.next()?.to_owned());
    words.next().is_none().then_some(both)
}
