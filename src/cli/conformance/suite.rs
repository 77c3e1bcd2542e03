//! The cases, which are in the program.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::error::CliError;

/// Files of cases, a JSON object a line, compressed.
const FILES: [&[u8]; 9] = [
    include_bytes!("../../../fixtures/format/suite/files.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/entries.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/headers.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/lines.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/bytes.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/openings.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/indexed.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/kept.jsonl.gz"),
    include_bytes!("../../../fixtures/format/suite/public.jsonl.gz"),
];

/// One case, as `tools/make-suite` writes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SuiteCase {
    pub(super) name: String,
    /// The rule of the format document that decides it.
    pub(super) rule: String,
    /// What a verifier must know to judge it.
    pub(super) needs: Vec<String>,
    /// Base64.
    pub(super) file: String,
    /// The keys that are trusted: one, a list of them, or none.
    pub(super) key: Value,
    /// Flags of `verify`; those that take a file have its base64.
    pub(super) options: Map<String, Value>,
    verdict: String,
    fault: Option<SuiteFault>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    not_checked: Option<Vec<String>>,
}

/// A fault, as far as it is compared.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct SuiteFault {
    pub(super) code: String,
    pub(super) at: String,
    pub(super) index: Option<u64>,
}

/// What a case says that must be answered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ExpectedAnswer {
    pub(super) verdict: String,
    pub(super) fault: Option<SuiteFault>,
    pub(super) error: Option<String>,
    pub(super) warnings: Option<Vec<String>>,
    pub(super) not_checked: Option<Vec<String>>,
}

impl SuiteCase {
    pub(super) fn expected(&self) -> ExpectedAnswer {
        ExpectedAnswer {
            verdict: self.verdict.clone(),
            fault: self.fault.clone(),
            error: self.error.clone(),
            warnings: self.warnings.clone(),
            not_checked: self.not_checked.clone(),
        }
    }

    /// The files of a folder, where the case is one: the file then is a JSON object of
    /// paths and base64.
    pub(super) fn folder(&self) -> Vec<(String, Vec<u8>)> {
        let text = STANDARD.decode(&self.file).unwrap_or_default();
        let files: BTreeMap<String, String> = serde_json::from_slice(&text).unwrap_or_default();
        // A path of the suite's own, which leads nowhere else.
        let files = files.into_iter().filter(|(path, _)| !path.contains(".."));
        let decoded = |(path, bytes)| (path, STANDARD.decode(bytes).unwrap_or_default());
        files.map(decoded).collect()
    }

    /// The keys, in hex.
    pub(super) fn keys(&self) -> Vec<&str> {
        match &self.key {
            Value::String(key) => vec![key],
            Value::Array(keys) => keys.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for SuiteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the {}", self.code, self.at)?;
        self.index.map_or(Ok(()), |index| write!(f, " {index}"))
    }
}

impl fmt::Display for ExpectedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verdict)?;
        if let Some(fault) = &self.fault {
            write!(f, ", {fault}")?;
        }
        if let Some(error) = &self.error {
            write!(f, ", error {error}")?;
        }
        for (what, list) in [
            ("warnings", &self.warnings),
            ("not checked", &self.not_checked),
        ] {
            if let Some(list) = list {
                write!(f, ", {what} [{}]", list.join(", "))?;
            }
        }
        Ok(())
    }
}

/// All of them.
///
/// # Errors
/// If the program was built with files that are none.
pub(super) fn read() -> Result<Vec<SuiteCase>, CliError> {
    let damaged = |error: String| CliError::usage(&format!("the cases in this program: {error}"));
    let mut cases = Vec::new();
    for file in FILES {
        let mut text = String::new();
        GzDecoder::new(file)
            .read_to_string(&mut text)
            .map_err(|error| damaged(error.to_string()))?;
        for line in text.lines() {
            cases.push(serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?);
        }
    }
    Ok(cases)
}
