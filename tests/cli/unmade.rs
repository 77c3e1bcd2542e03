//! Ledgers that are not made, and books that are not closed: what is refused leaves
//! nothing behind, and what is killed is gone on with.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use crate::place::Place;

fn names(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.dir()).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_ledger_that_is_refused_leaves_no_key_and_no_mark() {
    let place = Place::empty();
    symlink("nowhere", place.path("dl")).unwrap();
    let refused = place.run(&["--ledger", "dl", "init"]).ends_with(2);
    assert!(refused.stderr.contains("dl exists already"), "{refused:?}");
    let hint = "make the folder first, or choose another place";
    for (args, folder) in [
        (&["--ledger", "a/b/c", "init"][..], "a/b"),
        (&["--ledger", "c", "init", "--key", "no/k"], "no"),
        (&["--ledger", "c", "--mark", "no/m", "init"], "no"),
        (
            &["--ledger", "a/b/c", "--mark", "m", "init", "--key", "k"],
            "a/b",
        ),
        (
            &[
                "--ledger",
                "c",
                "init",
                "--post-quantum",
                "--second-key",
                "no/k",
            ],
            "no",
        ),
    ] {
        let detail = format!("there is no folder {folder}");
        place.run(args).refused("usage", &detail, hint);
    }
    assert_eq!(names(&place), ["dl"]);
}

/// What was made before the kill is said, and gone on with; another ledger's is not.
#[test]
fn a_ledger_that_is_killed_half_made_is_made_anew_with_the_key_that_was_left() {
    let left_key = "if an `init` that was interrupted left it, go on with it with --reuse-key; if \
                    it is another log's, choose another place with --key FILE";
    let left_mark = "if it is another ledger's, choose another place with --mark FILE; if an \
                     `init` that was interrupted left it, move it away";
    for until in ["ledger.key.pem", "ledger.mark", "ledger"] {
        let place = Place::empty();
        let mut making = place.command(&["init"]);
        let mut making = making
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while place.path(until).symlink_metadata().is_err() && making.try_wait().unwrap().is_none()
        {
            std::thread::yield_now();
        }
        making.kill().unwrap();
        making.wait().unwrap();
        if !place.path("ledger").exists() {
            let said = "./ledger.key.pem exists already";
            place.run(&["init"]).refused("exists", said, left_key);
            place.run(&["init", "--reuse-key"]).ok();
        }
        place.append(1..3);
        place.run(&["verify"]).ok();
    }
    // As they are left: the key alone, key and mark; and of a ledger with entries.
    let left = |entries: u64| {
        let place = Place::initialised();
        if entries > 0 {
            place.append(1..=entries);
        }
        fs::remove_dir_all(place.path("ledger")).unwrap();
        place
    };
    let place = left(0);
    let key = place.read("ledger.key.pem");
    place.run(&["init", "--reuse-key"]).ok();
    assert_eq!(place.read("ledger.key.pem"), key);
    place.run(&["verify"]).ok();
    let place = left(2);
    let mark = place.read("ledger.mark");
    let said = "./ledger.mark exists already";
    let again = place.run(&["init", "--reuse-key"]);
    again.refused("exists", said, left_mark);
    assert_eq!(place.read("ledger.mark"), mark);
    // Another key's, and one in a place that was named.
    let place = left(0);
    fs::remove_file(place.path("ledger.key.pem")).unwrap();
    place.run(&["init"]).refused("exists", said, left_mark);
    let place = left(0);
    let named = ["--mark", "ledger.mark", "init", "--reuse-key"];
    let said = "ledger.mark exists already";
    place.run(&named).refused("exists", said, left_mark);
}

/// The mark cannot be written: its name is too long for the temporary file beside it.
#[test]
fn a_ledger_that_fails_half_made_leaves_no_key() {
    let place = Place::empty();
    let mark = "m".repeat(254);
    let args = ["--ledger", "c", "--mark", &mark, "init", "--post-quantum"];
    let run = place.run(&args).ends_with(2);
    assert!(run.stderr.contains(&mark), "{run:?}");
    assert_eq!(names(&place), Vec::<String>::new());
    place.run(&["--ledger", "c", "init", "--post-quantum"]).ok();
}

#[test]
fn a_ledger_in_an_empty_folder_is_its_owners_alone() {
    let place = Place::empty();
    fs::create_dir(place.path("ledger")).unwrap();
    fs::set_permissions(place.path("ledger"), fs::Permissions::from_mode(0o755)).unwrap();
    place.run(&["init"]).ok();
    place.append(1..3);
    place.run(&["seal"]).ok();
    let mut folders = vec![place.path("ledger")];
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700, "{folder:?}");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{path:?}");
        }
    }
}

#[test]
fn a_rotation_that_is_refused_makes_no_key_and_the_next_one_works() {
    let place = Place::sealed();
    fs::rename(place.path("ledger.mark"), place.path("m")).unwrap();
    let refused = place.run(&["rotate"]).ends_with(2);
    assert!(refused.stderr.contains("mark"), "{refused:?}");
    fs::rename(place.path("m"), place.path("ledger.mark")).unwrap();
    let hint = "make the folder first, or choose another place";
    for args in [&["rotate", "nd/x"][..], &["rotate", "--key", "nd/k"]] {
        place
            .run(args)
            .refused("usage", "there is no folder nd", hint);
    }
    // A copy is refused as often as it is asked.
    place.copy("ledger", "copy");
    fs::copy(place.path("ledger.mark"), place.path("copy.mark")).unwrap();
    fs::copy(place.path("ledger.key.pem"), place.path("copy.key.pem")).unwrap();
    for _ in 0..2 {
        let refused = place.run(&["--ledger", "copy", "rotate"]).ends_with(2);
        assert!(refused.stderr.contains("is a copy of"), "{refused:?}");
    }
    let made = |name: &str| name.contains(".2");
    assert!(!names(&place).iter().any(|name| made(name)));
    assert_eq!(place.count(), 6);
    place.run(&["rotate"]).ok();
}

/// What stands in the place of the new key is one that was left, or is named.
#[test]
fn the_key_that_an_interrupted_rotation_left_is_taken_and_nothing_else_is() {
    let place = Place::sealed();
    let hint = "move the file away, name another place with --key FILE, or take the key that it \
                holds with --reuse-key";
    let refused = |args: &[&str], path: &str, has: &str| {
        let before = fs::read(place.path(path)).unwrap();
        let detail = format!("{path} is the place of the new key, and has {has}");
        place.run(args).refused("exists", &detail, hint);
        assert_eq!(fs::read(place.path(path)).unwrap(), before);
        assert_eq!(place.count(), 6);
    };
    let left = "./ledger.2.key.pem";
    fs::copy(place.path("ledger.key.pem"), place.path(left)).unwrap();
    refused(
        &["rotate"],
        left,
        "the key of the book that is to be closed",
    );
    let whole = place.read("ledger.key.pem");
    fs::write(place.path(left), &whole[..40]).unwrap();
    let run = place.run(&["rotate"]).ends_with(2);
    let detail = format!("{left} is the place of the new key, and has no key that can be used: ");
    assert!(
        run.stderr.contains(&detail) && run.stderr.contains(hint),
        "{run:?}"
    );
    // Another log's key, as it is of a log that is in use.
    place.run(&["--ledger", "other", "init"]).ok();
    let other = "other.key.pem";
    refused(
        &["rotate", "--key", other],
        other,
        "a file that may be of anything",
    );
    fs::copy(place.path(other), place.path(left)).unwrap();
    refused(
        &["rotate", "--encrypt-key"],
        left,
        "a key under no passphrase",
    );
    // It is one that could have been left.
    place.run(&["rotate"]).ok();
    assert_eq!(place.read(left), place.read(other));
    assert_eq!(place.count(), 7);
}

#[test]
fn a_rotation_that_is_killed_is_gone_on_with_whenever_that_was() {
    for reads in 0..12_u32 {
        let place = Place::sealed();
        let mut rotating = place.command(&["rotate", "next"]);
        let mut rotating = rotating
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed as soon as its files have come so far, which needs no clock.
        let come = |name: &str| place.path(name).symlink_metadata().is_ok();
        let until = ["next.key.pem", "next.mark", "next"][reads as usize % 3];
        while !come(until) && rotating.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        rotating.kill().unwrap();
        rotating.wait().unwrap();
        place.run(&["rotate", "next"]).ok();
        let key = place.key();
        let verified = ["verify", "ledger", "next", "--key", &key];
        place.run(&verified).ok();
        place
            .run(&[
                "--ledger",
                "next",
                "append",
                "--kind",
                "note",
                "--payload",
                "{}",
            ])
            .ok();
    }
}
