//! The reference verdicts of `fixtures/vectors/packages.jsonl`.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealbook::attestation::{HmacKey, PackageAttestationVerifier, canonical_package_hash};
use serde_json::Value;

use crate::scene::now;

#[test]
fn every_package_gets_the_reference_hash_and_verdict() {
    let text = fs::read_to_string("fixtures/vectors/packages.jsonl").unwrap();
    let cases: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() >= 120);
    for case in &cases {
        check(case);
    }
}

fn check(case: &Value) {
    let name = case["id"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in case["files"].as_object().unwrap() {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, STANDARD.decode(content.as_str().unwrap()).unwrap()).unwrap();
    }
    let manifest = folder.path().join("manifest.json");
    if let Some(text) = case["manifest_text"].as_str() {
        fs::write(&manifest, text).unwrap();
    }
    let expect = &case["expect"];
    let hash = canonical_package_hash(folder.path()).unwrap();
    assert_eq!(expect["package_hash"], hash.canonical.to_string(), "{name}");

    let key = HmacKey::new(case["hmac_key"].as_str().unwrap());
    let outcome = PackageAttestationVerifier::new(
        folder.path(),
        manifest,
        case["declared_worker_id"].as_str().unwrap(),
        case["declared_worker_species_id"].as_str().unwrap(),
    )
    .hmac_key(key.as_ref())
    .verify(now());
    let deny_code = outcome.deny_code().map(|code| code.as_str());
    assert_eq!(
        deny_code,
        expect["deny_code"].as_str(),
        "{name}: {:?}",
        outcome.denial
    );
    assert_eq!(outcome.ok(), expect["ok"].as_bool().unwrap(), "{name}");
}
