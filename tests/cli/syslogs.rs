//! `append --format syslog`: messages of RFC 5424 become entries, with their own time as
//! such.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::place::{Place, have};

fn payloads(place: &Place) -> Vec<Value> {
    let found = place
        .run(&["--json", "log", "--kind", "syslog.message"])
        .ok()
        .documents();
    found
        .into_iter()
        .map(|entry| entry["payload"].clone())
        .collect()
}

#[test]
fn messages_counted_and_one_a_line_are_recorded_with_their_own_time() {
    let place = Place::initialised();
    let one = "<165>1 2003-08-24T05:14:15.000003-07:00 h app 7 ID47 [x@1 a=\"b\"] first";
    let two = "<13>1 - - - - - - zwei\nLinien";
    let text = format!(
        "{} {one}{} {two}\n<13>1 - - - - - - third\n",
        one.len(),
        two.len()
    );
    let run = place
        .run_with(&["append", "--format", "syslog"], &text)
        .ok();
    assert_eq!(run.documents().len(), 3);
    let expected = [
        json!({"facility": 20, "severity": 5, "time": "2003-08-24T05:14:15.000003-07:00",
            "hostname": "h", "app_name": "app", "procid": "7", "msgid": "ID47",
            "structured_data": {"x@1": {"a": "b"}}, "message": "first"}),
        json!({"facility": 1, "severity": 5, "message": "zwei\nLinien"}),
        json!({"facility": 1, "severity": 5, "message": "third"}),
    ];
    assert_eq!(payloads(&place), expected);
    place.write("messages", "<13>1 - - - - - - x");
    let args = [
        "append",
        "--format",
        "syslog",
        "--from",
        "messages",
        "--kind",
        "router.log",
    ];
    let receipt = place.run(&args).ok().document();
    assert_eq!(receipt["kind"], "router.log");
}

#[test]
fn what_is_no_message_is_named_and_what_follows_is_recorded_where_that_is_wanted() {
    let place = Place::initialised();
    let text = "<34>Oct 11 22:14:15 host su: old\n<13>1 - - - - - - new\n20 <13>1 - - cut";
    let run = place
        .run_with(&["append", "--format", "syslog"], text)
        .ends_with(2);
    let detail = "line 1: no message of RFC 5424: after 4 bytes version 1 and a blank is needed";
    assert_eq!(run.stderr, format!("sealbook: error: {detail}\n"));
    let args = ["append", "--format", "syslog", "--keep-going"];
    let run = place.run_with(&args, text).ends_with(2);
    assert!(
        run.stderr
            .contains("line 3: no message of RFC 5424: after 13 bytes as many octets as were said"),
        "{run:?}"
    );
    assert_eq!(
        payloads(&place),
        [json!({"facility": 1, "severity": 5, "message": "new"})]
    );
}

/// What `logger` of util-linux sends, over a stream in both framings.
#[test]
fn messages_of_logger_are_recorded() {
    if !have("logger", &["--version"]) {
        return crate::skipped::skipped("there is no logger");
    }
    let place = Place::initialised();
    for (at, counted) in [false, true].into_iter().enumerate() {
        let path = place.path("log.sock");
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let mut append = place
            .command(&["append", "--format", "syslog"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut into = append.stdin.take().unwrap();
        let passed = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            into.write_all(&bytes).unwrap();
        });
        let mut logger = Command::new("logger");
        logger.args(["--rfc5424", "--tcp", "--socket"]).arg(&path);
        logger.args([
            "--tag",
            "probe",
            "--priority",
            "local0.warning",
            "--sd-id",
            "x@1",
            "--sd-param",
            "a=\"b\"",
        ]);
        if counted {
            logger.arg("--octet-count");
        }
        let text = format!("message {at}");
        assert!(logger.arg(&text).status().unwrap().success());
        passed.join().unwrap();
        assert!(append.wait().unwrap().success());
        let found = &payloads(&place)[at];
        assert_eq!(
            (&found["message"], &found["app_name"]),
            (&json!(text), &json!("probe"))
        );
        assert_eq!(
            (&found["facility"], &found["severity"]),
            (&json!(16), &json!(4))
        );
        assert_eq!(found["structured_data"]["x@1"], json!({"a": "b"}));
        assert!(found["time"].is_string());
    }
}

/// Makes a certificate and its key, its own authority where `args` name none.
fn made(place: &Place, name: &str, args: &[&str]) {
    let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes"])
        .args(["-days", "2", "-subj", &format!("/CN={name}")])
        .args(["-keyout", &key, "-out", &out])
        .args(args)
        .current_dir(place.dir())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// An authority, and a certificate of it for 127.0.0.1.
fn certificate(place: &Place) {
    made(place, "ca", &[]);
    let of_ca = ["-CA", "ca.pem", "-CAkey", "ca.key"];
    let leaf = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    made(place, "cert", &[of_ca, leaf].concat());
}

/// A receiver of syslog over TLS that hands on what it gets to `append`.
struct Rsyslog(std::process::Child);

impl Rsyslog {
    fn start(place: &Place, port: u16) -> Rsyslog {
        let at = |name: &str| place.path(name).display().to_string();
        let config = format!(
            "global(workDirectory=\"{dir}\" maxMessageSize=\"64k\" defaultNetstreamDriver=\"gtls\" \
             defaultNetstreamDriverCAFile=\"{ca}\" defaultNetstreamDriverCertFile=\"{cert}\" \
             defaultNetstreamDriverKeyFile=\"{key}\")\n\
             module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
             module(load=\"omprog\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             action(type=\"omprog\" binary=\"{program} --ledger {ledger} append --format syslog\" \
             template=\"RSYSLOG_SyslogProtocol23Format\" output=\"{log}\")\n",
            dir = place.dir().display(),
            ca = at("ca.pem"),
            cert = at("cert.pem"),
            key = at("cert.key"),
            program = env!("CARGO_BIN_EXE_sealbook"),
            ledger = at("central"),
            log = at("append.log"),
        );
        place.write("rsyslog.conf", config);
        let child = Command::new("rsyslogd")
            .args(["-n", "-f", &at("rsyslog.conf"), "-i", &at("rsyslog.pid")])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(place.path("rsyslog.log")).unwrap())
            .spawn();
        Rsyslog(child.unwrap())
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn over_a_real_rsyslog_and_tls_entries_of_one_ledger_are_messages_in_another() {
    let there = |program, args: &[&str]| have(program, args);
    if !there("rsyslogd", &["-v"]) || !there("openssl", &["version"]) {
        return crate::skipped::skipped("there is no rsyslogd, or no openssl");
    }
    let place = Place::sealed();
    place.run(&["--ledger", "central", "init"]).ok();
    certificate(&place);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let _rsyslog = Rsyslog::start(&place, port);
    let to = format!("syslog+tls://127.0.0.1:{port}");
    // It is tried again until the receiver listens.
    place
        .run(&["tail", "--once", "--to", &to, "--ca-file", "ca.pem"])
        .ok();
    let sent = place.run(&["tail", "--once"]).ok().stdout;
    let sent: Vec<&str> = sent.lines().collect();
    let begun = std::time::Instant::now();
    let found = loop {
        let args = [
            "--ledger",
            "central",
            "--json",
            "log",
            "--kind",
            "syslog.message",
        ];
        let found = place.run(&args).documents();
        if found.len() >= sent.len() {
            break found;
        }
        let log = || format!("{}{}", place.read("rsyslog.log"), place.read("append.log"));
        assert!(
            begun.elapsed().as_secs() < 60,
            "{} of {}: {}",
            found.len(),
            sent.len(),
            log()
        );
        thread::sleep(std::time::Duration::from_millis(50));
    };
    for (entry, sent) in found.iter().zip(&sent) {
        let payload = &entry["payload"];
        let event: Value = serde_json::from_str(sent).unwrap();
        assert_eq!(payload["message"], **sent);
        assert_eq!(payload["time"], event["ts"]);
        assert_eq!(
            (&payload["app_name"], &payload["facility"]),
            (&json!("sealbook"), &json!(13))
        );
        assert_eq!(payload["msgid"], event["kind"]);
    }
    // A receiver whose certificate leads elsewhere gets nothing.
    made(&place, "stranger", &[]);
    let run = place.run(&[
        "--json",
        "tail",
        "--once",
        "--to",
        &to,
        "--ca-file",
        "stranger.pem",
        "--name",
        "other",
    ]);
    assert_eq!(
        run.ends_with(2).document()["error"]["code"],
        "not_delivered"
    );
}
