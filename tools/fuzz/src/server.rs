//! A server in this process, over a ledger in memory, and one connection to it.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sealbook::api::{Ledger, Options};
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::parse::parse;
use sealbook::ledger::time::Timestamp;
use sealbook::logbook::Parts;
use sealbook::logbook::clock::Clock;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::record::Hall;
use sealbook::serve::scope::Scope;
use sealbook::serve::token_file::TokenFile;
use sealbook::serve::{AccessRules, Config, HallFiles, LoadError, ServeLimits, run};
use sealbook::store::{MemoryStore, Store};
use sealbook::wcp::load_rules_from_dict;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// In the middle of an hour, in microseconds.
const BEGINNING: i64 = 1_772_360_000_000_000;

const RULES: &str = r#"{"rules":[{"rule_id":"r","match":{"capability_id":"cap.a"},
    "decision":{"candidate_workers_ranked":[{"worker_species_id":"wrk.a"}]}}]}"#;

/// A clock that goes on only when told.
#[derive(Debug, Default)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_unix_micros(BEGINNING + self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst).try_into().unwrap())
    }
}

/// What was answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header lines, in lower case.
    pub headers: String,
    /// The body; of a stream of events none.
    pub body: Vec<u8>,
}

/// A server and the connection to it.
pub struct Server {
    /// Its ledger.
    pub store: Arc<dyn Store>,
    clock: Arc<HandClock>,
    address: SocketAddr,
    token: String,
    stream: BufReader<TcpStream>,
    stop: Option<oneshot::Sender<()>>,
    _dir: TempDir,
}

impl Server {
    /// Starts a server whose one token may do everything.
    pub fn start() -> Server {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::default());
        let seed = Zeroizing::new([7; 32]);
        let signer: Arc<dyn Signer> = Arc::new(SoftwareSigner::from_seed(&seed));
        let mark = MarkFile::at(dir.path().join("mark"));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let beginning = begin(&*signer, &*clock, &Origin::default()).unwrap();
        mark.write(&beginning.mark).unwrap();
        store.commit(beginning.batch).unwrap();
        let mut tokens = TokenFile::default();
        let issued = tokens.issue("all", &Scope::ALL, clock.wall(), None);
        let token = issued.unwrap().0.expose().to_owned();
        let token_file = dir.path().join("tokens.jsonl");
        tokens.save(&token_file).unwrap();
        let (_, reloads) = mpsc::channel(1);
        let (begun, beginning) = std::sync::mpsc::channel();
        let parts = Parts {
            store: Arc::clone(&store),
            signer,
            clock: clock.clone(),
            mark,
        };
        let config = Config {
            sinks: Vec::new(),
            standby: None,
            ledger: Ledger::of_parts(Some(dir.path()), parts, Options::default()).unwrap(),
            access: AccessRules {
                token_file: Some(token_file),
                ..AccessRules::default()
            },
            socket: None,
            tls: None,
            limits: ServeLimits {
                min_free_bytes: 0,
                requests_per_second: u32::MAX,
                request_burst: u32::MAX,
                ..ServeLimits::default()
            },
            hall: hall(),
            revocations: Vec::new(),
            public: None,
            publish: Some(Box::new(move |_, _| {
                // It waits for nobody but at the beginning.
                let _ = begun.send(());
                Ok(())
            })),
            verdict_keys: sealbook::serve::VerdictKeys::default(),
            reload: reloads,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let shutdown = async move {
                    let _ = stopped.await;
                };
                run(listener, shutdown, config).await.unwrap();
            });
        });
        beginning.recv().unwrap();
        Server {
            store,
            clock,
            address,
            token,
            stream: connect(address),
            stop: Some(stop),
            _dir: dir,
        }
    }

    /// Lets the server's clock go on.
    pub fn forward(&self, seconds: i64) {
        self.clock
            .0
            .fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// Sends a request and waits for the answer.
    pub fn ask(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        let kind = match target.starts_with("/v1/verify") {
            true => "application/octet-stream",
            false => "application/json",
        };
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        // What was refused unread may have closed the connection.
        let sent = self.stream.get_mut().write_all(&request);
        let answer = sent.and_then(|()| read(&mut self.stream, method)).unwrap();
        if answer.headers.contains("connection: close") || answer.is_stream() {
            self.stream = connect(self.address);
        }
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

impl Answer {
    fn is_stream(&self) -> bool {
        self.headers.contains("text/event-stream")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let timeout = Some(Duration::from_secs(30));
    stream.set_read_timeout(timeout).unwrap();
    BufReader::new(stream)
}

fn read(stream: &mut BufReader<TcpStream>, method: &str) -> io::Result<Answer> {
    let mut answer = Answer {
        status: 0,
        headers: String::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if answer.status == 0 {
            let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
            answer.status = status.ok_or(io::ErrorKind::InvalidData)?;
        } else if line.trim_end().is_empty() {
            break;
        } else {
            answer.headers.push_str(&line.to_lowercase());
        }
    }
    let none = method == "HEAD" || matches!(answer.status, 100..200 | 204 | 304);
    if none || answer.is_stream() {
        return Ok(answer);
    }
    if let Some(length) = answer.header("content-length") {
        answer.body = vec![0; length.trim().parse().map_err(io::Error::other)?];
        stream.read_exact(&mut answer.body)?;
    } else if answer.header("transfer-encoding").is_some() {
        while let length @ 1.. = chunk_length(stream)? {
            let at = answer.body.len();
            answer.body.resize(at + length, 0);
            stream.read_exact(&mut answer.body[at..])?;
            stream.read_exact(&mut [0; 2])?;
        }
        stream.read_exact(&mut [0; 2])?;
    }
    Ok(answer)
}

fn chunk_length(stream: &mut BufReader<TcpStream>) -> io::Result<usize> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)
}

/// One rule, and nobody enrolled.
fn hall() -> HallFiles {
    let load = || -> Result<Hall, LoadError> {
        let rules = load_rules_from_dict(&parse(RULES.as_bytes())?)?;
        Ok(Hall::new(rules))
    };
    HallFiles {
        name: "fuzzed".to_owned(),
        load: Box::new(load),
    }
}
