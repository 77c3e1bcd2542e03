//! What evidence is believed on, the same for all commands that verify some.

use std::path::{Path, PathBuf};

use crate::ledger::limits;
use crate::ledger::policy::Policy;
use crate::ledger::revocation::{RevocationFileError, SignedRevocation};
use crate::ledger::version::Version;

use super::document;
use super::error::CliError;
use super::key::parse_key;

#[derive(Debug, clap::Args)]
pub(super) struct TrustArgs {
    /// A trusted key: 64 hex digits or a PEM file (may be given several times)
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// A file with a revocation that ends the log
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
    /// Let a bundle pass whose closing record is not signed, so that it may have been cut
    #[arg(long)]
    allow_unsigned: bool,
    /// Let pass what does not show whether it comes before the place that a revocation names
    #[arg(long, requires = "revoked")]
    allow_revocation_not_applicable: bool,
}

impl TrustArgs {
    pub(super) fn policy(&self) -> Result<Policy, CliError> {
        let keys: Result<_, _> = self.key.iter().map(|key| parse_key(key)).collect();
        Ok(Policy {
            keys: keys?,
            revocations: revocations(&self.revoked)?,
            allow_unsigned: self.allow_unsigned,
            allow_unapplied_revocations: self.allow_revocation_not_applicable,
            ..Policy::default()
        })
    }
}

/// The revocations in these files.
pub(super) fn revocations(paths: &[PathBuf]) -> Result<Vec<SignedRevocation>, CliError> {
    paths.iter().map(|path| revocation(path)).collect()
}

fn revocation(path: &Path) -> Result<SignedRevocation, CliError> {
    let bytes = document::read(path, limits::SMALL_FILE_BYTES)?;
    SignedRevocation::from_file(&bytes).map_err(|error| match error {
        RevocationFileError::Json(error) => document::in_file(path)(error),
        _ => CliError::NotARevocation {
            path: path.to_owned(),
        },
    })
}

/// The version of what is taken out of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FormatVersion {
    /// For readers of version 0.1.
    #[value(name = "1")]
    One,
    /// With the entry that opened the log, and the selection that is answered.
    #[value(name = "2")]
    Two,
}

impl From<FormatVersion> for Version {
    fn from(given: FormatVersion) -> Version {
        match given {
            FormatVersion::One => Version::One,
            FormatVersion::Two => Version::Two,
        }
    }
}
