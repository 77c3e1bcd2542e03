//! Making a manifest of a folder.

use std::collections::HashSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::document::{ArtifactEntry, ArtifactManifest};
use super::path::{PathProblem, check_path};
use super::signature::{DetachedSignature, format_digest};
use crate::files::{Root, Skip, TreeError, digest_tree, list, replace};
use crate::ledger::key::{SignError, Signer};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;

/// Why no manifest was made or written.
#[derive(Debug, Error)]
pub enum ManifestBuildError {
    #[error("\"{}\" names no file", path.display())]
    NoName { path: PathBuf },
    #[error("\"{}\" cannot be opened", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error(transparent)]
    Contents(#[from] TreeError),
    #[error("\"{path}\" {problem}")]
    Path {
        path: String,
        #[source]
        problem: PathProblem,
    },
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("\"{}\" cannot be written", path.display())]
    Write {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

/// Lists and hashes every file below `folder`, but for the manifest `name`
/// itself and the files that vouch for it.
///
/// # Errors
/// [`ManifestBuildError`], never [`ManifestBuildError::Write`] or [`ManifestBuildError::Sign`].
pub fn build(
    folder: &Path,
    name: &str,
    tiles_coverage_sha256: Option<Sha256Digest>,
    now: Timestamp,
) -> Result<ArtifactManifest, ManifestBuildError> {
    build_without(folder, name, &|_, _| false, tiles_coverage_sha256, now)
}

/// The same without what `ignored` answers true for, by the path of the folder
/// that it is in and its name.
///
/// # Errors
/// [`ManifestBuildError`], never [`ManifestBuildError::Write`] or [`ManifestBuildError::Sign`].
pub fn build_without(
    folder: &Path,
    name: &str,
    ignored: Skip<'_>,
    tiles_coverage_sha256: Option<Sha256Digest>,
    now: Timestamp,
) -> Result<ArtifactManifest, ManifestBuildError> {
    let root = Root::open(folder).map_err(|error| ManifestBuildError::Folder {
        path: folder.to_owned(),
        error,
    })?;
    let own = own_files(name);
    let skip = |parent: &str, name: &[u8]| own(parent, name) || ignored(parent, name);
    let tree = list(&root, &skip)?;
    for found in &tree.files {
        check_path(&found.path).map_err(|problem| ManifestBuildError::Path {
            path: found.path.clone(),
            problem,
        })?;
    }
    let digests = digest_tree(&root, &tree, &skip, u64::MAX)?;
    let artifacts = tree.files.into_iter().zip(digests);
    let artifacts = artifacts.map(|(found, digest)| ArtifactEntry {
        relative_path: found.path,
        sha256: digest.sha256,
        size_bytes: digest.size,
    });
    Ok(ArtifactManifest {
        created_at_utc: now,
        artifacts: artifacts.collect(),
        tiles_coverage_sha256,
    })
}

/// The manifest itself and the files that vouch for it. Only beside it: a file of
/// that name further down is an artifact.
fn own_files(name: &str) -> impl Fn(&str, &[u8]) -> bool {
    let temporary = Path::new(name).with_extension("tmp");
    let own = ["", ".sha256", ".sig", ".tmp"].map(|end| format!("{name}{end}").into_bytes());
    move |parent, name| {
        let is_own = own.iter().any(|own| own == name);
        parent.is_empty() && (is_own || name == temporary.as_os_str().as_bytes())
    }
}

/// The files of the folder of the manifest `name` that are not `listed` in it. No
/// file is opened.
pub fn not_listed(
    folder: &Path,
    name: &str,
    listed: &HashSet<&str>,
) -> Result<Vec<String>, ManifestBuildError> {
    let root = Root::open(folder).map_err(|error| ManifestBuildError::Folder {
        path: folder.to_owned(),
        error,
    })?;
    let tree = list(&root, &own_files(name))?;
    let paths = tree.files.into_iter().map(|found| found.path);
    Ok(paths
        .filter(|path| !listed.contains(path.as_str()))
        .collect())
}

/// Signs a manifest and writes the three files, each whole or not at all: first
/// those that vouch, so that a crash in between leaves a manifest that fails.
pub fn write(
    manifest: &ArtifactManifest,
    path: &Path,
    signer: &dyn Signer,
) -> Result<(), ManifestBuildError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| ManifestBuildError::NoName {
        path: path.to_owned(),
    })?;
    let text = manifest.to_text();
    let signature = DetachedSignature::sign(text.as_bytes(), signer)?;
    let sidecar = format_digest(&Sha256Digest::of(text.as_bytes()), name);
    let files = [
        (
            path.with_file_name(format!("{name}.sig")),
            signature.to_text(),
        ),
        (path.with_file_name(format!("{name}.sha256")), sidecar),
        (path.to_owned(), text),
    ];
    for (path, text) in files {
        let written = replace(&path, text.as_bytes());
        written.map_err(|error| ManifestBuildError::Write { path, error })?;
    }
    Ok(())
}
