//! `--redact-rules FILE`: which members of what is recorded are redactable, or masked.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::document;
use crate::cli::error::CliError;
use crate::ledger::limits;
use crate::ledger::parse::parse;
use crate::ledger::redact::rules::RedactRules;
use crate::record::redacting::Redacting;

#[derive(Debug, Clone, Args)]
pub(super) struct RedactArgs {
    /// A file that says for each kind which members are redactable, or masked
    #[arg(long, value_name = "FILE", visible_alias = "mask")]
    redact_rules: Option<PathBuf>,
}

impl RedactArgs {
    pub(super) fn read(&self) -> Result<Redacting, CliError> {
        let read = |path: &Path| {
            let bytes = document::read(path, limits::SMALL_FILE_BYTES)?;
            rules(&bytes).map_err(|source| CliError::InFile {
                path: path.to_owned(),
                source: Box::new(source),
            })
        };
        let read = self.redact_rules.as_deref().map(read);
        Ok(read.transpose()?.unwrap_or_default())
    }
}

fn rules(bytes: &[u8]) -> Result<Redacting, CliError> {
    Ok(Redacting::new(RedactRules::read(&parse(bytes)?)?)?)
}
