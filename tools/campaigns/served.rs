//! A server that is killed while its clients append through it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{ChildStderr, Stdio};

use serde_json::Value;

use super::book::Book;
use super::client::Client;
use super::kill::{Campaign, Victim};
use super::random::Random;

const CLIENTS: u64 = 4;

/// A request, to be sent until it is answered.
#[derive(Clone)]
pub(crate) struct Unanswered {
    key: String,
    path: &'static str,
    body: String,
}

/// What a client has to tell.
#[derive(Default)]
struct Told {
    receipts: Vec<Value>,
    unanswered: Vec<Unanswered>,
    refused: Vec<String>,
    requests: u64,
}

pub(crate) fn serve(campaign: &mut Campaign, after: &str) -> bool {
    let ledger = campaign.book.ledger.clone();
    let args = [
        "--ledger",
        &ledger,
        "serve",
        "--port",
        "0",
        "--min-free",
        "0",
    ];
    let mut command = campaign
        .place
        .command(&[&args[..], &["--rate", "10000000"]].concat());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let again = std::mem::take(&mut campaign.unanswered);
    let first = campaign.requests + 1;
    let mut random = campaign.random.fork();
    let (killed, told) = std::thread::scope(|scope| {
        let clients = scope.spawn(move || clients(log, again, first, &mut random));
        let killed = campaign.kill_in_time(Victim::Serve, child);
        (killed, clients.join().unwrap())
    });
    for mut client in told {
        campaign.requests = campaign.requests.max(client.requests);
        campaign.book.acknowledge(&campaign.place, &client.receipts);
        campaign.unanswered.append(&mut client.unanswered);
        for refused in client.refused {
            campaign.tally.find(format!("{after}: {refused}"));
        }
    }
    campaign.judge(after);
    !killed.too_late
}

/// Waits until it serves, then loads it until it is gone.
fn clients(
    mut log: BufReader<ChildStderr>,
    again: Vec<Unanswered>,
    first: u64,
    random: &mut Random,
) -> Vec<Told> {
    let Some(address) = address(&mut log) else {
        return vec![Told {
            unanswered: again,
            ..Told::default()
        }];
    };
    std::thread::scope(|scope| {
        // A log that nobody reads would stop it.
        scope.spawn(move || {
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|read| read > 0) {
                line.clear();
            }
        });
        let mut again = Some(again);
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let again = again.take().unwrap_or_default();
                let random = random.fork();
                scope.spawn(move || load(address, again, first + number, random))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// Where a server says that it serves; none if it ends before.
pub(crate) fn address(log: &mut BufReader<ChildStderr>) -> Option<SocketAddr> {
    loop {
        let mut line = String::new();
        if log.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Ok(line) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if line["message"] == "serving" {
            return line["address"].as_str()?.parse().ok();
        }
    }
}

fn load(address: SocketAddr, again: Vec<Unanswered>, first: u64, mut random: Random) -> Told {
    let mut told = Told::default();
    let mut again = again.into_iter();
    let Ok(mut client) = Client::connect(address) else {
        told.unanswered = again.collect();
        return told;
    };
    let mut number = first;
    loop {
        let request = again.next().unwrap_or_else(|| {
            let request = of(number, &mut random);
            told.requests = number;
            number += CLIENTS;
            request
        });
        match client.post(request.path, &request.key, &request.body) {
            Ok((201, answer)) => told.note(&answer),
            Ok((status, answer)) => {
                let answer = String::from_utf8_lossy(&answer).into_owned();
                told.refused.push(format!("{status}: {answer}"));
                return told;
            }
            Err(_) => {
                told.unanswered.push(request);
                told.unanswered.extend(again);
                return told;
            }
        }
    }
}

/// A request of one entry, or of several that are to be whole.
fn of(number: u64, random: &mut Random) -> Unanswered {
    let count = match random.below(3) {
        0 => 2 + random.below(30),
        _ => 1,
    };
    let entry = Book::entry(number, count, random.below(600));
    let (path, body) = match count {
        1 => ("/v1/entries", entry),
        _ => {
            let entries = vec![entry; usize::try_from(count).unwrap_or(1)].join(",");
            ("/v1/entries/batch", format!(r#"{{"entries":[{entries}]}}"#))
        }
    };
    let key = format!("key-{number}");
    Unanswered { key, path, body }
}

impl Told {
    fn note(&mut self, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap();
        match answer["receipts"].as_array() {
            Some(receipts) => self.receipts.extend(receipts.clone()),
            None => self.receipts.push(answer),
        }
    }
}
