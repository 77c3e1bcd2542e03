//! A second verifier, from the format document alone, agrees with the first.

use std::path::Path;

use crate::place::{Place, have};

/// What makes it run: the standard library and one package.
const PROBE: &[&str] = &["-c", "import cryptography"];

#[test]
fn the_second_verifier_agrees_on_vectors_fixtures_and_changed_files() {
    if !have("python3", PROBE) {
        crate::skipped::skipped("python3 with the package cryptography is not installed");
        return;
    }
    let place = Place::with_tail();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let agreement = tools.join("verify-agreement");
    let sealbook = env!("CARGO_BIN_EXE_sealbook");
    let args = ["--sealbook", sealbook, "--count", "150", "--seed", "9"];
    let output = place.command_of(&agreement, &args).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{output:?}");
    assert!(told.ends_with("361 files, 0 disagreements\n"), "{told}");
}

#[test]
fn the_second_verifier_says_yes_no_and_neither_by_its_exit_status() {
    if !have("python3", PROBE) {
        crate::skipped::skipped("python3 with the package cryptography is not installed");
        return;
    }
    let place = Place::with_tail();
    let key = place.key();
    place.run(&["export", "-o", "all.bundle"]).ok();
    place.write("cut.bundle", &place.read("all.bundle").as_bytes()[..400]);
    place.write("notes.txt", "nothing of the kind\n");
    let verify = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/verify.py");
    for (file, status) in [("all.bundle", 0), ("cut.bundle", 1), ("notes.txt", 2)] {
        let mut command = place.command_of(&verify, &["--key", &key, file]);
        assert_eq!(command.status().unwrap().code(), Some(status), "{file}");
    }
}
