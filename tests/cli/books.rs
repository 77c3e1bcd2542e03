//! Books of third parties: many at once, compressed, gone on with, explained;
//! copies compared; books that continue each other.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::place::{Place, codes, fault};

/// A ledger with nine entries, its logbook in `book.jsonl`, and its key.
fn book() -> (Place, String) {
    let place = Place::with_tail();
    export(&place, "book.jsonl");
    let key = place.key();
    (place, key)
}

fn export(place: &Place, name: &str) {
    let args = ["export", "--format", "logbook", "-o", name];
    place.run(&args).ok();
}

fn verify(place: &Place, args: &[&str], status: i32) -> Value {
    let args = [&["--json", "verify"], args].concat();
    place.run(&args).ends_with(status).document()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn warning_codes(report: &Value) -> Vec<&str> {
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
    place.write("more.gz", [&packed[..], b"garbage"].concat());
    let report = verify(&place, &["more.gz", "--key", &key], 1);
    assert_eq!(fault(&report).0, "schema_violation");
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
        "keys, line 2: that is no key",
        hint,
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
    assert_eq!(fault(&report).0, "receipt_mismatch");
    assert_eq!(report["faults"][0]["class"], "truncation");
}

/// A ledger that went two ways after entry 5: in `ledger` and in `other`.
fn forked() -> (Place, String) {
    let place = Place::sealed();
    place.copy("ledger", "other");
    std::fs::copy(place.path("ledger.mark"), place.path("other.mark")).unwrap();
    place.append(6..8);
    let run = |args: &[&str]| place.run(&[&["--ledger", "other"], args].concat());
    let mut command = place.command(&[
        "--ledger",
        "other",
        "append",
        "--kind",
        "note",
        "--payload",
        "{\"n\":66}",
    ]);
    command.env("SEALBOOK_KEY", place.path("ledger.key.pem"));
    assert!(command.status().unwrap().success());
    run(&["export", "--format", "logbook", "-o", "other.jsonl"]).ok();
    export(&place, "book.jsonl");
    let key = place.key();
    (place, key)
}

#[test]
fn copies_that_agree_are_the_same_whatever_they_are_in() {
    let (place, key) = book();
    place.run(&["export", "-o", "all.bundle"]).ok();
    for other in ["book.jsonl", "all.bundle", "ledger"] {
        let run = place
            .run(&["--json", "diff", "ledger", other])
            .ok()
            .document();
        assert_eq!(run["relation"], "same", "{other}");
        assert_eq!(
            (&run["common"], &run["equivocation"]),
            (&json!(9), &Value::Null)
        );
    }
    let text = place.read("book.jsonl");
    place.write(
        "short.jsonl",
        text.split_inclusive('\n').take(4).collect::<String>(),
    );
    let run = place.run(&["--json", "diff", "short.jsonl", "book.jsonl", "--key", &key]);
    let run = run.ends_with(1).document();
    assert_eq!(
        (&run["relation"], &run["common"]),
        (&json!("a_is_prefix"), &json!(4))
    );
    assert_eq!(run["entries"], json!([4, 9]));
}

#[test]
fn a_fork_is_proven_to_anyone_and_an_edit_is_not() {
    let (place, key) = forked();
    let run = place
        .run(&["--json", "diff", "ledger", "other.jsonl", "-o", "proof"])
        .ends_with(1);
    let found = run.document();
    assert_eq!(
        (&found["relation"], &found["common"]),
        (&json!("differ"), &json!(6))
    );
    assert_eq!(found["first_difference"]["seq"], 6);
    let proof = &found["equivocation"];
    assert_eq!(
        (&proof["kind"], &proof["key"]),
        (&json!("entries"), &json!(key))
    );
    assert_eq!(
        (&proof["acknowledged"], &proof["proof"]),
        (&json!(false), &json!("proof"))
    );
    let report = verify(&place, &["proof", "--key", &key], 0);
    assert_eq!(report["format"], "equivocation");
    assert_eq!(warning_codes(&report), ["equivocation_proven"]);
    verify(&place, &["proof", "--key", &"11".repeat(32)], 1);
    // As evidence of anything else it is none.
    let report = verify(&place, &["proof", "--key", &key, "--as", "logbook"], 1);
    assert_eq!(fault(&report).0, "format_mismatch");
    place
        .run(&["diff", "ledger", "other.jsonl", "-o", "proof"])
        .ends_with(2);
    // An entry that the key did not sign contradicts nothing.
    place.write(
        "edited.jsonl",
        place.read("book.jsonl").replace("\"n\":7", "\"n\":8"),
    );
    let run = place
        .run(&["--json", "diff", "ledger", "edited.jsonl"])
        .ends_with(1)
        .document();
    assert_eq!(
        (&run["relation"], &run["equivocation"]),
        (&json!("differ"), &Value::Null)
    );
}

#[test]
fn a_fork_that_accept_rollback_recorded_is_acknowledged() {
    let place = Place::sealed();
    place.copy("ledger", "older");
    place.append(6..9);
    export(&place, "lost.jsonl");
    std::fs::remove_dir_all(place.path("ledger")).unwrap();
    std::fs::rename(place.path("older"), place.path("ledger")).unwrap();
    place
        .run(&["accept-rollback", "--reason", "disk failed"])
        .ok();
    let found = place
        .run(&["--json", "diff", "ledger", "lost.jsonl"])
        .ends_with(1)
        .document();
    assert_eq!(found["equivocation"]["acknowledged"], true, "{found:#}");
    let run = place.run(&["diff", "ledger", "lost.jsonl"]).ends_with(1);
    assert!(
        run.stdout
            .contains("acknowledged by an entry that records a rollback")
    );
}

fn verify_all(place: &Place, paths: &[&str], key: &str, status: i32) -> Value {
    verify(place, &[paths, &["--key", key]].concat(), status)
}

#[test]
fn a_chain_of_books_is_verified_from_one_key() {
    let place = Place::sealed();
    let root = place.key();
    let made = place.run(&["--json", "rotate"]).ok().document();
    assert_eq!(made["ledger"], "./ledger.2");
    assert_eq!(made["predecessor"]["seq"], 6);
    let run = |ledger: &str, args: &[&str]| place.run(&[&["--ledger", ledger], args].concat());
    run("ledger.2", &["append", "--kind", "note", "--payload", "{}"]).ok();
    run("ledger.2", &["rotate"]).ok();
    run("ledger.3", &["append", "--kind", "note", "--payload", "{}"]).ok();
    // In any order, and as ledgers, bundles or logbooks.
    run("ledger.2", &["export", "-o", "second.bundle"]).ok();
    run(
        "ledger",
        &["export", "--format", "logbook", "-o", "first.jsonl"],
    )
    .ok();
    for paths in [
        ["ledger", "ledger.2", "ledger.3"],
        ["ledger.3", "second.bundle", "first.jsonl"],
    ] {
        let report = verify_all(&place, &paths, &root, 0);
        assert_eq!(report["passed"], 3, "{report:#}");
    }
    // Without the middle one the last hangs on nothing.
    let report = verify_all(&place, &["ledger", "ledger.3"], &root, 1);
    assert_eq!(codes(&report["files"][1]["report"]), ["untrusted_key"]);
    // A predecessor that fails vouches for nobody.
    let broken = place.read("first.jsonl").replace("\"n\":3", "\"n\":4");
    place.write("first.jsonl", broken);
    let report = verify_all(&place, &["first.jsonl", "ledger.2"], &root, 1);
    assert_eq!(report["failed"], 2);
}

#[test]
fn a_closed_book_takes_no_more_entries() {
    let place = Place::sealed();
    place.run(&["rotate", "next"]).ok();
    let run = place.run(&["append", "--kind", "note", "--payload", "{}"]);
    run.refused(
        "closed",
        "the book is closed: another one continues it",
        "append to the book that continues it; `sealbook rotate` says which, or goes on making it",
    );
    place.run(&["verify"]).ok();
    let last = place.run(&["--json", "show", "6"]).ok().document();
    assert_eq!(last["kind"], "sealbook:close");
}

#[test]
fn an_interrupted_rotation_is_gone_on_with() {
    let place = Place::sealed();
    place.run(&["rotate", "next"]).ok();
    let key = std::fs::read(place.path("next.key.pem")).unwrap();
    // Everything was done.
    let again = place.run(&["--json", "rotate", "next"]).ok().document();
    assert_eq!(again["predecessor"]["seq"], 6);
    // The new book was not made, its mark may have been.
    std::fs::remove_dir_all(place.path("next")).unwrap();
    place.run(&["rotate", "next"]).ok();
    assert_eq!(std::fs::read(place.path("next.key.pem")).unwrap(), key);
    let root = place.key();
    verify_all(&place, &["ledger", "next"], &root, 0);
    assert_eq!(place.count(), 7);
    // Another key is not the one that the book was closed in favour of.
    std::fs::remove_dir_all(place.path("next")).unwrap();
    let run = place
        .run(&["rotate", "next", "--key", "ledger.key.pem"])
        .ends_with(2);
    assert!(
        run.stderr
            .contains("the book was closed in favour of the key")
    );
}

#[test]
fn two_successors_to_one_head_are_equivocation() {
    let place = Place::sealed();
    let root = place.key();
    place.run(&["rotate", "next"]).ok();
    place
        .run(&["rotate", "rival", "--key", "next.key.pem"])
        .ok();
    let report = verify_all(&place, &["ledger", "next", "rival"], &root, 1);
    for n in [1, 2] {
        assert_eq!(
            codes(&report["files"][n]["report"]),
            ["equivocation"],
            "{report:#}"
        );
    }
    assert_eq!(report["passed"], 1);
}

#[test]
fn a_revocation_ends_a_book_at_a_position() {
    let place = Place::empty();
    // The recovery key is made as any other, and kept apart.
    place.run(&["--ledger", "vault", "init"]).ok();
    let recovery = place.run(&["--ledger", "vault", "key"]).ok().stdout;
    place.run(&["init", "--recovery-key", recovery.trim()]).ok();
    place.append(1..6);
    let root = place.key();
    let revoke = [
        "revoke",
        "3",
        "--key",
        "vault.key.pem",
        "-o",
        "revoked",
        "--reason",
        "stolen",
    ];
    place.run(&revoke).ok();
    let report = verify(
        &place,
        &["ledger", "--key", &root, "--revoked", "revoked"],
        1,
    );
    assert_eq!(fault(&report).0, "untrusted_key");
    assert_eq!(report["faults"][0]["index"], 4);
    place
        .run(&[
            "export",
            "--format",
            "logbook",
            "--until-seq",
            "3",
            "-o",
            "prefix.jsonl",
        ])
        .ok();
    let report = verify(
        &place,
        &["prefix.jsonl", "--key", &root, "--revoked", "revoked"],
        0,
    );
    assert_eq!(warning_codes(&report), ["revoked"]);
    // Its own key cannot revoke, nor can anyone else.
    place
        .run(&["revoke", "3", "--key", "ledger.key.pem", "-o", "own"])
        .ok();
    let report = verify(&place, &["ledger", "--key", &root, "--revoked", "own"], 0);
    assert_eq!(warning_codes(&report), ["revocation_ignored"]);
    place
        .run(&["revoke", "99", "--key", "vault.key.pem"])
        .ends_with(1);
    // The successor can.
    place.run(&["rotate", "next"]).ok();
    place
        .run(&["revoke", "2", "--key", "next.key.pem", "-o", "by-successor"])
        .ok();
    let report = verify(
        &place,
        &["ledger", "--key", &root, "--revoked", "by-successor"],
        1,
    );
    assert_eq!(report["faults"][0]["index"], 3);
    // A changed revocation is nobody's.
    let changed = place.read("revoked").replace("\"seq\":3", "\"seq\":2");
    place.write("changed", changed);
    let run = place.run(&["verify", "--revoked", "changed"]).ends_with(2);
    assert_eq!(
        run.stderr,
        "sealbook: error: changed: it is no revocation, or its signature is wrong\n"
    );
}
