//! `verify`: what it is held against, and what it then says.

use serde_json::{Value, json};

use crate::place::{Place, codes, fault};

fn verify(place: &Place, args: &[&str], status: i32) -> Value {
    let args = [&["--json", "verify"], args].concat();
    place.run(&args).ends_with(status).document()
}

/// A bundle, a logbook and a proof of a sealed ledger.
fn with_evidence() -> Place {
    let place = Place::sealed();
    place.run(&["export", "-o", "e.bundle"]).ok();
    place
        .run(&["export", "-o", "e.jsonl", "--format", "logbook"])
        .ok();
    place.run(&["prove", "3", "-o", "e.proof"]).ok();
    place
}

#[test]
fn without_a_key_a_file_is_untrusted_and_a_ledger_is_its_own_word() {
    let place = with_evidence();
    for file in ["e.bundle", "e.jsonl", "e.proof"] {
        let report = verify(&place, &[file], 1);
        let detail = "no trusted key was given";
        assert_eq!(fault(&report), ("untrusted_key", detail));
        assert_eq!(report["key_source"], "none");
    }
    let report = verify(&place, &[], 0);
    assert_eq!(report["key_source"], "ledger");
    assert_eq!(report["warnings"][0]["code"], "key_from_ledger");
}

#[test]
fn a_key_that_is_not_the_logs_is_not_trusted() {
    let place = with_evidence();
    let (other, key) = ("11".repeat(32), place.key());
    for path in ["ledger", "e.bundle", "e.proof"] {
        let report = verify(&place, &[path, "--key", &other], 1);
        let found = &report["faults"][0];
        assert_eq!(found["code"], "untrusted_key", "{path}");
        assert_eq!(found["expected"], other.as_str());
        assert_eq!(found["actual"], key.as_str());
    }
    // A logbook names no key: nothing in it is signed by this one.
    let report = verify(&place, &["e.jsonl", "--key", &other], 1);
    let mut expected = ["signature_invalid"; 7];
    expected[1] = "log_key_mismatch";
    assert_eq!(codes(&report), expected);
    // One of several is enough.
    for path in ["ledger", "e.bundle", "e.proof", "e.jsonl"] {
        verify(&place, &[path, "--key", &other, "--key", &key], 0);
    }
}

#[test]
fn the_head_that_is_expected_must_be_the_last_entry() {
    let place = with_evidence();
    let key = place.key();
    let hash = |seq: &str| {
        let run = place.run(&["show", seq]).ok();
        let line = run
            .stdout
            .lines()
            .find_map(|l| l.strip_prefix("hash      "));
        line.unwrap().to_owned()
    };
    let (last, earlier) = (hash("5"), hash("4"));
    for path in ["ledger", "e.bundle", "e.jsonl"] {
        let report = verify(&place, &[path, "--key", &key, "--expect-head", &last], 0);
        assert_eq!(report["head"], last.as_str());
        let unknown = report["not_checked"].as_array().unwrap();
        assert!(!unknown.contains(&json!("truncation")), "{path}");
        let upper = last.to_uppercase();
        verify(&place, &[path, "--key", &key, "--expect-head", &upper], 0);
        let report = verify(&place, &[path, "--key", &key, "--expect-head", &earlier], 1);
        let detail = "the last entry is not the head that was expected";
        assert_eq!(fault(&report), ("head_mismatch", detail));
        assert_eq!(report["faults"][0]["expected"], earlier.as_str());
        assert_eq!(report["faults"][0]["actual"], last.as_str());
    }
    place
        .run(&["--json", "verify", "--expect-head", "12"])
        .refused("usage", "hash `12`: 64 hex digits are needed", "");
}

#[test]
fn a_head_that_someone_kept_must_be_contained() {
    let place = Place::sealed();
    place.run(&["head", "-o", "sealed.head"]).ok();
    let header = place.run(&["epochs", "--json"]).ok().stdout;
    place.write("epoch.head", header);
    place.append(6..9);
    place.run(&["head", "-o", "last.head"]).ok();
    place.run(&["export", "-o", "e.bundle"]).ok();
    place
        .run(&["export", "-o", "e.jsonl", "--format", "logbook"])
        .ok();
    let key = place.key();
    for path in ["ledger", "e.bundle", "e.jsonl"] {
        let args = [
            path,
            "--key",
            &key,
            "--contains",
            "sealed.head",
            "--contains",
            "epoch.head",
            "--contains",
            "last.head",
        ];
        let report = verify(&place, &args, 0);
        let unknown = report["not_checked"].as_array().unwrap();
        assert!(!unknown.contains(&json!("truncation")), "{path}");
    }
    // A part that ends before it.
    let part = ["export", "-o", "part", "--until-seq", "4"];
    place.run(&part).ok();
    let report = verify(
        &place,
        &["part", "--key", &key, "--contains", "sealed.head"],
        1,
    );
    let detail = "the entry of the head given is not here";
    assert_eq!(fault(&report), ("head_not_contained", detail));
    assert_eq!(report["faults"][0]["seq"], 5);
}

#[test]
fn a_head_of_another_log_or_of_nobody_is_contained_nowhere() {
    let place = Place::sealed();
    place.run(&["--ledger", "other", "init"]).ok();
    let other = ["--ledger", "other", "head", "-o", "other.head"];
    place.run(&other).ok();
    let same_key = [
        "--ledger",
        "same",
        "init",
        "--reuse-key",
        "--key",
        "ledger.key.pem",
    ];
    place.run(&same_key).ok();
    place
        .run(&["--ledger", "same", "head", "-o", "same.head"])
        .ok();
    for head in ["other.head", "same.head"] {
        let report = verify(&place, &["--contains", head], 1);
        let detail = "the head given is of another log";
        assert_eq!(fault(&report), ("head_not_contained", detail));
    }
    // Right in every point, but nobody's word.
    let head = place.run(&["head"]).ok().document();
    for (name, forged) in [
        ("signature", json!("00".repeat(64))),
        ("key", json!("11".repeat(32))),
    ] {
        let mut unsigned = head.clone();
        unsigned[name] = forged;
        place.write("unsigned.head", unsigned.to_string());
        let report = verify(&place, &["--contains", "unsigned.head"], 1);
        let detail = "the head given has no valid signature of the log it names";
        assert_eq!(fault(&report), ("head_not_contained", detail));
    }
    // Signed by the log, and not its history.
    let mut elsewhere = head;
    elsewhere["head"]["hash"] = json!("ab".repeat(32));
    place.write("changed.head", elsewhere.to_string());
    let report = verify(&place, &["--contains", "changed.head"], 1);
    assert_eq!(codes(&report), ["head_not_contained"]);
}

#[test]
fn what_is_no_head_cannot_be_contained() {
    let place = with_evidence();
    place.write("junk", "hello");
    place.write("object", "{}");
    place
        .run(&["--json", "verify", "--contains", "junk"])
        .refused(
            "bad_json",
            "junk: found 'h' where a value was expected at line 1 column 1 (byte 0)",
            "",
        );
    for name in ["object", "e.proof"] {
        place
            .run(&["--json", "verify", "--contains", name])
            .refused(
                "not_recognised",
                &format!("{name}: neither a signed head nor an epoch header"),
                "",
            );
    }
    place
        .run(&["--json", "verify", "--contains", "nowhere"])
        .refused("io", "nowhere: No such file or directory (os error 2)", "");
}

#[test]
fn without_signatures_a_forged_one_passes_and_the_report_says_so() {
    let place = with_evidence();
    let key = place.key();
    let text = place.read("e.jsonl");
    let line = text.lines().nth(3).unwrap();
    let entry: Value = serde_json::from_str(line).unwrap();
    let signature = entry["signature"].as_str().unwrap();
    place.write("forged.jsonl", text.replace(signature, &"00".repeat(64)));
    let report = verify(&place, &["forged.jsonl", "--key", &key], 1);
    assert_eq!(codes(&report), ["signature_invalid"]);
    let args = ["forged.jsonl", "--key", &key, "--no-signatures"];
    let report = verify(&place, &args, 0);
    assert_eq!(report["not_checked"], json!(["truncation", "signatures"]));
    // Headers are checked always, and the tree covers entries' signatures.
    let bundle = place.read("e.bundle").replace(signature, &"00".repeat(64));
    place.write("forged.bundle", bundle);
    let args = ["forged.bundle", "--key", &key, "--no-signatures"];
    let report = verify(&place, &args, 1);
    assert!(
        codes(&report).contains(&"epoch_root_mismatch"),
        "{report:#}"
    );
    assert!(!codes(&report).contains(&"signature_invalid"), "{report:#}");
}

#[test]
fn every_line_of_a_bundle_counts() {
    let place = Place::with_tail();
    place.run(&["export", "-o", "e.bundle"]).ok();
    let key = place.key();
    let whole = place.read("e.bundle");
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    for drop in 0..lines.len() {
        let mut kept = lines.clone();
        kept.remove(drop);
        place.write("cut.bundle", kept.concat());
        verify(&place, &["cut.bundle", "--key", &key], 1);
    }
    for swap in 1..lines.len() {
        let mut moved = lines.clone();
        moved.swap(swap - 1, swap);
        place.write("cut.bundle", moved.concat());
        verify(&place, &["cut.bundle", "--key", &key], 1);
    }
    place.write("cut.bundle", &whole[..whole.len() - 1]);
    let report = verify(&place, &["cut.bundle", "--key", &key], 1);
    assert_eq!(codes(&report), ["truncated"]);
}

#[test]
fn a_proof_is_of_its_entry_and_of_no_other() {
    let place = with_evidence();
    let key = place.key();
    let proof = place.read("e.proof");
    for (from, to) in [
        ("\"n\":3", "\"n\":4"),
        ("\"seq\":3", "\"seq\":2"),
        ("\"tree_size\":6", "\"tree_size\":7"),
    ] {
        assert!(proof.contains(from));
        place.write("bad.proof", proof.replacen(from, to, 1));
        let report = verify(&place, &["bad.proof", "--key", &key], 1);
        assert!(
            codes(&report).iter().any(|code| [
                "proof_invalid",
                "signature_invalid",
                "epoch_signature_invalid"
            ]
            .contains(code)),
            "{report:#}"
        );
    }
    place.write("bad.proof", proof.replacen(",", ", ", 1));
    let report = verify(&place, &["bad.proof", "--key", &key], 1);
    let detail = "the proof is not in canonical form, one line with a newline";
    assert_eq!(fault(&report), ("proof_invalid", detail));
}
