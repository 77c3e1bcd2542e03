//! Completions and man pages, generated from the parser itself.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap_complete::Shell;

use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::spared::spare;
use super::{Answer, parser};

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// The directory, which must exist
    directory: PathBuf,
}

pub(super) fn completions(args: &Completions, output: &mut Output) -> Result<Answer, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut parser(), "sealbook", &mut script);
    output.bytes(&script)?;
    Ok(Answer::Yes)
}

pub(super) fn man(context: &Context, args: &Man, output: &mut Output) -> Result<Answer, CliError> {
    let directory = &args.directory;
    // A page of each command, all named so.
    spare(context, &directory.join("sealbook.1"))?;
    for page in directory.read_dir().into_iter().flatten().flatten() {
        if page.file_name().as_bytes().starts_with(b"sealbook") {
            spare(context, &page.path())?;
        }
    }
    clap_mangen::generate_to(parser(), directory)
        .map_err(|error| CliError::file(directory, error))?;
    output.note(&format!("man pages in {}", directory.display()));
    Ok(Answer::Yes)
}
