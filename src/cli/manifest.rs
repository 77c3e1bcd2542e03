//! `sealbook manifest`: artifact manifests, built and verified (SPEC §5.3).

mod build;
mod verify;

use std::path::{Path, PathBuf};

use crate::manifest::FILE_NAME;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Hash a folder, and write its signed manifest
    Build(build::Args),
    /// Verify a manifest, and every artifact that it names
    Verify(verify::Args),
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    match command {
        Command::Build(args) => build::run(context, args, output),
        Command::Verify(args) => verify::run(context, args, output),
    }
}

/// A folder stands for the manifest in it.
fn manifest_path(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(FILE_NAME),
        false => path.to_owned(),
    }
}
