//! Two copies of one log: where they part, and what its key signed twice.

use serde_json::{Value, json};

use crate::books::{book, export, verify, warning_codes};
use crate::place::{Place, fault};

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
    let output = place.without_original(|| command.output().unwrap());
    assert!(output.status.success());
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
