//! What a package's hash covers, what its verification says.

use std::fs;
use std::os::unix::fs::symlink;

use sealbook::attestation::{
    BanList, HmacKey, PackageManifest, PackageScaffoldError, build_manifest,
    canonical_package_hash, scaffold_package, write_manifest,
};
use sealbook::ledger::key::Signer as _;
use sealbook::ledger::sha256::Sha256Digest;

use crate::scene::{Package, denial, key, now, signer};

#[test]
fn an_attested_package_passes_and_says_what_was_verified() {
    let package = Package::usual().attest();
    let outcome = package.verify();
    assert!(outcome.ok(), "{:?}", outcome.denial);
    let meta = &outcome.meta;
    let hash = canonical_package_hash(&package.root()).unwrap().canonical;
    let statement = format!(
        "Package attested by namespace org.example at 2026-11-20T16:56:48Z; \
         package hash sha256:{hash}."
    );
    assert_eq!(meta.trust_statement.as_deref(), Some(&*statement));
    assert_eq!(meta.trust_statement_claimed, None);
    assert_eq!(meta.unsigned, ["attested_at_utc"]);
    assert_eq!(meta.verified_at_utc, "2026-11-20T16:56:48Z");
    assert_eq!(meta.unattested.count, 0);
    let value = outcome.to_value();
    assert_eq!(value.get("ok").unwrap().as_bool(), Some(true));
    assert!(
        value
            .get("meta")
            .unwrap()
            .get("elapsed_ms")
            .unwrap()
            .as_u64()
            .is_some()
    );
}

#[test]
fn records_stand_in_component_order_and_the_plain_order_is_accepted_by_name() {
    let package = Package::new(&[("a/x", b"1"), ("a-b/x", b"2")]);
    let record = |path: &str, content: &[u8]| {
        format!("{path}\n{}\n{}\n", content.len(), Sha256Digest::of(content))
    };
    let (slash, dash) = (record("a/x", b"1"), record("a-b/x", b"2"));
    let hash = canonical_package_hash(&package.root()).unwrap();
    assert_eq!(
        hash.canonical,
        Sha256Digest::of(format!("{slash}{dash}").as_bytes())
    );
    assert_eq!(
        hash.plain,
        Sha256Digest::of(format!("{dash}{slash}").as_bytes())
    );

    let package = package.attest();
    assert_eq!(
        package.verify().meta.path_order.unwrap().as_str(),
        "components"
    );
    let text = fs::read_to_string(package.manifest()).unwrap();
    let text = text.replace(&hash.canonical.to_string(), &hash.plain.to_string());
    let mut manifest = PackageManifest::parse(text.as_bytes()).unwrap();
    manifest.sign_hmac(&key()).unwrap();
    write_manifest(&manifest, &package.manifest()).unwrap();
    let outcome = package.verify();
    assert!(outcome.ok(), "{:?}", outcome.denial);
    assert_eq!(outcome.meta.path_order.unwrap().as_str(), "plain");
    assert_eq!(outcome.meta.package_hash, Some(hash.plain));
}

#[test]
fn what_only_poses_as_left_over_is_denied_under_strict() {
    let key = key();
    for put in [
        (|package| package.write("code/.DS_Store/evil.py", b"runs")) as fn(&Package),
        |package| package.write(".git/evil.pyc", b"runs"),
        |package| package.write(".git/__pycache__/evil", b"runs"),
        |package| symlink("/tmp", package.path(".git")).unwrap(),
        |package| symlink("a", package.path(".DS_Store")).unwrap(),
    ] {
        let package = Package::usual().attest();
        let strict = || {
            let verifier = package.verifier().hmac_key(Some(&key)).strict(true);
            verifier.verify(now())
        };
        assert!(strict().ok());
        put(&package);
        assert_eq!(
            denial(&strict()),
            ("ATTEST_HASH_MISMATCH", "unattested_files")
        );
    }
}

#[test]
fn what_no_hash_covers_is_listed_and_denied_under_strict() {
    let package = Package::usual().attest();
    assert!(
        package
            .verifier()
            .hmac_key(Some(&key()))
            .strict(true)
            .verify(now())
            .ok()
    );
    let key = key();
    let strict = || {
        let verifier = package.verifier().hmac_key(Some(&key)).strict(true);
        verifier.verify(now())
    };
    // What a version control or a file manager left is a warning.
    package.write(".git/HEAD", b"");
    package.write("code/.DS_Store", b"");
    assert!(strict().ok());
    assert_eq!(strict().meta.warnings, ["left_over_files"]);
    fs::remove_file(package.path("code/.DS_Store")).unwrap();
    package.write("code/__pycache__/a.pyc", b"runs");
    let outcome = package.verify();
    assert!(outcome.ok());
    assert_eq!(
        outcome.meta.unattested.listed,
        [".git/HEAD", "code/__pycache__/a.pyc"]
    );
    let strict = package
        .verifier()
        .hmac_key(Some(&key))
        .strict(true)
        .verify(now());
    assert_eq!(
        denial(&strict),
        ("ATTEST_HASH_MISMATCH", "unattested_files")
    );
}

#[test]
fn the_trust_statement_is_rebuilt_and_the_files_own_is_a_claim() {
    let package = Package::usual().attest();
    let text = fs::read_to_string(package.manifest()).unwrap();
    fs::write(
        package.manifest(),
        text.replace("by namespace org.example", "by everyone"),
    )
    .unwrap();
    let meta = package.verify().meta;
    assert!(
        meta.trust_statement
            .unwrap()
            .contains("by namespace org.example at")
    );
    assert!(
        meta.trust_statement_claimed
            .unwrap()
            .contains("by everyone")
    );
    assert_eq!(meta.warnings, ["trust_statement_differs"]);
}

#[test]
fn a_banned_hash_is_denied_before_its_signature_is_looked_at() {
    let package = Package::usual().attest();
    let hash = canonical_package_hash(&package.root()).unwrap().canonical;
    let list = BanList::parse(format!("{hash} exfiltrates\n").as_bytes()).unwrap();
    let outcome = package.verifier().ban_list(&list).verify(now());
    assert_eq!(denial(&outcome), ("ATTEST_BANNED_HASH", "banned"));
    assert_eq!(outcome.meta.ban_list, Some(list.digest()));
    let other = BanList::parse(b"[]").unwrap();
    assert!(
        package
            .verifier()
            .hmac_key(Some(&key()))
            .ban_list(&other)
            .verify(now())
            .ok()
    );
}

#[test]
fn a_required_ed25519_signature_must_be_there_good_and_trusted() {
    let package = Package::usual().attest();
    let (ours, theirs) = ([signer(1).public_key()], [signer(2).public_key()]);
    let secret = key();
    let verify = |trusted| {
        let verifier = package
            .verifier()
            .hmac_key(Some(&secret))
            .trusted_keys(trusted);
        verifier.require_ed25519(true).verify(now())
    };
    assert_eq!(
        denial(&verify(&ours)),
        ("ATTEST_SIGNATURE_MISSING", "ed25519_missing")
    );

    let request = Package::request();
    let signer = signer(1);
    let signed = build_manifest(&package.root(), &request, &key(), Some(&signer), now()).unwrap();
    write_manifest(&signed, &package.manifest()).unwrap();
    let outcome = verify(&ours);
    assert!(outcome.ok(), "{:?}", outcome.denial);
    assert!(
        outcome.meta.unsigned.is_empty(),
        "the envelope covers attested_at_utc"
    );
    assert_eq!(
        denial(&verify(&theirs)),
        ("ATTEST_SIG_INVALID", "ed25519_untrusted")
    );

    let changed = |from: &str, to: &str| {
        fs::write(package.manifest(), signed.to_text().replacen(from, to, 1)).unwrap();
        denial(&package.verify())
    };
    let other = ("ATTEST_SIG_INVALID", "ed25519_other_manifest");
    assert_eq!(
        changed("\"attested_at_utc\": \"2026", "\"attested_at_utc\": \"2025"),
        other
    );
    let malformed = ("ATTEST_SIG_INVALID", "ed25519_malformed");
    assert_eq!(changed("\"key\": \"", "\"key\": \"0"), malformed);
    let envelope = signed.ed25519().unwrap().unwrap();
    let (key, forged) = (envelope.key.to_string(), theirs[0].to_string());
    assert_eq!(
        changed(&key, &forged),
        ("ATTEST_SIG_INVALID", "ed25519_invalid")
    );
}

#[test]
fn a_manifest_file_is_sorted_indented_and_read_back_unchanged() {
    let package = Package::usual().attest();
    let text = fs::read_to_string(package.manifest()).unwrap();
    assert!(text.starts_with("{\n  \"attested_at_utc\": \"2026-11-20T16:56:48Z\",\n  \"build_"));
    assert!(text.ends_with("\"worker_version\": \"1.0.0\"\n}\n"));
    assert_eq!(
        PackageManifest::parse(text.as_bytes()).unwrap().to_text(),
        text
    );
    assert!(!package.path("manifest.tmp").exists());
}

#[test]
fn writing_a_manifest_replaces_what_a_crash_left_and_follows_no_link() {
    let package = Package::usual();
    let victim = package.outside().join("victim");
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, package.path("manifest.tmp")).unwrap();
    let package = package.attest();
    assert!(package.verify().ok());
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn only_workers_with_a_namespace_are_attested() {
    let package = Package::usual();
    let mut request = Package::request();
    request.worker_id = "com.example.w";
    let error = build_manifest(&package.root(), &request, &key(), None, now()).unwrap_err();
    assert!(matches!(
        error,
        sealbook::attestation::BuildManifestError::Namespace(_)
    ));
}

#[test]
fn a_scaffold_hashes_and_refuses_to_overwrite() {
    let package = Package::new(&[("logic.py", b"def run(r): return r\n")]);
    let root = package.path("new");
    let logic = package.path("logic.py");
    let written = scaffold_package(&root, Some(&logic), false).unwrap();
    assert_eq!(written.len(), 4);
    assert_eq!(
        fs::read(root.join("code/worker_logic.py")).unwrap(),
        fs::read(&logic).unwrap()
    );
    assert_eq!(canonical_package_hash(&root).unwrap().files, 4);
    let error = scaffold_package(&root, None, false).unwrap_err();
    assert!(
        matches!(error, PackageScaffoldError::Exists { path } if path.ends_with("bootstrap.py"))
    );
    scaffold_package(&root, None, true).unwrap();
}

#[test]
fn an_empty_secret_is_no_key_and_none_is_printed() {
    assert!(HmacKey::new("").is_none());
    assert_eq!(format!("{:?}", key()), "HmacKey(…)");
}

/// Python runs what was compiled, if it believes that the source is the same.
/// Its header may name the size and time of an attested source, or ask for its hash to be
/// checked: what Python then runs is what stands behind the header, and nobody's word.
#[test]
fn compiled_python_is_refused_strictly_whatever_its_header_says_of_its_source() {
    let package = Package::usual().attest();
    let key = key();
    let strict = || {
        let verifier = package.verifier().hmac_key(Some(&key)).strict(true);
        verifier.verify(now()).ok()
    };
    assert!(strict());
    let source = fs::read_dir(package.path("code")).unwrap();
    let source = source.map(|file| file.unwrap().path());
    let source = source
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "py"));
    let source = source.unwrap();
    let module = source.file_stem().unwrap().to_str().unwrap().to_owned();
    let state = fs::metadata(&source).unwrap();
    let seconds = state
        .modified()
        .unwrap()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let time = u32::try_from(seconds.as_secs() & 0xffff_ffff).unwrap();
    let size = u32::try_from(state.len()).unwrap();
    let path = format!("code/__pycache__/{module}.cpython-313.pyc");
    for (flags, time, size) in [
        (0_u32, time, size),
        (0, 7, size + 1),
        (3, 0, 0),
        (1, 0, 0),
        (2, 0, size),
    ] {
        let mut bytes = vec![0xcb, 0x0d, 0x0d, 0x0a];
        bytes.extend(flags.to_le_bytes());
        bytes.extend(time.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(b"forged");
        package.write(&path, &bytes);
        assert!(!strict(), "{flags} {size}");
    }
    fs::remove_file(package.path(&path)).unwrap();
    assert!(strict());
}

#[test]
fn a_trusted_key_means_that_key_whether_or_not_a_signature_is_required() {
    let package = Package::usual().attest();
    let (trusted, key) = ([signer(9).public_key()], key());
    let verifier = package
        .verifier()
        .hmac_key(Some(&key))
        .trusted_keys(&trusted);
    let outcome = verifier.verify(now());
    assert!(!outcome.ok());
}
