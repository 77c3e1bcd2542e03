//! A server in this process, over a ledger in memory, with a clock that is set
//! by hand.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sealbook::api::{Ledger, Options, PublicPlace, PublishedLog};
use sealbook::attestation::BanList;
use sealbook::ledger::json::{Object, Value as Json};
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::parse::parse;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::time::Timestamp;
use sealbook::logbook::Parts;
use sealbook::logbook::clock::Clock;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::record::Hall;
use sealbook::serve::scope::Scope;
use sealbook::serve::token_file::TokenFile;
use sealbook::serve::{Config, HallFiles, LoadError, ServeError, ServeLimits, run};
use sealbook::store::{MemoryStore, Store};
use sealbook::wcp::gate::{FixedGate, GateAnswer};
use sealbook::wcp::{Registry, load_rules_from_dict};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use crate::answer::Answer;

/// When everything begins: in the middle of an hour.
const BEGINNING: i64 = 1_772_360_000_000_000;

/// Two clocks that go on only when told.
#[derive(Debug, Default)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_unix_micros(BEGINNING + self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst).try_into().unwrap())
    }
}

/// What the next server is to be.
pub(crate) struct Plan {
    pub(crate) limits: ServeLimits,
    pub(crate) tokens: bool,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) registry_private: bool,
    pub(crate) gate: Option<&'static str>,
    pub(crate) banned: Vec<String>,
    /// What evidence is judged with.
    pub(crate) verdict_keys: sealbook::serve::VerdictKeys,
    /// What is taken out of what is recorded.
    pub(crate) redacting: sealbook::record::redacting::Redacting,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            limits: ServeLimits {
                min_free_bytes: 0,
                tick: Duration::from_millis(5),
                stop_time: Duration::from_secs(5),
                ..ServeLimits::default()
            },
            tokens: false,
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            registry_private: false,
            gate: None,
            banned: Vec::new(),
            verdict_keys: sealbook::serve::VerdictKeys::default(),
            redacting: sealbook::record::redacting::Redacting::default(),
        }
    }
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) store: Arc<dyn Store>,
    /// Rules that the next reload reads.
    pub(crate) rules: Arc<Mutex<Value>>,
    pub(crate) reload: mpsc::Sender<()>,
    pub(crate) published: Arc<Mutex<u64>>,
    agent: ureq::Agent,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
    tokens: Vec<(Scope, String)>,
    dir: TempDir,
}

pub(crate) const SEED: [u8; 32] = [7; 32];

impl Server {
    pub(crate) fn start() -> Server {
        Plan::default().start()
    }

    pub(crate) fn with_tokens() -> Server {
        let plan = Plan {
            tokens: true,
            ..Plan::default()
        };
        plan.start()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The token of a scope, where there are tokens.
    pub(crate) fn token(&self, scope: Scope) -> &str {
        let found = self.tokens.iter().find(|(own, _)| *own == scope);
        &found.unwrap().1
    }

    fn headers(&self, scope: Option<Scope>) -> Vec<(String, String)> {
        let token = scope.filter(|_| !self.tokens.is_empty());
        let line = |scope| format!("Bearer {}", self.token(scope));
        let header = |scope| ("authorization".to_owned(), line(scope));
        token.map(header).into_iter().collect()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &self.headers(Some(Scope::Read)))
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(String, String)]) -> Answer {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        read(request.call().unwrap())
    }

    pub(crate) fn post(&self, scope: Scope, path: &str, body: &Value) -> Answer {
        let mut headers = self.headers(Some(scope));
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(self.url(path));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        // The client gives no body to methods that have none.
        let answer = match method {
            "POST" | "PUT" => self.agent.run(request.body(body).unwrap()),
            _ => self.agent.run(request.body(()).unwrap()),
        };
        read(answer.unwrap())
    }

    /// Appends a note, and gives its receipt.
    pub(crate) fn note(&self, n: u64) -> Value {
        let entry = json!({"kind": "note", "payload": {"n": n}});
        self.post(Scope::Append, "/v1/entries", &entry).is(201)
    }

    /// Waits until something holds, which takes no longer than it takes.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::yield_now();
        }
    }

    /// Tells it to stop, and waits until it did.
    pub(crate) fn stop(mut self) -> (Result<(), ServeError>, Arc<dyn Store>) {
        let _ = self.stop.take().unwrap().send(());
        let ended = self.thread.take().unwrap().join().unwrap();
        (ended, Arc::clone(&self.store))
    }

    /// Tells it to stop, and goes on.
    pub(crate) fn tell_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub(crate) fn join(mut self) -> Result<(), ServeError> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.body_mut().read_to_vec().unwrap(),
    }
}

pub(crate) fn rules() -> Value {
    let rule = |id: &str, capability: &str, gate: bool| {
        json!({
            "rule_id": id,
            "match": {"capability_id": capability, "env": {"in": ["dev", "prod"]}},
            "decision": {
                "candidate_workers_ranked": [{"worker_species_id": "wrk.doc.summarizer"}],
                "required_controls_suggested": ["ctrl.obs.audit-log-append-only"],
                "escalation": {"policy_gate": gate}
            }
        })
    };
    json!({"rules": [
        rule("rr_summarize", "cap.doc.summarize", false),
        rule("rr_pay", "cap.pay", true),
    ]})
}

/// A worker's record with its hash.
pub(crate) fn worker(id: &str) -> Value {
    let mut record = json!({
        "worker_id": id,
        "worker_species_id": "wrk.doc.summarizer",
        "capabilities": ["cap.doc.summarize"],
        "risk_tier": "low",
        "currently_implements": ["ctrl.obs.audit-log-append-only"],
    });
    let hash = sealbook::wcp::record::artifact_hash(&object(&record));
    record["artifact_hash"] = json!(hash);
    record
}

/// A routing request.
pub(crate) fn request(capability: &str, env: &str, correlation: &str) -> Value {
    json!({
        "capability_id": capability, "env": env, "data_label": "INTERNAL",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme",
        "correlation_id": correlation,
    })
}

pub(crate) fn object(value: &Value) -> Object {
    match parse(value.to_string().as_bytes()).unwrap() {
        Json::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

/// What a test keeps of a server's configuration.
struct Kept {
    clock: Arc<HandClock>,
    store: Arc<dyn Store>,
    rules: Arc<Mutex<Value>>,
    reload: mpsc::Sender<()>,
    published: Arc<Mutex<u64>>,
    tokens: Vec<(Scope, String)>,
    /// Told when it has recorded what it begins under, and then listens.
    begun: std::sync::mpsc::Receiver<()>,
}

impl Plan {
    /// The configuration, and what the test keeps of it.
    fn config(self, dir: &TempDir) -> (Config, Kept) {
        let clock = Arc::new(HandClock::default());
        let signer: Arc<dyn Signer> = Arc::new(SoftwareSigner::from_seed(&Zeroizing::new(SEED)));
        let mark = MarkFile::at(dir.path().join("mark"));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let beginning = begin(&*signer, &*clock, &Origin::default()).unwrap();
        mark.write(&beginning.mark).unwrap();
        store.commit(beginning.batch).unwrap();
        let token_file = self.tokens.then(|| dir.path().join("tokens.jsonl"));
        let tokens = issue(token_file.as_ref(), &*clock);
        let (reload, reloads) = mpsc::channel(1);
        let rules = Arc::new(Mutex::new(rules()));
        let published = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&published);
        let (begun, beginning) = std::sync::mpsc::channel();
        let parts = Parts {
            store: Arc::clone(&store),
            signer: Arc::clone(&signer),
            clock: clock.clone(),
            mark,
        };
        let options = Options::default().redacting(self.redacting);
        let public = PublicPlace::Folder(public_folder(dir.path()));
        let config = Config {
            sinks: Vec::new(),
            standby: None,
            ledger: Ledger::of_parts(Some(dir.path()), parts, options).unwrap(),
            access: sealbook::serve::AccessRules {
                trusted_proxies: Vec::new(),
                token_file,
                allowed_hosts: self.allowed_hosts,
                cors_origins: self.cors_origins,
                registry_private: self.registry_private,
            },
            socket: None,
            tls: None,
            limits: self.limits,
            hall: files(Arc::clone(&rules), self.gate, self.banned),
            revocations: Vec::new(),
            publish: Some(Box::new(move |store, _| {
                *counted.lock().unwrap() = store.last_epoch()?.map_or(0, |last| last.0 + 1);
                // Nobody waits any more but at the beginning.
                let _ = begun.send(());
                Ok(())
            })),
            public: Some(sealbook::serve::PublicFolder {
                files: public.files(None).unwrap(),
                place: public,
                publish: Box::new(|ledger| {
                    Ok(PublishedLog {
                        name: "log.example/served".to_owned(),
                        size: ledger.store().count()?,
                        root: Sha256Digest::of(b""),
                        added: 0,
                        changed: false,
                        published: true,
                        witnesses: None,
                        witnessed: None,
                    })
                }),
                every: None,
            }),
            verdict_keys: self.verdict_keys,
            reload: reloads,
        };
        let kept = Kept {
            clock,
            store,
            rules,
            reload,
            published,
            tokens,
            begun: beginning,
        };
        (config, kept)
    }

    pub(crate) fn start(self) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let (config, kept) = self.config(&dir);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let shutdown = async move {
                    let _ = stopped.await;
                };
                run(listener, shutdown, config).await
            })
        });
        // What a server that ends at once has to say is seen when it is stopped.
        let _ = kept.begun.recv();
        // What is refused before its body is read closes the connection.
        let agent = ureq::Agent::config_builder()
            .max_idle_connections(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_redirects(0)
            .build()
            .new_agent();
        Server {
            address,
            clock: kept.clock,
            store: kept.store,
            rules: kept.rules,
            reload: kept.reload,
            published: kept.published,
            agent,
            stop: Some(stop),
            thread: Some(thread),
            tokens: kept.tokens,
            dir,
        }
    }
}

fn issue(path: Option<&PathBuf>, clock: &dyn Clock) -> Vec<(Scope, String)> {
    let Some(path) = path else {
        return Vec::new();
    };
    let mut file = TokenFile::default();
    let tokens = Scope::ALL.map(|scope| {
        let name = format!("{}er", scope.to_string().trim_end_matches('e'));
        let issued = file.issue(&name, &[scope], clock.wall(), None);
        (scope, issued.unwrap().0.expose().to_owned())
    });
    file.save(path).unwrap();
    tokens.into()
}

fn files(rules: Arc<Mutex<Value>>, gate: Option<&'static str>, banned: Vec<String>) -> HallFiles {
    let load = move || -> Result<Hall, LoadError> {
        let document = parse(rules.lock().unwrap().to_string().as_bytes())?;
        let mut hall = Hall::new(load_rules_from_dict(&document)?);
        if let Some(word) = gate {
            hall = hall.with_gate(Arc::new(FixedGate(Ok(GateAnswer {
                decision: word.to_owned(),
                policy_version: "policy.test".to_owned(),
                reason: "the test says so".to_owned(),
            }))));
        }
        if !banned.is_empty() {
            hall = hall.with_ban_list(BanList::parse(banned.join("\n").as_bytes())?);
        }
        let mut registry = Registry::new();
        registry.enroll(&parse(worker("org.folder.one").to_string().as_bytes())?)?;
        Ok(hall.with_registry(registry))
    };
    HallFiles {
        name: "test hall".to_owned(),
        load: Box::new(load),
    }
}

impl Plan {
    /// Runs on a listener of the caller's, in his runtime.
    pub(crate) async fn run_on(self, listener: TcpListener) -> Result<(), ServeError> {
        let dir = tempfile::tempdir().unwrap();
        let (config, ..) = self.config(&dir);
        run(listener, std::future::pending(), config).await
    }
}

/// A folder of a public log with one file, and beside it one that is none of its files.
fn public_folder(dir: &std::path::Path) -> std::path::PathBuf {
    let folder = dir.join("public");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("checkpoint"), "a note\n").unwrap();
    std::fs::write(folder.join(".lock"), "").unwrap();
    folder
}
