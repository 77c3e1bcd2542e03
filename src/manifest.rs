//! Artifact manifests (SPEC §5.3): `Manifest.json`, what it promises of the
//! files beside it, and whether they keep it.
//!
//! Three files stand in one folder with the artifacts, or above them:
//!
//! ```text
//! Manifest.json         {"schema_version": "1.0.0", "created_at_utc": ts,
//!                        "artifacts": [{"relative_path", "sha256", "size_bytes"}],
//!                        "tiles_coverage_sha256": hex or null}
//! Manifest.json.sha256  hex SHA-256 of Manifest.json, as `sha256sum` writes it
//! Manifest.json.sig     {"algorithm": "ed25519", "public_key": hex, "signature": hex}
//! ```
//!
//! The verifier's order is its point: until the key that signed the manifest is
//! found to be trusted, nothing but these three files is opened, so that no
//! forged manifest can make it read what an attacker chose.

mod build;
mod coverage;
mod document;
mod path;
mod result;
mod signature;
mod tiles;
mod verifier;

pub use build::{ManifestBuildError, build, build_without, not_listed, write};
pub use document::{ArtifactEntry, ArtifactManifest, SCHEMA_VERSION, SchemaError};
pub use path::{PathProblem, check_path};
pub use result::{ArtifactCheck, FailReason, ManifestOutcome, VerificationResult};
pub use signature::{DetachedSignature, SignatureError};
pub use tiles::{JsonLinesTiles, Tile, TileError, TileStore, coverage_sha256};
pub use verifier::{FolderVerifier, ManifestVerifier};

pub const FILE_NAME: &str = "Manifest.json";
