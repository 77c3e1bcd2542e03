//! What is signed of a note, and by whom: the log's own signature, and the
//! cosignatures of witnesses ([tlog-cosignature](https://c2sp.org/tlog-cosignature)).

use super::{Algorithm, KeyName, MlDsaSigner, NoteSignature, VerifierKey};
use crate::ledger::key::{SignError, Signer};
use crate::ledger::tlog::checkpoint::CheckpointText;

/// The log's own signature (type `0x01`), over the text itself.
///
/// # Errors
/// Whatever the signer answers.
pub fn sign(text: &str, name: &KeyName, signer: &dyn Signer) -> Result<NoteSignature, SignError> {
    let key = VerifierKey::new(name.clone(), Algorithm::Ed25519(signer.public_key()));
    let signature = signer.sign(text.as_bytes())?;
    Ok(key.line(signature.as_bytes().to_vec()))
}

/// A witness's Ed25519 cosignature (type `0x04`) at `time`, in seconds since 1970.
///
/// # Errors
/// Whatever the signer answers.
pub fn cosign(
    text: &str,
    time: u64,
    name: &KeyName,
    signer: &dyn Signer,
) -> Result<NoteSignature, SignError> {
    let key = VerifierKey::new(name.clone(), Algorithm::Cosignature(signer.public_key()));
    let signature = signer.sign(&cosigned_text(time, text))?;
    Ok(key.line([&time.to_be_bytes()[..], signature.as_bytes()].concat()))
}

/// An ML-DSA-44 cosignature (type `0x06`) at `time`, in seconds since 1970; 0 says
/// nothing of the time. `None` where name or origin are longer than 255 bytes.
#[must_use]
pub fn cosign_ml_dsa(
    checkpoint: &CheckpointText,
    time: u64,
    name: &KeyName,
    signer: &MlDsaSigner,
) -> Option<NoteSignature> {
    let key = VerifierKey::new(name.clone(), Algorithm::MlDsa44(signer.public_key()));
    let signature = signer.sign(&cosigned_tree(name, time, checkpoint)?)?;
    Some(key.line([&time.to_be_bytes()[..], &signature].concat()))
}

/// What an Ed25519 cosignature is over.
#[must_use]
pub fn cosigned_text(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// What an ML-DSA-44 cosignature is over: `cosigned_message` of a whole tree. `None`
/// where name or origin are longer than 255 bytes.
#[must_use]
pub fn cosigned_tree(name: &KeyName, time: u64, checkpoint: &CheckpointText) -> Option<Vec<u8>> {
    let (name, origin) = (name.as_str(), checkpoint.origin.as_str());
    let (named, from) = (length(name)?, length(origin)?);
    let parts: [&[u8]; 9] = [
        b"subtree/v1\n\0",
        &[named],
        name.as_bytes(),
        &time.to_be_bytes(),
        &[from],
        origin.as_bytes(),
        &0_u64.to_be_bytes(),
        &checkpoint.size.to_be_bytes(),
        checkpoint.root.as_bytes(),
    ];
    Some(parts.concat())
}

fn length(text: &str) -> Option<u8> {
    u8::try_from(text.len()).ok()
}
