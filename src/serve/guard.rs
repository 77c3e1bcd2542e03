//! Before every endpoint: authentication, scope, rate, size and time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::actor::Actor;
use super::answer::kept;
use super::blocking::PAYER;
use super::peer::Peer;
use super::problem::Problem;
use super::rate::Payer;
use super::scope::Scope;
use super::service::Service;
use super::token_file::KeptToken;

/// The cookie in which the clients of the registry carry their token.
const SESSION_COOKIE: &str = "pyhall_session";

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// Root or the server's own user, through the socket.
    Local,
    /// A token with the scope; without a token file, see
    /// [`Scope::WITHOUT_TOKENS`].
    Scope(Scope),
    /// The same; the token may come in the session cookie.
    Session(Scope),
    /// Anyone, unless the registry is private.
    RegistryRead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Json,
    Upload,
    CloudEvents,
    #[cfg(feature = "otlp")]
    Telemetry,
}

#[derive(Clone)]
pub(super) struct Guard {
    pub(super) service: Arc<Service>,
    pub(super) need: Need,
    pub(super) takes: Takes,
}

pub(super) async fn guard(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    let service = &guard.service;
    let actor = match admit(&guard, &request) {
        Ok(actor) => actor,
        Err(problem) => {
            service.metrics.refused(problem.code());
            return problem.into_response();
        }
    };
    let payer = actor.payer();
    let asks = request.method().is_safe();
    request.extensions_mut().insert(actor);
    let answer = PAYER.scope(payer.clone(), next.run(request));
    // What streams has limits of its own.
    let answer = match guard.takes {
        Takes::Upload => answer.await,
        _ => tokio::time::timeout(service.limits.answer_time, answer)
            .await
            .unwrap_or_else(|_| Problem::TimedOut.into_response()),
    };
    // What was done is answered, whatever memory there is.
    match asks {
        true => kept(service, &payer, answer).await,
        false => answer,
    }
}

fn admit(guard: &Guard, request: &Request) -> Result<Actor, Problem> {
    let service = &guard.service;
    let peer: Peer = request
        .extensions()
        .get()
        .cloned()
        .ok_or(Problem::Abandoned)?;
    let token = match authenticate(service, guard, &peer, request.headers()) {
        Ok(token) => token,
        Err(problem) => {
            // A client that guesses is slowed down by its address.
            service.rates.check(&peer.payer())?;
            return Err(problem);
        }
    };
    service.rates.check(&match &token {
        Some(token) => Payer::Token(token.id.clone()),
        None => peer.payer(),
    })?;
    check_media_type(guard.takes, request.headers())?;
    Ok(Actor::new(peer, token))
}

/// The token that allows what is needed; none where none is needed.
fn authenticate(
    service: &Service,
    guard: &Guard,
    peer: &Peer,
    headers: &HeaderMap,
) -> Result<Option<KeptToken>, Problem> {
    let owns = peer.local.is_some_and(|local| local.owns);
    let needed = match guard.need {
        Need::Local if owns => None,
        Need::Local => return Err(Problem::NotLocal),
        Need::Nothing => None,
        Need::RegistryRead if !service.access.registry_private => None,
        Need::RegistryRead => Some(Scope::Read),
        Need::Scope(scope) | Need::Session(scope) => Some(scope),
    };
    if peer.local.is_some() {
        return match needed {
            Some(needed) if !owns && !Scope::OF_A_GROUP.contains(&needed) => {
                Err(Problem::ScopeMissing { needed })
            }
            _ => Ok(None),
        };
    }
    let Some(tokens) = service.tokens() else {
        return match needed {
            Some(needed) if !Scope::WITHOUT_TOKENS.contains(&needed) => {
                Err(Problem::NoTokens { needed })
            }
            _ => Ok(None),
        };
    };
    // What is open to all asks nobody who they are.
    let Some(needed) = needed else {
        return Ok(None);
    };
    let cookie = matches!(guard.need, Need::Session(_) | Need::RegistryRead);
    let presented = presented(headers, cookie)?.ok_or(Problem::TokenNeeded)?;
    let kept = tokens.find(presented).ok_or(Problem::TokenInvalid)?;
    if kept.is_expired(service.clock.wall()) {
        return Err(Problem::TokenInvalid);
    }
    if !kept.scopes.contains(&needed) {
        return Err(Problem::ScopeMissing { needed });
    }
    Ok(Some(kept.clone()))
}

/// The token in `Authorization`, or in the session cookie where that counts.
fn presented(headers: &HeaderMap, cookie: bool) -> Result<Option<&str>, Problem> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(line) = lines.next() {
        let token = line.to_str().ok().and_then(bearer);
        return match (token, lines.next()) {
            (Some(token), None) => Ok(Some(token)),
            _ => Err(Problem::TokenInvalid),
        };
    }
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies = cookies.filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';'));
    Ok(match cookie {
        true => pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == SESSION_COOKIE).then_some(value)
        }),
        false => None,
    })
}

fn bearer(line: &str) -> Option<&str> {
    let (scheme, token) = line.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A page can post text and forms without asking first, but not these.
fn check_media_type(takes: Takes, headers: &HeaderMap) -> Result<(), Problem> {
    let (expected, accepted): (_, &[&str]) = match takes {
        Takes::Nothing => return Ok(()),
        Takes::Json => ("application/json", &["application/json"]),
        Takes::CloudEvents => (
            "application/cloudevents+json or application/cloudevents-batch+json",
            &[
                "application/cloudevents+json",
                "application/cloudevents-batch+json",
                "application/json",
            ],
        ),
        #[cfg(feature = "otlp")]
        Takes::Telemetry => (
            "application/x-protobuf or application/json",
            &["application/x-protobuf", "application/json"],
        ),
        Takes::Upload => (
            "application/octet-stream, application/x-ndjson, application/json or application/zstd",
            &[
                "application/octet-stream",
                "application/x-ndjson",
                "application/json",
                "application/zstd",
            ],
        ),
    };
    let line = headers.get(header::CONTENT_TYPE);
    let media_type = line.and_then(|line| line.to_str().ok());
    let media_type = media_type.and_then(|text| text.split(';').next());
    let known = media_type.is_some_and(|given| {
        let given = given.trim();
        accepted.iter().any(|one| given.eq_ignore_ascii_case(one))
    });
    match known {
        true => Ok(()),
        false => Err(Problem::ContentType { expected }),
    }
}
