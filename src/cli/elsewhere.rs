//! A ledger that a server elsewhere holds: `--ledger https://…`.
//!
//! The token comes from the environment alone: an argument is everybody's to read.

use std::path::Path;

use zeroize::Zeroizing;

use crate::api::held::Elsewhere;
use crate::ledger::limits;

use super::document;
use super::error::CliError;

/// Holds the bearer token.
const TOKEN: &str = "SEALBOOK_TOKEN";

/// The server that `ledger` names, if it is no directory.
pub(super) fn of(ledger: &Path, ca: Option<&Path>) -> Result<Option<Elsewhere>, CliError> {
    let url = ledger.to_str().unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Ok(None);
    }
    let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let roots = ca.map(|path| document::read(path, limits::SMALL_FILE_BYTES));
    Ok(Some(Elsewhere {
        url: url.to_owned(),
        token: token.map(Zeroizing::new),
        roots: roots.transpose()?,
    }))
}
