//! Making a manifest.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::hmac_key::HmacKey;
use super::identity::{NamespaceError, namespace};
use super::manifest::{BuildSource, PackageManifest, SCHEMA_VERSION, trust_statement};
use super::package_hash::canonical_package_hash;
use crate::files::{self, TreeError};
use crate::ledger::json::Object;
use crate::ledger::key::{SignError, Signer};
use crate::ledger::time::Timestamp;

/// What a manifest is to say beside the hash.
#[derive(Clone, Copy, Debug)]
pub struct ManifestRequest<'a> {
    /// `x.<name>…` or `org.<name>…`.
    pub worker_id: &'a str,
    /// Such as `wrk.doc.summarizer`.
    pub worker_species_id: &'a str,
    /// Such as `1.0.0`.
    pub worker_version: &'a str,
    /// Where it is being built.
    pub build_source: BuildSource,
}

#[derive(Debug, Error)]
pub enum BuildManifestError {
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error(transparent)]
    Contents(#[from] TreeError),
    #[error("the signed member {member} is absent")]
    SignedMember { member: &'static str },
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Hashes the package at `package_root` and states, as of `now`, that it is the
/// worker of `request`: signed with the namespace key, and with `signer` where
/// one is given. Writes nothing.
pub fn build_manifest(
    package_root: &Path,
    request: &ManifestRequest<'_>,
    hmac_key: &HmacKey,
    signer: Option<&dyn Signer>,
    now: Timestamp,
) -> Result<PackageManifest, BuildManifestError> {
    let namespace = namespace(request.worker_id)?;
    let package_hash = canonical_package_hash(package_root)?.canonical;
    let now = now.whole_seconds_z();
    let mut members = Object::new();
    members.insert("schema_version", SCHEMA_VERSION);
    members.insert("worker_id", request.worker_id);
    members.insert("worker_species_id", request.worker_species_id);
    members.insert("worker_version", request.worker_version);
    members.insert("package_hash", package_hash.to_string());
    members.insert("built_at_utc", now.as_str());
    members.insert("attested_at_utc", now.as_str());
    members.insert("build_source", request.build_source.as_str());
    members.insert(
        "trust_statement",
        trust_statement(namespace, &now, &package_hash),
    );
    let mut manifest = PackageManifest::unsigned(members);
    let signed = manifest.sign_hmac(hmac_key);
    signed.map_err(|member| BuildManifestError::SignedMember { member })?;
    if let Some(signer) = signer {
        manifest.sign_ed25519(signer)?;
    }
    Ok(manifest)
}

/// Writes a manifest's text to `path`, whole or not at all.
pub fn write_manifest(manifest: &PackageManifest, path: &Path) -> io::Result<()> {
    files::replace(path, manifest.to_text().as_bytes())
}
