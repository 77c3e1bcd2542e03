//! `timestamp` against OpenSSL's authority behind a server in this process.

use std::io::Write as _;
use std::sync::Mutex;

use serde_json::Value;

use crate::authority::Authority;
use crate::place::Place;
use crate::registry_server::{Server, answer};

/// Serves an authority, whose root is put into the place.
fn serve(authority: Authority, place: &Place) -> Server {
    place.write("root.pem", std::fs::read(authority.path("ca.pem")).unwrap());
    let authority = Mutex::new(authority);
    Server::new(move |request, stream| {
        let body = authority.lock().unwrap().answer(&request.bytes);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    })
}

#[test]
fn a_timestamp_is_recorded_and_checked_offline_under_its_root() {
    let (Some(authority), Some(other)) = (Authority::honest(), Authority::honest()) else {
        return;
    };
    let place = Place::initialised();
    place.append(0..3);
    let server = serve(authority, &place);
    let args = [
        "--json",
        "timestamp",
        "--tsa",
        &server.url,
        "--root",
        "root.pem",
    ];
    let stamped = place.run(&args).ok().document();
    assert_eq!(stamped["seq"], 4);
    assert_eq!(stamped["stamped"]["seq"], 3);
    assert_eq!(stamped["authority"], "CN=authority");
    // From here on nobody is asked.
    drop(server);
    let args = ["--json", "timestamp", "--check", "--root", "root.pem"];
    let checked = place.run(&args).ok().document();
    assert_eq!(checked, stamped);
    place.write("other.pem", std::fs::read(other.path("ca.pem")).unwrap());
    let args = ["--json", "timestamp", "--check", "--root", "other.pem"];
    let refused = place.run(&args).ends_with(1).document();
    assert_eq!(refused["time"], Value::Null);
    assert!(
        refused["fault"]
            .as_str()
            .unwrap()
            .contains("does not lead to the root")
    );
    place.run(&["verify"]).ok();
}

#[test]
fn what_is_no_timestamp_is_not_recorded() {
    let Some(authority) = Authority::honest() else {
        return;
    };
    let place = Place::initialised();
    let server = serve(Authority::honest().unwrap(), &place);
    // Another root than the authority's: nothing is recorded.
    place.write("root.pem", std::fs::read(authority.path("ca.pem")).unwrap());
    let args = ["timestamp", "--tsa", &server.url, "--root", "root.pem"];
    let run = place.run(&args).ends_with(1);
    assert!(
        run.stderr.contains("does not lead to the root"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("hint: see the message; name the authority's own root")
    );
    let page = Server::new(|_, stream| {
        let _ = stream.write_all(answer(200, "text/html", "<html>").as_bytes());
    });
    let args = ["timestamp", "--tsa", &page.url, "--root", "root.pem"];
    place.run(&args).ends_with(2);
    let args = [
        "timestamp",
        "--tsa",
        "ftp://tsa.example",
        "--root",
        "root.pem",
    ];
    place.run(&args).ends_with(2);
    assert_eq!(place.count(), 1);
    // Without a root it is recorded, and that is said.
    let args = ["timestamp", "--tsa", &server.url];
    let run = place.run(&args).ok();
    assert!(run.stderr.contains("no root was given"), "{}", run.stderr);
    assert_eq!(place.count(), 2);
    let args = ["timestamp", "--check", "--root", "root.pem"];
    place.run(&args).ends_with(1);
}

#[cfg(feature = "serve")]
#[test]
fn beside_a_server_that_holds_the_ledger_a_timestamp_is_recorded_through_it() {
    let Some(authority) = Authority::honest() else {
        return;
    };
    let place = Place::initialised();
    place.append(0..3);
    let server = serve(authority, &place);
    let holder = crate::disks::Server::start(&place, &["serve", "--port", "0"]);
    let args = [
        "--json",
        "timestamp",
        "--tsa",
        &server.url,
        "--root",
        "root.pem",
    ];
    let stamped = place.run(&args).ok().document();
    let seq = stamped["seq"].as_u64().unwrap();
    // The server records what it is asked to, and the last entry is its word.
    assert_eq!(stamped["stamped"]["seq"], seq - 1);
    let args = ["--json", "timestamp", "--check", "--root", "root.pem"];
    assert_eq!(place.run(&args).ok().documents().pop().unwrap()["seq"], seq);
    drop(holder);
    place.run(&["verify"]).ok();
}
