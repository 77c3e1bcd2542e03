//! What the server knows to end logs: for the page, and for verifiers elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;
use crate::ledger::revocation::SignedRevocation;

/// The revocations that the server was given.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevocationsText {
    revocations: Vec<RevocationText>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RevocationText {
    /// The log that is ended, by its key and its first entry.
    #[schema(value_type = String)]
    log: PublicKey,
    #[schema(value_type = String)]
    genesis: Hash,
    /// Its last entry that counts.
    #[schema(value_type = u64)]
    seq: Seq,
    #[schema(value_type = String)]
    hash: Hash,
    /// The key that says so.
    #[schema(value_type = String)]
    key: PublicKey,
    reason: String,
    /// The file, as text: what is signed.
    file: String,
}

impl RevocationText {
    fn of(signed: &SignedRevocation) -> RevocationText {
        let content = signed.content.clone();
        RevocationText {
            log: content.log,
            genesis: content.genesis,
            seq: content.seq,
            hash: content.hash,
            key: signed.envelope.key,
            reason: content.reason,
            file: String::from_utf8_lossy(&signed.to_file()).into_owned(),
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_list, _, _>(
        Need::Scope(Scope::Read),
        Takes::Nothing,
        list,
    )]
}

/// The revocations that evidence is held against here, beside those that come with it.
#[utoipa::path(get, path = "/v1/revocations", operation_id = "list_revocations", tag = "ledger",
    responses((status = 200, description = "The revocations", body = RevocationsText)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let revocations = service.revocations.iter().map(RevocationText::of);
    Ok(Json(RevocationsText {
        revocations: revocations.collect(),
    })
    .into_response())
}
