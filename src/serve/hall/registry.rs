//! The registry API (SPEC §7), from our own ledger, so that one Hall can be
//! another's registry.
//!
//! A submission and a report are what somebody says: they are recorded as such.
//! A reported hash is listed with the status `reported` and bans nobody, and a
//! submitted one is nobody's code hash, until an administrator confirms it
//! (see `standing`). What is banned is on the Hall's own list or in its ledger.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::hash::Hash;
use crate::ledger::parse::parse;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::record::Outcome;
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::params::Params;
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::wcp::RegistryView as _;
use crate::wcp::basis::WorkerStanding;

/// Entries of the ban list in an answer where nothing is said.
const USUAL: u64 = 500;

/// Entries of the ban list in an answer.
const MOST: u64 = 10_000;

const ID_CHARS: usize = 256;

/// How a worker stands (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct WorkerVerdict {
    worker_id: String,
    /// `active`, `revoked` or `banned`.
    status: &'static str,
    /// What was submitted last, or else what the record says.
    current_hash: Option<String>,
    /// Of what was submitted: `pending`, which clears nothing, or `confirmed`.
    review_status: Option<&'static str>,
    banned: bool,
    ban_reason: Option<String>,
    attested_at: Option<String>,
    ai_generated: bool,
    ai_service: Option<String>,
    ai_model: Option<String>,
    ai_session_fingerprint: Option<String>,
}

/// A hash that is banned or reported (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct BanItem {
    sha256: String,
    reason: String,
    reported_at: String,
    source: String,
    /// `confirmed` of the Hall's own list, else `reported`.
    review_status: &'static str,
}

/// A hash that someone says is bad.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct HashReport {
    #[schema(value_type = String)]
    sha256: Sha256Digest,
    reason: String,
    evidence_url: Option<String>,
}

/// That a report is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct HashReported {
    reported: bool,
    sha256: String,
}

/// A package hash that is said to be a worker's.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Submission {
    #[schema(value_type = String)]
    sha256: Sha256Digest,
    #[serde(default, deserialize_with = "shape::or_default")]
    #[schema(value_type = Option<bool>)]
    ai_generated: bool,
    label: Option<String>,
    ai_service: Option<String>,
    ai_model: Option<String>,
    /// It may be a secret of the session's owner: only its hash is recorded.
    #[serde(skip_serializing)]
    ai_session_id: Option<String>,
}

/// That a submission is recorded (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Submitted {
    id: String,
    worker_id: String,
    sha256: String,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let open = Need::RegistryRead;
    let report_need = Need::Session(Scope::Ingest);
    vec![
        Endpoint::new::<__path_verify_worker, _, _>(open, Takes::Nothing, verify_worker),
        Endpoint::new::<__path_ban_list, _, _>(open, Takes::Nothing, ban_list),
        Endpoint::new::<__path_report, _, _>(report_need, Takes::Json, report),
        Endpoint::new::<__path_attest, _, _>(Need::Session(Scope::Enrol), Takes::Json, attest),
    ]
}

/// How a worker stands: with the package that was submitted last.
#[utoipa::path(get, path = "/api/v1/verify/{worker_id}", tag = "registry",
    params(("worker_id" = String, Path)),
    responses((status = 200, description = "How it stands", body = WorkerVerdict)))]
pub(in crate::serve) async fn verify_worker(
    State(service): State<Arc<Service>>,
    Path(worker_id): Path<String>,
    params: Params,
) -> Result<Json<WorkerVerdict>, Problem> {
    params.finish()?;
    let here = Arc::clone(&service);
    let verdict = move || verdict(&here, worker_id);
    Ok(Json(service.pools.read(verdict).await?))
}

/// As the router decides: what it would not dispatch to is not active here.
fn verdict(service: &Service, worker_id: String) -> Result<WorkerVerdict, Problem> {
    let hall = service.hall.current();
    let index = service.hall.index();
    let submitted = index.submitted(&worker_id);
    let record = hall.workers().worker(&worker_id);
    if submitted.is_none() && record.is_none() {
        return Err(Problem::NotFound);
    }
    let of_record = record.and_then(|record| record.attestation.as_ref()?.code_hash.clone());
    let hash = submitted.map(|submitted| submitted.sha256.to_string());
    let ban_reason = hall.ban_of(&worker_id);
    let banned = ban_reason.is_some();
    Ok(WorkerVerdict {
        status: match banned {
            true => WorkerStanding::Banned.as_str(),
            false => hall.workers().standing(&worker_id).as_str(),
        },
        current_hash: hash.or_else(|| of_record.map(|hash| hash.to_string())),
        review_status: submitted.map(|submitted| match submitted.confirmed {
            true => "confirmed",
            false => "pending",
        }),
        banned,
        ban_reason,
        attested_at: submitted.map(|submitted| submitted.attested_at.to_string()),
        ai_generated: submitted.is_some_and(|submitted| submitted.ai_generated),
        ai_service: submitted.and_then(|submitted| submitted.ai_service.clone()),
        ai_model: submitted.and_then(|submitted| submitted.ai_model.clone()),
        ai_session_fingerprint: submitted
            .and_then(|submitted| submitted.ai_session_fingerprint.clone()),
        worker_id,
    })
}

/// The hashes on the Hall's own ban list; those that were only reported are
/// claims, and come when they are asked for.
#[utoipa::path(get, path = "/api/v1/ban-list", tag = "registry",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 10000),
        ("review_status" = Option<String>, Query,
            description = "`confirmed` (the default), `reported` or `all`")),
    responses((status = 200, description = "The hashes", body = Vec<BanItem>)))]
pub(in crate::serve) async fn ban_list(
    State(service): State<Arc<Service>>,
    mut params: Params,
) -> Result<Json<Vec<BanItem>>, Problem> {
    let expected = "a number from 1 to 10000 is needed";
    let limit = params.number("limit", 1..=MOST, USUAL, expected)?;
    let wanted = params.one("review_status")?;
    let wanted = wanted.map_or(Ok(Reviewed::Confirmed), |name| Reviewed::named(&name))?;
    params.finish()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let here = Arc::clone(&service);
    let list = service
        .pools
        .read(move || Ok(listed(&here, wanted, limit)))
        .await?;
    Ok(Json(list))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reviewed {
    Confirmed,
    Reported,
    All,
}

impl Reviewed {
    fn named(name: &str) -> Result<Reviewed, Problem> {
        match name {
            "confirmed" => Ok(Reviewed::Confirmed),
            "reported" => Ok(Reviewed::Reported),
            "all" => Ok(Reviewed::All),
            _ => Err(Problem::Argument {
                what: "review_status",
                expected: "confirmed, reported or all is needed",
            }),
        }
    }
}

fn listed(service: &Service, wanted: Reviewed, limit: usize) -> Vec<BanItem> {
    let hall = service.hall.current();
    let own = hall.governance().ban_list();
    let own = own.into_iter().flat_map(|list| list.entries());
    let own = own.map(|entry| BanItem {
        sha256: entry.sha256.to_string(),
        reason: entry.reason.clone(),
        reported_at: entry.reported_at.clone().unwrap_or_default(),
        source: entry.source.clone().unwrap_or_else(|| "hall".to_owned()),
        review_status: "confirmed",
    });
    let index = service.hall.index();
    let reported = index.reported();
    let reported = reported.filter(|reported| {
        // It is listed already.
        !hall.is_banned(&reported.sha256.to_string())
    });
    let reported = reported.map(|reported| BanItem {
        sha256: reported.sha256.to_string(),
        reason: reported.reason.clone(),
        reported_at: reported.reported_at.to_string(),
        source: reported.source.clone(),
        review_status: "reported",
    });
    let own = own.filter(|_| wanted != Reviewed::Reported);
    let reported = reported.filter(|_| wanted != Reviewed::Confirmed);
    own.chain(reported).take(limit).collect()
}

/// Records that someone says a hash is bad.
#[utoipa::path(post, path = "/api/v1/ban-list/report",
    operation_id = "report_hash", tag = "registry",
    request_body = HashReport,
    responses((status = 201, description = "It is recorded", body = HashReported)))]
pub(in crate::serve) async fn report(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let report: HashReport = shape::read(&parse(body)?, "")?;
        let mut payload = shape::write_object(&report);
        payload.insert("source", actor.name());
        let outcome = Outcome::report(payload).by(actor.to_value());
        let _changing = service.hall.change();
        service.hall.record(&service.recorder, &outcome)?;
        Ok(report.sha256.to_string())
    };
    let sha256 = take_up(service, request, work).await?;
    let answer = HashReported {
        reported: true,
        sha256,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Records that a package hash is said to be a worker's.
#[utoipa::path(put, path = "/api/v1/workers/{worker_id}/attest",
    operation_id = "submit_attestation", tag = "registry",
    params(("worker_id" = String, Path)), request_body = Submission,
    responses((status = 200, description = "It is recorded", body = Submitted)))]
pub(in crate::serve) async fn attest(
    State(service): State<Arc<Service>>,
    Path(worker_id): Path<String>,
    actor: Actor,
    request: Request,
) -> Result<Json<Submitted>, Problem> {
    let printable = !worker_id.is_empty() && !worker_id.chars().any(char::is_control);
    if !printable || worker_id.chars().count() > ID_CHARS {
        return Err(Problem::Argument {
            what: "worker_id",
            expected: "1 to 256 printable characters are needed",
        });
    }
    let work = move |service: &Service, body: &[u8]| {
        let submission: Submission = shape::read(&parse(body)?, "")?;
        let id = service.new_id()?;
        let mut payload = shape::write_object(&submission);
        payload.insert("id", id.as_str());
        payload.insert("worker_id", worker_id.as_str());
        let session = submission.ai_session_id.as_deref();
        let fingerprint = session.map(|session| Hash::of(session.as_bytes()).to_string());
        payload.insert("ai_session_fingerprint", fingerprint);
        let outcome = Outcome::submission(payload).by(actor.to_value());
        let _changing = service.hall.change();
        service.hall.record(&service.recorder, &outcome)?;
        Ok(Submitted {
            id,
            worker_id,
            sha256: submission.sha256.to_string(),
        })
    };
    Ok(Json(take_up(service, request, work).await?))
}
