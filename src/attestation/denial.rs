//! Why a package is denied: six codes for programs that know the protocol, and
//! behind each the reasons in full.

use std::path::PathBuf;

use thiserror::Error;

use super::identity::NamespaceError;
use super::manifest::ManifestError;
use crate::ledger::envelope::EnvelopeError;
use crate::ledger::json::Quoted;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::words::words;

words! {
    /// The deny codes of the protocol, in the order of their checks.
    pub enum DenyCode {
        ManifestMissing = "ATTEST_MANIFEST_MISSING",
        ManifestIdMismatch = "ATTEST_MANIFEST_ID_MISMATCH",
        HashMismatch = "ATTEST_HASH_MISMATCH",
        BannedHash = "ATTEST_BANNED_HASH",
        SignatureMissing = "ATTEST_SIGNATURE_MISSING",
        SigInvalid = "ATTEST_SIG_INVALID",
    }
}

/// What a manifest says, or that it says nothing.
fn and_more(count: usize) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

fn stated(text: &Option<String>) -> String {
    let said = text.as_ref().map(|text| Quoted(text).to_string());
    said.unwrap_or_else(|| "no text".to_owned())
}

#[derive(Debug, Error)]
pub enum Denial {
    #[error("{}: {problem}", Quoted(path.to_string_lossy()))]
    ManifestUnreadable { path: PathBuf, problem: String },
    #[error("the manifest has {bytes} bytes, over the limit of 1 MiB")]
    ManifestTooLarge { bytes: u64 },
    #[error("the manifest: {0}")]
    ManifestMalformed(#[source] ManifestError),
    #[error(
        "{member} is {} in the manifest, {} was declared",
        stated(manifest),
        Quoted(declared)
    )]
    Identity {
        member: &'static str,
        declared: String,
        manifest: Option<String>,
    },
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error("{} {problem}", Quoted(path))]
    Contents {
        path: String,
        reason: &'static str,
        problem: String,
    },
    #[error(
        "the package hashes to {actual}, the manifest says {}",
        stated(manifest)
    )]
    Hash {
        manifest: Option<String>,
        actual: Sha256Digest,
    },
    #[error("no hash covers {}{}", Quoted(first), and_more(*count))]
    Unattested { count: usize, first: String },
    #[error("{sha256} is banned: {}", Quoted(reason))]
    Banned {
        sha256: Sha256Digest,
        reason: String,
    },
    #[error("the manifest carries no HMAC")]
    NoHmac,
    #[error("no HMAC key was given")]
    NoHmacKey,
    #[error("the manifest carries no Ed25519 signature")]
    NoEd25519,
    #[error("the signed member {member} is absent or not a string")]
    SignedMember { member: &'static str },
    #[error("the HMAC does not verify")]
    HmacInvalid,
    #[error("schema_version is {}, not \"awp.v1\"", Quoted(_0))]
    Schema(String),
    #[error("build_source is {}", Quoted(_0))]
    BuildSource(String),
    #[error("signature_ed25519: {0}")]
    Ed25519Malformed(#[source] EnvelopeError),
    #[error("the Ed25519 signature is over another manifest")]
    Ed25519OtherManifest,
    #[error("the Ed25519 signature does not verify")]
    Ed25519Invalid,
    #[error("the Ed25519 key {fingerprint} is not trusted")]
    Ed25519Untrusted { fingerprint: String },
}

impl Denial {
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
