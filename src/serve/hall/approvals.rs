//! Denials that want a human, and what humans say to them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::evidence::EvidenceError;
use crate::evidence::openings::plain_payload;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::{Redactable, mentions_form};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::ledger::time::{self, Timestamp};
use crate::ledger::words::words;
use crate::record::decision::said;
use crate::record::outcome::{Approval, ApprovalVerdict};
use crate::record::redacted::INPUT_HASH;
use crate::record::{Outcome, kind};
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::entries::find;
use crate::serve::epochs::answer;
use crate::serve::params::Params;
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::store::Store;
use crate::store::query::{Filter, select};

/// The codes of denials that want a human.
const WANT_A_HUMAN: [&str; 2] = ["DENY_REQUIRES_HUMAN", "DENY_REQUIRES_HUMAN_APPROVAL"];

/// Denials that are looked through for those that are pending.
const LOOKED_AT: u64 = 10_000;

/// How long an approval holds where nothing is said: an hour, in microseconds.
const USUAL_TIME: i64 = 3_600_000_000;

/// The longest that an approval may hold: a week.
const LONGEST_TIME: i64 = 7 * 24 * 3_600_000_000;

/// What a human says to a denial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Resolution {
    /// The hash of the entry that recorded the denial.
    #[schema(value_type = String)]
    entry: Hash,
    /// That entry's `input_hash`: the approval is of this request and no other.
    #[schema(value_type = String)]
    input_hash: Sha256Digest,
    /// `approve`, `deny` or `escalate`.
    #[schema(value_type = String)]
    verdict: ApprovalVerdict,
    /// Why.
    #[serde(deserialize_with = "reason")]
    why: String,
    /// `advisory`, `gatekeeper`, `executor` or `incident_commander`.
    #[schema(value_type = Option<String>)]
    supervisor_level: Option<Level>,
    /// Until when an approval holds; an hour if nothing is said, a week at most.
    #[serde(default, deserialize_with = "time::maybe_any_offset")]
    #[schema(value_type = Option<String>)]
    expires: Option<Timestamp>,
}

/// What a human wants another to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Escalation {
    /// The hash of the entry that recorded the denial.
    #[schema(value_type = String)]
    entry: Hash,
    /// That entry's `input_hash`.
    #[schema(value_type = String)]
    input_hash: Sha256Digest,
    /// Why.
    #[serde(deserialize_with = "reason")]
    why: String,
    /// `advisory`, `gatekeeper`, `executor` or `incident_commander`.
    #[schema(value_type = Option<String>)]
    supervisor_level: Option<Level>,
}

words! {
    /// How a supervisor may be placed (WCP). Carried, not judged.
    enum Level: "advisory, gatekeeper, executor or incident_commander" {
        Advisory = "advisory",
        Gatekeeper = "gatekeeper",
        Executor = "executor",
        IncidentCommander = "incident_commander",
    }
}

fn reason<'v, D: Deserializer<'v>>(deserializer: D) -> Result<String, D::Error> {
    shape::read_text(deserializer, "a reason", |text| {
        (!text.trim().is_empty()).then(|| text.to_owned())
    })
}

/// That it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Resolved {
    resolved: bool,
    verdict: &'static str,
    /// The hash of the entry of the approval.
    #[schema(value_type = String)]
    entry: Hash,
    #[schema(value_type = u64)]
    seq: Seq,
    #[schema(value_type = Option<String>)]
    expires: Option<Timestamp>,
}

/// A denial that wants a human.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct PendingItem {
    #[schema(value_type = String)]
    entry: Hash,
    #[schema(value_type = u64)]
    seq: Seq,
    input_hash: String,
    task_id: String,
    code: String,
    decided_at: Option<String>,
    decision_id: Option<String>,
    capability_id: Option<String>,
    tenant_id: Option<String>,
    correlation_id: Option<String>,
    env: Option<String>,
}

/// Denials that want a human, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct PendingList {
    pending: Vec<PendingItem>,
    count: u64,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let approve = Need::Scope(Scope::Approve);
    let read = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_pending, _, _>(read, Takes::Nothing, pending),
        Endpoint::new::<__path_resolve, _, _>(approve, Takes::Json, resolve),
        Endpoint::new::<__path_escalate, _, _>(approve, Takes::Json, escalate),
    ]
}

/// Denials that want a human and were not resolved, newest first.
#[utoipa::path(get, path = "/wcp/approvals/pending", tag = "wcp",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, description = "The denials", body = PendingList)))]
pub(in crate::serve) async fn pending(
    State(service): State<Arc<Service>>,
    mut params: Params,
) -> Result<Response, Problem> {
    let limit = params.number("limit", 1..=200, 50, "a number from 1 to 200 is needed")?;
    params.finish()?;
    let here = Arc::clone(&service);
    let pending = service.pools.read(move || list(&here, limit)).await?;
    let count = pending.len() as u64;
    Ok(answer(&PendingList { pending, count }))
}

/// Approves, denies or escalates a denial that wants a human. An approval holds
/// once, for the request that was denied, until it expires.
#[utoipa::path(post, path = "/wcp/approvals/resolve", tag = "wcp", request_body = Resolution,
    responses((status = 200, description = "It is recorded", body = Resolved)))]
pub(in crate::serve) async fn resolve(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    say(service, actor, request, |value| Ok(shape::read(value, "")?)).await
}

/// Has someone else decide.
#[utoipa::path(post, path = "/wcp/approvals/escalate", tag = "wcp", request_body = Escalation,
    responses((status = 200, description = "It is recorded", body = Resolved)))]
pub(in crate::serve) async fn escalate(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let read = |value: &Value| {
        let escalation: Escalation = shape::read(value, "")?;
        Ok(Resolution {
            entry: escalation.entry,
            input_hash: escalation.input_hash,
            verdict: ApprovalVerdict::Escalate,
            why: escalation.why,
            supervisor_level: escalation.supervisor_level,
            expires: None,
        })
    };
    say(service, actor, request, read).await
}

async fn say(
    service: Arc<Service>,
    actor: Actor,
    request: Request,
    read: impl FnOnce(&Value) -> Result<Resolution, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let said = read(&parse(body)?)?;
        record(service, &actor, said)
    };
    Ok(answer(&take_up(service, request, work).await?))
}

impl Resolution {
    /// Until when an approval holds; nothing else does.
    fn expires(&self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        if self.verdict != ApprovalVerdict::Approve {
            return Ok(None);
        }
        let expires = self
            .expires
            .unwrap_or(now.saturating_add_micros(USUAL_TIME));
        let within = now < expires && expires.micros_since(now) <= LONGEST_TIME;
        match within {
            true => Ok(Some(expires)),
            false => Err(Problem::Argument {
                what: "expires",
                expected: "a time within the next seven days is needed",
            }),
        }
    }
}

fn record(service: &Service, actor: &Actor, said: Resolution) -> Result<Resolved, Problem> {
    let hall = &service.hall;
    let expires = said.expires(service.clock.wall())?;
    let _changing = hall.change();
    let store = service.logbook.store();
    let (seq, entry) = find(&**store, &said.entry.to_string())?;
    let denied = DeniedEntry::of(&**store, seq, &entry)?.ok_or(Problem::NotPending)?;
    let input_hash = said.input_hash.to_string();
    if denied.input_hash != input_hash {
        return Err(Problem::Argument {
            what: "input_hash",
            expected: "that of the denied request is needed",
        });
    }
    if hall.approved.is_resolved(&said.entry) {
        return Err(Problem::AlreadyResolved);
    }
    let outcome = Outcome::approval(&Approval {
        denied: said.entry,
        input_hash,
        task_id: denied.task_id.clone(),
        verdict: said.verdict,
        who: who(actor, said.supervisor_level),
        why: said.why,
        expires,
        tenant_id: denied.text("tenant_id"),
        correlation_id: denied.text("correlation_id"),
    });
    let outcome = outcome.by(actor.to_value());
    // What is over a request that can be erased is erased with it.
    let over = denied.redacted.then(|| Pointer::parse(INPUT_HASH));
    let over = over.and_then(Result::ok).map(Redactable::needed);
    let receipt = service.recorder.record_with(&outcome, over.as_slice())?;
    hall.approved.enter(&receipt.hash, outcome.payload());
    Ok(Resolved {
        resolved: said.verdict != ApprovalVerdict::Escalate,
        verdict: said.verdict.as_str(),
        entry: receipt.hash,
        seq: receipt.seq,
        expires,
    })
}

fn who(actor: &Actor, level: Option<Level>) -> String {
    match level {
        Some(level) => format!("{}, {}", actor.name(), level.as_str()),
        None => actor.name(),
    }
}

struct DeniedEntry {
    /// Whether something of what was asked can be erased.
    redacted: bool,
    payload: Object,
    input_hash: String,
    task_id: String,
    code: String,
}

impl DeniedEntry {
    /// None if no human can decide on it, or if what was asked was erased.
    fn of(
        store: &dyn Store,
        seq: Seq,
        entry: &Entry,
    ) -> Result<Option<DeniedEntry>, EvidenceError> {
        if entry.kind() != kind::DECISION {
            return Ok(None);
        }
        let redacted = mentions_form(entry.payload_bytes());
        Ok(DeniedEntry::read(
            plain_payload(store, seq, entry)?,
            redacted,
        ))
    }

    fn read(payload: Object, redacted: bool) -> Option<DeniedEntry> {
        let code = said(&payload, "deny_reason_if_denied")?.get("code")?;
        let code = code.as_str().filter(|code| WANT_A_HUMAN.contains(code))?;
        let code = code.to_owned();
        Some(DeniedEntry {
            input_hash: payload.get("input_hash")?.as_str()?.to_owned(),
            task_id: payload.get("context")?.get("task_id")?.as_str()?.to_owned(),
            code,
            payload,
            redacted,
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        said(&self.payload, name)?.as_str().map(str::to_owned)
    }
}

fn list(service: &Service, limit: u64) -> Result<Vec<PendingItem>, Problem> {
    let store: &dyn Store = &**service.logbook.store();
    let filter = Filter {
        kinds: vec![kind::DECISION.to_owned()],
        denied: Some(true),
        reverse: true,
        limit: Some(LOOKED_AT),
        ..Filter::default()
    };
    let mut found = Vec::new();
    for item in select(store, &filter)? {
        let (seq, entry) = item?;
        let Some(denied) = DeniedEntry::of(store, seq, &entry)? else {
            continue;
        };
        if service.hall.approved.is_resolved(&entry.hash()) {
            continue;
        }
        found.push(PendingItem {
            entry: entry.hash(),
            seq,
            decided_at: denied.text("timestamp"),
            decision_id: denied.text("decision_id"),
            capability_id: denied.text("capability_id"),
            tenant_id: denied.text("tenant_id"),
            correlation_id: denied.text("correlation_id"),
            env: denied.text("env"),
            input_hash: denied.input_hash,
            task_id: denied.task_id,
            code: denied.code,
        });
        if found.len() as u64 == limit {
            break;
        }
    }
    Ok(found)
}
