//! `sealbook package sign`: hashes a package and writes its manifest.

use std::path::PathBuf;

use serde_json::json;

use crate::attestation::{BuildSource, ManifestRequest, build_manifest, write_manifest};
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::error::{CliError, ProducerError};
use crate::cli::output::Output;
use crate::ledger::key::Signer;

use super::hmac_key;
use crate::cli::spared::spare;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The package's folder
    dir: PathBuf,
    /// The worker: org.<name>… or x.<name>…
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    worker_id: String,
    /// Its species, such as wrk.doc.summarizer
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    worker_species_id: String,
    /// Its version
    #[arg(long, value_name = "VERSION", default_value = "0.1.0")]
    worker_version: String,
    /// Where it was built: local, ci or agent
    #[arg(long, value_name = "SOURCE", default_value = "local", value_parser = parse_source)]
    build_source: BuildSource,
    /// Where the manifest is written [default: DIR/manifest.json]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// A private Ed25519 key (PEM) to sign with beside the HMAC
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let secret = hmac_key().ok_or(ProducerError::NoHmacKey)?;
    let signer = args
        .key
        .as_deref()
        .map(|key| context.open_key(key))
        .transpose()?;
    let signer = signer.as_ref().map(|signer| signer as &dyn Signer);
    let request = ManifestRequest {
        worker_id: &args.worker_id,
        worker_species_id: &args.worker_species_id,
        worker_version: &args.worker_version,
        build_source: args.build_source,
    };
    let now = context.clock().wall();
    let manifest = build_manifest(&args.dir, &request, &secret, signer, now);
    let manifest = manifest.map_err(ProducerError::from)?;
    let default = args.dir.join("manifest.json");
    let path = args.manifest.as_ref().unwrap_or(&default);
    spare(context, path)?;
    write_manifest(&manifest, path).map_err(|error| CliError::file(path, error))?;
    let text = |name| manifest.text(name).unwrap_or_default().to_owned();
    if output.is_json() {
        let fingerprint = signer.map(|signer| signer.public_key().fingerprint());
        output.document(&json!({
            "manifest": path.to_string_lossy().into_owned(),
            "package_hash": text("package_hash"),
            "trust_statement": text("trust_statement"),
            "ed25519_fingerprint": fingerprint,
        }))?;
    } else {
        output.line(&text("trust_statement"))?;
    }
    Ok(Answer::Yes)
}

fn parse_source(name: &str) -> Result<BuildSource, String> {
    let expected = "one of local, ci, agent is needed";
    BuildSource::parse(name).ok_or_else(|| expected.to_owned())
}
