//! A ledger as a public log: published, read back by someone who believes nothing,
//! interrupted anywhere, and refused where a folder says something else.

use std::fs;
use std::path::Path;
use std::process::Command;

use sealbook::ledger::entry::Entry;
use sealbook::ledger::epoch::leaf_hash;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::note::VerifierKey;
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use sealbook::ledger::tlog::proof::{InclusionError, TlogProof};
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::{TileReadError, TileSource as _, check_all, prove_growth};
use sealbook::publish::Folder;

use crate::place::Place;

const NAME: &str = "log.example.com/fleet";

fn publish(place: &Place) -> serde_json::Value {
    place
        .run(&["--json", "publish", "--to", "public"])
        .ok()
        .document()
}

fn first(place: &Place) -> serde_json::Value {
    let run = place.run(&["--json", "publish", "--to", "public", "--name", NAME]);
    run.ok().document()
}

fn key(place: &Place) -> VerifierKey {
    let run = place.run(&["key", "--vkey"]);
    run.ok().stdout.trim().parse().unwrap()
}

fn checkpoint(folder: &Path) -> Option<SignedCheckpoint> {
    let bytes = Folder::read_only(folder)
        .read(Resource::Checkpoint)
        .unwrap()?;
    Some(SignedCheckpoint::parse(&bytes).unwrap())
}

/// Reads everything that the checkpoint names, and gives its data.
fn checked(place: &Place, key: &VerifierKey) -> (SignedCheckpoint, Vec<String>) {
    let folder = place.path("public");
    let checkpoint = checkpoint(&folder).unwrap();
    key.verify(checkpoint.note()).unwrap();
    assert_eq!(checkpoint.content().origin, NAME);
    let mut data = Vec::new();
    let source = Folder::read_only(&folder);
    check_all(&source, checkpoint.content(), |_, hash| {
        data.push(hash.to_string())
    })
    .unwrap();
    (checkpoint, data)
}

/// What a logbook says stands in the public log.
fn of_logbook(place: &Place) -> Vec<String> {
    place.run(&["seal", "--if-any"]).ok();
    place
        .run(&[
            "export",
            "--format",
            "logbook",
            "-o",
            "book.jsonl",
            "--force",
        ])
        .ok();
    let book = place.read("book.jsonl");
    let data = |line: &str| {
        let entry = Entry::from_logbook_line(line.as_bytes()).unwrap();
        leaf_hash(&entry.hash(), &entry.signature()).to_string()
    };
    book.lines().map(data).collect()
}

#[test]
fn every_entry_is_public_under_the_ledgers_key_sealed_or_not() {
    let place = Place::with_tail();
    let shown = first(&place);
    // Nine entries, and the one that binds the name.
    assert_eq!((&shown["size"], &shown["added"]), (&10.into(), &10.into()));
    let key = key(&place);
    let (old, data) = checked(&place, &key);
    assert_eq!(data, of_logbook(&place));
    let again = publish(&place);
    assert_eq!(
        (&again["changed"], &again["added"]),
        (&false.into(), &0.into())
    );
    place.append(9..700);
    assert_eq!(publish(&place)["added"], 691);
    let (new, data) = checked(&place, &key);
    assert_eq!(data, of_logbook(&place));
    let source = Folder::read_only(&place.path("public"));
    prove_growth(&source, old.content(), new.content()).unwrap();
    // The headers are a published file as any other.
    let headers = place.run(&["--json", "verify", "--contains", "public/headers"]);
    headers.ok();
    // One changed byte is seen.
    let tile = place.path("public").join("tile/0/001");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[77] ^= 1;
    fs::write(&tile, bytes).unwrap();
    let found = check_all(&source, new.content(), |_, _| ()).unwrap_err();
    let named =
        matches!(&found, TileReadError::Tile { resource } if resource.to_string() == "tile/0/001");
    assert!(named, "{found}");
}

#[test]
fn a_proof_of_the_public_log_proves_its_entry_under_the_published_checkpoint() {
    let place = Place::sealed();
    first(&place);
    let (checkpoint, data) = checked(&place, &key(&place));
    place
        .run(&["prove", "3", "--tlog", "public", "-o", "3.tlog-proof"])
        .ok();
    let proof = TlogProof::parse(&fs::read(place.path("3.tlog-proof")).unwrap()).unwrap();
    assert_eq!(proof.checkpoint, checkpoint);
    assert_eq!(proof.index, 3);
    let hash = |seq: usize| Hash::from_hex(&data[seq]).unwrap();
    assert_eq!(proof.check(&hash(3)), Ok(()));
    assert_eq!(proof.check(&hash(4)), Err(InclusionError::Root));
    place.append(6..8);
    let run = place.run(&["prove", "8", "--tlog", "public", "-o", "8.tlog-proof"]);
    run.refused(
        "not_published",
        "entry 8 is not published yet",
        "publish first: `sealbook publish --to FOLDER`",
    );
}

#[test]
fn a_log_without_a_name_is_not_published_and_a_second_name_is_refused() {
    let place = Place::sealed();
    place.run(&["publish", "--to", "public"]).refused(
        "name_missing",
        "the log has no public name yet",
        "give the log its public name with --name NAME",
    );
    place.run(&["key", "--vkey"]).refused(
        "name_missing",
        "the log has no public name yet",
        "give the log its public name with --name NAME",
    );
    first(&place);
    let hint =
        "a log has one name at a time and none twice: `sealbook publish --end-name NAME` ends it";
    place.run(&["publish", "--to", "public", "--name", "other.example"]).refused(
        "name_mismatch",
        "the log is called log.example.com/fleet: close that name before it is called other.example",
        hint,
    );
    place.run(&["publish", "--end-name", NAME]).ok();
    place
        .run(&["publish", "--to", "public", "--name", NAME])
        .refused(
            "name_mismatch",
            "the name log.example.com/fleet was closed, and is never used again",
            hint,
        );
    // The folder of the old name is left as it is.
    place.run(&["publish", "--to", "public", "--name", "other.example"]).refused(
        "name_mismatch",
        "public: the checkpoint there is called log.example.com/fleet, and this log other.example",
        "name a folder of its own for each log",
    );
    place
        .run(&["publish", "--to", "other", "--name", "other.example"])
        .ok();
    place.run(&["verify"]).ok();
}

#[test]
fn a_folder_that_says_something_else_is_left_as_it_is() {
    let place = Place::sealed();
    first(&place);
    place.run(&["backup", "copy"]).ok();
    place.append(6..8);
    publish(&place);
    let before = fs::read(place.path("public/checkpoint")).unwrap();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    place.copy("copy/ledger", "ledger");
    place.run(&["accept-rollback", "--reason", "restored"]).ok();
    let hint =
        "keep the folder: it shows another history than the ledger has; run `sealbook verify`";
    place.run(&["publish", "--to", "public"]).refused(
        "rollback_detected",
        "public: 9 entries are published, and the ledger has 8",
        hint,
    );
    place.append(6..11);
    place.run(&["publish", "--to", "public"]).refused(
        "equivocation",
        "public: the 9 entries that are published are not those of the ledger",
        hint,
    );
    assert_eq!(fs::read(place.path("public/checkpoint")).unwrap(), before);
}

#[test]
fn a_closed_books_last_checkpoint_names_the_book_that_continues_it() {
    let place = Place::sealed();
    first(&place);
    let trusted = key(&place);
    place.run(&["rotate"]).ok();
    publish(&place);
    let (checkpoint, _) = checked(&place, &trusted);
    // Its name is bound by its first entry, and no other can be.
    let second = |args: &[&str]| place.run(&[&["--ledger", "ledger.2"], args].concat());
    let next = format!("{NAME}/2");
    let entry = second(&["--json", "show", "1"]).ok().document();
    assert_eq!(entry["kind"], "sealbook:publish");
    assert_eq!(
        entry["payload"],
        serde_json::json!({"name": next, "policy": null})
    );
    second(&["publish", "--to", "public.2", "--name", NAME]).refused(
        "name_mismatch",
        &format!("the log is called {next}: close that name before it is called {NAME}"),
        "a log has one name at a time and none twice: `sealbook publish --end-name NAME` ends it",
    );
    second(&["publish", "--to", "public.2"]).ok();
    let key = second(&["key", "--vkey"]).ok().stdout;
    let line = format!("successor {}", key.trim());
    assert_eq!(checkpoint.content().extensions, [line]);
    // Who trusts the first book's key watches both.
    place.write("policy", format!("log {trusted}\nquorum none\n"));
    let watch = ["monitor", "public", "public.2", "--policy", "policy"];
    place.run(&[&watch[..], &["--state", "seen"]].concat()).ok();
    // Rotated once more it is the same, and the third book is named after the second.
    let count = || second(&["--json", "log"]).ok().documents().len();
    let before = count();
    place.run(&["rotate"]).ok();
    assert_eq!(count(), before);
    second(&["rotate"]).ok();
    let third = place.run(&["--ledger", "ledger.3", "key", "--vkey"]).ok();
    assert!(third.stdout.starts_with(&format!("{NAME}/3+")));
}

#[test]
fn a_rotation_keeps_to_the_names_that_were_given_and_ended() {
    let place = Place::sealed();
    first(&place);
    place.run(&["publish", "--end-name", NAME]).ok();
    place.run(&["rotate", "second"]).ok();
    let second = |args: &[&str]| place.run(&[&["--ledger", "second"], args].concat());
    // A book without a name has none to hand on.
    assert_eq!(second(&["--json", "log"]).ok().documents().len(), 1);
    second(&["publish", "--to", "public.2", "--name", "other.example/b"]).ok();
    second(&["rotate", "third"]).ok();
    let third = |args: &[&str]| place.run(&[&["--ledger", "third"], args].concat());
    // A wrong name is ended and another bound: going on with the rotation brings none back.
    third(&["publish", "--end-name", "other.example/b/2"]).ok();
    second(&["rotate", "third"]).ok();
    third(&["publish", "--to", "public.3", "--name", "right.example/c"]).ok();
    second(&["rotate", "third"]).ok();
    let vkey = third(&["key", "--vkey"]).ok().stdout;
    assert!(vkey.starts_with("right.example/c+"), "{vkey}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_the_log_is_refused_and_not_waited_for() {
    let place = Place::sealed();
    first(&place);
    place.write("policy", format!("log {}\nquorum none\n", key(&place)));
    // The only file there, whatever the size of the log.
    let partial = |folder: &str| {
        let mut files = fs::read_dir(place.path("public").join(folder)).unwrap();
        files.next().unwrap().unwrap().path()
    };
    for path in [
        place.path("public").join("checkpoint"),
        partial("tile/0/000.p"),
        partial("tile/entries/000.p"),
    ] {
        let name = path.display();
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let made = Command::new("mkfifo").arg(&path).status();
        if !made.is_ok_and(|status| status.success()) {
            crate::skipped::skipped("without `mkfifo` there is no pipe to try");
            return;
        }
        let watch = ["--json", "monitor", "public", "--policy", "policy"];
        let seen = place.run(&[&watch[..], &["--state", "seen"]].concat());
        let seen = seen.ends_with(2).stdout;
        assert!(seen.contains("unreachable"), "{name}: {seen}");
        assert!(seen.contains("it is not a regular file"), "{name}: {seen}");
        fs::remove_file(&path).unwrap();
        fs::write(&path, whole).unwrap();
    }
}
