//! The contract's invariants, each by its id; MV-INV-2, 6 and 7 stand with the
//! test cases.

use std::fs;

use sealbook::files::Disk;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::manifest::{FolderVerifier, JsonLinesTiles, ManifestOutcome, ManifestVerifier as _};

use crate::manifest_scene::{Cache, reasons, trusted};

const FILES: [&str; 6] = [
    "Manifest.json",
    "Manifest.json.sha256",
    "Manifest.json.sig",
    "engines/a.bin",
    "engines/b.bin",
    "index.bin",
];

/// What is done to a file.
type Damage = fn(&Cache, &str);

#[test]
fn mv_inv_1_any_deviation_fails_with_a_reason_and_none_passes_with_one() {
    let whole = Cache::new(None).verify();
    assert_eq!(whole.outcome(), ManifestOutcome::Pass);
    assert!(whole.fail_reasons.is_empty() && whole.fail_details.is_empty());
    let damages: [Damage; 3] = [
        |cache, name| fs::remove_file(cache.path(name)).unwrap(),
        |cache, name| fs::write(cache.path(name), "other").unwrap(),
        |cache, name| {
            fs::remove_file(cache.path(name)).unwrap();
            fs::create_dir(cache.path(name)).unwrap();
        },
    ];
    for name in FILES {
        for damage in damages {
            let cache = Cache::new(None);
            damage(&cache, name);
            let result = cache.verify();
            assert_eq!(result.outcome(), ManifestOutcome::Fail, "{name}");
            assert!(!result.fail_reasons.is_empty(), "{name}");
            assert_eq!(result.fail_reasons.len(), result.fail_details.len());
        }
    }
}

#[test]
fn mv_inv_3_the_sidecar_must_name_the_manifest_as_it_is() {
    let cache = Cache::new(None);
    let sidecar = fs::read_to_string(cache.path("Manifest.json.sha256")).unwrap();
    for at in 0..64 {
        let mut digits = sidecar.clone().into_bytes();
        digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
        fs::write(cache.path("Manifest.json.sha256"), digits).unwrap();
        let found = reasons(&cache.verify());
        assert_eq!(found, ["manifest_self_hash_mismatch"], "digit {at}");
    }
}

#[test]
fn mv_inv_4_paths_are_relative_to_the_manifest_and_absolute_ones_are_violations() {
    let cache = Cache::new(None);
    // The same file, named absolutely.
    let absolute = cache.path("index.bin");
    let named = cache
        .text()
        .replace("index.bin", absolute.to_str().unwrap());
    cache.resign(&named);
    assert_eq!(reasons(&cache.verify()), ["schema_violation"]);
    // The manifest and its artifacts elsewhere, together.
    let cache = Cache::new(None);
    let moved = cache.folder.path().join("moved");
    fs::rename(cache.root(), &moved).unwrap();
    let manifest = moved.join("Manifest.json");
    let result = FolderVerifier::airborne(&Disk).verify_manifest(&manifest, &trusted());
    assert_eq!(result.outcome(), ManifestOutcome::Pass);
}

#[test]
fn mv_inv_5_tiles_are_reported_apart_from_artifacts_and_stand_when_airborne() {
    let cache = Cache::new(Some(Sha256Digest::of(b"recorded")));
    assert_eq!(cache.verify().outcome(), ManifestOutcome::Pass);
    fs::write(cache.path("index.bin"), "drifted").unwrap();
    let tiles = cache.folder.path().join("tiles");
    fs::write(&tiles, "").unwrap();
    let store = JsonLinesTiles::new(&tiles);
    let verifier = FolderVerifier::operator(&Disk, &store);
    let result = verifier.verify_manifest(&cache.manifest(), &trusted());
    assert_eq!(
        reasons(&result),
        ["artifact_hash_mismatch", "tiles_coverage_mismatch"]
    );
}
