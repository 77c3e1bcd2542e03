//! What a verification of a package says, denial or not.

use serde::Serialize;

use super::denial::{DenyCode, PackageDenial};
use super::package_hash::PathOrder;
use crate::ledger::document::DocumentDigest;
use crate::ledger::json::Value;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;

#[derive(Debug)]
pub struct Attestation {
    /// Why the package is denied; none if it is what was attested.
    pub denial: Option<PackageDenial>,
    pub meta: Meta,
}

/// What was found on the way. Members are set as far as verification got, and
/// those that need a valid signature only after it was found valid.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Meta {
    pub worker_id: String,
    pub worker_species_id: String,
    /// When the verification was asked for, `YYYY-MM-DDTHH:MM:SSZ`.
    pub verified_at_utc: String,
    /// SHA-256 of the manifest's bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<Sha256Digest>,
    /// The recomputed hash, in the order that matched; the canonical one if
    /// neither did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_hash: Option<Sha256Digest>,
    /// The order that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_order: Option<PathOrder>,
    /// BLAKE2b-256 of the ban list that was consulted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ban_list: Option<DocumentDigest>,
    /// Files that no hash covers.
    #[serde(flatten)]
    pub unattested: Unattested,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_at_utc: Option<String>,
    /// What the manifest gives as the time of attestation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attested_at_utc: Option<String>,
    /// Which of the members above no signature covers.
    pub unsigned: Vec<&'static str>,
    /// Rebuilt from what was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_statement: Option<String>,
    /// The manifest's own text, where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_statement_claimed: Option<String>,
    /// Whose valid Ed25519 signature it carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ed25519: Option<Ed25519>,
    /// Words on what to look at although the package passed.
    pub warnings: Vec<&'static str>,
    pub elapsed_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ed25519 {
    pub fingerprint: String,
    pub trusted: bool,
}

/// Files that are in the package and that no hash covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unattested {
    /// The first of them, sorted by path components.
    #[serde(rename = "unattested")]
    pub listed: Vec<String>,
    #[serde(rename = "unattested_count")]
    pub count: usize,
}

impl Attestation {
    /// Whether the package is what was attested.
    pub const fn ok(&self) -> bool {
        self.denial.is_none()
    }

    pub fn deny_code(&self) -> Option<DenyCode> {
        self.denial.as_ref().map(PackageDenial::code)
    }

    /// `{"ok", "deny_code", "meta"}`.
    pub fn to_value(&self) -> Value {
        shape::write(&Told {
            ok: self.ok(),
            deny_code: self.deny_code().map(DenyCode::as_str),
            meta: MetaTold {
                meta: &self.meta,
                reason: self.denial.as_ref().map(PackageDenial::reason),
                detail: self.denial.as_ref().map(PackageDenial::to_string),
            },
        })
    }
}

/// What [`Attestation::to_value`] says.
#[derive(Serialize)]
struct Told<'a> {
    ok: bool,
    deny_code: Option<&'static str>,
    meta: MetaTold<'a>,
}

#[derive(Serialize)]
struct MetaTold<'a> {
    #[serde(flatten)]
    meta: &'a Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}
