//! Denials that want a human, and what humans say to them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use utoipa::ToSchema;

use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberProblem, Members};
use crate::ledger::parse::parse;
use crate::ledger::time::Timestamp;
use crate::record::outcome::{Approval, ApprovalVerdict};
use crate::record::{Outcome, kind};
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::entries::find;
use crate::serve::epochs::object;
use crate::serve::params::Params;
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::store::Store;
use crate::store::query::{Filter, select};

/// The codes of denials that want a human.
const WANT_A_HUMAN: [&str; 2] = ["DENY_REQUIRES_HUMAN", "DENY_REQUIRES_HUMAN_APPROVAL"];

/// How a supervisor may be placed (WCP). Carried, not judged.
const LEVELS: [&str; 4] = ["advisory", "gatekeeper", "executor", "incident_commander"];

/// Denials that are looked through for those that are pending.
const LOOKED_AT: u64 = 10_000;

/// How long an approval holds where nothing is said: an hour, in microseconds.
const USUAL_TIME: i64 = 3_600_000_000;

/// The longest that an approval may hold: a week.
const LONGEST_TIME: i64 = 7 * 24 * 3_600_000_000;

/// What a human says to a denial.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `Said::read` reads")]
pub(in crate::serve) struct Resolution {
    /// The hash of the entry that recorded the denial.
    entry: String,
    /// That entry's `input_hash`: the approval is of this request and no other.
    input_hash: String,
    /// `approve`, `deny` or `escalate`.
    verdict: String,
    /// Why.
    why: String,
    /// `advisory`, `gatekeeper`, `executor` or `incident_commander`.
    supervisor_level: Option<String>,
    /// Until when an approval holds; an hour if nothing is said, a week at most.
    expires: Option<String>,
}

/// What a human wants another to say.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `Said::read` reads")]
pub(in crate::serve) struct Escalation {
    /// The hash of the entry that recorded the denial.
    entry: String,
    /// That entry's `input_hash`.
    input_hash: String,
    /// Why.
    why: String,
    /// `advisory`, `gatekeeper`, `executor` or `incident_commander`.
    supervisor_level: Option<String>,
}

/// That it is recorded.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `resolve` answers")]
pub(in crate::serve) struct Resolved {
    resolved: bool,
    verdict: String,
    /// The hash of the entry of the approval.
    entry: String,
    seq: u64,
    expires: Option<String>,
}

/// A denial that wants a human.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `pending` answers")]
pub(in crate::serve) struct PendingItem {
    entry: String,
    seq: u64,
    input_hash: String,
    code: String,
    decided_at: Option<String>,
    decision_id: Option<String>,
    capability_id: Option<String>,
    tenant_id: Option<String>,
    correlation_id: Option<String>,
    env: Option<String>,
}

/// Denials that want a human, newest first.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `pending` answers")]
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
    let found = service.pools.read(move || list(&here, limit)).await?;
    let mut answer = Object::new();
    answer.insert("count", found.len() as u64);
    answer.insert("pending", found);
    Ok(object(answer))
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
    say(service, actor, request, None).await
}

/// Has someone else decide.
#[utoipa::path(post, path = "/wcp/approvals/escalate", tag = "wcp", request_body = Escalation,
    responses((status = 200, description = "It is recorded", body = Resolved)))]
pub(in crate::serve) async fn escalate(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    say(service, actor, request, Some(ApprovalVerdict::Escalate)).await
}

async fn say(
    service: Arc<Service>,
    actor: Actor,
    request: Request,
    verdict: Option<ApprovalVerdict>,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let said = Said::read(&parse(body)?, verdict)?;
        record(service, &actor, said)
    };
    Ok(object(take_up(service, request, work).await?))
}

/// What was said, read.
struct Said {
    entry: Hash,
    input_hash: String,
    verdict: ApprovalVerdict,
    why: String,
    supervisor_level: Option<String>,
    expires: Option<Timestamp>,
}

impl Said {
    fn read(value: &Value, verdict: Option<ApprovalVerdict>) -> Result<Said, Problem> {
        let mut members = Members::of(value, "")?;
        let m = &mut members;
        let refused = |m: &Members<'_>, name, expected: &'static str| {
            m.error(
                name,
                MemberProblem::BadValue {
                    expected: expected.into(),
                },
            )
        };
        let entry = Hash::from_bytes(m.hex("entry")?);
        let input_hash = crate::ledger::hexadecimal::encode(&m.hex::<32>("input_hash")?);
        let why = m.str("why")?.to_owned();
        if why.trim().is_empty() {
            return Err(refused(m, "why", "a reason").into());
        }
        let supervisor_level = m.opt_str("supervisor_level")?.map(str::to_owned);
        if let Some(level) = &supervisor_level
            && !LEVELS.contains(&level.as_str())
        {
            let expected = "advisory, gatekeeper, executor or incident_commander";
            return Err(refused(m, "supervisor_level", expected).into());
        }
        let (verdict, expires) = match verdict {
            Some(verdict) => (verdict, None),
            None => {
                let verdict = match m.str("verdict")? {
                    "approve" => ApprovalVerdict::Approve,
                    "deny" => ApprovalVerdict::Deny,
                    "escalate" => ApprovalVerdict::Escalate,
                    _ => return Err(refused(m, "verdict", "approve, deny or escalate").into()),
                };
                let expires = m.opt_str("expires")?.map(Timestamp::parse).transpose();
                (
                    verdict,
                    expires.map_err(|_| refused(m, "expires", "a time"))?,
                )
            }
        };
        members.finish()?;
        Ok(Said {
            entry,
            input_hash,
            verdict,
            why,
            supervisor_level,
            expires,
        })
    }

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

fn record(service: &Service, actor: &Actor, said: Said) -> Result<Object, Problem> {
    let hall = &service.hall;
    let expires = said.expires(service.clock.wall())?;
    let _changing = hall.change();
    let store = service.logbook.store();
    let (_, entry) = find(&**store, &said.entry.to_string())?;
    let denied = Denied::of(&entry).ok_or(Problem::NotPending)?;
    if denied.input_hash != said.input_hash {
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
        input_hash: said.input_hash,
        verdict: said.verdict,
        who: who(actor, said.supervisor_level.as_deref()),
        why: said.why,
        expires,
        tenant_id: denied.text("tenant_id"),
        correlation_id: denied.text("correlation_id"),
    });
    let outcome = outcome.by(actor.to_value());
    let receipt = service.recorder.record(&outcome)?;
    hall.approved.enter(&receipt.hash, outcome.payload());
    let mut answer = Object::new();
    answer.insert("resolved", said.verdict != ApprovalVerdict::Escalate);
    answer.insert("verdict", said.verdict.as_str());
    answer.insert("entry", receipt.hash.to_string());
    answer.insert("seq", receipt.seq.0);
    answer.insert("expires", expires.map(|at| at.to_string()));
    Ok(answer)
}

fn who(actor: &Actor, level: Option<&str>) -> String {
    match level {
        Some(level) => format!("{}, {level}", actor.name()),
        None => actor.name(),
    }
}

/// A denial that wants a human.
struct Denied {
    decision: Object,
    input_hash: String,
    code: String,
}

impl Denied {
    fn of(entry: &Entry) -> Option<Denied> {
        if entry.kind() != kind::DECISION {
            return None;
        }
        let payload = entry.check_payload().ok()?;
        let decision = payload.get("decision")?.as_object()?;
        let code = decision.get("deny_reason_if_denied")?.get("code")?;
        let code = code.as_str().filter(|code| WANT_A_HUMAN.contains(code))?;
        Some(Denied {
            input_hash: payload.get("input_hash")?.as_str()?.to_owned(),
            code: code.to_owned(),
            decision: decision.clone(),
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        self.decision.get(name)?.as_str().map(str::to_owned)
    }
}

fn list(service: &Service, limit: u64) -> Result<Vec<Value>, Problem> {
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
        let Some(denied) = Denied::of(&entry) else {
            continue;
        };
        if service.hall.approved.is_resolved(&entry.hash()) {
            continue;
        }
        let mut shown = Object::new();
        shown.insert("entry", entry.hash().to_string());
        shown.insert("seq", seq.0);
        shown.insert("input_hash", denied.input_hash.as_str());
        shown.insert("code", denied.code.as_str());
        shown.insert("decided_at", denied.text("timestamp"));
        for name in [
            "decision_id",
            "capability_id",
            "tenant_id",
            "correlation_id",
            "env",
        ] {
            shown.insert(name, denied.text(name));
        }
        found.push(Value::Object(shown));
        if found.len() as u64 == limit {
            break;
        }
    }
    Ok(found)
}
