//! The contract's test cases, each by its id, and its invariants.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use sealbook::files::Disk;
use sealbook::ledger::key::Signer as _;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::manifest::{
    FolderVerifier, JsonLinesTiles, ManifestOutcome, ManifestVerifier, Tile, TileError, TileStore,
    VerificationResult, coverage_sha256,
};

use crate::manifest_scene::{Cache, reasons, trusted};
use crate::scene::{now, signer};

#[test]
fn mv_tc_1_a_valid_manifest_with_all_artifacts_passes() {
    let result = Cache::new(None).verify();
    assert_eq!(reasons(&result), [""; 0]);
    assert_eq!(result.outcome(), ManifestOutcome::Pass);
    assert_eq!(result.per_artifact_checks.len(), 3);
    assert!(result.per_artifact_checks.iter().all(|check| check.matched));
}

#[test]
fn mv_tc_2_a_missing_manifest_ends_everything() {
    let cache = Cache::new(None);
    fs::remove_file(cache.manifest()).unwrap();
    let (result, opened) = cache.watch(&trusted());
    assert_eq!(reasons(&result), ["manifest_not_found"]);
    assert_eq!(opened, ["Manifest.json"]);
}

#[test]
fn mv_tc_3_a_missing_signature_is_said_without_a_fingerprint() {
    let cache = Cache::new(None);
    fs::remove_file(cache.path("Manifest.json.sig")).unwrap();
    let result = cache.verify();
    assert_eq!(reasons(&result), ["signature_not_found"]);
    assert_eq!(result.signing_public_key_fingerprint, None);
}

#[test]
fn mv_tc_4_a_signature_that_does_not_verify_ends_before_any_artifact() {
    let cache = Cache::new(None);
    let other = Cache::new(Some(Sha256Digest::of(b"other")));
    fs::copy(
        other.path("Manifest.json.sig"),
        cache.path("Manifest.json.sig"),
    )
    .unwrap();
    let (result, opened) = cache.watch(&trusted());
    assert_eq!(reasons(&result), ["signature_invalid"]);
    assert!(result.per_artifact_checks.is_empty());
    assert_eq!(
        opened,
        ["Manifest.json", "Manifest.json.sha256", "Manifest.json.sig"]
    );
}

#[test]
fn mv_tc_5_an_untrusted_key_is_named_by_its_fingerprint() {
    let (result, opened) = Cache::new(None).watch(&[signer(2).public_key()]);
    assert_eq!(reasons(&result), ["untrusted_public_key"]);
    let fingerprint = signer(1).public_key().fingerprint();
    assert_eq!(result.signing_public_key_fingerprint, Some(fingerprint));
    assert_eq!(opened.len(), 3, "{opened:?}");
}

#[test]
fn mv_tc_6_a_schema_violation_names_the_member() {
    let cache = Cache::new(None);
    let text = cache.text();
    let cases = [
        (
            "\"schema_version\": \"1.0.0\"",
            "\"schema_version\": \"1.0.1\"",
            "schema_version",
        ),
        (
            "\"created_at_utc\": \"2026",
            "\"created_at_utc\": \"x",
            "created_at_utc",
        ),
        (
            "\"index.bin\"",
            "\"/index.bin\"",
            "artifacts[2].relative_path",
        ),
        (
            "\"size_bytes\": 2",
            "\"size_bytes\": \"2\"",
            "artifacts[1].size_bytes",
        ),
        (
            "\"size_bytes\": 2",
            "\"size\": 2",
            "artifacts[1].size_bytes",
        ),
        (
            "\"size_bytes\": 2",
            "\"size_bytes\": 2, \"x\": 0",
            "artifacts[1].x",
        ),
        (
            ",\n  \"tiles_coverage_sha256\": null",
            "",
            "tiles_coverage_sha256",
        ),
        ("\"artifacts\": [", "\"artifacts\": [7, ", "artifacts[0]"),
        (
            "{\n",
            "{\n  \"schema_version\": \"1.0.0\",\n",
            "schema_version",
        ),
    ];
    for (from, to, member) in cases {
        let changed = text.replacen(from, to, 1);
        // The last member takes its comma with it.
        let changed = if to.is_empty() {
            text_without_tiles(&text)
        } else {
            changed
        };
        cache.resign(&changed);
        let result = cache.verify();
        assert_eq!(reasons(&result), ["schema_violation"], "{to}");
        assert!(
            result.fail_details[0].contains(member),
            "{member}: {:?}",
            result.fail_details
        );
        assert!(result.per_artifact_checks.is_empty());
    }
}

fn text_without_tiles(text: &str) -> String {
    let without = text.replace(",\n  \"tiles_coverage_sha256\": null", "");
    assert_ne!(without, text);
    without
}

#[test]
fn mv_tc_7_a_missing_artifact_has_no_actual_digest() {
    let cache = Cache::new(None);
    fs::remove_file(cache.path("engines/b.bin")).unwrap();
    let result = cache.verify();
    assert_eq!(reasons(&result), ["artifact_missing"]);
    let check = &result.per_artifact_checks[1];
    assert_eq!(check.relative_path, "engines/b.bin");
    assert_eq!((check.actual_sha256, check.matched), (None, false));
}

#[test]
fn mv_tc_8_a_drifted_artifact_does_not_match() {
    for drifted in ["cc", "longer"] {
        let cache = Cache::new(None);
        fs::write(cache.path("engines/b.bin"), drifted).unwrap();
        let result = cache.verify();
        assert_eq!(reasons(&result), ["artifact_hash_mismatch"]);
        let check = &result.per_artifact_checks[1];
        assert_eq!(
            check.actual_sha256,
            Some(Sha256Digest::of(drifted.as_bytes()))
        );
        assert!(!check.matched);
    }
}

#[test]
fn mv_tc_8_a_right_digest_with_another_size_does_not_match() {
    let cache = Cache::new(None);
    cache.resign(
        &cache
            .text()
            .replacen("\"size_bytes\": 2", "\"size_bytes\": 3", 1),
    );
    let result = cache.verify();
    assert_eq!(reasons(&result), ["artifact_hash_mismatch"]);
    assert!(!result.per_artifact_checks[1].matched);
}

#[test]
fn mv_tc_9_every_artifact_is_checked_whatever_becomes_of_the_others() {
    let cache = Cache::new(None);
    fs::remove_file(cache.path("engines/a.bin")).unwrap();
    fs::write(cache.path("engines/b.bin"), "cc").unwrap();
    let result = cache.verify();
    assert_eq!(
        reasons(&result),
        ["artifact_missing", "artifact_hash_mismatch"]
    );
    let matched: Vec<bool> = result
        .per_artifact_checks
        .iter()
        .map(|c| c.matched)
        .collect();
    assert_eq!(matched, [false, false, true]);
}

#[test]
fn mv_tc_10_a_sidecar_that_differs_ends_before_the_signature() {
    let cache = Cache::new(None);
    let sidecar = cache.path("Manifest.json.sha256");
    for text in [Sha256Digest::of(b"other").to_string(), "none".to_owned()] {
        fs::write(&sidecar, text).unwrap();
        let (result, opened) = cache.watch(&trusted());
        assert_eq!(reasons(&result), ["manifest_self_hash_mismatch"]);
        assert_eq!(opened, ["Manifest.json", "Manifest.json.sha256"]);
    }
    fs::remove_file(sidecar).unwrap();
    assert_eq!(reasons(&cache.verify()), ["manifest_self_hash_mismatch"]);
}

#[test]
fn mv_tc_11_a_changed_manifest_with_its_sidecar_fails_by_its_signature() {
    let cache = Cache::new(None);
    let text = cache.text();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        cache.rewrite(&changed);
        assert_eq!(reasons(&cache.verify()), ["signature_invalid"], "byte {at}");
    }
}

#[test]
fn mv_tc_12_the_verifier_is_a_manifest_verifier() {
    fn verify(verifier: &dyn ManifestVerifier, cache: &Cache) -> VerificationResult {
        verifier.verify_manifest(&cache.manifest(), &trusted())
    }
    let result = verify(&FolderVerifier::airborne(&Disk), &Cache::new(None));
    assert_eq!(result.outcome(), ManifestOutcome::Pass);
}

#[test]
fn mv_tc_13_tiles_are_derived_again_in_operator_mode() {
    let digest = |id: &str| Sha256Digest::of(id.as_bytes());
    let tile = |id: &str| Tile {
        tile_id: id.to_owned(),
        sha256: digest(id),
    };
    let coverage = coverage_sha256(vec![tile("b"), tile("a")]).unwrap();
    let records = format!("a\n{}\nb\n{}\n", digest("a"), digest("b"));
    assert_eq!(coverage, digest(&records));

    let cache = Cache::new(Some(coverage));
    let file = cache.folder.path().join("tiles.jsonl");
    let line = |id: &str| {
        format!(
            "{{\"tile_id\": \"{id}\", \"sha256\": \"{}\"}}\n",
            digest(id)
        )
    };
    let verify = |cache: &Cache, tiles: String| {
        fs::write(&file, tiles).unwrap();
        let store = JsonLinesTiles::new(&file);
        let verifier = FolderVerifier::operator(&Disk, &store);
        let result = verifier.verify_manifest(&cache.manifest(), &trusted());
        reasons(&result)
    };
    let mismatch = ["tiles_coverage_mismatch"];
    assert_eq!(verify(&cache, line("b") + "\n" + &line("a")), [""; 0]);
    assert_eq!(verify(&cache, line("a")), mismatch);
    assert_eq!(
        verify(&cache, line("a") + &line("b") + &line("b")),
        mismatch
    );
    assert_eq!(verify(&cache, line("a") + &line("b\\n")), mismatch);
    assert_eq!(verify(&cache, "{}".to_owned()), mismatch);
    assert_eq!(
        verify(&Cache::new(None), line("a")),
        mismatch,
        "nothing recorded"
    );
    assert_eq!(
        cache.verify().outcome(),
        ManifestOutcome::Pass,
        "airborne: what is recorded stands"
    );
}

#[test]
fn mv_tc_14_without_trusted_keys_every_key_is_untrusted() {
    let (result, opened) = Cache::new(None).watch(&[]);
    assert_eq!(reasons(&result), ["untrusted_public_key"]);
    assert_eq!(opened.len(), 3);
}

/// 200 artifacts with 64 MB in all. That it takes less than 100 ms is measured by
/// `tools/bench-manifest`, where no other test runs beside.
#[test]
fn mv_tc_15_a_manifest_of_200_artifacts_with_64_mb_is_checked_to_the_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..200_u8 {
        let artifact = folder.path().join(format!("artifact-{n}"));
        fs::write(artifact, vec![n; 320_000]).unwrap();
    }
    let path = folder.path().join("Manifest.json");
    let manifest = sealbook::manifest::build(folder.path(), "Manifest.json", None, now()).unwrap();
    sealbook::manifest::write(&manifest, &path, &signer(1)).unwrap();
    let verify = || FolderVerifier::airborne(&Disk).verify_manifest(&path, &trusted());

    let result = verify();
    assert_eq!(result.outcome(), ManifestOutcome::Pass);
    assert_eq!(result.per_artifact_checks.len(), 200);
    for check in &result.per_artifact_checks {
        let n = check.relative_path.strip_prefix("artifact-").unwrap();
        let content = vec![n.parse().unwrap(); 320_000];
        assert_eq!(check.actual_sha256, Some(Sha256Digest::of(&content)));
    }

    let mut content = vec![77; 320_000];
    *content.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join("artifact-77"), content).unwrap();
    let result = verify();
    assert_eq!(reasons(&result), ["artifact_hash_mismatch"]);
    let failed = result
        .per_artifact_checks
        .iter()
        .filter(|check| !check.matched);
    let failed: Vec<_> = failed.map(|check| check.relative_path.as_str()).collect();
    assert_eq!(failed, ["artifact-77"]);
}

#[test]
fn mv_inv_2_artifacts_are_opened_after_everything_that_vouches() {
    let (_, opened) = Cache::new(None).watch(&trusted());
    let expected = [
        "Manifest.json",
        "Manifest.json.sha256",
        "Manifest.json.sig",
        "engines/a.bin",
        "engines/b.bin",
        "index.bin",
    ];
    assert_eq!(opened, expected);
}

#[test]
fn mv_inv_2_tiles_are_not_asked_for_under_an_untrusted_key() {
    struct Asked(AtomicBool);
    impl TileStore for Asked {
        fn tiles(&self) -> Result<Vec<Tile>, TileError> {
            self.0.store(true, Ordering::Relaxed);
            Ok(Vec::new())
        }
    }
    let store = Asked(AtomicBool::new(false));
    let cache = Cache::new(None);
    let verifier = FolderVerifier::operator(&Disk, &store);
    verifier.verify_manifest(&cache.manifest(), &[]);
    assert!(!store.0.load(Ordering::Relaxed));
    verifier.verify_manifest(&cache.manifest(), &trusted());
    assert!(store.0.load(Ordering::Relaxed));
}

#[test]
fn mv_inv_6_and_7_nothing_is_written_and_the_time_is_told() {
    let cache = Cache::new(None);
    let listing = || {
        let entries = fs::read_dir(cache.root())
            .unwrap()
            .map(|entry| entry.unwrap());
        let mut all: Vec<_> = entries
            .map(|e| (e.file_name(), e.metadata().unwrap().modified().unwrap()))
            .collect();
        all.sort();
        all
    };
    let before = listing();
    let value = cache.verify().to_value();
    assert_eq!(listing(), before);
    assert!(value.get("elapsed_ms").unwrap().as_u64().is_some());
    let members: Vec<&str> = value.as_object().unwrap().keys().collect();
    let expected = [
        "elapsed_ms",
        "fail_details",
        "fail_reasons",
        "outcome",
        "per_artifact_checks",
        "signing_public_key_fingerprint",
    ];
    assert_eq!(members, expected);
}

#[test]
fn a_manifest_can_be_made_again_over_itself() {
    let cache = Cache::new(None);
    let again = sealbook::manifest::build(&cache.root(), "Manifest.json", None, now());
    assert_eq!(again.unwrap(), cache.parsed());
}
