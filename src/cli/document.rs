//! Documents that the operator names: read whole, up to a limit, with the file's
//! name in every error.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::ledger::json::Value;
use crate::ledger::{limits, parse};
use crate::wcp::rules::{RulesError, load_rules};
use crate::wcp::{Catalog, RuleSet};

use super::error::{CliError, ProducerError};

/// The bytes of a file; `-` is standard input. A pipe is waited for: whoever
/// names one means it.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let failed = |error| CliError::file(path, error);
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    read_from(source, path, limit)
}

/// The bytes of what was opened as `path`.
pub(super) fn read_from(source: impl Read, path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let mut source = source.take(limit as u64 + 1);
    source
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::file(path, error))?;
    if bytes.len() > limit {
        return Err(in_file(path)(ProducerError::TooLarge { limit }));
    }
    Ok(bytes)
}

/// A JSON document, read strictly.
pub(super) fn json(path: &Path) -> Result<Value, CliError> {
    let text = read(path, limits::LINE_BYTES)?;
    parse::parse(&text).map_err(in_file(path))
}

/// Routing rules.
pub(super) fn rules(path: &Path) -> Result<RuleSet, CliError> {
    let loaded = match path == Path::new("-") {
        true => crate::wcp::load_rules_from_dict(&json(path)?),
        false => load_rules(path),
    };
    loaded.map_err(|error: RulesError| in_file(path)(ProducerError::from(error)))
}

/// The catalogue of the user, or the one that comes with the program.
pub(super) fn catalogue(path: Option<&Path>) -> Result<Catalog, CliError> {
    let Some(path) = path else {
        return Ok(Catalog::built_in().clone());
    };
    let text = read(path, limits::LINE_BYTES)?;
    Catalog::parse(&text).map_err(|error| in_file(path)(ProducerError::from(error)))
}

/// Puts the file's name before what is wrong in it.
pub(super) fn in_file<E: Into<CliError>>(path: &Path) -> impl Fn(E) -> CliError {
    move |error| CliError::InFile {
        path: path.to_owned(),
        source: Box::new(error.into()),
    }
}
