//! Ledgers that let sealed epochs go: what they answer stays the same, the disk shrinks,
//! and what is wrong with the bucket is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::commands::{Run, Site, get, only_folder, serve};
use crate::fleet::{Hall, registry};

const PRUNE: [&str; 6] = [
    "prune",
    "--keep-local",
    "0s",
    "--no-witness",
    "--yes",
    "--json",
];

/// Six epochs of two entries, the first with entry 0 besides, and a tail.
fn scene() -> Site {
    let site = Site::initialised();
    for epoch in 0..6 {
        for n in 0..2 {
            site.append("a", epoch * 2 + n);
        }
        site.run("a", &["seal"]).ok();
    }
    site.append("a", 12);
    site
}

fn pruned(site: &Site) -> Value {
    let plan = site.run("a", &PRUNE).ok().document();
    assert_eq!(plan["epochs"], serde_json::json!([0, 5]), "{plan:#}");
    plan
}

fn bundle(site: &Site, epoch: u64) -> PathBuf {
    let log = only_folder(&site.path("bucket/log"));
    log.join(format!("epoch/{epoch}.bundle.zst"))
}

fn codes(report: &Value, member: &str) -> Vec<String> {
    let all = report[member].as_array().unwrap().iter();
    all.map(|one| one["code"].as_str().unwrap().to_owned())
        .collect()
}

/// What is asked of entries on both sides of the edge.
fn answers(site: &Site) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for seq in ["0", "1", "3", "9", "10", "13"] {
        let shown = site.run("a", &["show", seq, "--json"]).ok().stdout;
        all.push(shown.into_bytes());
    }
    for args in [
        &["log", "--json"][..],
        &["log", "--json", "--reverse"],
        &["log", "--json", "--kind", "note", "--limit", "5"],
        &["epochs", "--json"],
        &["stats", "--json"],
    ] {
        all.push(site.run("a", args).ok().stdout.into_bytes());
    }
    for args in [
        &["prove", "0"][..],
        &["prove", "3"],
        &["prove", "10"],
        &["export", "--from-seq", "2", "--until-seq", "12"],
        &["export", "--kind", "note", "--until-seq", "12"],
    ] {
        let name = format!("evidence-{}", all.len());
        site.run("a", &[args, &["-o", &name, "--force"]].concat())
            .ok();
        all.push(fs::read(site.path(&name)).unwrap());
    }
    all
}

#[test]
fn what_a_pruned_ledger_answers_is_what_it_answered_before() {
    let site = scene();
    let before = answers(&site);
    let dry = site
        .run("a", &["prune", "--keep-local", "0s", "--no-witness"])
        .ok();
    assert!(
        dry.stdout.contains("epochs 0 to 4 would go, 11 entries"),
        "{dry:?}"
    );
    let report = site.run("a", &["verify", "--json"]).ok().document();
    assert_eq!(codes(&report, "warnings"), ["key_from_ledger"]);
    let plan = pruned(&site);
    assert_eq!((&plan["entries"], &plan["kept"]), (&11.into(), &1.into()));
    assert_eq!(plan["next_stays"], "last_sealed");
    assert_eq!(answers(&site), before);
    let report = site.run("a", &["verify", "--json"]).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &14.into())
    );
    let said = ["key_from_ledger", "read_from_archive", "pruned_unwitnessed"];
    assert_eq!(codes(&report, "warnings"), said);
    let detail = report["warnings"][1]["detail"].as_str().unwrap();
    let from = format!(
        "entries 0 to 10 (epochs 0 to 4) were read from {}",
        site.url()
    );
    assert!(detail.starts_with(&from), "{detail}");
    // Nothing more goes, and the log goes on.
    let again = site.run("a", &PRUNE).ok().document();
    assert_eq!(
        (&again["already"], &again["entries"]),
        (&5.into(), &0.into())
    );
    site.append("a", 13);
    site.run("a", &["seal"]).ok();
    let next = site.run("a", &PRUNE).ok().document();
    assert_eq!(next["epochs"], serde_json::json!([5, 6]), "{next:#}");
    let report = site.run("a", &["verify", "--json"]).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &15.into())
    );
}

#[test]
fn the_bucket_that_a_ledger_was_made_from_needs_no_name_for_reading() {
    let site = scene();
    pruned(&site);
    let mut command = site.command("a", &["show", "3", "--json"]);
    let shown = Run::of(command.env_remove("SEALBOOK_BUCKET").output().unwrap()).ok();
    assert!(shown.stdout.contains("\"note\""), "{shown:?}");
}

#[test]
fn a_bucket_that_cannot_be_read_is_an_error_and_no_verdict() {
    let site = scene();
    pruned(&site);
    let (bucket, away) = (site.path("bucket"), site.path("away"));
    fs::rename(&bucket, &away).unwrap();
    let run = |args: &[&str]| {
        let mut command = site.command("a", args);
        Run::of(command.env_remove("SEALBOOK_BUCKET").output().unwrap())
    };
    for args in [
        &["verify", "--json"][..],
        &["log", "--json"],
        &["show", "3", "--json"],
        &["prove", "3", "-o", "proof", "--json"],
    ] {
        let refused = run(args).refused("bucket_failed");
        assert!(refused.stdout.contains("there is no log in"), "{refused:?}");
        assert!(!refused.stdout.contains("verdict"), "{refused:?}");
    }
    // A folder of another disk that is not mounted is not a missing epoch.
    fs::create_dir(&bucket).unwrap();
    let refused = run(&["verify", "--json"]).refused("bucket_failed");
    assert!(!refused.stdout.contains("verdict"), "{refused:?}");
    // What is here can be read.
    for args in [
        &["show", "0"][..],
        &["show", "12"],
        &["head"],
        &["log", "--limit", "2", "--reverse"],
    ] {
        run(args).ok();
    }
    fs::remove_dir(&bucket).unwrap();
    fs::rename(&away, &bucket).unwrap();
    run(&["verify", "--json"]).ok();
}

#[test]
fn a_missing_swapped_or_forged_epoch_past_the_edge_is_named_and_never_read() {
    let site = scene();
    pruned(&site);
    let whole: Vec<_> = (0..6)
        .map(|epoch| fs::read(bundle(&site, epoch)).unwrap())
        .collect();
    let named = |epoch: u64| {
        let report = site.run("a", &["verify", "--json"]);
        assert_eq!(report.status, 1, "{report:?}");
        let fault = report.document()["faults"][0].clone();
        assert_eq!(fault["code"], "store_corrupt", "{fault:#}");
        assert_eq!(
            (&fault["at"], &fault["index"]),
            (&"epoch".into(), &epoch.into())
        );
        let seq = (epoch * 2 + 1).to_string();
        site.run("a", &["show", &seq, "--json"])
            .refused("bucket_damaged");
        site.run("a", &["prove", &seq, "-o", "proof", "--json"])
            .refused("bucket_damaged");
    };
    fs::remove_file(bundle(&site, 2)).unwrap();
    named(2);
    fs::write(bundle(&site, 2), &whole[3]).unwrap();
    named(2);
    let mut forged = whole[2].clone();
    let middle = forged.len() / 2;
    forged[middle] ^= 0x40;
    fs::write(bundle(&site, 2), forged).unwrap();
    named(2);
    fs::write(bundle(&site, 2), &whole[2][..whole[2].len() - 9]).unwrap();
    named(2);
    fs::write(bundle(&site, 2), &whole[2]).unwrap();
    site.run("a", &["verify"]).ok();
}

#[test]
fn an_epoch_of_other_entries_under_the_same_key_is_not_read() {
    let site = scene();
    pruned(&site);
    // Another log has an epoch 2, in order by itself.
    let other = Site::initialised();
    for n in 0..3 {
        other.append("a", 100 + n);
        other.run("a", &["seal"]).ok();
    }
    let foreign = only_folder(&other.path("bucket/log")).join("epoch/2.bundle.zst");
    fs::copy(foreign, bundle(&site, 2)).unwrap();
    site.run("a", &["show", "5", "--json"])
        .refused("bucket_damaged");
    assert_eq!(site.run("a", &["verify"]).status, 1);
}

#[test]
fn what_the_bucket_lacks_or_has_wrong_does_not_go() {
    let site = scene();
    fs::rename(bundle(&site, 3), site.path("kept")).unwrap();
    let plan = site.run("a", &PRUNE).ok().document();
    assert_eq!(plan["epochs"], serde_json::json!([0, 3]), "{plan:#}");
    assert_eq!(plan["next_stays"], "not_archived");
    fs::copy(bundle(&site, 4), bundle(&site, 3)).unwrap();
    site.run("a", &PRUNE).refused("bucket_damaged");
    fs::rename(site.path("kept"), bundle(&site, 3)).unwrap();
    let report = site.run("a", &["verify", "--json"]).ok().document();
    let detail = report["warnings"][1]["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("entries 0 to 6 (epochs 0 to 2) "),
        "{detail}"
    );
}

#[test]
fn what_was_sealed_lately_stays_and_a_policy_must_be_met_or_waived() {
    let site = scene();
    let plan = site
        .run("a", &["prune", "--no-witness", "--yes", "--json"])
        .ok()
        .document();
    assert_eq!(
        (&plan["entries"], &plan["next_stays"]),
        (&0.into(), &"recent".into())
    );
    assert_eq!(site.run("a", &["prune", "--yes", "--json"]).status, 2);
}

#[test]
fn a_backup_of_a_pruned_ledger_reads_what_it_lacks_from_the_bucket_too() {
    let site = scene();
    pruned(&site);
    let made = site.run("a", &["backup", "copy", "--json"]).ok().document();
    assert_eq!(made["entries"], 14);
    let args = ["verify", "--json", "copy/ledger"];
    let report = site.run("a", &args).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &14.into())
    );
    assert!(codes(&report, "warnings").contains(&"read_from_archive".to_owned()));
}

fn bytes_of(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).unwrap().map(Result::unwrap);
    files.map(|file| file.metadata().unwrap().len()).sum()
}

/// A ledger whose entries are most of what it has.
fn large() -> Site {
    let site = Site::initialised();
    for epoch in 0..4_u64 {
        let lines: String = (0..600_u64)
            .map(|n| {
                let noise: String = (0..20_u64)
                    .map(|part| {
                        let mixed = (epoch * 600 + n) * 20 + part + 1;
                        format!("{:016x}", mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                    })
                    .collect();
                format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n},\"noise\":\"{noise}\"}}}}\n")
            })
            .collect();
        fs::write(site.path("lines"), lines).unwrap();
        site.run("a", &["append", "--jsonl", "lines"]).ok();
        site.run("a", &["seal"]).ok();
    }
    site
}

#[test]
fn the_disk_has_fewer_bytes_afterwards() {
    let site = large();
    let db = site.path("a/ledger/db");
    // What is written is in tables, and not in the log of writes only.
    site.run("a", &["seal", "--if-any"]).ok();
    let before = bytes_of(&db);
    let plan = site.run("a", &PRUNE).ok().document();
    assert_eq!(plan["epochs"], serde_json::json!([0, 3]), "{plan:#}");
    let after = bytes_of(&db);
    assert!(2 * after < before, "{before} bytes became {after}");
    let log = site.run("a", &["log", "--json"]).ok();
    assert_eq!(log.stdout.lines().count(), 2_401);
    site.run("a", &["verify"]).ok();
}

#[test]
fn killed_anywhere_an_epoch_is_here_or_archived_as_a_whole() {
    let site = large();
    let away = site.path("away");
    let (mut left, mut done) = (0, 0);
    for wait in 0..16 {
        let mut child = site.command("a", &PRUNE).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait * 20));
        let _ = child.kill();
        let ended = child.wait().unwrap();
        let report = site.run("a", &["verify", "--json"]).ok().document();
        assert_eq!(report["entries"], 2_401);
        let is_pruned = codes(&report, "warnings").contains(&"read_from_archive".to_owned());
        // Without the bucket there is everything, or nothing before the edge.
        fs::rename(site.path("bucket"), &away).unwrap();
        let mut command = site.command("a", &["log", "--json"]);
        let log = Run::of(command.env_remove("SEALBOOK_BUCKET").output().unwrap());
        fs::rename(&away, site.path("bucket")).unwrap();
        match is_pruned {
            true => drop(log.refused("bucket_failed")),
            false => assert_eq!(log.ok().stdout.lines().count(), 2_401),
        }
        left += usize::from(!is_pruned);
        done += usize::from(is_pruned);
        if ended.success() && is_pruned && done > 3 {
            break;
        }
    }
    assert!(left > 0, "it was never killed before");
    site.run("a", &PRUNE).ok();
    let plan = site.run("a", &PRUNE).ok().document();
    assert_eq!(plan["already"], 3, "{plan:#}");
}

#[test]
fn a_server_prunes_behind_its_work_and_answers_as_before() {
    let site = scene();
    let flags = ["--keep-local", "0s", "--no-witness"];
    let (mut child, address) = serve(&site, "a", &flags);
    let path = "/v1/entries/3";
    let before = get(&address, path);
    assert!(before.contains("\"note\""), "{before}");
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let report = site.run("a", &["verify", "--json"]).ok().document();
        if codes(&report, "warnings").contains(&"read_from_archive".to_owned()) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "it was not pruned");
    }
    assert_eq!(get(&address, path), before);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn documents_that_later_decisions_refer_to_stay() {
    let site = Site::new();
    registry(&site);
    let hall = Hall::make(&site, "east");
    for case in ["c-1", "c-2", "c-3"] {
        hall.route(&site, "acme", case).ok();
        hall.run(&site, &["seal"]).ok();
    }
    let plan = hall.run(&site, &PRUNE).ok().document();
    assert_eq!(plan["epochs"], serde_json::json!([0, 2]), "{plan:#}");
    // Entry 0 and the documents: rules, policy and registry are all in the first epoch.
    assert!(plan["kept"].as_u64().unwrap() >= 3, "{plan:#}");
    // The last decision and what it was taken from are here without the bucket.
    fs::rename(site.path("bucket"), site.path("away")).unwrap();
    let alone = |args: &[&str]| {
        let mut command = site.command("east", args);
        command.env("SEALBOOK_KEY", "keys/east.pem");
        Run::of(command.env_remove("SEALBOOK_BUCKET").output().unwrap())
    };
    alone(&["export", "--correlation", "c-3", "-o", "case.bundle"]).ok();
    let replay = ["replay", "case.bundle", "--key", &hall.key, "--json"];
    let replayed = alone(&replay).ok().document();
    assert_eq!(replayed["counts"]["recomputed"], 1, "{replayed:#}");
    // One that went is asked of the bucket, which is not there.
    let gone = alone(&[
        "export",
        "--correlation",
        "c-1",
        "-o",
        "gone.bundle",
        "--json",
    ]);
    gone.refused("bucket_failed");
    fs::rename(site.path("away"), site.path("bucket")).unwrap();
    let whole = hall.run(&site, &["replay", "--json"]).ok().document();
    assert_eq!(whole["counts"]["recomputed"], 3, "{whole:#}");
}

#[test]
fn over_a_real_server_what_went_is_read_from_there() {
    let Some((site, _gateway)) = crate::s3::on_a_server() else {
        return;
    };
    site.init();
    for epoch in 0..3 {
        site.append("a", epoch);
        site.run("a", &["seal"]).ok();
    }
    let before = site.run("a", &["log", "--json"]).ok().stdout;
    let plan = site.run("a", &PRUNE).ok().document();
    assert_eq!(plan["epochs"], serde_json::json!([0, 2]), "{plan:#}");
    assert_eq!(site.run("a", &["log", "--json"]).ok().stdout, before);
    let report = site.run("a", &["verify", "--json"]).ok().document();
    assert_eq!(
        (&report["verdict"], &report["entries"]),
        (&"pass".into(), &4.into())
    );
    assert_eq!(codes(&report, "warnings")[0], "key_from_ledger");
}
