//! Who may be dispatched to: an administrator's word, each an entry that says
//! what it changes.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::parse::parse;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::record::Outcome;
use crate::record::worker_index::change;
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::entry_text::ReceiptText;
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;

/// That a submitted hash is a worker's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct HashConfirmation {
    #[schema(value_type = String)]
    sha256: Sha256Digest,
    why: String,
}

/// That a worker is revoked, or is not any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Revocation {
    why: String,
    /// `false` takes a revocation back.
    revoked: Option<bool>,
}

/// That something is banned, or is not any more: a hash, a worker or a
/// namespace, one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Ban {
    #[schema(value_type = Option<String>)]
    sha256: Option<Sha256Digest>,
    worker_id: Option<String>,
    namespace: Option<String>,
    reason: String,
    /// `false` lifts a ban that the ledger has.
    banned: Option<bool>,
}

/// What changed, and where it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Changed {
    changed: bool,
    /// In words.
    changes: Vec<String>,
    receipt: ReceiptText,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let admin = Need::Scope(Scope::Admin);
    vec![
        Endpoint::new::<__path_confirm, _, _>(admin, Takes::Json, confirm),
        Endpoint::new::<__path_revoke, _, _>(admin, Takes::Json, revoke),
        Endpoint::new::<__path_ban, _, _>(admin, Takes::Json, ban),
    ]
}

/// Takes a hash that was submitted for a worker as its code hash.
#[utoipa::path(post, path = "/api/v1/workers/{worker_id}/confirm", tag = "registry",
    params(("worker_id" = String, Path)), request_body = HashConfirmation,
    responses((status = 201, description = "It is recorded", body = Changed)))]
pub(in crate::serve) async fn confirm(
    State(service): State<Arc<Service>>,
    Path(worker_id): Path<String>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    record(
        service,
        actor,
        request,
        move |service, said: HashConfirmation| {
            let index = service.hall.index();
            let submitted = index.submitted(&worker_id).ok_or(Problem::NotFound)?;
            match submitted.sha256 == said.sha256 {
                true => Ok(Outcome::confirmation(&worker_id, &said.sha256, &said.why)),
                false => Err(Problem::NotFound),
            }
        },
    )
    .await
}

/// Revokes a worker's enrolment, or restores it.
#[utoipa::path(post, path = "/api/v1/workers/{worker_id}/revoke", tag = "registry",
    params(("worker_id" = String, Path)), request_body = Revocation,
    responses((status = 201, description = "It is recorded", body = Changed)))]
pub(in crate::serve) async fn revoke(
    State(service): State<Arc<Service>>,
    Path(worker_id): Path<String>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    record(service, actor, request, move |service, said: Revocation| {
        let revoked = said.revoked.unwrap_or(true);
        let known = match revoked {
            true => service
                .hall
                .current()
                .workers()
                .worker(&worker_id)
                .is_some(),
            false => service.hall.index().revoked(&worker_id).is_some(),
        };
        match known {
            true => Ok(Outcome::revocation(&worker_id, revoked, &said.why)),
            false => Err(Problem::NotFound),
        }
    })
    .await
}

/// Bans a hash, a worker or a namespace, or lifts a ban of the ledger.
#[utoipa::path(post, path = "/api/v1/ban-list/ban", tag = "registry", request_body = Ban,
    responses((status = 201, description = "It is recorded", body = Changed)))]
pub(in crate::serve) async fn ban(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    record(service, actor, request, |service, said: Ban| {
        let names = [
            ("sha256", said.sha256.map(|digest| digest.to_string())),
            ("worker_id", said.worker_id),
            ("namespace", said.namespace),
        ];
        let names = names.into_iter();
        let named: Vec<_> = names
            .filter_map(|(member, name)| Some((member, name?)))
            .collect();
        let [(member, name)] = &named[..] else {
            return Err(Problem::Argument {
                what: "sha256",
                expected: "one of sha256, worker_id and namespace is needed",
            });
        };
        let banned = said.banned.unwrap_or(true);
        if !banned && !service.hall.index().bans(member, name) {
            return Err(Problem::NotFound);
        }
        Ok(Outcome::ban(member, name, banned, &said.reason))
    })
    .await
}

/// Reads the body, records what it says with what that changes, and answers the
/// receipt.
async fn record<B: DeserializeOwned + 'static>(
    service: Arc<Service>,
    actor: Actor,
    request: Request,
    read: impl FnOnce(&Service, B) -> Result<Outcome, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let said = shape::read(&parse(body)?, "")?;
        let hall = &service.hall;
        let _changing = hall.change();
        let outcome = read(service, said)?;
        let (outcome, changes) = change(outcome, &hall.index(), &hall.of_files());
        let receipt = hall.record(&service.recorder, &outcome.by(actor.to_value()))?;
        Ok(Changed {
            changed: true,
            changes,
            receipt: ReceiptText::new(&receipt, service.identity),
        })
    };
    let changed = take_up(service, request, work).await?;
    Ok((StatusCode::CREATED, axum::Json(changed)).into_response())
}
