//! Verifiers of the format document, held against its suite: the program itself, and others
//! that were written from the document.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::{Place, have};
use crate::skipped::skipped;

fn tool(name: &str) -> String {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    tools.join(name).to_str().unwrap().to_owned()
}

/// How many cases a runner was held against; none may differ.
fn held(place: &Place, args: &[&str]) -> u64 {
    let run = place.run(&[&["--json", "conformance"], args].concat());
    let told: Value = run.document();
    assert_eq!(told["differing"], serde_json::json!([]), "{told}");
    assert_eq!(run.status, 0);
    told["agreed"].as_u64().unwrap()
}

/// The names of all cases.
pub(crate) fn case_names() -> BTreeSet<String> {
    let listed = Place::empty()
        .run(&["conformance", "--list"])
        .ok()
        .documents();
    let names = listed
        .iter()
        .map(|case| case["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// What is about files as such; the rest the engine is held against in `tests/ledger`.
#[test]
fn the_program_says_what_the_cases_say_of_files() {
    let rules = [
        "W1", "W2", "W3", "W4", "W5", "W6", "N1", "N2", "N3", "N4", "K5", "K7", "K8", "C1", "C4",
        "V1", "V2", "V3", "V4", "V5", "V6", "V8", "Q1", "Q2", "S6", "P8", "L1", "L3", "L5", "L8",
        "M1", "M2", "M3", "U1", "U2", "PL1", "PL2", "PL3", "PL4", "PL5", "PL6", "PL7", "PL8",
        "PL9", "PL10", "PL11", "Q3", "I.12", "I.13",
    ];
    let args: Vec<&str> = rules.iter().flat_map(|rule| ["--rule", *rule]).collect();
    assert!(held(&Place::empty(), &args) > 500);
}

#[test]
fn the_verifier_in_python_says_what_the_cases_say() {
    if !have("python3", &["-c", "import cryptography"]) {
        return skipped("python3 with the package cryptography is not installed");
    }
    assert!(held(&Place::empty(), &["python3", &tool("verify.py")]) > 3_500);
}

/// They verify selections; what they do not is counted.
#[test]
fn the_scripts_of_page_and_report_say_what_the_cases_say() {
    if !have("node", &["--version"]) {
        return skipped("there is no node");
    }
    let runner = ["node", &tool("browser-test/conformance.mjs")];
    assert!(held(&Place::empty(), &runner) > 3_500);
}

#[test]
fn the_suite_is_what_its_generator_makes() {
    if !have("python3", &["-c", "import cryptography"]) {
        return skipped("python3 with the package cryptography is not installed");
    }
    let checked = Command::new(tool("make-suite"))
        .arg("--check")
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn the_verifier_in_go_says_what_the_cases_say() {
    let Some(runner) = built_with_go() else {
        return skipped("there is no Go, or its modules cannot be had");
    };
    assert!(held(&Place::empty(), &[runner.to_str().unwrap()]) > 2_500);
}

/// The program of `tools/verify-go`, if it can be built here.
fn built_with_go() -> Option<PathBuf> {
    if !have("go", &["version"]) {
        return None;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verify-go");
    let mut build = Command::new("go");
    build
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(tool("verify-go"));
    build
        .status()
        .is_ok_and(|status| status.success())
        .then_some(program)
}

/// A verifier that says yes to everything, and one that says nothing.
#[test]
fn a_verifier_that_differs_is_told_of() {
    let place = Place::empty();
    place.write(
        "yes",
        "#!/bin/sh\necho '{\"verdict\":\"pass\",\"faults\":[]}'\n",
    );
    let told = |runner: &[&str]| {
        let run = place.run(&[&["--json", "conformance", "--rule", "E4"], runner].concat());
        let told = run.ends_with(1).document();
        told["differing"].as_array().unwrap().len()
    };
    assert!(told(&["sh", "yes"]) > 20);
    assert!(told(&["true"]) > 20);
}

#[test]
fn the_document_is_one_page() {
    let place = Place::empty();
    let page = place.run(&["help", "format"]).ok().stdout;
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(page.contains("id=\"E14\""));
    assert_eq!(page, place.run(&["format"]).ok().stdout);
}
