//! The program itself: flags and environment, signals, TLS.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::answer::{raw, raw_status};

pub(crate) struct Place(tempfile::TempDir);

/// A server in a process of its own.
pub(crate) struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
}

impl Place {
    pub(crate) fn initialised() -> Place {
        Place::made(&["init"])
    }

    /// With a ledger that this command makes.
    pub(crate) fn made(args: &[&str]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        assert!(place.run(args).status.success());
        place
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealbook"));
        command.args(args).current_dir(self.0.path()).env_clear();
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// With the secret of a namespace.
    pub(crate) fn run_with_hmac(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        command.env("WCP_ATTEST_HMAC_KEY", "k").output().unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn serve(&self, args: &[&str]) -> Process {
        let all = [&["serve", "--port", "0", "--min-free", "0"], args].concat();
        Process::of(self.command(&all))
    }
}

impl Process {
    pub(crate) fn of(mut command: Command) -> Process {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut process = Process {
            log: BufReader::new(child.stderr.take().unwrap()),
            child,
            address: "0.0.0.0:0".parse().unwrap(),
        };
        let line = process.logged("serving");
        process.address = line["address"].as_str().unwrap().parse().unwrap();
        process
    }

    /// Reads the log to the line with this message.
    fn logged(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before {message:?}");
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
            if line["message"] == message {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let answer = raw(self.address, request.as_bytes());
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (raw_status(&answer), serde_json::from_str(body).unwrap())
    }

    pub(crate) fn append(&self, n: u64) -> u16 {
        self.appended(n).0
    }

    /// What an append is answered.
    pub(crate) fn appended(&self, n: u64) -> (u16, Value) {
        let body = json!({"kind": "note", "payload": {"n": n}}).to_string();
        let answer = self.posted("/v1/entries", &body);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (raw_status(&answer), serde_json::from_str(body).unwrap())
    }

    /// What a bearer of `token` is answered.
    pub(crate) fn post_as(&self, token: &str, path: &str, body: &str) -> (u16, Value) {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             authorization: Bearer {token}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let answer = raw(self.address, request.as_bytes());
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (raw_status(&answer), serde_json::from_str(body).unwrap())
    }

    /// Has rules, workers and tokens read again, and waits until they are.
    pub(crate) fn reload(&mut self) {
        self.signal("HUP");
        self.logged("reloaded");
    }

    /// The status of what is posted over TCP.
    pub(crate) fn post(&self, path: &str, body: &str) -> u16 {
        raw_status(&self.posted(path, body))
    }

    fn posted(&self, path: &str, body: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        raw(self.address, request.as_bytes())
    }

    /// Stops it in order.
    pub(crate) fn end(self) {
        self.signal("TERM");
        assert_eq!(self.ended(), Some(0));
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(self) {
        self.signal("KILL");
        assert_eq!(self.ended(), None);
    }

    fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn told_to_stop_it_closes_the_ledger_in_order() {
    let place = Place::initialised();
    for signal in ["TERM", "INT"] {
        let process = place.serve(&[]);
        assert_eq!(process.append(1), 201);
        // One writer at a time.
        let refused = place.run(&["rotate"]);
        assert_eq!(refused.status.code(), Some(2));
        process.signal(signal);
        assert_eq!(process.ended(), Some(0));
        let verified = place.run(&["verify", "--json"]);
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!(report["verdict"], "pass", "{report}");
        // The mark names the last entry: nothing was left behind.
        let head: Value = serde_json::from_slice(&place.run(&["head"]).stdout).unwrap();
        let mark = std::fs::read(place.path().join("ledger.mark")).unwrap();
        let mark: Value = serde_json::from_slice(&mark).unwrap();
        assert_eq!(mark["head"]["hash"], head["head"]["hash"]);
    }
}

#[test]
fn killed_it_loses_nothing_that_it_acknowledged() {
    let place = Place::initialised();
    let mut acknowledged = 0;
    for _ in 0..3 {
        let process = place.serve(&[]);
        for n in 0..5 {
            assert_eq!(process.append(n), 201);
            acknowledged += 1;
        }
        process.signal("KILL");
        assert_eq!(process.ended(), None);
    }
    let log = place.run(&["log", "--kind", "note", "--json"]);
    let lines = String::from_utf8(log.stdout).unwrap();
    assert_eq!(lines.lines().count(), acknowledged);
    assert!(place.run(&["verify"]).status.success());
}

#[test]
fn a_hang_up_has_rules_and_tokens_read_again() {
    let place = Place::initialised();
    std::fs::write(place.path().join("rules.json"), r#"{"rules": []}"#).unwrap();
    let mut process = place.serve(&["--rules", "rules.json"]);
    std::fs::write(
        place.path().join("rules.json"),
        r#"{"rules": [], "note": 1}"#,
    )
    .unwrap();
    process.signal("HUP");
    process.logged("reloaded");
    let (_, page) = process.get("/v1/entries?kind=hall.reload");
    assert_eq!(page["entries"].as_array().unwrap().len(), 2);
    std::fs::write(place.path().join("rules.json"), "{").unwrap();
    process.signal("HUP");
    let line = process.logged("not reloaded: everything stays as it was");
    assert!(
        line["error"].as_str().unwrap().contains("rules.json"),
        "{line}"
    );
    assert_eq!(process.get("/health").0, 200);
}

#[test]
fn the_environment_says_where_and_flags_win() {
    let place = Place::initialised();
    assert!(place.run(&["init", "--ledger", "other"]).status.success());
    let mut command = place.command(&["serve", "--min-free", "0"]);
    command
        .env("HALL_DB_PATH", "other")
        .env("SEALBOOK_LEDGER", "nowhere")
        .env("HALL_API_PORT", "0")
        .env("HALL_API_HOST", "127.0.0.1");
    let process = Process::of(command);
    assert!(process.address.port() > 0);
    assert_eq!(process.append(1), 201);
    process.signal("TERM");
    assert_eq!(process.ended(), Some(0));
    let count = |ledger| {
        let log = place.run(&["log", "--json", "--kind", "note", "--ledger", ledger]);
        let log = String::from_utf8(log.stdout).unwrap();
        let noted = |line: &&str| line.contains(r#""kind":"note""#);
        log.lines().filter(noted).count()
    };
    assert_eq!((count("other"), count("ledger")), (1, 0));
    let mut command = place.command(&["serve", "--ledger", "ledger", "--port", "0"]);
    command
        .env("HALL_DB_PATH", "other")
        .env("HALL_API_PORT", "1")
        .args(["--min-free", "0"]);
    let process = Process::of(command);
    assert_ne!(process.address.port(), 1);
    assert_eq!(process.append(1), 201);
    process.signal("TERM");
    assert_eq!(process.ended(), Some(0));
    assert_eq!((count("other"), count("ledger")), (1, 1));
}

#[test]
fn what_it_cannot_begin_with_is_said_and_leaves_no_trace() {
    let place = Place::initialised();
    let refused = |args: &[&str], code: &str| {
        let all = [&["--json", "serve", "--port", "0"], args].concat();
        let output = place.run(&all);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let last = String::from_utf8(output.stdout).unwrap();
        let error: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
        assert_eq!(error["error"]["code"], code, "{error}");
    };
    refused(&["--host", "0.0.0.0"], "token_file_needed");
    refused(&["--host", "192.0.2.1"], "cannot_listen");
    refused(&["--token-file", "none"], "io");
    refused(&["--cors-origin", "*"], "usage");
    refused(&["--rules", "none.json"], "bad_input");
    refused(&["--tls-cert", "none", "--tls-key", "none"], "tls");
    let log = place.run(&["log", "--json"]);
    assert_eq!(String::from_utf8(log.stdout).unwrap().lines().count(), 1);
}

#[test]
fn a_token_is_made_shown_once_listed_and_revoked() {
    let place = Place::initialised();
    let made = place.run(&[
        "token", "new", "--scope", "read", "--scope", "append", "--name", "ci",
    ]);
    assert!(made.status.success());
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(token.starts_with("sbt_") && token.len() == 68);
    let path = place.path().join("tokens.jsonl");
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(!kept.contains(&token["sbt_".len()..]));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let listed = place.run(&["--json", "token", "list"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["scopes"], json!(["read", "append"]));
    assert_eq!(listed.get("token"), None);
    let id = listed["id"].as_str().unwrap();
    assert!(place.run(&["token", "revoke", id]).status.success());
    assert_eq!(place.run(&["token", "revoke", id]).status.code(), Some(1));
    let unknown = place.run(&["token", "new", "--scope", "everything"]);
    assert_eq!(unknown.status.code(), Some(2));
}

/// A policy of one witness, at an address where nobody is.
fn policy_of_nobody() -> String {
    use sealbook::ledger::key::{Signer as _, SoftwareSigner};
    use sealbook::ledger::note::{Algorithm, VerifierKey};
    let signer = SoftwareSigner::from_seed(&[7; 32].into());
    let key = Algorithm::Cosignature(signer.public_key());
    let key = VerifierKey::new("witness.example/gone".parse().unwrap(), key);
    format!("witness gone {key} http://127.0.0.1:1\nquorum gone\n")
}

#[test]
fn witnesses_of_the_public_log_stand_on_health_and_in_the_figures() {
    let place = Place::initialised();
    std::fs::write(place.path().join("policy"), policy_of_nobody()).unwrap();
    let mut process = place.serve(&[
        "--publish-to",
        "log",
        "--publish-name",
        "log.example/served",
        "--publish-every",
        "1",
        "--witness-policy",
        "policy",
    ]);
    let line = process.logged("not cosigned");
    assert_eq!(line["witness"], "gone");
    // The next round is told of when this one is kept.
    assert_eq!(process.append(1), 201);
    process.logged("not cosigned");
    let (_, health) = process.get("/health");
    let witnesses = &health["witnesses"];
    assert_eq!(witnesses["quorum"], false, "{health}");
    assert_eq!(witnesses["witnesses"][0]["name"], "gone");
    assert_eq!(witnesses["witnesses"][0]["fault"], "it cannot be reached");
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let figures = raw(process.address, request);
    for figure in [
        "sealbook_witness_cosigned{witness=\"gone\"} 0",
        "sealbook_witness_quorum 0",
    ] {
        assert!(figures.contains(figure), "{figure}\n{figures}");
    }
    // Open to failure: the checkpoint is there all the same.
    assert!(place.path().join("log/checkpoint").is_file());
}

#[test]
fn a_policy_of_witnesses_without_a_public_log_is_refused() {
    let place = Place::initialised();
    std::fs::write(place.path().join("policy"), policy_of_nobody()).unwrap();
    let refused = place.run(&["serve", "--port", "0", "--witness-policy", "policy"]);
    assert_eq!(refused.status.code(), Some(2));
}
