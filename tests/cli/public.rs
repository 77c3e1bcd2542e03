//! A ledger as a public log: published, read back by someone who believes nothing,
//! interrupted anywhere, and refused where a folder says something else.

use std::fs;
use std::path::Path;

use sealbook::ledger::entry::Entry;
use sealbook::ledger::epoch::leaf_hash;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::note::VerifierKey;
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use sealbook::ledger::tlog::proof::{InclusionError, TlogProof};
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::{ReadError, Source as _, check_all, prove_growth};
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
        matches!(&found, ReadError::Tile { resource } if resource.to_string() == "tile/0/001");
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
    place.run(&["rotate"]).ok();
    publish(&place);
    let (checkpoint, _) = checked(&place, &key(&place));
    let next = "log.example.com/fleet/2";
    let run = [
        "--ledger", "ledger.2", "publish", "--to", "public.2", "--name", next,
    ];
    place.run(&run).ok();
    let key = place
        .run(&["--ledger", "ledger.2", "key", "--vkey"])
        .ok()
        .stdout;
    let line = format!("successor {}", key.trim());
    assert_eq!(checkpoint.content().extensions, [line]);
}
