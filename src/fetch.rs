//! Requests over HTTP, each bounded in time and in the size of its answer. An
//! answer is somebody else's word; a redirect is an answer and is not followed.
#![cfg(feature = "client")]

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{Response, Uri};
use ureq::tls::{ClientCert, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// An agent whose requests take `timeout` at most, from name resolution to the
/// last byte. It follows no redirect and reads no environment.
pub(crate) fn agent(timeout: Duration) -> Agent {
    agent_with(timeout, None, None)
}

/// The same, with authorities of its own and a certificate that it shows.
pub(crate) fn agent_with(
    timeout: Duration,
    roots: Option<RootCerts>,
    shown: Option<ClientCert>,
) -> Agent {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    let tls = tls
        .root_certs(roots.unwrap_or(RootCerts::WebPki))
        .client_cert(shown);
    Agent::config_builder()
        .tls_config(tls.build())
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // A redirect is answered to the caller: followed, it would let the
        // server send what was meant for one place to another.
        .max_redirects(0)
        .max_redirects_will_error(false)
        // The environment is not a library's to read.
        .proxy(None)
        .user_agent(concat!("sealbook/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// A place and nothing else: `http` or `https` and a host, without credentials
/// and without a query to end a path.
pub(crate) fn place_of(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let plain = uri.query().is_none() && !uri.authority()?.as_str().contains('@');
    let known = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    (plain && known).then_some(uri)
}

/// Asks for what is signed, from any server: in the clear too.
#[derive(Clone, Debug)]
pub struct Fetcher {
    agent: Agent,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The media type, without parameters and in lower case; empty if there is none.
    pub media_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL is not a place of `http` or `https`.
    #[error("`{0}` is not a http or https URL without credentials and query")]
    Url(String),
    /// Time ran out.
    #[error("no answer in time")]
    Timeout,
    /// The answer is longer than it may be.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// How long it may be.
        limit: u64,
    },
    /// The connection failed or broke.
    #[error("it could not be reached, or the answer broke off: {0}")]
    Transport(#[source] Box<ureq::Error>),
}

impl Fetcher {
    /// One whose requests take `timeout` at most each.
    #[must_use]
    pub fn new(timeout: Duration) -> Fetcher {
        Fetcher {
            agent: agent(timeout),
        }
    }

    /// GET, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FetchError`]; a status is not an error.
    pub fn get(&self, url: &str, limit: u64) -> Result<Fetched, FetchError> {
        check(url)?;
        read(self.agent.get(url).call(), limit)
    }

    /// POST, answered with at most `limit` bytes.
    ///
    /// # Errors
    /// [`FetchError`]; a status is not an error.
    pub fn post(
        &self,
        url: &str,
        media_type: &str,
        body: &[u8],
        limit: u64,
    ) -> Result<Fetched, FetchError> {
        check(url)?;
        let request = self.agent.post(url).header(CONTENT_TYPE, media_type);
        read(request.send(body), limit)
    }
}

fn check(url: &str) -> Result<(), FetchError> {
    match place_of(url) {
        Some(_) => Ok(()),
        None => Err(FetchError::Url(url.to_owned())),
    }
}

fn read(answer: Result<Response<Body>, ureq::Error>, limit: u64) -> Result<Fetched, FetchError> {
    let mut response = answer.map_err(failed)?;
    let media_type = response.headers().get(CONTENT_TYPE);
    let media_type = media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let status = response.status().as_u16();
    // One byte more than may be, so that a longer one is seen to be.
    let most = limit.saturating_add(1);
    let body = response.body_mut().with_config().limit(most).read_to_vec();
    let body = body.map_err(failed)?;
    match body.len() as u64 > limit {
        true => Err(FetchError::TooLong { limit }),
        false => Ok(Fetched {
            status,
            media_type,
            body,
        }),
    }
}

fn failed(error: ureq::Error) -> FetchError {
    match error {
        ureq::Error::Timeout(_) => FetchError::Timeout,
        ureq::Error::BodyExceedsLimit(limit) => FetchError::TooLong { limit },
        other => FetchError::Transport(Box::new(other)),
    }
}
