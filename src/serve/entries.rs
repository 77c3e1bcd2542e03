//! Entries by filter, and one by number or hash.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::answer::Pieces;
use super::endpoint::{Endpoint, Need, Takes};
use super::entry_text::{EntryItem, write_item};
use super::params::{FilterParams, Params};
use super::passed_over::Warnings;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::position::Seq;
use crate::logbook::entry_at;
use crate::logbook::error::OpenError;
use crate::store::Store;
use crate::store::query::{Filter, select};

const MOST: u64 = 1_000;

/// Entries in one page where nothing is said.
const USUAL: u64 = 100;

/// Bytes from which on a page takes no further entry.
const PAGE_BYTES: usize = 4 << 20;

/// A page of entries.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `page` writes")]
pub(super) struct EntryPage {
    entries: Vec<EntryItem<'static>>,
    /// Asked for as `cursor`, with the same filters, it gives the next page;
    /// `null` if there is none.
    next_cursor: Option<String>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_list, _, _>(need, Takes::Nothing, list),
        Endpoint::new::<__path_show, _, _>(need, Takes::Nothing, show),
    ]
}

/// Entries by filter, a page at a time.
#[utoipa::path(get, path = "/v1/entries", operation_id = "list_entries", tag = "ledger",
    params(
        FilterParams,
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000),
        ("reverse" = Option<bool>, Query, description = "Newest first"),
        ("cursor" = Option<String>, Query, description = "Where an earlier page ended")),
    responses((status = 200, description = "A page", body = EntryPage,
            headers(("sealbook-warning" = String,
                description = "What the filter passed over: numbers in the place of texts")))))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    mut params: Params,
) -> Result<Response, Problem> {
    let mut filter = params.filter()?;
    let expected = "a number from 1 to 1000 is needed";
    let limit = params.number("limit", 1..=MOST, USUAL, expected)?;
    filter.reverse = params
        .parsed("reverse", "true or false is needed")?
        .unwrap_or(false);
    if let Some(cursor) = params.one("cursor")? {
        go_on(&mut filter, &cursor)?;
    }
    params.finish()?;
    let warnings = Warnings::of(&service, &filter).await?;
    let store = service.store();
    let body = service
        .pools
        .read(move || page(&*store, &filter, limit))
        .await?;
    Ok(warnings.on(json(body.into_body())))
}

/// One entry, by its number or its hash.
#[utoipa::path(get, path = "/v1/entries/{id}", operation_id = "show_entry", tag = "ledger",
    params(("id" = String, Path, description = "A sequence number, or 64 hex digits of a hash")),
    responses((status = 200, description = "The entry", body = EntryItem)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let store = service.store();
    let read = move || {
        let (seq, entry) = find(&*store, &id)?;
        let mut body = Vec::new();
        write_item(&*store, seq, &entry, &mut body)?;
        Ok(body)
    };
    Ok(json(service.pools.read(read).await?))
}

pub(super) fn find(store: &dyn Store, id: &str) -> Result<(Seq, Entry), Problem> {
    let last = store.last_seq()?;
    if let Ok(hash) = Hash::from_hex(id) {
        let seq = store.seq_of(&hash)?.ok_or(Problem::NotFound)?;
        let entry = entry_at(store, seq)?;
        // The index is derived and not believed.
        return match entry.hash() == hash {
            true => Ok((seq, entry)),
            false => Err(OpenError::IndexWrong { seq }.into()),
        };
    }
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Problem::Argument {
            what: "id",
            expected: "a sequence number or a hash of 64 hex digits is needed",
        });
    }
    // One that does not fit is beyond the end of any log.
    let seq = id.parse().map(Seq).map_err(|_| Problem::NotFound)?;
    match last {
        Some(last) if seq <= last => Ok((seq, entry_at(store, seq)?)),
        _ => Err(Problem::NotFound),
    }
}

/// A cursor is the entry to go on with, and the direction it came from.
fn go_on(filter: &mut Filter, cursor: &str) -> Result<(), Problem> {
    let refused = Problem::Argument {
        what: "cursor",
        expected: "what an earlier page with the same order gave is needed",
    };
    let prefix = if filter.reverse { 'd' } else { 'a' };
    let number = cursor.strip_prefix(prefix).map(str::parse);
    let Some(Ok(seq)) = number else {
        return Err(refused);
    };
    let seq = Seq(seq);
    if filter.reverse {
        filter.until_seq = Some(filter.until_seq.map_or(seq, |until| until.min(seq)));
    } else {
        filter.from_seq = Some(filter.from_seq.map_or(seq, |from| from.max(seq)));
    }
    Ok(())
}

fn page(store: &dyn Store, filter: &Filter, limit: u64) -> Result<Pieces, Problem> {
    let mut body = Pieces::default();
    body.end().extend_from_slice(b"{\"entries\":[");
    let mut next = None;
    for (written, item) in (0..).zip(select(store, filter)?) {
        let (seq, entry) = item?;
        if written == limit || (written > 0 && body.len() >= PAGE_BYTES) {
            next = Some(seq);
            break;
        }
        let end = body.end();
        if written > 0 {
            end.push(b',');
        }
        write_item(store, seq, &entry, end)?;
    }
    let prefix = if filter.reverse { 'd' } else { 'a' };
    let cursor = next.map_or_else(|| "null".to_owned(), |seq| format!("\"{prefix}{seq}\""));
    let rest = format!("],\"next_cursor\":{cursor}}}");
    body.end().extend_from_slice(rest.as_bytes());
    Ok(body)
}

pub(super) fn json(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}
