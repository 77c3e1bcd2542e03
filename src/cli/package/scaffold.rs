//! `sealbook package scaffold`: a package to begin with.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::attestation::{SCAFFOLDED, scaffold_package};
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::error::{CliError, ProducerError};
use crate::cli::output::Output;
use crate::cli::spared::spare;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The package's folder
    dir: PathBuf,
    /// The worker's code, copied [default: a stub]
    #[arg(long, value_name = "FILE")]
    logic: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    spare_files(context, &args.dir)?;
    let written = scaffold_package(&args.dir, args.logic.as_deref(), args.overwrite);
    let written = written.map_err(ProducerError::from)?;
    print(&args.dir, &written, output)?;
    Ok(Answer::Yes)
}

/// Refuses a folder where the package's files would take the place of what is spared.
pub(in crate::cli) fn spare_files(context: &Context, dir: &Path) -> Result<(), CliError> {
    let mut names = SCAFFOLDED.iter();
    names.try_for_each(|name| spare(context, &dir.join(name)))
}

#[derive(Serialize)]
struct Printed {
    package: String,
    written: Vec<String>,
}

pub(in crate::cli) fn print(
    dir: &Path,
    written: &[PathBuf],
    output: &mut Output,
) -> Result<(), CliError> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let printed = Printed {
        package: text(dir),
        written: written.iter().map(|path| text(path)).collect(),
    };
    if output.is_json() {
        return output.document(&printed);
    }
    for path in &printed.written {
        output.line(path)?;
    }
    Ok(())
}
