//! `tail` to files, syslog receivers and webhooks: each entry at least once, in order.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::place::Place;

fn tail(place: &Place, args: &[&str]) -> Vec<String> {
    let all = [&["tail", "--once"], args].concat();
    place
        .run(&all)
        .ok()
        .stdout
        .lines()
        .map(str::to_owned)
        .collect()
}

fn lines(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(parse).collect()
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_file_gets_each_entry_once_and_is_followed_where_it_is_moved_away() {
    let place = Place::sealed();
    assert!(tail(&place, &["--to", "out.jsonl"]).is_empty());
    let events = lines(&place.read("out.jsonl"));
    // What `log` shows, and whose it is.
    let logged = place.run(&["--json", "log"]).ok().documents();
    let key = place.key();
    for (event, mut entry) in events.iter().zip(logged.clone()) {
        let own = entry.as_object_mut().unwrap();
        for name in ["genesis", "hash", "log"] {
            own.insert(name.to_owned(), event[name].clone());
        }
        assert_eq!(event, &entry);
        assert_eq!(event["log"], key);
    }
    assert_eq!(seqs(&events), [0, 1, 2, 3, 4, 5]);
    assert_eq!(events[1]["prev_hash"], events[0]["hash"]);
    fs::rename(place.path("out.jsonl"), place.path("out.1")).unwrap();
    place.append(6..8);
    tail(&place, &["--to", "out.jsonl"]);
    tail(&place, &["--to", "out.jsonl"]);
    assert_eq!(seqs(&lines(&place.read("out.jsonl"))), [6, 7]);
    let position: Value = serde_json::from_str(&place.read("ledger.sink-tail.json")).unwrap();
    assert_eq!(position["delivered"], 7);
    // Without a place it is printed, and no position counts.
    let printed = tail(&place, &["--kind", "note", "--from-seq", "5"]);
    assert_eq!(seqs(&lines(&printed.join("\n"))), [5, 6, 7]);
    // Another name is another position, and a filter's.
    tail(
        &place,
        &["--to", "open", "--name", "x", "--kind", "sealbook:open"],
    );
    assert_eq!(seqs(&lines(&place.read("open"))), [0]);
}

#[test]
fn a_line_that_was_cut_is_ended_and_the_entry_comes_again() {
    let place = Place::sealed();
    tail(&place, &["--to", "out", "--until-seq", "2"]);
    let position = place.read("ledger.sink-tail.json");
    tail(&place, &["--to", "out"]);
    // Killed in the middle of the batch, before its position was written.
    let whole = place.read("out");
    place.write("out", &whole[..whole.len() - 30]);
    place.write("ledger.sink-tail.json", position);
    tail(&place, &["--to", "out"]);
    let found = place.read("out");
    let parsed: Vec<Value> = found
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(found.lines().count(), parsed.len() + 1);
    assert_eq!(seqs(&parsed), [0, 1, 2, 3, 4, 3, 4, 5]);
}

#[test]
fn a_ledger_that_was_put_back_or_is_another_is_not_delivered_from() {
    let place = Place::sealed();
    place.copy("ledger", "old");
    place.append(6..9);
    tail(&place, &["--to", "out"]);
    let delivered = lines(&place.read("out"))[8]["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::remove_dir_all(place.path("ledger")).unwrap();
    fs::rename(place.path("old"), place.path("ledger")).unwrap();
    let hint = "compare with a copy: the ledger was put back or is another; to deliver it again, \
                move the position away";
    let detail =
        format!("the ledger has no entry 8 with the hash {delivered}, which was delivered");
    place
        .run(&["tail", "--once", "--to", "out"])
        .refused("sink_position", &detail, hint);
    let other = Place::sealed();
    fs::copy(
        place.path("ledger.sink-tail.json"),
        other.path("ledger.sink-tail.json"),
    )
    .unwrap();
    let run = other
        .run(&["--json", "tail", "--once", "--to", "out"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "sink_position");
    other.write("ledger.sink-tail.json", "{}");
    let run = other
        .run(&["--json", "tail", "--once", "--to", "out"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "sink_position");
    assert!(!other.path("out").exists());
}

struct Following(Child);

impl Following {
    fn of(place: &Place, args: &[&str]) -> Following {
        let all = [&["tail"], args].concat();
        Following(place.command(&all).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Looks until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_is_killed_while_it_follows_loses_nothing_and_repeats_at_most_its_last_batch() {
    let place = Place::initialised();
    let size = || fs::metadata(place.path("out")).map_or(0, |found| found.len());
    let mut appended = 1;
    for round in 0..6 {
        let following = Following::of(&place, &["--to", "out"]);
        let before = size();
        place.append(appended..appended + 300);
        appended += 300;
        // In another place of its work each time.
        until("nothing was delivered", || size() > before);
        thread::sleep(Duration::from_millis(round * 7));
        following.kill();
    }
    tail(&place, &["--to", "out"]);
    let text = place.read("out");
    let found: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let (mut next, mut repeated) = (0, 0);
    for seq in seqs(&found) {
        assert!(seq <= next, "{seq} after {next}");
        repeated += u64::from(seq < next);
        next = next.max(seq + 1);
    }
    assert_eq!(next, appended);
    assert!(repeated <= 6 * 500, "{repeated}");
    let mut whole = place.run(&["--json", "tail", "--once", "--to", "out"]);
    whole = whole.ok();
    assert_eq!(whole.stdout, "");
}

#[test]
fn two_do_not_deliver_from_one_position() {
    let place = Place::sealed();
    let following = Following::of(&place, &["--to", "out"]);
    until("it does not deliver", || place.path("out").exists());
    let run = place
        .run(&["--json", "tail", "--once", "--to", "other"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "sink_in_use");
    following.kill();
}

/// The parts of a message, and its text.
fn message(bytes: &[u8]) -> (Vec<String>, String) {
    let text = str::from_utf8(bytes).unwrap();
    let parts: Vec<_> = text.splitn(8, ' ').collect();
    let words = parts[..7].iter().map(|part| (*part).to_owned()).collect();
    (words, parts[7].to_owned())
}

/// The next message of a stream, counted.
fn counted(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut number = Vec::new();
    stream.read_until(b' ', &mut number).unwrap();
    let octets: usize = str::from_utf8(&number).unwrap().trim().parse().unwrap();
    let mut message = vec![0; octets];
    stream.read_exact(&mut message).unwrap();
    message
}

#[test]
fn syslog_is_counted_over_a_stream_and_a_datagram_each_otherwise() {
    let place = Place::sealed();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("syslog+tcp://{}", listener.local_addr().unwrap());
    let receiver = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let six = (0..6).map(|_| message(&counted(&mut stream)));
        let six: Vec<_> = six.collect();
        // Whose end comes before the sender has looked gets the batch again.
        stream.read_to_end(&mut Vec::new()).unwrap();
        six
    });
    tail(&place, &["--to", &to, "--name", "tcp"]);
    let logged = place.run(&["--json", "log"]).ok().documents();
    for (at, (words, text)) in receiver.join().unwrap().into_iter().enumerate() {
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["seq"], at);
        let kind = logged[at]["kind"].as_str().unwrap();
        assert_eq!(
            (words[0].as_str(), words[1].as_str()),
            ("<110>1", logged[at]["ts"].as_str().unwrap())
        );
        assert_eq!(
            (words[3].as_str(), words[5].as_str(), words[6].as_str()),
            ("sealbook", kind, "-")
        );
    }
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = format!("syslog+udp://{}", udp.local_addr().unwrap());
    // Longer than a datagram: its payload stays away, and that is said.
    let long = json!({"text": "x".repeat(70_000)}).to_string();
    place
        .run(&["append", "--kind", "long", "--payload", &long])
        .ok();
    tail(&place, &["--to", &to, "--name", "udp", "--from-seq", "5"]);
    let mut buffer = vec![0; 70_000];
    let mut next = || {
        let length = udp.recv(&mut buffer).unwrap();
        serde_json::from_str::<Value>(&message(&buffer[..length]).1).unwrap()
    };
    assert_eq!(next()["seq"], 5);
    let cut = next();
    assert_eq!(
        (&cut["seq"], &cut["payload_bytes"]),
        (&json!(6), &json!(long.len()))
    );
    assert!(cut.get("payload").is_none());
    let socket = UnixDatagram::bind(place.path("log.sock")).unwrap();
    let to = format!("syslog:{}", place.path("log.sock").display());
    tail(&place, &["--to", &to, "--name", "unix", "--until-seq", "1"]);
    for seq in 0..2 {
        let length = socket.recv(&mut buffer).unwrap();
        let event: Value = serde_json::from_str(&message(&buffer[..length]).1).unwrap();
        assert_eq!(event["seq"], seq);
    }
}

/// Reads a request; answers its head and its body.
fn request(stream: &mut BufReader<TcpStream>) -> (Vec<String>, Vec<u8>) {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let mut body = vec![0; header(&head, "content-length").parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

fn header(head: &[String], name: &str) -> String {
    let found = head.iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("no {name} in {head:?}"))
}

/// A request: the lines of its head, and its body.
type Posted = (Vec<String>, Vec<u8>);

/// A receiver that answers each request with the next of these statuses.
fn webhook(answers: &'static [&'static str]) -> (String, thread::JoinHandle<Vec<Posted>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}/in?token=s3cret", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut taken = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = BufReader::new(stream);
            taken.push(request(&mut stream));
            let text =
                format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.get_mut().write_all(text.as_bytes()).unwrap();
        }
        taken
    });
    (to, thread)
}

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

#[test]
fn a_webhook_is_signed_and_tried_again_until_it_takes_the_batch() {
    let place = Place::sealed();
    place.write("secret", format!("whsec_{}\n", STANDARD.encode(SECRET)));
    place.write("headers", "Authorization: Bearer t0ken\n");
    let (to, receiver) = webhook(&["503 Busy\r\nRetry-After: 1", "200 OK"]);
    let args = [
        "--to",
        &to,
        "--name",
        "hook",
        "--secret-file",
        "secret",
        "--header-file",
        "headers",
    ];
    // Nobody else may read what is secret.
    let run = place
        .run(&[&["--json", "tail", "--once"], &args[..]].concat())
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "io", "{run:?}");
    for file in ["secret", "headers"] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(place.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let run = place.run(&[&["tail", "--once"], &args[..]].concat()).ok();
    assert!(
        run.stderr
            .contains("it answered with status 503: it is tried again"),
        "{run:?}"
    );
    assert!(!run.stderr.contains("s3cret"), "{run:?}");
    let taken = receiver.join().unwrap();
    let genesis = lines(str::from_utf8(&taken[0].1).unwrap())[0]["genesis"]
        .as_str()
        .unwrap()
        .to_owned();
    for (head, body) in &taken {
        assert_eq!(head[0], "POST /in?token=s3cret HTTP/1.1");
        assert_eq!(header(head, "authorization"), "Bearer t0ken");
        assert_eq!(header(head, "content-type"), "application/x-ndjson");
        let (id, time) = (
            header(head, "webhook-id"),
            header(head, "webhook-timestamp"),
        );
        assert_eq!(id, format!("sealbook:delivery:v1:{genesis}:0-5"));
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(body);
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header(head, "webhook-signature"), signature);
        assert_eq!(
            seqs(&lines(str::from_utf8(body).unwrap())),
            [0, 1, 2, 3, 4, 5]
        );
    }
    let (to, receiver) = webhook(&["204 No Content"]);
    tail(&place, &["--to", &to, "--name", "ocsf", "--format", "ocsf"]);
    let taken = receiver.join().unwrap();
    let events: Vec<Value> = serde_json::from_slice(&taken[0].1).unwrap();
    assert_eq!(events.len(), 6);
}

#[test]
fn what_is_not_taken_in_the_end_is_said_and_comes_with_the_next_run() {
    let place = Place::sealed();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let to = format!("syslog+tcp://{nobody}");
    let run = place
        .run(&["--json", "tail", "--once", "--to", &to])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "not_delivered");
    assert!(!place.path("ledger.sink-tail.json").exists());
    tail(&place, &["--to", "out"]);
    assert_eq!(seqs(&lines(&place.read("out"))), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn an_event_of_ocsf_has_the_class_of_its_kind_and_the_entry_whole() {
    let place = Place::sealed();
    let payload = r#"{"tenant_id":"acme","correlation_id":"c-1","text":"a\u0001b"}"#;
    place
        .run(&["append", "--kind", "deploy", "--payload", payload])
        .ok();
    let printed = tail(&place, &["--format", "ocsf", "--from-seq", "6"]);
    let event: Value = serde_json::from_str(&printed[0]).unwrap();
    let raw = event["raw_data"].as_str().unwrap();
    let entry: Value = serde_json::from_str(raw).unwrap();
    assert_eq!(
        entry,
        place
            .run(&["--json", "log", "--from-seq", "6"])
            .ok()
            .document()
    );
    let jsonl = lines(&tail(&place, &["--from-seq", "6"])[0]);
    let one = |algorithm: &str, value: &Value| json!({"algorithm": algorithm, "algorithm_id": 99, "value": value});
    let millis = event["time"].as_i64().unwrap();
    let expected = json!({
        "activity_id": 99, "activity_name": "Other", "category_uid": 0, "class_uid": 0,
        "type_uid": 99, "severity_id": 1, "time": millis, "message": "deploy",
        "metadata": {"version": "1.8.0", "uid": jsonl[0]["hash"], "sequence": 6,
            "event_code": "deploy", "log_name": jsonl[0]["genesis"], "logged_time": millis,
            "original_time": entry["ts"], "tenant_uid": "acme", "correlation_uid": "c-1",
            "product": {"name": "sealbook", "vendor_name": "sealbook", "version": env!("CARGO_PKG_VERSION")}},
        "raw_data": raw,
        "raw_data_hash": {"algorithm": "SHA-256", "algorithm_id": 3,
            "value": Sha256::digest(raw).iter().map(|byte| format!("{byte:02x}")).collect::<String>()},
        "unmapped": {"record_integrity": {"authority_uid": jsonl[0]["log"], "chain_uid": jsonl[0]["genesis"],
            "fingerprint": one("BLAKE2b-256", &jsonl[0]["hash"]),
            "prev_event": {"fingerprint": one("BLAKE2b-256", &entry["prev_hash"])},
            "signatures": [one("Ed25519", &entry["signature"])]}},
    });
    assert_eq!(event, expected);
}

#[test]
fn cef_escapes_what_would_end_a_field_or_a_line() {
    let place = Place::initialised();
    let payload = r#"{"tenant_id":"a=b\\c","text":"x\ny|z"}"#;
    place
        .run(&["append", "--kind", "a|b\\c d", "--payload", payload])
        .ok();
    let event = lines(&tail(&place, &["--from-seq", "1"])[0]).remove(0);
    let text = |name: &str| event[name].as_str().unwrap();
    let printed = tail(&place, &["--format", "cef", "--from-seq", "1"]);
    let rt = printed[0]
        .split("rt=")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let expected = format!(
        "CEF:0|sealbook|sealbook|{}|a\\|b\\\\c d|a\\|b\\\\c d|3|externalId=1 rt={rt} deviceExternalId={} \
         cs1Label=hash cs1={} cs2Label=prevHash cs2={} cs3Label=signature cs3={} cs4Label=tenant \
         cs4=a\\=b\\\\c cs6Label=genesis cs6={} rawEvent={{\"tenant_id\":\"a\\=b\\\\\\\\c\",\"text\":\"x\\\\ny|z\"}}",
        env!("CARGO_PKG_VERSION"),
        text("log"),
        text("hash"),
        text("prev_hash"),
        text("signature"),
        text("genesis"),
    );
    assert_eq!(printed, [expected]);
}

#[test]
fn settings_that_do_not_fit_together_are_refused_before_anything_is_delivered() {
    let place = Place::sealed();
    place.write("f", "");
    for args in [
        &["--to", "syslog+tls://127.0.0.1:1"][..],
        &["--to", "out", "--secret-file", "f"],
        &["--to", "http://127.0.0.1:1", "--ca-file", "f"],
        &["--to", "out", "--name", "a/b"],
        &["--to", "gopher://x"],
    ] {
        let run = place
            .run(&[&["tail", "--once"], args].concat())
            .ends_with(2);
        assert!(run.stdout.is_empty(), "{run:?}");
    }
    assert!(!place.path("out").exists());
}
