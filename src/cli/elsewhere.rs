//! A ledger that a server elsewhere holds: `--ledger https://…`.
//!
//! The token comes from the environment alone: an argument is everybody's to read.

use std::path::Path;

use zeroize::Zeroizing;

use crate::api::held::Elsewhere;
use crate::ledger::limits;

use super::Command;
use super::document;
use super::error::CliError;

/// Holds the bearer token.
const TOKEN: &str = "SEALBOOK_TOKEN";

/// The server that `ledger` names, if it is not a directory, and the command does without
/// one.
pub(super) fn of(
    ledger: &Path,
    ca: Option<&Path>,
    command: &Command,
) -> Result<Option<Elsewhere>, CliError> {
    let url = ledger.to_str().unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Ok(None);
    }
    if reads_files(command) {
        return Err(CliError::usage(
            "this command reads the ledger's files: name its directory with --ledger DIR",
        ));
    }
    let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let roots = ca.map(|path| document::read(path, limits::SMALL_FILE_BYTES));
    Ok(Some(Elsewhere {
        url: url.to_owned(),
        token: token.map(Zeroizing::new),
        roots: roots.transpose()?,
    }))
}

const fn reads_files(command: &Command) -> bool {
    command.is_serve()
        || matches!(
            command,
            Command::Init(_)
                | Command::Epochs
                | Command::Show(_)
                | Command::Log(_)
                | Command::Stats(_)
                | Command::Diff(_)
                | Command::Rotate(_)
                | Command::Revoke(_)
                | Command::Backup(_)
                | Command::AcceptRollback(_)
                | Command::Doctor(_)
                | Command::Adopt
                | Command::Key(_)
                | Command::Report(_)
                | Command::Replay(_)
        )
}
