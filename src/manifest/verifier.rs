//! The verifier: read-only, fail-closed, in one order.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::coverage::{check_artifacts, check_tiles};
use super::document::ArtifactManifest;
use super::result::{FailReason, VerificationResult};
use super::signature::{DetachedSignature, parse_digest};
use super::tiles::TileStore;
use crate::files::{FileDigest, FileReadError, FileSystem, Folder, OpenError};
use crate::ledger::json::Quoted;
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::sha256::Sha256Digest;

/// The contract (version 1.0.0): any deviation is a failing result, never an
/// error and never a panic. A verifier writes nothing and opens no socket
/// (MV-INV-6); telemetry is its caller's.
pub trait ManifestVerifier {
    /// Verifies the manifest at `manifest_path` and the artifacts in its folder.
    /// With no trusted keys every key is untrusted.
    fn verify_manifest(
        &self,
        manifest_path: &Path,
        trusted_public_keys: &[PublicKey],
    ) -> VerificationResult;
}

pub struct FolderVerifier<'a> {
    files: &'a dyn FileSystem,
    tiles: Option<&'a dyn TileStore>,
    reported: Option<&'a BTreeMap<String, FileDigest>>,
}

impl<'a> FolderVerifier<'a> {
    /// Airborne mode: the recorded digest of the tiles stands, under the
    /// signature.
    pub fn airborne(files: &'a dyn FileSystem) -> FolderVerifier<'a> {
        FolderVerifier {
            files,
            tiles: None,
            reported: None,
        }
    }

    /// Operator mode: the digest of the tiles is derived again from `tiles`.
    pub fn operator(files: &'a dyn FileSystem, tiles: &'a dyn TileStore) -> FolderVerifier<'a> {
        let tiles = Some(tiles);
        FolderVerifier {
            tiles,
            ..FolderVerifier::airborne(files)
        }
    }

    /// Takes the artifacts' digests from here and not from the folder.
    pub fn reported(self, digests: &'a BTreeMap<String, FileDigest>) -> FolderVerifier<'a> {
        FolderVerifier {
            reported: Some(digests),
            ..self
        }
    }
}

impl ManifestVerifier for FolderVerifier<'_> {
    fn verify_manifest(
        &self,
        manifest_path: &Path,
        trusted_public_keys: &[PublicKey],
    ) -> VerificationResult {
        let begun = Instant::now();
        let mut result = VerificationResult::default();
        if let Err((reason, detail)) = self.check(manifest_path, trusted_public_keys, &mut result) {
            result.fail(reason, detail);
        }
        result.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        result
    }
}

type Refusal = (FailReason, String);

impl FolderVerifier<'_> {
    /// The checks of SPEC §5.3 in their order.
    fn check(
        &self,
        manifest_path: &Path,
        trusted: &[PublicKey],
        result: &mut VerificationResult,
    ) -> Result<(), Refusal> {
        let not_found = |detail: String| (FailReason::ManifestNotFound, detail);
        let name = manifest_path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| not_found("the path names no file".to_owned()))?;
        let parent = manifest_path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        let folder = self.files.folder(parent.unwrap_or(Path::new(".")));
        let folder = folder.map_err(|error| not_found(format!("its folder: {error}")))?;
        let folder = folder.as_ref();

        let manifest = read(folder, name, limits::LINE_BYTES).map_err(not_found)?;
        let digest = Sha256Digest::of(&manifest);
        result.manifest_sha256 = Some(digest);
        check_self_hash(folder, name, &digest)?;
        let signature = check_signature(folder, name, &manifest, result)?;
        if !trusted.contains(&signature.public_key) {
            let detail = format!("{} is not trusted", signature.public_key.fingerprint());
            return Err((FailReason::UntrustedPublicKey, detail));
        }
        // From here on the manifest is the word of somebody trusted, and what
        // it names may be opened (MV-INV-2).
        let manifest = ArtifactManifest::parse(&manifest)
            .map_err(|error| (FailReason::SchemaViolation, error.to_string()))?;
        check_artifacts(folder, &manifest, self.reported, result);
        if let Some(tiles) = self.tiles {
            check_tiles(tiles, manifest.tiles_coverage_sha256, result);
        }
        Ok(())
    }
}

/// The sidecar is the entry of the chain of trust (MV-INV-3).
fn check_self_hash(folder: &dyn Folder, name: &str, digest: &Sha256Digest) -> Result<(), Refusal> {
    let mismatch = |detail: String| (FailReason::ManifestSelfHashMismatch, detail);
    let sidecar = format!("{name}.sha256");
    let text = read(folder, &sidecar, limits::SMALL_FILE_BYTES).map_err(mismatch)?;
    match parse_digest(&text, name) {
        Some(stated) if stated == *digest => Ok(()),
        Some(stated) => {
            let detail = format!(
                "the manifest hashes to {digest}, {} says {stated}",
                Quoted(&sidecar)
            );
            Err(mismatch(detail))
        }
        None => Err(mismatch(format!(
            "{} holds no digest of {}",
            Quoted(&sidecar),
            Quoted(name)
        ))),
    }
}

fn check_signature(
    folder: &dyn Folder,
    name: &str,
    manifest: &[u8],
    result: &mut VerificationResult,
) -> Result<DetachedSignature, Refusal> {
    let file = format!("{name}.sig");
    let text = read(folder, &file, limits::SMALL_FILE_BYTES)
        .map_err(|detail| (FailReason::SignatureNotFound, detail))?;
    let invalid = |detail: String| (FailReason::SignatureInvalid, detail);
    let signature = DetachedSignature::parse(&text)
        .map_err(|error| invalid(format!("{}: {error}", Quoted(&file))))?;
    result.signing_public_key_fingerprint = Some(signature.public_key.fingerprint());
    if signature.verify(manifest) {
        Ok(signature)
    } else {
        Err(invalid(format!(
            "{} is not a signature of this manifest",
            Quoted(&file)
        )))
    }
}

fn read(folder: &dyn Folder, name: &str, limit: usize) -> Result<Vec<u8>, String> {
    let opened = folder.open(name).map_err(|error| match error {
        OpenError::Io(error) => format!("{} cannot be opened: {error}", Quoted(name)),
        other => format!("{} {other}", Quoted(name)),
    })?;
    opened.read(limit as u64).map_err(|error| match error {
        FileReadError::Io(error) => format!("{} cannot be read: {error}", Quoted(name)),
        other => format!("{} {other}", Quoted(name)),
    })
}
