//! Books of third parties: many at once, compressed, gone on with, explained.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::place::{Place, codes, fault};

/// A ledger with nine entries, its logbook in `book.jsonl`, and its key.
pub(crate) fn book() -> (Place, String) {
    let place = Place::with_tail();
    export(&place, "book.jsonl");
    let key = place.key();
    (place, key)
}

pub(crate) fn export(place: &Place, name: &str) {
    let args = ["export", "--format", "logbook", "-o", name];
    place.run(&args).ok();
}

pub(crate) fn verify(place: &Place, args: &[&str], status: i32) -> Value {
    let args = [&["--json", "verify"], args].concat();
    place.run(&args).ends_with(status).document()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn warning_codes(report: &Value) -> Vec<&str> {
    let warnings = report["warnings"].as_array().unwrap();
    warnings
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect()
}

#[test]
fn gzip_of_several_members_is_what_is_inside_and_what_follows_is_a_fault() {
    let (place, key) = book();
    let text = place.read("book.jsonl");
    let (first, second) = text.split_at(text.len() / 2);
    let packed = [gzip(first), gzip(second)].concat();
    place.write("book.jsonl.gz", &packed);
    let report = verify(&place, &["book.jsonl.gz", "--key", &key], 0);
    assert_eq!(
        (&report["entries"], &report["format"]),
        (&json!(9), &json!("logbook"))
    );
    place.write("more.gz", [&packed[..], b"what follows the end"].concat());
    let report = verify(&place, &["more.gz", "--key", &key], 1);
    assert_eq!(fault(&report).0, "bundle_corrupt");
    assert_eq!(report["entries"], 9);
    place.write("cut.gz", &packed[..packed.len() - 10]);
    let report = verify(&place, &["cut.gz", "--key", &key], 1);
    assert_eq!(codes(&report)[0], "truncated");
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    place.write("cut.zst", &zstd[..zstd.len() - 4]);
    let report = verify(&place, &["cut.zst", "--as", "logbook", "--key", &key], 1);
    assert!(codes(&report).contains(&"truncated"), "{report:#}");
}

#[test]
fn many_files_have_one_summary_and_the_worst_status() {
    let (place, key) = book();
    let other = Place::sealed();
    export(&other, "other.jsonl");
    std::fs::create_dir(place.path("folder")).unwrap();
    place.write("folder/a.jsonl", place.read("book.jsonl"));
    place.write("folder/b.jsonl", other.read("other.jsonl"));
    let name_b = json!({"name": "b.jsonl", "key": other.key()});
    place.write(
        "keys",
        format!("# whose is whose\n\na.jsonl {key}\n{name_b}\n"),
    );
    let report = verify(&place, &["folder", "--keys", "keys"], 0);
    let members = [
        "verdict",
        "files",
        "passed",
        "failed",
        "unanswered",
        "elapsed_ms",
    ];
    let mut found: Vec<_> = report.as_object().unwrap().keys().collect();
    found.sort();
    let mut expected = members.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&json!(2), &json!(0))
    );
    let first = &report["files"][0];
    assert_eq!(first["path"], "folder/a.jsonl");
    assert_eq!(
        (&first["report"]["log"], &first["error"]),
        (&json!(key), &Value::Null)
    );
    // A broken one.
    let broken = place.read("book.jsonl").replace("\"n\":3", "\"n\":4");
    place.write("folder/b.jsonl", broken);
    place.write("keys", format!("* {key}\n"));
    let report = verify(&place, &["folder", "--keys", "keys"], 1);
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["files"][1]["report"]["faults"][0]["class"], "edit");
    // And one that is nothing.
    place.write("folder/c", "nothing\n");
    let report = verify(&place, &["folder", "--keys", "keys"], 2);
    assert_eq!(report["verdict"], "unanswered");
    assert_eq!(report["files"][2]["error"]["code"], "not_recognised");
    assert_eq!(report["files"][2]["report"], Value::Null);
    let run = place
        .run(&["verify", "folder", "--keys", "keys"])
        .ends_with(2);
    let summary = "3 verified: 1 passed, 1 failed, 1 could not be answered\n";
    assert!(run.stdout.ends_with(summary), "{}", run.stdout);
}

#[test]
fn a_keys_file_that_cannot_be_read_names_the_line() {
    let (place, key) = book();
    place.write("keys", format!("a {key}\nb nonsense\n"));
    let hint = "a line is `NAME KEY` or {\"name\": NAME, \"key\": KEY}; KEY is 64 hex digits or a \
                PEM file, NAME a path, a file name or *";
    crate::place::refused_both_ways(
        &place,
        &["verify", "book.jsonl", "--keys", "keys"],
        "bad_input",
        "keys, line 2: that is not a key",
        hint,
    );
}

#[test]
fn a_key_in_the_place_of_a_keys_file_is_told_where_it_belongs() {
    let (place, key) = book();
    let run = place
        .run(&["verify", "book.jsonl", "--keys", &key])
        .ends_with(2);
    assert!(run.stderr.contains("given with --key"), "{}", run.stderr);
}

#[test]
fn single_entries_are_explained_as_such() {
    let place = Place::sealed();
    let key = place.key();
    let all = ["export", "--seal", "--kind", "note", "-o", "some.bundle"];
    place.run(&all).ends_with(0);
    let explain = ["verify", "some.bundle", "--key", &key, "--explain"];
    let run = place.run(&explain).ends_with(0);
    assert!(
        run.stdout.contains("each proven by itself"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("Nothing was found that was done to single entries"),
        "{}",
        run.stdout
    );
}

#[test]
fn state_goes_on_where_the_file_grew() {
    let (place, key) = book();
    let args = ["book.jsonl", "--key", &key, "--state", "state"];
    let first = verify(&place, &args, 0);
    assert_eq!(warning_codes(&first), [""; 0]);
    assert_eq!(first["not_checked"], json!(["truncation"]));
    place.append(9..12);
    export(&place, "book.jsonl");
    let second = verify(&place, &args, 0);
    assert_eq!(second["entries"], 12);
    assert_eq!(warning_codes(&second), ["resumed"]);
    assert_eq!(
        second["not_checked"],
        json!(["truncation", "state_unsigned"])
    );
    let skipping = [&args[..], &["--skip-prefix"]].concat();
    let third = verify(&place, &skipping, 0);
    assert_eq!(
        third["not_checked"],
        json!(["truncation", "prefix", "state_unsigned"])
    );
    assert_eq!(
        (&third["entries"], &third["head"]),
        (&second["entries"], &second["head"])
    );
}

#[test]
fn a_compressed_file_is_gone_on_with_too() {
    let (place, key) = book();
    let text = place.read("book.jsonl");
    let end: usize = text.split_inclusive('\n').take(4).map(str::len).sum();
    place.write("book.gz", gzip(&text[..end]));
    let args = ["book.gz", "--key", &key, "--state", "state"];
    verify(&place, &args, 0);
    place.write("book.gz", [gzip(&text[..end]), gzip(&text[end..])].concat());
    for more in [&[][..], &["--skip-prefix"]] {
        let report = verify(&place, &[&args[..], more].concat(), 0);
        assert_eq!(report["entries"], 9);
        assert!(warning_codes(&report).contains(&"resumed"));
    }
}

#[test]
fn a_state_of_something_else_is_refused() {
    let (place, key) = book();
    let hint = "verify without --state, or name another state file to begin a new one";
    place
        .run(&["verify", "book.jsonl", "--key", &key, "--state", "state"])
        .ok();
    let text = place.read("book.jsonl");
    place.write("changed.jsonl", text.replace("\"n\":3", "\"n\":4"));
    let refused = |args: &[&str], code: &str, detail: &str| {
        let run = place.run(args);
        run.refused(code, detail, hint);
    };
    refused(
        &["verify", "changed.jsonl", "--key", &key, "--state", "state"],
        "state_mismatch",
        "changed.jsonl does not begin with the bytes that the state file state was made of: it \
         is another file, or was changed",
    );
    let other = "11".repeat(32);
    refused(
        &["verify", "book.jsonl", "--key", &other, "--state", "state"],
        "state_mismatch",
        &format!(
            "the state file state is of a verification under the key {key}, which was not given"
        ),
    );
    // Nobody signed it, but a signature is asked for.
    refused(
        &[
            "verify",
            "book.jsonl",
            "--key",
            &key,
            "--state",
            "state",
            "--state-key",
            "ledger.key.pem",
        ],
        "state_mismatch",
        "the state file state is not signed by the state key",
    );
    std::fs::remove_file(place.path("state")).unwrap();
    let signed = [
        "verify",
        "book.jsonl",
        "--key",
        &key,
        "--state",
        "state",
        "--state-key",
        "ledger.key.pem",
    ];
    place.run(&signed).ok();
    let report = verify(&place, &signed[1..], 0);
    assert_eq!(report["not_checked"], json!(["truncation"]));
    let forged = place.read("state").replace("\"n\":9", "\"n\":8");
    place.write("state", forged);
    refused(
        &signed,
        "state_invalid",
        "the state file state: its signature is wrong",
    );
}

#[test]
fn a_state_or_a_revocation_that_is_too_large_or_no_json_is_named() {
    let (place, key) = book();
    place.write("large", vec![b' '; (1 << 20) + 1]);
    place.write("broken", "{\"state\":");
    for flag in ["--state", "--revoked"] {
        let refused = |file, code, detail| {
            let run = place.run(&["verify", "book.jsonl", "--key", &key, flag, file]);
            run.refused(code, detail, "");
        };
        refused("large", "too_large", "large: larger than 1048576 bytes");
        refused(
            "broken",
            "bad_json",
            "broken: text ends where a value was expected at line 1 column 10 (byte 9)",
        );
    }
}

#[test]
fn an_explanation_says_where_trust_ends_in_words_and_in_json() {
    let (place, key) = book();
    let text = place.read("book.jsonl");
    let without: String = text
        .split_inclusive('\n')
        .enumerate()
        .filter(|(n, _)| *n != 4)
        .map(|(_, l)| l)
        .collect();
    place.write("cut.jsonl", without);
    let plain = verify(&place, &["cut.jsonl", "--key", &key], 1);
    assert_eq!(plain["explanation"], Value::Null);
    assert_eq!(plain["faults"][0]["class"], "deletion");
    let report = verify(&place, &["cut.jsonl", "--key", &key, "--explain"], 1);
    let explanation = &report["explanation"];
    assert_eq!(explanation["trusted"]["entries"], 4);
    let incident = &explanation["incidents"][0];
    assert_eq!(incident["class"], "deletion");
    assert_eq!(
        (&incident["index"], &incident["line"]),
        (&json!(4), &json!(5))
    );
    assert_eq!(incident["or"], json!(["insertion"]));
    assert_eq!(incident["whole_again"]["tie"]["by"], "missing_entry");
    let run = place
        .run(&["verify", "cut.jsonl", "--key", &key, "--explain"])
        .ends_with(1);
    for words in [
        "WHERE TRUST ENDS",
        "The first 4 entries, 0 to 3, can be trusted",
        "1. Entry 4 (line 5): entries are missing before it  [deletion]",
        "The file alone does not tell this apart from: insertion",
    ] {
        assert!(run.stdout.contains(words), "{words}\n{}", run.stdout);
    }
    assert_eq!(place.read("book.jsonl"), text);
}

#[test]
fn receipts_show_that_the_end_is_missing() {
    let place = Place::initialised();
    let receipts = place.append(1..6);
    let lines: String = receipts
        .iter()
        .map(|receipt| format!("{receipt}\n"))
        .collect();
    place.write("receipts", lines);
    export(&place, "book.jsonl");
    let key = place.key();
    let report = verify(
        &place,
        &["book.jsonl", "--key", &key, "--receipts", "receipts"],
        0,
    );
    assert_eq!(report["not_checked"], json!([]));
    let text = place.read("book.jsonl");
    let cut: String = text.split_inclusive('\n').take(5).collect();
    place.write("cut.jsonl", cut);
    let report = verify(
        &place,
        &["cut.jsonl", "--key", &key, "--receipts", "receipts"],
        1,
    );
    assert_eq!(fault(&report).0, "truncated");
    assert_eq!(report["faults"][0]["class"], "truncation");
}
