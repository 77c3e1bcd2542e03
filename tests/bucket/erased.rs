//! Redactable members of a log in a bucket: opened on every machine, erased on none
//! brought back.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealbook::ledger::sha256::Sha256Digest;

use crate::commands::{Site, only_folder};
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

/// Holds an object, or what is made in a bucket, for a year.
fn hold(gateway: &Gateway, path: &str, body: &str) {
    let digest = STANDARD.encode(Sha256Digest::of(body.as_bytes()).as_bytes());
    let checksum = format!("x-amz-checksum-sha256: {digest}");
    gateway.send(path, &[&checksum], body).unwrap();
}

/// What holds all that is made holds `open/`, though no object says so.
#[test]
fn a_default_retention_of_a_bucket_is_named() {
    let Some(gateway) = s3::locking() else { return };
    let url = "s3://logs/one";
    let site = Site::at(url.to_owned(), Gateway::environment(gateway.address));
    let check = ["bucket", "check", url, "--json"];
    let configure = |rule: &str| {
        let body = format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}\
             </ObjectLockConfiguration>"
        );
        hold(&gateway, "logs?object-lock=", &body);
    };
    configure("");
    site.run("a", &check).ok();
    for mode in ["GOVERNANCE", "COMPLIANCE"] {
        configure(&format!(
            "<Rule><DefaultRetention><Days>1</Days><Mode>{mode}</Mode></DefaultRetention></Rule>"
        ));
        let unfit = site.run("a", &check).refused("bucket_unfit");
        let said = "s3://logs/one/open/ is held by a retention";
        assert!(unfit.stderr.contains(said), "{mode}: {unfit:?}");
    }
    configure("");
    site.run("a", &check).ok();
}

/// On a server that locks objects: what is to be erased and is held is refused by its
/// name, before anything of the erasure is recorded.
#[test]
fn an_object_lock_of_a_real_server_is_named_and_nothing_is_erased() {
    let Some(gateway) = s3::locking() else { return };
    let url = "s3://logs/one";
    let site = Site::at(url.to_owned(), Gateway::environment(gateway.address));
    let check = ["bucket", "check", url, "--json"];
    let first = site.run("a", &check).ok().document();
    assert_eq!(first["retention"]["versions"], true, "{first:#}");
    fill(&site);
    let log = format!("one/log/{}", site.genesis());
    let until = SystemTime::now() + Duration::from_secs(365 * 86_400);
    let until = chrono::DateTime::<chrono::Utc>::from(until);
    let until = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let retention = format!(
        "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
    );
    let lock = |key: &str| hold(&gateway, &format!("logs/{key}?retention="), &retention);
    // The record is held, as is recommended.
    for key in ["wal/0/0", "epoch/0.header", "epoch/0.bundle.zst"] {
        lock(&format!("{log}/{key}"));
    }
    let held = site.run("a", &check).ok().document();
    let held = &held["retention"];
    assert_eq!((&held["wal"], &held["epoch"]), (&true.into(), &true.into()));
    site.append("a", 1);
    // What opens members is held, too.
    let open = only_folder(&gateway.root().join("data/logs").join(&log).join("open"));
    let name = open.file_name().unwrap().to_str().unwrap();
    lock(&format!("{log}/open/{name}"));
    let unfit = site.run("a", &check).refused("bucket_unfit");
    assert!(unfit.stderr.contains(name), "{name}: {unfit:?}");
    let entries = || site.run("a", &["head"]).ok().document()["head"]["seq"].clone();
    let before = entries();
    let erase = [&ERASE[..], &["--json"]].concat();
    let refused = site.run("a", &erase).refused("object_locked");
    assert!(refused.stderr.contains(name), "{refused:?}");
    assert_eq!(entries(), before);
    assert!(!holding(gateway.root(), SECRET).is_empty());
    assert_eq!(states(&site, "a"), ["kept", "kept"]);
    site.run("a", &["verify"]).ok();
}
