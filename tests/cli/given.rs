//! What people give: keys, times, values and files as other programs write them.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::place::{Place, codes};
use crate::routing::{route, scene};
use crate::types::found;

#[test]
fn a_key_is_taken_as_any_of_our_own_commands_prints_it() {
    let place = Place::sealed();
    place.run(&["export", "-o", "e.bundle"]).ok();
    let key = place.key();
    let spaced = format!("  {} {}\n", &key[..32], key[32..].to_uppercase());
    let printed = place.run(&["--json", "key"]).ok().stdout;
    let pem = place.run(&["key", "--pem"]).ok().stdout;
    for (name, text) in [
        ("key.txt", format!("{key}\n")),
        ("crlf.txt", format!("\u{feff}{key}\r\n")),
        ("spaced.txt", spaced.clone()),
        ("key.json", printed),
        ("key.pem", pem),
    ] {
        place.write(name, text);
        place.run(&["verify", "e.bundle", "--key", name]).ok();
    }
    place.run(&["verify", "e.bundle", "--key", &spaced]).ok();
    place
        .run(&["verify", "e.bundle", "--key", &format!("{key}\n")])
        .ok();
    place.write("keys", "* key.txt\n");
    place.run(&["verify", "e.bundle", "--keys", "keys"]).ok();
}

#[test]
fn keys_of_other_programs_are_named_with_what_to_give_instead() {
    let place = Place::sealed();
    place.run(&["export", "-o", "e.bundle"]).ok();
    let key = place.key();
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend(hex::decode(&key).unwrap());
    let ssh = format!("ssh-ed25519 {} someone@host", STANDARD.encode(blob));
    let age = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdpuy8aqs5z35j9";
    let fingerprint = place.run(&["--json", "key"]).ok().document()["fingerprint"].clone();
    for (given, says, hint) in [
        (ssh.as_str(), "it is an OpenSSH key", key.as_str()),
        (
            "ssh-rsa AAAAB3NzaC1yc2E= x",
            "it is an OpenSSH key",
            "only ssh-ed25519",
        ),
        (age, "it is a recipient of age", "`sealbook key` prints"),
        (
            fingerprint.as_str().unwrap(),
            "it is the fingerprint",
            "`sealbook key` prints",
        ),
    ] {
        place.write("given", given);
        for argument in [given, "given"] {
            let run = place
                .run(&["verify", "e.bundle", "--key", argument])
                .ends_with(2);
            assert!(run.stderr.contains(says), "{run:?}");
            assert!(run.stderr.contains("sealbook: hint: "), "{run:?}");
            assert!(run.stderr.contains(hint), "{run:?}");
        }
    }
}

#[test]
fn times_are_taken_as_people_write_them() {
    let place = Place::sealed();
    for since in [
        "today",
        "yesterday",
        "1h",
        "90m ago",
        "2 days",
        "2020-01-01",
        "@0",
    ] {
        let found = place
            .run(&["--json", "log", "--since", since])
            .ok()
            .documents();
        assert_eq!(found.len(), 6, "{since}");
    }
    for until in [
        "yesterday",
        "1h",
        "2020-01-01",
        "2020-01-01T00:00:00.123456789-0500",
    ] {
        place.run(&["log", "--until", until]).ends_with(1);
    }
    for until in ["today", "now", "tomorrow"] {
        let found = place
            .run(&["--json", "log", "--until", until])
            .ok()
            .documents();
        assert_eq!(found.len(), 6, "{until}");
    }
    let detail = "time `noon`: a time such as 2026-03-01T10:00:00Z is needed";
    let run = place.run(&["--json", "log", "--since", "noon"]);
    run.refused("usage", detail, "");
}

#[test]
fn two_spellings_of_a_name_look_different() {
    let place = Place::initialised();
    for tenant in ["caf\u{e9}", "cafe\u{301}"] {
        let payload = json!({"tenant_id": tenant}).to_string();
        place
            .run(&["append", "--kind", "k", "--payload", &payload])
            .ok();
    }
    let shown = place.run(&["log", "--kind", "k"]).ok().stdout;
    assert!(
        shown.contains("caf\u{e9}") && shown.contains("cafe\\u{301}"),
        "{shown}"
    );
    let stats = place.run(&["stats"]).ok().stdout;
    assert!(stats.contains("cafe\\u{301}"), "{stats}");
    assert_eq!(found(&place, &["--tenant", "caf\u{e9}"]), 1);
}

#[test]
fn what_lies_beside_evidence_is_no_evidence_and_fails_nothing() {
    let place = Place::sealed();
    let key = place.key();
    fs::create_dir(place.path("case")).unwrap();
    place.run(&["export", "-o", "case/e.bundle"]).ok();
    for name in ["README", "readme.md", ".DS_Store", "Thumbs.db", "key.txt"] {
        place.write(&format!("case/{name}"), "words\n");
    }
    let run = place.run(&["verify", "case", "--key", &key]).ok();
    assert!(
        run.stdout.ends_with(
            "no evidence, passed over: case/README\n\
         no evidence, passed over: case/Thumbs.db\n\
         no evidence, passed over: case/key.txt\n\
         no evidence, passed over: case/readme.md\n\
         1 verified: 1 passed, 0 failed, 0 could not be answered\n"
        ),
        "{}",
        run.stdout
    );
    // What could be evidence that was damaged is not passed over.
    place.write("case/book.jsonl", "words\n");
    place.run(&["verify", "case", "--key", &key]).ends_with(2);
    // Nor is a folder without any evidence a pass.
    fs::create_dir(place.path("none")).unwrap();
    place.write("none/README", "words\n");
    let run = place.run(&["--json", "verify", "none", "--key", &key]);
    run.refused_with(1, "not_found", "nothing was found", "");
}

#[test]
fn a_manifest_says_what_it_does_not_list_and_leaves_out_what_it_is_told_to() {
    let place = Place::initialised();
    let key = place.key();
    fs::create_dir_all(place.path("cache/logs/old")).unwrap();
    for name in [
        "a.bin",
        ".DS_Store",
        "logs/x.log",
        "logs/old/.DS_Store",
        "b.tmp",
    ] {
        place.write(&format!("cache/{name}"), name);
    }
    let build = ["manifest", "build", "cache", "--key", "ledger.key.pem"];
    let verify = ["manifest", "verify", "cache", "--trusted-key", &key];
    let ignore = [
        "--ignore",
        ".DS_Store",
        "--ignore",
        "logs/old/",
        "--ignore",
        "*.tmp",
    ];
    let run = place.run(&[&build[..], &ignore].concat()).ok();
    assert!(
        run.stdout.starts_with("cache/Manifest.json: 2 artifacts, "),
        "{run:?}"
    );
    let run = place.run(&[&verify[..], &["--no-record"]].concat()).ok();
    assert_eq!(
        run.stderr,
        "sealbook: warning: the manifest does not list 3 files of the folder: \
         .DS_Store, b.tmp, logs/old/.DS_Store\n"
    );
    let run = place
        .run(&[&build[..], &["--ignore", "["]].concat())
        .ends_with(2);
    assert!(run.stderr.contains("pattern `[`"), "{run:?}");
    place.run(&build).ok();
    assert_eq!(
        place
            .run(&[&verify[..], &["--no-record"]].concat())
            .ok()
            .stderr,
        ""
    );
    // A key that is not trusted: the folder is nobody's business.
    place.write("cache/new", "");
    let other = "11".repeat(32);
    let args = [
        "manifest",
        "verify",
        "cache",
        "--no-record",
        "--trusted-key",
        &other,
    ];
    assert_eq!(place.run(&args).ends_with(1).stderr, "");
}

#[test]
fn what_a_tool_on_the_way_did_is_named_and_fails_all_the_same() {
    let place = Place::initialised();
    let payload = r#"{"price":1.0,"rate":2.5,"big":12345678901234567000,"n":3}"#;
    place
        .run(&["append", "--kind", "k", "--payload", payload])
        .ok();
    place.run(&["seal"]).ok();
    let key = place.key();
    place.run(&["export", "-o", "good"]).ok();
    place.run(&["prove", "1", "-o", "proof"]).ok();
    place
        .run(&["export", "--format", "logbook", "-o", "book"])
        .ok();
    let good = place.read("good");
    let (proof, book) = (place.read("proof"), place.read("book"));
    let crlf = |text: &str| text.replace('\n', "\r\n").into_bytes();
    let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
    let utf16 = |text: &str| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let spaced = |text: &str| text.replace("\":", "\": ").into_bytes();
    let zstd = zstd::encode_all(good.as_bytes(), 3).unwrap();
    for (what, bytes, code) in [
        ("bundle", crlf(&good), "line_ends"),
        ("bundle", marked(&good), "byte_order_mark"),
        ("bundle", utf16(&good), "encoding"),
        ("bundle", format!("{good}\n").into_bytes(), "extra_line_end"),
        ("bundle", good.trim_end().into(), "missing_final_newline"),
        ("bundle", spaced(&good), "respelled"),
        (
            "bundle",
            good.replace(":1.0", ":1").into_bytes(),
            "numbers_rewritten",
        ),
        ("bundle", zstd[..zstd.len() / 2].to_vec(), "cut_short"),
        ("proof", crlf(&proof), "line_ends"),
        ("proof", marked(&proof), "byte_order_mark"),
        ("proof", utf16(&proof), "encoding"),
        ("proof", format!("{proof}\n").into_bytes(), "extra_line_end"),
        ("proof", proof.trim_end().into(), "missing_final_newline"),
        ("proof", spaced(&proof), "respelled"),
        ("logbook", utf16(&book), "encoding"),
        (
            "logbook",
            book.replace(":1.0", ":1").into_bytes(),
            "numbers_rewritten",
        ),
        (
            "logbook",
            book.replace("12345678901234567000", "12345678901234567001")
                .into_bytes(),
            "",
        ),
    ] {
        place.write("file", bytes);
        let args = ["--json", "verify", "file", "--as", what, "--key", &key];
        let report = place.run(&args).ends_with(1).document();
        assert_eq!(report["verdict"], "fail");
        assert!(!codes(&report).is_empty());
        let warnings = report["warnings"].as_array().unwrap();
        let said: Vec<_> = warnings
            .iter()
            .map(|one| one["code"].as_str().unwrap())
            .collect();
        match code {
            "" => assert!(said.is_empty(), "{what}: {said:?}"),
            code => assert!(said.contains(&code), "{what} {code}: {report:#}"),
        }
    }
    // Told without being told what it is.
    for (bytes, hint) in [
        (utf16(&good), "UTF-16"),
        (marked(&good), "byte-order mark"),
        (crlf(&good), "CR LF"),
    ] {
        place.write("file", bytes);
        let run = place.run(&["verify", "file", "--key", &key]).ends_with(1);
        assert!(run.stdout.contains(hint), "{run:?}");
    }
    place.write("file", &zstd[..16]);
    let run = place.run(&["verify", "file", "--key", &key]).ends_with(2);
    assert!(run.stderr.contains("ends before its end"), "{run:?}");
    // An edit is an edit.
    place.write("file", good.replace("\"n\":3", "\"n\":4"));
    let args = ["--json", "verify", "file", "--key", &key];
    let report = place.run(&args).ends_with(1).document();
    let edited = report["warnings"].to_string();
    assert!(!edited.contains("signature holds"), "{edited}");
}

#[test]
fn faults_come_with_their_count_and_the_first_of_them() {
    let place = Place::initialised();
    place.append(1..101);
    place.run(&["seal"]).ok();
    place
        .run(&["export", "--format", "logbook", "-o", "book"])
        .ok();
    place.write("book", place.read("book").replace("\"n\":", "\"m\":"));
    let key = place.key();
    let run = place.run(&["verify", "book", "--key", &key]).ends_with(1);
    let named = run.stdout.lines().filter(|line| line.starts_with("fault "));
    assert_eq!(named.count(), 20);
    let counted = "faults   100 in all: 100 signature_invalid; the first 20 are named, \
                   `verify --all` names them\n";
    assert!(run.stdout.contains(counted), "{}", run.stdout);
    let run = place
        .run(&["verify", "book", "--key", &key, "--all"])
        .ends_with(1);
    let named = run.stdout.lines().filter(|line| line.starts_with("fault "));
    assert_eq!(named.count(), 100);
    assert!(!run.stdout.contains("faults "), "{}", run.stdout);
}

#[test]
fn a_policy_may_come_with_much_data_and_not_with_any_amount() {
    let place = scene();
    let policy = place.read("gate.rego");
    fs::remove_file(place.path("gate.rego")).unwrap();
    fs::create_dir(place.path("gate.rego")).unwrap();
    place.write("gate.rego/gate.rego", policy);
    let names: Vec<_> = (0..70_000).map(|n| format!("customer-{n:010}")).collect();
    let data = json!({"customers": names}).to_string();
    assert!(data.len() > 1_400_000);
    place.write("gate.rego/data.json", data);
    let decided = route(&place, "acme", &[]).ok().document();
    assert_eq!(decided["decision"]["denied"], false, "{decided}");
    route(&place, "umbrella", &[]).ends_with(1);
    place.run(&["replay", "--correlation", "c-1"]).ok();
    let file = fs::File::create(place.path("gate.rego/data.json")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let run = route(&place, "acme", &[]).ends_with(2);
    assert!(run.stderr.contains("larger than 64 MiB"), "{run:?}");
}

#[test]
fn what_is_wrong_with_a_policy_is_said_in_one_line_with_its_place() {
    let place = scene();
    for (policy, words) in [
        ("package wcp\n\ngate := {\n", "gate.rego:"),
        (
            "package wcp\n\ngate := input.x.\n",
            "gate.rego:4:1: expecting identifier",
        ),
        ("package wcp\n\ngate := nothing(1)\n", "nothing"),
    ] {
        place.write("gate.rego", policy);
        let run = route(&place, "acme", &[]).ends_with(2);
        assert!(run.stderr.contains(words), "{run:?}");
        for bad in ["\\u{", "-->", " | "] {
            assert!(!run.stderr.contains(bad), "{run:?}");
        }
    }
}
