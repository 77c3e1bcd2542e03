//! `artifact_hash` of registry records.

use sealbook::attestation::{PackageRecordError, compute_artifact_hash, verify_artifact_hash};
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::parse::parse;

fn record() -> Object {
    let text = r#"{"worker_id": "org.acme.é", "n": [1, 1.0], "capabilities": ["cap.doc"]}"#;
    match parse(text.as_bytes()).unwrap() {
        Value::Object(object) => object,
        _ => unreachable!(),
    }
}

#[test]
fn the_hash_is_over_the_ascii_form_without_itself() {
    let mut record = record();
    // printf '{"capabilities":["cap.doc"],"n":[1,1.0],"worker_id":"org.acme.\\u00e9"}' | sha256sum
    let hash = "sha256:0a03893a672731b188de5c9cace14a56bf7f0d7cf228a18f5357061deecde31d";
    assert_eq!(compute_artifact_hash(&record), hash);
    assert_eq!(
        verify_artifact_hash(&record),
        Err(PackageRecordError::Missing)
    );
    record.insert("artifact_hash", hash);
    assert_eq!(compute_artifact_hash(&record), hash);
    assert_eq!(verify_artifact_hash(&record), Ok(()));
    record.insert("n", 1i64);
    assert!(matches!(
        verify_artifact_hash(&record),
        Err(PackageRecordError::Mismatch { .. })
    ));
    record.insert("artifact_hash", 1i64);
    assert_eq!(
        verify_artifact_hash(&record),
        Err(PackageRecordError::NotText)
    );
}
