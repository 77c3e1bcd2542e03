//! Proofs, bundles and logbooks, as the program gives them away.

use serde_json::json;

use crate::place::{Place, refused_both_ways};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn prove_writes_a_proof_that_a_stranger_verifies() {
    let place = Place::with_tail();
    let run = place.run(&["prove", "3", "-o", "3.proof"]).ok();
    assert_eq!(
        run.stderr,
        "sealbook: note: proof that entry 3 is in epoch 0 in 3.proof\n"
    );
    let printed = place.run(&["prove", "3", "-o", "-"]).ok();
    assert_eq!(printed.stdout, place.read("3.proof"));
    let key = place.key();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    let run = place.run(&["verify", "3.proof", "--key", &key]).ok();
    assert!(run.stdout.starts_with("PASS  proof, 1 entries, 1 epochs\n"));
}

#[test]
fn prove_answers_no_for_what_is_not_sealed_or_not_there() {
    let place = Place::with_tail();
    place
        .run(&["--json", "prove", "7", "-o", "x"])
        .refused_with(
            1,
            "not_sealed",
            "entry 7 is not sealed yet",
            "run `sealbook seal` first",
        );
    place
        .run(&["--json", "prove", "9", "-o", "x"])
        .refused_with(1, "not_found", "there is no entry 9", "");
    assert!(!place.path("x").exists());
}

#[test]
fn export_writes_bundles_and_logbooks_that_a_stranger_verifies() {
    let place = Place::with_tail();
    let key = place.key();
    for (args, name, entries, format) in [
        (&["-o", "all.bundle"][..], "all.bundle", 9, "bundle"),
        (
            &["-o", "part", "--from-seq", "2", "--until-seq", "4"],
            "part",
            3,
            "bundle",
        ),
        (
            &["-o", "all.jsonl", "--format", "logbook"],
            "all.jsonl",
            9,
            "logbook",
        ),
        (
            &["-o", "some", "--format", "logbook", "--until-seq", "3"],
            "some",
            4,
            "logbook",
        ),
    ] {
        let run = place.run(&[&["export"], args].concat()).ok();
        let note = format!("sealbook: note: {entries} entries in {name}\n");
        assert_eq!((run.stdout.as_str(), run.stderr), ("", note));
        let run = place.run(&["--json", "verify", name, "--key", &key]).ok();
        let report = run.document();
        assert_eq!(
            (&report["entries"], &report["format"]),
            (&entries.into(), &format.into())
        );
    }
    let mode = fs::metadata(place.path("all.bundle"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644, "evidence is for others to read");
    let printed = place.run(&["export", "-o", "-"]).ok();
    assert_eq!(printed.stdout, place.read("all.bundle"));
}

#[test]
fn export_of_what_cannot_be_chosen_is_refused_and_leaves_no_file() {
    let place = Place::with_tail();
    for args in [
        &["--from-seq", "1"][..],
        &["--kind", "note"],
        &["--limit", "3"],
    ] {
        let logbook = ["export", "-o", "x", "--format", "logbook"];
        let detail =
            "a logbook is the log from its first entry on: --until-seq alone may shorten it";
        let args = [&logbook[..], args].concat();
        refused_both_ways(&place, &args, "usage", detail, "");
    }
    for (range, code, detail) in [
        (["9", "20"], "not_found", "no entry lies in the range"),
        (["4", "3"], "not_found", "no entry lies in the range"),
        (["6", "7"], "not_sealed", "entry 6 is not sealed yet"),
    ] {
        let [from, until] = range;
        let run = place.run(&[
            "--json",
            "export",
            "-o",
            "x",
            "--from-seq",
            from,
            "--until-seq",
            until,
        ]);
        let hint = match code {
            "not_sealed" => "run `sealbook seal` first",
            _ => "",
        };
        run.refused_with(1, code, detail, hint);
    }
    let left: Vec<_> = fs::read_dir(place.dir()).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

const SEAL_HINT: &str = "--seal seals it first, and what is not sealed then cannot be missed";

#[test]
fn evidence_that_is_asked_for_at_once_is_there_or_refused_and_never_empty() {
    let payload =
        r#"{"correlation_id":"c","tenant_id":"t","worker_id":"w","decision_id":"d","denied":true}"#;
    for filter in [
        ["--correlation", "c"],
        ["--tenant", "t"],
        ["--worker", "w"],
        ["--decision", "d"],
        ["--kind", "incident"],
        ["--limit", "1"],
    ] {
        for before in [Place::initialised(), Place::sealed()] {
            let place = before;
            place
                .run(&["append", "--kind", "incident", "--payload", payload])
                .ok();
            let key = place.key();
            let last = place.count() - 1;
            let newest = [
                &["--json", "export", "--reverse", "-o", "e.bundle"],
                &filter[..],
            ]
            .concat();
            let detail = format!("entry {last} of the selection is not sealed yet");
            let run = place.run(&newest);
            run.refused_with(1, "not_sealed", &detail, SEAL_HINT);
            let left = fs::read_dir(place.dir()).unwrap().count();
            assert_eq!(left, 3, "{filter:?}");
            place.run(&[&newest[..], &["--seal"]].concat()).ok();
            let report = place.run(&["--json", "verify", "e.bundle", "--key", &key]);
            assert_eq!(report.ok().document()["entries"], 1, "{filter:?}");
        }
    }
}

#[test]
fn a_selection_verifies_entry_by_entry_and_says_that_it_is_one() {
    let place = Place::with_tail();
    let key = place.key();
    let export = [
        "export",
        "-o",
        "s.bundle",
        "--kind",
        "note",
        "--until-seq",
        "7",
    ];
    // Some of it is sealed, and some is not: neither is given without the other.
    let detail = "entry 6 of the selection is not sealed yet";
    place
        .run(&export)
        .refused_with(1, "not_sealed", detail, SEAL_HINT);
    assert!(!place.path("s.bundle").exists());
    let sealed = [&export[..5], &["--until-seq", "5"]].concat();
    let run = place.run(&sealed).ok();
    assert_eq!(run.stderr, "sealbook: note: 5 entries in s.bundle\n");
    let verify = ["--json", "verify", "s.bundle", "--key", &key];
    let report = place.run(&verify).ok().document();
    assert_eq!(
        (&report["entries"], &report["epochs"]),
        (&5.into(), &1.into())
    );
    assert_eq!(report["not_checked"], json!(["index", "chain"]));

    let run = place.run(&[&export[..], &["--seal"]].concat()).ok();
    assert_eq!(run.stderr, "sealbook: note: 7 entries in s.bundle\n");
    let report = place.run(&verify).ok().document();
    assert_eq!(
        (&report["entries"], &report["epochs"]),
        (&7.into(), &2.into())
    );
    let damaged = place.read("s.bundle").replacen("\"n\":7", "\"n\":6", 1);
    place.write("s.bundle", damaged);
    let report = place.run(&verify).ends_with(1).document();
    assert_eq!(report["faults"][0]["index"], 6, "{report:#}");
    place
        .run(&["--json", "export", "-o", "none", "--kind", "none"])
        .refused_with(1, "not_found", "no entry lies in the range", "");
    assert!(!place.path("none").exists());
}
