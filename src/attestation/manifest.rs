//! `manifest.json`: what a namespace says of a package.

use thiserror::Error;

use super::hmac_key::HmacKey;
use crate::ledger::envelope::{Envelope, EnvelopeError, Purpose};
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::key::{SignError, Signer};
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::words::words;

/// The schema that is written and read.
pub const SCHEMA_VERSION: &str = "awp.v1";

/// The largest manifest that is read: 1 MiB.
#[cfg(feature = "files")]
pub(super) const MANIFEST_BYTES: u64 = 1 << 20;

const HMAC: &str = "signature_hmac_sha256";
const ED25519: &str = "signature_ed25519";

/// The members that the HMAC covers.
const SIGNED: [&str; 7] = [
    "schema_version",
    "worker_id",
    "worker_species_id",
    "worker_version",
    "package_hash",
    "built_at_utc",
    "build_source",
];

words! {
    pub enum BuildSource {
        Local = "local",
        Ci = "ci",
        Agent = "agent",
    }
}

/// `Package attested by namespace <ns> at <UTC>; package hash sha256:<hash>.`
pub fn trust_statement(namespace: &str, built_at_utc: &str, package_hash: &Sha256Digest) -> String {
    format!(
        "Package attested by namespace {namespace} at {built_at_utc}; \
         package hash sha256:{package_hash}."
    )
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum ManifestError {
    /// Not JSON, or JSON that another reader would read otherwise: duplicate
    /// members are refused.
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error("not a JSON object")]
    NotObject,
}

/// A manifest as it stands in its file. Nothing is said about its signatures,
/// nor whether its members are there and of the right type: each check reads
/// those it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageManifest {
    members: Object,
}

impl PackageManifest {
    pub fn parse(text: &[u8]) -> Result<PackageManifest, ManifestError> {
        match parse::parse(text)? {
            Value::Object(members) => Ok(PackageManifest { members }),
            _ => Err(ManifestError::NotObject),
        }
    }

    /// The text of the file: sorted keys, two spaces, a final newline.
    pub fn to_text(&self) -> String {
        let mut text = Value::Object(self.members.clone()).pretty();
        text.push('\n');
        text
    }

    pub const fn members(&self) -> &Object {
        &self.members
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    #[cfg(feature = "files")]
    pub(super) fn unsigned(members: Object) -> PackageManifest {
        PackageManifest { members }
    }

    /// What the HMAC is over.
    ///
    /// # Errors
    /// The name of the first signed member that is absent or not a string.
    pub fn hmac_message(&self) -> Result<Vec<u8>, &'static str> {
        let mut signed = Object::new();
        for name in SIGNED {
            signed.insert(name, self.text(name).ok_or(name)?);
        }
        let mut message = Vec::new();
        signed.write_canonical(Form::Ascii, &mut message);
        Ok(message)
    }

    /// The HMAC that the manifest carries; none if it is absent, null or empty.
    pub fn hmac(&self) -> Option<&Value> {
        let absent = |value: &&Value| value.is_null() || value.as_str() == Some("");
        self.members.get(HMAC).filter(|value| !absent(value))
    }

    /// Adds the HMAC. An unsigned member stays unsigned.
    pub fn sign_hmac(&mut self, key: &HmacKey) -> Result<(), &'static str> {
        let signature = key.sign(&self.hmac_message()?);
        self.members.insert(HMAC, signature);
        Ok(())
    }

    /// The Ed25519 envelope that the manifest carries; none if there is none.
    pub fn ed25519(&self) -> Option<Result<Envelope, EnvelopeError>> {
        let value = self.members.get(ED25519).filter(|value| !value.is_null())?;
        Some(Envelope::from_value(Purpose::Awp, value))
    }

    /// Adds an Ed25519 signature over every member but the signatures.
    pub fn sign_ed25519(&mut self, signer: &dyn Signer) -> Result<(), SignError> {
        let envelope = Envelope::sign(Purpose::Awp, self.without_signatures(), signer)?;
        self.members.insert(ED25519, envelope.to_value());
        Ok(())
    }

    /// What an Ed25519 signature must be over.
    pub fn without_signatures(&self) -> Object {
        let mut members = self.members.clone();
        members.remove(HMAC);
        members.remove(ED25519);
        members
    }
}
