//! Files by a signer that knows the format and holds the key, each with the one
//! fault that the format document names first.

use std::path::PathBuf;

use serde_json::Value;

use crate::place::Place;

const KEY: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/cases")
        .join(name)
}

#[test]
fn each_case_is_refused_for_what_the_document_names_first() {
    let place = Place::empty();
    let cases = std::fs::read_to_string(fixture("expected.jsonl")).unwrap();
    for case in cases.lines() {
        let case: Value = serde_json::from_str(case).unwrap();
        let file = fixture(case["file"].as_str().unwrap());
        let mut args = vec!["--json", "verify", file.to_str().unwrap(), "--key", KEY];
        let contains = case["contains"].as_str().map(fixture);
        if let Some(contains) = &contains {
            args.extend(["--contains", contains.to_str().unwrap()]);
        }
        let answer = place.run(&args);
        if case["error"].is_string() {
            let answer = answer.ends_with(2).document();
            assert_eq!(answer["error"]["code"], case["error"], "{case}");
            continue;
        }
        let report = answer.ends_with(1).document();
        let found = &report["faults"][0];
        for member in ["code", "at", "index"] {
            if let Some(expected) = case.get(member) {
                assert_eq!(&found[member], expected, "{case}: {found}");
            }
        }
    }
}
