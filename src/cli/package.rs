//! `sealbook package`: worker packages, attested and verified (SPEC §5.2).

mod hash;
mod scaffold;
mod sign;
mod verify;

use std::os::unix::ffi::OsStringExt;

use crate::attestation::HmacKey;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

pub(super) use scaffold::print as print_written;
pub(super) use scaffold::spare_files;

/// Where the namespace's key is: a secret stands in no argument.
const HMAC_KEY: &str = "WCP_ATTEST_HMAC_KEY";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lay out a package to begin with
    Scaffold(scaffold::Args),
    /// Print the canonical hash of a package
    Hash(hash::Args),
    /// Hash a package and write its signed manifest
    Sign(sign::Args),
    /// Verify that a package is what was attested
    Verify(verify::Args),
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    match command {
        Command::Scaffold(args) => scaffold::run(context, args, output),
        Command::Hash(args) => hash::run(args, output),
        Command::Sign(args) => sign::run(context, args, output),
        Command::Verify(args) => verify::run(context, args, output),
    }
}

/// The namespace's key; none if it is not set, or empty.
pub(super) fn hmac_key() -> Option<HmacKey> {
    std::env::var_os(HMAC_KEY).and_then(|secret| HmacKey::new(secret.into_vec()))
}
