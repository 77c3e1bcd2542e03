//! The strict verdict on public edge cases.

use std::fs;

use sealbook::ledger::key::{PublicKey, Signature, StrictVerifier};
use serde_json::Value;

use crate::vectors::{text, third_party};

/// The verdict on hex texts; what does not even decode is refused.
fn strict(key: &str, message: &[u8], signature: &str) -> bool {
    let key = PublicKey::from_hex(key);
    let signature = Signature::from_hex(signature);
    let (Ok(key), Ok(signature)) = (key, signature) else {
        return false;
    };
    let plain = key.verify(message, &signature);
    // With tables, narrow and wide, the verdict is the same.
    let mut verifier = StrictVerifier::new(&key);
    for count in [1_000, 100_000] {
        verifier.expect(count);
        assert_eq!(verifier.verify_batch(&[(message, signature)]), [plain]);
    }
    plain
}

#[test]
fn verdicts_on_cctv_are_the_strict_accept_set() {
    let Some(folder) = third_party() else { return };
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
    };
    let cases = read("ed25519_cctv.json");
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 914);
    let accepted: Vec<&Value> = cases
        .iter()
        .filter(|case| {
            strict(
                text(case, "key"),
                text(case, "msg").as_bytes(),
                text(case, "sig"),
            )
        })
        .map(|case| &case["number"])
        .collect();
    let expected = read("strict_accept_set.json");
    assert_eq!(
        accepted,
        expected.as_array().unwrap().iter().collect::<Vec<_>>()
    );
}

#[test]
fn verdicts_on_wycheproof_are_its_results() {
    let Some(folder) = third_party() else { return };
    let file: Value =
        serde_json::from_slice(&fs::read(folder.join("ed25519_wycheproof.json")).unwrap()).unwrap();
    let mut count = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = text(&group["publicKey"], "pk");
        for case in group["tests"].as_array().unwrap() {
            let message = hex::decode(text(case, "msg")).unwrap();
            let valid = strict(key, &message, text(case, "sig"));
            assert_eq!(
                valid,
                text(case, "result") == "valid",
                "tcId {}",
                case["tcId"]
            );
            count += 1;
        }
    }
    assert_eq!(count, 151);
}

#[test]
fn of_speccheck_only_number_3_is_accepted() {
    let Some(folder) = third_party() else { return };
    let file: Value =
        serde_json::from_slice(&fs::read(folder.join("ed25519_speccheck.json")).unwrap()).unwrap();
    let cases = file.as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for (number, case) in cases.iter().enumerate() {
        let message = hex::decode(text(case, "message")).unwrap();
        let valid = strict(text(case, "pub_key"), &message, text(case, "signature"));
        assert_eq!(valid, number == 3, "case {number}");
    }
}
