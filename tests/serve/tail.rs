//! The log as it grows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::place::{Plan, Server};

struct Tail {
    reader: BufReader<TcpStream>,
}

impl Tail {
    fn open(server: &Server, query: &str, headers: &str) -> Tail {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let timeout = Duration::from_secs(20);
        stream.set_read_timeout(Some(timeout)).unwrap();
        let request = format!(
            "GET /v1/tail{query} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut tail = Tail {
            reader: BufReader::new(stream),
        };
        assert!(tail.line().starts_with("HTTP/1.1 200"), "refused");
        while !tail.line().is_empty() {}
        tail
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next entry: its id and its data. `None` at the end.
    fn next(&mut self) -> Option<(u64, Value)> {
        let (mut id, mut data) = (None, None);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.parse().unwrap());
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(text).unwrap());
            } else if let (true, Some(id), Some(data)) = (line.is_empty(), id, data.clone()) {
                return Some((id, data));
            }
        }
    }
}

#[test]
fn entries_come_as_they_become_durable_and_from_where_one_left_off() {
    let server = Server::start();
    let first = server.note(0)["seq"].as_u64().unwrap();
    let mut tail = Tail::open(&server, "", "");
    for n in 1..4 {
        let receipt = server.note(n);
        let (id, item) = tail.next().unwrap();
        assert_eq!(id, first + n);
        assert_eq!(item["hash"], receipt["hash"]);
        assert_eq!(item["entry"]["payload"]["n"], n);
    }
    let mut again = Tail::open(&server, "", &format!("last-event-id: {}\r\n", first + 1));
    assert_eq!(again.next().unwrap().0, first + 2);
    let mut all = Tail::open(&server, "?from_seq=0&kind=note", "");
    assert_eq!(all.next().unwrap().0, first);
    assert_eq!(all.next().unwrap().0, first + 1);
}

#[test]
fn a_tail_of_a_range_ends_with_it() {
    let server = Server::start();
    let mut tail = Tail::open(&server, "?from_seq=0&until_seq=1", "");
    assert_eq!(tail.next().unwrap().0, 0);
    assert_eq!(tail.next().unwrap().0, 1);
    assert_eq!(tail.next(), None);
}

#[test]
fn a_server_that_stops_ends_its_tails() {
    let server = Server::start();
    let mut tail = Tail::open(&server, "", "");
    let (ended, _) = server.stop();
    ended.unwrap();
    assert_eq!(tail.next(), None);
}

#[test]
fn so_many_tails_and_no_more() {
    let mut plan = Plan::default();
    plan.limits.tails = 1;
    let server = plan.start();
    let held = Tail::open(&server, "", "");
    server.get("/v1/tail").refused(503, "busy");
    drop(held);
    // The place is free when the server has noticed.
    server.until("the place is free", || {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let request = format!("GET /v1/tail HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.starts_with("HTTP/1.1 200")
    });
}

#[test]
fn a_tail_that_is_asked_for_wrongly_is_refused() {
    let server = Server::start();
    server.get("/v1/tail?limit=3").refused(400, "bad_query");
    let headers = [("last-event-id".to_owned(), "x".to_owned())];
    server
        .get_with("/v1/tail", &headers)
        .refused(400, "bad_input");
}
