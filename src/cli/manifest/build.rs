//! `sealbook manifest build`: hashes a folder and signs what it holds.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSetBuilder};
use serde_json::json;

use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::document::in_file;
use crate::cli::error::{CliError, ProducerError};
use crate::cli::output::Output;
use crate::cli::spared::spare;
use crate::ledger::key::Signer;
use crate::ledger::sha256::Sha256Digest;
use crate::manifest::{self, JsonLinesTiles, ManifestBuildError, TileStore, coverage_sha256};

use super::manifest_path;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder, or the manifest to be written in it
    path: PathBuf,
    /// The private Ed25519 key (PEM) to sign with
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Leave out what matches: a name anywhere, or a path with `/` from the folder,
    /// with *, ** and ? (may be given several times)
    #[arg(long, value_name = "PATTERN")]
    ignore: Vec<String>,
    /// Tiles to be covered: JSON Lines of {"tile_id", "sha256"}
    #[arg(long, value_name = "FILE")]
    tiles: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let signer = context.open_key(&args.key)?;
    let tiles = args.tiles.as_deref().map(coverage).transpose()?;
    let path = manifest_path(&args.path);
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| {
        let path = path.clone();
        ProducerError::from(ManifestBuildError::NoName { path })
    })?;
    for ending in ["", ".sha256", ".sig"] {
        spare(context, &path.with_file_name(format!("{name}{ending}")))?;
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let ignored = ignored(&args.ignore)?;
    let now = context.clock().wall();
    let built =
        manifest::build_without(folder, name, &ignored, tiles, now).map_err(ProducerError::from)?;
    manifest::write(&built, &path, &signer).map_err(ProducerError::from)?;
    let bytes: u64 = built.artifacts.iter().map(|a| a.size_bytes).sum();
    let count = built.artifacts.len();
    let digest = Sha256Digest::of(built.to_text().as_bytes()).to_string();
    let fingerprint = signer.public_key().fingerprint();
    if output.is_json() {
        output.document(&json!({
            "manifest": path.to_string_lossy().into_owned(),
            "manifest_sha256": digest,
            "artifacts": count as u64,
            "size_bytes": bytes,
            "tiles_coverage_sha256": tiles.map(|d| d.to_string()),
            "signing_public_key_fingerprint": fingerprint,
        }))?;
    } else {
        output.line(&format!(
            "{}: {count} artifacts, {bytes} bytes",
            path.display()
        ))?;
        output.line(&format!("sha256    {digest}"))?;
        output.line(&format!("signed by {fingerprint}"))?;
    }
    Ok(Answer::Yes)
}

fn ignored(patterns: &[String]) -> Result<impl Fn(&str, &[u8]) -> bool, CliError> {
    let mut globs = GlobSetBuilder::new();
    for pattern in patterns {
        let text = pattern.trim_end_matches('/').trim_start_matches("./");
        // As in an ignore file of git.
        let text = match text.strip_prefix('/') {
            Some(from_folder) => from_folder.to_owned(),
            None if text.contains('/') => text.to_owned(),
            None => format!("**/{text}"),
        };
        let glob = GlobBuilder::new(&text).literal_separator(true).build();
        globs.add(glob.map_err(|_| wrong(pattern))?);
    }
    let globs = globs.build().map_err(|_| wrong("--ignore"))?;
    Ok(move |parent: &str, name: &[u8]| {
        let name = OsStr::from_bytes(name);
        globs.is_match(Path::new(parent).join(name))
    })
}

fn wrong(pattern: &str) -> CliError {
    CliError::Argument {
        what: "pattern",
        given: pattern.to_owned(),
        expected: "a name or path with *, ** and ? is needed",
    }
}

fn coverage(path: &Path) -> Result<Sha256Digest, CliError> {
    let digest = JsonLinesTiles::new(path).tiles().and_then(coverage_sha256);
    digest.map_err(|error| in_file(path)(ProducerError::from(error)))
}
