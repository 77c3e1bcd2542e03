//! Evidence comes in, a verdict goes out, and an entry says both.
//!
//! The client sends documents, digests and content; the server computes the
//! verdict with its own keys and ban list, and says what it took on trust. What
//! rests on reported digests, or on the client's word for a secret that the
//! server does not have, may deny and never clears.

mod evidence;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use evidence::Files;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::entry_text::ReceiptText;
use super::hall::enrol;
use super::posted::take_up;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::attestation::PackageAttestationVerifier;
use crate::files::Disk;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::parse::parse;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::manifest::{self, FolderVerifier, JsonLinesTiles, ManifestVerifier as _};
use crate::record::Outcome;
use crate::vacant::CapabilityCard;

/// A file of a package, or an artifact: its content, or what it is said to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceFile {
    /// Relative, POSIX.
    path: String,
    /// Base64. Only what is sent whole can clear.
    content: Option<String>,
    /// In the place of the content.
    size: Option<u64>,
    /// In the place of the content.
    #[schema(value_type = Option<String>)]
    sha256: Option<Sha256Digest>,
}

/// A package as its holder shows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageEvidence {
    worker_id: String,
    worker_species_id: String,
    /// The text of `manifest.json`.
    manifest: String,
    files: Vec<EvidenceFile>,
    /// Paths of the files that no hash covers, such as compiled Python: they are not
    /// sent, and one that may run denies.
    unattested: Option<Vec<String>>,
    /// Files that no hash covers deny nothing.
    allow_unattested: Option<bool>,
    require_ed25519: Option<bool>,
    /// What the holder found of the HMAC: used, and never cleared by, where this
    /// server does not have the secret.
    hmac_valid: Option<bool>,
    correlation_id: Option<String>,
    /// Where the holder has it.
    path: Option<String>,
}

/// A manifest and its artifacts as their holder shows them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ManifestEvidence {
    /// The text of `Manifest.json`; none if it is not there, which is a verdict too.
    manifest: Option<String>,
    /// The text of `Manifest.json.sha256`.
    sidecar: Option<String>,
    /// The text of `Manifest.json.sig`.
    signature: Option<String>,
    artifacts: Vec<EvidenceFile>,
    /// JSON Lines of `{"tile_id", "sha256"}`: operator mode.
    tiles: Option<String>,
    correlation_id: Option<String>,
    /// Where the holder has it.
    path: Option<String>,
}

/// A capability card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CardEvidence {
    #[schema(value_type = Object)]
    card: Value,
    /// The vacant that it has to be of, 64 hex digits.
    key: Option<String>,
    correlation_id: Option<String>,
}

/// What was found, and where it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Verdict {
    /// `cleared`, `denied` or `not_cleared`.
    verdict: &'static str,
    /// What the verdict rests on that this server did not compute.
    on_trust: Vec<&'static str>,
    /// As the command line prints it.
    #[schema(value_type = Object)]
    outcome: Object,
    receipt: ReceiptText,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Attest);
    vec![
        Endpoint::new::<__path_attest, _, _>(need, Takes::Json, attest),
        Endpoint::new::<__path_verify_manifest, _, _>(need, Takes::Json, verify_manifest),
        Endpoint::new::<__path_judge_card, _, _>(need, Takes::Json, judge_card),
        Endpoint::new::<__path_enrol_worker, _, _>(
            Need::Scope(Scope::Enrol),
            Takes::Json,
            enrol_worker,
        ),
    ]
}

/// Judges a package, and records the outcome.
#[utoipa::path(post, path = "/v1/attestations", operation_id = "judge_package", tag = "verdicts", request_body = PackageEvidence,
    responses((status = 201, description = "It is judged and recorded", body = Verdict)))]
pub(super) async fn attest(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    judge(
        service,
        actor,
        request,
        |service, shown: PackageEvidence| {
            let files = Files::read("files", shown.files)?;
            let manifest = shown.manifest.into_bytes();
            let keys = &service.verdict_keys;
            let hall = service.hall.current();
            let mut verifier =
                PackageAttestationVerifier::new("", "", shown.worker_id, shown.worker_species_id)
                    .hmac_key(keys.hmac.as_ref())
                    .trusted_keys(&keys.trusted)
                    .require_ed25519(shown.require_ed25519.unwrap_or(false))
                    .strict(!shown.allow_unattested.unwrap_or(false))
                    .evidence(files.package(
                        manifest,
                        shown.unattested.unwrap_or_default(),
                        shown.hmac_valid,
                    ));
            if let Some(list) = hall.governance().ban_list() {
                verifier = verifier.ban_list(list);
            }
            let attestation = verifier.verify(service.clock.wall());
            let mut on_trust = files.on_trust("file_digests");
            if keys.hmac.is_none() && shown.hmac_valid.is_some() {
                on_trust.push("symmetric_key");
            }
            Ok(JudgedEvidence {
                passed: attestation.ok(),
                on_trust,
                outcome: Outcome::attestation(&attestation)
                    .of_case(shown.correlation_id.as_deref()),
                verdict_member: ("ok", Value::Null),
                path: shown.path,
            })
        },
    )
    .await
}

/// Judges a manifest and its artifacts, and records the outcome.
#[utoipa::path(post, path = "/v1/manifests", tag = "verdicts", request_body = ManifestEvidence,
    responses((status = 201, description = "It is judged and recorded", body = Verdict)))]
pub(super) async fn verify_manifest(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    judge(
        service,
        actor,
        request,
        |service, shown: ManifestEvidence| {
            let folder = tempfile::tempdir().map_err(|_| Problem::Abandoned)?;
            let place = folder.path().join(manifest::FILE_NAME);
            let tiles = folder.path().join("tiles");
            let beside = |ending: &str| {
                let name = format!("{}{ending}", manifest::FILE_NAME);
                folder.path().join(name)
            };
            for (file, text) in [
                (place.clone(), shown.manifest.as_ref()),
                (beside(".sha256"), shown.sidecar.as_ref()),
                (beside(".sig"), shown.signature.as_ref()),
                (tiles.clone(), shown.tiles.as_ref()),
            ] {
                if let Some(text) = text {
                    std::fs::write(file, text).map_err(|_| Problem::Abandoned)?;
                }
            }
            let files = Files::read("artifacts", shown.artifacts)?;
            let operator = shown.tiles.is_some();
            let store = JsonLinesTiles::new(&tiles);
            let verifier = match operator {
                true => FolderVerifier::operator(&Disk, &store),
                false => FolderVerifier::airborne(&Disk),
            };
            let verifier = verifier.reported(&files.digests);
            let result = verifier.verify_manifest(&place, &service.verdict_keys.trusted);
            let mode = if operator { "operator" } else { "airborne" };
            Ok(JudgedEvidence {
                passed: result.outcome() == manifest::ManifestOutcome::Pass,
                on_trust: files.on_trust("artifact_digests"),
                outcome: Outcome::manifest(&result)
                    .of_case(shown.correlation_id.as_deref())
                    .with("mode", mode),
                verdict_member: ("outcome", Value::from("not_cleared")),
                path: shown.path,
            })
        },
    )
    .await
}

/// Judges a capability card, and records the verdict.
#[utoipa::path(post, path = "/v1/cards", tag = "verdicts", request_body = CardEvidence,
    responses((status = 201, description = "It is judged and recorded", body = Verdict)))]
pub(super) async fn judge_card(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    judge(service, actor, request, |service, shown: CardEvidence| {
        let text = shown.card.canonical(Form::Utf8);
        let card = CapabilityCard::parse(text.as_bytes()).map_err(|_| Problem::Argument {
            what: "card",
            expected: "a capability card is needed",
        })?;
        let of = card.vacant_id().hex();
        let own = shown.key.as_deref().is_none_or(|key| key == of);
        let trusted = service.verdict_keys.trusted.iter();
        let configured = trusted.map(ToString::to_string).any(|key| key == of);
        let mut on_trust = Vec::new();
        if !configured {
            // Whose card it should be is the client's word.
            on_trust.push("vacant_key");
        }
        Ok(JudgedEvidence {
            passed: own && card.verify(),
            on_trust,
            outcome: Outcome::judged_card(&card, own && card.verify())
                .of_case(shown.correlation_id.as_deref()),
            verdict_member: ("verdict", Value::from("not_cleared")),
            path: None,
        })
    })
    .await
}

/// Enrols a worker, and answers the receipt.
#[utoipa::path(post, path = "/v1/enrolments", tag = "verdicts",
    request_body = super::hall::enrol::NewWorker,
    responses((status = 201, description = "It is enrolled and recorded", body = Enrolled)))]
pub(super) async fn enrol_worker(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let (enrolment, _, receipt) = enrol::take_in(service, &actor, body)?;
        Ok(Enrolled {
            enrolment,
            receipt: ReceiptText::new(&receipt, service.identity),
        })
    };
    let enrolled = take_up(service, request, work).await?;
    Ok((StatusCode::CREATED, Json(enrolled)).into_response())
}

/// That a worker is enrolled, and where it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Enrolled {
    enrolment: enrol::EnrolledText,
    receipt: ReceiptText,
}

struct JudgedEvidence {
    passed: bool,
    on_trust: Vec<&'static str>,
    outcome: Outcome,
    /// The member that holds the verdict, and what it says of what passed and
    /// is not cleared.
    verdict_member: (&'static str, Value),
    path: Option<String>,
}

/// Reads the evidence, judges it, records the outcome, and only then answers.
async fn judge<B: DeserializeOwned + 'static>(
    service: Arc<Service>,
    actor: Actor,
    request: Request,
    judge: impl FnOnce(&Service, B) -> Result<JudgedEvidence, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let judged = judge(service, shape::read(&parse(body)?, "")?)?;
        let verdict = match (judged.passed, judged.on_trust.is_empty()) {
            (false, _) => "denied",
            (true, true) => "cleared",
            (true, false) => "not_cleared",
        };
        let mut outcome = judged.outcome;
        if verdict == "not_cleared" {
            let (member, value) = judged.verdict_member;
            outcome = outcome.with(member, value);
        }
        if let Some(path) = judged.path {
            outcome = outcome.with("path", path);
        }
        let trusted = service.verdict_keys.trusted.iter();
        let trusted = trusted.map(|key| Value::from(key.to_string()));
        let on_trust = judged.on_trust.iter().map(|name| Value::from(*name));
        let outcome = outcome
            .with("trusted_keys", trusted.collect::<Vec<_>>())
            .with("on_trust", on_trust.collect::<Vec<_>>());
        let receipt = service
            .recorder
            .record(&outcome.clone().by(actor.to_value()))?;
        Ok(Verdict {
            verdict,
            on_trust: judged.on_trust,
            outcome: outcome.payload().clone(),
            receipt: ReceiptText::new(&receipt, service.identity),
        })
    };
    let verdict = take_up(service, request, work).await?;
    Ok((StatusCode::CREATED, Json(verdict)).into_response())
}
