//! ML-DSA-44 against published vectors, and the file of a second key.

use std::fs::File;
use std::io::Read as _;

use flate2::read::GzDecoder;
use sealbook::ledger::encrypted_pem::{EncryptedKey, LockError, format_encrypted_second};
use sealbook::ledger::json::Object;
use sealbook::ledger::note::{MlDsaKey, MlDsaSigner};
use sealbook::ledger::second_key::{
    SecondKey, SecondKeyError, format_second_key, parse_second_key,
};
use sealbook::ledger::sha256::Sha256Digest;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::vectors::{fixture, text};

fn cases() -> Vec<Value> {
    let mut lines = String::new();
    let file = File::open(fixture("vectors/ml_dsa_44.jsonl.gz")).unwrap();
    GzDecoder::new(file).read_to_string(&mut lines).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(case, name)).unwrap()
}

fn signer(byte: u8) -> MlDsaSigner {
    MlDsaSigner::from_seed(&Zeroizing::new([byte; 32])).unwrap()
}

#[test]
fn keys_and_signatures_are_those_of_the_published_vectors() {
    let mut signed = 0;
    for case in cases() {
        let id = text(&case, "id");
        // We sign with an empty context alone.
        if !id.starts_with("sign_seed") || !text(&case, "context").is_empty() {
            continue;
        }
        let seed: Result<[u8; 32], _> = bytes(&case, "seed").try_into();
        let Ok(seed) = seed else {
            assert_eq!(text(&case, "result"), "invalid", "{id}");
            continue;
        };
        let signer = MlDsaSigner::from_seed(&Zeroizing::new(seed)).unwrap();
        let key = signer.public_key();
        assert_eq!(
            key.digest().to_string(),
            text(&case, "public_key_sha256"),
            "{id}"
        );
        let message = bytes(&case, "message");
        let signature = signer.sign(&message).unwrap();
        // One of them is of a signer that mixes in randomness.
        let randomised = case["flags"]
            .as_array()
            .unwrap()
            .iter()
            .any(|flag| flag == "Randomized");
        let same = Sha256Digest::of(&signature).to_string() == text(&case, "signature_sha256");
        assert_eq!(same, !randomised, "{id}");
        assert!(key.verify(&message, &signature), "{id}");
        signed += 1;
        if let Some(der) = case["pkcs8"].as_str().filter(|der| !der.is_empty()) {
            let body = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                hex::decode(der).unwrap(),
            );
            let lines = body
                .as_bytes()
                .chunks(64)
                .map(|line| str::from_utf8(line).unwrap());
            let lines: Vec<&str> = lines.collect();
            let pem = format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                lines.join("\n")
            );
            assert_eq!(*format_second_key(&signer).unwrap(), pem, "{id}");
            assert_eq!(parse_second_key(&pem).unwrap().public_key(), key, "{id}");
        }
    }
    assert!(signed >= 70, "{signed}");
}

#[test]
fn verdicts_are_those_of_the_published_vectors() {
    let (mut valid, mut invalid) = (0, 0);
    for case in cases() {
        let id = text(&case, "id");
        if !id.starts_with("verify") {
            continue;
        }
        let holds = MlDsaKey::from_slice(&bytes(&case, "public_key"))
            .is_some_and(|key| key.verify(&bytes(&case, "message"), &bytes(&case, "signature")));
        // With another context than none, no signature of ours.
        let expected = text(&case, "result") == "valid" && text(&case, "context").is_empty();
        assert_eq!(holds, expected, "{id} {}", case["flags"]);
        match expected {
            true => valid += 1,
            false => invalid += 1,
        }
    }
    assert!(valid >= 30 && invalid >= 40, "{valid} {invalid}");
}

#[test]
fn every_changed_byte_of_a_signature_is_refused() {
    let signer = signer(1);
    let key = signer.public_key();
    let signature = signer.sign(b"message").unwrap();
    assert_eq!(signature.len(), MlDsaKey::SIGNATURE_BYTES);
    for at in (0..signature.len()).step_by(41) {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert!(!key.verify(b"message", &changed), "{at}");
    }
    assert!(!key.verify(b"massage", &signature));
    assert!(!key.verify(b"message", &signature[1..]));
    assert!(!super_key().verify(b"message", &signature));
}

fn super_key() -> MlDsaKey {
    signer(2).public_key()
}

#[test]
fn a_key_file_reads_back_open_or_under_a_passphrase() {
    let own = signer(7);
    let text = format_second_key(&own).unwrap();
    assert_eq!(
        parse_second_key(&text).unwrap().public_key(),
        own.public_key()
    );
    for wrong in [
        "",
        "nonsense",
        &text.replace("PRIVATE", "PUBLIC"),
        &text.replacen("MDQ", "MDA", 1),
    ] {
        assert_eq!(parse_second_key(wrong).err(), Some(SecondKeyError::NotAKey));
    }
    let first = "-----BEGIN PRIVATE KEY-----\n\
                 MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n\
                 -----END PRIVATE KEY-----\n";
    assert_eq!(parse_second_key(first).err(), Some(SecondKeyError::NotAKey));
    let locked = format_encrypted_second(&own, b"open sesame", &[1; 16], [2; 16]).unwrap();
    let locked = EncryptedKey::from_pem(&locked).unwrap();
    let opened = locked.unlock_second(b"open sesame").unwrap();
    assert_eq!(opened.public_key(), own.public_key());
    assert_eq!(
        locked.unlock_second(b"sesame").err(),
        Some(LockError::WrongPassphrase)
    );
    // Neither key is taken for the other.
    assert!(matches!(
        locked.unlock(b"open sesame").err(),
        Some(LockError::Key(_))
    ));
}

#[test]
fn the_entry_that_binds_a_second_key_says_nothing_else() {
    let second = SecondKey {
        ml_dsa_44: signer(3).public_key(),
    };
    let object = second.to_object();
    assert_eq!(SecondKey::from_object(&object), Ok(second));
    assert!(SecondKey::from_object(&Object::new()).is_err_and(|e| e.at == "payload.ml_dsa_44"));
    let mut more = object;
    more.insert("note", "more");
    assert!(SecondKey::from_object(&more).is_err_and(|e| e.at == "payload.note"));
    let debug = format!("{:?}", signer(3));
    assert!(!debug.contains(&"03".repeat(16)), "{debug}");
}
