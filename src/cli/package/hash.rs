//! `sealbook package hash`: the canonical hash of a package.

use std::path::PathBuf;

use crate::attestation::canonical_package_hash;
use crate::cli::Answer;
use crate::cli::document::in_file;
use crate::cli::error::{CliError, ProducerError};
use crate::cli::output::Output;
use crate::ledger::json::Object;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The package's folder
    dir: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let package = canonical_package_hash(&args.dir);
    let package = package.map_err(|error| in_file(&args.dir)(ProducerError::from(error)))?;
    let hash = package.canonical.to_string();
    if output.is_json() {
        let mut object = Object::new();
        object.insert("package_hash", hash);
        output.document(&object)?;
    } else {
        output.line(&hash)?;
    }
    for found in &package.excluded {
        // The manifest is the one that belongs there.
        if found.path != "manifest.json" {
            output.warning(&format!("{} is not hashed", found.path));
        }
    }
    Ok(Answer::Yes)
}
