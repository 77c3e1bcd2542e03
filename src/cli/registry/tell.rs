//! What the registry is told, by those who have a token.

use std::path::PathBuf;

use serde_json::json;

use crate::attestation::canonical_package_hash;
use crate::attestation::registry_client::{PackageSubmission, RegistryClient};
use crate::cli::Answer;
use crate::cli::document::in_file;
use crate::cli::error::{CliError, ProducerError};
use crate::cli::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// The hash
    #[arg(value_name = "SHA256")]
    hash: String,
    /// Why nobody should run it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Where evidence is to be seen
    #[arg(long, value_name = "URL")]
    evidence_url: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Attest {
    /// The worker
    #[arg(value_name = "WORKER_ID")]
    worker: String,
    /// The package's folder, which is hashed
    #[arg(long, value_name = "DIR", required_unless_present = "hash")]
    package: Option<PathBuf>,
    /// The package's hash
    #[arg(long, value_name = "SHA256", conflicts_with = "package")]
    hash: Option<String>,
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// A model wrote it
    #[arg(long)]
    ai_generated: bool,
    /// Whose model
    #[arg(long, value_name = "NAME", requires = "ai_generated")]
    ai_service: Option<String>,
    /// Which model
    #[arg(long, value_name = "NAME", requires = "ai_generated")]
    ai_model: Option<String>,
    /// In which session
    #[arg(long, value_name = "ID", requires = "ai_generated")]
    ai_session_id: Option<String>,
}

pub(super) fn report(
    client: &RegistryClient,
    args: &Report,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let reported = client.report_hash(&args.hash, &args.reason, args.evidence_url.as_deref());
    reported.map_err(ProducerError::from)?;
    if output.is_json() {
        output.document(&json!({
            "reported": true,
            "sha256": args.hash.as_str(),
        }))?;
    } else {
        output.line(&format!("reported for review: {}", args.hash))?;
    }
    Ok(Answer::Yes)
}

pub(super) fn attest(
    client: &RegistryClient,
    args: &Attest,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let hash = match (&args.hash, &args.package) {
        (None, Some(dir)) => {
            let hash = canonical_package_hash(dir);
            let hash = hash.map_err(|error| in_file(dir)(ProducerError::from(error)))?;
            hash.canonical.to_string()
        }
        (hash, _) => hash.clone().unwrap_or_default(),
    };
    let submission = PackageSubmission {
        worker_id: &args.worker,
        package_hash: &hash,
        label: args.label.as_deref(),
        ai_generated: args.ai_generated,
        ai_service: args.ai_service.as_deref(),
        ai_model: args.ai_model.as_deref(),
        ai_session_id: args.ai_session_id.as_deref(),
    };
    let receipt = client.submit_attestation(&submission, None);
    let receipt = receipt.map_err(ProducerError::from)?;
    if output.is_json() {
        output.document(&json!({
            "id": receipt.id.as_str(),
            "worker_id": receipt.worker_id.as_str(),
            "sha256": receipt.sha256.to_string(),
        }))?;
    } else {
        output.line(&format!("attested as {}: {}", receipt.id, receipt.sha256))?;
    }
    Ok(Answer::Yes)
}
