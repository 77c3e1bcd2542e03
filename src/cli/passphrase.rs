//! Where the passphrase of a key comes from: the environment, or a person at
//! the terminal.

use std::io::IsTerminal;
use std::path::Path;

use dialoguer::Password;
use dialoguer::theme::SimpleTheme;
use zeroize::Zeroizing;

use crate::ledger::key::SoftwareSigner;
use crate::logbook::key_file::{self, KeyFile, KeyFileError};

use super::error::CliError;

/// The variable that holds the passphrase where nobody can be asked.
const VARIABLE: &str = "SEALBOOK_KEY_PASSPHRASE";

/// Opens a private key, with its passphrase if it is under one.
pub(super) fn open(path: &Path) -> Result<SoftwareSigner, CliError> {
    match key_file::read(path)? {
        KeyFile::Open(signer) => Ok(*signer),
        KeyFile::Locked(key) => {
            let locked = || KeyFileError::Locked {
                path: key.path().to_owned(),
            };
            let passphrase = match from_environment()? {
                Some(passphrase) => passphrase,
                None => {
                    ask(&format!("passphrase of {}", path.display()), None)?.ok_or_else(locked)?
                }
            };
            Ok(key.unlock(passphrase.as_bytes())?)
        }
    }
}

/// The key of a book that is begun: made, under a passphrase or not, or one that
/// is there already.
pub(super) fn begin(path: &Path, reuse: bool, encrypt: bool) -> Result<SoftwareSigner, CliError> {
    Ok(if reuse {
        open(path)?
    } else if encrypt {
        key_file::create_locked(path, choose()?.as_bytes())?
    } else {
        key_file::create(path)?
    })
}

/// The passphrase of a key that is to be made. A person types it twice.
fn choose() -> Result<Zeroizing<String>, CliError> {
    let chosen = match from_environment()? {
        Some(passphrase) => Some(passphrase),
        None => ask("new passphrase", Some("the same again"))?,
    };
    chosen.ok_or(CliError::NoPassphrase)
}

/// An empty variable is as good as none.
fn from_environment() -> Result<Option<Zeroizing<String>>, CliError> {
    match std::env::var(VARIABLE) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            Ok((!text.is_empty()).then_some(text))
        }
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(CliError::PassphraseNotText),
    }
}

/// Asks at the terminal; nobody is there to be asked if there is none.
fn ask(prompt: &str, again: Option<&str>) -> Result<Option<Zeroizing<String>>, CliError> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let prompt = super::escape::escape(prompt);
    let mut password = Password::with_theme(&SimpleTheme).with_prompt(prompt);
    if let Some(again) = again {
        password = password.with_confirmation(again, "they differ");
    }
    let text = password.interact().map_err(|error| match error {
        dialoguer::Error::IO(error) => CliError::output(error),
    })?;
    Ok(Some(Zeroizing::new(text)))
}
