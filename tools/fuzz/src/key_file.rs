//! Key files: PEM of private, public and encrypted keys. Nothing is decrypted:
//! what that costs is bounded elsewhere, and would bound this too.

use super::logs::valid;
use sealbook::ledger::encrypted_pem::EncryptedKey;
use sealbook::ledger::key::{PublicKey, Signature, Signer};
use sealbook::ledger::pem;

/// Panics where it does not hold.
pub fn holds(bytes: &[u8]) {
    let text = valid(bytes);
    if let Ok(signer) = pem::parse_private_key(text) {
        let written = pem::format_private_key(&signer).unwrap();
        let again = pem::parse_private_key(&written).unwrap();
        assert_eq!(again.public_key(), signer.public_key());
    }
    if let Ok(key) = pem::parse_public_key(text) {
        let written = pem::format_public_key(&key).unwrap();
        assert_eq!(pem::parse_public_key(&written).ok(), Some(key));
    }
    let _encrypted = EncryptedKey::from_pem(text);
    let _key = PublicKey::from_hex(text);
    let _signature = Signature::from_hex(text);
}
