//! Keys under a passphrase: ours that `openssl` reads, `openssl`'s that we
//! read, and what is said when they do not open.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::place::{Place, Run, have};

const PASSPHRASE: &str = "open sesame";
const HINT: &str = "set SEALBOOK_KEY_PASSPHRASE, or run it at a terminal";

fn run(place: &Place, args: &[&str], passphrase: &str) -> Run {
    let mut command = place.command(args);
    command.env("SEALBOOK_KEY_PASSPHRASE", passphrase);
    Run::of(args, command.output().unwrap())
}

/// A place with one of the keys that `openssl` made, as `k.pem`.
fn with_key(name: &str) -> Place {
    let place = Place::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let from = root.join("fixtures/keys").join(name);
    fs::copy(from, place.path("k.pem")).unwrap();
    fs::set_permissions(place.path("k.pem"), Permissions::from_mode(0o600)).unwrap();
    place
}

const REUSE: [&str; 5] = ["--json", "init", "--reuse-key", "--key", "k.pem"];

#[test]
fn keys_that_openssl_encrypted_sign_a_ledger() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let public = fs::read_to_string(root.join("fixtures/keys/public.pem")).unwrap();
    for name in ["pbkdf2.pem", "scrypt.pem", "pbkdf2-sha512-aes128.pem"] {
        let place = with_key(name);
        run(&place, &REUSE, PASSPHRASE).ok();
        assert_eq!(place.run(&["key", "--pem"]).ok().stdout, public, "{name}");
        let append = ["append", "--kind", "k", "--payload", "{}"];
        run(&place, &append, PASSPHRASE).ok();
        run(&place, &["seal"], PASSPHRASE).ok();
        place.run(&["verify"]).ok();
    }
}

#[test]
fn a_wrong_passphrase_or_none_is_a_clean_error_and_makes_nothing() {
    for name in ["pbkdf2.pem", "scrypt.pem"] {
        let place = with_key(name);
        for wrong in ["open sesam", "Open sesame", "\u{1f511}"] {
            run(&place, &REUSE, wrong).refused(
                "key_passphrase",
                "key file k.pem: the passphrase does not open it",
                "",
            );
        }
        // An empty variable is none, and nobody is there to be asked.
        let detail = "key file k.pem: the key is under a passphrase";
        run(&place, &REUSE, "").refused("key_locked", detail, HINT);
        place.run(&REUSE).refused("key_locked", detail, HINT);
        assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 1);
    }
}

#[test]
fn a_key_that_costs_too_much_or_is_locked_otherwise_is_refused() {
    let again = "encrypt it again with `openssl pkcs8 -topk8`";
    let otherwise = "key file k.pem: encrypted in another way than scrypt or PBKDF2 with SHA-2, \
                     and AES in CBC mode";
    let costly = "key file k.pem: opening it costs more than the limit of 256 MiB for scrypt or \
                  10000000 rounds of PBKDF2";
    for (name, detail) in [
        ("costly.pem", costly),
        ("pbkdf2-sha1.pem", otherwise),
        ("des3.pem", otherwise),
    ] {
        let place = with_key(name);
        let refused = run(&place, &REUSE, PASSPHRASE);
        refused.refused("key_invalid", detail, again);
    }
    let place = with_key("rsa.pem");
    run(&place, &REUSE, PASSPHRASE).refused(
        "key_invalid",
        "key file k.pem: not an unencrypted Ed25519 private key in PKCS#8 PEM",
        "",
    );
    place.write("k.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n");
    run(&place, &REUSE, PASSPHRASE).refused(
        "key_invalid",
        "key file k.pem: not an encrypted private key in PKCS#8 PEM",
        "",
    );
}

#[test]
fn init_encrypts_the_new_key_when_asked() {
    let place = Place::empty();
    let init = ["--json", "init", "--encrypt-key"];
    place.run(&init).refused(
        "key_locked",
        "no passphrase was given for the new key",
        HINT,
    );
    assert_eq!(fs::read_dir(place.dir()).unwrap().count(), 0);
    run(&place, &init, PASSPHRASE).ok();
    let text = place.read("ledger.key.pem");
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let mode = fs::metadata(place.path("ledger.key.pem")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let append = ["--json", "append", "--kind", "k", "--payload", "{}"];
    run(&place, &append, PASSPHRASE).ok();
    let shown = place.path("ledger.key.pem");
    let detail = format!(
        "key file {}: the key is under a passphrase",
        shown.display()
    );
    place.run(&append).refused("key_locked", &detail, HINT);
    assert_eq!(place.count(), 2);
    // Reading needs no key; a bundle is signed where the key can be had.
    run(&place, &["seal"], PASSPHRASE).ok();
    let export = place.run(&["export", "-o", "b"]).ends_with(2);
    assert!(
        export
            .stderr
            .contains("the closing record cannot be signed")
    );
    run(&place, &["export", "-o", "b"], PASSPHRASE).ok();
    place.run(&["verify", "b", "--key", &place.key()]).ok();
    let both = ["init", "--encrypt-key", "--reuse-key"];
    place.run(&both).ends_with(2);
}

#[test]
fn openssl_reads_the_key_that_init_encrypted() {
    if !have("openssl", &["version"]) {
        crate::skipped::skipped("openssl is not installed");
        return;
    }
    let place = Place::empty();
    run(&place, &["init", "--encrypt-key"], PASSPHRASE).ok();
    let pass = format!("pass:{PASSPHRASE}");
    let args = ["pkey", "-in", "ledger.key.pem", "-passin", &pass, "-pubout"];
    let output = place
        .command_of("openssl".as_ref(), &args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let public = String::from_utf8(output.stdout).unwrap();
    assert_eq!(public, place.run(&["key", "--pem"]).ok().stdout);
}

/// A person at a terminal is asked, and not shown what is typed.
#[test]
fn at_a_terminal_the_passphrase_is_asked_for() {
    if !have("script", &["--version"]) {
        crate::skipped::skipped("without `script` there is no terminal to try");
        return;
    }
    let place = with_key("pbkdf2.pem");
    let program = env!("CARGO_BIN_EXE_sealbook");
    let command = format!("{program} init --reuse-key --key k.pem");
    let args = ["-q", "-e", "-c", &command, "/dev/null"];
    let mut script = place.command_of("script".as_ref(), &args);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let mut shown = Vec::new();
    // What is typed before the program listens is thrown away, so it is typed
    // again until the program has had enough.
    let reader = std::thread::spawn(move || {
        screen.read_to_end(&mut shown).unwrap();
        shown
    });
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let _gone = keyboard.write_all(b"open sesame\n");
        std::thread::sleep(Duration::from_millis(200));
    };
    let shown = reader.join().unwrap();
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("passphrase of k.pem"), "{shown}");
    place.run(&["verify"]).ok();
}
