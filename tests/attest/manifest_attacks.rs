//! What an attacker puts under a manifest, each refused with its own reason.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::manifest::ManifestOutcome;

use crate::manifest_scene::{Cache, reasons, trusted};
use crate::scene::StopOnDrop;

#[test]
fn paths_that_lead_elsewhere_are_refused_before_anything_is_opened() {
    let cases = [
        ("../secret", "`..`"),
        ("engines/../../secret", "`..`"),
        ("/etc/passwd", "absolute"),
        ("C:/windows/x", "drive letter"),
        ("..\\\\secret", "backslash"),
        ("a\\u0000b", "control character"),
        ("a\\nb", "control character"),
        ("engines//a.bin", "empty component"),
        ("./index.bin", "`.`"),
        ("engines/a.bin", "twice"),
    ];
    for (path, problem) in cases {
        let cache = Cache::new(None);
        cache.resign(
            &cache
                .text()
                .replacen("\"index.bin\"", &format!("\"{path}\""), 1),
        );
        let (result, opened) = cache.watch(&trusted());
        assert_eq!(reasons(&result), ["schema_violation"], "{path}");
        assert!(
            result.fail_details[0].contains(problem),
            "{:?}",
            result.fail_details
        );
        assert_eq!(opened.len(), 3, "{opened:?}");
    }
}

#[test]
fn what_is_not_a_file_inside_is_missing() {
    let missing = |put: &dyn Fn(&Cache), detail: &str| {
        let cache = Cache::new(None);
        fs::write(cache.folder.path().join("secret"), "bb").unwrap();
        fs::remove_file(cache.path("engines/b.bin")).unwrap();
        put(&cache);
        let result = cache.verify();
        assert_eq!(reasons(&result), ["artifact_missing"], "{detail}");
        assert!(
            result.fail_details[0].contains(detail),
            "{:?}",
            result.fail_details
        );
        assert_eq!(result.per_artifact_checks[1].actual_sha256, None);
    };
    let link =
        |target: &'static str| move |c: &Cache| symlink(target, c.path("engines/b.bin")).unwrap();
    missing(&link("../../secret"), "leads out");
    missing(&link("/etc/passwd"), "leads out");
    missing(&link("/dev/zero"), "leads out");
    missing(&link("nowhere"), "is not there");
    missing(&link("b.bin"), "loop");
    missing(&link("../engines"), "folder");
    missing(
        &|c| fs::create_dir(c.path("engines/b.bin")).unwrap(),
        "folder",
    );
    let pipe = |c: &Cache| {
        mknodat(CWD, c.path("engines/b.bin"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    };
    missing(&pipe, "pipe");
}

#[test]
fn a_linked_folder_that_leads_out_hides_its_files() {
    let cache = Cache::new(None);
    let outside = cache.folder.path().join("outside");
    fs::rename(cache.path("engines"), &outside).unwrap();
    symlink(&outside, cache.path("engines")).unwrap();
    let result = cache.verify();
    assert_eq!(reasons(&result), ["artifact_missing"]);
    assert_eq!(
        result
            .per_artifact_checks
            .iter()
            .filter(|c| c.matched)
            .count(),
        1
    );
}

#[test]
fn a_link_that_stays_inside_counts_with_its_content() {
    let cache = Cache::new(None);
    fs::rename(cache.path("engines/b.bin"), cache.path("moved")).unwrap();
    symlink("../moved", cache.path("engines/b.bin")).unwrap();
    assert_eq!(cache.verify().outcome(), ManifestOutcome::Pass);
}

#[test]
fn pipes_and_links_in_place_of_what_vouches_are_refused_and_do_not_block() {
    let cases = [
        ("Manifest.json", "manifest_not_found"),
        ("Manifest.json.sha256", "manifest_self_hash_mismatch"),
        ("Manifest.json.sig", "signature_not_found"),
    ];
    for (name, reason) in cases {
        let cache = Cache::new(None);
        let outside = cache.folder.path().join("outside");
        fs::rename(cache.path(name), &outside).unwrap();
        symlink(&outside, cache.path(name)).unwrap();
        assert_eq!(reasons(&cache.verify()), [reason]);
        fs::remove_file(cache.path(name)).unwrap();
        mknodat(CWD, cache.path(name), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(reasons(&cache.verify()), [reason]);
    }
}

#[test]
fn signatures_that_do_not_parse_are_invalid() {
    let cache = Cache::new(None);
    let good = fs::read_to_string(cache.path("Manifest.json.sig")).unwrap();
    let cases = [
        good.replace("ed25519", "rsa"),
        good.replacen('{', "{\"more\": 1,", 1),
        good.replacen('{', "{\"algorithm\": \"ed25519\",", 1),
        good.to_uppercase(),
        String::new(),
        "[]".to_owned(),
    ];
    for text in cases {
        fs::write(cache.path("Manifest.json.sig"), &text).unwrap();
        let result = cache.verify();
        assert_eq!(reasons(&result), ["signature_invalid"], "{text}");
        assert_eq!(result.signing_public_key_fingerprint, None);
    }
}

#[test]
fn a_huge_manifest_is_not_read() {
    let cache = Cache::new(None);
    let file = fs::File::create(cache.manifest()).unwrap();
    file.set_len(200_000_000).unwrap();
    let result = cache.verify();
    assert_eq!(reasons(&result), ["manifest_not_found"]);
    assert!(
        result.fail_details[0].contains("over the limit"),
        "{:?}",
        result.fail_details
    );
}

#[test]
fn an_artifact_that_is_swapped_for_a_link_never_lends_its_target() {
    let cache = Cache::new(None);
    let (target, next) = (
        cache.path("engines/b.bin"),
        cache.folder.path().join("next"),
    );
    let foreign = Sha256Digest::of(b"cc");
    fs::write(cache.folder.path().join("foreign"), "cc").unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                symlink("../../foreign", &next).unwrap();
                fs::rename(&next, &target).unwrap();
                fs::write(&next, "bb").unwrap();
                fs::rename(&next, &target).unwrap();
            }
        });
        let _stop = StopOnDrop(&stop);
        for _ in 0..300 {
            let check = cache.verify().per_artifact_checks.swap_remove(1);
            assert_ne!(check.actual_sha256, Some(foreign));
        }
    });
}

#[test]
fn a_file_that_was_made_far_larger_than_promised_is_a_mismatch_and_not_read() {
    let cache = Cache::new(None);
    let file = fs::File::options()
        .write(true)
        .open(cache.path("engines/b.bin"))
        .unwrap();
    file.set_len(1 << 40).unwrap();
    let result = cache.verify();
    assert_eq!(reasons(&result), ["artifact_hash_mismatch"]);
    assert!(
        result.fail_details[0].contains("has 1099511627776 bytes, not "),
        "{:?}",
        result.fail_details
    );
    let checks = &result.per_artifact_checks;
    let unread: Vec<_> = checks
        .iter()
        .filter(|c| c.actual_sha256.is_none())
        .collect();
    assert_eq!(unread.len(), 1);
    assert!(!unread[0].matched);
    // What is only a little larger is read, so that its digest can be told.
    file.set_len(1 << 20).unwrap();
    let result = cache.verify();
    assert_eq!(reasons(&result), ["artifact_hash_mismatch"]);
    let checks = &result.per_artifact_checks;
    assert!(checks.iter().all(|check| check.actual_sha256.is_some()));
}
