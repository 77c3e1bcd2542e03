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
pub enum PackageDenial {
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

impl PackageDenial {
    pub const fn code(&self) -> DenyCode {
        match self {
            PackageDenial::ManifestUnreadable { .. }
            | PackageDenial::ManifestTooLarge { .. }
            | PackageDenial::ManifestMalformed(_) => DenyCode::ManifestMissing,
            PackageDenial::Identity { .. } | PackageDenial::Namespace(_) => {
                DenyCode::ManifestIdMismatch
            }
            PackageDenial::Contents { .. }
            | PackageDenial::Hash { .. }
            | PackageDenial::Unattested { .. } => DenyCode::HashMismatch,
            PackageDenial::Banned { .. } => DenyCode::BannedHash,
            PackageDenial::NoHmac | PackageDenial::NoHmacKey | PackageDenial::NoEd25519 => {
                DenyCode::SignatureMissing
            }
            PackageDenial::SignedMember { .. }
            | PackageDenial::HmacInvalid
            | PackageDenial::Schema(_)
            | PackageDenial::BuildSource(_)
            | PackageDenial::Ed25519Malformed(_)
            | PackageDenial::Ed25519OtherManifest
            | PackageDenial::Ed25519Invalid
            | PackageDenial::Ed25519Untrusted { .. } => DenyCode::SigInvalid,
        }
    }

    /// A word for programs, finer than the code.
    pub const fn reason(&self) -> &'static str {
        match self {
            PackageDenial::ManifestUnreadable { .. } => "manifest_unreadable",
            PackageDenial::ManifestTooLarge { .. } => "manifest_too_large",
            PackageDenial::ManifestMalformed(_) => "manifest_malformed",
            PackageDenial::Identity { .. } => "identity_differs",
            PackageDenial::Namespace(_) => "no_namespace",
            PackageDenial::Contents { reason, .. } => reason,
            PackageDenial::Hash { .. } => "hash_differs",
            PackageDenial::Unattested { .. } => "unattested_files",
            PackageDenial::Banned { .. } => "banned",
            PackageDenial::NoHmac => "hmac_missing",
            PackageDenial::NoHmacKey => "hmac_key_missing",
            PackageDenial::NoEd25519 => "ed25519_missing",
            PackageDenial::SignedMember { .. } => "signed_member_malformed",
            PackageDenial::HmacInvalid => "hmac_invalid",
            PackageDenial::Schema(_) => "schema_version_unknown",
            PackageDenial::BuildSource(_) => "build_source_unknown",
            PackageDenial::Ed25519Malformed(_) => "ed25519_malformed",
            PackageDenial::Ed25519OtherManifest => "ed25519_other_manifest",
            PackageDenial::Ed25519Invalid => "ed25519_invalid",
            PackageDenial::Ed25519Untrusted { .. } => "ed25519_untrusted",
        }
    }
}
