//! What a server is given.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::mpsc;

use super::socket::LocalSocket;
use crate::api::{self, Ledger, PublicFiles, PublicPlace, PublishedLog};
use crate::attestation::HmacKey;
use crate::ledger::head::SignedHead;
use crate::ledger::key::PublicKey;
use crate::ledger::revocation::SignedRevocation;
use crate::record::Hall;
use crate::store::Store;

/// Everything that a server works with, beside its listener.
pub struct Config {
    pub ledger: Ledger,
    /// Who may come in.
    pub access: AccessRules,
    /// Where the other processes of this machine come in, if they do.
    pub socket: Option<LocalSocket>,
    pub tls: Option<Arc<rustls::ServerConfig>>,
    pub limits: ServeLimits,
    pub hall: HallFiles,
    /// Where sealed headers and heads are made public, if anywhere.
    pub publish: Option<Publisher>,
    /// The public log.
    pub public: Option<PublicFolder>,
    pub verdict_keys: VerdictKeys,
    /// What is known to end logs: evidence that is sent is held against it too.
    pub revocations: Vec<SignedRevocation>,
    /// Where entries are delivered.
    #[cfg(feature = "client")]
    pub sinks: Vec<crate::sinks::Sink>,
    /// Where another machine writes the log, and this one only follows it.
    pub standby: Option<StandingBy>,
    /// Something is received when the files are to be read again.
    pub reload: mpsc::Receiver<()>,
}

/// What a server that stands by is given.
pub struct StandingBy {
    /// Has the log taken over, which ends this server.
    pub take_over: Box<dyn Fn() + Send + Sync>,
    /// For how many seconds the writer has been quiet.
    pub quiet_seconds: Arc<AtomicU64>,
}

/// Why the files were not taken up.
pub type LoadError = Box<dyn std::error::Error + Send + Sync>;

/// The Hall's files, read whenever this is called.
pub struct HallFiles {
    pub name: String,
    pub load: Box<dyn Fn() -> Result<Hall, LoadError> + Send + Sync>,
}

/// The public log.
pub struct PublicFolder {
    /// The folder or bucket that it is in.
    pub place: PublicPlace,
    /// What is in it: served below `/log/`.
    pub files: PublicFiles,
    /// What publishes to it.
    pub publish: LogPublisher,
    /// How often, beside every seal.
    pub every: Option<Duration>,
}

/// Publishes a ledger, and says what became of it.
pub type LogPublisher = Box<dyn FnMut(&Ledger) -> Result<PublishedLog, api::Error> + Send>;

/// The keys that evidence is judged with.
#[derive(Clone, Debug, Default)]
pub struct VerdictKeys {
    pub hmac: Option<HmacKey>,
    /// Keys that may sign packages and manifests.
    pub trusted: Vec<PublicKey>,
}

/// Makes every sealed header that is not public yet public, and the head. It is
/// called after a seal, and at the beginning and the end.
pub type Publisher = Box<dyn FnMut(&dyn Store, &SignedHead) -> Result<(), PublishFailure> + Send>;

/// Why something was not made public.
pub type PublishFailure = Box<dyn std::error::Error + Send + Sync>;

/// Who may come in.
#[derive(Clone, Debug, Default)]
pub struct AccessRules {
    /// The file of tokens. Without one, nobody but this machine is let in, and
    /// may do little.
    pub token_file: Option<PathBuf>,
    /// Names by which the server may be asked, beside its own address; with or
    /// without a port.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may read and write, such as `https://audit.example`.
    pub cors_origins: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether `/api/v1/verify` and `/api/v1/ban-list` want a token too, where
    /// there are any.
    pub registry_private: bool,
}

#[derive(Clone, Debug)]
pub struct ServeLimits {
    /// Connections at a time; more are answered 503.
    pub connections: usize,
    /// The body of a request that is JSON, in bytes.
    pub body_bytes: u64,
    /// The bodies that are being read together, in bytes.
    pub bodies_bytes: u64,
    /// The answers that wait together for their clients to read them, in bytes.
    pub answers_bytes: usize,
    /// An uploaded file, in bytes, also after decompression.
    pub upload_bytes: u64,
    pub batch_entries: usize,
    /// From accepting a connection, or its last answer, to the end of the next
    /// request's head.
    pub header_time: Duration,
    pub body_time: Duration,
    /// For an answer, from the head of the request on.
    pub answer_time: Duration,
    /// How long a client may let a write, or the next part of its upload, wait.
    pub stall_time: Duration,
    /// Bytes a second, over all, that a client has to send of an upload or to take
    /// of an export; a slower client is cut off.
    pub slowest: u64,
    pub verify_time: Duration,
    /// For requests under way when the server is told to stop.
    pub stop_time: Duration,
    /// Requests a second by one token, or by one address without one.
    pub requests_per_second: u32,
    /// Requests that may come at once before that rate holds.
    pub request_burst: u32,
    pub reads: usize,
    pub long_works: usize,
    pub tails: usize,
    /// Free bytes on the ledger's file system below which nothing is recorded.
    pub min_free_bytes: u64,
    pub tick: Duration,
}

impl Default for ServeLimits {
    fn default() -> ServeLimits {
        ServeLimits {
            connections: 1_024,
            body_bytes: 20 << 20,
            bodies_bytes: 512 << 20,
            answers_bytes: 64 << 20,
            upload_bytes: 4 << 30,
            batch_entries: 1_000,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(60),
            stall_time: Duration::from_secs(30),
            slowest: 64 << 10,
            verify_time: Duration::from_secs(300),
            stop_time: Duration::from_secs(10),
            requests_per_second: 250_000,
            request_burst: 250_000,
            reads: 32,
            long_works: 4,
            tails: 256,
            min_free_bytes: 256 << 20,
            tick: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("ledger", &self.ledger.dir())
            .field("access", &self.access)
            .field("tls", &self.tls.is_some())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
