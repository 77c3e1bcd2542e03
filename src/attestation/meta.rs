//! What a verification of a package says, denial or not.

use super::denial::{Denial, DenyCode};
use super::package_hash::PathOrder;
use crate::ledger::document::DocumentDigest;
use crate::ledger::json::{Object, Value};
use crate::ledger::sha256::Sha256Digest;

/// The outcome of one verification.
#[derive(Debug)]
pub struct Attestation {
    /// Why the package is denied; none if it is what was attested.
    pub denial: Option<Denial>,
    /// What was found on the way.
    pub meta: Meta,
}

/// What was found on the way. Members are set as far as verification got, and
/// those that need a valid signature only after it was found valid.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// The declared worker.
    pub worker_id: String,
    /// The declared species.
    pub worker_species_id: String,
    /// When the verification was asked for, `YYYY-MM-DDTHH:MM:SSZ`.
    pub verified_at_utc: String,
    /// SHA-256 of the manifest's bytes.
    pub manifest_sha256: Option<Sha256Digest>,
    /// The recomputed hash, in the order that matched; the canonical one if
    /// neither did.
    pub package_hash: Option<Sha256Digest>,
    /// The order that matched.
    pub path_order: Option<PathOrder>,
    /// BLAKE2b-256 of the ban list that was consulted.
    pub ban_list: Option<DocumentDigest>,
    /// Files that no hash covers.
    pub unattested: Unattested,
    /// The signed version.
    pub worker_version: Option<String>,
    /// The signed place of the build.
    pub build_source: Option<String>,
    /// The signed time of the build.
    pub built_at_utc: Option<String>,
    /// What the manifest gives as the time of attestation.
    pub attested_at_utc: Option<String>,
    /// Which of the members above no signature covers.
    pub unsigned: Vec<&'static str>,
    /// Rebuilt from what was verified.
    pub trust_statement: Option<String>,
    /// The manifest's own text, where it is another.
    pub trust_statement_claimed: Option<String>,
    /// The fingerprint of the key whose valid Ed25519 signature it carries, and
    /// whether that key is trusted.
    pub ed25519: Option<(String, bool)>,
    /// Words on what to look at although the package passed.
    pub warnings: Vec<&'static str>,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// Files that are in the package and that no hash covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unattested {
    /// The first of them, sorted by path components.
    pub listed: Vec<String>,
    /// How many there are.
    pub count: usize,
}

impl Attestation {
    /// Whether the package is what was attested.
    #[must_use]
    pub const fn ok(&self) -> bool {
        self.denial.is_none()
    }

    /// The protocol's code for the denial.
    #[must_use]
    pub fn deny_code(&self) -> Option<DenyCode> {
        self.denial.as_ref().map(Denial::code)
    }

    /// `{"ok", "deny_code", "meta"}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        object.insert("ok", self.ok());
        object.insert("deny_code", self.deny_code().map(DenyCode::name));
        let mut meta = self.meta.to_object();
        if let Some(denial) = &self.denial {
            meta.insert("reason", denial.reason());
            meta.insert("detail", denial.to_string());
        }
        object.insert("meta", meta);
        Value::Object(object)
    }
}

impl Meta {
    /// The members that are set; lists and times always are.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("worker_id", self.worker_id.as_str());
        object.insert("worker_species_id", self.worker_species_id.as_str());
        object.insert("verified_at_utc", self.verified_at_utc.as_str());
        object.insert("elapsed_ms", self.elapsed_ms);
        object.insert("unattested", strings(&self.unattested.listed));
        object.insert("unattested_count", self.unattested.count as u64);
        object.insert("unsigned", strings(&self.unsigned));
        object.insert("warnings", strings(&self.warnings));
        let optional = [
            (
                "manifest_sha256",
                self.manifest_sha256.map(|hash| hash.to_string()),
            ),
            (
                "package_hash",
                self.package_hash.map(|hash| hash.to_string()),
            ),
            (
                "path_order",
                self.path_order.map(|order| order.name().to_owned()),
            ),
            ("ban_list", self.ban_list.map(|digest| digest.to_string())),
            ("worker_version", self.worker_version.clone()),
            ("build_source", self.build_source.clone()),
            ("built_at_utc", self.built_at_utc.clone()),
            ("attested_at_utc", self.attested_at_utc.clone()),
            ("trust_statement", self.trust_statement.clone()),
            (
                "trust_statement_claimed",
                self.trust_statement_claimed.clone(),
            ),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                object.insert(name, value);
            }
        }
        if let Some((fingerprint, trusted)) = &self.ed25519 {
            let mut signature = Object::new();
            signature.insert("fingerprint", fingerprint.as_str());
            signature.insert("trusted", *trusted);
            object.insert("ed25519", signature);
        }
        object
    }
}

fn strings<T: AsRef<str>>(texts: &[T]) -> Vec<Value> {
    texts
        .iter()
        .map(|text| Value::from(text.as_ref()))
        .collect()
}
