//! One request, one answer.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ureq::http::{Request, Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, SendBody};
use zeroize::Zeroizing;

use crate::codes;
use crate::ledger::json::Value;
use crate::ledger::parse::parse;
use crate::logbook::error::ServerRefusal;

use super::socket::{Here, Owner, SocketConnector};
use super::{CopiedFile, CopyError, unsupported};

/// The longest answer that is read whole.
const ANSWER_BYTES: u64 = 64 << 20;

/// From connecting to the last byte of an answer: longer than a server takes.
const TIME: Duration = Duration::from_secs(90);

/// How long nothing may be heard of a file that is copied.
const COPY_TIME: Duration = Duration::from_secs(24 * 3_600);

/// A connection that was idle for longer may be closing: the server gives ten seconds.
const IDLE: Duration = Duration::from_secs(5);

/// How long nothing may be heard of a server elsewhere while a file is copied.
const SILENCE: Duration = Duration::from_secs(600);

/// Bytes that are copied at a time.
const PIECE: usize = 64 << 10;

/// The header in which a server says what a filter passed over.
const WARNING: &str = "sealbook-warning";

/// Lines of it that are read.
const MOST_WARNINGS: usize = 16;

/// How often one who has too much to do is asked again, a second each.
const TRIES: u32 = 30;

/// How to reach a server elsewhere, and as whom.
#[derive(Clone)]
pub struct Elsewhere {
    /// `https://…`; `http://…` only for this machine itself.
    pub url: String,
    /// The bearer token.
    pub token: Option<Zeroizing<String>>,
    /// Certificates in PEM that the server's must lead to, in the place of those that
    /// the web trusts.
    pub roots: Option<Vec<u8>>,
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct ServerRequest<'a> {
    method: &'static str,
    path: &'a str,
    /// JSON.
    body: Option<Vec<u8>>,
    key: Option<&'a str>,
}

impl<'a> ServerRequest<'a> {
    /// Something that is read.
    #[must_use]
    pub const fn get(path: &'a str) -> ServerRequest<'a> {
        ServerRequest {
            method: "GET",
            path,
            body: None,
            key: None,
        }
    }

    /// JSON that is posted.
    #[must_use]
    pub const fn post(path: &'a str, body: Vec<u8>) -> ServerRequest<'a> {
        ServerRequest {
            method: "POST",
            path,
            body: Some(body),
            key: None,
        }
    }

    /// Under an idempotency key.
    #[must_use]
    pub const fn once(mut self, key: &'a str) -> ServerRequest<'a> {
        self.key = Some(key);
        self
    }
}

pub(super) struct HttpExchange {
    agent: Agent,
    base: String,
    authorization: Option<HeaderValue>,
}

/// What came.
pub(super) struct HttpAnswer {
    status: u16,
    pub(super) body: Vec<u8>,
}

impl HttpExchange {
    pub(super) fn at_socket(
        path: &Path,
        owner: Owner,
        silence: Duration,
    ) -> Result<HttpExchange, ServerRefusal> {
        let connector = SocketConnector::new(path, owner, silence);
        let config = config(None)?;
        Ok(HttpExchange {
            agent: Agent::with_parts(config, connector, Here),
            // The name is never looked up.
            base: "http://localhost".to_owned(),
            authorization: None,
        })
    }

    pub(super) fn elsewhere(place: &super::Elsewhere) -> Result<HttpExchange, ServerRefusal> {
        let base = place.url.trim_end_matches('/').to_owned();
        check_url(&base)?;
        let authorization = place.token.as_ref().map(|token| {
            let line = Zeroizing::new(format!("Bearer {}", token.as_str()));
            let mut line = HeaderValue::from_str(&line).map_err(|_| ServerRefusal {
                code: "token_invalid",
                detail: "the token has characters that no token has".to_owned(),
            })?;
            line.set_sensitive(true);
            Ok(line)
        });
        Ok(HttpExchange {
            agent: Agent::new_with_config(config(place.roots.as_deref())?),
            base,
            authorization: authorization.transpose()?,
        })
    }

    /// Asks, and gives whatever is answered. One who has too much to do has done
    /// nothing, and is asked again for a while.
    pub(super) fn ask(&self, asked: &ServerRequest<'_>) -> Result<HttpAnswer, ServerRefusal> {
        self.ask_within(asked, TIME)
    }

    /// The same, of a server that has to answer in this time.
    pub(super) fn ask_within(
        &self,
        asked: &ServerRequest<'_>,
        time: Duration,
    ) -> Result<HttpAnswer, ServerRefusal> {
        let mut tries = 0;
        loop {
            let mut response = self.send(asked, time)?;
            let status = response.status().as_u16();
            let read = response.body_mut().with_config().limit(ANSWER_BYTES);
            let body = read.read_to_vec().map_err(|error| gone(&error))?;
            let answer = HttpAnswer { status, body };
            tries += 1;
            if !answer.is_busy() || tries == TRIES {
                return Ok(answer);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// The JSON that is answered.
    pub(super) fn value(&self, asked: &ServerRequest<'_>) -> Result<Value, ServerRefusal> {
        self.ask(asked)?.value()
    }

    /// Copies what is answered.
    pub(super) fn copy(
        &self,
        asked: &ServerRequest<'_>,
        out: &mut dyn Write,
    ) -> Result<CopiedFile, CopyError> {
        let mut response = self.send(asked, COPY_TIME)?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            let read = response.body_mut().with_config().limit(ANSWER_BYTES);
            let body = read.read_to_vec().map_err(|error| gone(&error))?;
            return Err(HttpAnswer { status, body }.refused().into());
        }
        let said = response.headers().get_all(WARNING).iter();
        let said = said.filter_map(|line| Some(line.to_str().ok()?.to_owned()));
        let warnings = said.take(MOST_WARNINGS).collect();
        let mut reader = response.body_mut().as_reader();
        let (mut piece, mut copied) = (vec![0; PIECE], 0);
        loop {
            let read = reader.read(&mut piece).map_err(|error| ServerRefusal {
                code: "server_gone",
                detail: format!("what the server sent broke off: {error}"),
            })?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(CopiedFile {
                    bytes: copied,
                    warnings,
                });
            };
            out.write_all(bytes).map_err(CopyError::Write)?;
            copied += read as u64;
        }
    }

    /// Posts a file, and gives the JSON that is answered.
    pub(super) fn upload(&self, path: &str, file: &mut dyn Read) -> Result<Value, ServerRefusal> {
        let mut request = Request::post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/octet-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(SendBody::from_reader(file));
        let request = self
            .agent
            .configure_request(request.map_err(|error| gone(&error))?);
        let request = request.timeout_global(Some(COPY_TIME)).build();
        let mut response = self.agent.run(request).map_err(|error| gone(&error))?;
        let status = response.status().as_u16();
        let read = response.body_mut().with_config().limit(ANSWER_BYTES);
        let body = read.read_to_vec().map_err(|error| gone(&error))?;
        HttpAnswer { status, body }.value()
    }

    fn send(
        &self,
        asked: &ServerRequest<'_>,
        time: Duration,
    ) -> Result<Response<Body>, ServerRefusal> {
        let mut request = Request::builder()
            .method(asked.method)
            .uri(format!("{}{}", self.base, asked.path))
            .header(ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(key) = asked.key {
            request = request.header("idempotency-key", key);
        }
        let sent = match &asked.body {
            None => {
                let request = request.body(()).map_err(|error| gone(&error))?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(Some(time)).build())
            }
            Some(body) => {
                let request = request.header(CONTENT_TYPE, "application/json");
                let request = request.body(&body[..]).map_err(|error| gone(&error))?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(Some(time)).build())
            }
        };
        sent.map_err(|error| match error {
            ureq::Error::Timeout(_) => gone(&format!("not within {} s", time.as_secs())),
            error => gone(&error),
        })
    }
}

impl HttpAnswer {
    pub(super) const fn is_good(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    fn value(&self) -> Result<Value, ServerRefusal> {
        match self.is_good() {
            true => parse(&self.body)
                .map_err(|error| unsupported(&format!("the server's answer: {error}"))),
            false => Err(self.refused()),
        }
    }

    fn said(&self) -> Option<(String, String)> {
        let said = parse(&self.body).ok()?;
        let member = |name| Some(said.get(name)?.as_str()?.to_owned());
        Some((member("code")?, member("error")?))
    }

    /// Whether it says that nothing was done, for now.
    fn is_busy(&self) -> bool {
        let waits = matches!(self.status, 429 | 503);
        let code = self.said().map(|(code, _)| code);
        waits && matches!(code.as_deref(), Some("busy" | "too_many_requests"))
    }

    /// What is said in the place of an answer.
    pub(super) fn refused(&self) -> ServerRefusal {
        let Some((code, detail)) = self.said() else {
            return unsupported(&format!("the server answered {}", self.status));
        };
        let known = codes::find(&code).code;
        if detail == "there is nothing here" && self.status == 404 {
            return unsupported("the server does not know what it was asked for");
        }
        match known == code {
            true => ServerRefusal {
                code: known,
                detail,
            },
            false => ServerRefusal {
                code: "server_refused",
                detail: format!("the server says {code}: {detail}"),
            },
        }
    }
}

fn config(roots: Option<&[u8]>) -> Result<ureq::config::Config, ServerRefusal> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    if let Some(pem) = roots {
        let certificates: Vec<Certificate<'static>> = parse_pem(pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(ServerRefusal {
                code: "tls",
                detail: "the file of authorities has no certificate in PEM".to_owned(),
            });
        }
        tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
    }
    Ok(Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        // Followed, it would send tokens elsewhere.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .max_idle_age(IDLE)
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE))
        .user_agent(concat!("sealbook/", env!("CARGO_PKG_VERSION")))
        .build())
}

/// A token in the clear goes to this machine alone.
fn check_url(url: &str) -> Result<(), ServerRefusal> {
    let refused = || ServerRefusal {
        code: "usage",
        detail: "the ledger's URL is neither https://HOST nor http:// on this machine".to_owned(),
    };
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let local = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let known = match uri.scheme_str() {
        Some("https") => uri.host().is_some(),
        Some("http") => local,
        _ => false,
    };
    let bare = uri.path() == "/" && uri.query().is_none();
    let named = uri.authority().is_some_and(|it| !it.as_str().contains('@'));
    match known && bare && named {
        true => Ok(()),
        false => Err(refused()),
    }
}

fn gone(error: &dyn fmt::Display) -> ServerRefusal {
    ServerRefusal {
        code: "server_gone",
        detail: format!("the server did not answer: {error}"),
    }
}
