//! Files that have a terabyte and hold nothing: they cost who makes them nothing, and must
//! cost who is given one little time, little memory and no room on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{Place, Run};

const TERABYTE: u64 = 1 << 40;

/// A machine that has much else to do reads the gigabyte that may be read.
const SECONDS: u64 = 60;

const MIB: u64 = 1 << 20;

/// A file of `begins`, a hole, and `ends`.
fn hole(path: &Path, begins: &[u8], ends: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(begins).unwrap();
    file.set_len(TERABYTE - ends.len() as u64).unwrap();
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(ends).unwrap();
}

fn stretch(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(TERABYTE).unwrap();
}

/// How much room the files of a folder take.
fn room(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // What a command removes meanwhile takes none.
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let taken = files.map(|file| match file.metadata() {
        Ok(state) if state.is_dir() => room(&file.path()),
        state => state.map_or(0, |state| state.blocks() * 512),
    });
    taken.sum()
}

/// Runs it, with bounds, and gives the code that it says.
fn code(place: &Place, args: &[&str]) -> String {
    let name = args.join(" ");
    let before = room(place.dir());
    let mut command = place.command(&[&["--json"], args].concat());
    command.env("WCP_ATTEST_HMAC_KEY", "k".repeat(32));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let process = format!("/proc/{}/statm", child.id());
    while child.try_wait().unwrap().is_none() {
        let resident = fs::read_to_string(&process).unwrap_or_default();
        let pages = resident
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse().ok());
        let memory: u64 = pages.unwrap_or(0_u64) * 4096;
        let room = room(place.dir()).saturating_sub(before);
        let within = begun.elapsed() < Duration::from_secs(SECONDS);
        if memory > 1_024 * MIB || room > 512 * MIB || !within {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "{name}: {memory} bytes of memory, {room} of the disk, {:?}",
                begun.elapsed()
            );
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let run = Run::of(args, child.wait_with_output().unwrap());
    let last = run.stdout.lines().last().unwrap_or("null");
    let last: Value = serde_json::from_str(last).unwrap();
    let report = last.get("report").unwrap_or(&last);
    let said = [
        last.pointer("/error/code"),
        // A finding of `doctor`; a line of `decide`, which answers each.
        last.pointer("/findings/0/code"),
        last.pointer("/error/message"),
        report.pointer("/faults/0/code"),
        last.get("deny_code").filter(|code| !code.is_null()),
        last.pointer("/fail_reasons/0"),
    ];
    let said = said.into_iter().flatten().find_map(Value::as_str);
    assert!(
        run.status != 0 || args.starts_with(&["decide"]),
        "{name}: {run:?}"
    );
    said.unwrap_or_else(|| panic!("{name}: {run:?}")).to_owned()
}

fn check(place: &Place, expected: &[(&[&str], &str)]) {
    let mut wrong = Vec::new();
    for (args, code_of_it) in expected {
        let said = code(place, args);
        if said != *code_of_it {
            wrong.push(format!("{args:?}: {said}, not {code_of_it}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// A sealed ledger, its key in `key.txt`, and a hole in `h`.
fn scene() -> Place {
    let place = Place::sealed();
    place.write("key.txt", place.key());
    place.run(&["export", "-o", "e.bundle"]).ok();
    place
        .run(&["export", "--format", "logbook", "-o", "e.jsonl"])
        .ok();
    place.write("rules.json", "{\"rules\":[]}");
    for folder in ["enrolled", "package", "files", "log/tile"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    hole(&place.path("h"), b"", b"");
    place
}

const KEY: [&str; 2] = ["--key", "key.txt"];

#[test]
fn what_is_verified_or_imported_is_looked_at_before_it_is_read_or_copied() {
    let place = scene();
    place.run(&["export", "-o", "z.bundle.zst"]).ok();
    place
        .run(&["export", "--format", "parquet", "-o", "e.parquet"])
        .ok();
    place
        .run(&[
            "append",
            "--kind",
            "k",
            "--payload",
            "{\"correlation_id\":\"c\"}",
        ])
        .ok();
    place.run(&["seal"]).ok();
    place
        .run(&["report", "--correlation", "c", "-o", "e.html"])
        .ok();
    place.run(&["prove", "3", "-o", "e.proof"]).ok();
    let bytes = |name: &str| fs::read(place.path(name)).unwrap();
    let table = bytes("e.parquet");
    let first_line = place
        .read("e.bundle")
        .split_inclusive('\n')
        .next()
        .unwrap()
        .to_owned();
    let shapes: [(&str, Vec<u8>, &[u8]); 13] = [
        ("nothing", Vec::new(), b""),
        ("a line", first_line.into_bytes(), b""),
        ("a bundle", bytes("e.bundle"), b""),
        ("a logbook", bytes("e.jsonl"), b""),
        ("a proof", bytes("e.proof"), b""),
        ("a report", bytes("e.html"), b""),
        ("a frame", bytes("z.bundle.zst"), b""),
        // A header of zstd; all zeros after it are blocks with nothing in them.
        (
            "an endless frame",
            vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58],
            b"",
        ),
        ("a member", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], b""),
        ("a table", table.clone(), b""),
        ("the ends of a table", table[..100].to_vec(), &table[100..]),
        ("a long footer", b"PAR1".to_vec(), b"\xff\xff\xff\x7fPAR1"),
        ("UTF-16", vec![0xff, 0xfe], b""),
    ];
    let formats = ["logbook", "bundle", "proof", "report", "parquet"];
    for (what, begins, ends) in shapes {
        hole(&place.path("h"), &begins, ends);
        let mut asked = vec![vec!["verify", "h"], vec!["import", "h"]];
        asked.extend(formats.map(|format| vec!["verify", "h", "--as", format]));
        for args in asked {
            let said = code(&place, &[&args[..], &KEY].concat());
            eprintln!("{what}: {args:?}: {said}");
            assert!(
                !["internal", "panicked"].contains(&said.as_str()),
                "{what}: {args:?}"
            );
        }
    }
    assert_eq!(place.count(), 7);
}

#[test]
fn every_file_that_a_command_is_given_is_read_as_far_as_its_kind_goes() {
    let place = scene();
    hole(&place.path("enrolled/x.json"), b"", b"");
    hole(&place.path("package/manifest.json"), b"", b"");
    hole(&place.path("log/checkpoint"), b"", b"");
    hole(&place.path("files/x.rego"), b"", b"");
    let route = [
        "--capability",
        "c",
        "--env",
        "dev",
        "--tenant-id",
        "t",
        "--correlation-id",
        "c",
    ];
    let routed = |more: &[&'static str]| [&["route"], &route[..], more].concat();
    let id = ["--worker-id", "org.a.b", "--worker-species-id", "wrk.a.b"];
    let with_id = |args: &[&'static str]| [args, &id[..]].concat();
    let verify = |more: &[&'static str]| [&["verify", "e.bundle"], more].concat();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (verify(&["--key", "./h"]), "key_invalid"),
        (verify(&["--keys", "h"]), "too_large"),
        (vec!["verify", "--policy", "h"], "too_large"),
        (verify(&["--key", "key.txt", "--contains", "h"]), "io"),
        (
            verify(&["--key", "key.txt", "--receipts", "h"]),
            "bad_input",
        ),
        (verify(&["--key", "key.txt", "--revoked", "h"]), "too_large"),
        (verify(&["--key", "key.txt", "--audited", "h"]), "too_large"),
        (
            vec!["verify", "e.jsonl", "--key", "key.txt", "--state", "h"],
            "too_large",
        ),
        (
            vec!["verify", "log", "--key", "key.txt"],
            "checkpoint_invalid",
        ),
        (vec!["diff", "e.jsonl", "h"], "not_recognised"),
        (vec!["diff", "h", "ledger"], "not_recognised"),
        (vec!["replay", "h"], "not_recognised"),
        (vec!["replay", "--with-rules", "h"], "bad_json"),
        (vec!["replay", "--with-policy", "files"], "bad_policy"),
        (
            vec!["report", "--extract", "h", "-o", "x"],
            "not_recognised",
        ),
        (vec!["fold", "h"], "bad_json"),
        (vec!["append", "--jsonl", "h"], "bad_json"),
        (vec!["append", "--jsonl", "h", "--keep-going"], "bad_json"),
        (
            vec![
                "append",
                "--kind",
                "k",
                "--payload",
                "{}",
                "--redact-rules",
                "h",
            ],
            "too_large",
        ),
        (
            vec!["append", "--kind", "k", "--payload", "{}", "--mask", "h"],
            "too_large",
        ),
        (vec!["export", "-o", "h"], "exists"),
        (vec!["head", "--publish", "h"], "not_recognised"),
        (
            vec!["publish", "--to", "log", "--name", "x.org/l"],
            "not_recognised",
        ),
        (vec!["init", "--ledger", "n", "--key", "h"], "exists"),
        (vec!["rules", "lint", "h"], "bad_json"),
        (
            vec!["validate", "--rules", "rules.json", "--tests", "h"],
            "too_large",
        ),
        (routed(&["--rules", "h"]), "bad_json"),
        (
            routed(&["--rules", "rules.json", "--policy", "h"]),
            "bad_policy",
        ),
        (
            routed(&["--rules", "rules.json", "--config", "h"]),
            "too_large",
        ),
        (
            routed(&["--rules", "rules.json", "--banned", "h"]),
            "too_large",
        ),
        (
            vec!["route", "--rules", "rules.json", "--input", "h"],
            "too_large",
        ),
        (
            vec![
                "decide",
                "h",
                "--record",
                "--rules",
                "rules.json",
                "--registry-dir",
                "enrolled",
            ],
            "a line of 268435456 bytes; the limit is 20971520",
        ),
        (vec!["search", "x", "--catalog", "h"], "too_large"),
        (vec!["enroll", "h"], "too_large"),
        (
            with_id(&["package", "verify", "package"]),
            "ATTEST_MANIFEST_MISSING",
        ),
        (with_id(&["package", "sign", "files"]), "too_large"),
        (vec!["package", "hash", "files"], "too_large"),
        (vec!["package", "scaffold", "n", "--logic", "h"], "io"),
        (
            vec!["manifest", "build", "files", "--key", "ledger.key.pem"],
            "too_large",
        ),
        (
            vec!["manifest", "build", "enrolled", "--key", "h"],
            "key_invalid",
        ),
        (
            vec![
                "manifest",
                "build",
                "log",
                "--key",
                "ledger.key.pem",
                "--tiles",
                "h",
            ],
            "bad_tiles",
        ),
        (
            vec!["manifest", "verify", "h", "--trusted-key", "key.txt"],
            "manifest_not_found",
        ),
        (
            vec!["card", "sign", "h", "--key", "ledger.key.pem"],
            "too_large",
        ),
        (vec!["card", "verify", "h"], "too_large"),
        (vec!["resident", "verify", "h"], "too_large"),
        (
            vec!["monitor", "--policy", "h", "--state", "s", "log"],
            "too_large",
        ),
        (vec!["timestamp", "--check", "--root", "h"], "too_large"),
        (vec!["token", "list", "--token-file", "h"], "bad_input"),
        (vec!["serve", "--port", "0", "--config-file", "h"], "usage"),
        (
            vec!["serve", "--port", "0", "--token-file", "h"],
            "bad_input",
        ),
        (vec!["serve", "--port", "0", "--sink", "h"], "io"),
        (
            vec!["serve", "--port", "0", "--publish", "h"],
            "not_recognised",
        ),
    ];
    let cases: Vec<(&[&str], &str)> = cases
        .iter()
        .map(|(args, code)| (&args[..], *code))
        .collect();
    check(&place, &cases);
}

#[test]
fn a_file_of_a_ledger_that_was_stretched_is_damage_and_is_not_read() {
    let place = scene();
    place.copy("ledger", "whole");
    let names: Vec<_> = fs::read_dir(place.path("whole/db"))
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    let mut tried = 0;
    for name in names {
        let name = name.to_str().unwrap();
        if name.starts_with("LOG") || name == "LOCK" {
            continue;
        }
        tried += 1;
        stretch(&place.path(&format!("ledger/db/{name}")));
        let before = fs::metadata(place.path(&format!("ledger/db/{name}"))).unwrap();
        for args in [
            &["verify"][..],
            &["doctor"],
            &["append", "--kind", "k", "--payload", "{}"],
            &["backup", "b"],
        ] {
            assert_eq!(code(&place, args), "store_corrupt", "{name}: {args:?}");
            assert!(!place.path("b").exists(), "{name}: {args:?}");
        }
        assert_eq!(before.len(), TERABYTE);
        fs::remove_dir_all(place.path("ledger")).unwrap();
        place.copy("whole", "ledger");
    }
    assert!(tried > 8, "{tried}");
    place.run(&["verify"]).ok();
}

#[test]
fn many_files_of_holes_are_as_many_bytes_as_one() {
    let place = scene();
    for n in 0..40 {
        let file = File::create(place.path(&format!("files/{n}"))).unwrap();
        file.set_len(8 << 30).unwrap();
    }
    let build = ["manifest", "build", "files", "--key", "ledger.key.pem"];
    assert_eq!(code(&place, &build), "too_large");
    // One hole, and many names of it.
    let place = scene();
    let file = File::create(place.path("files/x")).unwrap();
    file.set_len(8 << 30).unwrap();
    for n in 0..40 {
        std::os::unix::fs::symlink("x", place.path(&format!("files/{n}"))).unwrap();
    }
    assert_eq!(code(&place, &build), "too_large");
}

#[test]
fn a_file_that_is_sparse_and_small_is_one_as_any_other() {
    let place = scene();
    let file = File::create(place.path("files/disk.img")).unwrap();
    file.set_len(40 * MIB).unwrap();
    place
        .run(&["manifest", "build", "files", "--key", "ledger.key.pem"])
        .ok();
    let key = place.read("key.txt");
    let verified = place.run(&["manifest", "verify", "files", "--trusted-key", &key]);
    verified.ok();
}
