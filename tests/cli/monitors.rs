//! `monitor` on what is not a log, on a policy that says nothing, and what it prints.

use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{self, Algorithm, KeyName, VerifierKey};
use sealbook::ledger::tlog::checkpoint::CheckpointText;
use sealbook::ledger::tlog::tree::empty_root;

use crate::place::Place;

const ORIGIN: &str = "log.example/empty";

fn signer() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[9; 32].into())
}

/// A place with a log of no entries, and a policy that names it.
fn place() -> Place {
    let name: KeyName = ORIGIN.parse().unwrap();
    let key = VerifierKey::new(name.clone(), Algorithm::Ed25519(signer().public_key()));
    let text = CheckpointText {
        origin: ORIGIN.to_owned(),
        size: 0,
        root: empty_root(),
        extensions: Vec::new(),
    }
    .to_string();
    let line = note::sign(&text, &name, &signer()).unwrap();
    let place = Place::empty();
    std::fs::create_dir(place.path("log")).unwrap();
    place.write("log/checkpoint", format!("{text}\n{line}"));
    place.write("policy", format!("log {key}\nquorum none\n"));
    place
}

#[test]
fn a_folder_is_watched_and_the_figures_are_written() {
    let place = place();
    let args = [
        "monitor",
        "log",
        "--policy",
        "policy",
        "--state",
        "watched",
        "--prometheus",
        "p.prom",
    ];
    for _ in 0..2 {
        let run = place.run(&args).ok();
        assert!(
            run.stdout
                .starts_with("PASS  log: log.example/empty, 0 entries\n"),
            "{run:?}"
        );
    }
    let figures = place.read("p.prom");
    assert!(
        figures.contains("sealbook_monitor_up{place=\"log\",origin=\"log.example/empty\"} 1\n")
    );
    let args = [
        "--json", "monitor", "log", "--policy", "policy", "--state", "watched",
    ];
    let printed = place.run(&args).ok().document();
    let mut names: Vec<_> = printed
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let expected = [
        "age_seconds",
        "checked",
        "cosigned",
        "findings",
        "origin",
        "place",
        "quorum",
        "root",
        "size",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_cannot_be_read_is_no_answer_and_what_is_wrong_is_a_no() {
    let place = place();
    let watch = |at: &str| place.run(&["monitor", at, "--policy", "policy", "--state", "watched"]);
    watch("nowhere").ends_with(2);
    watch("http://127.0.0.1:1").ends_with(2);
    place.write("log/checkpoint", "<html>\n");
    let run = watch("log").ends_with(1);
    assert!(
        run.stdout.contains("fault     checkpoint_invalid"),
        "{run:?}"
    );
}

#[test]
fn a_policy_is_read_strictly_and_must_name_a_log() {
    let place = place();
    let args = [
        "--json", "monitor", "log", "--policy", "policy", "--state", "watched",
    ];
    place.write("policy", "quorum none\n");
    let detail = "the policy names no log: add a line `log <vkey>`";
    let hint = "fix the line that is named";
    place.run(&args).refused("bad_witness_policy", detail, hint);
    place.write("policy", "quorum none\r\n");
    let detail = "policy: line 1: a control character, 0x0d";
    place.run(&args).refused("bad_witness_policy", detail, hint);
}
