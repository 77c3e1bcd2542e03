//! A second key, of ML-DSA-44: made with the log or added to it, and up to which entry its
//! signature protects.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sealbook::ledger::note::{Algorithm, VerifierKey};
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use serde_json::Value;

use crate::place::{Place, codes};

const NAME: &str = "log.example.com/second";

fn vkey(place: &Place, second: bool) -> VerifierKey {
    let mut args = vec!["key", "--vkey"];
    args.extend(second.then_some("--post-quantum"));
    place.run(&args).ok().stdout.trim().parse().unwrap()
}

fn checkpoint(place: &Place) -> SignedCheckpoint {
    SignedCheckpoint::parse(&fs::read(place.path("public/checkpoint")).unwrap()).unwrap()
}

fn publish(place: &Place) -> Value {
    place
        .run(&["--json", "publish", "--to", "public"])
        .ok()
        .document()
}

/// The policy of somebody who asks for the second key's word.
fn policy(place: &Place) {
    let text = format!(
        "log {}\nwitness own {}\nquorum own\n",
        vkey(place, false),
        vkey(place, true)
    );
    place.write("policy", text);
}

fn verified(place: &Place, what: &str, status: i32) -> Value {
    let key = place.key();
    let args = [
        "--json", "verify", what, "--key", &key, "--policy", "policy",
    ];
    place.run(&args).ends_with(status).document()
}

#[test]
fn a_log_begun_with_a_second_key_is_protected_up_to_its_last_checkpoint() {
    let place = Place::empty();
    let made = place
        .run(&["--json", "init", "--post-quantum"])
        .ok()
        .document();
    let file = place.path(made["second_key_file"].as_str().unwrap());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    place.append(0..6);
    let done = place
        .run(&["--json", "publish", "--to", "public", "--name", NAME])
        .ok()
        .document();
    let size = done["size"].as_u64().unwrap();
    let kept = done["witnessed"].as_u64().unwrap();
    assert_eq!(kept, size);
    let second = vkey(&place, true);
    assert!(matches!(second.algorithm(), Algorithm::MlDsa44(_)));
    assert_eq!(second.name().as_str(), NAME);
    let note = checkpoint(&place);
    assert_eq!(note.note().signatures().len(), 2);
    assert!(second.verify(note.note()).unwrap().time.is_some());
    policy(&place);
    place.append(6..9);
    // What a seal ties is signed, too; its own entry comes after it.
    place.run(&["seal"]).ok();
    let size = u64::try_from(place.count()).unwrap() - 1;
    place.append(9..11);
    for (format, name) in [("logbook", "all.jsonl"), ("bundle", "all.bundle")] {
        place.run(&["export", "--format", format, "-o", name]).ok();
    }
    for what in ["ledger", "all.jsonl", "all.bundle"] {
        let report = verified(&place, what, 0);
        let protected = &report["witnessed"]["post_quantum"];
        assert_eq!(protected["entries"], size, "{what} {report}");
        assert_eq!(protected["witnesses"][0], "own");
        assert_eq!(report["witnessed"]["entries"], size);
        // Of the last entry, which no checkpoint holds, only that it came after one.
        assert!(report["witnessed"]["last"]["not_earlier"].is_object());
        assert_eq!(report["witnessed"]["last"]["not_later"], Value::Null);
    }
    let said = place.run(&["verify", "--policy", "policy"]).ok().stdout;
    assert!(
        said.contains(&format!("post-quantum up to entry {}, by own", size - 1)),
        "{said}"
    );
    // Nothing else was appended since: nothing more is kept.
    place
        .run(&[
            "export",
            "--format",
            "logbook",
            "-o",
            "x",
            "--until-seq",
            "4",
        ])
        .ok();
    let report = verified(&place, "x", 1);
    assert_eq!(codes(&report), ["quorum_missing"]);
    assert_eq!(report["witnessed"]["post_quantum"]["entries"], 0);
}

#[test]
fn a_second_key_is_added_to_a_log_and_the_last_one_counts() {
    let place = Place::sealed();
    place
        .run(&["publish", "--to", "public", "--name", NAME])
        .ok();
    assert_eq!(checkpoint(&place).note().signatures().len(), 1);
    let added = place.run(&["--json", "key", "add"]).ok().document();
    place.append(6..7);
    publish(&place);
    let first = vkey(&place, true);
    first.verify(checkpoint(&place).note()).unwrap();
    let Algorithm::MlDsa44(key) = first.algorithm() else {
        panic!("{first}");
    };
    assert_eq!(added["second_key_sha256"], key.digest().to_string());
    // Its file is not replaced, nor used for another log's.
    place.run(&["--json", "key", "add"]).ends_with(2);
    place.run(&["key", "add", "--second-key", "other.pem"]).ok();
    place.append(7..8);
    let run = place
        .run(&["--json", "publish", "--to", "public"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "key_mismatch");
    let other = place.path("other.pem");
    let mut command = place.command(&["publish", "--to", "public"]);
    let status = command.env("SEALBOOK_SECOND_KEY", &other).status().unwrap();
    assert!(status.success());
    let second = vkey(&place, true);
    assert_ne!(second.id(), first.id());
    second.verify(checkpoint(&place).note()).unwrap();
    // The key's file is as private as the other one.
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    place.append(8..9);
    let mut command = place.command(&["--json", "publish", "--to", "public"]);
    let refused = command.env("SEALBOOK_SECOND_KEY", &other).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("key_readable"));
}

#[test]
fn a_report_carries_what_the_second_key_signed_over_its_entries() {
    let place = Place::empty();
    place.run(&["init", "--post-quantum"]).ok();
    place
        .run(&["publish", "--to", "public", "--name", NAME])
        .ok();
    policy(&place);
    for n in 0..3 {
        let entry = format!(
            "{{\"kind\":\"note\",\"payload\":{{\"correlation_id\":\"order-7\",\"n\":{n}}}}}\n"
        );
        place.run_with(&["append", "--jsonl", "-"], &entry).ok();
        place.run(&["seal"]).ok();
    }
    let report = ["report", "--correlation", "order-7", "-o", "case.html"];
    place.run(&report).ok();
    let judged = verified(&place, "case.html", 0);
    let each = judged["witnessed"]["each"].as_array().unwrap();
    assert_eq!(each.len(), 3);
    for one in each {
        // The seal after each entry had the second key sign a checkpoint of it.
        let seq = one["seq"].as_u64().unwrap();
        assert_eq!(one["post_quantum"]["witnesses"][0], "own", "{one}");
        assert_eq!(one["post_quantum"]["entries"], one["not_later"]["size"]);
        assert!(one["post_quantum"]["entries"].as_u64().unwrap() > seq);
        assert!(one["not_earlier"].is_object(), "{one}");
    }
    let (key, seq) = (place.key(), each[0]["seq"].to_string());
    let verify = ["verify", "case.html", "--key", &key, "--policy", "policy"];
    let said = place.run(&verify).ok().stdout;
    let line = format!("entry {seq} post-quantum by own (checkpoint of ");
    assert!(said.contains(&line), "{said}");
    // It is carried also where the quorum is another's, and judged where it is asked for.
    let second = place.read("policy");
    let plain = second.replace("quorum own", "quorum none");
    place.write("policy", &plain);
    let open = verified(&place, "case.html", 0);
    assert_eq!(
        open["witnessed"]["each"][0]["post_quantum"]["witnesses"][0],
        "own"
    );
    assert!(open["witnessed"]["each"][0]["not_later"].is_null());
    place.write(
        "policy",
        format!("log {}\nquorum none\n", vkey(&place, false)),
    );
    let none = verified(&place, "case.html", 0);
    assert!(none["witnessed"]["each"][0].get("post_quantum").is_none());
    // One changed byte of a signature makes its checkpoint worthless.
    place.write("policy", &second);
    let text = place.read("case.html");
    let at = text.find("\\n\u{2014} log.example.com/second ").unwrap();
    let line = text[at + 1..]
        .find("\\n\u{2014} log.example.com/second ")
        .unwrap()
        + at
        + 1;
    let letter = line + 1_000;
    let other = if &text[letter..=letter] == "A" {
        "B"
    } else {
        "A"
    };
    let mut changed = text.clone();
    changed.replace_range(letter..=letter, other);
    place.write("case.html", changed);
    let wrong = verified(&place, "case.html", 1);
    let detail = wrong["witnessed"]["faults"][0]["detail"].as_str().unwrap();
    assert!(
        detail.contains(&format!("the signature of {NAME} is wrong")),
        "{detail}"
    );
    assert!(wrong["witnessed"]["each"][0].get("post_quantum").is_none());
}

#[test]
fn a_book_that_continues_another_has_a_second_key_of_its_own() {
    let place = Place::empty();
    place.run(&["init", "--post-quantum"]).ok();
    place.append(0..3);
    place.run(&["rotate"]).ok();
    assert!(place.path("ledger.2.key.ml-dsa.pem").is_file());
    let name = format!("{NAME}/2");
    let publish = [
        "--ledger", "ledger.2", "publish", "--to", "public", "--name", &name,
    ];
    place.run(&publish).ok();
    assert_eq!(checkpoint(&place).note().signatures().len(), 2);
    let keys = ["ledger.key.ml-dsa.pem", "ledger.2.key.ml-dsa.pem"].map(|file| place.read(file));
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_second_key_under_a_passphrase_is_opened_by_it_alone() {
    let place = Place::empty();
    let with = |args: &[&str], passphrase: &str| {
        let mut command = place.command(args);
        command
            .env("SEALBOOK_KEY_PASSPHRASE", passphrase)
            .output()
            .unwrap()
    };
    assert!(
        with(&["init", "--post-quantum", "--encrypt-key"], "sesame")
            .status
            .success()
    );
    let text = place.read("ledger.key.ml-dsa.pem");
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let publish = ["publish", "--to", "public", "--name", NAME];
    assert!(with(&publish, "sesame").status.success());
    assert_eq!(checkpoint(&place).note().signatures().len(), 2);
}

#[test]
fn a_seal_has_the_second_key_sign_what_it_ties_although_nothing_is_published() {
    let place = Place::empty();
    place.run(&["init", "--post-quantum"]).ok();
    // The log gets its name, and is never published again.
    place
        .run(&["publish", "--to", "public", "--name", NAME])
        .ok();
    policy(&place);
    place.append(0..4);
    place.run(&["seal"]).ok();
    let report = verified(&place, "ledger", 0);
    let protected = report["witnessed"]["post_quantum"]["entries"]
        .as_u64()
        .unwrap();
    assert_eq!(protected, report["entries"].as_u64().unwrap() - 1);
    // Sealing what only keeps that signature asks for no other one.
    let entries = place.count();
    place.run(&["seal"]).ok();
    place.run(&["seal", "--if-any"]).ok();
    assert_eq!(place.count(), entries);
    let public = checkpoint(&place).content().size;
    assert!(public < protected);
}

#[test]
fn a_policy_with_another_second_key_than_the_log_binds_is_told_of() {
    let place = Place::empty();
    place.run(&["init", "--post-quantum"]).ok();
    place.append(0..2);
    place
        .run(&["publish", "--to", "public", "--name", NAME])
        .ok();
    policy(&place);
    let own = place.read("policy");
    let other = sealbook::ledger::note::MlDsaSigner::from_seed(&[9; 32].into()).unwrap();
    let other = VerifierKey::new(
        NAME.parse().unwrap(),
        Algorithm::MlDsa44(other.public_key()),
    );
    let right = vkey(&place, true).to_string();
    let text = own.replace(&right, &other.to_string());
    place.write("policy", text.replace("quorum own", "quorum none"));
    let report = verified(&place, "ledger", 1);
    let detail = report["witnessed"]["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("the policy names sha256:"), "{detail}");
    assert_eq!(report["witnessed"]["post_quantum"]["entries"], 0);
    // A report proves which key the log binds.
    let entry = "{\"kind\":\"note\",\"payload\":{\"correlation_id\":\"a\"}}\n";
    place.run_with(&["append", "--jsonl", "-"], entry).ok();
    place.run(&["seal"]).ok();
    place
        .run(&["report", "--correlation", "a", "-o", "case.html"])
        .ok();
    let report = verified(&place, "case.html", 1);
    let detail = report["witnessed"]["faults"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("the policy names sha256:"), "{detail}");
    place.write("policy", own);
    verified(&place, "case.html", 0);
}
