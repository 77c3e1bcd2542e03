//! Timestamps of a real authority, OpenSSL's, and everything that is none.

use std::fs;
use std::path::Path;

use sealbook::ledger::hash::Hash;
use sealbook::timestamp::{TimestampError, check, request, roots, token};

use crate::authority::Authority;

const NONCE: [u8; 8] = [0xff; 8];

fn roots_in(path: &Path) -> Vec<Vec<u8>> {
    roots(&fs::read(path).unwrap()).unwrap()
}

fn token_of(authority: &Authority, hash: &Hash) -> Vec<u8> {
    token(&authority.answer(&request(hash, NONCE).unwrap()), NONCE).unwrap()
}

fn root_of(authority: &Authority) -> Vec<Vec<u8>> {
    roots_in(&authority.path("ca.pem"))
}

fn hash() -> Hash {
    Hash::from_bytes([7; 32])
}

#[test]
fn a_timestamp_stands_under_its_root_and_says_when_and_who() {
    let Some(authority) = Authority::honest() else {
        return;
    };
    let token = token_of(&authority, &hash());
    let time = check(&token, &hash(), &root_of(&authority)).unwrap();
    assert_eq!(time.authority, "CN=authority");
    assert_eq!(time.accuracy, Some(1_500_000));
    assert_eq!(time.policy, "1.2.3.4.1");
    // The same root in DER.
    authority.run("x509 -in ca.pem -outform DER -out ca.der");
    assert_eq!(
        check(&token, &hash(), &roots_in(&authority.path("ca.der"))).unwrap(),
        time
    );
    // OpenSSL says the same of it.
    fs::write(authority.path("token"), &token).unwrap();
    fs::write(authority.path("data"), hash().as_bytes()).unwrap();
    authority.run("ts -verify -data data -in token -token_in -CAfile ca.pem -untrusted tsa.pem");
}

#[test]
fn another_root_another_hash_and_another_request_are_refused() {
    let (Some(authority), Some(other)) = (Authority::honest(), Authority::honest()) else {
        return;
    };
    let token_bytes = token_of(&authority, &hash());
    let of_other = check(&token_bytes, &hash(), &root_of(&other));
    assert!(
        matches!(of_other, Err(TimestampError::Path(_))),
        "{of_other:?}"
    );
    let nobody = check(&token_bytes, &hash(), &[]);
    assert!(matches!(nobody, Err(TimestampError::Path(_))), "{nobody:?}");
    let else_ = check(
        &token_bytes,
        &Hash::from_bytes([8; 32]),
        &root_of(&authority),
    );
    assert_eq!(else_, Err(TimestampError::OtherImprint));
    let answer = authority.answer(&request(&hash(), NONCE).unwrap());
    assert_eq!(token(&answer, [1; 8]), Err(TimestampError::OtherNonce));
    let junk = check(&token_bytes, &hash(), &[vec![0x30, 0]]);
    assert!(matches!(junk, Err(TimestampError::Root(_))), "{junk:?}");
    assert_eq!(roots(b"no certificate"), Err(TimestampError::NoRoot));
}

/// A token whose certificate is for `usage`. OpenSSL stamps with none that is not for
/// timestamps, so it signs what another stamped.
fn token_by(usage: &str) -> Option<(Authority, Vec<u8>)> {
    let (honest, authority) = (Authority::honest()?, Authority::new(usage)?);
    fs::write(honest.path("token"), token_of(&honest, &hash())).unwrap();
    honest.run("cms -verify -noverify -inform DER -in token -out content");
    fs::copy(honest.path("content"), authority.path("content")).unwrap();
    authority.run(
        "cms -sign -binary -nodetach -cades -econtent_type 1.2.840.113549.1.9.16.1.4 \
         -md sha256 -in content -signer tsa.pem -inkey tsa.key -outform DER -out token",
    );
    let token = fs::read(authority.path("token")).unwrap();
    Some((authority, token))
}

#[test]
fn a_certificate_that_is_not_only_for_timestamps_is_refused() {
    let only = TimestampError::Not("the certificate is not only for timestamps");
    for (usage, expected) in [
        ("extendedKeyUsage = critical, timeStamping\n", None),
        (
            "extendedKeyUsage = critical, timeStamping, serverAuth\n",
            Some(&only),
        ),
        ("extendedKeyUsage = critical, serverAuth\n", Some(&only)),
        ("extendedKeyUsage = timeStamping\n", Some(&only)),
        ("", Some(&only)),
    ] {
        let Some((authority, token)) = token_by(usage) else {
            return;
        };
        let verdict = check(&token, &hash(), &root_of(&authority));
        assert_eq!(verdict.as_ref().err(), expected, "{usage}");
    }
}

#[test]
fn every_byte_of_a_token_counts() {
    let Some(authority) = Authority::honest() else {
        return;
    };
    let token = token_of(&authority, &hash());
    let root = root_of(&authority);
    let time = check(&token, &hash(), &root).unwrap();
    let mut same = 0;
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 1;
        // Some bytes are under no signature: those change nothing of what it says.
        if let Ok(changed) = check(&changed, &hash(), &root) {
            assert_eq!(changed, time, "byte {at}");
            same += 1;
        }
        assert!(check(&token[..at], &hash(), &root).is_err(), "cut at {at}");
    }
    assert!(same < token.len() / 20, "{same} of {}", token.len());
    let long = vec![0x30; (64 << 10) + 1];
    assert_eq!(check(&long, &hash(), &root), Err(TimestampError::TooLong));
}
