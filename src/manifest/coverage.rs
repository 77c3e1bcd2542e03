//! Whether the artifacts are what a trusted manifest promises.

use std::collections::BTreeMap;

use super::document::{ArtifactEntry, ArtifactManifest};
use super::result::{ArtifactCheck, FailReason, VerificationResult};
use super::tiles::{TileStore, coverage_sha256};
use crate::files::{FileDigest, FileOutcome, FileReadError, Folder, OpenError, digest_each_within};
use crate::ledger::json::Quoted;
use crate::ledger::sha256::Sha256Digest;

/// How many artifacts a detail names; every one is in the checks.
const NAMED: usize = 10;

/// Bytes of a file that are read although the manifest promises fewer, so that its
/// digest can be told.
const READ_ANYWAY: u64 = 64 << 20;

/// Checks every artifact, in parallel and whatever becomes of the others.
pub(super) fn check_artifacts(
    folder: &dyn Folder,
    manifest: &ArtifactManifest,
    reported: Option<&BTreeMap<String, FileDigest>>,
    result: &mut VerificationResult,
) {
    let open = |artifact: &ArtifactEntry| folder.open(&artifact.relative_path);
    let outcomes = match reported {
        None => digest_each_within(&manifest.artifacts, open, |artifact| {
            artifact.size_bytes.max(READ_ANYWAY)
        }),
        Some(reported) => {
            let artifacts = manifest.artifacts.iter();
            let of = |artifact: &ArtifactEntry| reported.get(&artifact.relative_path).copied();
            artifacts
                .map(|artifact| of(artifact).map(Ok).ok_or(OpenError::Missing))
                .collect()
        }
    };
    let checked: Vec<(ArtifactCheck, Option<FailedFile>)> = manifest
        .artifacts
        .iter()
        .zip(outcomes)
        .map(|(artifact, outcome)| check_artifact(artifact, outcome))
        .collect();
    for reason in [
        FailReason::ArtifactMissing,
        FailReason::ArtifactHashMismatch,
    ] {
        let failed: Vec<String> = checked
            .iter()
            .filter_map(|(check, failed)| {
                let failed = failed.as_ref().filter(|failed| failed.reason == reason)?;
                Some(format!(
                    "{} {}",
                    Quoted(&check.relative_path),
                    failed.detail
                ))
            })
            .collect();
        if !failed.is_empty() {
            result.fail(reason, summary(&failed));
        }
    }
    result.per_artifact_checks = checked.into_iter().map(|(check, _)| check).collect();
}

struct FailedFile {
    reason: FailReason,
    detail: String,
}

fn check_artifact(
    artifact: &ArtifactEntry,
    outcome: FileOutcome<OpenError>,
) -> (ArtifactCheck, Option<FailedFile>) {
    let (actual, failed) = match compare(artifact, outcome) {
        Err(failed) => (None, Some(failed)),
        Ok((actual, failed)) => (Some(actual), failed),
    };
    let check = ArtifactCheck {
        relative_path: artifact.relative_path.clone(),
        expected_sha256: artifact.sha256,
        actual_sha256: actual,
        matched: failed.is_none(),
    };
    (check, failed)
}

fn compare(
    artifact: &ArtifactEntry,
    outcome: FileOutcome<OpenError>,
) -> Result<(Sha256Digest, Option<FailedFile>), FailedFile> {
    let read = outcome.map_err(|error| {
        // What is there and cannot be opened is not missing, but there is no
        // word nearer: nothing was compared.
        let detail = match error {
            OpenError::Io(error) => format!("cannot be opened: {error}"),
            other => other.to_string(),
        };
        FailedFile {
            reason: FailReason::ArtifactMissing,
            detail,
        }
    })?;
    let mismatch = |detail| FailedFile {
        reason: FailReason::ArtifactHashMismatch,
        detail,
    };
    let FileDigest { sha256, size } = read.map_err(|error| match error {
        FileReadError::Io(error) => mismatch(format!("cannot be read: {error}")),
        FileReadError::TooLarge { size, .. } => other_size(size, artifact),
        other => mismatch(other.to_string()),
    })?;
    let failed = if size != artifact.size_bytes {
        Some(other_size(size, artifact))
    } else if sha256 != artifact.sha256 {
        Some(mismatch("has other content".to_owned()))
    } else {
        None
    };
    Ok((sha256, failed))
}

fn other_size(size: u64, artifact: &ArtifactEntry) -> FailedFile {
    FailedFile {
        reason: FailReason::ArtifactHashMismatch,
        detail: format!("has {size} bytes, not {}", artifact.size_bytes),
    }
}

/// Derives the tiles' digest again (operator mode).
pub(super) fn check_tiles(
    store: &dyn TileStore,
    recorded: Option<Sha256Digest>,
    result: &mut VerificationResult,
) {
    let derived = match store.tiles().and_then(coverage_sha256) {
        Ok(derived) => derived,
        Err(error) => return result.fail(FailReason::TilesCoverageMismatch, error.to_string()),
    };
    match recorded {
        Some(recorded) if recorded == derived => {}
        Some(recorded) => {
            let detail = format!("the tiles' digest is {derived}, recorded is {recorded}");
            result.fail(FailReason::TilesCoverageMismatch, detail);
        }
        None => {
            let detail = "the manifest records no tiles, and a tile store was given";
            result.fail(FailReason::TilesCoverageMismatch, detail);
        }
    }
}

fn summary(failed: &[String]) -> String {
    let named = failed
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    match failed.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}
