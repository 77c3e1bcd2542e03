//! Redactable members, erased for good.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::entry_text::ReceiptText;
use super::posted::take_up;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::hash::Hash;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::{ErasedMember, MOST};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::shape;

/// What is to be erased, all of it or nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[schema(min_items = 1, max_items = 1_000)]
    members: Vec<Member>,
    /// Why; it stays in the log for ever, and must not repeat what is erased.
    #[serde(deserialize_with = "reason")]
    reason: String,
    /// Only say what would be erased.
    #[serde(default)]
    dry_run: bool,
}

/// A redactable member of an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Member {
    #[schema(value_type = u64)]
    seq: Seq,
    /// A JSON pointer into the payload.
    #[schema(value_type = String)]
    pointer: Pointer,
}

/// What was erased, and where it is said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Erased {
    dry_run: bool,
    /// The members, and the digests over them.
    erased: Vec<ErasedText>,
    receipts: Vec<ReceiptText>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErasedText {
    #[schema(value_type = u64)]
    seq: Seq,
    #[schema(value_type = String)]
    pointer: Pointer,
    /// What stands in the entry for it, and stays.
    #[schema(value_type = String)]
    commitment: Hash,
}

fn reason<'v, D: Deserializer<'v>>(deserializer: D) -> Result<String, D::Error> {
    shape::read_text(deserializer, "a reason", |text| {
        (!text.trim().is_empty()).then(|| text.to_owned())
    })
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_erase, _, _>(
        Need::Scope(Scope::Admin),
        Takes::Json,
        erase,
    )]
}

/// Erases redactable members for good, and records who did it, when, why and which. The
/// answer comes when they have left the files of the database.
#[utoipa::path(post, path = "/v1/erasures", tag = "ledger", request_body = Wanted,
    responses((status = 201, description = "They are erased", body = Erased),
        (status = 200, description = "They would be, were it no dry run", body = Erased)))]
pub(super) async fn erase(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let wanted: Wanted = shape::read(&parse(body)?, "")?;
        if wanted.members.is_empty() || wanted.members.len() > MOST {
            return Err(Problem::Argument {
                what: "members",
                expected: "1 to 1000 are needed",
            });
        }
        let members = wanted.members.into_iter();
        let members: Vec<_> = members.map(|it| (it.seq, it.pointer)).collect();
        // Nobody else erases between what is found and what is done.
        let _erasing = service.erasing();
        let erased = service.ledger.to_erase(&members)?;
        let receipts = match wanted.dry_run {
            true => Vec::new(),
            false => {
                let by = actor.to_value();
                service.ledger.erase(&members, &wanted.reason, by)?
            }
        };
        let receipts = receipts.iter();
        let receipts = receipts.map(|receipt| ReceiptText::new(receipt, service.identity));
        let text = |it: ErasedMember| ErasedText {
            seq: it.seq,
            pointer: it.pointer,
            commitment: it.commitment,
        };
        Ok(Erased {
            dry_run: wanted.dry_run,
            erased: erased.into_iter().map(text).collect(),
            receipts: receipts.collect(),
        })
    };
    let done = take_up(service, request, work).await?;
    let status = match done.dry_run {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok((status, Json(done)).into_response())
}
