//! What is kept of a ledger elsewhere: receipts, and the published file.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, codes, fault, refused_both_ways};

/// A ledger of two epochs and a tail, with all its receipts as `receipts` and
/// its headers and a head as `public`.
fn kept() -> (Place, String) {
    let place = Place::initialised();
    let mut receipts = String::new();
    for numbers in [1..6, 6..9, 9..11] {
        for receipt in place.append(numbers.clone()) {
            receipts.push_str(&format!("{receipt}\n"));
        }
        if numbers.start < 9 {
            place.run(&["seal", "--publish", "public"]).ok();
        }
    }
    place.run(&["head", "--publish", "public"]).ok();
    place.write("receipts", receipts);
    let key = place.key();
    (place, key)
}

fn verify(place: &Place, args: &[&str], status: i32) -> Value {
    let run = place.run(&[&["--json", "verify"], args].concat());
    run.ends_with(status).document()
}

#[test]
fn every_receipt_is_found_in_ledger_logbook_and_bundle() {
    let (place, key) = kept();
    place.run(&["export", "-o", "b"]).ok();
    place
        .run(&["export", "-o", "l", "--format", "logbook"])
        .ok();
    for (path, open) in [
        ("ledger", json!([])),
        ("b", json!(["index"])),
        ("l", json!([])),
    ] {
        let report = verify(&place, &[path, "--key", &key, "--receipts", "receipts"], 0);
        assert_eq!(report["not_checked"], open, "{path}: {report:#}");
    }
    place.run(&["export", "-o", "part", "--from-seq", "7"]).ok();
    let report = verify(
        &place,
        &["part", "--key", &key, "--receipts", "receipts"],
        0,
    );
    assert_eq!(report["not_checked"], json!(["index", "receipts"]));
    assert_eq!(report["warnings"][0]["code"], "not_covered");
}

#[test]
fn a_ledger_put_back_with_its_mark_is_found_by_receipts_and_by_the_published_file() {
    let place = Place::sealed();
    let mark = place.read("ledger.mark");
    place.copy("ledger", "older");
    let receipts: String = place
        .append(6..9)
        .iter()
        .map(|r| format!("{r}\n"))
        .collect();
    place.write("receipts", receipts);
    place.run(&["seal", "--publish", "public"]).ok();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    fs::rename(place.path("older"), place.path("ledger")).unwrap();
    place.write("ledger.mark", mark);
    verify(&place, &[], 0);
    let report = verify(&place, &["--receipts", "receipts"], 1);
    assert_eq!(codes(&report), ["truncated"; 3]);
    assert_eq!(report["faults"][0]["seq"], 6);
    assert_eq!(report["faults"][0]["line"], 1);
    let report = verify(&place, &["--contains", "public"], 1);
    assert_eq!(fault(&report).0, "head_not_contained");
    assert_eq!(report["faults"][0]["line"], 2);
    // Who publishes next sees it too, and writes nothing over the evidence.
    let before = place.read("public");
    place
        .run(&["--json", "head", "--publish", "public"])
        .refused(
            "equivocation",
            "published file public: epoch 1 was published otherwise than the ledger has it",
            "keep the file: it shows another history than the ledger has; run `sealbook verify`",
        );
    assert_eq!(place.read("public"), before);
}

#[test]
fn what_is_no_file_of_receipts_is_named() {
    let (place, _) = kept();
    place.write("bad", "{}\n");
    refused_both_ways(
        &place,
        &["verify", "--receipts", "bad"],
        "bad_input",
        "bad: line 1: prev_hash: missing",
        "",
    );
    refused_both_ways(
        &place,
        &["verify", "--receipts", "nowhere"],
        "io",
        "nowhere: No such file or directory (os error 2)",
        "",
    );
    let text = place.read("receipts");
    place.write("torn", &text[..text.len() - 9]);
    let report = verify(&place, &["--receipts", "torn"], 0);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("torn ends within a line"), "{warnings}");
}

#[test]
fn the_published_file_has_every_header_once_and_heads_beyond_them() {
    let (place, key) = kept();
    let text = place.read("public");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["epoch"]["epoch"], 0);
    assert_eq!(lines[1]["epoch"]["epoch"], 1);
    assert_eq!(lines[2]["head"]["seq"], 10);
    // Nothing new, nothing added.
    place.run(&["head", "--publish", "public"]).ok();
    assert_eq!(place.read("public"), text);
    for path in ["ledger", "b", "l"] {
        match path {
            "b" => place.run(&["export", "-o", "b"]).ok(),
            "l" => place
                .run(&["export", "-o", "l", "--format", "logbook"])
                .ok(),
            _ => place.run(&["verify"]).ok(),
        };
        verify(&place, &[path, "--key", &key, "--contains", "public"], 0);
    }
    // A selection is tied to the published headers it is proven into.
    place
        .run(&["export", "-o", "s", "--kind", "note", "--until-seq", "3"])
        .ok();
    let report = verify(&place, &["s", "--key", &key, "--contains", "public"], 0);
    let open = report["not_checked"].to_string();
    assert!(open.contains("heads"), "{open}");
    // A line that was changed is refused by its number.
    place.write(
        "changed",
        text.replacen("\"tree_size\":6", "\"tree_size\":7", 1),
    );
    let report = verify(&place, &["--contains", "changed"], 1);
    assert_eq!(fault(&report).0, "head_not_contained");
    assert_eq!(report["faults"][0]["line"], 1);
}

#[test]
fn what_was_sealed_and_not_published_is_published_by_the_next_run() {
    let place = Place::sealed();
    place.append(6..9);
    place.run(&["seal"]).ok();
    place.append(9..11);
    let run = place.run(&["seal", "--publish", "public"]).ok();
    assert_eq!(
        run.stderr,
        "sealbook: note: 3 headers and 0 heads added to public\n"
    );
    let text = place.read("public");
    // The machine stopped while it was being written: at every byte.
    let first = text.find('\n').unwrap() + 1;
    for cut in [1, first - 1, first, first + 1, text.len() - 1, text.len()] {
        place.write("public", &text[..cut]);
        let run = place.run(&["seal", "--publish", "public"]).ends_with(1);
        assert!(run.stderr.contains("there is nothing to seal"), "{run:?}");
        assert_eq!(place.read("public"), text, "cut at {cut}");
    }
}

#[test]
fn a_file_of_something_else_is_left_as_it_is() {
    let place = Place::sealed();
    place.run(&["--ledger", "other", "init"]).ok();
    let other = ["--ledger", "other", "seal", "--publish", "others"];
    place.run(&other).ok();
    place.write("notes", "my notes\n");
    place.write("short", "my notes");
    let hint = "name a file of its own for each ledger";
    for name in ["notes", "short"] {
        let detail = format!("published file {name}: line 1 is neither an epoch header nor a head");
        let before = place.read(name);
        let run = place.run(&["--json", "head", "--publish", name]);
        run.refused("not_recognised", &detail, hint);
        assert_eq!(place.read(name), before);
    }
    place
        .run(&["--json", "head", "--publish", "others"])
        .refused(
            "log_key_mismatch",
            "published file others: line 1 is of another log",
            hint,
        );
}
