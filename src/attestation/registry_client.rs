//! What the registry says of workers and hashes (SPEC §7), asked over HTTP.
//!
//! An answer is somebody else's word: it is bounded in time and size, must be
//! JSON of the expected shape and about what was asked, and is never followed
//! to another place. Tokens go to the registry alone, are wiped when dropped,
//! and stand in no error and no `Debug` text.

mod answers;
mod cache;
mod error;
mod token;
mod transport;

use std::time::Duration;

use super::ban_list::BanEntry;
use crate::ledger::json::Object;
use crate::ledger::sha256::Sha256Digest;

use cache::Cache;
use transport::{Credential, Transport};

pub use answers::{AttestationResponse, Health, VerifyResponse, WorkerStatus};
pub use error::RegistryError;
pub use token::SessionToken;

/// Where the registry is, unless `PYHALL_REGISTRY_URL` says otherwise (reading
/// the environment is the command line's).
pub const DEFAULT_URL: &str = "https://api.pyhall.dev";

/// How many entries of the ban list are asked for by default.
pub const BAN_LIST_LIMIT: usize = 500;

/// How to reach the registry, and as whom.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// `https://…`; `http://…` only for this machine itself.
    pub base_url: String,
    /// For [`RegistryClient::report_hash`].
    pub session_token: Option<SessionToken>,
    /// For [`RegistryClient::submit_attestation`].
    pub bearer_token: Option<SessionToken>,
    /// For one request, from name resolution to the last byte.
    pub timeout: Duration,
    /// How long an answer on a worker is used again.
    pub cache_ttl: Duration,
}

impl Default for RegistryConfig {
    fn default() -> RegistryConfig {
        RegistryConfig {
            base_url: DEFAULT_URL.to_owned(),
            session_token: None,
            bearer_token: None,
            timeout: Duration::from_secs(10),
            cache_ttl: Duration::from_secs(60),
        }
    }
}

/// What is said of a package when its hash is submitted.
#[derive(Clone, Debug, Default)]
pub struct PackageSubmission<'a> {
    pub worker_id: &'a str,
    /// Its hash, 64 lower-case hex digits.
    pub package_hash: &'a str,
    pub label: Option<&'a str>,
    pub ai_generated: bool,
    pub ai_service: Option<&'a str>,
    pub ai_model: Option<&'a str>,
    pub ai_session_id: Option<&'a str>,
}

/// A client of one registry. Blocking; may be shared between threads.
#[derive(Debug)]
pub struct RegistryClient {
    transport: Transport,
    session_token: Option<SessionToken>,
    bearer_token: Option<SessionToken>,
    cache: Cache,
}

impl RegistryClient {
    pub fn new(config: RegistryConfig) -> Result<RegistryClient, RegistryError> {
        Ok(RegistryClient {
            transport: Transport::new(&config.base_url, config.timeout)?,
            session_token: config.session_token,
            bearer_token: config.bearer_token,
            cache: Cache::new(config.cache_ttl),
        })
    }

    /// How a worker stands. One that the registry does not know is
    /// [`WorkerStatus::Unknown`].
    pub fn verify(&self, worker_id: &str) -> Result<VerifyResponse, RegistryError> {
        if let Some(known) = self.cache.get(worker_id) {
            return Ok(known);
        }
        let path = format!("/api/v1/verify/{}", segment(worker_id)?);
        let answer = match self.transport.get(&path) {
            Err(RegistryError::Status { status: 404 }) => VerifyResponse::unknown(worker_id),
            Err(error) => return Err(error),
            Ok(value) => VerifyResponse::from_value(&value, worker_id)?,
        };
        self.cache.put(worker_id, &answer);
        Ok(answer)
    }

    /// Asks for workers ahead of time. A worker that is not known is cached as
    /// such, and a rate limit ends the round without an error. Returns how many
    /// are cached now.
    pub fn prefetch(&self, worker_ids: &[&str]) -> Result<usize, RegistryError> {
        for (fetched, worker_id) in worker_ids.iter().enumerate() {
            match self.verify(worker_id) {
                Err(RegistryError::RateLimited { .. }) => return Ok(fetched),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(worker_ids.len())
    }

    /// The registered hash of a worker, if it is active and not banned: none
    /// also when the registry cannot be asked, which a hall that requires
    /// attestation takes for a denial.
    pub fn get_worker_hash(&self, worker_id: &str) -> Option<String> {
        let answer = self.verify(worker_id).ok()?;
        let good = answer.status == WorkerStatus::Active && !answer.banned;
        answer
            .current_hash
            .filter(|_| good)
            .map(|hash| hash.to_string())
    }

    /// At most `limit` confirmed entries of the ban list.
    pub fn get_ban_list(&self, limit: usize) -> Result<Vec<BanEntry>, RegistryError> {
        let value = self
            .transport
            .get(&format!("/api/v1/ban-list?limit={limit}"))?;
        answers::ban_list(&value)
    }

    /// Whether a hash is on the ban list, and its entry is confirmed.
    ///
    /// # Errors
    /// [`RegistryError::BanListTruncated`] where the list was longer than what
    /// is asked for and what came does not hold the hash: it may still be banned.
    pub fn is_hash_banned(&self, sha256: &str) -> Result<bool, RegistryError> {
        let sha256 = check_hash(sha256)?;
        let list = self.get_ban_list(BAN_LIST_LIMIT)?;
        let bans = |entry: &BanEntry| entry.sha256 == sha256 && entry.is_confirmed();
        if list.iter().any(bans) {
            return Ok(true);
        }
        if list.len() >= BAN_LIST_LIMIT {
            let limit = BAN_LIST_LIMIT;
            return Err(RegistryError::BanListTruncated { limit });
        }
        Ok(false)
    }

    pub fn health(&self) -> Result<Health, RegistryError> {
        Health::from_value(&self.transport.get("/health")?)
    }

    /// Reports a hash to the ban list, where it is reviewed. Needs the session
    /// token.
    ///
    /// # Errors
    /// [`RegistryError::NoToken`] and [`RegistryError::Hash`] before anything is
    /// sent.
    pub fn report_hash(
        &self,
        sha256: &str,
        reason: &str,
        evidence_url: Option<&str>,
    ) -> Result<(), RegistryError> {
        let token = self.session_token.as_ref().ok_or(RegistryError::NoToken)?;
        let mut body = Object::new();
        body.insert("sha256", check_hash(sha256)?.to_string());
        body.insert("reason", reason);
        body.insert("evidence_url", evidence_url.map(str::to_owned));
        let path = "/api/v1/ban-list/report";
        self.transport
            .send("POST", path, &body, Credential::Session(token))?;
        Ok(())
    }

    /// Submits the hash of a package, with `bearer_token` or the client's own.
    ///
    /// # Errors
    /// [`RegistryError::NoToken`], [`RegistryError::Hash`] and
    /// [`RegistryError::WorkerId`] before anything is sent.
    pub fn submit_attestation(
        &self,
        submission: &PackageSubmission<'_>,
        bearer_token: Option<&SessionToken>,
    ) -> Result<AttestationResponse, RegistryError> {
        let token = bearer_token.or(self.bearer_token.as_ref());
        let token = token.ok_or(RegistryError::NoToken)?;
        let sha256 = check_hash(submission.package_hash)?;
        let path = format!("/api/v1/workers/{}/attest", segment(submission.worker_id)?);
        let mut body = Object::new();
        body.insert("sha256", sha256.to_string());
        body.insert("ai_generated", submission.ai_generated);
        body.insert("label", submission.label.map(str::to_owned));
        body.insert("ai_service", submission.ai_service.map(str::to_owned));
        body.insert("ai_model", submission.ai_model.map(str::to_owned));
        body.insert("ai_session_id", submission.ai_session_id.map(str::to_owned));
        let value = self
            .transport
            .send("PUT", &path, &body, Credential::Bearer(token))?;
        // What was cached of this worker is what it was before.
        self.cache.forget(submission.worker_id);
        AttestationResponse::from_value(&value, submission.worker_id, &sha256)
    }
}

fn check_hash(text: &str) -> Result<Sha256Digest, RegistryError> {
    Ok(Sha256Digest::from_hex(text)?)
}

/// A worker id as one component of a path: nothing in it can reach another.
fn segment(worker_id: &str) -> Result<String, RegistryError> {
    if matches!(worker_id, "" | "." | "..") {
        return Err(RegistryError::WorkerId);
    }
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    Ok(worker_id.bytes().map(escape).collect())
}
