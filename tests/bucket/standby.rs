//! A server that stands by: real processes, two machines, one bucket.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::commands::{Site, serve};

/// How long anything here may take.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(site: &Site, machine: &str, flags: &[&str]) -> Server {
        let (child, address) = serve(site, machine, &[&["--heartbeat", "1"], flags].concat());
        Server { child, address }
    }

    fn standing_by(site: &Site, machine: &str, after: &str) -> Server {
        let flags = [
            "--standby",
            "--standby-after",
            after,
            "--accept-bucket-head",
        ];
        Server::start(site, machine, &flags)
    }

    fn ask(&self, request: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        exchange(&mut stream, &self.address, request, body)
    }

    fn append(&self, n: u64) -> (u16, Value) {
        let body = format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}");
        self.ask("POST /v1/entries", &body)
    }

    /// Asks until the answer is as it should be.
    fn until(&self, request: &str, body: &str, right: impl Fn(u16, &Value) -> bool) -> Value {
        let end = Instant::now() + TIMEOUT;
        loop {
            let (status, answer) = self.ask(request, body);
            if right(status, &answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{request}: {status} {answer}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exchange(
    stream: &mut (impl io::Read + io::Write),
    host: &str,
    request: &str,
    body: &str,
) -> (u16, Value) {
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    // One that comes while a server that stood by becomes the writer may be broken off
    // without an answer: that is status 0.
    let mut answer = String::new();
    let asked = stream.write_all(text.as_bytes());
    let answered = asked.and_then(|()| stream.read_to_string(&mut answer));
    let whole = answered.ok().and_then(|_| answer.split_once("\r\n\r\n"));
    let Some((head, body)) = whole else {
        return (0, Value::Null);
    };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_server_that_stands_by_answers_reads_refuses_writes_and_takes_over_from_a_writer_that_died() {
    let site = Site::initialised();
    let mut writer = Server::start(&site, "a", &[]);
    assert_eq!(writer.append(0).0, 201);
    let standby = Server::standing_by(&site, "b", "3");
    let (status, health) = standby.ask("GET /health", "");
    assert_eq!((status, &health["status"]), (200, &"standing_by".into()));
    assert_eq!(health["role"], "standby");
    assert_eq!(standby.ask("GET /health?role=writer", "").0, 503);
    assert_eq!(writer.ask("GET /health?role=writer", "").0, 200);

    // What the writer records is read here, and counted by kind.
    let (_, last) = writer.append(1);
    let seq = last["seq"].clone();
    standby.until("GET /v1/head", "", |_, head| head["head"]["seq"] == seq);
    standby.until("GET /v1/entries?kind=note", "", |status, found| {
        status == 200
            && found["entries"]
                .as_array()
                .is_some_and(|all| all.len() == 2)
    });
    let (status, refused) = standby.append(9);
    assert_eq!((status, &refused["code"]), (503, &"standing_by".into()));

    writer.child.kill().unwrap();
    writer.child.wait().unwrap();
    let body = r#"{"kind":"note","payload":{"n":2}}"#;
    standby.until("POST /v1/entries", body, |status, _| status == 201);
    let (status, health) = standby.ask("GET /health?role=writer", "");
    assert_eq!((status, &health["role"]), (200, &"writer".into()));
    let (_, found) = standby.ask("GET /v1/entries?kind=note", "");
    let numbers: Vec<_> = found["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["entry"]["payload"]["n"].clone())
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
}

#[test]
fn a_writer_that_was_paused_and_comes_back_is_fenced_by_who_stood_by() {
    let site = Site::initialised();
    let mut writer = Server::start(&site, "a", &[]);
    let standby = Server::standing_by(&site, "b", "3");
    let (_, last) = writer.append(0);
    standby.until("GET /v1/head", "", |_, head| {
        head["head"]["seq"] == last["seq"]
    });
    writer.signal("-STOP");
    let body = r#"{"kind":"note","payload":{"n":1}}"#;
    standby.until("POST /v1/entries", body, |status, _| status == 201);
    writer.signal("-CONT");
    let (status, refused) = writer.append(2);
    assert_eq!((status, &refused["code"]), (503, &"fenced".into()));
    assert_eq!(writer.child.wait().unwrap().code(), Some(2));
    let log = site.run("c", &["verify", "--json"]);
    assert_eq!(log.status, 0, "{log:?}");
}

#[test]
fn who_stands_by_takes_over_when_told_and_never_from_a_writer_that_lives() {
    let site = Site::initialised();
    let mut writer = Server::start(&site, "a", &[]);
    let standby = Server::standing_by(&site, "b", "0");
    let (_, last) = writer.append(0);
    standby.until("GET /v1/head", "", |_, head| {
        head["head"]["seq"] == last["seq"]
    });
    let (status, refused) = standby.ask("POST /v1/take-over", "{}");
    assert_eq!(
        (status, &refused["code"]),
        (403, &"no_tokens".into()),
        "{refused}"
    );
    let told = |machine: &str| {
        let mut socket = UnixStream::connect(site.path(machine).join("ledger.sock")).unwrap();
        exchange(&mut socket, "localhost", "POST /v1/take-over", "{}")
    };
    let (status, refused) = told("a");
    assert_eq!((status, &refused["code"]), (409, &"not_standing_by".into()));
    assert_eq!(
        writer.append(1).0,
        201,
        "it writes on while the other stands by"
    );
    assert_eq!(told("b").0, 202);
    let body = r#"{"kind":"note","payload":{"n":2}}"#;
    standby.until("POST /v1/entries", body, |status, _| status == 201);
    let (_, refused) = writer.append(3);
    assert_eq!(refused["code"], "fenced");
    assert_eq!(writer.child.wait().unwrap().code(), Some(2));
}

#[test]
fn a_machine_that_could_not_take_over_does_not_stand_by() {
    let site = Site::initialised();
    let run = site.run("b", &["serve", "--port", "0", "--standby", "--json"]);
    run.refused("head_unknown");
    let mut command = site.command("a", &["serve", "--port", "0", "--standby"]);
    let run = command.env_remove("SEALBOOK_BUCKET").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("--bucket"), "{said}");
}
