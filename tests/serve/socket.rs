//! The socket beside the ledger: commands record while a server holds it, as the
//! server's own user; others may not, and TCP gains nothing.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Output;

use serde_json::{Value, json};

use crate::process::Place;

fn document(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn good(output: Output) -> Output {
    assert!(output.status.success(), "{output:?}");
    output
}

fn code(output: &Output) -> (Option<i32>, String) {
    let code = document(output)["error"]["code"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    (output.status.code(), code)
}

/// One request through the socket, as it is.
fn ask(socket: &std::path::Path, head: &str, body: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = body.len();
    let text = format!(
        "{head} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn commands_record_beside_a_server_as_if_they_held_the_ledger() {
    let place = Place::initialised();
    let server = place.serve(&[]);
    // Byte for byte, and by the same receipt.
    let payload = r#"{"b":1,"_actor":"mine","a":"é"}"#;
    let receipt = document(&good(place.run(&[
        "append",
        "--kind",
        "note",
        "--payload",
        payload,
    ])));
    let seq = receipt["seq"].to_string();
    let shown = document(&good(place.run(&["--json", "show", &seq])));
    assert_eq!(
        shown["payload"],
        json!({"_actor": "mine", "a": "é", "b": 1})
    );
    for member in [
        "hash",
        "prev_hash",
        "ts",
        "kind",
        "signature",
        "log",
        "genesis",
    ] {
        assert!(receipt[member].is_string(), "{receipt}");
    }
    // What cannot be an entry has the status and the code that it has by the lock.
    let reserved = place.run(&["--json", "append", "--kind", "hall.x", "--payload", "{}"]);
    assert_eq!(code(&reserved), (Some(2), "reserved_kind".to_owned()));

    // Sealing needs no token here; TCP gains nothing by it.
    let header = document(&good(place.run(&["seal"])));
    assert_eq!(header["epoch"]["epoch"], 0);
    let none = place.run(&["--json", "seal"]);
    assert_eq!(code(&none), (Some(1), "nothing_to_seal".to_owned()));
    assert_eq!(server.post("/v1/seal", "{}"), 403);
    assert_eq!(server.post("/v1/outcomes", r#"{"outcomes":[]}"#), 403);

    // Evidence is signed by anyone who has the key.
    let head = document(&good(place.run(&["head"])));
    assert!(head["head"]["seq"].as_u64().unwrap() >= 1);
    good(place.run(&["prove", &seq, "-o", "one.proof"]));
    good(place.run(&["export", "-o", "all.bundle"]));
    let key = String::from_utf8(place.run(&["key"]).stdout).unwrap();
    for file in ["one.proof", "all.bundle"] {
        good(place.run(&["verify", file, "--key", key.trim()]));
    }
    good(place.run(&[
        "append",
        "--kind",
        "note",
        "--payload",
        r#"{"correlation_id":"c"}"#,
    ]));
    let unsealed = place.run(&["--json", "export", "--correlation", "c", "-o", "c.bundle"]);
    assert_eq!(code(&unsealed), (Some(1), "not_sealed".to_owned()));
    assert!(!place.path().join("c.bundle").exists());
    good(place.run(&["export", "--seal", "--correlation", "c", "-o", "c.bundle"]));
    good(place.run(&["verify", "c.bundle", "--key", key.trim()]));

    // What needs the ledger to itself says so at once.
    for args in [
        &["--json", "rotate"][..],
        &["--json", "accept-rollback", "--reason", "r"],
    ] {
        let refused = place.run(args);
        assert_eq!(
            code(&refused),
            (Some(2), "ledger_locked".to_owned()),
            "{args:?}"
        );
    }
    server.end();
    good(place.run(&["verify"]));
}

#[test]
fn a_key_is_recorded_once_by_socket_and_by_lock() {
    let place = Place::initialised();
    let line = |n: u64| {
        format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}},\"idempotency_key\":\"k-{n}\"}}\n")
    };
    let append = |text: String| {
        std::fs::write(place.path().join("lines"), text).unwrap();
        place.run(&["append", "--jsonl", "lines"])
    };
    let seqs = |output: &Output| -> Vec<u64> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let receipts = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        receipts
            .map(|receipt| receipt["seq"].as_u64().unwrap())
            .collect()
    };
    let by_lock = good(append(line(1)));
    let server = place.serve(&[]);
    let by_socket = good(append(format!("{}{}{}", line(1), line(2), line(2))));
    assert_eq!(seqs(&by_socket)[0], seqs(&by_lock)[0]);
    assert_eq!(seqs(&by_socket)[1], seqs(&by_socket)[2]);
    let other = r#"{"kind":"note","payload":{},"idempotency_key":"k-2"}"#;
    let reused = append(format!("{other}\n"));
    assert_eq!(reused.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&reused.stderr).contains("another"),
        "{reused:?}"
    );
    server.end();
    let again = good(append(line(2)));
    assert_eq!(seqs(&again)[0], seqs(&by_socket)[1]);
    let log = place.run(&["log", "--kind", "note", "--json"]);
    assert_eq!(String::from_utf8(log.stdout).unwrap().lines().count(), 2);
}

#[test]
fn many_lines_come_in_order() {
    let place = Place::initialised();
    let server = place.serve(&[]);
    let lines: String = (0..5_000)
        .map(|n| format!("{{\"kind\":\"note\",\"payload\":{{\"n\":{n}}}}}\n"))
        .collect();
    std::fs::write(place.path().join("lines"), lines).unwrap();
    let output = good(place.run(&["append", "--jsonl", "lines"]));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().lines().count(),
        5_000
    );
    server.end();
    let log = place.run(&["log", "--kind", "note", "--json"]);
    for (n, line) in String::from_utf8(log.stdout).unwrap().lines().enumerate() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!(entry["payload"]["n"], n, "{entry}");
    }
    good(place.run(&["verify"]));
}

#[test]
fn outcomes_name_who_ran_the_command_and_nobody_where_that_is_asked_for() {
    let place = Place::initialised();
    std::fs::write(place.path().join("rules.json"), r#"{"rules": []}"#).unwrap();
    std::fs::create_dir(place.path().join("enrolled")).unwrap();
    let server = place.serve(&[]);
    std::fs::write(place.path().join("card"), "{}").unwrap();
    let route = ["--json", "route", "--capability", "cap.a"];
    let denied = place.run(&route);
    assert_eq!(denied.status.code(), Some(1), "{denied:?}");
    let seq = document(&denied)["receipt"]["seq"].to_string();
    let entry = document(&good(place.run(&["--json", "show", &seq])));
    let actor = &entry["payload"]["_actor"];
    assert_eq!(actor["via"], "socket");
    let uid = std::fs::metadata("/proc/self").map(|it| {
        use std::os::unix::fs::MetadataExt as _;
        it.uid()
    });
    assert_eq!(actor["uid"], uid.unwrap());
    let unnamed = place.run(&[&route[..], &["--actor", "none"]].concat());
    let seq = document(&unnamed)["receipt"]["seq"].to_string();
    let entry = document(&good(place.run(&["--json", "show", &seq])));
    assert_eq!(entry["payload"].get("_actor"), None);
    // Manifests and packages that are not there fail, and are entries all the same.
    let manifest = place.run(&["--json", "manifest", "verify", "none"]);
    assert_eq!(manifest.status.code(), Some(1), "{manifest:?}");
    std::fs::create_dir(place.path().join("pkg")).unwrap();
    let package = place.run(&[
        "package",
        "verify",
        "pkg",
        "--worker-id",
        "org.a.b",
        "--worker-species-id",
        "wrk.a",
    ]);
    assert_eq!(package.status.code(), Some(1), "{package:?}");
    for kind in ["manifest.verify", "wcp.attestation"] {
        let log = good(place.run(&["log", "--json", "--kind", kind]));
        let entry = document(&log);
        assert_eq!(entry["payload"]["_actor"]["via"], "socket", "{entry}");
    }
    // Bulk decisions, with their documents stored once.
    let case = json!({"id": 1, "rules": {"rules": []}, "input": {
        "capability_id": "cap.a", "env": "dev", "data_label": "PUBLIC", "tenant_risk": "low",
        "qos_class": "P2", "tenant_id": "t", "correlation_id": "c"}});
    std::fs::write(place.path().join("cases"), format!("{case}\n{case}\n")).unwrap();
    let decided = good(place.run(&["decide", "--record", "cases"]));
    assert_eq!(
        String::from_utf8(decided.stdout).unwrap().lines().count(),
        2
    );
    server.end();
    good(place.run(&["verify"]));
    good(place.run(&["replay"]));
}

#[test]
fn what_an_outcome_may_not_bring_is_refused_whole() {
    let place = Place::initialised();
    let server = place.serve(&[]);
    let socket = place.path().join("ledger.sock");
    let before = ask(&socket, "GET /v1/head", "").1["head"]["seq"].clone();
    let sent = |outcome: Value| {
        let body = json!({"outcomes": [{"kind": "manifest.verify", "payload": {}}, outcome]});
        ask(&socket, "POST /v1/outcomes", &body.to_string())
    };
    for bad in [
        json!({"kind": "sealbook:rollback", "payload": {}}),
        json!({"kind": "hall.reload", "payload": {}}),
        json!({"kind": "hall.ban", "payload": {}}),
        json!({"kind": "note", "payload": {}}),
        json!({"kind": "wcp.decision", "payload": {"_actor": {}}}),
        json!({"kind": "hall.enrolment", "payload": {"kept_in": "ledger"}}),
        json!({"kind": "wcp.decision", "payload": {}, "documents": [
            {"digest": format!("blake2b-256:{}", "0".repeat(64)), "media_type": "application/json",
             "content": {}}]}),
    ] {
        let (status, said) = sent(bad.clone());
        assert_eq!(
            (status, &said["code"]),
            (400, &json!("bad_input")),
            "{bad} {said}"
        );
    }
    assert_eq!(ask(&socket, "GET /v1/head", "").1["head"]["seq"], before);
    server.end();
}

#[test]
fn the_file_is_the_servers_own_and_goes_with_it() {
    let place = Place::initialised();
    let socket = place.path().join("ledger.sock");
    // What a server that was killed left there is replaced.
    let server = place.serve(&[]);
    let found = std::fs::symlink_metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    server.kill();
    assert!(socket.exists());
    // And is nothing to a command.
    good(place.run(&["append", "--kind", "note", "--payload", "{}"]));
    let server = place.serve(&[]);
    good(place.run(&["append", "--kind", "note", "--payload", "{}"]));
    server.end();
    assert!(!socket.exists());
    // A file that is none stays, and the server does without.
    std::fs::write(&socket, "mine").unwrap();
    let server = place.serve(&[]);
    let locked = place.run(&[
        "--json",
        "--no-wait",
        "append",
        "--kind",
        "n",
        "--payload",
        "{}",
    ]);
    assert_eq!(code(&locked), (Some(2), "ledger_locked".to_owned()));
    server.end();
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "mine");
    // One that is named has to be had.
    let refused = place.run(&["--json", "serve", "--port", "0", "--socket", "ledger.sock"]);
    assert_eq!(code(&refused), (Some(2), "cannot_listen".to_owned()));
    let long = "l".repeat(120);
    let refused = place.run(&["--json", "serve", "--port", "0", "--socket", &long]);
    assert_eq!(code(&refused), (Some(2), "cannot_listen".to_owned()));
    let refused = place.run(&["--json", "serve", "--port", "0", "--socket", "no/folder"]);
    assert_eq!(code(&refused), (Some(2), "cannot_listen".to_owned()));
    // And is found where both are told.
    let server = place.serve(&["--socket", "s"]);
    good(place.run(&["--socket", "s", "append", "--kind", "n", "--payload", "{}"]));
    // Another ledger's server is refused.
    good(place.run(&["init", "--ledger", "other"]));
    let other = place.run(&[
        "--json",
        "--ledger",
        "other",
        "--socket",
        "s",
        "append",
        "--kind",
        "n",
        "--payload",
        "{}",
    ]);
    assert_eq!(
        other.status.code(),
        Some(0),
        "its own lock is free: {other:?}"
    );
    server.end();
}

#[test]
fn a_server_that_goes_away_is_said_and_a_retry_is_recorded_once() {
    let place = Place::initialised();
    let socket = place.path().join("s");
    // It says hello, and closes every connection that brings an entry.
    let listener = UnixListener::bind(&socket).unwrap();
    let key: Value = document(&good(place.run(&["--json", "key"])));
    let report = document(&good(place.run(&["--json", "verify"])));
    let hello = json!({"version": "9.9.9", "log": key["log"], "genesis": report["genesis"],
        "more": true});
    let answering = std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            if head.starts_with(b"GET /health") {
                let body = hello.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            } else if !head.is_empty() {
                return;
            }
        }
    });
    let line = r#"{"kind":"note","payload":{},"idempotency_key":"k"}"#;
    std::fs::write(place.path().join("lines"), format!("{line}\n")).unwrap();
    let gone = place.run(&["--json", "--socket", "s", "append", "--jsonl", "lines"]);
    assert_eq!(code(&gone), (Some(2), "server_gone".to_owned()), "{gone:?}");
    answering.join().unwrap();
    let server = place.serve(&[]);
    let first = document(&good(place.run(&["append", "--jsonl", "lines"])));
    let second = document(&good(place.run(&["append", "--jsonl", "lines"])));
    assert_eq!(first["seq"], second["seq"]);
    server.end();
}

#[test]
fn the_server_that_holds_a_ledger_publishes_it_when_it_is_asked_to() {
    const NAME: &str = "log.example/held";
    let place = Place::initialised();
    let server = place.serve(&["--publish-to", "log", "--publish-name", NAME]);
    assert_eq!(server.append(1), 201);
    let ask = |args: &[&str]| place.run(&[&["--json", "publish"], args].concat());
    let done = document(&good(ask(&["--to", "log"])));
    assert_eq!(done["name"], NAME);
    let size = done["size"].as_u64().unwrap();
    let note = std::fs::read_to_string(place.path().join("log/checkpoint")).unwrap();
    assert_eq!(note.lines().nth(1).unwrap(), size.to_string());
    assert_eq!(server.append(2), 201);
    let again = document(&good(ask(&["--to", "log", "--name", NAME])));
    assert_eq!(
        (&again["added"], &again["size"]),
        (&1.into(), &(size + 1).into())
    );
    // It publishes to its own folder, under its own name, with its own witnesses.
    let elsewhere = ask(&["--to", "other"]);
    assert_eq!(
        code(&elsewhere),
        (Some(2), "publishes_elsewhere".to_owned())
    );
    assert!(!place.path().join("other").exists());
    let named = ask(&["--to", "log", "--name", "log.example/other"]);
    assert_eq!(code(&named), (Some(2), "name_mismatch".to_owned()));
    std::fs::write(place.path().join("policy"), "quorum none\n").unwrap();
    let witnesses = ask(&["--to", "log", "--witness-policy", "policy"]);
    assert_eq!(code(&witnesses), (Some(2), "usage".to_owned()));
    let ended = ask(&["--end-name", NAME]);
    assert_eq!(code(&ended), (Some(2), "ledger_locked".to_owned()));
    assert_eq!(server.post("/v1/publish", "{}"), 403);
    drop(server);
    // One that publishes nowhere says so.
    let _server = place.serve(&[]);
    assert_eq!(
        code(&ask(&["--to", "log"])),
        (Some(2), "publishes_elsewhere".to_owned())
    );
}

/// What a dry run of the server finds is what it erases; one more entry in between, and it
/// is asked again.
#[test]
fn members_are_erased_beside_a_server() {
    let place = Place::initialised();
    let _server = place.serve(&[]);
    let payload = r#"{"email":"a@b.example","tenant_id":"acme"}"#;
    let order = ["append", "--kind", "order", "--payload", payload];
    let appended = || {
        let run = place.run(&[&order[..], &["--redactable", "/email"]].concat());
        document(&good(run))["seq"].as_u64().unwrap()
    };
    let (first, second) = (appended(), appended());
    let one = first.to_string();
    let of = |what: &[&str], more: &[&str]| {
        let erase = ["--json", "erase", "--pointer", "/email"];
        place.run(&[&erase[..], what, more].concat())
    };
    let tenant = ["--tenant", "acme"];
    let planned = document(&good(of(&tenant, &["--dry-run"])));
    let members =
        json!([{"pointer": "/email", "seq": first}, {"pointer": "/email", "seq": second}]);
    assert_eq!(planned["members"], members);
    let reason = ["--reason", "asked for"];
    let unasked = of(&tenant, &reason);
    assert_eq!(code(&unasked), (Some(2), "usage".to_owned()));
    let done = document(&good(of(&[&one], &[&reason[..], &["--yes"]].concat())));
    assert_eq!(
        (&done["kind"], &done["seq"]),
        (&json!("sealbook:erasure"), &json!(second + 1))
    );
    let again = of(&[&one], &[&reason[..], &["--yes"]].concat());
    assert_eq!(code(&again), (Some(1), "not_erasable".to_owned()));
    let limited = of(&tenant, &[&reason[..], &["--yes", "--limit", "1"]].concat());
    assert_eq!(code(&limited), (Some(2), "usage".to_owned()));
    let done = document(&good(of(&tenant, &[&reason[..], &["--yes"]].concat())));
    assert_eq!(done["seq"], second + 2);
    let by = (second + 2).to_string();
    let shown = document(&good(place.run(&["--json", "show", &by])));
    assert_eq!(shown["payload"]["erased"][0]["seq"], second);
    assert_eq!(shown["payload"]["reason"], "asked for");
    let none = of(&tenant, &[&reason[..], &["--yes"]].concat());
    assert_eq!(code(&none), (Some(1), "not_found".to_owned()));
    for seq in [one, second.to_string()] {
        let said = String::from_utf8(good(place.run(&["show", &seq])).stdout).unwrap();
        assert!(said.contains("/email: erased, as entry"), "{said}");
    }
}
