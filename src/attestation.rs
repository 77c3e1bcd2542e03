//! Package attestation (SPEC §5.2): what a worker package is, whether it is
//! what a namespace attested, and what the registry says of it.
//!
//! ```text
//! package_hash = hex SHA-256 over one record a file:
//!                relative_posix_path \n size_bytes \n sha256_hex \n
//! signed       = HMAC-SHA256 over {"build_source", "built_at_utc",
//!                "package_hash", "schema_version", "worker_id",
//!                "worker_species_id", "worker_version"}, canonical, ASCII
//! ```
//!
//! Of the manifest's other members `attested_at_utc` and `trust_statement` are
//! **not** signed: an HMAC over seven members says nothing of an eighth. So the
//! trust statement is rebuilt from what was verified, and `attested_at_utc` is
//! marked as unsigned. And the holder of a key that checks an HMAC can make one; a manifest
//! may therefore also carry an Ed25519 signature over all its other members
//! ([`Purpose::Awp`](crate::ledger::envelope::Purpose::Awp)).
//!
//! A verifier reads; it never writes, logs or opens a socket. Time and the HMAC
//! key are arguments.

mod ban_list;
#[cfg(feature = "files")]
mod build;
mod denial;
mod hmac_key;
mod identity;
mod manifest;
#[cfg(feature = "files")]
mod meta;
#[cfg(feature = "files")]
mod package_hash;
mod record;
#[cfg(feature = "client")]
pub mod registry_client;
#[cfg(feature = "files")]
mod scaffold;
#[cfg(feature = "files")]
mod verifier;

pub use ban_list::{BanEntry, BanList, BanListError};
#[cfg(feature = "files")]
pub use build::{BuildManifestError, ManifestRequest, build_manifest, write_manifest};
pub use denial::{DenyCode, PackageDenial};
pub use hmac_key::HmacKey;
pub use identity::{NamespaceError, namespace};
pub use manifest::{BuildSource, ManifestError, PackageManifest, SCHEMA_VERSION, trust_statement};
#[cfg(feature = "files")]
pub use meta::{Attestation, Ed25519, Meta, Unattested};
#[cfg(feature = "files")]
pub use package_hash::{PackageHash, PathOrder, canonical_package_hash, is_excluded};
pub use record::{PackageRecordError, compute_artifact_hash, verify_artifact_hash};
#[cfg(feature = "files")]
pub use scaffold::{PackageScaffoldError, SCAFFOLDED, scaffold_package};
#[cfg(feature = "files")]
pub use verifier::{Evidence, PackageAttestationVerifier};
