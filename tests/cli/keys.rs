//! Key files: whose, who may read them, and that other tools can.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::place::{Place, Run, have};

const APPEND: [&str; 6] = ["--json", "append", "--kind", "k", "--payload", "{}"];

/// Runs it with this as `SEALBOOK_KEY`.
fn run_with_key(place: &Place, args: &[&str], key: &str) -> Run {
    let mut command = place.command(args);
    command.env("SEALBOOK_KEY", key);
    Run::of(args, command.output().unwrap())
}

fn put(place: &Place, name: &str, bytes: impl AsRef<[u8]>, mode: u32) {
    place.write(name, bytes);
    fs::set_permissions(place.path(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let place = Place::initialised();
    let path = place.path("ledger.key.pem");
    let shown = path.display();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o610, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let run = place.run(&APPEND);
        let detail = format!("key file {shown}: mode {mode:04o} lets others read it");
        run.refused("key_readable", &detail, &format!("chmod 600 {shown}"));
    }
    for mode in [0o600, 0o400, 0o700] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        place.run(&APPEND).ok();
    }
    assert_eq!(place.count(), 4);
}

#[test]
fn another_logs_key_is_refused() {
    let place = Place::initialised();
    place.run(&["--ledger", "other", "init"]).ok();
    let given = place.run(&["--ledger", "other", "key"]).ok().stdout;
    let (given, log) = (given.trim(), place.key());
    for args in [&APPEND[..], &["--json", "seal"]] {
        run_with_key(&place, args, "other.key.pem").refused(
            "log_key_mismatch",
            &format!("the key {given} is not this ledger's, which is {log}"),
            "name the ledger's own key with SEALBOOK_KEY=FILE",
        );
    }
    assert_eq!(place.count(), 1);
}

#[test]
fn what_is_no_private_key_is_named() {
    let place = Place::initialised();
    let public = place.run(&["key", "--pem"]).ok().stdout;
    put(&place, "public", public, 0o600);
    put(&place, "junk", "hello", 0o600);
    put(&place, "empty", "", 0o600);
    put(&place, "huge", vec![b'x'; (64 << 10) + 1], 0o600);
    fs::create_dir(place.path("folder")).unwrap();
    for name in ["public", "junk", "empty"] {
        let detail =
            format!("key file {name}: not an unencrypted Ed25519 private key in PKCS#8 PEM");
        run_with_key(&place, &APPEND, name).refused("key_invalid", &detail, "");
    }
    for name in ["huge", "folder"] {
        let detail = format!("key file {name}: not a regular file of at most 64 KiB");
        run_with_key(&place, &APPEND, name).refused("key_invalid", &detail, "");
    }
    run_with_key(&place, &APPEND, "nowhere").refused(
        "key_unreadable",
        "key file nowhere: No such file or directory (os error 2)",
        "put the key back, or name it with SEALBOOK_KEY=FILE",
    );
    assert_eq!(place.count(), 1);
}

#[test]
fn a_pipe_in_the_place_of_a_key_is_refused_and_not_waited_for() {
    let place = Place::initialised();
    let made = Command::new("mkfifo").arg(place.path("pipe")).status();
    if !made.is_ok_and(|status| status.success()) {
        crate::skipped::skipped("without `mkfifo` there is no pipe to try");
        return;
    }
    run_with_key(&place, &APPEND, "pipe").refused(
        "key_invalid",
        "key file pipe: not a regular file of at most 64 KiB",
        "",
    );
}

#[test]
fn commands_that_read_never_need_the_private_key() {
    let place = Place::with_tail();
    fs::remove_file(place.path("ledger.key.pem")).unwrap();
    for args in [
        &["epochs"][..],
        &["head"],
        &["show", "7"],
        &["log"],
        &["verify"],
        &["prove", "1", "-o", "p"],
        &["key"],
        &["export", "-o", "b", "--no-sign"],
        &["export", "-o", "l", "--format", "logbook"],
    ] {
        let run = place.run(args).ok();
        assert!(!run.stderr.contains("warning"), "{run:?}");
    }
    // A bundle is signed, or anyone who wants it knows what that means.
    for args in [
        &["export", "-o", "none"][..],
        &["report", "--correlation", "x", "-o", "none"],
    ] {
        let run = place.run(args).ends_with(2);
        assert!(
            run.stderr
                .starts_with("sealbook: error: the closing record cannot be signed: key file "),
            "{run:?}"
        );
        assert!(!place.path("none").exists());
    }
    let shown = place.path("ledger.key.pem");
    place.run(&APPEND).refused(
        "key_unreadable",
        &format!(
            "key file {}: No such file or directory (os error 2)",
            shown.display()
        ),
        "put the key back, or name it with SEALBOOK_KEY=FILE",
    );
}

#[test]
fn a_ledger_that_was_moved_together_with_its_key_finds_it_there() {
    let place = Place::sealed();
    fs::create_dir(place.path("new")).unwrap();
    for name in ["ledger", "ledger.mark", "ledger.key.pem"] {
        fs::rename(place.path(name), place.path("new").join(name)).unwrap();
    }
    let at = ["--ledger", "new/ledger"];
    place.run(&[&at[..], &APPEND].concat()).ok();
    place.run(&[&at[..], &["verify"]].concat()).ok();
}

#[test]
fn what_is_no_public_key_is_no_key_to_verify_with() {
    let place = Place::initialised();
    place.write("junk", "hello");
    let private = place.run(&["--json", "verify", "--key", "ledger.key.pem"]);
    let detail = "key file ledger.key.pem: a private key, and the public one is needed, which \
                  `sealbook key` prints";
    private.refused("key_invalid", detail, "");
    place.run(&["--json", "verify", "--key", "junk"]).refused(
        "key_invalid",
        "key file junk: not an Ed25519 public key in PEM",
        "",
    );
    let short = "ab".repeat(31);
    place.run(&["--json", "verify", "--key", &short]).refused(
        "usage",
        &format!("key `{short}`: 64 hex digits or a PEM file are needed"),
        "",
    );
    place.run(&["--json", "verify", "--key", "no.pem"]).refused(
        "usage",
        "key `no.pem`: there is no such file, and it is not 64 hex digits",
        "",
    );
    place
        .run(&["verify", "--key", &place.key().to_uppercase()])
        .ok();
}

fn openssl(place: &Place, args: &[&str]) -> String {
    let output = place.command_of("openssl".as_ref(), args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn no_openssl() -> bool {
    let missing = !have("openssl", &["version"]);
    if missing {
        crate::skipped::skipped("openssl is not installed");
    }
    missing
}

#[test]
fn openssl_reads_the_keys_that_init_makes() {
    if no_openssl() {
        return;
    }
    let place = Place::initialised();
    openssl(&place, &["pkey", "-in", "ledger.key.pem", "-noout"]);
    let public = openssl(&place, &["pkey", "-in", "ledger.key.pem", "-pubout"]);
    assert_eq!(public, place.run(&["key", "--pem"]).ok().stdout);
}

#[test]
fn a_key_that_openssl_made_signs_a_ledger() {
    if no_openssl() {
        return;
    }
    let place = Place::empty();
    openssl(
        &place,
        &["genpkey", "-algorithm", "ed25519", "-out", "k.pem"],
    );
    fs::set_permissions(place.path("k.pem"), Permissions::from_mode(0o600)).unwrap();
    let before = place.read("k.pem");
    place.run(&["init", "--reuse-key", "--key", "k.pem"]).ok();
    place.append(1..4);
    place.run(&["seal"]).ok();
    assert_eq!(place.read("k.pem"), before);
    let public = openssl(&place, &["pkey", "-in", "k.pem", "-pubout"]);
    assert_eq!(public, place.run(&["key", "--pem"]).ok().stdout);
    place.write("pub.pem", public);
    place.run(&["verify", "--key", "pub.pem"]).ok();
}

#[test]
fn only_ed25519_keys_are_reused_and_only_if_they_are_there() {
    let place = Place::empty();
    let init = ["--json", "init", "--reuse-key", "--key", "k.pem"];
    place.run(&init).refused(
        "key_unreadable",
        "key file k.pem: No such file or directory (os error 2)",
        "put the key back, or name it with SEALBOOK_KEY=FILE",
    );
    if !no_openssl() {
        let rsa = ["genpkey", "-algorithm", "RSA", "-out", "k.pem"];
        openssl(&place, &rsa);
        fs::set_permissions(place.path("k.pem"), Permissions::from_mode(0o600)).unwrap();
        place.run(&init).refused(
            "key_invalid",
            "key file k.pem: not an unencrypted Ed25519 private key in PKCS#8 PEM",
            "",
        );
        fs::remove_file(place.path("k.pem")).unwrap();
    }
    assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 0);
}
