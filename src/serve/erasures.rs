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
use super::params::FilterParams;
use super::passed_over::Warnings;
use super::posted::take_up;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::json::Value;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::{ErasedMember, MOST};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::shape;
use crate::store::query::Filter;

/// Members that one request erases at most.
const MOST_PLANNED: usize = 100_000;

/// Members that an answer names at most; the entries of the receipts name all.
const MOST_NAMED: usize = 1_000;

/// Pointers that a request has at most.
const MOST_POINTERS: usize = 100;

/// What is to be erased, all of it or nothing: either `members`, or what `query` finds of
/// `pointers`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[schema(min_items = 1, max_items = 1_000)]
    members: Option<Vec<Member>>,
    /// At least one filter, as `/v1/entries` has them.
    #[schema(value_type = Option<FilterParams>)]
    query: Option<Value>,
    /// JSON pointers into the payloads of what the query finds. What has none of them, or
    /// has it erased, is passed over.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 100)]
    pointers: Option<Vec<Pointer>>,
    /// Why; it stays in the log for ever, and must not repeat what is erased.
    #[serde(deserialize_with = "reason")]
    reason: String,
    /// Only say what would be erased.
    #[serde(default)]
    dry_run: bool,
    /// What a dry run answered. A query needs it; where something else would be erased by
    /// now, nothing is.
    #[schema(value_type = Option<String>)]
    confirm: Option<Hash>,
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
    /// How many members it is.
    count: usize,
    /// The digest over all of them, to be sent back.
    #[schema(value_type = String)]
    confirm: Hash,
    /// The members, and the digests over them: the first 1 000.
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
/// answer comes when they have left the files of the database. What a query finds is first
/// asked for as a dry run, and then confirmed by what that answered.
#[utoipa::path(post, path = "/v1/erasures", tag = "ledger", request_body = Wanted,
    responses((status = 201, description = "They are erased", body = Erased),
        (status = 200, description = "They would be, were it no dry run; or the query finds \
            nothing that is not erased", body = Erased, headers(("sealbook-warning" = String,
                description = "What the query passed over: numbers in the place of texts")))))]
pub(super) async fn erase(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let wanted: Wanted = shape::read(&parse(body)?, "")?;
        // Nobody else erases between what is found and what is done.
        let _erasing = service.erasing();
        let (planned, warnings) = plan(service, &wanted)?;
        let confirm = plan_digest(&planned);
        let receipts = match wanted.dry_run || planned.is_empty() {
            true => Vec::new(),
            false => {
                check_confirmed(&wanted, confirm)?;
                let by = actor.to_value();
                let ledger = &service.ledger;
                ledger.erase_planned(&planned, &wanted.reason, by)?
            }
        };
        let receipts = receipts.iter();
        let receipts = receipts.map(|receipt| ReceiptText::new(receipt, service.identity));
        let text = |it: ErasedMember| ErasedText {
            seq: it.seq,
            pointer: it.pointer,
            commitment: it.commitment,
        };
        let done = Erased {
            dry_run: wanted.dry_run,
            count: planned.len(),
            confirm,
            receipts: receipts.collect(),
            erased: planned.into_iter().take(MOST_NAMED).map(text).collect(),
        };
        Ok((done, warnings))
    };
    let (done, warnings) = take_up(service, request, work).await?;
    let status = match done.receipts.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok(warnings.on((status, Json(done)).into_response()))
}

/// What would be erased, and what the query passed over.
fn plan(service: &Service, wanted: &Wanted) -> Result<(Vec<ErasedMember>, Warnings), Problem> {
    let (members, warnings) = match (&wanted.members, &wanted.query, &wanted.pointers) {
        (Some(members), None, None) => {
            if members.is_empty() || members.len() > MOST {
                return Err(refused("members", "1 to 1000 are needed"));
            }
            let members = members.iter().map(|it| (it.seq, it.pointer.clone()));
            (members.collect(), Warnings::default())
        }
        (None, Some(query), Some(pointers)) => {
            if pointers.is_empty() || pointers.len() > MOST_POINTERS {
                return Err(refused("pointers", "1 to 100 are needed"));
            }
            let filter = FilterParams::read(query)?;
            if filter == Filter::default() {
                return Err(refused("query", "at least one filter is needed"));
            }
            let warnings = Warnings::find(&*service.store(), &filter)?;
            (found(service, &filter, pointers)?, warnings)
        }
        (None, Some(_), None) => return Err(refused("pointers", "a query needs them")),
        _ => {
            let expected = "either these are needed, or `query` with `pointers`";
            return Err(refused("members", expected));
        }
    };
    let planned = service.ledger.to_erase(&members)?;
    Ok((planned, warnings))
}

/// The members that a query finds, of which there may be many, and not any number.
fn found(
    service: &Service,
    filter: &Filter,
    pointers: &[Pointer],
) -> Result<Vec<(Seq, Pointer)>, Problem> {
    let mut found = Vec::new();
    for member in service.ledger.erasable_where(filter, pointers)? {
        if found.len() == MOST_PLANNED {
            return Err(Problem::TooManyMembers { most: MOST_PLANNED });
        }
        found.push(member?);
    }
    Ok(found)
}

/// What is confirmed has to be what would be erased now; of a query it has to be confirmed.
fn check_confirmed(wanted: &Wanted, planned: Hash) -> Result<(), Problem> {
    match wanted.confirm {
        Some(confirmed) if confirmed == planned => Ok(()),
        None if wanted.query.is_none() => Ok(()),
        None => Err(refused("confirm", "what a dry run answered is needed")),
        Some(_) => Err(Problem::PlanChanged),
    }
}

const fn refused(what: &'static str, expected: &'static str) -> Problem {
    Problem::Argument { what, expected }
}

/// The digest over members that would be erased: over the canonical JSON of each, with a
/// line end. Another member, or one less, has another one.
fn plan_digest(planned: &[ErasedMember]) -> Hash {
    let mut hasher = Hasher::new();
    let mut line = Vec::new();
    for member in planned {
        line.clear();
        shape::write_text(member, &mut line);
        line.push(b'\n');
        hasher.update(&line);
    }
    hasher.finish()
}
