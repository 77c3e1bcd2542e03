//! What is said of what was done, and of what was not.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;

use crate::disks::SmallDisk;
use crate::place::Place;

/// What the program says where its output is a full disk.
fn full(place: &Place, args: &[&str]) -> (i32, String) {
    let out = File::options().write(true).open("/dev/full").unwrap();
    let done = place.command(args).stdout(out).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    (done.status.code().unwrap(), said)
}

#[test]
fn what_is_done_is_said_to_be_done_where_the_output_cannot_be_written() {
    let place = Place::initialised();
    place.append(1..3);
    let done = "it is done all the same: ";
    for (args, what) in [
        (&["seal"][..], "epoch 0 is sealed"),
        (&["backup", "copy"], "the copy is in copy"),
        (&["--ledger", "new", "init"], "the ledger new is made"),
        (
            &["rotate"],
            "./ledger is closed, and continued in ./ledger.2",
        ),
    ] {
        let (status, said) = full(&place, args);
        assert_eq!(status, 2, "{said}");
        assert!(said.contains("could not write the output"), "{said}");
        assert!(said.contains(&format!("{done}{what}\n")), "{said}");
    }
    let (_, said) = full(&place, &["token", "new", "--scope", "read"]);
    let id = said.split_once("token revoke ").unwrap().1;
    let id = id.split_once('`').unwrap().0;
    place.run(&["token", "revoke", id]).ok();
    // Of what did nothing nothing is said.
    let (_, said) = full(&place, &["key"]);
    assert!(!said.contains(done), "{said}");
    assert!(place.path("copy").is_dir() && place.path("new").is_dir());
    place.run(&["--ledger", "ledger.2", "verify"]).ok();
}

#[test]
fn a_server_that_refuses_names_no_page() {
    let place = Place::sealed();
    place.copy("ledger", "copy");
    fs::copy(place.path("ledger.mark"), place.path("copy.mark")).unwrap();
    fs::copy(place.path("ledger.key.pem"), place.path("copy.key.pem")).unwrap();
    place.copy("ledger", "bare");
    for (args, code) in [
        (&["--ledger", "copy"][..], "is a copy of"),
        (&["--ledger", "bare", "--no-wait"], "bare"),
        (&["--ledger", "none"], "there is no ledger in none"),
        (&["--read-only"], "reading only"),
    ] {
        let run = place
            .run(&[args, &["serve", "--port", "0"]].concat())
            .ends_with(2);
        assert_eq!(run.stdout, "", "{run:?}");
        assert!(run.stderr.contains(code), "{run:?}");
    }
    for flags in [
        &["--host", "0.0.0.0"][..],
        &["--token-file", "none"],
        &["--publish-to", "pub"],
    ] {
        let run = place
            .run(&[&["serve", "--port", "0"], flags].concat())
            .ends_with(2);
        assert_eq!(run.stdout, "", "{run:?}");
    }
    assert!(!place.path("pub").exists());
}

#[test]
fn a_publication_that_is_refused_leaves_no_folder() {
    let place = Place::sealed();
    let refused = place.run(&["publish", "--to", "pub"]).ends_with(2);
    assert!(refused.stderr.contains("name"), "{refused:?}");
    let read_only = [
        "--read-only",
        "publish",
        "--to",
        "pub",
        "--name",
        "example.com/a",
    ];
    place.run(&read_only).ends_with(2);
    let publish = |to, name| ["publish", "--to", to, "--name", name];
    let policy = ["--witness-policy", "none"];
    place
        .run(&[&publish("pub", "example.com/a")[..], &policy].concat())
        .ends_with(2);
    assert!(!place.path("pub").exists());
    place.run(&publish("pub", "example.com/a")).ok();
    // Another name than it has.
    place.run(&publish("other", "example.com/b")).ends_with(2);
    assert!(!place.path("other").exists());
}

#[test]
fn positions_and_tokens_are_their_owners_alone() {
    let place = Place::sealed();
    place.run(&["tail", "--once", "--to", "events"]).ok();
    place.run(&["token", "new", "--scope", "read"]).ok();
    for name in [
        "ledger.sink-tail.json",
        "ledger.sink-tail.lock",
        "tokens.jsonl",
    ] {
        let mode = fs::metadata(place.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn a_file_system_for_reading_only_is_named_with_what_to_do() {
    let place = Place::empty();
    let Some(disk) = SmallDisk::mount(&place, "disk", "32m") else {
        return;
    };
    place.run(&["--ledger", "disk/ledger", "init"]).ok();
    disk.make_read_only();
    let hint = "what is mounted there is for reading only: mount it for writing, or choose \
                another place";
    for args in [
        &["--ledger", "disk/ledger", "seal"][..],
        &["--ledger", "disk/new", "init"],
    ] {
        let run = place.run(args).ends_with(2);
        assert!(run.stderr.contains("disk/"), "{run:?}");
        assert!(run.stderr.contains("Read-only file system"), "{run:?}");
        assert!(run.stderr.contains(hint), "{run:?}");
    }
}
