//! Mixed load on a server at half of what it can take, sealing all the time: its
//! memory, its latency and its descriptors must stay as they are.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::client::Client;
use super::place::{Place, codes};
use super::tally::Tally;

const CLIENTS: u64 = 16;

/// How long the greatest rate is measured.
const SPRINT: Duration = Duration::from_secs(10);

/// How often it is looked at, in so many parts of the whole.
const WINDOWS: u32 = 60;

/// How often the open epoch is sealed: 1 800 times as often as by the hour.
const SEAL_EVERY: Duration = Duration::from_secs(2);

struct Server {
    child: Child,
    address: SocketAddr,
    token: String,
}

/// What was seen in a part of the time.
struct Window {
    answers: usize,
    p50: Duration,
    p99: Duration,
    resident_kib: u64,
    /// Of it what the database keeps for readers, up to a bound.
    cached_kib: u64,
    /// Of it what is not in tables yet.
    unwritten_kib: u64,
    /// Those of table files, of which there are as many as the ledger has.
    tables: usize,
    other_descriptors: usize,
}

pub(crate) fn run(program: &Path, seconds: u64) -> Result<Tally, String> {
    let place = Place::new(program);
    place.must(&["init"]);
    let server = Server::start(&place);
    let mut tally = Tally::default();
    let greatest = server.sprint(&mut tally);
    let rate = greatest / 2.0;
    println!("{greatest:.0} requests a second at most; {rate:.0} from here on");
    let time = Duration::from_secs(seconds);
    let windows = server.soak(time, rate, &mut tally);
    judge(&windows, &mut tally);
    server.stop(&mut tally);
    let ran = place.run(&["--json", "verify"]);
    let report = ran.document();
    if ran.status != Some(0) {
        tally.find(format!("it does not verify: {:?}", codes(&report)));
    }
    tally.add("entries", report["entries"].as_u64().unwrap_or(0));
    tally.add("epochs", report["epochs"].as_u64().unwrap_or(0));
    Ok(tally)
}

impl Server {
    fn start(place: &Place) -> Server {
        let scopes = ["--scope", "read", "--scope", "append", "--scope", "admin"];
        let token = place
            .must(&[&["token", "new"], &scopes[..]].concat())
            .stdout;
        let args = ["serve", "--port", "0", "--token-file", "tokens.jsonl"];
        let mut command = place.command(&[&args[..], &["--rate", "10000000"]].concat());
        command.env("SEALBOOK_LOG", "info,sealbook::serve::requests=warn");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = super::served::address(&mut log).unwrap();
        // A log that nobody reads would stop it.
        std::thread::spawn(move || {
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|read| read > 0) {
                line.clear();
            }
        });
        Server {
            child,
            address,
            token: token.trim().to_owned(),
        }
    }

    fn client(&self) -> Client {
        let mut client = Client::connect(self.address).unwrap();
        client.headers = format!("authorization: Bearer {}\r\n", self.token);
        client
    }

    /// As fast as it goes.
    fn sprint(&self, tally: &mut Tally) -> f64 {
        let begun = Instant::now();
        let answers = AtomicU64::new(0);
        let refused: Vec<String> = std::thread::scope(|scope| {
            let load = |number: u64| {
                let (mut client, answers) = (self.client(), &answers);
                scope.spawn(move || {
                    for n in (number..).step_by(CLIENTS as usize) {
                        if begun.elapsed() > SPRINT {
                            break;
                        }
                        if let Err(refused) = ask(&mut client, n) {
                            return Some(refused);
                        }
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                    None
                })
            };
            let threads: Vec<_> = (0..CLIENTS).map(load).collect();
            threads
                .into_iter()
                .filter_map(|t| t.join().unwrap())
                .collect()
        });
        refused.into_iter().for_each(|refused| tally.find(refused));
        answers.into_inner() as f64 / begun.elapsed().as_secs_f64()
    }

    /// At an even rate. Latency counts from when a request was due, so that
    /// one that holds up the others is not forgotten.
    fn soak(&self, time: Duration, rate: f64, tally: &mut Tally) -> Vec<Window> {
        let over = AtomicBool::new(false);
        let latencies = Mutex::new(Vec::new());
        let refused = Mutex::new(Vec::new());
        let mut windows = Vec::new();
        println!(
            "   time  requests        p50        p99  memory MiB   cached  unwritten  tables  descriptors"
        );
        std::thread::scope(|scope| {
            let (over, latencies, refused) = (&over, &latencies, &refused);
            let begun = Instant::now();
            for number in 0..CLIENTS {
                let mut client = self.client();
                scope.spawn(move || {
                    for n in (number..).step_by(CLIENTS as usize) {
                        let due = begun + Duration::from_secs_f64(n as f64 / rate);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        if over.load(Ordering::Relaxed) {
                            break;
                        }
                        if let Err(error) = ask(&mut client, n) {
                            return refused.lock().unwrap().push(error);
                        }
                        latencies.lock().unwrap().push(due.elapsed());
                    }
                });
            }
            let mut sealer = self.client();
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::thread::sleep(SEAL_EVERY);
                    match sealer.post("/v1/seal", "", "{}") {
                        Ok((200 | 201 | 409, _)) => {}
                        other => return refused.lock().unwrap().push(format!("{other:?}")),
                    }
                }
            });
            for number in 1..=WINDOWS {
                let until = begun + time * number / WINDOWS;
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                let seen = std::mem::take(&mut *latencies.lock().unwrap());
                let window = self.look(seen);
                window.show(begun.elapsed());
                windows.push(window);
            }
            over.store(true, Ordering::Relaxed);
        });
        for refused in refused.into_inner().unwrap() {
            tally.find(refused);
        }
        tally.add("seconds", time.as_secs());
        windows
    }

    fn look(&self, mut latencies: Vec<Duration>) -> Window {
        let own = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{own}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|text| text.trim().split(' ').next()?.parse().ok());
        let descriptors = fs::read_dir(format!("{own}/fd")).into_iter().flatten();
        let open: Vec<_> = descriptors
            .filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
            .collect();
        let is_table = |path: &&std::path::PathBuf| path.to_string_lossy().contains(".sst");
        let tables = open.iter().filter(is_table).count();
        latencies.sort_unstable();
        let at = |share: f64| {
            let at = (latencies.len().saturating_sub(1) as f64 * share) as usize;
            latencies.get(at).copied().unwrap_or_default()
        };
        Window {
            answers: latencies.len(),
            p50: at(0.5),
            p99: at(0.99),
            resident_kib: resident.unwrap_or(0),
            cached_kib: self.store_kib("cached"),
            unwritten_kib: self.store_kib("unwritten"),
            tables,
            other_descriptors: open.len() - tables,
        }
    }

    /// As the server itself says.
    fn store_kib(&self, part: &str) -> u64 {
        let (_, body) = self.client().get("/metrics").unwrap();
        let name = format!("sealbook_store_memory_bytes{{part=\"{part}\"}} ");
        let text = String::from_utf8_lossy(&body);
        let bytes = text.lines().find_map(|line| line.strip_prefix(&name));
        bytes.unwrap().parse::<u64>().unwrap() / 1024
    }

    fn stop(mut self, tally: &mut Tally) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        let status = self.child.wait().unwrap();
        if status.code() != Some(0) {
            tally.find(format!("it does not end well: {status}"));
        }
    }
}

impl Window {
    fn show(&self, time: Duration) {
        println!(
            "{:>5.0} s {:>9} {:>10.2?} {:>10.2?} {:>11.1} {:>8.1} {:>10.1} {:>7} {:>12}",
            time.as_secs_f64(),
            self.answers,
            self.p50,
            self.p99,
            self.resident_kib as f64 / 1024.0,
            self.cached_kib as f64 / 1024.0,
            self.unwritten_kib as f64 / 1024.0,
            self.tables,
            self.other_descriptors
        );
    }
}

/// One request of the mix: of twenty fifteen append, one of them ten at once.
fn ask(client: &mut Client, n: u64) -> Result<(), String> {
    let entry = format!(
        r#"{{"kind":"note","payload":{{"tenant_id":"tenant-{}","n":{n},"text":"{}"}}}}"#,
        n % 50,
        "x".repeat(usize::try_from(n % 400).unwrap_or(0))
    );
    let answer = match n % 20 {
        0 => {
            let entries = [entry.as_str(); 10].join(",");
            let body = format!(r#"{{"entries":[{entries}]}}"#);
            client.post("/v1/entries/batch", &format!("batch-{n}"), &body)
        }
        1 => client.get(&format!(
            "/v1/entries?tenant=tenant-{}&reverse=true&limit=20",
            n % 50
        )),
        2 => client.get(&format!("/v1/entries/{}", n % 1_000 % (n / 4 + 1))),
        3 => client.get("/v1/head"),
        4 if n % 2_000 == 4 => {
            let last = (n / 2).min(5_000);
            client.get(&format!("/v1/entries?from_seq={last}&limit=200"))
        }
        4 => client.get("/health"),
        _ => client.post("/v1/entries", "", &entry),
    };
    match answer {
        Ok((200 | 201, _)) => Ok(()),
        Ok((status, body)) => Err(format!("{status}: {}", String::from_utf8_lossy(&body))),
        Err(error) => Err(format!("no answer: {error}")),
    }
}

/// The last quarter beside the second: the first fills tables and caches.
fn judge(windows: &[Window], tally: &mut Tally) {
    let quarter = windows.len() / 4;
    let (early, late) = (&windows[quarter..2 * quarter], &windows[3 * quarter..]);
    let middle = |windows: &[Window], of: fn(&Window) -> f64| {
        let mut all: Vec<f64> = windows.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    };
    /// A name, what is measured, and how many times and how much more it may be.
    type Measure = (&'static str, fn(&Window) -> f64, f64, f64);
    let measures: [Measure; 5] = [
        (
            "memory beside the cache (MiB)",
            |w| w.resident_kib.saturating_sub(w.cached_kib) as f64 / 1024.0,
            1.15,
            16.0,
        ),
        (
            "what the cache has above its 64 MiB (MiB)",
            |w| w.cached_kib.saturating_sub(64 << 10) as f64 / 1024.0,
            1.0,
            8.0,
        ),
        ("p50 (ms)", |w| w.p50.as_secs_f64() * 1e3, 1.5, 1.0),
        ("p99 (ms)", |w| w.p99.as_secs_f64() * 1e3, 2.0, 20.0),
        (
            "descriptors beside tables",
            |w| w.other_descriptors as f64,
            1.0,
            8.0,
        ),
    ];
    for (what, of, times, more) in measures {
        let (before, after) = (middle(early, of), middle(late, of));
        println!("{what}: {before:.1} in the second quarter, {after:.1} in the last");
        if after > before * times + more {
            tally.find(format!("{what} is not flat: {before:.1}, then {after:.1}"));
        }
    }
    let answers: usize = windows.iter().map(|window| window.answers).sum();
    tally.add("requests answered", answers as u64);
}
