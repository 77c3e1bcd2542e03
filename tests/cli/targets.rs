//! Where outputs may be written, and what they never replace.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};

use crate::place::Place;

/// Every command that writes a file where it is told to.
const WRITERS: [&[&str]; 8] = [
    &["export", "-o"],
    &["export", "--format", "logbook", "-o"],
    &["export", "--kind", "note", "-o"],
    &["prove", "2", "-o"],
    &["head", "-o"],
    &["revoke", "4", "--key", "ledger.key.pem", "-o"],
    &["report", "--correlation", "none", "-o"],
    &["page", "-o"],
];

fn written(place: &Place, writer: &[&str], path: &str, force: bool) -> crate::place::Run {
    let force: &[&str] = if force { &["--force"] } else { &[] };
    place.run(&[writer, &[path], force].concat())
}

#[test]
fn no_output_replaces_a_key_a_mark_a_token_file_or_a_file_of_a_ledger() {
    let place = Place::sealed();
    fs::copy(place.path("ledger.key.pem"), place.path("other")).unwrap();
    place.write("public.pem", place.run(&["key", "--pem"]).ok().stdout);
    fs::copy(place.path("ledger.mark"), place.path("kept")).unwrap();
    place.run(&["token", "new", "--scope", "read"]).ok();
    symlink("other", place.path("link")).unwrap();
    let spared = [
        ("ledger.key.pem", "the place of the ledger's key"),
        ("./ledger.key.pem", "the place of the ledger's key"),
        ("other", "a key"),
        ("link", "a key"),
        ("public.pem", "a key"),
        ("ledger.mark", "the ledger's mark"),
        ("kept", "a mark"),
        ("tokens.jsonl", "a file of tokens"),
        ("ledger/new.bundle", "a place in a ledger"),
        ("ledger/db/CURRENT", "a place in a ledger"),
        ("ledger/../ledger/LOCK", "a place in a ledger"),
    ];
    for (path, what) in spared {
        let before = fs::read(place.path(path)).ok();
        for writer in WRITERS {
            for force in [false, true] {
                let detail = format!("{path} is {what}, which no output replaces");
                let run = written(&place, writer, path, force);
                run.refused("exists", &detail, "choose another place");
            }
        }
        assert_eq!(fs::read(place.path(path)).ok(), before, "{path}");
    }
    place.run(&["verify", "--key", &place.key()]).ok();
}

/// Those that write files whose names or contents are not theirs to choose.
#[test]
fn no_record_manifest_package_or_state_replaces_a_key_or_a_file_of_a_ledger() {
    let place = Place::sealed();
    fs::copy(place.path("ledger.key.pem"), place.path("other")).unwrap();
    place
        .run(&["export", "--format", "logbook", "-o", "book"])
        .ok();
    let key = place.key();
    let kept: Vec<_> = ["other", "ledger.key.pem", "ledger.mark"]
        .map(|name| (name, fs::read(place.path(name)).unwrap()))
        .into();
    let build = ["build", "ledger/new", "--defaults", "--name", "x"];
    for args in [
        &["verify", "book", "--key", &key, "--state", "other"][..],
        &["verify", "book", "--key", &key, "--state", "ledger.mark"],
        &["manifest", "build", "other", "--key", "ledger.key.pem"],
        &["manifest", "build", "ledger/db", "--key", "ledger.key.pem"],
        &["manifest", "build", "ledger", "--key", "ledger.key.pem"],
        &build,
    ] {
        let run = place.run(args).ends_with(2);
        assert!(!run.stderr.contains("panicked"), "{run:?}");
    }
    for (name, bytes) in kept {
        assert_eq!(fs::read(place.path(name)).unwrap(), bytes, "{name}");
    }
    assert!(!place.path("ledger/new").exists());
    assert!(!place.path("ledger/Manifest.json").exists());
    place.run(&["verify", "--key", &key]).ok();
}

/// What grows, and what programs other than a shell name.
#[test]
fn nothing_is_added_to_a_key_a_mark_a_token_file_or_a_file_of_a_ledger() {
    let place = Place::sealed();
    fs::copy(place.path("ledger.key.pem"), place.path("other")).unwrap();
    place.run(&["token", "new", "--scope", "read"]).ok();
    symlink("ledger/db/CURRENT", place.path("link")).unwrap();
    place.write("pol", "");
    let spared = [
        ("ledger.key.pem", "the place of the ledger's key"),
        ("other", "a key"),
        ("ledger.mark", "the ledger's mark"),
        ("tokens.jsonl", "a file of tokens"),
        ("ledger/db/CURRENT", "a place in a ledger"),
        ("ledger/db/new", "a place in a ledger"),
        ("ledger/no/such/folder", "a place in a ledger"),
        ("link", "a place in a ledger"),
    ];
    let adding: [&[&str]; 6] = [
        &["tail", "--once", "--to"],
        &["head", "--publish"],
        &["seal", "--if-any", "--publish"],
        &["serve", "--port", "0", "--publish"],
        &[
            "monitor",
            "x",
            "--policy",
            "pol",
            "--state",
            "st",
            "--prometheus",
        ],
        &["diff", "ledger", "ledger", "-o"],
    ];
    for (path, what) in spared {
        let before = fs::read(place.path(path)).ok();
        place.write("sink.toml", format!("name = 'x'\nto = '{path}'\n"));
        let sink: &[&str] = &["serve", "--check-config", "--sink", "sink.toml"];
        let detail = format!("{path} is {what}, which no output replaces");
        let named = adding.map(|args| [args, &[path]].concat());
        for args in named.iter().map(Vec::as_slice).chain([sink]) {
            place
                .run(args)
                .refused("exists", &detail, "choose another place");
        }
        assert_eq!(fs::read(place.path(path)).ok(), before, "{path}");
    }
    assert!(!place.path("st").exists() && !place.path("ledger.sink-tail.json").exists());
    place.run(&["verify", "--key", &place.key()]).ok();
}

/// A file of deliveries, or of figures, is no place for what another program wrote.
#[test]
fn what_grows_or_is_replaced_unasked_is_a_file_of_its_own_kind() {
    let place = Place::sealed();
    place.write("notes", "not to be lost\n");
    for format in ["jsonl", "ocsf", "cef"] {
        let tail = [
            "tail", "--once", "--format", format, "--name", format, "--to",
        ];
        let refused = place.run(&[&tail[..], &["notes"]].concat());
        let detail = "notes exists and is not a file of deliveries";
        refused.refused("exists", detail, "choose another place");
        place.run(&[&tail[..], &["events"]].concat()).ok();
        // What a crash cut is gone on with.
        let whole = place.read("events");
        place.write("cut", &whole[..5]);
        let again = ["--name", &format!("{format}-2"), "--to", "cut"];
        place.run(&[&tail[..4], &again[..]].concat()).ok();
        assert_eq!(place.read("cut").lines().count(), 7);
    }
    // Events of three forms are one file's, which all of them may go on with.
    assert_eq!(place.read("events").lines().count(), 18);
    place.write("pol", "");
    let monitor = ["monitor", "x", "--policy", "pol", "--state", "st"];
    let figures = [&monitor[..], &["--prometheus", "notes"]].concat();
    let detail = "notes exists and is not a file of a monitor's figures";
    place
        .run(&figures)
        .refused("exists", detail, "choose another place");
    assert_eq!(place.read("notes"), "not to be lost\n");
}

#[test]
fn folders_of_pages_packages_and_states_are_in_no_ledger() {
    let place = Place::sealed();
    fs::copy(place.path("ledger.key.pem"), place.path("sealbook-x.1")).unwrap();
    fs::create_dir(place.path("package")).unwrap();
    fs::copy(
        place.path("ledger.mark"),
        place.path("package/requirements.lock"),
    )
    .unwrap();
    place.write("pol", "");
    let monitor = ["monitor", "x", "--policy", "pol", "--state"];
    let listing = |name: &str| {
        let mut names: Vec<_> = fs::read_dir(place.path(name)).unwrap().collect();
        names.retain(|entry| entry.as_ref().unwrap().file_name() != "LOG");
        names.len()
    };
    let (before, database) = (listing("ledger"), listing("ledger/db"));
    for (args, path, what) in [
        (
            &["man", "ledger"][..],
            "ledger/sealbook.1",
            "a place in a ledger",
        ),
        (&["man", "."], "./sealbook-x.1", "a key"),
        (
            &["package", "scaffold", "ledger/db"],
            "ledger/db/code/bootstrap.py",
            "a place in a ledger",
        ),
        (
            &["package", "scaffold", "package", "--overwrite"],
            "package/requirements.lock",
            "a mark",
        ),
        (
            &[&monitor[..], &["ledger"]].concat(),
            "ledger/key",
            "a place in a ledger",
        ),
        (
            &[
                "token",
                "new",
                "--scope",
                "read",
                "--token-file",
                "ledger/t",
            ],
            "ledger/t",
            "a place in a ledger",
        ),
        (
            &["key", "add", "--second-key", "ledger/k"],
            "ledger/k",
            "a place in a ledger",
        ),
        (
            &["agent", "--key", "ledger.key.pem", "--listen", "ledger/s"],
            "ledger/s",
            "a place in a ledger",
        ),
    ] {
        let detail = format!("{path} is {what}, which no output replaces");
        let run = place.run(args);
        run.refused("exists", &detail, "choose another place");
    }
    assert_eq!(
        (listing("ledger"), listing("ledger/db")),
        (before, database)
    );
    assert!(!place.path("package/code").exists() && !place.path("sealbook.1").exists());
    place.run(&["verify", "--key", &place.key()]).ok();
}

#[test]
fn no_ledger_is_made_in_a_ledger_nor_its_key_or_its_mark() {
    let place = Place::sealed();
    place.run(&["--ledger", "other", "init"]).ok();
    for (args, path) in [
        (&["--ledger", "ledger/zz", "init"][..], "ledger/zz"),
        (&["--ledger", "ledger/db/a/b", "init"], "ledger/db/a/b"),
        (&["--ledger", "new", "init", "--key", "other/k"], "other/k"),
        (&["--ledger", "new", "--mark", "other/m", "init"], "other/m"),
        (
            &[
                "--ledger",
                "new",
                "init",
                "--post-quantum",
                "--second-key",
                "other/db/k",
            ],
            "other/db/k",
        ),
        (&["rotate", "./ledger/sub"], "./ledger/sub"),
        (&["rotate", "new", "--key", "other/k"], "other/k"),
        (&["backup", "other/copy"], "other/copy"),
    ] {
        let detail = format!("{path} is a place in a ledger, which no output replaces");
        place
            .run(args)
            .refused("exists", &detail, "choose another place");
        assert!(!place.path(path).exists());
    }
    for name in [
        "new",
        "new.key.pem",
        "new.mark",
        "ledger/zz.key.pem",
        "ledger/sub.mark",
    ] {
        assert!(!place.path(name).exists(), "{name}");
    }
    // Nothing was closed.
    place.append(6..7);
}

#[test]
fn a_key_that_is_away_keeps_its_place_and_so_does_a_mark() {
    let place = Place::sealed();
    for (name, what) in [
        ("ledger.key.pem", "the place of the ledger's key"),
        ("ledger.mark", "the ledger's mark"),
    ] {
        fs::rename(place.path(name), place.path("away")).unwrap();
        let run = written(&place, &["export", "--unsigned", "-o"], name, true);
        let detail = format!("{name} is {what}, which no output replaces");
        run.refused("exists", &detail, "choose another place");
        assert!(!place.path(name).exists());
        fs::rename(place.path("away"), place.path(name)).unwrap();
    }
}

#[test]
fn an_output_replaces_its_like_of_the_same_log_and_by_force_anything_else() {
    let place = Place::sealed();
    let other = Place::sealed();
    for (at, writer) in WRITERS[..6].iter().enumerate() {
        // Its own like, written a second time.
        let name = format!("out{at}");
        written(&place, writer, &name, false).ok();
        let first = fs::read(place.path(&name)).unwrap();
        written(&place, writer, &name, false).ok();
        // The same of another log, an output of another kind, notes, nothing, a link.
        written(&other, writer, "foreign", true).ok();
        fs::copy(other.path("foreign"), place.path("foreign")).unwrap();
        let unlike = WRITERS[(at + 3) % 6];
        written(&place, unlike, "unlike", true).ok();
        place.write("notes", "not to be lost\n");
        place.write("empty", "");
        let link = format!("link{at}");
        symlink(&name, place.path(&link)).unwrap();
        for path in ["foreign", "unlike", "notes", "empty", &link] {
            let before = fs::read(place.path(path)).unwrap();
            let run = written(&place, writer, path, false);
            assert_eq!(run.status, 2, "{writer:?} {path}: {run:?}");
            assert!(run.stderr.contains(" of this log\n"), "{run:?}");
            assert!(run.stderr.contains("--force"), "{run:?}");
            assert_eq!(fs::read(place.path(path)).unwrap(), before, "{path}");
            written(&place, writer, path, true).ok();
            assert_ne!(
                fs::read(place.path(path)).unwrap(),
                before[..before.len() / 2]
            );
            fs::remove_file(place.path(path)).unwrap();
        }
        // What the link led to is as it was.
        assert!(!first.is_empty() && place.path(&name).exists());
    }
}

#[test]
fn a_folder_is_not_replaced_and_a_device_is_written_to() {
    let place = Place::sealed();
    fs::create_dir(place.path("folder")).unwrap();
    for force in [false, true] {
        let run = written(&place, &["export", "-o"], "folder", force);
        run.refused(
            "exists",
            "folder is a folder, and a file is to be written",
            "name a file in it, or choose another place",
        );
    }
    for writer in &WRITERS[..6] {
        written(&place, writer, "/dev/null", false).ok();
        let state = fs::metadata("/dev/null").unwrap();
        assert!(state.file_type().is_char_device());
    }
}

#[test]
fn key_and_mark_of_a_new_ledger_have_a_file_each() {
    let place = Place::empty();
    symlink(".", place.path("here")).unwrap();
    for mark in ["same", "./same", "here/same"] {
        let run = place.run(&["init", "--key", "same", "--mark", mark]);
        run.refused(
            "usage",
            &format!("{mark} would be the place of two: key, second key and mark have a file each"),
            "name another file with --key FILE or --mark FILE",
        );
        assert!(!place.path("same").exists() && !place.path("ledger").exists());
    }
}

#[test]
fn accepting_a_rollback_replaces_no_key_and_nothing_but_a_mark_of_this_log() {
    let place = Place::sealed();
    place.run(&["--ledger", "other", "init"]).ok();
    place.write("notes", "not to be lost\n");
    fs::create_dir(place.path("folder")).unwrap();
    place.run(&["export", "-o", "bundle"]).ok();
    symlink("ledger.key.pem", place.path("link")).unwrap();
    let hint = "name the ledger's mark with --mark FILE, or move the file away: then the mark \
                counts as missing";
    for (path, what) in [
        ("ledger.key.pem", "a key"),
        ("link", "a key"),
        ("other.mark", "the mark of another log"),
        ("notes", "no mark"),
        ("bundle", "no mark"),
        ("folder", "no mark"),
    ] {
        let before = fs::read(place.path(path)).ok();
        let accept = ["--mark", path, "accept-rollback", "--reason", "x"];
        let detail = format!("{path} holds {what}, which no mark replaces");
        place.run(&accept).refused("exists", &detail, hint);
        assert_eq!(fs::read(place.path(path)).ok(), before, "{path}");
    }
    // Nothing was recorded. A mark that is broken in its usual place is accepted.
    place.write("ledger.mark", "junk");
    place.run(&["accept-rollback", "--reason", "x"]).ok();
    let report = place.run(&["--json", "verify"]).ok().document();
    assert_eq!(report["warnings"][1]["code"], "acknowledged_rollback");
}

#[test]
fn what_was_published_is_replaced_by_no_bundle_and_no_head() {
    let place = Place::sealed();
    place.run(&["seal", "--if-any", "--publish", "headers"]);
    place.append(9..10);
    place.run(&["seal", "--publish", "headers"]).ok();
    for _ in 0..2 {
        place.run(&["head", "--publish", "heads"]).ok();
        place.append(10..11);
    }
    for name in ["headers", "heads"] {
        let before = place.read(name);
        for writer in &WRITERS[..6] {
            let run = written(&place, writer, name, false);
            assert_eq!(run.status, 2, "{writer:?} {name}: {run:?}");
            assert_eq!(place.read(name), before);
        }
    }
}

#[test]
fn a_backup_does_not_lie_in_the_ledger_that_it_is_of() {
    let place = Place::sealed();
    for to in ["ledger/copy", "ledger/db/copy", "ledger/../ledger/copy"] {
        let run = place.run(&["backup", to]);
        let detail = format!("{to} would lie in the ledger's own folder");
        let hint = "choose another place: what is copied with the ledger protects nothing";
        run.refused("usage", &detail, hint);
        assert!(!place.path("ledger/copy").exists());
    }
}
