//! What an attacker with a signer of his own was let through with once.

use std::fs;

use serde_json::{Value, json};

use crate::attacker::Attacker;
use crate::books::{verify, warning_codes};
use crate::place::{Place, codes};

fn book(seed: u8, notes: u64) -> Attacker {
    let mut log = Attacker::new(seed, Value::Null);
    for n in 0..notes {
        log.add("note", json!({ "n": n }));
    }
    log
}

fn close(log: &mut Attacker, successor: &Attacker) {
    log.add("sealbook:close", json!({"successor": successor.key()}));
}

#[test]
fn a_log_that_only_says_that_it_continues_a_book_does_not_convict_its_successor() {
    let place = Place::empty();
    let mut first = book(1, 1);
    close(&mut first, &book(2, 0));
    let mut second = Attacker::new(2, first.end());
    second.add("note", json!({"n": 2}));
    let mut stranger = Attacker::new(3, first.end());
    stranger.add("note", json!({"x": 1}));
    place.write("a.jsonl", first.logbook());
    place.write("b.jsonl", second.logbook());
    place.write("m.jsonl", stranger.logbook());
    let (a, m) = (first.key(), stranger.key());
    let all = ["a.jsonl", "b.jsonl", "m.jsonl", "--key", &a, "--key", &m];
    let report = verify(&place, &all, 0);
    assert_eq!(report["passed"], 3);
    let warned = |at: usize| warning_codes(&report["files"][at]["report"]);
    assert_eq!(warned(1), ["succession"]);
    assert_eq!(warned(2), ["succession_not_named"]);
    // His key is trusted for nothing by what he says.
    let report = verify(&place, &["a.jsonl", "b.jsonl", "m.jsonl", "--key", &a], 1);
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn two_histories_of_one_book_fail_with_all_that_hang_on_them_and_the_proof_is_made() {
    let place = Place::empty();
    let trunk = book(1, 3);
    let (mut one, mut other) = (trunk.fork(1, 2), trunk.fork(1, 2));
    one.add("note", json!({"n": "one"}));
    close(&mut one, &book(2, 0));
    other.add("note", json!({"n": "other"}));
    other.add("note", json!({"n": "more"}));
    close(&mut other, &book(3, 0));
    place.write("a1.jsonl", one.logbook());
    place.write("a2.jsonl", other.logbook());
    place.write("b1.jsonl", Attacker::new(2, one.end()).logbook());
    place.write("b2.jsonl", Attacker::new(3, other.end()).logbook());
    let key = trunk.key();
    let all = [
        "b1.jsonl", "b2.jsonl", "a1.jsonl", "a2.jsonl", "--key", &key, "--proof", "proof",
    ];
    let report = verify(&place, &all, 1);
    assert_eq!(report["failed"], 4, "{report:#}");
    for at in [2, 3] {
        let report = &report["files"][at]["report"];
        assert_eq!(codes(report), ["equivocation"]);
    }
    let report = verify(&place, &["proof", "--key", &key], 0);
    assert_eq!(warning_codes(&report), ["equivocation_proven"]);
    // A part of the same history is no other one.
    place.write("prefix.jsonl", trunk.fork(1, 2).logbook());
    verify(&place, &["prefix.jsonl", "a1.jsonl", "--key", &key], 0);
}

#[test]
fn a_revocation_stops_all_that_does_not_show_that_it_comes_before() {
    let place = Place::empty();
    let mut whole = book(1, 4);
    let successor = book(2, 0);
    close(&mut whole, &successor);
    // The thief forked before the closing entry.
    let mut thief = whole.fork(1, 2);
    thief.add("note", json!({"n": "stolen"}));
    place.write("true.jsonl", whole.logbook());
    place.write("thief.jsonl", thief.logbook());
    place.write("revoked", successor.revoke(&whole, 5));
    let key = whole.key();
    let revoked = ["--key", &key, "--revoked", "revoked"];
    let of = |file: &str, status| verify(&place, &[&[file][..], &revoked].concat(), status);
    assert_eq!(warning_codes(&of("true.jsonl", 0)), ["revoked"]);
    assert_eq!(codes(&of("thief.jsonl", 1)), ["revocation_not_applicable"]);
    // With the closing entry beside it, what the successor may shows; not that the
    // thief's entries come before.
    let shown = |file: &str| {
        let closing = whole.entries[5].0.to_string();
        let line = format!("{{\"closing\":{closing}}}\n");
        place.write(
            file,
            [successor.revoke(&whole, 5), line.into_bytes()].concat(),
        );
    };
    shown("revoked");
    assert_eq!(codes(&of("thief.jsonl", 1)), ["revocation_not_applicable"]);
    for n in 0..3 {
        thief.add("note", json!({ "n": n }));
    }
    place.write("thief.jsonl", thief.logbook());
    let found = of("thief.jsonl", 1);
    assert_eq!(codes(&found), ["head_not_contained", "untrusted_key"]);
    // Anyone who knows what that means may let it pass.
    place.write("prefix.jsonl", whole.fork(1, 3).logbook());
    assert_eq!(codes(&of("prefix.jsonl", 1)), ["revocation_not_applicable"]);
    let allowed = [
        &["prefix.jsonl"][..],
        &revoked,
        &["--allow-revocation-not-applicable"],
    ];
    let report = verify(&place, &allowed.concat(), 0);
    let unknown = json!(["truncation", "revocation_not_applicable"]);
    assert_eq!(report["not_checked"], unknown);
    // Another log is another matter, and said; another log of the same key is not.
    place.write("revoked", successor.revoke(&book(7, 5), 5));
    assert_eq!(
        warning_codes(&of("true.jsonl", 0)),
        ["revocation_of_another_log"]
    );
    let mut again = Attacker::new(1, json!({"hash": "11".repeat(32), "log": key, "seq": 1}));
    again.add("note", json!({}));
    place.write("again.jsonl", again.logbook());
    place.write("revoked", successor.revoke(&whole, 5));
    assert_eq!(codes(&of("again.jsonl", 1)), ["revocation_not_applicable"]);
}

#[test]
fn a_signed_bundle_made_unsigned_cut_or_emptied_never_passes() {
    for version in ["1", "2"] {
        let place = Place::sealed_of(version);
        let key = place.key();
        let export = [
            "export",
            "--kind",
            "note",
            "--format-version",
            version,
            "-o",
            "case.bundle",
        ];
        place.run(&export).ok();
        let signed = place.read("case.bundle");
        let lines: Vec<&str> = signed.lines().collect();
        let (last, before) = lines.split_last().unwrap();
        let first = 1 + before
            .iter()
            .position(|line| line.starts_with("{\"entry\""))
            .unwrap();
        for kept in [before, &before[..first], &before[..1]] {
            // The entry that opened the log is anybody's to leave there.
            let opening = before.last().copied();
            let opening = opening.filter(|line| line.starts_with("{\"opening\""));
            let opening: Vec<&str> = opening
                .filter(|line| !kept.contains(line))
                .into_iter()
                .collect();
            let kept = [kept, &opening[..]].concat();
            let body: String = kept.iter().map(|line| format!("{line}\n")).collect();
            let count = |what: &str| kept.iter().filter(|line| line.starts_with(what)).count();
            let mut record = serde_json::from_str::<Value>(last).unwrap()["bundle"].clone();
            record["bytes"] = body.len().into();
            record["entries"] = count("{\"entry\"").into();
            record["epochs"] = count("{\"epoch\"").into();
            let hash = sealbook::ledger::hash::Hash::of(body.as_bytes());
            record["hash"] = hash.to_string().into();
            let record = json!({ "bundle": record }).to_string();
            let record = sealbook::ledger::parse::parse(record.as_bytes()).unwrap();
            let record = record.canonical(sealbook::ledger::json::Form::Utf8);
            place.write("forged.bundle", format!("{body}{record}\n"));
            let report = verify(&place, &["forged.bundle", "--key", &key], 1);
            let allowed = ["forged.bundle", "--key", &key, "--allow-unsigned"];
            if count("{\"index\"") == 1 && count("{\"entry\"") < 5 {
                // What the index says of them is under the log's signature.
                let both = ["bundle_unsigned", "index_mismatch"];
                assert_eq!(codes(&report), both, "{report:#}");
                let report = verify(&place, &allowed, 1);
                assert_eq!(codes(&report), ["index_mismatch"], "{report:#}");
                continue;
            }
            assert_eq!(codes(&report), ["bundle_unsigned"], "{report:#}");
            let report = verify(&place, &allowed, 0);
            let unknown = report["not_checked"].as_array().unwrap();
            assert!(unknown.contains(&json!("bundle_unsigned")));
        }
    }
}

#[test]
fn an_older_head_leaves_open_whether_the_end_is_missing_and_says_of_how_many() {
    let place = Place::empty();
    let log = book(1, 5);
    place.write("book.jsonl", log.logbook());
    let key = log.key();
    for (seq, covered) in [(5, true), (4, false), (0, false)] {
        place.write("head", log.head(seq));
        let report = verify(
            &place,
            &["book.jsonl", "--key", &key, "--contains", "head"],
            0,
        );
        let unknown = if covered {
            json!([])
        } else {
            json!(["truncation"])
        };
        assert_eq!(report["not_checked"], unknown);
        if !covered {
            let detail = report["warnings"][0]["detail"].as_str().unwrap();
            let said = format!("the {} entries after it", 5 - seq);
            assert!(detail.contains(&said), "{detail}");
        }
    }
}

#[test]
fn what_was_kept_is_judged_by_itself_first() {
    let place = Place::empty();
    let log = book(1, 3);
    place.write("book.jsonl", log.logbook());
    let key = log.key();
    let of = |published: &[Vec<u8>]| {
        place.write("published", published.concat());
        let args = ["book.jsonl", "--key", &key, "--contains", "published"];
        verify(&place, &args, 1)
    };
    let (one, other) = ("11".repeat(32), "22".repeat(32));
    let report = of(&[log.header(1, &one), log.header(1, &other)]);
    assert_eq!(codes(&report), ["equivocation", "epoch_root_mismatch"]);
    // A header that is not in the book is held against its entries.
    assert_eq!(codes(&of(&[log.header(3, &one)])), ["epoch_root_mismatch"]);
    let mut fork = log.fork(1, 2);
    fork.add("note", json!({"n": "other"}));
    let report = of(&[log.head(3), fork.head(3)]);
    assert_eq!(codes(&report)[0], "equivocation");
}

#[test]
fn a_folder_with_nothing_to_verify_is_no_pass_and_what_is_passed_over_is_said() {
    let place = Place::empty();
    let log = book(1, 1);
    std::fs::create_dir_all(place.path("books/below")).unwrap();
    place.write("book.jsonl", log.logbook());
    std::os::unix::fs::symlink(place.path("book.jsonl"), place.path("books/link")).unwrap();
    place.write("books/.hidden", log.logbook());
    let key = log.key();
    let run = place.run(&["verify", "books", "--key", &key]);
    let detail = "there is no file or ledger to verify; 3 others were passed over";
    assert!(run.stderr.contains(detail), "{run:?}");
    run.ends_with(2);
    place.write("books/book.jsonl", log.logbook());
    let run = place.run(&["verify", "books", "--key", &key]).ok();
    for name in ["link", ".hidden", "below"] {
        let said = format!("books/{name} is not a file or ledger: passed over");
        assert!(run.stderr.contains(&said), "{run:?}");
    }
}

#[test]
fn a_key_in_hex_is_that_key_whatever_files_are_named_like_it() {
    let place = Place::empty();
    let (own, thief) = (book(1, 1), book(2, 1));
    place.write("book.jsonl", thief.logbook());
    place.run(&["--ledger", "l", "init"]).ok();
    place.write(
        &own.key(),
        place.run(&["--ledger", "l", "key", "--pem"]).ok().stdout,
    );
    place.write("keys", format!("* {}\n", own.key()));
    let report = verify(&place, &["book.jsonl", "--keys", "keys"], 1);
    assert_eq!(codes(&report)[0], "signature_invalid");
}

#[test]
fn a_state_with_a_count_that_no_file_has_is_refused() {
    let place = Place::empty();
    let log = book(1, 3);
    place.write("book.jsonl", log.logbook());
    let key = log.key();
    let args = ["verify", "book.jsonl", "--key", &key, "--state", "state"];
    place.run(&args).ok();
    let saved = place.read("state");
    for name in ["n", "lines", "bytes"] {
        let value: Value = serde_json::from_str(&saved).unwrap();
        let was = format!("\"{name}\":{}", value["state"][name]);
        place.write(
            "state",
            saved.replace(&was, &format!("\"{name}\":{}", u64::MAX)),
        );
        for more in [&[][..], &["--skip-prefix"]] {
            let run = place.run(&[&args[..], more].concat()).ends_with(2);
            assert!(run.stderr.contains(&format!("state: {name}")), "{run:?}");
        }
    }
}

#[test]
fn a_bundle_passes_only_as_the_answer_that_it_was_signed_as() {
    for version in ["1", "2"] {
        let place = Place::sealed_of(version);
        for case in ["c1", "c2"] {
            let payload = json!({"correlation_id": case}).to_string();
            place
                .run(&["append", "--kind", "note", "--payload", &payload])
                .ok();
        }
        place.run(&["seal"]).ok();
        let key = place.key();
        let export = |args: &[&str]| {
            place
                .run(&[&["export", "-o", "case.bundle"], args].concat())
                .ok();
        };
        let asked = |status| {
            let args = ["case.bundle", "--key", &key, "--correlation", "c1"];
            verify(&place, &args, status)
        };
        export(&["--correlation", "c1"]);
        asked(0);
        for other in [
            &["--correlation", "c2"][..],
            &["--correlation", "c1", "--limit", "1"],
            &["--correlation", "c1", "--format-version", "1"],
            &[],
        ] {
            if version == "2" && other.contains(&"--format-version") {
                continue;
            }
            export(other);
            assert_eq!(codes(&asked(1)), ["filter_mismatch"], "{other:?}");
        }
    }
}

#[test]
fn what_is_of_a_version_that_nobody_here_knows_gets_no_verdict() {
    for (version, uses) in [("1", "[]"), ("2", "[\"terms\"]")] {
        let place = Place::sealed_of(version);
        let key = place.key();
        place.run(&["export", "-o", "b.bundle"]).ok();
        place
            .run(&["export", "--kind", "note", "-o", "s.bundle"])
            .ok();
        place.run(&["prove", "1", "-o", "p.proof"]).ok();
        for (file, after) in [
            ("b.bundle", ",\"genesis\""),
            ("s.bundle", ",\"genesis\""),
            ("p.proof", ",\"opening\""),
        ] {
            verify(&place, &[file, "--key", &key], 0);
            let text = place.read(file);
            let format = |number| format!("\"format\":{number}{after}");
            for (was, now) in [
                (format(2), format(3)),
                (
                    format!("\"uses\":{uses}"),
                    "\"uses\":[\"index\"]".to_owned(),
                ),
            ] {
                let changed = text.replacen(&was, &now, 1);
                assert_ne!(changed, text, "{file}");
                place.write(file, changed);
                let answer = verify(&place, &[file, "--key", &key], 2);
                assert_eq!(answer["error"]["code"], "format_unsupported", "{file}");
            }
        }
    }
}

#[test]
fn proofs_and_selections_of_two_histories_convict_their_key_together() {
    let place = Place::sealed();
    let key = place.key();
    place.copy("ledger", "before");
    fs::copy(place.path("ledger.mark"), place.path("before.mark")).unwrap();
    for (name, n) in [("a", 20), ("b", 30)] {
        let receipts = place.append(n..n + 1);
        let seq = receipts[0]["seq"].to_string();
        place.run(&["seal"]).ok();
        let (proof, bundle) = (format!("{name}.proof"), format!("{name}.bundle"));
        place.run(&["prove", &seq, "-o", &proof]).ok();
        place.run(&["export", "--kind", "note", "-o", &bundle]).ok();
        fs::remove_dir_all(place.path("ledger")).unwrap();
        place.copy("before", "ledger");
        fs::copy(place.path("before.mark"), place.path("ledger.mark")).unwrap();
    }
    for [one, other] in [
        ["a.proof", "b.proof"],
        ["b.bundle", "a.proof"],
        ["a.bundle", "b.bundle"],
    ] {
        let both = [
            "--json", "verify", one, other, "--key", &key, "--proof", "made",
        ];
        let told = place.run(&both).ends_with(1).document();
        for file in told["files"].as_array().unwrap() {
            assert_eq!(
                file["report"]["faults"][0]["code"], "equivocation",
                "{told}"
            );
        }
        let convicts = place.run(&["--json", "verify", "made", "--key", &key]).ok();
        let warnings = convicts.document()["warnings"].to_string();
        assert!(warnings.contains("equivocation_proven"), "{warnings}");
        // One side alone, beside that proof, does not pass either.
        for side in [one, other] {
            for paths in [[side, "made"], ["made", side]] {
                let told = verify(&place, &[&paths[..], &["--key", &key]].concat(), 1);
                assert_eq!((&told["passed"], &told["failed"]), (&json!(1), &json!(1)));
                let at = paths.iter().position(|path| *path == side).unwrap();
                assert_eq!(codes(&told["files"][at]["report"]), ["equivocation"]);
            }
        }
        fs::remove_file(place.path("made")).unwrap();
    }
    // Of one history nobody is convicted.
    place
        .run(&["verify", "a.proof", "a.bundle", "--key", &key])
        .ok();
}
