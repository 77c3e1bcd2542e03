//! Selections that are complete, and absence, by the index of a log.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealbook::ledger::index::term::{Field, Term};
use serde_json::{Value, json};

use crate::liar;
use crate::place::{Place, have};

/// A log with an index: six entries of three cases, in three epochs.
fn place() -> Place {
    let place = Place::empty();
    place.run(&["init"]).ok();
    for n in 0..6 {
        let payload = format!(
            r#"{{"correlation_id":"order-{}","tenant_id":"acme"}}"#,
            n % 3
        );
        place
            .run(&["append", "--kind", "event", "--payload", &payload])
            .ok();
        if n % 2 == 1 {
            place.run(&["seal"]).ok();
        }
    }
    place.run(&["verify"]).ok();
    place
}

fn report(place: &Place, file: &str) -> Value {
    let key = place.key();
    place
        .run(&["--json", "verify", file, "--key", &key])
        .ok()
        .document()
}

#[test]
fn a_case_that_is_exported_is_complete_up_to_the_last_seal_and_says_so() {
    let place = place();
    place
        .run(&["export", "--correlation", "order-1", "-o", "1.bundle"])
        .ok();
    let found = report(&place, "1.bundle");
    let complete = json!({"field": "correlation", "value": "order-1", "entries": 2, "epoch": 2,
                          "seq": 6});
    assert_eq!(found["complete"], complete);
    assert_eq!(found["not_checked"], json!(["index", "chain"]));
    let key = place.key();
    let run = place.run(&["verify", "1.bundle", "--key", &key]).ok();
    let said = "complete by the log's signed index up to entry 6 (epoch 2): 2 entries with \
                correlation \"order-1\", and no others; what came after that entry is not \
                covered\n";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    // Of a tenant, whose place in the index nobody else finds.
    place
        .run(&["export", "--tenant", "acme", "-o", "acme.bundle"])
        .ok();
    assert_eq!(report(&place, "acme.bundle")["complete"]["entries"], 6);
}

#[test]
fn what_is_absent_is_proven_and_what_is_there_is_not() {
    let place = place();
    for (flag, value) in [
        ("--correlation", "order-9"),
        ("--tenant", "zeta"),
        ("--kind", "x"),
    ] {
        place
            .run(&["absent", flag, value, "-o", "none.bundle", "--force"])
            .ok();
        let found = report(&place, "none.bundle");
        assert_eq!(found["complete"]["entries"], 0, "{found}");
        assert_eq!(found["entries"], 0);
    }
    let args = ["absent", "--correlation", "order-1", "-o", "some.bundle"];
    place.run(&args).ends_with(1);
    assert!(!place.path("some.bundle").exists());
}

#[test]
fn a_log_with_an_index_is_not_given_out_in_the_first_version() {
    let place = place();
    for args in [
        &["export", "-o", "all.bundle", "--format-version", "1"][..],
        &["prove", "1", "-o", "1.proof", "--format-version", "1"],
    ] {
        let refused = place
            .run(&[&["--json"], args].concat())
            .ends_with(2)
            .document();
        assert_eq!(refused["error"]["code"], "usage", "{args:?}");
    }
    place.run(&["export", "-o", "all.bundle"]).ok();
    assert_eq!(report(&place, "all.bundle")["verdict"], "pass");
    place.run(&["prove", "1", "-o", "1.proof"]).ok();
    assert_eq!(report(&place, "1.proof")["verdict"], "pass");
}

#[test]
fn a_log_without_an_index_says_that_it_has_none() {
    let place = Place::empty();
    place.run(&["init", "--format-version", "1"]).ok();
    place.run(&["seal"]).ok();
    let args = ["--json", "absent", "--tenant", "acme", "-o", "none.bundle"];
    let refused = place.run(&args).ends_with(2).document();
    assert_eq!(refused["error"]["code"], "no_index");
}

#[test]
fn a_book_goes_on_with_the_index_that_it_has() {
    let place = place();
    place.run(&["rotate", "ledger.2"]).ok();
    let shown = place
        .run(&["--ledger", "ledger.2", "--json", "show", "0"])
        .ok()
        .document();
    assert_eq!(shown["payload"]["format"], 2);
}

#[test]
fn a_second_check_from_the_format_document_alone_agrees() {
    if !have("python3", &["-c", "import cryptography"]) {
        crate::skipped::skipped("python3 with the package cryptography is not installed");
        return;
    }
    let place = place();
    let key = place.key();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/verify_index.py");
    let check = |file: &str| {
        let mut command = place.command_of(&program, &["--key", &key, file]);
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            output.status.code() == Some(0),
            report["verdict"] == "pass",
            "{report}"
        );
        report
    };
    for (flag, value) in [
        ("--correlation", "order-2"),
        ("--tenant", "acme"),
        ("--kind", "event"),
    ] {
        place
            .run(&["export", flag, value, "-o", "some.bundle", "--force"])
            .ok();
        let complete = &report(&place, "some.bundle")["complete"];
        assert_eq!(check("some.bundle")["complete"], *complete);
        // Without its first entry, and the header if that had no other.
        let text = place.read("some.bundle");
        let mut lines: Vec<_> = text.lines().collect();
        let entry = lines
            .iter()
            .position(|line| line.starts_with("{\"entry\":"))
            .unwrap();
        lines.remove(entry);
        place.write("cut.bundle", lines.join("\n"));
        assert_eq!(check("cut.bundle")["code"], "index_mismatch");
    }
    place
        .run(&["absent", "--tenant", "zeta", "-o", "none.bundle"])
        .ok();
    assert_eq!(check("none.bundle")["complete"]["entries"], 0);
    // Of the proof, a byte here and there is another.
    let bytes = place.read("none.bundle").into_bytes();
    let start = place.read("none.bundle").find("{\"index\":").unwrap();
    let end = start + place.read("none.bundle")[start..].find('\n').unwrap();
    for at in (start..end).step_by(197) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        place.write("changed.bundle", changed);
        assert_eq!(check("changed.bundle")["verdict"], "fail", "byte {at}");
    }
}

#[test]
fn the_kept_ledger_of_version_2_and_its_files_verify_and_it_goes_on() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledgers/v2");
    let place = Place::empty();
    let key = fs::read_to_string(kept.join("key.txt")).unwrap();
    let files = [
        ("all.bundle", None),
        ("order-1.bundle", Some(6)),
        ("t-2.bundle", Some(6)),
        ("order-1.t-2.bundle", Some(6)),
        ("no-zeta.bundle", Some(0)),
        ("entry-3.proof", None),
    ];
    for (file, complete) in files {
        place.write(file, fs::read(kept.join(file)).unwrap());
        let args = ["--json", "verify", file, "--key", key.trim()];
        let report = place.run(&args).ok().document();
        assert_eq!(report["complete"]["entries"].as_u64(), complete, "{report}");
    }
    place.copy_from(&kept.join("ledger"), "ledger");
    place.write("ledger.mark", fs::read(kept.join("ledger.mark")).unwrap());
    place.write(
        "ledger.key.pem",
        fs::read(kept.join("throwaway-key.pem")).unwrap(),
    );
    let only_mine = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.path("ledger.key.pem"), only_mine).unwrap();
    place.run(&["verify"]).ok();
    for n in 0..5 {
        let payload = format!(r#"{{"correlation_id":"order-1","tenant_id":"t-{n}"}}"#);
        place
            .run(&["append", "--kind", "event", "--payload", &payload])
            .ok();
        place.run(&["seal"]).ok();
    }
    place.run(&["verify"]).ok();
    place
        .run(&["export", "--correlation", "order-1", "-o", "longer.bundle"])
        .ok();
    let args = ["--json", "verify", "longer.bundle", "--key", key.trim()];
    let report = place.run(&args).ok().document();
    assert_eq!(report["complete"]["entries"], 11, "{report}");
}

#[test]
fn an_auditors_word_on_the_index_counts_for_those_who_trust_it() {
    let place = place();
    let key = place.key();
    place.run(&["--ledger", "auditor", "init"]).ok();
    let auditor = place.run(&["--ledger", "auditor", "key"]).ok().stdout;
    place
        .run(&["export", "--correlation", "order-1", "-o", "1.bundle"])
        .ok();
    let args = [
        "audit",
        "--key",
        &key,
        "--sign",
        "auditor.key.pem",
        "-o",
        "audit.json",
    ];
    place.run(&args).ok();
    let not_checked = |auditor: &str, audited: &str| {
        let args = [
            "--json",
            "verify",
            "1.bundle",
            "--key",
            &key,
            "--auditor",
            auditor,
        ];
        let args = [&args[..], &["--audited", audited]].concat();
        place.run(&args).ok().document()["not_checked"].clone()
    };
    assert_eq!(not_checked(auditor.trim(), "audit.json"), json!(["chain"]));
    // Of another key, and of another header, it is nobody's word.
    assert_eq!(not_checked(&key, "audit.json"), json!(["index", "chain"]));
    place
        .run(&["append", "--kind", "event", "--payload", "{}"])
        .ok();
    place.run(&["seal"]).ok();
    place
        .run(&["audit", "--sign", "auditor.key.pem", "-o", "later.json"])
        .ok();
    assert_eq!(
        not_checked(auditor.trim(), "later.json"),
        json!(["index", "chain"])
    );
    // What was changed is not a statement.
    let changed = place
        .read("audit.json")
        .replacen("\"seq\":6", "\"seq\":7", 1);
    place.write("changed.json", changed);
    let args = [
        "--json",
        "verify",
        "1.bundle",
        "--key",
        &key,
        "--audited",
        "changed.json",
    ];
    assert_eq!(
        place.run(&args).ends_with(2).document()["error"]["code"],
        "usage"
    );
    // Of a log that has sealed nothing, nothing is said.
    let args = [
        "--ledger",
        "auditor",
        "--json",
        "audit",
        "--sign",
        "auditor.key.pem",
        "-o",
        "x",
    ];
    assert_eq!(
        place.run(&args).ends_with(1).document()["error"]["code"],
        "not_sealed"
    );
}

/// A log with an index whose last epoch, of the entries 3 to 5, is sealed so that `counted`
/// says what terms each has.
fn lying(counted: &dyn Fn(u64, Vec<Term>) -> Vec<Term>) -> Place {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let append = |case: &str| {
        let payload = format!(r#"{{"correlation_id":"{case}","tenant_id":"acme"}}"#);
        let args = ["append", "--kind", "event", "--payload", &payload];
        place.run(&args).ok();
    };
    ["a", "b"].into_iter().for_each(append);
    place.run(&["seal"]).ok();
    ["a", "b", "c"].into_iter().for_each(append);
    liar::seal(&place, counted);
    place
}

/// The entries 4 and 5 are left out of their cases.
fn two_left_out() -> Place {
    lying(&|seq, mut terms| {
        terms.retain(|term| seq < 4 || term.field != Field::Correlation);
        terms
    })
}

#[test]
fn an_entry_that_the_index_denies_is_a_conviction_that_stands_alone() {
    let place = two_left_out();
    let key = place.key();
    for seq in ["4", "5"] {
        let args = ["prove", seq, "-o", &format!("{seq}.proof")];
        place.run(&args).ok();
    }
    place.run(&["export", "-o", "all.bundle"]).ok();
    place
        .run(&["export", "--tenant", "acme", "-o", "acme.bundle"])
        .ok();
    place
        .run(&["export", "--correlation", "b", "-o", "b.bundle"])
        .ok();
    place
        .run(&["absent", "--correlation", "c", "-o", "no-c.bundle"])
        .ok();
    // Each alone says nothing against the log.
    for file in ["5.proof", "all.bundle", "acme.bundle", "no-c.bundle"] {
        place.run(&["verify", file, "--key", &key]).ok();
    }
    let denied = |files: [&str; 2], proof: &str| {
        let args = [&["--json", "diff"], &files[..], &["-o", proof]].concat();
        place.run(&args).ends_with(1).document()["equivocation"].clone()
    };
    for (holds, says, seq) in [
        ("5.proof", "no-c.bundle", 5),
        ("no-c.bundle", "acme.bundle", 5),
        ("ledger", "no-c.bundle", 5),
        ("4.proof", "b.bundle", 4),
        ("all.bundle", "b.bundle", 4),
    ] {
        let proof = format!("{holds}.{says}.denied");
        let found = denied([holds, says], &proof);
        assert_eq!(found["kind"], "index", "{found}");
        let detail = found["detail"].as_str().unwrap();
        let said = format!("entry {seq} has it and is left out");
        assert!(detail.ends_with(&said), "{detail}");
        let args = ["--json", "verify", &proof, "--key", &key];
        let report = place.run(&args).ok().document();
        assert_eq!(report["warnings"][0]["code"], "equivocation_proven");
        assert_eq!(report["format"], "equivocation");
        // For other keys it says nothing.
        place
            .run(&["verify", &proof, "--key", &"00".repeat(32)])
            .ends_with(1);
    }
    // Whatever holds the entry, it is the same proof.
    assert_eq!(
        place.read("5.proof.no-c.bundle.denied"),
        place.read("ledger.no-c.bundle.denied")
    );
    if have("python3", &["-c", "import cryptography"]) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/verify_index.py");
        let files = ["5.proof.no-c.bundle.denied", "4.proof.b.bundle.denied"];
        let args = [&["--key", &key], &files[..]].concat();
        let output = place.command_of(&program, &args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let found: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let expected = json!({"seq": 5, "field": "correlation", "value": "c", "left_out": true,
                              "epoch": 1});
        assert_eq!(found["denied"], expected);
        let changed = place
            .read(files[0])
            .replacen("\"value\":\"c\"", "\"value\":\"d\"", 1);
        place.write("changed.denied", changed);
        let args = ["--key", &key, "changed.denied"];
        let output = place.command_of(&program, &args).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
    }
    // An honest log's files convict nobody.
    let honest = lying(&|_, terms| terms);
    honest.run(&["verify"]).ok();
    honest.run(&["prove", "5", "-o", "5.proof"]).ok();
    honest
        .run(&["absent", "--correlation", "d", "-o", "no-d.bundle"])
        .ok();
    let args = ["--json", "diff", "5.proof", "no-d.bundle"];
    let found = honest.run(&args).ends_with(1).document();
    assert_eq!(found["equivocation"], Value::Null);
}

/// The first fault of a full verification of a ledger whose index is wrong.
fn first_fault(place: &Place) -> Value {
    let report = place.run(&["--json", "verify"]).ends_with(1).document();
    let fault = report["faults"][0].clone();
    assert_eq!(fault["code"], "index_mismatch", "{report}");
    fault
}

#[test]
fn a_full_verification_names_the_entry_that_an_index_leaves_out_or_adds() {
    let seal_more = |place: &Place| {
        for n in 0..4 {
            let payload = format!(r#"{{"correlation_id":"later-{n}"}}"#);
            let args = ["append", "--kind", "event", "--payload", &payload];
            place.run(&args).ok();
            place.run(&["seal"]).ok();
        }
    };
    // One of a case that has another entry, and one of a hidden term, which has three.
    for (field, term) in [
        (Field::Correlation, r#"correlation "b""#),
        (Field::Tenant, r#"tenant "acme""#),
    ] {
        let place = lying(&|seq, mut terms| {
            terms.retain(|term| seq != 4 || term.field != field);
            terms
        });
        let check = |place: &Place| {
            let fault = first_fault(place);
            assert_eq!((&fault["index"], &fault["seq"]), (&json!(1), &json!(4)));
            let detail = fault["detail"].as_str().unwrap();
            let said = format!(": it leaves out entry 4, which has {term}");
            assert!(detail.ends_with(&said), "{detail}");
        };
        check(&place);
        // Also after its tree was merged with those of other epochs.
        seal_more(&place);
        check(&place);
    }
    // One that is counted in a case of others.
    let place = lying(&|seq, mut terms| {
        if seq == 5 {
            terms.push(Term::new(Field::Correlation, "b"));
        }
        terms
    });
    let fault = first_fault(&place);
    assert_eq!(fault["seq"], 5);
    let detail = fault["detail"].as_str().unwrap();
    let said = r#": it counts entry 5, which does not have correlation "b""#;
    assert!(detail.ends_with(said), "{detail}");
    // Two that are missing of one term are counted.
    let place = lying(&|seq, mut terms| {
        terms.retain(|term| seq < 4 || term.field != Field::Kind);
        terms
    });
    let fault = first_fault(&place);
    assert_eq!(fault["seq"], Value::Null);
    let detail = fault["detail"].as_str().unwrap();
    let said = r#"of kind "event" it counts 1 entries in the epochs 1 to 1, or others, where 3"#;
    assert!(detail.contains(said), "{detail}");
}

#[test]
fn the_report_of_a_case_says_up_to_where_it_is_complete() {
    let place = place();
    let args = ["report", "--correlation", "order-1", "-o", "case.html"];
    place.run(&args).ok();
    let key = place.key();
    let args = ["verify", "case.html", "--as", "report", "--key", &key];
    let found = place
        .run(&[&["--json"], &args[..]].concat())
        .ok()
        .document();
    assert_eq!(found["complete"]["entries"], 2, "{found}");
    assert_eq!(found["not_checked"], json!(["index", "chain"]));
    let said = "complete by the log's signed index up to entry 6 (epoch 2)";
    let shown = place.run(&args).ok().stdout;
    assert!(shown.contains(said), "{shown}");
    // Without what the index says it is a report of some entries of the case.
    let text = place.read("case.html");
    let from = text.find("{\"index\":").unwrap();
    let line = text[from..].find('\n').unwrap() + 1;
    place.write("cut.html", [&text[..from], &text[from + line..]].concat());
    let args = [
        "--json", "verify", "cut.html", "--as", "report", "--key", &key,
    ];
    let cut = place.run(&args).ends_with(1).document();
    assert_eq!(cut["complete"], Value::Null);
}
