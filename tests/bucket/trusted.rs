//! What a new machine holds a bucket against: a checkpoint that was kept, and who
//! cosigned it; and what witnesses cosigned may be pruned and is recorded by a fleet log.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealbook::api::keep_witnessed;
use sealbook::bucket::Address;
use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{self, Algorithm, KeyName, Note, VerifierKey};
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use sealbook::{Ledger, Options};

use crate::commands::{Run, Site, copy, only_folder};

/// A witness, as a policy names it.
pub(crate) struct Witness(pub(crate) SoftwareSigner, pub(crate) KeyName);

impl Witness {
    pub(crate) fn new(seed: u8) -> Witness {
        let name = format!("witness.example/{seed}").parse().unwrap();
        Witness(SoftwareSigner::from_seed(&[seed; 32].into()), name)
    }

    pub(crate) fn cosign(&self, checkpoint: &[u8]) -> SignedCheckpoint {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut note = Note::parse(checkpoint).unwrap();
        let line = note::cosign(note.text(), now.as_secs(), &self.1, &self.0).unwrap();
        note.add(line).unwrap();
        SignedCheckpoint::of_note(note).unwrap()
    }
}

/// A policy file whose quorum is this one witness.
pub(crate) fn policy(site: &Site) -> PathBuf {
    let Witness(signer, name) = Witness::new(7);
    let key = VerifierKey::new(name, Algorithm::Cosignature(signer.public_key()));
    let path = site.path("witnesses.policy");
    fs::write(
        &path,
        format!("witness w {key} https://w.example/\nquorum w\n"),
    )
    .unwrap();
    path
}

/// Publishes what machine `a` has, and gives the checkpoint as the log signed it.
pub(crate) fn published(site: &Site) -> Vec<u8> {
    site.run(
        "a",
        &["publish", "--to", "public", "--name", "log.example/a"],
    )
    .ok();
    fs::read(site.path("public/checkpoint")).unwrap()
}

/// Cosigns what is published, and brings it back into the log.
pub(crate) fn witnessed(site: &Site) -> SignedCheckpoint {
    let checkpoint = Witness::new(7).cosign(&published(site));
    let address = Address::parse(site.url()).unwrap();
    let options = Options::new("")
        .bucket(address)
        .key_file(site.path("keys/log.pem"));
    let ledger = Ledger::open(site.path("a/ledger"), options).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp::from_unix_micros(now.as_micros().try_into().unwrap()).unwrap();
    let logbook = ledger.logbook().unwrap();
    let kept = keep_witnessed(logbook, &checkpoint, Duration::ZERO, now).unwrap();
    assert!(kept.is_some());
    ledger.close().unwrap();
    checkpoint
}

/// A first append of a machine that has nothing.
pub(crate) fn begin(site: &Site, machine: &str, given: &[&str]) -> Run {
    site.append_with(machine, "{\"n\":9}", &[given, &["--json"]].concat())
}

pub(crate) fn scene() -> Site {
    let site = Site::initialised();
    for n in 0..3 {
        site.append("a", n);
    }
    site.run("a", &["seal"]).ok();
    site.append("a", 3);
    site
}

#[test]
fn a_new_machine_goes_on_from_a_checkpoint_that_was_kept() {
    let site = scene();
    fs::write(site.path("kept"), published(&site)).unwrap();
    site.append("a", 4);
    begin(&site, "b", &["--bucket-head", "kept"]).ok();
    // It has a mark from then on, and no entry says that anything was accepted.
    site.append("b", 5);
    let log = site.run("b", &["log", "--kind", "sealbook:rollback", "--json"]);
    assert_eq!(log.status, 1, "{log:?}");
    assert_eq!(log.document()["error"]["code"], "not_found");
    let report = site.run("b", &["verify", "--json"]).ok().document();
    assert_eq!(report["verdict"], "pass");
}

#[test]
fn a_bucket_that_was_put_back_or_is_of_another_history_is_named_by_a_kept_checkpoint() {
    let site = Site::initialised();
    for name in ["bucket", "a", "keys"] {
        copy(&site.path(name), &site.path(&format!("{name}.before")));
    }
    site.append("a", 0);
    fs::write(site.path("kept"), published(&site)).unwrap();
    for name in ["bucket", "a", "keys"] {
        fs::remove_dir_all(site.path(name)).unwrap();
        fs::rename(site.path(&format!("{name}.before")), site.path(name)).unwrap();
    }
    let given = ["--bucket-head", "kept"];
    let log = only_folder(&site.path("bucket/log"));
    let objects = || fs::read_dir(log.join("wal/0")).unwrap().count();
    let before = objects();
    begin(&site, "b", &given).refused("rollback_detected");
    assert_eq!(objects(), before, "something was signed");
    for n in 0..5 {
        site.append("a", 100 + n);
    }
    begin(&site, "c", &given).refused("bucket_forked");
}

#[test]
fn with_a_policy_a_kept_checkpoint_counts_that_its_quorum_cosigned() {
    let site = scene();
    let policy = policy(&site);
    let policy = policy.to_str().unwrap();
    fs::write(site.path("kept"), published(&site)).unwrap();
    let given = ["--bucket-head", "kept", "--bucket-witnesses", policy];
    let run = begin(&site, "b", &given).refused("head_unknown");
    assert!(run.stderr.contains("no quorum"), "{run:?}");
    // Another witness's word is not that one's.
    let other = Witness::new(8).cosign(&published(&site));
    fs::write(site.path("kept"), other.to_string()).unwrap();
    begin(&site, "b", &given).refused("head_unknown");
    let cosigned = Witness::new(7).cosign(&published(&site));
    fs::write(site.path("kept"), cosigned.to_string()).unwrap();
    begin(&site, "b", &given).ok();
    // A head has no witnesses, and another log's checkpoint is not this one's.
    let head = site.run("a", &["head"]).ok().stdout;
    fs::write(site.path("head"), head).unwrap();
    let head = ["--bucket-head", "head", "--bucket-witnesses", policy];
    begin(&site, "c", &head).refused("head_unknown");
    let foreign = Site::initialised();
    foreign.append("a", 0);
    fs::write(site.path("foreign"), published(&foreign)).unwrap();
    begin(&site, "c", &["--bucket-head", "foreign"]).refused("head_unknown");
}

#[test]
fn what_a_quorum_cosigned_goes_and_what_comes_after_stays() {
    let site = Site::initialised();
    let policy = policy(&site);
    let policy = policy.to_str().unwrap();
    for epoch in 0..2 {
        site.append("a", epoch);
        site.run("a", &["seal"]).ok();
    }
    let prune = [
        "prune",
        "--keep-local",
        "0s",
        "--witness-policy",
        policy,
        "--yes",
        "--json",
    ];
    let none = site.run("a", &prune).ok().document();
    assert_eq!(
        (&none["entries"], &none["next_stays"]),
        (&0.into(), &"not_witnessed".into())
    );
    let checkpoint = witnessed(&site);
    for epoch in 2..4 {
        site.append("a", epoch);
        site.run("a", &["seal"]).ok();
    }
    let plan = site.run("a", &prune).ok().document();
    assert_eq!(plan["epochs"], serde_json::json!([0, 2]), "{plan:#}");
    assert_eq!(plan["next_stays"], "not_witnessed");
    assert_eq!(
        plan["witnessed"],
        3,
        "the checkpoint holds {}",
        checkpoint.content().size
    );
    let report = site.run("a", &["verify", "--json"]).ok().document();
    assert_eq!(report["verdict"], "pass");
    let warned = report["warnings"].as_array().unwrap().iter();
    let warned: Vec<_> = warned
        .map(|warning| warning["code"].as_str().unwrap())
        .collect();
    assert!(!warned.contains(&"pruned_unwitnessed"), "{report:#}");
}

#[test]
fn a_fleet_log_records_the_newest_cosigned_checkpoint_and_says_who_cosigned() {
    let site = scene();
    let policy = policy(&site);
    let checkpoint = witnessed(&site);
    site.run("a", &["seal"]).ok();
    let fleet = |args: &[&str]| {
        let mut command = site.command("office", args);
        command
            .env_remove("SEALBOOK_BUCKET")
            .env_remove("SEALBOOK_KEY");
        Run::of(command.output().unwrap())
    };
    fleet(&["init"]).ok();
    fleet(&["fleet", "record", site.url()]).ok();
    let log = fleet(&["log", "--kind", "sealbook:fleet", "--json"])
        .ok()
        .document();
    assert_eq!(log["payload"]["checkpoint"], checkpoint.to_string());
    let status = |more: &[&str]| {
        let args = [&["fleet", "status", site.url(), "--json"], more].concat();
        fleet(&args).ok().document()["witnessed"].clone()
    };
    let said = status(&[]);
    assert_eq!(said["witnesses"], serde_json::json!(["witness.example/7"]));
    let size = checkpoint.content().size;
    let expected = serde_json::json!([size, null]);
    assert_eq!(serde_json::json!([said["size"], said["quorum"]]), expected);
    let given = ["--witness-policy", policy.to_str().unwrap()];
    assert_eq!(status(&given)["quorum"], true);
    // A later record without a newer one keeps it.
    site.append("a", 8);
    site.run("a", &["seal"]).ok();
    fleet(&["fleet", "record", site.url()]).ok();
    assert_eq!(status(&given)["quorum"], true);
}

/// What `verify` says on a machine: whether the end is known to be here, and the rest.
pub(crate) fn end_is_known(site: &Site, machine: &str, given: &[&str]) -> bool {
    let args = [&["verify", "--json"], given].concat();
    let report = site.run(machine, &args).ok().document();
    assert_eq!(report["verdict"], "pass");
    let not_checked = report["not_checked"].as_array().unwrap();
    !not_checked.contains(&"truncation".into())
}

#[test]
fn the_end_of_a_log_in_a_bucket_is_not_known_only_where_nothing_of_it_was_kept() {
    let site = scene();
    let head = site.run("a", &["head"]).ok().stdout;
    fs::write(site.path("older.head"), head).unwrap();
    copy(&site.path("bucket"), &site.path("older"));
    let policy = policy(&site);
    let cosigned = Witness::new(7).cosign(&published(&site));
    fs::write(site.path("cosigned"), cosigned.to_string()).unwrap();
    let head = site.run("a", &["head"]).ok().stdout;
    fs::write(site.path("kept.head"), head).unwrap();
    // The mark of who writes, nothing, a head, a checkpoint, the word of witnesses.
    assert!(end_is_known(&site, "a", &[]));
    assert!(!end_is_known(&site, "b", &[]));
    assert!(end_is_known(&site, "c", &["--bucket-head", "kept.head"]));
    assert!(end_is_known(&site, "d", &["--bucket-head", "cosigned"]));
    let policy = ["--bucket-witnesses", policy.to_str().unwrap()];
    let witnessed = [&["--bucket-head", "cosigned"], &policy[..]].concat();
    assert!(end_is_known(&site, "e", &witnessed));
    // Without the bucket, ledger and mark may have been put back together.
    let mut alone = site.command("a", &["verify", "--json"]);
    let alone = Run::of(alone.env_remove("SEALBOOK_BUCKET").output().unwrap());
    let not_checked = alone.ok().document()["not_checked"].clone();
    assert_eq!(not_checked, serde_json::json!(["truncation"]));
    // What was kept says nothing of what came after it.
    for (machine, kept) in [("f", "older.head"), ("d", "cosigned")] {
        site.append("a", 9);
        assert!(!end_is_known(&site, machine, &["--bucket-head", kept]));
    }
    // A bucket that was put back is named by what was kept, and passes without.
    fs::remove_dir_all(site.path("bucket")).unwrap();
    fs::rename(site.path("older"), site.path("bucket")).unwrap();
    let given = ["verify", "--bucket-head", "kept.head", "--json"];
    let put_back = site.run("g", &given);
    let report = put_back.document();
    assert_eq!((put_back.status, &report["verdict"]), (1, &"fail".into()));
    assert_eq!(report["faults"][0]["code"], "rollback_detected");
    assert!(!end_is_known(&site, "h", &[]));
}
