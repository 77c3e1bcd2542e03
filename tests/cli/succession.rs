//! Books that continue each other, and books that were ended.

use serde_json::Value;

use crate::books::{verify, warning_codes};
use crate::place::{Place, codes, fault};

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

/// Blank lines are passed over in front of entry 0 as anywhere else, however many there
/// are: a book is recognised by its first line that is not blank.
#[test]
fn blank_lines_before_entry_0_of_a_second_book_change_nothing() {
    let place = Place::sealed();
    let root = place.key();
    place.run(&["rotate"]).ok();
    for (ledger, name) in [("ledger", "first.jsonl"), ("ledger.2", "second.jsonl")] {
        let export = ["--ledger", ledger, "export", "--format", "logbook"];
        place.run(&[&export[..], &["-o", name]].concat()).ok();
    }
    let (first, second) = (place.read("first.jsonl"), place.read("second.jsonl"));
    for blank in ["\n", "\r\n", " \t\n"] {
        for count in [1, 3, 4, 5, 600, 5_000] {
            let lines = blank.repeat(count);
            place.write("first.jsonl", format!("{lines}{first}"));
            place.write("second.jsonl", format!("{lines}{second}"));
            for names in [
                ["first.jsonl", "second.jsonl"],
                ["second.jsonl", "first.jsonl"],
            ] {
                let report = verify_all(&place, &names, &root, 0);
                assert_eq!(report["passed"], 2, "{count} of {blank:?}: {report:#}");
            }
        }
    }
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
        "sealbook: error: changed: it is not a revocation, or its signature is wrong\n"
    );
}

/// What is taken out of a ledger is held against the revocation that its report carries,
/// and against the one that is given, whatever kind of file it is.
#[test]
fn a_report_carries_the_revocation_and_every_kind_of_file_is_held_against_it() {
    let place = Place::empty();
    place.run(&["--ledger", "vault", "init"]).ok();
    let recovery = place.run(&["--ledger", "vault", "key"]).ok().stdout;
    place.run(&["init", "--recovery-key", recovery.trim()]).ok();
    for n in 1..6 {
        let payload = format!(r#"{{"correlation_id":"c-1","tenant_id":"acme","n":{n}}}"#);
        place
            .run(&["append", "--kind", "note", "--payload", &payload])
            .ok();
    }
    place.run(&["seal"]).ok();
    let key = place.key();
    let revoke = |seq: &str, by: &str, file: &str| {
        place.run(&["revoke", seq, "--key", by, "-o", file]).ok();
    };
    revoke("3", "vault.key.pem", "revoked");
    revoke("5", "vault.key.pem", "at-the-end");
    let files = [
        ("case.bundle", &["export", "--correlation", "c-1"][..]),
        ("tenant.bundle", &["export", "--tenant", "acme"]),
        ("range.bundle", &["export"]),
        ("book.jsonl", &["export", "--format", "logbook"]),
        ("entry.proof", &["prove", "4"]),
        ("case.html", &["report", "--correlation", "c-1"]),
    ];
    for (file, made) in files {
        place.run(&[made, &["-o", file]].concat()).ok();
        verify(&place, &[file, "--key", &key], 0);
        let report = verify(&place, &[file, "--key", &key, "--revoked", "revoked"], 1);
        assert_eq!(fault(&report).0, "untrusted_key", "{file}");
        assert_eq!(report["faults"][0]["seq"], 4, "{file}");
    }
    // The report says so by itself; one that says otherwise is a report of another.
    let report = |revoked: &str| {
        let args = [
            "report",
            "--correlation",
            "c-1",
            "--force",
            "-o",
            "case.html",
        ];
        place
            .run(&[&args[..], &["--revoked", revoked]].concat())
            .ok();
    };
    report("revoked");
    let found = verify(&place, &["case.html", "--key", &key], 1);
    assert_eq!(fault(&found).0, "untrusted_key");
    let given = ["case.html", "--key", &key, "--revoked", "revoked"];
    assert_eq!(codes(&verify(&place, &given, 1)), ["untrusted_key"]);
    let forged = place
        .read("case.html")
        .replace("\\\"seq\\\":3", "\\\"seq\\\":2");
    place.write("forged.html", forged);
    let found = verify(&place, &["forged.html", "--key", &key], 1);
    assert_eq!(codes(&found), ["format_mismatch"]);
    // What its header says of the end is the word of the key that is revoked. Headers that
    // were published before show it.
    report("at-the-end");
    let found = verify(&place, &["case.html", "--key", &key], 1);
    assert_eq!(codes(&found), ["revocation_not_applicable"]);
    let header = place.run(&["--json", "epochs"]).ok().stdout;
    place.write("published", header);
    let kept = ["case.html", "--key", &key, "--contains", "published"];
    assert_eq!(warning_codes(&verify(&place, &kept, 0)), ["revoked"]);
    // Of another log there is nothing to carry.
    place.run(&["--ledger", "other", "init"]).ok();
    let other = [
        "--ledger",
        "other",
        "revoke",
        "0",
        "--key",
        "vault.key.pem",
        "-o",
        "others",
    ];
    place.run(&other).ok();
    report("others");
    assert!(!place.read("case.html").contains("\"revocations\""));
}

#[cfg(feature = "serve")]
#[test]
fn a_server_holds_what_it_is_sent_against_the_revocations_that_it_was_given() {
    let place = Place::empty();
    place.run(&["--ledger", "vault", "init"]).ok();
    let recovery = place.run(&["--ledger", "vault", "key"]).ok().stdout;
    place.run(&["init", "--recovery-key", recovery.trim()]).ok();
    place.append(1..6);
    let key = place.key();
    place.run(&["export", "--seal", "-o", "whole.bundle"]).ok();
    place
        .run(&["export", "--until-seq", "3", "-o", "before.bundle"])
        .ok();
    let revoke = |seq: &str, by: &str, file: &str| {
        place.run(&["revoke", seq, "--key", by, "-o", file]).ok();
    };
    revoke("3", "vault.key.pem", "revoked");
    place.run(&["--ledger", "hall", "init"]).ok();
    let serve = [
        "--ledger",
        "hall",
        "serve",
        "--port",
        "0",
        "--revoked",
        "revoked",
    ];
    let server = crate::disks::Server::start(&place, &serve);
    let (status, known) = server.ask("GET", "/v1/revocations", "");
    let known: Value = serde_json::from_str(known.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (status, &known["revocations"][0]["log"]),
        (200, &key.clone().into())
    );
    assert_eq!(known["revocations"][0]["file"], place.read("revoked"));
    let asked = format!("/v1/verify?key={key}");
    let judged = |file: &str| {
        let (status, answer) = server.ask("POST", &asked, &place.read(file));
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str::<Value>(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    };
    assert_eq!(codes(&judged("whole.bundle")), ["untrusted_key"]);
    assert_eq!(warning_codes(&judged("before.bundle")), ["revoked"]);
    let import = |file: &str, more: &[&str], status| {
        let args = ["--json", "--ledger", "hall", "import", file, "--key", &key];
        place
            .run(&[&args[..], more].concat())
            .ends_with(status)
            .document()
    };
    let refused = import("whole.bundle", &[], 1);
    assert_eq!(codes(&refused["report"]), ["untrusted_key"]);
    // A successor shows by the closing entry that it may, to the server too.
    place.run(&["rotate", "next"]).ok();
    revoke("2", "next.key.pem", "by-successor");
    let refused = import("before.bundle", &["--revoked", "by-successor"], 1);
    assert_eq!(codes(&refused["report"]), ["untrusted_key"]);
    assert_eq!(import("before.bundle", &[], 0)["outcome"], "imported");
}

/// Rules with a gate that wants a human.
fn wants_a_human(place: &Place) {
    place.write(
        "rules.json",
        r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"}, "decision": {
            "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}],
            "escalation": {"policy_gate": true}}}]}"#,
    );
    place.write(
        "gate.rego",
        "package wcp\n\ngate := {\"decision\": \"REQUIRE_HUMAN\", \"policy_version\": \"p1\", \"reason\": \"r\"}\n",
    );
    std::fs::create_dir_all(place.path("enrolled")).unwrap();
}

#[test]
fn what_is_alive_passes_over_a_rotation_and_the_chain_is_one_custody() {
    let place = Place::initialised();
    wants_a_human(&place);
    let route = [
        "--json",
        "route",
        "--capability",
        "cap.a",
        "--policy",
        "gate.rego",
        "--correlation-id",
        "c-1",
    ];
    let denied = place.run(&route).ends_with(1).document();
    let denied = denied["receipt"]["entry_hash"].clone();
    place
        .run(&["worker", "ban", "--namespace", "org.bad", "--why", "w"])
        .ok();
    place
        .run(&["worker", "ban", "--worker-id", "org.b", "--why", "w"])
        .ok();
    place
        .run(&["worker", "lift-ban", "--worker-id", "org.b", "--why", "w"])
        .ok();
    place.run(&["worker", "revoke", "org.c", "--why", "w"]).ok();
    place.run(&["seal", "--publish", "public"]).ok();
    place.run(&["rotate", "second"]).ok();
    let log = place
        .run(&["--json", "--ledger", "second", "log"])
        .ok()
        .documents();
    let kinds: Vec<_> = log
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!(
        (
            count("hall.ban"),
            count("hall.revocation"),
            count("wcp.decision")
        ),
        (1, 1, 1)
    );
    let decision = log
        .iter()
        .find(|entry| entry["kind"] == "wcp.decision")
        .unwrap();
    assert_eq!(decision["payload"]["carried"]["hash"], denied);
    // Again it is the same, and nothing stands twice.
    place.run(&["rotate", "second"]).ok();
    let again = place
        .run(&["--json", "--ledger", "second", "log"])
        .ok()
        .documents();
    assert_eq!(again.len(), log.len());
    place.run(&["--ledger", "second", "verify"]).ok();
    // The file of the first book stays as it is.
    let published = std::fs::read(place.path("public")).unwrap();
    place
        .run(&["--ledger", "second", "seal", "--publish", "public"])
        .ok();
    assert_eq!(std::fs::read(place.path("public")).unwrap(), published);

    // Both books are one custody.
    let books = ["--books", "second", "--books", "ledger"];
    let log = place
        .run(&[&["--json", "log"][..], &books].concat())
        .ok()
        .documents();
    assert_eq!(
        (&log[0]["book"], &log[log.len() - 1]["book"]),
        (&0.into(), &1.into())
    );
    let stats = place
        .run(&[&["--json", "stats"][..], &books].concat())
        .ok()
        .document();
    assert_eq!(stats["books"].as_array().unwrap().len(), 2);
    assert_eq!(stats["entries"], log.len());
    let replayed = place
        .run(&[&["--json", "replay", "--correlation", "c-1"][..], &books].concat())
        .ok()
        .document();
    assert_eq!(replayed["verdict"], "pass");
    assert_eq!(replayed["counts"]["decisions"], 2);
    assert_eq!(replayed["counts"]["mismatched"], 0);
    place
        .run(&["log", "--books", "second", "--books", "third"])
        .ends_with(2);
}
