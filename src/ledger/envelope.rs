//! The one form of our own signatures (SPEC §1.4): an object, what it is for,
//! the key and the signature.
//!
//! Signed are the bytes `sealbook:<what>:v1` (`v2` of version 2), 0x1f, and the canonical JSON of
//! the object, so that no signature made for one purpose serves another.

use thiserror::Error;

use super::json::{Form, Object, Value};
use super::key::{PublicKey, SignError, Signature, Signer};
use super::shape::{self, MemberError};
use super::version::Version;
use super::words::words;

words! {
    /// What a signature of our own is for.
    pub enum Purpose {
        Epoch = "epoch",
        Head = "head",
        Bundle = "bundle",
        State = "state",
        Awp = "awp",
        /// That an auditor verified a log and its index.
        Audit = "audit",
        /// The revocation of everything after a position.
        Revoke = "revoke",
        /// An object that a log writes ahead.
        Wal = "wal",
        /// The manifest of a set of tables.
        Set = "set",
    }
}

/// An object with a signature that has not been judged yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub purpose: Purpose,
    pub object: Object,
    pub key: PublicKey,
    pub signature: Signature,
}

/// Why a value is not an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct EnvelopeError(#[from] pub MemberError);

impl Envelope {
    /// Signs `object` for `purpose`.
    pub fn sign(
        purpose: Purpose,
        object: Object,
        signer: &dyn Signer,
    ) -> Result<Envelope, SignError> {
        let signature = signer.sign(&signed_bytes(purpose, &object))?;
        Ok(Envelope {
            purpose,
            object,
            key: signer.public_key(),
            signature,
        })
    }

    /// Reads `{"<what>": object, "key": hex, "signature": hex}`, nothing else.
    pub fn from_value(purpose: Purpose, value: &Value) -> Result<Envelope, EnvelopeError> {
        let members = shape::members(value)?;
        let name = purpose.as_str();
        let object = shape::member_object(members, name)?.clone();
        let key = shape::member(members, "key")?;
        let signature = shape::member(members, "signature")?;
        shape::only(members, &[name, "key", "signature"])?;
        Ok(Envelope {
            purpose,
            object,
            key,
            signature,
        })
    }

    /// The inverse of [`Envelope::from_value`].
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        object.insert(self.purpose.as_str(), self.object.clone());
        object.insert("key", shape::write(&self.key));
        object.insert("signature", shape::write(&self.signature));
        Value::Object(object)
    }

    /// The bytes the signature is over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        signed_bytes(self.purpose, &self.object)
    }

    /// Whether the signature is that of the key the envelope names. Whether
    /// that key is to be believed is another question.
    pub fn verify(&self) -> bool {
        self.key.verify(&self.signed_bytes(), &self.signature)
    }
}

/// `"sealbook:<what>:v<version>" 0x1f canonical_json_utf8(object)`; the version is
/// the object's `format`, and 1 where it has none.
pub fn signed_bytes(purpose: Purpose, object: &Object) -> Vec<u8> {
    let version = Version::of_object(object).number();
    let mut bytes = format!("sealbook:{purpose}:v{version}\u{1f}").into_bytes();
    object.write_canonical(Form::Utf8, &mut bytes);
    bytes
}
