//! Where the passphrase of a key comes from: what was given with the process, or
//! a person at the terminal.

use std::io::{self, IsTerminal};

use dialoguer::Password;
use dialoguer::theme::SimpleTheme;
use zeroize::Zeroizing;

use crate::api::{Options, Passphrase};

use super::secrets;

/// Options under which passphrases are had so.
pub(super) fn options() -> Options {
    Options::default().passphrases(give)
}

fn give(wanted: Passphrase<'_>) -> io::Result<Option<Zeroizing<String>>> {
    if let Some(passphrase) = secrets::passphrase()? {
        return Ok(Some(passphrase));
    }
    match wanted {
        Passphrase::Open(path) => ask(&format!("passphrase of {}", path.display()), None),
        // A person types it twice.
        Passphrase::New(_) => ask("new passphrase", Some("the same again")),
    }
}

fn ask(prompt: &str, again: Option<&str>) -> io::Result<Option<Zeroizing<String>>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    let prompt = super::escape::escape(prompt);
    let mut password = Password::with_theme(&SimpleTheme).with_prompt(prompt);
    if let Some(again) = again {
        password = password.with_confirmation(again, "they differ");
    }
    let text = password.interact().map_err(|error| match error {
        dialoguer::Error::IO(error) => error,
    })?;
    Ok(Some(Zeroizing::new(text)))
}
