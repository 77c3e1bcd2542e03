//! The names by which a ledger is reached, and copies of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::place::{Place, is_root};

const APPEND: [&str; 5] = ["append", "--kind", "k", "--payload", "{}"];

#[test]
fn a_ledger_is_reached_by_a_link_and_as_the_folder_at_hand() {
    let place = Place::sealed();
    fs::create_dir(place.path("links")).unwrap();
    symlink("../ledger", place.path("links/l")).unwrap();
    for ledger in [
        "links/l",
        "links/l/",
        "./links/../links/l/.",
        "ledger/",
        "ledger/.",
    ] {
        place.run(&["--ledger", ledger, "verify"]).ok();
        place
            .run(&[&["--ledger", ledger], &APPEND[..]].concat())
            .ok();
    }
    for (folder, ledger) in [("ledger", "."), ("ledger/db", "..")] {
        let mut command = place.command(&[&["--ledger", ledger], &APPEND[..]].concat());
        let run = command.current_dir(place.path(folder)).output().unwrap();
        assert!(run.status.success(), "{run:?}");
    }
    place.run(&["verify"]).ok();
    assert_eq!(place.count(), 13);
    // The next book stands beside the folder, and not beside the link.
    place.run(&["--ledger", "links/l", "rotate"]).ok();
    assert!(place.path("ledger.2/db").is_dir());
}

/// As it worked before links were followed.
#[test]
fn a_mark_and_a_key_beside_a_link_are_found_if_there_are_no_others() {
    let place = Place::sealed();
    fs::create_dir(place.path("disk")).unwrap();
    fs::rename(place.path("ledger"), place.path("disk/l")).unwrap();
    symlink("disk/l", place.path("ledger")).unwrap();
    place.run(&APPEND).ok();
    place.run(&["verify"]).ok();
}

#[test]
fn a_ledger_is_made_in_a_folder_with_nothing_in_it() {
    let place = Place::empty();
    fs::create_dir_all(place.path("ledger/lost+found")).unwrap();
    place.run(&["init"]).ok();
    place.run(&APPEND).ok();
    place.run(&["verify"]).ok();
    // What would be copied with the ledger protects nothing.
    fs::create_dir(place.path("other")).unwrap();
    for option in ["--key", "--mark"] {
        let args = ["--json", "--ledger", "other", "init", option, "other/file"];
        place.run(&args).refused(
            "usage",
            "other/file would lie in the ledger's own folder",
            "choose another place: what is copied with the ledger protects nothing",
        );
    }
    assert_eq!(fs::read_dir(place.path("other")).unwrap().count(), 0);
}

#[test]
fn at_a_mount_point_key_and_mark_are_asked_for() {
    let place = Place::empty();
    let at = place.path("volume");
    fs::create_dir(&at).unwrap();
    let mount = |args: &[&str]| {
        let mut command = Command::new("mount");
        command
            .args(args)
            .arg(&at)
            .status()
            .is_ok_and(|status| status.success())
    };
    if !is_root() || !mount(&["-t", "tmpfs", "-o", "size=64m", "tmpfs"]) {
        crate::skipped::skipped("only root may mount");
        return;
    }
    let init = ["--json", "--ledger", "volume", "init"];
    let refused = place.run(&init);
    let made = place.run(&[&init[..], &["--key", "key.pem", "--mark", "mark"]].concat());
    let append = [&["--ledger", "volume", "--mark", "mark"], &APPEND[..]].concat();
    let appended = place.run(&append);
    assert!(Command::new("umount").arg(&at).status().unwrap().success());
    refused.refused(
        "usage",
        "volume is a mount point: what lies beside it is not on its storage",
        "name places on lasting storage with --key FILE and --mark FILE, or a folder below it \
         with --ledger DIR",
    );
    made.ok();
    appended.ok();
}

fn refused_as_copy(place: &Place, ledger: &str) {
    let original = place.path("ledger").canonicalize().unwrap();
    let append = [&["--json", "--ledger", ledger], &APPEND[..]].concat();
    place.run(&append).refused(
        "ledger_copy",
        &format!(
            "the ledger in {ledger} is a copy of that in {}, which is still there",
            original.display()
        ),
        "read it as it is; if it is to go on in the place of the original, `sealbook adopt` makes \
         the original its copy",
    );
}

#[test]
fn a_copy_beside_its_original_is_read_and_signs_nothing() {
    let place = Place::with_tail();
    place.copy("ledger", "copy");
    fs::copy(place.path("ledger.mark"), place.path("copy.mark")).unwrap();
    refused_as_copy(&place, "copy");
    for args in [&["verify"][..], &["log"], &["head"], &["export", "-o", "b"]] {
        place
            .run(&[&["--ledger", "copy", "--read-only"], args].concat())
            .ok();
    }
    // A restore is rehearsed in the same way.
    place.run(&["backup", "kept"]).ok();
    refused_as_copy(&place, "kept/ledger");
    place.run(&["--ledger", "kept/ledger", "verify"]).ok();
    // The original goes on, and what it signs contradicts nothing.
    place.run(&APPEND).ok();
    let run = place.run(&["diff", "ledger", "copy"]).ends_with(1);
    assert!(
        run.stdout.contains("ledger goes on where copy ends"),
        "{run:?}"
    );
}

#[test]
fn a_ledger_that_was_moved_goes_on_without_a_word() {
    let place = Place::sealed();
    for (from, to) in [
        ("ledger", "there"),
        ("there", "ledger"),
        ("ledger", "again"),
    ] {
        for suffix in ["", ".mark", ".key.pem"] {
            let name = |at: &str| place.path(&format!("{at}{suffix}"));
            fs::rename(name(from), name(to)).unwrap();
        }
        let run = place.run(&[&["--ledger", to], &APPEND[..]].concat()).ok();
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn an_adopted_copy_goes_on_and_the_original_does_not() {
    let place = Place::sealed();
    place.run(&["backup", "kept"]).ok();
    let at = |args: &[&'static str]| [&["--ledger", "kept/ledger"], args].concat();
    place.run(&["adopt"]).ends_with(1);
    place.run(&at(&["adopt"])).ok();
    place.run(&at(&APPEND)).ok();
    let run = place.run(&["--json", "append", "--kind", "k", "--payload", "{}"]);
    let code = run.ends_with(2).document()["error"]["code"].clone();
    assert_eq!(code, "ledger_copy");
    // Not where entries of the original would be lost.
    let place = Place::sealed();
    place.run(&["backup", "kept"]).ok();
    place.run(&APPEND).ok();
    let run = place.run(&["--json", "--ledger", "kept/ledger", "adopt"]);
    let code = run.ends_with(2).document()["error"]["code"].clone();
    assert_eq!(code, "original_ahead");
}
