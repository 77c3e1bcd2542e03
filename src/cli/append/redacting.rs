//! Which members of what is appended are redactable, or masked.

use std::path::Path;

use crate::cli::document;
use crate::cli::error::CliError;
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::parse::parse;
use crate::ledger::redact::Redactable;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::rules::RedactRules;
use crate::logbook::request::Prepared;

/// In a line of input: JSON pointers of what is redactable in its payload.
pub(super) const MEMBER: &str = "redactable";

/// What a file and flags say.
pub(super) struct Redacting {
    rules: RedactRules,
    always: Vec<Redactable>,
    genesis: Hash,
}

impl Redacting {
    pub(super) fn read(file: Option<&Path>, always: &[Pointer]) -> Result<Redacting, CliError> {
        let rules = file.map(|path| {
            let in_file = |error: CliError| CliError::InFile {
                path: path.to_owned(),
                source: Box::new(error),
            };
            let bytes = document::read(path, limits::SMALL_FILE_BYTES)?;
            let value = parse(&bytes).map_err(|error| in_file(error.into()))?;
            RedactRules::read(&value).map_err(|error| in_file(error.into()))
        });
        Ok(Redacting {
            rules: rules.transpose()?.unwrap_or_default(),
            always: always.iter().cloned().map(Redactable::needed).collect(),
            genesis: Hash::ZERO,
        })
    }

    /// For the log of this genesis.
    pub(super) fn in_log(self, genesis: Hash) -> Redacting {
        Redacting { genesis, ..self }
    }

    /// Takes out of an entry what they say, and what is said of it alone.
    pub(super) fn take(
        &self,
        entry: Prepared,
        besides: &[Redactable],
    ) -> Result<Prepared, CliError> {
        let said = [besides, &self.always].concat();
        let wanted = self.rules.of(entry.kind(), &said);
        Ok(entry.with_redactable(&wanted, &self.genesis)?)
    }
}
