//! The faster verdict is `verify_strict`'s, on signatures made to part them.
//! `tools/strict-agreement` does the same a million times.

use ed25519_dalek::VerifyingKey;
use sealbook::ledger::key::{PublicKey, Signature, StrictVerifier};

use crate::adversary::{Choices, Key, Signed};

/// What the two ways and ed25519-dalek say of `signed`, and that they agree. Gives how many are
/// accepted.
fn accepted(key: &Key, signed: &[Signed]) -> usize {
    let public = PublicKey::from_bytes(key.bytes);
    let plain = StrictVerifier::new(&public);
    let mut many = plain.clone();
    many.expect(1_000);
    let batch: Vec<_> = signed
        .iter()
        .map(|s| (s.message.as_slice(), Signature::from_bytes(s.signature)))
        .collect();
    let verdicts = many.verify_batch(&batch);
    assert_eq!(verdicts.len(), signed.len());
    for (one, verdict) in signed.iter().zip(&verdicts) {
        let signature = Signature::from_bytes(one.signature);
        assert_eq!(plain.verify(&one.message, &signature), *verdict);
        assert_eq!(oracle(&key.bytes, one), *verdict, "{:x?}", one.signature);
    }
    verdicts.iter().filter(|valid| **valid).count()
}

/// ed25519-dalek, and that the key is spelt canonically.
fn oracle(key: &[u8; 32], signed: &Signed) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(&signed.signature);
    VerifyingKey::from_bytes(key).is_ok_and(|decoded| {
        decoded.to_edwards().compress().as_bytes() == key
            && decoded.verify_strict(&signed.message, &signature).is_ok()
    })
}

#[test]
fn tables_give_the_verdict_of_verify_strict_on_adversarial_signatures() {
    let (mut valid, mut count) = (0, 0);
    for seed in 0..48 {
        let mut choices = Choices::new(seed);
        let key = Key::draw(&mut choices);
        let signed: Vec<_> = (0..256).map(|_| Signed::draw(&key, &mut choices)).collect();
        valid += accepted(&key, &signed);
        count += signed.len();
    }
    // Both answers occur often, or this would prove little.
    assert!(valid > count / 8 && valid < count / 2, "{valid} of {count}");
}

#[test]
fn batches_of_every_size_have_a_verdict_each() {
    let mut choices = Choices::new(u64::MAX);
    let key = Key::draw(&mut choices);
    let signed: Vec<_> = (0..70).map(|_| Signed::draw(&key, &mut choices)).collect();
    for size in 0..signed.len() {
        accepted(&key, &signed[..size]);
    }
}
