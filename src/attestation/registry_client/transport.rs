//! One request, one answer, within bounds.

use std::fmt;
use std::time::Duration;

use ureq::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue, RETRY_AFTER,
};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::error::RegistryError;
use super::token::SessionToken;
use crate::fetch;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::parse;

/// The longest answer that is read: 4 MiB, some thousand entries of a ban list.
const ANSWER_BYTES: u64 = 4 << 20;

/// As whom a request is sent.
pub(super) enum Credential<'a> {
    /// The cookie `pyhall_session`.
    Session(&'a SessionToken),
    /// The header `Authorization`.
    Bearer(&'a SessionToken),
}

pub(super) struct Transport {
    agent: Agent,
    base_url: String,
}

impl Transport {
    pub(super) fn new(base_url: &str, timeout: Duration) -> Result<Transport, RegistryError> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        check_url(&base_url)?;
        let agent = fetch::agent(timeout);
        Ok(Transport { agent, base_url })
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, RegistryError> {
        let request = Request::get(self.url(path)).header(ACCEPT, "application/json");
        let request = request.body(()).map_err(failed)?;
        answer(self.agent.run(request).map_err(failed)?)
    }

    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        body: &Object,
        credential: Credential<'_>,
    ) -> Result<Value, RegistryError> {
        let (name, value) = credential.header()?;
        let mut text = Vec::new();
        body.write_canonical(Form::Utf8, &mut text);
        let request = Request::builder().method(method).uri(self.url(path));
        let request = request.header(ACCEPT, "application/json");
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .header(name, value);
        let request = request.body(text).map_err(failed)?;
        answer(self.agent.run(request).map_err(failed)?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport({:?})", self.base_url)
    }
}

impl Credential<'_> {
    fn header(&self) -> Result<(HeaderName, HeaderValue), RegistryError> {
        let (name, text) = match self {
            Credential::Session(token) => (COOKIE, format!("pyhall_session={}", token.expose())),
            Credential::Bearer(token) => (AUTHORIZATION, format!("Bearer {}", token.expose())),
        };
        let text = Zeroizing::new(text);
        let mut value =
            HeaderValue::from_str(&text).map_err(|error| failed(ureq::http::Error::from(error)))?;
        // So that whatever prints the request does not print it.
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// Answers in the clear can be forged, and tokens in the clear read.
fn check_url(base_url: &str) -> Result<(), RegistryError> {
    let uri = fetch::place_of(base_url).ok_or(RegistryError::Url)?;
    let local = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if local => Ok(()),
        _ => Err(RegistryError::Url),
    }
}

fn answer(mut response: Response<Body>) -> Result<Value, RegistryError> {
    let status = response.status().as_u16();
    match status {
        200..=299 => {}
        300..=399 => return Err(RegistryError::Redirected { status }),
        401 | 403 => return Err(RegistryError::Unauthorized { status }),
        429 => {
            let seconds = header(&response, &RETRY_AFTER).and_then(|text| text.parse().ok());
            let retry_after = seconds.map(Duration::from_secs);
            return Err(RegistryError::RateLimited { retry_after });
        }
        _ => return Err(RegistryError::Status { status }),
    }
    let found = header(&response, &CONTENT_TYPE);
    let media_type = found.as_deref().and_then(|text| text.split(';').next());
    if !media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case("application/json")) {
        return Err(RegistryError::ContentType { found });
    }
    let body = response
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES)
        .read_to_vec();
    Ok(parse::parse(&body.map_err(failed)?)?)
}

fn header(response: &Response<Body>, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn failed(error: impl Into<ureq::Error>) -> RegistryError {
    match error.into() {
        ureq::Error::Timeout(_) => RegistryError::Timeout,
        ureq::Error::BodyExceedsLimit(limit) => RegistryError::TooLarge { limit },
        other => RegistryError::Transport(Box::new(other)),
    }
}
