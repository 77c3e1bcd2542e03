//! A key with an agent that goes away and comes back under a server.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{Place, Process};

/// An agent that answers at `agent.sock`, and ends with its test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn agent(place: &Place) -> Agent {
    let args = ["agent", "--listen", "agent.sock", "--key", "log.pem"];
    let mut child = place.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("agent:"), "{line}");
    Agent(child)
}

/// Asks until `/health` says so, and nothing else: anyone who balances loads appends
/// nothing to a server that is not well.
fn health_says(server: &Process, wanted: (u16, &str)) {
    let begun = Instant::now();
    loop {
        let (status, health) = server.get("/health");
        let said = (status, health["status"].as_str().unwrap());
        if said == wanted {
            return;
        }
        let waited = begun.elapsed() < Duration::from_secs(20);
        assert!(waited, "{health}");
        thread::yield_now();
    }
}

#[test]
fn an_agent_that_dies_and_comes_back_costs_nothing_that_was_acknowledged() {
    let place = Place::initialised();
    let made = ["--ledger", "other", "init", "--key", "log.pem"];
    assert!(place.run(&made).status.success());
    let first = agent(&place);
    let made = ["--ledger", "held", "init", "--key", "agent:agent.sock"];
    assert!(place.run(&made).status.success());
    // Who asks without a pause is not to be told of a rate.
    let args = [
        "--ledger",
        "held",
        "serve",
        "--port",
        "0",
        "--min-free",
        "0",
        "--rate",
        "0",
    ];
    let mut command = place.command(&args);
    // Nor does anybody read what it says of each request.
    command.env(
        "SEALBOOK_LOG",
        "off,sealbook::serve=info,sealbook::serve::requests=off",
    );
    let server = Process::of(command);
    let next = AtomicU64::new(0);
    let ended = AtomicBool::new(false);
    let mut acknowledged = BTreeSet::new();

    // The agent dies among appends that come all the time.
    thread::scope(|scope| {
        let client = || {
            let mut own = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let n = next.fetch_add(1, Ordering::Relaxed);
                match server.appended(n) {
                    (201, _) => own.push(n),
                    (503, refused) => assert_eq!(refused["code"], "sign_failed", "{refused}"),
                    other => panic!("{other:?}"),
                }
            }
            own
        };
        let clients = [scope.spawn(client), scope.spawn(client)];
        while next.load(Ordering::Relaxed) < 20 {
            thread::yield_now();
        }
        drop(first);
        health_says(&server, (503, "sign_failed"));
        ended.store(true, Ordering::Relaxed);
        for client in clients {
            acknowledged.extend(client.join().unwrap());
        }
    });
    assert!(!acknowledged.is_empty());

    // Nothing else stops: what is there can be read, and nothing is added.
    let (status, refused) = server.appended(1_000_000);
    assert_eq!((status, &refused["code"]), (503, &"sign_failed".into()));
    assert_eq!(server.get("/v1/entries?limit=1").0, 200);

    // It comes back, and nothing else has to be started.
    let second = agent(&place);
    health_says(&server, (200, "ok"));
    assert_eq!(server.appended(1_000_001).0, 201);
    acknowledged.insert(1_000_001);
    server.end();
    let listed = place.run(&["--ledger", "held", "--json", "log", "--kind", "note"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    let recorded: Vec<u64> = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|entry| entry["payload"]["n"].as_u64().unwrap())
        .collect();
    let once: BTreeSet<u64> = recorded.iter().copied().collect();
    assert_eq!((once.len(), &once), (recorded.len(), &acknowledged));
    assert!(place.run(&["verify", "held"]).status.success());
    drop(second);
}
