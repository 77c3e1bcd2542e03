//! Sealed epochs, the head, and sealing.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::endpoint::{Endpoint, Need, Takes};
use super::entries::json;
use super::params::Params;
use super::posted::take_up;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::head::Head;
use crate::ledger::json::Form;
use crate::ledger::key::{PublicKey, Signature};
use crate::ledger::parse::parse;
use crate::ledger::position::EpochNumber;
use crate::ledger::shape;
use crate::logbook::epoch_at;

const MOST: u64 = 1_000;

/// Headers in one page where nothing is said.
const USUAL: u64 = 100;

/// A signed header (SPEC §3).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EpochStatement {
    #[schema(value_type = Object)]
    epoch: EpochHeader,
    #[schema(value_type = String)]
    key: PublicKey,
    #[schema(value_type = String)]
    signature: Signature,
}

impl EpochStatement {
    fn new(epoch: SignedEpoch) -> EpochStatement {
        EpochStatement {
            key: epoch.envelope.key,
            signature: epoch.envelope.signature,
            epoch: epoch.content,
        }
    }
}

/// A signed statement of the last entry (SPEC §3).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeadStatement {
    #[schema(value_type = Object)]
    head: Head,
    #[schema(value_type = String)]
    key: PublicKey,
    #[schema(value_type = String)]
    signature: Signature,
}

/// A page of headers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EpochPage {
    epochs: Vec<EpochStatement>,
    /// Asked for as `from`, it gives the next page.
    next: Option<u64>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_list, _, _>(need, Takes::Nothing, list),
        Endpoint::new::<__path_show, _, _>(need, Takes::Nothing, show),
        Endpoint::new::<__path_head, _, _>(need, Takes::Nothing, head),
        Endpoint::new::<__path_seal, _, _>(Need::Scope(Scope::Admin), Takes::Json, seal),
    ]
}

/// Signed headers, ascending, a page at a time; or the last of them.
#[utoipa::path(get, path = "/v1/epochs", operation_id = "list_epochs", tag = "ledger",
    params(("from" = Option<u64>, Query, description = "The first epoch"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000),
        ("last" = Option<u64>, Query, minimum = 1, maximum = 1000,
            description = "So many of the last headers, in the place of `from` and `limit`")),
    responses((status = 200, description = "A page", body = EpochPage)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    mut params: Params,
) -> Result<Response, Problem> {
    let from = params.parsed("from", "an epoch number is needed")?;
    let from: u64 = from.unwrap_or(0);
    let expected = "a number from 1 to 1000 is needed";
    let limit = params.number("limit", 1..=MOST, USUAL, expected)?;
    let last = params.number("last", 0..=MOST, 0, expected)?;
    params.finish()?;
    let store = service.store();
    let read = move || {
        let end = store.last_epoch()?.map_or(0, |last| last.0 + 1);
        let (from, limit) = match last {
            0 => (from, limit),
            last => (end.saturating_sub(last), last),
        };
        let until = from.saturating_add(limit).min(end);
        let numbers = (from..until).map(EpochNumber);
        let epochs = numbers.map(|number| Ok(EpochStatement::new(epoch_at(&*store, number)?)));
        let epochs = epochs.collect::<Result<_, Problem>>()?;
        let next = (until < end).then_some(until);
        Ok(EpochPage { epochs, next })
    };
    Ok(answer(&service.pools.read(read).await?))
}

/// One signed header.
#[utoipa::path(get, path = "/v1/epochs/{number}", operation_id = "show_epoch", tag = "ledger",
    params(("number" = u64, Path)),
    responses((status = 200, description = "The header", body = EpochStatement)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(number): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let number = number.parse().map(EpochNumber);
    let number = number.map_err(|_| Problem::Argument {
        what: "number",
        expected: "an epoch number is needed",
    })?;
    let store = service.store();
    let read = move || match store.last_epoch()? {
        Some(last) if number <= last => Ok(epoch_at(&*store, number)?),
        _ => Err(Problem::NotFound),
    };
    let epoch = service.pools.read(read).await?;
    Ok(answer(&EpochStatement::new(epoch)))
}

/// A signed statement of the last durable entry.
#[utoipa::path(get, path = "/v1/head", tag = "ledger",
    responses((status = 200, description = "The head", body = HeadStatement)))]
pub(super) async fn head(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let here = Arc::clone(&service);
    let head = service.pools.read(move || Ok(here.logbook.head()?)).await?;
    Ok(answer(&HeadStatement {
        key: head.envelope.key,
        signature: head.envelope.signature,
        head: head.content,
    }))
}

/// Seals the open epoch early.
#[utoipa::path(post, path = "/v1/seal", tag = "ledger", request_body = EmptyBody,
    responses((status = 200, description = "The header", body = EpochStatement),
        (status = 409, description = "The open epoch has no entries",
            body = super::problem::ErrorBody)))]
pub(super) async fn seal(
    State(service): State<Arc<Service>>,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let EmptyBody {} = shape::read(&parse(body)?, "")?;
        let sealed = service.logbook.seal()?;
        service.publish();
        Ok(sealed)
    };
    let sealed = take_up(service, request, work).await?;
    let sealed = sealed.ok_or(Problem::NothingToSeal)?;
    Ok(answer(&EpochStatement::new(sealed)))
}

/// `{}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyBody {}

pub(super) fn answer(shape: &impl Serialize) -> Response {
    json(shape::write(shape).canonical(Form::Utf8).into_bytes())
}
