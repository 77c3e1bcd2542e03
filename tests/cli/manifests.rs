//! `manifest`: the contract's verdicts through the program, and what it opens.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::logbook::key_file;
use sealbook::manifest::DetachedSignature;
use serde_json::{Value, json};

use crate::place::{Place, Run, have};

/// A folder `cache` of three artifacts, signed by the ledger's key.
struct Cache {
    place: Place,
    key: String,
}

impl Cache {
    fn new() -> Cache {
        let place = Place::initialised();
        fs::create_dir_all(place.path("cache/engines")).unwrap();
        place.write("cache/engines/a.bin", "a");
        place.write("cache/engines/b.bin", "bb");
        place.write("cache/index.bin", "");
        let args = ["manifest", "build", "cache", "--key", "ledger.key.pem"];
        place.run(&args).ok();
        let key = place.key();
        Cache { place, key }
    }

    fn verify(&self, more: &[&str]) -> Run {
        let args = ["--json", "manifest", "verify", "cache", "--trusted-key"];
        self.place
            .run(&[&args[..], &[self.key.as_str()], more].concat())
    }

    fn fails(&self, reasons: &[&str]) -> Value {
        let result = self.verify(&[]).ends_with(1).document();
        assert_eq!(result["fail_reasons"], json!(reasons), "{result:#}");
        assert_eq!(result["outcome"], "fail");
        result
    }

    fn text(&self) -> String {
        self.place.read("cache/Manifest.json")
    }

    /// Another manifest, signed by the trusted key.
    fn resign(&self, text: &str) {
        self.place.write("cache/Manifest.json", text);
        let digest = Sha256Digest::of(text.as_bytes());
        self.place
            .write("cache/Manifest.json.sha256", digest.to_string());
        let signer = key_file::open(&self.place.path("ledger.key.pem")).unwrap();
        let signature = DetachedSignature::sign(text.as_bytes(), &signer).unwrap();
        self.place
            .write("cache/Manifest.json.sig", signature.to_text());
    }
}

#[test]
fn a_manifest_passes_and_its_result_is_pinned() {
    let cache = Cache::new();
    let result = cache.verify(&[]).ok().document();
    let members: Vec<_> = result.as_object().unwrap().keys().collect();
    let expected = [
        "elapsed_ms",
        "fail_details",
        "fail_reasons",
        "outcome",
        "per_artifact_checks",
        "signing_public_key_fingerprint",
    ];
    assert_eq!(members, expected);
    assert_eq!(result["outcome"], "pass");
    assert_eq!(
        (&result["fail_reasons"], &result["fail_details"]),
        (&json!([]), &json!([]))
    );
    assert!(result["elapsed_ms"].is_u64());
    let checks = result["per_artifact_checks"].as_array().unwrap();
    assert_eq!(checks.len(), 3);
    let digest = Sha256Digest::of(b"a").to_string();
    let check = json!({"relative_path": "engines/a.bin", "expected_sha256": digest,
                       "actual_sha256": digest, "matched": true});
    assert_eq!(checks[0], check);
    // The manifest by its own path, and its key as a file.
    let pem = cache.place.run(&["key", "--pem"]).ok().stdout;
    cache.place.write("pub.pem", pem);
    let path = "cache/Manifest.json";
    let args = ["manifest", "verify", path, "--trusted-key", "pub.pem"];
    let people = cache.place.run(&args).ok().stdout;
    assert!(
        people.starts_with("PASS  3 of 3 artifacts match\n"),
        "{people}"
    );
}

#[test]
fn what_build_prints_is_pinned() {
    let cache = Cache::new();
    let args = [
        "--json",
        "manifest",
        "build",
        "cache",
        "--key",
        "ledger.key.pem",
    ];
    let built = cache.place.run(&args).ok().document();
    let digest = Sha256Digest::of(cache.text().as_bytes()).to_string();
    let shown = cache.place.run(&["--json", "key"]).ok().document();
    let expected = json!({"manifest": "cache/Manifest.json", "manifest_sha256": digest,
        "artifacts": 3, "size_bytes": 3, "tiles_coverage_sha256": null,
        "signing_public_key_fingerprint": shown["fingerprint"]});
    assert_eq!(built, expected);
    let run = cache.place.run(&["manifest", "build", "cache"]);
    assert!(run.ends_with(2).stderr.contains("--key"));
}

#[test]
fn every_reason_to_fail_comes_through_with_exit_status_one() {
    let cache = Cache::new();
    let (text, path) = (cache.text(), |name: &str| {
        cache.place.path("cache").join(name)
    });
    // A key that is not trusted, and none at all.
    for trusted in [&["--trusted-key", &"11".repeat(32)][..], &[]] {
        let args = [&["--json", "manifest", "verify", "cache"], trusted].concat();
        let result = cache.place.run(&args).ends_with(1).document();
        assert_eq!(result["fail_reasons"], json!(["untrusted_public_key"]));
        assert!(result["signing_public_key_fingerprint"].is_string());
        assert_eq!(result["per_artifact_checks"], json!([]));
    }
    cache.place.write("cache/engines/a.bin", "x");
    fs::remove_file(path("engines/b.bin")).unwrap();
    let result = cache.fails(&["artifact_missing", "artifact_hash_mismatch"]);
    assert_eq!(
        result["per_artifact_checks"][1]["actual_sha256"],
        Value::Null
    );
    assert_eq!(result["per_artifact_checks"][2]["matched"], true);
    // The signature of another manifest.
    let other = Cache::new();
    let foreign = other.place.read("cache/Manifest.json.sig");
    let own = cache.place.read("cache/Manifest.json.sig");
    cache.place.write("cache/Manifest.json.sig", &foreign);
    cache.fails(&["signature_invalid"]);
    cache.place.write("cache/Manifest.json.sig", own);
    cache.place.write(
        "cache/Manifest.json",
        text.replace("engines/a", "engines/x"),
    );
    cache.fails(&["manifest_self_hash_mismatch"]);
    fs::remove_file(path("Manifest.json.sha256")).unwrap();
    cache.fails(&["manifest_self_hash_mismatch"]);
    cache.resign("{}");
    cache.fails(&["schema_violation"]);
    fs::remove_file(path("Manifest.json.sig")).unwrap();
    cache.fails(&["signature_not_found"]);
    let huge = fs::File::create(path("Manifest.json")).unwrap();
    huge.set_len(200_000_000).unwrap();
    let result = cache.fails(&["manifest_not_found"]);
    let detail = result["fail_details"][0].as_str().unwrap();
    assert!(detail.contains("over the limit"), "{detail}");
    fs::remove_file(path("Manifest.json")).unwrap();
    cache.fails(&["manifest_not_found"]);
}

#[test]
fn paths_that_lead_elsewhere_are_violations_even_under_a_trusted_key() {
    let cache = Cache::new();
    let text = cache.text();
    cache.place.write("secret", "s");
    for path in [
        "../secret",
        "engines/../../secret",
        "/etc/passwd",
        "C:\\\\windows",
        "engines\\\\a.bin",
        "a\\u0000b",
        "a\\nb",
        "",
        ".",
        "engines//a.bin",
    ] {
        cache.resign(&text.replace("index.bin", path));
        let result = cache.fails(&["schema_violation"]);
        let detail = result["fail_details"][0].as_str().unwrap();
        assert!(
            detail.contains("artifacts[2].relative_path"),
            "{path}: {detail}"
        );
        assert_eq!(result["per_artifact_checks"], json!([]));
    }
    let twice = text.replacen("{\n", "{\n  \"artifacts\": [],\n", 1);
    cache.resign(&twice);
    cache.fails(&["schema_violation"]);
    cache.resign(&text.replace("index.bin", "engines/a.bin"));
    cache.fails(&["schema_violation"]);
}

#[test]
fn links_pipes_and_devices_are_no_artifacts_and_do_not_hang() {
    let cache = Cache::new();
    let artifact = cache.place.path("cache/index.bin");
    cache.place.write("secret", "");
    for (target, detail) in [
        ("../secret", "leads out"),
        ("/dev/zero", "leads out"),
        ("nowhere", "is not there"),
        ("index.bin", "loop"),
        ("engines", "folder"),
    ] {
        fs::remove_file(&artifact).unwrap();
        symlink(target, &artifact).unwrap();
        let result = cache.fails(&["artifact_missing"]);
        let found = result["fail_details"][0].as_str().unwrap();
        assert!(found.contains(detail), "{target}: {found}");
    }
    fs::remove_file(&artifact).unwrap();
    mknodat(CWD, &artifact, FileType::Fifo, Mode::RUSR, 0).unwrap();
    cache.fails(&["artifact_missing"]);
}

#[test]
fn tiles_are_covered_and_derived_again() {
    let cache = Cache::new();
    let line = |id: &str| {
        let digest = Sha256Digest::of(id.as_bytes());
        format!("{{\"tile_id\":\"{id}\",\"sha256\":\"{digest}\"}}\n")
    };
    cache.place.write("tiles", line("b") + &line("a"));
    cache.place.write("fewer", line("a"));
    // Nothing is recorded yet.
    let result = cache.verify(&["--tiles", "tiles"]).ends_with(1).document();
    assert_eq!(result["fail_reasons"], json!(["tiles_coverage_mismatch"]));
    let args = [
        "manifest",
        "build",
        "cache",
        "--key",
        "ledger.key.pem",
        "--tiles",
        "tiles",
    ];
    cache.place.run(&args).ok();
    cache.verify(&["--tiles", "tiles"]).ok();
    cache.verify(&[]).ok();
    for bad in ["fewer", "none"] {
        let result = cache.verify(&["--tiles", bad]).ends_with(1).document();
        assert_eq!(result["fail_reasons"], json!(["tiles_coverage_mismatch"]));
    }
}

/// MV-INV-2, seen from outside: what the program really opens.
#[test]
fn under_a_key_that_is_not_trusted_nothing_but_what_vouches_is_opened() {
    if !have("strace", &["-qq", "true"]) {
        crate::skipped::skipped("without `strace` nobody sees what is opened");
        return;
    }
    let cache = Cache::new();
    let vouching = ["Manifest.json", "Manifest.json.sha256", "Manifest.json.sig"];
    let unknown = "11".repeat(32);
    assert_eq!(opened(&cache, &unknown), vouching);
    let all = opened(&cache, &cache.key);
    let mut artifacts = all[3..].to_vec();
    artifacts.sort();
    assert_eq!(all[..3], vouching);
    assert_eq!(artifacts, ["engines/a.bin", "engines/b.bin", "index.bin"]);
    // A signature that does not verify, of a manifest that names a secret.
    let forged = cache.text().replace("index.bin", "forged.bin");
    let digest = Sha256Digest::of(forged.as_bytes()).to_string();
    cache.place.write("cache/Manifest.json", forged);
    cache.place.write("cache/Manifest.json.sha256", digest);
    assert_eq!(opened(&cache, &cache.key), vouching);
}

/// The files below `cache` that are opened, in order, folders left out.
fn opened(cache: &Cache, key: &str) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_sealbook");
    let mut command = cache.place.command_of("strace".as_ref(), &[]);
    let trace = ["-f", "-y", "-e", "trace=open,openat,openat2", "-o", "trace"];
    command.args(trace).arg(program);
    command.args(["manifest", "verify", "cache", "--trusted-key", key]);
    let status = command.output().unwrap().status.code();
    assert!(matches!(status, Some(0 | 1)), "{status:?}");
    let root = cache.place.path("cache").canonicalize().unwrap();
    let root = format!("<{}/", root.display());
    let trace = cache.place.read("trace");
    // The end of a call says what it gave, also where threads were in between.
    let given = trace.lines().filter_map(|line| line.rsplit_once(" = "));
    let paths = given.filter_map(|(_, given)| {
        let (_, path) = given.split_once(&root)?;
        path.strip_suffix('>').map(str::to_owned)
    });
    let files = paths.filter(|path| !cache.place.path("cache").join(path).is_dir());
    files.collect()
}
