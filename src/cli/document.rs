//! Documents that the operator names: read whole, up to a limit, with the file's
//! name in every error.

use std::path::Path;

use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::witness_policy::{self, WitnessPolicy};
use crate::record::hall_files;
use crate::wcp::{Catalog, RuleSet};

use super::error::{CliError, LogError, ProducerError};

/// The bytes of a file; `-` is standard input.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    Ok(hall_files::read(path, limit)?)
}

pub(super) fn json(path: &Path) -> Result<Value, CliError> {
    Ok(hall_files::json(path)?)
}

/// A policy of logs and witnesses.
pub(super) fn witness_policy(path: &Path) -> Result<WitnessPolicy, CliError> {
    let text = read(path, witness_policy::MAX_BYTES)?;
    witness_policy::parse(&text).map_err(|error| in_file(path)(LogError::from(error)))
}

pub(super) fn rules(path: &Path) -> Result<RuleSet, CliError> {
    Ok(hall_files::rules_in(path)?)
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
