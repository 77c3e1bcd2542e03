//! The capability card: what a vacant says of itself, signed by itself.

use serde::{Deserialize, Serialize};

use super::error::{CoreError, CryptoError, TypeIntegrityError};
use super::identity::VacantId;
use super::substrate::{self, SubstrateSpec};
use crate::ledger::json::{Object, Value};
use crate::ledger::key::{PublicKey, Signature, Signer};
use crate::ledger::parse;
use crate::ledger::shape;

/// What stands between the parts of a signing payload.
const SEPARATOR: u8 = 0x1f;

/// A card. Anyone can make one that names any vacant; only that vacant can sign
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapabilityCard {
    vacant_id: VacantId,
    capability_text: String,
    substrate_spec: SubstrateSpec,
    halo_version: u64,
    endpoint: Option<String>,
    signature: Option<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardRead {
    vacant_id: VacantId,
    capability_text: String,
    substrate_spec: substrate::SubstrateRead,
    halo_version: u64,
    endpoint: Option<String>,
    #[serde(default, deserialize_with = "shape::none_if_empty")]
    signature: Option<Signature>,
}

impl CardRead {
    pub(super) fn checked(self) -> Result<CapabilityCard, TypeIntegrityError> {
        let substrate = self.substrate_spec.checked()?;
        let (text, version) = (self.capability_text, self.halo_version);
        let card = CapabilityCard::new(self.vacant_id, text, substrate, version, self.endpoint)?;
        Ok(CapabilityCard {
            signature: self.signature,
            ..card
        })
    }
}

impl CapabilityCard {
    /// An unsigned card. `halo_version` counts its revisions from
    /// [`DEFAULT_HALO_VERSION`](super::constants::DEFAULT_HALO_VERSION); no
    /// endpoint and an empty one are signed alike.
    pub fn new(
        vacant_id: VacantId,
        capability_text: String,
        substrate_spec: SubstrateSpec,
        halo_version: u64,
        endpoint: Option<String>,
    ) -> Result<CapabilityCard, TypeIntegrityError> {
        if halo_version == 0 {
            return Err(TypeIntegrityError::HaloVersion);
        }
        check_text("capability_text", &capability_text)?;
        check_text("endpoint", endpoint.as_deref().unwrap_or_default())?;
        Ok(CapabilityCard {
            vacant_id,
            capability_text,
            substrate_spec,
            halo_version,
            endpoint,
            signature: None,
        })
    }

    pub const fn vacant_id(&self) -> VacantId {
        self.vacant_id
    }

    pub fn capability_text(&self) -> &str {
        &self.capability_text
    }

    pub const fn substrate_spec(&self) -> &SubstrateSpec {
        &self.substrate_spec
    }

    pub const fn halo_version(&self) -> u64 {
        self.halo_version
    }

    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The signature, not judged.
    pub const fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// What is signed: public key, text, substrate bytes, version as 8 bytes
    /// big-endian, endpoint or nothing, joined by 0x1f.
    pub fn signing_payload(&self) -> Vec<u8> {
        let substrate = self.substrate_spec.canonical_bytes();
        let version = self.halo_version.to_be_bytes();
        let endpoint = self.endpoint().unwrap_or_default();
        let parts: [&[u8]; 5] = [
            self.vacant_id.pubkey_bytes(),
            self.capability_text.as_bytes(),
            &substrate,
            &version,
            endpoint.as_bytes(),
        ];
        parts.join(&SEPARATOR)
    }

    /// The same card, signed.
    ///
    /// # Errors
    /// [`TypeIntegrityError::ForeignKey`] for the key of another vacant, and
    /// [`CryptoError::Sign`].
    pub fn signed(&self, signer: &dyn Signer) -> Result<CapabilityCard, CoreError> {
        if signer.public_key() != *self.vacant_id.verify_key() {
            return Err(TypeIntegrityError::ForeignKey.into());
        }
        let signature = signer
            .sign(&self.signing_payload())
            .map_err(CryptoError::from)?;
        Ok(CapabilityCard {
            signature: Some(signature),
            ..self.clone()
        })
    }

    /// Whether the vacant that the card names has signed it. A draft without a
    /// signature is not verified.
    pub fn verify(&self) -> bool {
        let key: &PublicKey = self.vacant_id.verify_key();
        let signature = self.signature.as_ref();
        signature.is_some_and(|signature| key.verify(&self.signing_payload(), signature))
    }

    /// Reads the text of a card file.
    pub fn parse(text: &[u8]) -> Result<CapabilityCard, TypeIntegrityError> {
        let value = parse::parse(text)?;
        shape::read::<CardRead>(&value, "")?.checked()
    }

    /// The text of a card file: sorted keys, two spaces, a final newline.
    pub fn to_text(&self) -> String {
        let mut text = Value::Object(self.to_object()).pretty();
        text.push('\n');
        text
    }

    /// `{"capability_text", "endpoint", "halo_version", "signature",
    /// "substrate_spec", "vacant_id"}`, with null for what is absent.
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}

fn check_text(member: &'static str, text: &str) -> Result<(), TypeIntegrityError> {
    match text.chars().find(|character| character.is_control()) {
        Some(character) => Err(TypeIntegrityError::ControlCharacter { member, character }),
        None => Ok(()),
    }
}
