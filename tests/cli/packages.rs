//! `package`: the reference verdicts, and every attack, through the program.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::place::{Place, Run};

const KEY: &str = "namespace-key";
const WORKER: &str = "org.acme.summarizer.i-1";
const SPECIES: &str = "wrk.doc.summarizer";
const IDS: [&str; 4] = ["--worker-id", WORKER, "--worker-species-id", SPECIES];

/// A package `pkg`, signed.
struct Package(Place);

impl Package {
    fn signed() -> Package {
        let package = Package(Place::empty());
        package.0.run(&["package", "scaffold", "pkg"]).ok();
        package.sign(&[]).ok();
        package
    }

    fn sign(&self, more: &[&str]) -> Run {
        let args = [&["package", "sign", "pkg"], &IDS[..], more].concat();
        run(&self.0, KEY, &args)
    }

    fn verify(&self, more: &[&str]) -> Run {
        let args = ["--json", "package", "verify", "pkg"];
        run(&self.0, KEY, &[&args, &IDS[..], more].concat())
    }

    /// Denied, with this code and for this reason.
    fn denied(&self, more: &[&str], code: &str, reason: &str) {
        let outcome = self.verify(more).ends_with(1).document();
        assert_eq!(outcome["ok"], false);
        assert_eq!(outcome["deny_code"], code, "{outcome:#}");
        assert_eq!(outcome["meta"]["reason"], reason, "{outcome:#}");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path("pkg").join(name)
    }

    fn manifest(&self) -> String {
        self.0.read("pkg/manifest.json")
    }
}

fn run(place: &Place, key: &str, args: &[&str]) -> Run {
    let mut command = place.command(args);
    if !key.is_empty() {
        command.env("WCP_ATTEST_HMAC_KEY", key);
    }
    Run::of(args, command.output().unwrap())
}

#[test]
fn every_reference_package_gets_its_hash_and_verdict() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors/packages.jsonl");
    let text = fs::read_to_string(file).unwrap();
    let mut cases = 0;
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        reference(&case);
        cases += 1;
    }
    assert!(cases >= 120, "{cases}");
}

fn reference(case: &Value) {
    let place = Place::empty();
    let text = |name: &str| case[name].as_str().unwrap();
    fs::create_dir(place.path("pkg")).unwrap();
    for (path, content) in case["files"].as_object().unwrap() {
        let path = place.path("pkg").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, STANDARD.decode(content.as_str().unwrap()).unwrap()).unwrap();
    }
    if let Some(manifest) = case["manifest_text"].as_str() {
        place.write("pkg/manifest.json", manifest);
    }
    let expect = &case["expect"];
    let hash = place.run(&["--json", "package", "hash", "pkg"]).ok();
    let hash = hash.document();
    assert_eq!(
        hash["package_hash"],
        expect["package_hash"],
        "{}",
        text("id")
    );
    assert_eq!(hash.as_object().unwrap().len(), 1);
    let args = [
        "--json",
        "package",
        "verify",
        "pkg",
        "--worker-id",
        text("declared_worker_id"),
        "--worker-species-id",
        text("declared_worker_species_id"),
    ];
    let run = run(&place, text("hmac_key"), &args);
    let outcome = run.document();
    let members: Vec<_> = outcome.as_object().unwrap().keys().collect();
    assert_eq!(members, ["deny_code", "meta", "ok"]);
    assert_eq!(outcome["ok"], expect["ok"], "{outcome:#}");
    assert_eq!(outcome["deny_code"], expect["deny_code"], "{outcome:#}");
    assert!(outcome["meta"]["elapsed_ms"].is_u64());
    let status = if expect["ok"] == true { 0 } else { 1 };
    run.ends_with(status);
}

#[test]
fn a_signed_package_passes_and_says_what_it_is() {
    let package = Package::signed();
    let outcome = package.verify(&[]).ok().document();
    let hash = package.0.run(&["package", "hash", "pkg"]).ok().stdout;
    assert_eq!(outcome["meta"]["package_hash"], hash.trim());
    assert_eq!(
        outcome["meta"]["unsigned"],
        serde_json::json!(["attested_at_utc"])
    );
    let args = [&["package", "verify", "pkg"], &IDS[..]].concat();
    let people = run(&package.0, KEY, &args).ok().stdout;
    let expected = "PASS  Package attested by namespace org.acme at ";
    assert!(people.starts_with(expected), "{people}");
    // The manifest may lie elsewhere.
    fs::rename(package.path("manifest.json"), package.0.path("m")).unwrap();
    package.verify(&["--manifest", "m"]).ok();
    package.denied(&[], "ATTEST_MANIFEST_MISSING", "manifest_unreadable");
}

#[test]
fn what_sign_and_scaffold_print_is_pinned() {
    let place = Place::empty();
    let made = place
        .run(&["--json", "package", "scaffold", "pkg"])
        .ok()
        .document();
    let files = [
        "code/bootstrap.py",
        "code/worker_logic.py",
        "requirements.lock",
    ];
    let files = files.iter().chain(&["config.schema.json"]);
    let files: Vec<_> = files.map(|name| format!("pkg/{name}")).collect();
    assert_eq!(
        made,
        serde_json::json!({"package": "pkg", "written": files})
    );
    let args = [&["--json", "package", "sign", "pkg"], &IDS[..]].concat();
    let signed = run(&place, KEY, &args).ok().document();
    let members: Vec<_> = signed.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "ed25519_fingerprint",
            "manifest",
            "package_hash",
            "trust_statement"
        ]
    );
    assert_eq!(signed["ed25519_fingerprint"], Value::Null);
    let again = place.run(&["package", "scaffold", "pkg"]);
    again.refused(
        "exists",
        "\"pkg/code/bootstrap.py\" exists",
        "name another folder, or replace the files with --overwrite",
    );
    place
        .run(&["package", "scaffold", "pkg", "--overwrite"])
        .ok();
}

#[test]
fn signing_without_a_key_or_a_namespace_is_refused() {
    let package = Package::signed();
    let args = [&["--json", "package", "sign", "pkg"], &IDS[..]].concat();
    let detail = "there is no HMAC key: WCP_ATTEST_HMAC_KEY is not set, or empty";
    let hint = "set WCP_ATTEST_HMAC_KEY to the namespace's key";
    package
        .0
        .run(&args)
        .refused("hmac_key_missing", detail, hint);
    let args = ["--json", "package", "sign", "pkg", "--worker-id", "acme.w"];
    let args = [&args[..], &["--worker-species-id", SPECIES]].concat();
    run(&package.0, KEY, &args).refused(
        "no_namespace",
        "worker id \"acme.w\" is neither `x.<name>` nor `org.<name>`",
        "begin --worker-id with org.NAME or x.NAME",
    );
}

#[test]
fn a_required_ed25519_signature_must_be_there_good_and_trusted() {
    let package = Package::signed();
    package.0.run(&["init"]).ok();
    let key = package.0.key();
    let required = ["--require-ed25519", "--trusted-key", &key];
    package.denied(&required, "ATTEST_SIGNATURE_MISSING", "ed25519_missing");
    package.sign(&["--key", "ledger.key.pem"]).ok();
    let outcome = package.verify(&required).ok().document();
    assert_eq!(outcome["meta"]["ed25519"]["trusted"], true);
    // It covers every member but the signatures.
    assert_eq!(outcome["meta"]["unsigned"], serde_json::json!([]));
    let other = "11".repeat(32);
    let untrusted = ["--require-ed25519", "--trusted-key", &other];
    package.denied(&untrusted, "ATTEST_SIG_INVALID", "ed25519_untrusted");
    package.denied(
        &["--require-ed25519"],
        "ATTEST_SIG_INVALID",
        "ed25519_untrusted",
    );
    let text = package.manifest();
    let at = text.find("\"attested_at_utc\": \"").unwrap() + 20;
    let mut changed = text.into_bytes();
    changed[at] = b'1';
    package.0.write("pkg/manifest.json", changed);
    package.denied(&required, "ATTEST_SIG_INVALID", "ed25519_other_manifest");
}

#[test]
fn a_banned_hash_is_denied_from_a_file_in_either_spelling() {
    let package = Package::signed();
    let hash = package.0.run(&["package", "hash", "pkg"]).ok().stdout;
    let hash = hash.trim();
    package
        .0
        .write("lines", format!("# banned\n{hash} steals\n"));
    package
        .0
        .write("list.json", format!("[{{\"sha256\":\"{hash}\"}}]"));
    for file in ["lines", "list.json"] {
        package.denied(&["--banned", file], "ATTEST_BANNED_HASH", "banned");
    }
    package.0.write("others", format!("{}\n", "ab".repeat(32)));
    let outcome = package.verify(&["--banned", "others"]).ok().document();
    let consulted = outcome["meta"]["ban_list"].as_str().unwrap();
    assert!(consulted.starts_with("blake2b-256:"), "{consulted}");
    // A list that is half understood would let through what the other half bans.
    package.0.write("broken", "not a hash\n");
    let run = package.verify(&["--banned", "broken"]).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "bad_ban_list");
    let run = package.verify(&["--banned", "none"]).ends_with(2);
    assert_eq!(run.document()["error"]["code"], "io");
}

#[test]
fn a_stray_compiled_file_is_named_and_denied_under_strict() {
    let package = Package::signed();
    package.0.write("pkg/code/worker_logic.pyc", "x");
    let outcome = package.verify(&[]).ok().document();
    let stray = serde_json::json!(["code/worker_logic.pyc"]);
    assert_eq!(outcome["meta"]["unattested"], stray);
    package.denied(&["--strict"], "ATTEST_HASH_MISMATCH", "unattested_files");
}

#[test]
fn names_links_and_pipes_are_refused_each_with_its_own_reason() {
    let refused = |attack: &dyn Fn(&Package), reason: &str| {
        let package = Package::signed();
        package.0.write("secret", "s");
        attack(&package);
        package.denied(&[], "ATTEST_HASH_MISMATCH", reason);
        let run = package.0.run(&["--json", "package", "hash", "pkg"]);
        assert_eq!(run.ends_with(2).document()["error"]["code"], reason);
    };
    let link = |target: &'static str| move |p: &Package| symlink(target, p.path("l")).unwrap();
    refused(&link("../secret"), "link_leaves_package");
    refused(&link("/etc/passwd"), "link_leaves_package");
    refused(&link("/dev/zero"), "link_leaves_package");
    refused(&link("nowhere"), "link_dangles");
    refused(&link("l"), "link_loops");
    refused(&link("code"), "link_to_folder");
    let named = |name: &'static [u8]| {
        move |p: &Package| fs::write(p.path("").join(OsStr::from_bytes(name)), "").unwrap()
    };
    refused(&named(b"a\n0\nx"), "name_control_character");
    refused(&named(b"caf\xe9"), "name_not_utf8");
    let pipe = |p: &Package| mknodat(CWD, p.path("p"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    refused(&pipe, "special_file");
    let package = Package::signed();
    package.0.write("pkg/more", "x");
    package.denied(&[], "ATTEST_HASH_MISMATCH", "hash_differs");
}

#[test]
fn manifests_that_nobody_should_believe_are_refused() {
    let package = Package::signed();
    let text = package.manifest();
    let with = |bytes: &str, code: &str, reason: &str| {
        package.0.write("pkg/manifest.json", bytes);
        package.denied(&[], code, reason);
    };
    let missing = "ATTEST_MANIFEST_MISSING";
    let twice = text.replacen("{\n", &format!("{{\n  \"worker_id\": \"{WORKER}\",\n"), 1);
    with(&twice, missing, "manifest_malformed");
    with("[]", missing, "manifest_malformed");
    let other = text.replace("i-1", "i-2");
    with(&other, "ATTEST_MANIFEST_ID_MISMATCH", "identity_differs");
    let moved = text.replace("\"local\"", "\"ci\"");
    with(&moved, "ATTEST_SIG_INVALID", "hmac_invalid");
    let huge = fs::File::create(package.path("manifest.json")).unwrap();
    huge.set_len(200_000_000).unwrap();
    package.denied(&[], missing, "manifest_too_large");
    fs::remove_file(package.path("manifest.json")).unwrap();
    mknodat(
        CWD,
        package.path("manifest.json"),
        FileType::Fifo,
        Mode::RUSR,
        0,
    )
    .unwrap();
    package.denied(&[], missing, "manifest_unreadable");
}

#[test]
fn an_hmac_key_that_is_empty_or_wrong_denies() {
    let package = Package::signed();
    let args = [&["--json", "package", "verify", "pkg"], &IDS[..]].concat();
    let code = |key: &str| {
        let mut command = package.0.command(&args);
        command.env("WCP_ATTEST_HMAC_KEY", key);
        let run = Run::of(&args, command.output().unwrap()).ends_with(1);
        run.document()["deny_code"].clone()
    };
    assert_eq!(code(""), "ATTEST_SIGNATURE_MISSING");
    assert_eq!(code("other"), "ATTEST_SIG_INVALID");
    let run = package.0.run(&args).ends_with(1);
    assert_eq!(run.document()["deny_code"], "ATTEST_SIGNATURE_MISSING");
}

#[test]
fn hostile_text_of_a_manifest_is_escaped_for_people() {
    let package = Package::signed();
    let text = package.manifest().replace("org.acme", "org.\\u001b[2Jacme");
    package.0.write("pkg/manifest.json", text);
    let args = [&["package", "verify", "pkg"], &IDS[..]].concat();
    let run = run(&package.0, KEY, &args).ends_with(1);
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
}
