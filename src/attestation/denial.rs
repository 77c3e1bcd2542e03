//! Why a package is denied: six codes for programs that know the protocol, and
//! behind each the reasons in full.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::identity::NamespaceError;
use super::manifest::ManifestError;
use crate::ledger::envelope::EnvelopeError;
use crate::ledger::json::Quoted;
use crate::ledger::sha256::Sha256Digest;

/// The deny codes of the protocol, in the order of their checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "SPEC §5.2 says what each means")]
pub enum DenyCode {
    ManifestMissing,
    ManifestIdMismatch,
    HashMismatch,
    BannedHash,
    SignatureMissing,
    SigInvalid,
}

impl DenyCode {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DenyCode::ManifestMissing => "ATTEST_MANIFEST_MISSING",
            DenyCode::ManifestIdMismatch => "ATTEST_MANIFEST_ID_MISMATCH",
            DenyCode::HashMismatch => "ATTEST_HASH_MISMATCH",
            DenyCode::BannedHash => "ATTEST_BANNED_HASH",
            DenyCode::SignatureMissing => "ATTEST_SIGNATURE_MISSING",
            DenyCode::SigInvalid => "ATTEST_SIG_INVALID",
        }
    }
}

impl fmt::Display for DenyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a manifest says, or that it says nothing.
fn stated(text: &Option<String>) -> String {
    let said = text.as_ref().map(|text| Quoted(text).to_string());
    said.unwrap_or_else(|| "no text".to_owned())
}

/// Why a package is denied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Denial {
    /// The manifest's file is not there, not a file, or cannot be read.
    #[error("{}: {problem}", Quoted(path.to_string_lossy()))]
    ManifestUnreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The manifest has more than 1 MiB.
    #[error("the manifest has {bytes} bytes, over the limit of 1 MiB")]
    ManifestTooLarge {
        /// How many.
        bytes: u64,
    },
    /// The manifest is not a JSON object.
    #[error("the manifest: {0}")]
    ManifestMalformed(#[source] ManifestError),
    /// The manifest is of another worker.
    #[error(
        "{member} is {} in the manifest, {} was declared",
        stated(manifest),
        Quoted(declared)
    )]
    Identity {
        /// `worker_id` or `worker_species_id`.
        member: &'static str,
        /// What was declared.
        declared: String,
        /// What the manifest says; none if that is not a string.
        manifest: Option<String>,
    },
    /// The worker has no namespace that could attest it.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// The package's content has no hash.
    #[error("{} {problem}", Quoted(path))]
    Contents {
        /// Relative to the package; empty for the package itself.
        path: String,
        /// A word for programs.
        reason: &'static str,
        /// For people.
        problem: String,
    },
    /// The package is not what the manifest says.
    #[error(
        "the package hashes to {actual}, the manifest says {}",
        stated(manifest)
    )]
    Hash {
        /// What the manifest says; none if that is not a string.
        manifest: Option<String>,
        /// What the package hashes to.
        actual: Sha256Digest,
    },
    /// There are files that no hash covers, and none were to be allowed.
    #[error("{count} files are not attested, {} first", Quoted(first))]
    Unattested {
        /// How many.
        count: usize,
        /// The first.
        first: String,
    },
    /// The package's hash is banned.
    #[error("{sha256} is banned: {}", Quoted(reason))]
    Banned {
        /// The hash.
        sha256: Sha256Digest,
        /// Why it is.
        reason: String,
    },
    /// The manifest carries no HMAC.
    #[error("the manifest carries no HMAC")]
    NoHmac,
    /// No key was given to check the HMAC with.
    #[error("no HMAC key was given")]
    NoHmacKey,
    /// The manifest carries no Ed25519 signature, which was required.
    #[error("the manifest carries no Ed25519 signature")]
    NoEd25519,
    /// A signed member is absent or not a string, so nobody can have signed it.
    #[error("the signed member {member} is absent or not a string")]
    SignedMember {
        /// Which.
        member: &'static str,
    },
    /// The HMAC is not the key's over the manifest.
    #[error("the HMAC does not verify")]
    HmacInvalid,
    /// The signature is good, for a schema whose meaning nobody here knows.
    #[error("schema_version is {}, not \"awp.v1\"", Quoted(_0))]
    Schema(String),
    /// A signed member has a value that the schema does not know.
    #[error("build_source is {}", Quoted(_0))]
    BuildSource(String),
    /// What should be an Ed25519 envelope is none.
    #[error("signature_ed25519: {0}")]
    Ed25519Malformed(#[source] EnvelopeError),
    /// The Ed25519 envelope is over another manifest.
    #[error("the Ed25519 signature is over another manifest")]
    Ed25519OtherManifest,
    /// The Ed25519 signature does not verify.
    #[error("the Ed25519 signature does not verify")]
    Ed25519Invalid,
    /// The Ed25519 key is not one that is trusted.
    #[error("the Ed25519 key {fingerprint} is not trusted")]
    Ed25519Untrusted {
        /// The key's fingerprint.
        fingerprint: String,
    },
}

impl Denial {
    /// The protocol's code for it.
    #[must_use]
    pub const fn code(&self) -> DenyCode {
        match self {
            Denial::ManifestUnreadable { .. }
            | Denial::ManifestTooLarge { .. }
            | Denial::ManifestMalformed(_) => DenyCode::ManifestMissing,
            Denial::Identity { .. } | Denial::Namespace(_) => DenyCode::ManifestIdMismatch,
            Denial::Contents { .. } | Denial::Hash { .. } | Denial::Unattested { .. } => {
                DenyCode::HashMismatch
            }
            Denial::Banned { .. } => DenyCode::BannedHash,
            Denial::NoHmac | Denial::NoHmacKey | Denial::NoEd25519 => DenyCode::SignatureMissing,
            Denial::SignedMember { .. }
            | Denial::HmacInvalid
            | Denial::Schema(_)
            | Denial::BuildSource(_)
            | Denial::Ed25519Malformed(_)
            | Denial::Ed25519OtherManifest
            | Denial::Ed25519Invalid
            | Denial::Ed25519Untrusted { .. } => DenyCode::SigInvalid,
        }
    }

    /// A word for programs, finer than the code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Denial::ManifestUnreadable { .. } => "manifest_unreadable",
            Denial::ManifestTooLarge { .. } => "manifest_too_large",
            Denial::ManifestMalformed(_) => "manifest_malformed",
            Denial::Identity { .. } => "identity_differs",
            Denial::Namespace(_) => "no_namespace",
            Denial::Contents { reason, .. } => reason,
            Denial::Hash { .. } => "hash_differs",
            Denial::Unattested { .. } => "unattested_files",
            Denial::Banned { .. } => "banned",
            Denial::NoHmac => "hmac_missing",
            Denial::NoHmacKey => "hmac_key_missing",
            Denial::NoEd25519 => "ed25519_missing",
            Denial::SignedMember { .. } => "signed_member_malformed",
            Denial::HmacInvalid => "hmac_invalid",
            Denial::Schema(_) => "schema_version_unknown",
            Denial::BuildSource(_) => "build_source_unknown",
            Denial::Ed25519Malformed(_) => "ed25519_malformed",
            Denial::Ed25519OtherManifest => "ed25519_other_manifest",
            Denial::Ed25519Invalid => "ed25519_invalid",
            Denial::Ed25519Untrusted { .. } => "ed25519_untrusted",
        }
    }
}
