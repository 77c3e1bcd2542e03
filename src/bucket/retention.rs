//! Whether objects of a bucket are held back from deletion.
//!
//! The record of a log (`wal/`, `epoch/`) is never deleted, and a retention that the store
//! enforces keeps others from doing it. What is to be erased (`open/`) must be deletable:
//! under a retention its bytes stay, whatever an erasure says. Stores say so of each
//! object, in the answer to the request that asks whether it is there; what reads objects
//! passes over it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use serde::Serialize;

use super::opening::{all_logs, of_log};
use super::{Address, BucketError, Objects};
use crate::ledger::wal::WalPosition;

/// Logs of a bucket that are looked at.
const LOGS: usize = 16;

/// Objects below `open/` of one log that are looked at.
const OPEN: usize = 16;

/// Answers that say that an object is held: the header, and the value that says it is not.
const HOLDING: [(&str, &str); 6] = [
    ("x-amz-object-lock-mode", ""),
    ("x-amz-object-lock-legal-hold", "OFF"),
    ("x-goog-object-lock-mode", ""),
    ("x-goog-retention-expiration", ""),
    ("x-ms-immutability-policy-until-date", ""),
    ("x-ms-legal-hold", "false"),
];

/// Answers that say that older contents of a key are kept.
const VERSIONED: [&str; 2] = ["x-amz-version-id", "x-ms-version-id"];

/// What the objects of a bucket's logs are held by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// Whether the store was asked: a folder has no retention.
    pub asked: bool,
    /// Whether what is under `wal/` is held, in every log that was looked at; `None` if
    /// there is nothing yet.
    pub wal: Option<bool>,
    /// The same under `epoch/`.
    pub epoch: Option<bool>,
    /// Whether older contents of a key are kept: then what is erased stays until the
    /// bucket's own rules remove it.
    pub versions: Option<bool>,
}

/// Asks the store what it does with new objects, of one that is made for it, and of those
/// of the first logs.
///
/// # Errors
/// [`BucketError::Retained`] if something is held that must be deletable;
/// [`BucketError::Store`], also where what was made cannot be removed.
pub fn retention(address: &Address) -> Result<Retention, BucketError> {
    let Some((base, seen)) = address.connect_watched()? else {
        return Ok(Retention::default());
    };
    let mut found = Retention {
        asked: true,
        ..Retention::default()
    };
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(BucketError::Randomness)?;
    // What holds every new object holds those under `open/`, too.
    let holds_new = base.holds_new()?;
    if holds_new == Some(true) {
        return Err(held(&base, "open/"));
    }
    let probe = format!("check/{}/retention", hex::encode(id));
    base.try_create(&probe, Bytes::from_static(b"retention"))?;
    let made = seen.ask(&base, &probe)?;
    base.remove(&probe)?;
    found.versions = made.map(|made| made.versioned);
    if made.is_some_and(|made| made.held) {
        return Err(held(&base, &probe));
    }
    if holds_new.is_none() && found.versions == Some(true) {
        // What the bucket does not tell shows in what becomes of the object's versions.
        base.remove_versions(&probe, false)?;
    }
    for genesis in all_logs(&base)?.into_iter().take(LOGS) {
        let log = of_log(&base, &genesis);
        let of = |key: &str| Ok::<_, BucketError>(seen.ask(&log, key)?.map(|seen| seen.held));
        both(&mut found.wal, of(&WalPosition::FIRST.key())?);
        both(&mut found.epoch, of("epoch/0.header")?);
        both(&mut found.epoch, of("epoch/0.bundle.zst")?);
        let mut open = Vec::new();
        log.each("open", |one| {
            open.push(one.key);
            open.len() < OPEN
        })?;
        for key in open {
            if of(&key)? == Some(true) {
                return Err(held(&log, &key));
            }
        }
    }
    Ok(found)
}

fn held(objects: &Objects, key: &str) -> BucketError {
    BucketError::Retained {
        key: format!("{}/{key}", objects.url()),
    }
}

fn both(all: &mut Option<bool>, one: Option<bool>) {
    *all = match (*all, one) {
        (Some(all), Some(one)) => Some(all && one),
        (all, one) => all.or(one),
    };
}

/// What was said of an object.
#[derive(Clone, Copy, Debug)]
struct Said {
    held: bool,
    versioned: bool,
}

/// What a store said of the objects that it was asked for last, by the paths of their URLs.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<BTreeMap<String, Said>>>);

impl Seen {
    /// Asks whether an object is there; gives what is said of it.
    fn ask(&self, objects: &Objects, key: &str) -> Result<Option<Said>, BucketError> {
        let seen = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen().clear();
        if objects.existing(&[key.to_owned()])?.is_empty() {
            return Ok(None);
        }
        let said = seen().values().next().copied();
        Ok(said)
    }

    fn take(&self, path: String, answer: &HttpResponse) {
        let headers = answer.headers();
        let held = HOLDING.iter().any(|(name, free)| {
            let said = headers
                .get(*name)
                .map(|value| value.to_str().unwrap_or("?"));
            said.is_some_and(|said| !said.is_empty() && !said.eq_ignore_ascii_case(free))
        });
        let versioned = VERSIONED.iter().any(|name| {
            let said = headers
                .get(*name)
                .map(|value| value.to_str().unwrap_or("?"));
            said.is_some_and(|said| !said.is_empty() && said != "null")
        });
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(path, Said { held, versioned });
    }
}

/// Connects as usual, and notes what is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Watching(pub(super) Seen);

impl HttpConnector for Watching {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        let seen = self.0.clone();
        Ok(HttpClient::new(Watched { inner, seen }))
    }
}

#[derive(Debug)]
struct Watched {
    inner: HttpClient,
    seen: Seen,
}

type Answered<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Watched {
    fn call<'l, 'f>(&'l self, request: HttpRequest) -> Answered<'f>
    where
        'l: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let path = (request.method() == "HEAD").then(|| request.uri().path().to_owned());
            let answer = self.inner.execute(request).await?;
            if let Some(path) = path.filter(|_| answer.status().is_success()) {
                self.seen.take(path, &answer);
            }
            Ok(answer)
        })
    }
}
