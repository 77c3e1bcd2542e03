//! What others' tools read of ours. `tools/prepare` installs them; where one is
//! missing the test says so.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use sha2::{Digest, Sha256};

use crate::place::{Place, have};

fn output(place: &Place, program: &str, args: &[&str]) -> Option<String> {
    let probe: &[&str] = if program == "openssl" {
        &["version"]
    } else {
        &["--version"]
    };
    if !have(program, probe) {
        crate::skipped::skipped(&format!("{program} is not installed"));
        return None;
    }
    let mut command = place.command_of(Path::new(program), args);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn zstd_reads_a_compressed_bundle_and_we_read_its_own() {
    let place = Place::with_tail();
    let key = place.key();
    place.run(&["export", "-o", "e.bundle"]).ok();
    place.run(&["export", "-o", "e.bundle.zst"]).ok();
    place.run(&["export", "-o", "flagged", "--zstd"]).ok();
    let plain = fs::read(place.path("e.bundle")).unwrap();
    for name in ["e.bundle.zst", "flagged"] {
        let packed = fs::read(place.path(name)).unwrap();
        assert_eq!(zstd::decode_all(&packed[..]).unwrap(), plain);
        place.run(&["verify", name, "--key", &key]).ok();
    }
    if output(&place, "zstd", &["-q", "-t", "e.bundle.zst"]).is_none() {
        return;
    }
    let unpacked = output(&place, "zstd", &["-q", "-d", "-c", "e.bundle.zst"]);
    assert_eq!(unpacked.unwrap().into_bytes(), plain);
    output(
        &place,
        "zstd",
        &["-q", "-19", "e.bundle", "-o", "t.bundle.zst"],
    );
    place.run(&["verify", "t.bundle.zst", "--key", &key]).ok();
}

#[test]
fn a_compressed_file_that_was_cut_or_changed_is_refused() {
    let place = Place::with_tail();
    let key = place.key();
    for (name, args) in [
        ("e.bundle.zst", &["--format", "bundle"][..]),
        ("e.zst", &["--format", "logbook"]),
    ] {
        place.run(&[&["export", "-o", name], args].concat()).ok();
        let packed = fs::read(place.path(name)).unwrap();
        let format = args[1];
        for cut in [9, packed.len() / 2, packed.len() - 1] {
            place.write(name, &packed[..cut]);
            let args = ["--json", "verify", name, "--key", &key, "--as", format];
            let report = place.run(&args).ends_with(1).document();
            let first = &report["faults"][0]["code"];
            assert_eq!(first, "truncated", "{name} {cut}: {report:#}");
        }
        let mut changed = packed.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        place.write(name, &changed);
        let args = ["--json", "verify", name, "--key", &key, "--as", format];
        let report = place.run(&args).ends_with(1).document();
        let found = report["faults"].to_string();
        assert!(found.contains("bundle_corrupt"), "{found}");
    }
}

#[test]
fn jq_reads_every_line() {
    let place = Place::with_tail();
    place.run(&["export", "-o", "e.bundle"]).ok();
    place
        .run(&["export", "-o", "e.jsonl", "--format", "logbook"])
        .ok();
    place.run(&["head", "-o", "head.json"]).ok();
    place.run(&["prove", "2", "-o", "p"]).ok();
    let filter = "select(.entry) | .entry.payload.n // empty";
    let Some(numbers) = output(&place, "jq", &["-c", filter, "e.bundle"]) else {
        return;
    };
    assert_eq!(numbers, "1\n2\n3\n4\n5\n6\n7\n8\n");
    // Integers and text in canonical spelling come through as they are.
    let again = output(&place, "jq", &["-c", "-S", ".", "e.bundle"]);
    assert_eq!(again.unwrap(), place.read("e.bundle"));
    for (file, filter, expected) in [
        ("e.jsonl", ".kind", "\"sealbook:open\"\n"),
        ("head.json", ".head.seq", "8\n"),
        ("p", ".path | length", "3\n"),
    ] {
        let read = output(&place, "jq", &["-c", filter, file]).unwrap();
        assert!(read.starts_with(expected), "{file}: {read}");
    }
}

#[test]
fn sha256sum_and_openssl_agree_on_the_keys_fingerprint() {
    let place = Place::sealed();
    let shown = place.run(&["--json", "key"]).ok().document();
    let raw = hex::decode(shown["log"].as_str().unwrap()).unwrap();
    let fingerprint = shown["fingerprint"].as_str().unwrap();
    let expected = format!("sha256:{}", hex::encode(Sha256::digest(&raw)));
    assert_eq!(fingerprint, expected);
    place.write("raw", &raw);
    if let Some(sum) = output(&place, "sha256sum", &["raw"]) {
        assert_eq!(format!("sha256:{}", &sum[..64]), fingerprint);
    }
    place.write("key.pem", shown["pem"].as_str().unwrap());
    let args = ["pkey", "-pubin", "-in", "key.pem", "-text", "-noout"];
    if let Some(text) = output(&place, "openssl", &args) {
        assert!(text.starts_with("ED25519 Public-Key"), "{text}");
    }
}

/// A head's signature, checked by OpenSSL alone as the format document says.
#[test]
fn openssl_verifies_the_signature_of_a_head() {
    let place = Place::sealed();
    let head = place.run(&["head"]).ok().stdout;
    let value: serde_json::Value = serde_json::from_str(&head).unwrap();
    // Our own output is canonical: the object is a stretch of it.
    let from = head.find("{\"genesis\"").unwrap();
    let to = head.find(",\"key\"").unwrap();
    let signed = format!("sealbook:head:v1\u{1f}{}", &head[from..to]);
    place.write("signed", signed);
    let signature = value["signature"].as_str().unwrap();
    place.write("signature", hex::decode(signature).unwrap());
    place.write("key.pem", place.run(&["key", "--pem"]).ok().stdout);
    let verify = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pem",
        "-rawin",
        "-in",
        "signed",
        "-sigfile",
        "signature",
    ];
    if let Some(said) = output(&place, "openssl", &verify) {
        assert!(said.contains("Verified Successfully"), "{said}");
    }
}
