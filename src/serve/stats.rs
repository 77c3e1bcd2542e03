//! Entries by hour and kind, for plots.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::params::{FilterParams, Params};
use super::passed_over::Warnings;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::store::Store;
use crate::store::query::{Filter, select};
use crate::store::stats::Stats;

/// Entries that are counted at most, the newest.
const MOST: u64 = 100_000;

/// Kinds, tenants and reasons that are told apart in an answer, the most frequent.
const KINDS: usize = 100;

/// What entries add up to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatsAnswer {
    /// How many were counted.
    entries: u64,
    /// How many of them say they were denied.
    denied: u64,
    /// How many say they were not.
    not_denied: u64,
    /// The first and the last that were counted.
    first_seq: Option<u64>,
    last_seq: Option<u64>,
    /// Whether all were counted; else the newest were.
    complete: bool,
    /// Ascending; hours without entries are left out.
    hours: Vec<HourCount>,
    /// The most frequent, descending.
    kinds: Vec<KindCount>,
    /// The most frequent tenants, descending.
    tenants: Vec<TenantCount>,
    /// Why entries were denied, the most frequent first.
    reasons: Vec<ReasonCount>,
}

/// Entries of one hour.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HourCount {
    /// Its beginning.
    hour: String,
    entries: u64,
    denied: u64,
}

/// Entries of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KindCount {
    kind: String,
    entries: u64,
}

/// Entries of one tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantCount {
    tenant: String,
    entries: u64,
}

/// Entries that were denied for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReasonCount {
    reason: String,
    entries: u64,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_stats, _, _>(
        Need::Scope(Scope::Read),
        Takes::Nothing,
        stats,
    )]
}

/// Entries by hour and kind, the newest first and no more than a limit.
#[utoipa::path(get, path = "/v1/stats", tag = "ledger",
    params(
        FilterParams,
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 100000,
            description = "Entries that are counted at most")),
    responses((status = 200, description = "The counts", body = StatsAnswer,
            headers(("sealbook-warning" = String,
                description = "What the filter passed over: numbers in the place of texts")))))]
pub(super) async fn stats(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
) -> Result<Response, Problem> {
    let mut filter = params.filter()?;
    let expected = "a number from 1 to 100000 is needed";
    let limit = params.number("limit", 1..=MOST, MOST, expected)?;
    params.finish()?;
    filter.reverse = true;
    let warnings = Warnings::of(&service, &filter).await?;
    let place = service.pools.long_work(&actor.payer()).await?;
    let store = service.store();
    let work = move || {
        let counted = count(&*store, &filter, limit);
        drop(place);
        counted
    };
    let counted = Json(service.pools.read(work).await?);
    Ok(warnings.on(counted.into_response()))
}

fn count(store: &dyn Store, filter: &Filter, limit: u64) -> Result<StatsAnswer, Problem> {
    let mut stats = Stats::default();
    let mut complete = true;
    for item in select(store, filter)? {
        let (seq, entry) = item?;
        if stats.entries == limit {
            complete = false;
            break;
        }
        stats.add(seq, &entry);
    }
    Ok(answer(stats, complete))
}

fn answer(stats: Stats, complete: bool) -> StatsAnswer {
    let denied = &stats.denied_hours.of;
    let hours = stats.hours.of.iter().map(|(hour, entries)| HourCount {
        hour: hour.to_string(),
        entries: *entries,
        denied: denied.get(hour).copied().unwrap_or(0),
    });
    let hours = hours.collect();
    let kinds = most_frequent(stats.kinds.of, |kind, entries| KindCount { kind, entries });
    let tenants = most_frequent(stats.tenants.of, |tenant, entries| TenantCount {
        tenant,
        entries,
    });
    let reasons = most_frequent(stats.reasons.of, |reason, entries| ReasonCount {
        reason,
        entries,
    });
    StatsAnswer {
        entries: stats.entries,
        denied: stats.denied,
        not_denied: stats.not_denied,
        first_seq: stats.range.map(|(first, _)| first.0),
        last_seq: stats.range.map(|(_, last)| last.0),
        complete,
        hours,
        kinds,
        tenants,
        reasons,
    }
}

/// The most frequent, descending, as many as an answer has.
fn most_frequent<T>(counts: BTreeMap<String, u64>, of: fn(String, u64) -> T) -> Vec<T> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    counts.truncate(KINDS);
    let counts = counts.into_iter();
    counts.map(|(value, entries)| of(value, entries)).collect()
}
