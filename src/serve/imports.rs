//! Evidence of other logs comes in: verified, and kept apart.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use super::upload::{Upload, believed, receive};
use crate::api::ImportFile;
use crate::imports::accept::ImportOutcome;
use crate::ledger::fault::Report;
use crate::ledger::hash::Hash;
use crate::ledger::position::Seq;

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportText {
    /// `imported`, `known`, `refused` or `equivocation`.
    outcome: &'static str,
    #[schema(value_type = Option<String>)]
    digest: Option<Hash>,
    /// The entry on it.
    #[schema(value_type = Option<u64>)]
    seq: Option<Seq>,
    /// The files that contradict each other, the earlier first.
    #[schema(value_type = Vec<String>)]
    evidence: Vec<Hash>,
    /// The verdict, as `/v1/verify` gives it.
    #[schema(value_type = Object)]
    report: Report,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_import, _, _>(
        Need::Scope(Scope::Admin),
        Takes::Upload,
        import,
    )]
}

/// Verifies a bundle, proof or logbook of another log, and keeps it if it passes.
#[utoipa::path(post, path = "/v1/imports", tag = "ledger",
    request_body(content = String, content_type = "application/octet-stream"),
    params(
        ("key" = Option<Vec<String>>, Query,
            description = "A trusted key, 64 hex digits; without one nothing is kept"),
        ("as" = Option<String>, Query, description = "logbook, bundle or proof"),
        ("expect_head" = Option<String>, Query, description = "The hash of the last entry"),
        ("revoked" = Option<Vec<String>>, Query,
            description = "What a file with a revocation says, which ends the log"),
        ("allow_unsigned" = Option<bool>, Query,
            description = "Whether a bundle may pass whose closing record is not signed"),
        ("allow_revocation_not_applicable" = Option<bool>, Query,
            description = "Whether something may pass of which a revocation does not show whether it comes before its place")),
    responses((status = 200, description = "What became of it", body = ImportText)))]
pub(super) async fn import(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
    request: Request,
) -> Result<Response, Problem> {
    let (policy, format) = believed(&service, &mut params)?;
    params.finish()?;
    service.check_recording()?;
    let here = Arc::clone(&service);
    let take = move |file: Upload| {
        let dir = here.ledger.dir().unwrap_or(Path::new("."));
        let file = ImportFile::copy(file, Path::new("body"), format, dir)?;
        here.ledger.import(&file, &policy, &mut |_| ())
    };
    let outcome = receive(&service, &actor, request, take).await??;
    Ok((StatusCode::OK, Json(ImportText::of(outcome))).into_response())
}

impl ImportText {
    fn of(outcome: ImportOutcome) -> ImportText {
        let word = match &outcome {
            ImportOutcome::Imported(_) => "imported",
            ImportOutcome::Known(_) => "known",
            ImportOutcome::Refused(_) => "refused",
            ImportOutcome::Equivocation(..) => "equivocation",
        };
        let (digest, seq, evidence, report) = match outcome {
            ImportOutcome::Imported(it) | ImportOutcome::Known(it) => {
                (Some(it.digest), Some(it.seq), Vec::new(), it.report)
            }
            ImportOutcome::Refused(report) => (None, None, Vec::new(), report),
            ImportOutcome::Equivocation(report, conflict) => {
                let files = vec![conflict.earlier.0, conflict.later.0];
                (Some(conflict.later.0), None, files, report)
            }
        };
        ImportText {
            outcome: word,
            digest,
            seq,
            evidence,
            report,
        }
    }
}
