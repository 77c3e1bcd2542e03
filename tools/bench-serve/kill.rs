//! Mixed load with SIGKILLs between: what was acknowledged must be there, as it
//! was acknowledged, and what was sent twice under one key must be there once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::{Server, place, run as program};

const CLIENTS: u64 = 16;

/// How long a server lives.
const LIFE: Duration = Duration::from_secs(7);

#[derive(Default)]
struct Acknowledged {
    /// Entry hash by number.
    entries: HashMap<u64, String>,
    /// Number by key.
    keys: HashMap<String, u64>,
    /// A request that was cut off: its key and its body.
    unknown: Vec<(String, String)>,
}

pub(crate) fn run(minutes: u64) {
    let place = place();
    assert!(program(place.path(), &["init"]).status.success());
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let mut all = Acknowledged::default();
    let count = AtomicU64::new(0);
    let mut lives = 0;
    while Instant::now() < until {
        let server = Server::start(place.path());
        check(&server, &mut all);
        let over = AtomicBool::new(false);
        let found: Vec<Acknowledged> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS)
                .map(|_| scope.spawn(|| load(&server, &over, &count)))
                .collect();
            std::thread::sleep(LIFE);
            // While they are in the middle of it.
            server.kill_now();
            over.store(true, Ordering::Relaxed);
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        server.gone();
        for own in found {
            all.entries.extend(own.entries);
            all.keys.extend(own.keys);
            all.unknown.extend(own.unknown);
        }
        lives += 1;
        println!(
            "life {lives}: {} entries acknowledged, {} cut off",
            all.entries.len(),
            all.unknown.len()
        );
    }
    let server = Server::start(place.path());
    check(&server, &mut all);
    assert_eq!(server.stop(), Some(0));
    verify(place.path());
    println!(
        "{lives} lives, {} acknowledged entries: every one is there",
        all.entries.len()
    );
}

/// Appends with keys, routes and reads, until the server is gone.
fn load(server: &Server, over: &AtomicBool, count: &AtomicU64) -> Acknowledged {
    let mut own = Acknowledged::default();
    let Ok(mut client) = Client::connect(server.address) else {
        return own;
    };
    while !over.load(Ordering::Relaxed) {
        let n = count.fetch_add(1, Ordering::Relaxed);
        let (path, body) = match n % 8 {
            0 => ("/v1/entries", String::new()),
            1 => (
                "/route",
                format!(
                    r#"{{"capability_id":"cap.x","env":"dev","data_label":"PUBLIC",
                    "tenant_risk":"low","qos_class":"P2","tenant_id":"t","correlation_id":"c-{n}"}}"#
                ),
            ),
            _ => (
                "/v1/entries",
                format!(r#"{{"kind":"note","payload":{{"n":{n}}}}}"#),
            ),
        };
        if body.is_empty() {
            if client.get("/v1/entries?limit=5&reverse=true").is_err() {
                return own;
            }
            continue;
        }
        let key = format!("key-{n}");
        match client.post(path, &key, &body) {
            Ok((201, answer)) => own.note(&key, &answer),
            Ok((200, answer)) => own.routed(&answer),
            Ok((status, answer)) => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
            Err(_) => {
                if path == "/v1/entries" {
                    own.unknown.push((key, body));
                }
                return own;
            }
        }
    }
    own
}

impl Acknowledged {
    fn note(&mut self, key: &str, answer: &[u8]) {
        let receipt: serde_json::Value = serde_json::from_slice(answer).unwrap();
        let seq = receipt["seq"].as_u64().unwrap();
        let hash = receipt["hash"].as_str().unwrap().to_owned();
        self.entries.insert(seq, hash);
        self.keys.insert(key.to_owned(), seq);
    }

    fn routed(&mut self, answer: &[u8]) {
        let answer: serde_json::Value = serde_json::from_slice(answer).unwrap();
        let receipt = &answer["receipt"];
        let hash = receipt["entry_hash"].as_str().unwrap().to_owned();
        self.entries.insert(receipt["seq"].as_u64().unwrap(), hash);
    }
}

/// Everything is there as it was acknowledged; what was cut off is sent again,
/// and lands once; and keys that were answered answer the same.
fn check(server: &Server, all: &mut Acknowledged) {
    let mut client = Client::connect(server.address).unwrap();
    for (seq, hash) in &all.entries {
        let (status, body) = client.get(&format!("/v1/entries/{hash}")).unwrap();
        assert_eq!(status, 200, "entry {seq} is lost");
        let shown: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(shown["entry"]["seq"], *seq);
    }
    for (key, body) in std::mem::take(&mut all.unknown) {
        let first = client.post("/v1/entries", &key, &body).unwrap();
        let again = client.post("/v1/entries", &key, &body).unwrap();
        assert_eq!((first.0, &first.1), (201, &again.1), "{key} is there twice");
        all.note(&key, &first.1);
    }
    let mut seqs: Vec<u64> = all.keys.values().copied().collect();
    let keys = seqs.len();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), keys, "two keys name one entry");
}

fn verify(dir: &Path) {
    let output = program(dir, &["verify"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
