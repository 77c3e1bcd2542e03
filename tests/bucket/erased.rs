//! Redactable members of a log in a bucket: opened on every machine, erased on none
//! brought back.

use std::fs;
use std::path::Path;

use crate::commands::Site;
use crate::s3::{self, gateway::Gateway};

const SECRET: &str = "q7Zp2LxVw9KdT4mRyB8sHc1NfJ6gUa3E";
const OTHER: &str = "Zx81kPqWmN3vB6tYcR0eL5hU9jSgDa2f";

fn fill(site: &Site) {
    site.init();
    let payload = format!(r#"{{"email":"{SECRET}","name":"{OTHER}"}}"#);
    let more = ["--redactable", "/email", "--redactable", "/name"];
    site.append_with("a", &payload, &more).ok();
    site.run("a", &["seal"]).ok();
}

const ERASE: [&str; 7] = [
    "erase",
    "1",
    "--pointer",
    "/email",
    "--reason",
    "asked for",
    "--yes",
];

/// The files below a folder that hold a text, by their names.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else {
            let bytes = fs::read(&path).unwrap();
            if bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn states(site: &Site, machine: &str) -> Vec<String> {
    let shown = site.run(machine, &["--json", "show", "1"]).ok().document();
    let members = shown["redacted"].as_array().unwrap();
    let states = members
        .iter()
        .map(|it| it["state"].as_str().unwrap().to_owned());
    states.collect()
}

#[test]
fn what_was_erased_is_in_no_object_and_a_new_machine_does_not_bring_it_back() {
    let site = Site::new();
    fill(&site);
    let bucket = site.path("bucket");
    // The control: before, it is in one object, and nowhere in the log.
    let before = holding(&bucket, SECRET);
    assert_eq!(before.len(), 1, "{before:?}");
    assert!(before[0].contains("/open/"), "{before:?}");
    let copy = fs::read(&before[0]).unwrap();
    site.run("a", &ERASE).ok();
    assert_eq!(holding(&bucket, SECRET), [""; 0]);
    assert_eq!(holding(&site.path("a/ledger/db"), SECRET), [""; 0]);
    assert_eq!(holding(&bucket, OTHER).len(), 1);
    assert_eq!(states(&site, "a"), ["erased", "kept"]);
    // Another machine has what is kept, even where an older object was put back.
    fs::write(&before[0], copy).unwrap();
    site.append_with("b", "{}", &["--accept-bucket-head"]).ok();
    assert_eq!(states(&site, "b"), ["erased", "kept"]);
    assert_eq!(holding(&site.path("b/ledger/db"), SECRET), [""; 0]);
    assert_eq!(holding(&bucket, SECRET), [""; 0]);
    site.run("b", &["verify"]).ok();
}

/// In a store that keeps versions every one of them goes.
#[test]
fn every_version_of_an_object_is_removed() {
    let Some(gateway) = s3::versioned() else {
        return;
    };
    let site = Site::at(
        "s3://logs/one".to_owned(),
        Gateway::environment(gateway.address),
    );
    site.run("a", &["bucket", "check", "s3://logs/one"]).ok();
    fill(&site);
    assert!(!holding(gateway.root(), SECRET).is_empty());
    site.run("a", &ERASE).ok();
    assert_eq!(holding(gateway.root(), SECRET), [""; 0]);
    // The version that has what is left stays alone.
    assert_eq!(holding(gateway.root(), OTHER).len(), 1);
    let name = ["erase", "1", "--pointer", "/name", "--reason", "r", "--yes"];
    site.run("a", &name).ok();
    assert_eq!(holding(gateway.root(), OTHER), [""; 0]);
}
