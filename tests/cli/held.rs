//! What is held against a log, and by which key it is judged: said rightly, and never
//! passed over.

use std::fs;

use serde_json::{Value, json};

use crate::notes::{Public, other};
use crate::place::{Place, codes};

/// What is held against a log is held against all that shows any of it: one entry, or the
/// tiles of all.
#[test]
fn what_is_held_against_a_tlog_proof_or_a_folder_of_tiles_is_never_passed_over() {
    let public = Public::new();
    let (place, key) = (&public.place, public.key.as_str());
    place.run(&["head", "-o", "head.json"]).ok();
    let revoke = ["revoke", "1", "-o", "revoked", "--key", "ledger.key.pem"];
    let told = place.run(&revoke).ok().stderr;
    assert!(told.contains("a revocation by it has no effect"), "{told}");
    for name in ["own.receipts", "others.receipts"] {
        let append = ["--json", "append", "--kind", "note", "--payload", "{}"];
        place.write(name, place.run(&append).ok().stdout);
    }
    for args in [
        &["seal"][..],
        &["publish", "--to", "public"],
        &[
            "export",
            "--format",
            "logbook",
            "-o",
            "all.jsonl",
            "--force",
        ],
    ] {
        place.run(args).ok();
    }
    let own: Value = serde_json::from_str(&place.read("own.receipts")).unwrap();
    let seq = own["seq"].to_string();
    let mut another: Value = serde_json::from_str(&place.read("others.receipts")).unwrap();
    another["seq"] = own["seq"].clone();
    place.write("false.receipts", format!("{another}\n"));
    let prove = ["prove", &seq, "--tlog", "public", "-o", "own.tlog-proof"];
    place.run(&prove).ok();
    fs::copy(place.path("public/checkpoint"), place.path("kept")).unwrap();
    public.signs("forked", |checkpoint| other(&mut checkpoint.root));
    let proof = ["own.tlog-proof", "--entry", "all.jsonl", "--key", key];
    let tiles = ["public", "--key", key];
    let none = "1".repeat(64);
    for (files, held, wanted) in [
        (
            &proof[..],
            &["--revoked", "revoked"][..],
            "revocation_not_applicable",
        ),
        (
            &tiles,
            &["--revoked", "revoked"],
            "revocation_not_applicable",
        ),
        (&proof, &["--expect-head", &none], "head_mismatch"),
        (&tiles, &["--expect-head", &none], "head_mismatch"),
        (&proof, &["--contains", "head.json"], "head_not_contained"),
        (&tiles, &["--contains", "head.json"], "head_not_contained"),
        (
            &proof,
            &["--receipts", "false.receipts"],
            "receipt_mismatch",
        ),
        (&proof, &["--correlation", "c-1"], "filter_mismatch"),
        (&tiles, &["--tenant", "t"], "filter_mismatch"),
        (&proof, &["--contains", "forked"], "head_not_contained"),
        (&tiles, &["--contains", "forked"], "head_not_contained"),
    ] {
        let report = public.verify(&[files, held].concat(), 1);
        assert_eq!(codes(&report), [wanted], "{held:?}: {report:#}");
    }
    // By its content, whichever of the two usual names it has.
    fs::copy(place.path("own.tlog-proof"), place.path("own.proof")).unwrap();
    public.verify(&[&["own.proof"], &proof[1..]].concat(), 0);
    // What they do show holds, and what a part need not have is said to be open.
    let report = public.verify(
        &[&proof[..], &["--receipts", "others.receipts"]].concat(),
        0,
    );
    assert_eq!(report["not_checked"], json!(["receipts"]));
    let report = public.verify(&[&tiles[..], &["--receipts", "own.receipts"]].concat(), 0);
    let open = json!(["signatures", "chain", "receipts"]);
    assert_eq!(report["not_checked"], open);
    public.verify(&[&proof[..], &["--receipts", "own.receipts"]].concat(), 0);
    public.verify(&[&tiles[..], &["--contains", "kept"]].concat(), 0);
    public.verify(&[&tiles[..], &["--contains", "public/headers"]].concat(), 0);
    let allowed = ["--revoked", "revoked", "--allow-revocation-not-applicable"];
    let report = public.verify(&[&proof[..], &allowed].concat(), 0);
    assert_eq!(
        report["not_checked"],
        serde_json::json!(["revocation_not_applicable"])
    );
}

#[test]
fn a_key_that_is_not_the_logs_is_not_said_to_be_the_one_that_was_given() {
    let place = Place::sealed();
    place.run(&["--ledger", "other", "init"]).ok();
    let key = place.run(&["--ledger", "other", "key"]).ok().stdout;
    place.run(&["export", "-o", "b.bundle"]).ok();
    for path in ["ledger", "b.bundle"] {
        let run = place
            .run(&["verify", path, "--key", key.trim()])
            .ends_with(1);
        assert!(
            run.stdout.contains("(none of the keys given)"),
            "{}",
            run.stdout
        );
        let run = place.run(&["verify", path, "--key", &place.key()]).ok();
        assert!(run.stdout.contains("(the key given)"), "{}", run.stdout);
    }
    let run = place.run(&["verify", "b.bundle"]).ends_with(1);
    assert!(
        run.stdout.contains("(no trusted key given: pass --key)"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_proof_of_absence_says_that_it_is_of_texts() {
    let place = Place::empty();
    place.run(&["init"]).ok();
    let payload = "{\"correlation_id\":4711}";
    place
        .run(&["append", "--kind", "a", "--payload", payload])
        .ok();
    place.run(&["seal"]).ok();
    let run = place
        .run(&["absent", "--correlation", "4711", "-o", "n.bundle"])
        .ok();
    let said = "it says nothing of those where it is the JSON value 4711";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let run = place
        .run(&["absent", "--correlation", "c-1", "-o", "c.bundle"])
        .ok();
    assert!(!run.stderr.contains("it says nothing"), "{}", run.stderr);
}

/// It convicts the key of what it signed, whoever held it then.
#[test]
fn a_proof_of_equivocation_holds_whatever_was_revoked() {
    let place = Place::empty();
    place.run(&["--ledger", "vault", "init"]).ok();
    let recovery = place.run(&["--ledger", "vault", "key"]).ok().stdout;
    place.run(&["init", "--recovery-key", recovery.trim()]).ok();
    place.copy("ledger", "fork");
    fs::copy(place.path("ledger.mark"), place.path("fork.mark")).unwrap();
    place.append(1..3);
    place
        .run(&["export", "--format", "logbook", "-o", "one.jsonl"])
        .ok();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    fs::rename(place.path("fork"), place.path("ledger")).unwrap();
    fs::rename(place.path("fork.mark"), place.path("ledger.mark")).unwrap();
    place.append(11..13);
    let key = place.key();
    let diff = ["diff", "one.jsonl", "ledger", "-o", "proof"];
    place.run(&diff).ends_with(1);
    for (ledger, file) in [("ledger", "revoked"), ("vault", "others")] {
        let revoke = ["--ledger", ledger, "revoke", "0", "-o", file];
        let by = ["--key", "vault.key.pem", "--reason", "stolen"];
        place.run(&[&revoke[..], &by].concat()).ok();
    }
    let warned = |revoked: &str| {
        let verify = [
            "--json",
            "verify",
            "proof",
            "--key",
            &key,
            "--revoked",
            revoked,
        ];
        let report = place.run(&verify).ok().document();
        assert_eq!(report["not_checked"], json!([]));
        let warnings = report["warnings"].as_array().unwrap().iter();
        let codes = warnings.map(|it| it["code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(
        warned("revoked"),
        ["equivocation_proven", "revocation_ignored"]
    );
    let others = ["equivocation_proven", "revocation_of_another_log"];
    assert_eq!(warned("others"), others);
}
