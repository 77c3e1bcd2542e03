//! Sealed epochs in the bucket: archived at each seal, verified straight from there, and
//! whatever is done to one is named with its number.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::commands::{Run, Site, only_folder};

/// Four epochs of two entries, the first with entry 0 besides, and a tail.
fn scene() -> Site {
    let site = Site::initialised();
    for epoch in 0..4 {
        for n in 0..2 {
            site.append("a", epoch * 2 + n);
        }
        site.run("a", &["seal"]).ok();
    }
    site.append("a", 8);
    site
}

fn epochs(site: &Site) -> PathBuf {
    only_folder(&site.path("bucket/log")).join("epoch")
}

fn verify(site: &Site) -> Value {
    let key = site.run("a", &["key"]).ok().stdout;
    let args = ["verify", "--json", site.url(), "--key", key.trim()];
    site.run("b", &args).document()
}

fn fault(report: &Value) -> (String, Value) {
    assert_eq!(report["verdict"], "fail", "{report:#}");
    let first = &report["faults"][0];
    (
        first["code"].as_str().unwrap().to_owned(),
        first["index"].clone(),
    )
}

#[test]
fn an_archive_is_verified_straight_from_the_bucket() {
    let site = scene();
    let report = verify(&site);
    assert_eq!(report["verdict"], "pass", "{report:#}");
    assert_eq!(
        (&report["entries"], &report["epochs"]),
        (&9.into(), &4.into())
    );
    let not_checked = report["not_checked"].as_array().unwrap();
    for what in ["truncation", "tail_unsigned"] {
        assert!(not_checked.contains(&what.into()), "{report:#}");
    }
    let status = site
        .run("a", &["archive", "status", "--json"])
        .ok()
        .document();
    assert_eq!(
        (&status["sealed"], &status["archived"]),
        (&4.into(), &4.into())
    );
    let from_nothing = site
        .run("b", &["archive", "status", "--json"])
        .ok()
        .document();
    assert_eq!(from_nothing, status);
}

#[test]
fn every_bundle_of_an_archive_is_evidence_for_strangers() {
    let site = scene();
    let key = site.run("a", &["key"]).ok().stdout;
    for epoch in 0..4 {
        let bundle = epochs(&site).join(format!("{epoch}.bundle.zst"));
        let args = [
            "verify",
            "--json",
            bundle.to_str().unwrap(),
            "--key",
            key.trim(),
        ];
        let report = site.run("b", &args).ok().document();
        assert_eq!(report["epochs"], 1);
    }
}

#[test]
fn a_missing_repeated_swapped_or_changed_epoch_is_named_with_its_number() {
    let site = scene();
    let epochs = epochs(&site);
    let path = |epoch: u64| epochs.join(format!("{epoch}.bundle.zst"));
    let whole: Vec<_> = (0..4).map(|epoch| fs::read(path(epoch)).unwrap()).collect();
    fs::remove_file(path(1)).unwrap();
    let (code, index) = fault(&verify(&site));
    assert_eq!((code.as_str(), index), ("sequence_gap", 1.into()));
    let status = site.run("a", &["archive", "status", "--json"]);
    assert_eq!(
        (status.status, &status.document()["missing"]),
        (1, &vec![1].into())
    );
    fs::write(path(1), &whole[2]).unwrap();
    let (code, index) = fault(&verify(&site));
    assert_eq!((code.as_str(), index), ("epoch_invariant", 1.into()));
    fs::write(path(2), &whole[1]).unwrap();
    let (code, index) = fault(&verify(&site));
    assert_eq!((code.as_str(), index), ("epoch_invariant", 1.into()));
    fs::write(path(1), &whole[1]).unwrap();
    fs::write(path(2), &whole[2]).unwrap();
    let mut changed = whole[3].clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x40;
    fs::write(path(3), &changed).unwrap();
    let report = verify(&site);
    let faults = report["faults"].as_array().unwrap();
    let named = |fault: &Value| fault["at"] == "epoch" && fault["index"] == 3;
    assert!(faults.iter().any(named), "{report:#}");
    fs::write(path(3), &whole[3]).unwrap();
    assert_eq!(verify(&site)["verdict"], "pass");
}

#[test]
fn an_epoch_that_was_not_archived_is_archived_by_the_next_seal() {
    let site = scene();
    let blocked = epochs(&site).join("4.bundle.zst");
    fs::create_dir_all(blocked.join("in the way")).unwrap();
    let seal = site.run("a", &["seal", "--json"]);
    assert_eq!(seal.status, 2, "{seal:?}");
    fs::remove_dir_all(&blocked).unwrap();
    site.run("a", &["seal", "--if-any"]).ok();
    let report = verify(&site);
    assert_eq!(
        (&report["entries"], &report["epochs"]),
        (&10.into(), &5.into())
    );
}

#[test]
fn a_book_is_archived_and_read_back_before_its_key_is_put_away() {
    let site = scene();
    let run = site.run("a", &["rotate", "--key", "keys/next.pem", "--json"]);
    run.ok();
    let logs: Vec<_> = fs::read_dir(site.path("bucket/log")).unwrap().collect();
    assert_eq!(logs.len(), 2);
    let mut command = site.command("a", &["archive", "status", "--json"]);
    let status = Run::of(command.stdout(Stdio::piped()).output().unwrap())
        .ok()
        .document();
    assert_eq!(
        (&status["sealed"], &status["archived"]),
        (&6.into(), &6.into())
    );
}

#[test]
fn the_bundle_of_an_epoch_says_what_joins_it_to_others() {
    let site = scene();
    let key = site.run("a", &["key"]).ok().stdout;
    let parts: Vec<_> = (0..4)
        .map(|epoch| {
            let bundle = epochs(&site).join(format!("{epoch}.bundle.zst"));
            let bundle = bundle.to_str().unwrap();
            let args = ["verify", "--json", "--fold", bundle, "--key", key.trim()];
            site.run("b", &args).ok()
        })
        .collect();
    let parts: Vec<_> = parts.iter().collect();
    let all = fold(&site, &parts).ok().document();
    assert_eq!((&all["entries"], &all["epochs"]), (&9.into(), &4.into()));
    let first = &parts[0].document()["part"]["runs"][0];
    assert_eq!(
        (&first["first"]["seq"], &first["last"]["seq"]),
        (&0.into(), &2.into())
    );
}

/// What is printed for epochs of the bucket.
fn part(site: &Site, epochs: &str) -> Run {
    let key = site.run("a", &["key"]).ok().stdout;
    let args = [
        "fold",
        "--part",
        "--epochs",
        epochs,
        site.url(),
        "--key",
        key.trim(),
        "--json",
    ];
    site.run("b", &args)
}

fn fold(site: &Site, parts: &[&Run]) -> Run {
    let lines: String = parts.iter().map(|part| part.stdout.as_str()).collect();
    fs::write(site.path("parts"), lines).unwrap();
    site.run("b", &["fold", "parts", "--json"])
}

#[test]
fn parts_that_were_verified_apart_join_to_the_verdict_over_the_whole_however_grouped() {
    let site = scene();
    let whole = verify(&site);
    let each = ["0..1", "1..2", "2..3", "3..4"].map(|epochs| part(&site, epochs).ok());
    let all = fold(&site, &each.each_ref()).ok().document();
    for member in ["verdict", "entries", "epochs", "head", "log", "genesis"] {
        assert_eq!(all[member], whole[member], "{member}");
    }
    let [a, b, c, d] = &each;
    let left = fold(&site, &[a, b]).ok();
    let right = site.path("right");
    fs::write(&right, format!("{}{}", c.stdout, d.stdout)).unwrap();
    let right = site
        .run("b", &["fold", "--part", right.to_str().unwrap(), "--json"])
        .ok();
    assert_eq!(fold(&site, &[&left, &right]).ok().document(), all);
    assert_eq!(
        fold(&site, &[&part(&site, "0..3").ok(), d]).ok().document(),
        all
    );
    // A part alone is not a whole log.
    let alone = fold(&site, &[c]);
    let faults = &alone.document()["faults"];
    assert_eq!((alone.status, &faults[0]["epoch"]), (1, &0.into()));
}

/// A bundle passes that holds some entries of an epoch, and is no whole part of its log.
#[test]
fn a_fold_names_an_epoch_of_which_entries_are_not_there() {
    let site = scene();
    let key = site.run("a", &["key"]).ok().stdout;
    let file = site.path("cut.bundle");
    let file = file.to_str().unwrap();
    let folded = |filter: &[&str]| {
        let export = ["export", "--force", "-o", file];
        site.run("a", &[&export[..], filter].concat()).ok();
        let args = ["verify", "--json", "--fold", file, "--key", key.trim()];
        let part = site.run("b", &args).ok();
        fold(&site, &[&part])
    };
    for filter in [
        ["--from-seq", "1"],
        ["--until-seq", "7"],
        ["--from-seq", "4"],
        ["--kind", "sealbook:open"],
    ] {
        let cut = folded(&filter);
        let fault = &cut.document()["faults"][0];
        assert_eq!(
            (cut.status, &fault["code"]),
            (1, &"sequence_gap".into()),
            "{filter:?}: {cut:?}"
        );
    }
    folded(&["--from-seq", "0"]).ok();
}

#[test]
fn a_fold_names_what_is_missing_repeated_swapped_or_forged() {
    let site = scene();
    let [a, b, c, d] = ["0..1", "1..2", "2..3", "3..4"].map(|epochs| part(&site, epochs).ok());
    let named = |parts: &[&Run]| {
        let folded = fold(&site, parts);
        assert_eq!(folded.status, 1, "{folded:?}");
        let fault = folded.document()["faults"][0].clone();
        (
            fault["code"].as_str().unwrap().to_owned(),
            fault["epoch"].as_u64().unwrap(),
        )
    };
    assert_eq!(named(&[&a, &c, &d]), ("sequence_gap".to_owned(), 1));
    assert_eq!(
        named(&[&a, &b, &b, &c, &d]),
        ("epoch_invariant".to_owned(), 1)
    );
    assert_eq!(named(&[&a, &c, &b, &d]).1, 1);
    let path = epochs(&site).join("2.bundle.zst");
    let kept = fs::read(&path).unwrap();
    fs::copy(epochs(&site).join("1.bundle.zst"), &path).unwrap();
    let swapped = part(&site, "2..3");
    assert_eq!(
        named(&[&a, &b, &swapped, &d]),
        ("epoch_invariant".to_owned(), 2)
    );
    let mut forged = kept;
    let middle = forged.len() / 2;
    forged[middle] ^= 0x40;
    fs::write(&path, forged).unwrap();
    let forged = part(&site, "2..3");
    assert_eq!(forged.status, 1, "{forged:?}");
    assert_eq!(named(&[&a, &b, &forged, &d]).1, 2);
    fs::remove_file(&path).unwrap();
    let missing = part(&site, "2..3");
    assert_eq!(
        named(&[&a, &b, &missing, &d]),
        ("sequence_gap".to_owned(), 2)
    );
}
