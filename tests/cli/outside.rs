//! Keys that are not in the writer's process: with an agent, in a PKCS#11 token.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use sealbook::ledger::key::{PublicKey, Signature, Signer as _};
use sealbook::logbook::key_file;

use crate::place::{Place, Run, have, is_root};

/// What a signer is tried with.
const PROBE: &[u8] = b"sealbook:probe:v1\x1fthe same bytes each time";

const APPEND: [&str; 6] = ["--json", "append", "--kind", "k", "--payload", "{}"];

/// An agent in a process of its own, which answers.
struct Agent {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Agent {
    fn start(place: &Place, args: &[&str]) -> Agent {
        let listen = ["agent", "--listen", "agent.sock"];
        let mut command = place.command(&[&listen, args].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the agent ended").unwrap();
        let socket = place.path("agent.sock");
        assert_eq!(first, format!("agent:{}", socket.display()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Agent { child, stderr }
    }

    fn says(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The protocol, spoken by hand.
struct Spoken(UnixStream);

impl Spoken {
    fn greeted(socket: &Path) -> (Spoken, PublicKey) {
        let mut stream = UnixStream::connect(socket).unwrap();
        let mut greeting = [0; 50];
        stream.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting[..18], b"sealbook-agent:v1\n");
        let key = PublicKey::from_bytes(greeting[18..].try_into().unwrap());
        (Spoken(stream), key)
    }

    fn ask(&mut self, message: &[u8]) -> Option<Signature> {
        let length = u32::try_from(message.len()).unwrap();
        self.0.write_all(&length.to_be_bytes()).unwrap();
        self.0.write_all(message).unwrap();
        let mut kind = [9; 1];
        self.0.read_exact(&mut kind).unwrap();
        if kind == [1] {
            return None;
        }
        assert_eq!(kind, [0]);
        let mut signature = [0; 64];
        self.0.read_exact(&mut signature).unwrap();
        Some(Signature::from_bytes(signature))
    }
}

/// A key in a file, and no ledger yet.
fn with_key() -> Place {
    let place = Place::empty();
    place
        .run(&["--ledger", "other", "init", "--key", "log.pem"])
        .ok();
    place
}

#[test]
fn a_log_is_kept_with_a_key_that_only_an_agent_holds() {
    let place = with_key();
    let key = key_file::open(&place.path("log.pem")).unwrap();
    let agent = Agent::start(&place, &["--key", "log.pem"]);
    let named = format!("agent:{}", place.path("agent.sock").display());
    let made = place.run(&["--json", "init", "--key", "agent:agent.sock"]);
    let made = made.ok().document();
    assert_eq!(made["log"], key.public_key().to_string());
    assert_eq!(made["key_file"], "agent:agent.sock");
    assert!(!place.path("ledger.key.pem").exists());
    // The key is not needed from here on, but by the agent.
    fs::rename(place.path("log.pem"), place.path("elsewhere.pem")).unwrap();
    place.append(1..6);
    place.run(&["seal"]).ok();
    place.run(&["export", "-o", "e.bundle"]).ok();
    let trusted = key.public_key().to_string();
    place.run(&["verify", "e.bundle", "--key", &trusted]).ok();
    place.run(&["verify"]).ok();

    agent.kill();
    let socket = place.path("agent.sock");
    let gone = place.run(&APPEND);
    let detail = format!(
        "the agent at {}: Connection refused (os error 111)",
        socket.display()
    );
    let hint = "start the agent, or see to the token; look at the path, and at who may use it";
    gone.refused("signer_unreachable", &detail, hint);
    // Where it left its socket another takes its place.
    let agent = Agent::start(&place, &["--key", "elsewhere.pem"]);
    place.run(&APPEND).ok();
    assert_eq!(place.count(), 7);
    agent.kill();
    place
        .run(&["--ledger", "third", "init", "--key", "third.pem"])
        .ok();
    let _other = Agent::start(&place, &["--key", "third.pem"]);
    let other = place.run(&APPEND);
    assert_eq!(other.status, 2, "{other:?}");
    assert!(other.stdout.contains("log_key_mismatch"), "{other:?}");
    assert_eq!(place.count(), 7);
    let again = ["--ledger", "x", "init", "--encrypt-key", "--key", &named];
    let made_elsewhere = place.run(&again);
    assert_eq!(made_elsewhere.status, 2);
    assert!(
        made_elsewhere.stderr.contains("make it there"),
        "{made_elsewhere:?}"
    );
}

/// What lies at the place that was recorded may be another log's by now.
#[test]
fn a_key_that_was_moved_with_its_ledger_is_found_whatever_lies_where_it_was() {
    let place = Place::initialised();
    place.append(0..1);
    fs::create_dir(place.path("new")).unwrap();
    for name in ["ledger", "ledger.mark", "ledger.key.pem"] {
        fs::rename(place.path(name), place.path("new").join(name)).unwrap();
    }
    // Another log is kept where this one was, its key in the file that this one had.
    place.run(&["init"]).ok();
    place
        .run(&[&["--ledger", "new/ledger"], &APPEND[..]].concat())
        .ok();
    assert_eq!(place.count(), 1);
    // What stands there is no key at all.
    place.write("ledger.key.pem", "no key");
    place
        .run(&[&["--ledger", "new/ledger"], &APPEND[..]].concat())
        .ok();
    // Where neither fits, the one that was recorded is what is told of.
    fs::remove_file(place.path("new/ledger.key.pem")).unwrap();
    fs::copy(
        place.path("ledger.key.pem"),
        place.path("new/ledger.key.pem"),
    )
    .unwrap();
    let refused = place.run(&[&["--ledger", "new/ledger"], &APPEND[..]].concat());
    assert_eq!(refused.status, 2, "{refused:?}");
    let recorded = place.path("ledger.key.pem");
    assert!(
        refused.stderr.contains(&recorded.display().to_string()),
        "{refused:?}"
    );
}

#[test]
fn an_agent_signs_messages_of_a_log_and_nothing_else() {
    let place = with_key();
    let signer = key_file::open(&place.path("log.pem")).unwrap();
    let mut agent = Agent::start(&place, &["--key", "log.pem"]);
    let (mut spoken, key) = Spoken::greeted(&place.path("agent.sock"));
    assert_eq!(key, signer.public_key());
    let entry = [
        &b"note\x1f2026-02-26T08:00:00+00:00\x1f{\"n\":1}\x1f"[..],
        &[7; 32],
    ]
    .concat();
    for message in [PROBE, b"sealbook:head:v1\x1f{\"seq\":1}", &entry] {
        let signature = spoken.ask(message).expect("it was refused");
        // The bytes that the key gives in a process of ours.
        assert_eq!(signature, signer.sign(message).unwrap());
    }
    let user = rustix::process::geteuid().as_raw();
    let wanted = format!(
        "sealbook: warning: the user {user} asked to have signed what is not a message of a log\n"
    );
    let cut = &entry[..entry.len() - 1];
    for message in [
        &b""[..],
        b"anything",
        b"{\"a\":1}",
        b"sealbook:head:v9\x1f{}",
        cut,
    ] {
        assert_eq!(spoken.ask(message), None);
        assert_eq!(agent.says(), wanted);
    }
    assert!(spoken.ask(PROBE).is_some());
    // A length that no message has ends the connection.
    spoken.0.write_all(&u32::MAX.to_be_bytes()).unwrap();
    assert_eq!(spoken.0.read(&mut [0; 1]).unwrap(), 0);
    // Two cannot listen in one place.
    let second = place.run(&["agent", "--listen", "agent.sock", "--key", "log.pem"]);
    second.refused("io", "agent.sock: another agent listens there", "");
}

/// The key, as another user of this machine is told it.
fn key_for(user: u32, socket: &Path) -> String {
    let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
                  sys.stdout.write(s.recv(50)[18:].hex())";
    let mut command = Command::new("python3");
    let output = command.args(["-c", script]).arg(socket).uid(user).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn only_the_users_who_are_named_may_ask_an_agent() {
    if !is_root() {
        crate::skipped::skipped("only root may run a process as another user");
        return;
    }
    let place = with_key();
    fs::set_permissions(place.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = place.path("agent.sock");
    let key = key_file::open(&place.path("log.pem")).unwrap().public_key();
    let agent = Agent::start(&place, &["--key", "log.pem"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(key_for(65_533, &socket), "");
    agent.kill();
    let mut agent = Agent::start(&place, &["--key", "log.pem", "--user", "65533"]);
    assert_eq!(key_for(65_533, &socket), key.to_string());
    assert_eq!(key_for(65_534, &socket), "");
    assert_eq!(
        agent.says(),
        "sealbook: warning: the user 65534 may not ask: allow it with --user 65534\n"
    );
}

/// A SoftHSM token with the key of `log.pem`.
fn token(place: &Place) -> Option<String> {
    let modules = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
    ];
    let module = modules.into_iter().find(|path| Path::new(path).exists());
    let (Some(module), true) = (module, have("softhsm2-util", &["--version"])) else {
        crate::skipped::skipped("there is no SoftHSM");
        return None;
    };
    fs::create_dir(place.path("tokens")).unwrap();
    let tokens = place.path("tokens");
    place.write(
        "softhsm.conf",
        format!(
            "directories.tokendir = {}\nobjectstore.backend = file\n",
            tokens.display()
        ),
    );
    place.write("pin", "1234\n");
    let run = |args: &[&str]| {
        let mut command = place.command_of(Path::new("softhsm2-util"), args);
        command.env("SOFTHSM2_CONF", place.path("softhsm.conf"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run(&[
        "--init-token",
        "--free",
        "--label",
        "vault",
        "--pin",
        "1234",
        "--so-pin",
        "4321",
    ]);
    let import = [
        "--import", "log.pem", "--token", "vault", "--label", "log", "--id", "01",
    ];
    run(&[&import[..], &["--pin", "1234"]].concat());
    let pin = place.path("pin");
    Some(format!(
        "pkcs11:token=vault;object=log?module-path={module}&pin-source={}",
        pin.display()
    ))
}

fn with_token(place: &Place, args: &[&str]) -> Run {
    let mut command = place.command(args);
    command.env("SOFTHSM2_CONF", place.path("softhsm.conf"));
    Run::of(args, command.output().unwrap())
}

#[cfg(feature = "pkcs11")]
#[test]
fn a_log_is_kept_with_a_key_in_a_token() {
    let place = with_key();
    let Some(uri) = token(&place) else { return };
    let key = key_file::open(&place.path("log.pem")).unwrap();
    let made = with_token(&place, &["--json", "init", "--key", &uri]);
    let made = made.ok().document();
    assert_eq!(made["log"], key.public_key().to_string());
    for _ in 0..3 {
        with_token(&place, &APPEND).ok();
    }
    with_token(&place, &["seal"]).ok();
    with_token(&place, &["export", "-o", "e.bundle"]).ok();
    let trusted = key.public_key().to_string();
    place.run(&["verify", "e.bundle", "--key", &trusted]).ok();

    let hint = "start the agent, or see to the token; look at the path, and at who may use it";
    place.write("pin", "9999");
    let wrong = with_token(&place, &APPEND);
    assert_eq!(wrong.status, 2);
    assert!(wrong.stderr.contains("PIN"), "{wrong:?}");
    assert!(
        wrong.stderr.ends_with(&format!("sealbook: hint: {hint}\n")),
        "{wrong:?}"
    );
    place.write("pin", "1234");
    let absent = uri.replace("object=log", "object=nosuch");
    let absent = with_token(
        &place,
        &["--json", "--ledger", "x", "init", "--key", &absent],
    );
    let detail = "the token: it has no such Ed25519 key: look at token, object, id and PIN";
    absent.refused("signer_unreachable", detail, hint);
    with_token(&place, &APPEND).ok();
    with_token(&place, &["verify"]).ok();
}

#[cfg(feature = "pkcs11")]
#[test]
fn a_token_gives_the_bytes_that_the_key_gives_in_a_file() {
    let place = with_key();
    let Some(uri) = token(&place) else { return };
    let key = key_file::open(&place.path("log.pem")).unwrap();
    let mut command = place.command(&["agent", "--listen", "agent.sock", "--key", &uri]);
    command.env("SOFTHSM2_CONF", place.path("softhsm.conf"));
    command.stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let (mut spoken, public) = Spoken::greeted(&place.path("agent.sock"));
    let message = b"sealbook:head:v1\x1f{\"seq\":7}";
    let signatures = [spoken.ask(message), spoken.ask(message)];
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(public, key.public_key());
    assert_eq!(signatures, [Some(key.sign(message).unwrap()); 2]);
}
