//! Who may read a ledger, its mark and its key, and what of its secrets a process
//! lets out.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::place::{Place, Run};

const PASSPHRASE: &str = "correct horse battery staple";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// Every folder and every file in `folder`, itself included.
fn tree(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    let mut at = 0;
    while at < folders.len() {
        for entry in fs::read_dir(&folders[at]).unwrap() {
            let path = entry.unwrap().path();
            let kind = if path.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            kind.push(path);
        }
        at += 1;
    }
    assert!(files.len() > 4, "{files:?}");
    (folders, files)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn used(place: &Place) {
    place.append(6..9);
    place.run(&["seal"]).ok();
    place.run(&["verify"]).ok();
}

#[test]
fn a_ledger_and_its_mark_are_their_owners_alone() {
    let place = Place::sealed();
    used(&place);
    place.run(&["backup", "copy"]).ok();
    for ledger in ["ledger", "copy/ledger"] {
        let (folders, files) = tree(&place.path(ledger));
        for folder in folders {
            assert_eq!(mode(&folder), 0o700, "{folder:?}");
        }
        for file in files {
            assert_eq!(mode(&file), 0o600, "{file:?}");
        }
    }
    for mark in ["ledger.mark", "copy/ledger.mark"] {
        assert_eq!(mode(&place.path(mark)), 0o600);
    }
    assert!(!place.run(&["verify"]).ok().stderr.contains("everyone"));
}

#[test]
fn a_group_reads_the_ledger_and_its_mark_and_not_the_key() {
    let place = Place::empty();
    let own = fs::metadata(place.dir()).unwrap().gid();
    place.run(&["init", "--group", &own.to_string()]).ok();
    place.append(1..6);
    used(&place);
    place.run(&["rotate"]).ok();
    for ledger in ["ledger", "ledger.2"] {
        let (folders, files) = tree(&place.path(ledger));
        for folder in folders {
            assert_eq!(mode(&folder) & 0o777, 0o750, "{folder:?}");
        }
        for file in &files {
            assert_eq!(mode(file) & 0o137, 0, "{file:?}");
            assert_eq!(mode(file) & 0o040, 0o040, "{file:?}");
            assert_eq!(fs::metadata(file).unwrap().gid(), own);
        }
        assert_eq!(mode(&place.path(&format!("{ledger}.mark"))), 0o640);
        assert_eq!(mode(&place.path(&format!("{ledger}.key.pem"))), 0o600);
    }
    let none = place.run(&["--ledger", "x", "init", "--group", "no such group"]);
    assert!(none.ends_with(2).stderr.contains("there is no such group"));
}

#[test]
fn a_ledger_that_everyone_reads_is_warned_about() {
    let place = Place::sealed();
    set_mode(&place.path("ledger"), 0o755);
    let run = place.run(&["verify"]).ok();
    let warning = "sealbook: warning: everyone on this machine can read ./ledger: `sealbook \
                   --ledger ./ledger doctor --fix` leaves it to its owner\n";
    assert!(run.stderr.starts_with(warning), "{run:?}");
    used(&place);
    assert_eq!(mode(&place.path("ledger")), 0o755);
}

#[test]
fn doctor_leaves_a_ledger_that_everyone_reads_to_its_owner() {
    let place = Place::sealed();
    set_mode(&place.path("ledger"), 0o755);
    set_mode(&place.path("ledger/db/CURRENT"), 0o644);
    set_mode(&place.path("ledger.mark"), 0o644);
    place.run(&["doctor", "--fix"]).ok();
    assert_eq!(mode(&place.path("ledger")), 0o700);
    assert_eq!(mode(&place.path("ledger/db/CURRENT")), 0o600);
    assert_eq!(mode(&place.path("ledger.mark")), 0o600);
    assert!(
        place
            .run(&["verify"])
            .ok()
            .stderr
            .find("everyone")
            .is_none()
    );
    place.append(7..8);
}

#[test]
fn a_key_that_a_group_reads_is_used_only_where_that_was_allowed() {
    let place = Place::sealed();
    let append = ["append", "--kind", "note", "--payload", "{}"];
    let allowed = [&["--key-group-readable"][..], &append].concat();
    let key = place.path("ledger.key.pem");
    for (bits, plainly, with_flag) in [
        (0o600, 0, 0),
        (0o400, 0, 0),
        (0o440, 2, 0),
        (0o640, 2, 2),
        (0o444, 2, 2),
        (0o460, 2, 2),
    ] {
        set_mode(&key, bits);
        assert_eq!(place.run(&append).status, plainly, "{bits:o}");
        assert_eq!(place.run(&allowed).status, with_flag, "{bits:o}");
    }
}

fn locked() -> Place {
    let place = Place::empty();
    let mut command = place.command(&["init", "--encrypt-key"]);
    command.env("SEALBOOK_KEY_PASSPHRASE", PASSPHRASE);
    Run::of(&["init"], command.output().unwrap()).ok();
    place
}

/// What `/proc` says of a writer that waits for its input and has its key open.
#[cfg(target_os = "linux")]
fn watched(place: &Place, args: &[&str], name: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut command = place.command(&[&["append", "--jsonl", "-"], args].concat());
    command.env("SEALBOOK_KEY_PASSPHRASE", PASSPHRASE);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"{\"kind\":\"note\",\"payload\":{}}\n")
        .unwrap();
    let mut receipt = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut receipt).unwrap();
    assert!(receipt.contains("\"seq\":"), "{receipt}");
    let seen = fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    seen
}

#[cfg(target_os = "linux")]
#[test]
fn no_passphrase_stands_in_the_environment_of_a_process_that_works() {
    let place = locked();
    // As root, who reads it also where a process may not be dumped.
    let environment = watched(&place, &["--dumpable"], "environ");
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(environment.contains("PATH="), "{environment}");
    assert!(!environment.contains(PASSPHRASE), "{environment}");
    assert!(!environment.contains("SEALBOOK_KEY_PASSPHRASE="));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_leaves_no_core_and_its_secrets_are_locked() {
    let place = locked();
    let limits = watched(&place, &[], "limits");
    let limits = String::from_utf8(limits).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let fields: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(fields[4..6], ["0", "0"], "{limits}");
    let status = String::from_utf8(watched(&place, &[], "status")).unwrap();
    let locked = status.lines().find(|line| line.starts_with("VmLck:"));
    let kib: u64 = locked
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(kib >= 4, "{status}");
}

#[test]
fn a_passphrase_comes_by_a_descriptor_or_from_systemd() {
    let place = locked();
    let append = ["append", "--kind", "note", "--payload", "{}"];
    place.write("passphrase", format!("{PASSPHRASE}\n"));
    let mut command = place.command(&append);
    command.env("SEALBOOK_KEY_PASSPHRASE_FD", "0");
    command.stdin(fs::File::open(place.path("passphrase")).unwrap());
    Run::of(&append, command.output().unwrap()).ok();
    fs::create_dir(place.path("credentials")).unwrap();
    place.write("credentials/sealbook-key-passphrase", PASSPHRASE);
    let mut command = place.command(&append);
    command.env("CREDENTIALS_DIRECTORY", place.path("credentials"));
    Run::of(&append, command.output().unwrap()).ok();
    place.run(&append).refused(
        "key_locked",
        &format!(
            "key file {}: the key is under a passphrase",
            place.path("ledger.key.pem").display()
        ),
        "set SEALBOOK_KEY_PASSPHRASE, or run it at a terminal",
    );
}
