//! A package to begin with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::files::read_within;
use crate::ledger::limits;

const BOOTSTRAP: &str = "\
\"\"\"Starts the worker: reads one JSON request from stdin, prints one JSON answer.\"\"\"

import json
import sys

from worker_logic import run

if __name__ == \"__main__\":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
";

const WORKER_LOGIC: &str = "\
\"\"\"The worker's logic.\"\"\"


def run(request: dict) -> dict:
    raise NotImplementedError(\"say here what the worker does\")
";

const REQUIREMENTS: &str = "# One dependency a line, its version and hash pinned.\n";

const CONFIG_SCHEMA: &str = "\
{
  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",
  \"type\": \"object\",
  \"properties\": {},
  \"additionalProperties\": false
}
";

/// Why a package was not laid out.
#[derive(Debug, Error)]
pub enum PackageScaffoldError {
    #[error("\"{}\" exists", path.display())]
    Exists { path: PathBuf },
    #[error("\"{}\" cannot be read", path.display())]
    Logic {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("\"{}\" cannot be written", path.display())]
    Write {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

/// The files of a package that is laid out.
pub const SCAFFOLDED: [&str; 4] = [
    "code/bootstrap.py",
    "code/worker_logic.py",
    "requirements.lock",
    "config.schema.json",
];

/// Lays out a package at `package_root`: `code/bootstrap.py`,
/// `code/worker_logic.py` (a copy of `worker_logic_file`, or a stub),
/// `requirements.lock` and `config.schema.json`. Returns the paths written.
///
/// # Errors
/// [`PackageScaffoldError`]; [`PackageScaffoldError::Exists`] only without `overwrite`.
pub fn scaffold_package(
    package_root: &Path,
    worker_logic_file: Option<&Path>,
    overwrite: bool,
) -> Result<Vec<PathBuf>, PackageScaffoldError> {
    let logic = match worker_logic_file {
        None => WORKER_LOGIC.as_bytes().to_vec(),
        Some(path) => {
            read_within(path, limits::LINE_BYTES).map_err(|error| PackageScaffoldError::Logic {
                path: path.to_owned(),
                error,
            })?
        }
    };
    let contents = [
        BOOTSTRAP.as_bytes(),
        &logic,
        REQUIREMENTS.as_bytes(),
        CONFIG_SCHEMA.as_bytes(),
    ];
    let paths = SCAFFOLDED.map(|name| package_root.join(name));
    let files: Vec<_> = paths.into_iter().zip(contents).collect();
    for (path, _) in files.iter().filter(|_| !overwrite) {
        // A dangling link is in the way too.
        if path.symlink_metadata().is_ok() {
            return Err(PackageScaffoldError::Exists { path: path.clone() });
        }
    }
    let code = package_root.join("code");
    fs::create_dir_all(&code).map_err(|error| PackageScaffoldError::Write { path: code, error })?;
    let mut written = Vec::new();
    for (path, content) in files {
        match fs::write(&path, content) {
            Ok(()) => written.push(path),
            Err(error) => return Err(PackageScaffoldError::Write { path, error }),
        }
    }
    Ok(written)
}
