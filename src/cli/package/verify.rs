//! `sealbook package verify`: whether a package is what was attested.

#[cfg(feature = "rocks")]
use std::path::Path;
use std::path::PathBuf;

#[cfg(feature = "rocks")]
use crate::api::held::Held;
use crate::attestation::{Attestation, BanList, PackageAttestationVerifier};
#[cfg(feature = "rocks")]
use crate::attestation::{DenyCode, canonical_package_hash};
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::document::{in_file, read};
use crate::cli::error::{CliError, ProducerError};
use crate::cli::key::{key_list, parse_key};
use crate::cli::output::Output;
use crate::cli::recording::{self, Recording};
#[cfg(feature = "client")]
use crate::cli::registry;
#[cfg(feature = "rocks")]
use crate::cli::shown;
#[cfg(feature = "rocks")]
use crate::files::OpenFile;
#[cfg(feature = "rocks")]
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::record::Outcome;

use super::hmac_key;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The package's folder
    dir: PathBuf,
    /// The worker that it must be
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    worker_id: String,
    /// The species that it must be of
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    worker_species_id: String,
    /// The manifest [default: DIR/manifest.json]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Banned hashes: JSON as the registry lists them, or one a line
    #[arg(long, value_name = "FILE")]
    banned: Option<PathBuf>,
    /// Deny a package with files that no hash covers; always with --record
    #[arg(long)]
    strict: bool,
    /// Record a package as attested although no hash covers some of its files
    #[arg(long, requires = "record", conflicts_with = "strict")]
    allow_unattested: bool,
    /// Deny a manifest without the Ed25519 signature of a trusted key
    #[arg(long)]
    require_ed25519: bool,
    /// A trusted key: 64 hex digits or a PEM file (may be given several times); it
    /// must have signed the manifest
    #[arg(long, value_name = "KEY")]
    trusted_key: Vec<String>,
    /// Ask this registry for banned hashes [default: PYHALL_REGISTRY_URL, if it
    /// is set and no --banned is given]
    #[cfg(feature = "client")]
    #[arg(long, value_name = "URL", conflicts_with = "banned")]
    registry: Option<String>,
    /// The case that it belongs to
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    #[command(flatten)]
    recording: recording::Args,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let keys: Result<Vec<PublicKey>, _> = args.trusted_key.iter().map(|k| parse_key(k)).collect();
    let keys = keys?;
    let (banned, whole) = banned(args)?;
    let recording = Recording::open(context, &args.recording)?;
    let secret = hmac_key();
    let manifest = args.manifest.clone();
    let manifest = manifest.unwrap_or_else(|| args.dir.join("manifest.json"));
    let (worker, species) = (&args.worker_id, &args.worker_species_id);
    #[cfg(feature = "rocks")]
    if let Some(server) = recording.judge() {
        let hmac_valid = secret.as_ref().map(|secret| {
            let verifier = PackageAttestationVerifier::new(&args.dir, &manifest, worker, species);
            let outcome = verifier
                .hmac_key(Some(secret))
                .verify(context.clock().wall());
            let code = outcome.denial.map(|denial| denial.code());
            code != Some(DenyCode::SigInvalid)
        });
        return show(server, args, &manifest, hmac_valid, output);
    }
    // What is recorded leaves no file out.
    let strict = args.strict || recording.records() && !args.allow_unattested;
    let mut verifier = PackageAttestationVerifier::new(&args.dir, manifest, worker, species)
        .hmac_key(secret.as_ref())
        .trusted_keys(&keys)
        .require_ed25519(args.require_ed25519)
        .strict(strict);
    if let Some(banned) = &banned {
        verifier = verifier.ban_list(banned);
    }
    let outcome = verifier.verify(context.clock().wall());
    if outcome.ok() && !whole {
        // What was held back may ban it.
        return Err(ProducerError::BanListCut.into());
    }
    let of = || {
        let mode = if strict { "strict" } else { "usual" };
        Outcome::attestation(&outcome)
            .of_case(args.correlation_id.as_deref())
            .with("path", args.dir.to_string_lossy().into_owned())
            .with("mode", mode)
            .with("trusted_keys", key_list(&keys))
    };
    recording.record(of, output)?;
    if output.is_json() {
        output.document(&outcome.to_value())?;
    } else {
        print(&outcome, output)?;
    }
    Ok(match outcome.ok() {
        true => Answer::Yes,
        false => Answer::No,
    })
}

#[cfg(feature = "rocks")]
/// Has a server judge it, by its own keys and bans.
fn show(
    server: &Held,
    args: &Args,
    manifest: &Path,
    hmac_valid: Option<bool>,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let package = canonical_package_hash(&args.dir).ok();
    let own = OpenFile::at(manifest)
        .ok()
        .map(|file| file.state().identity);
    let unattested = package.iter().flat_map(|package| &package.excluded);
    let unattested = unattested
        .filter(|found| Some(found.state.identity) != own)
        .map(|found| Value::from(found.path.as_str()))
        .collect();
    let paths = package.iter().flat_map(|package| package.sizes.keys());
    let members = [
        ("worker_id", Value::from(args.worker_id.as_str())),
        (
            "worker_species_id",
            Value::from(args.worker_species_id.as_str()),
        ),
        (
            "manifest",
            Value::from(shown::text(manifest)?.unwrap_or_default()),
        ),
        ("files", shown::files(&args.dir, paths.map(String::as_str))?),
        ("unattested", Value::Array(unattested)),
        ("allow_unattested", Value::from(args.allow_unattested)),
        ("require_ed25519", Value::from(args.require_ed25519)),
        ("hmac_valid", Value::from(hmac_valid)),
        (
            "correlation_id",
            Value::from(args.correlation_id.as_deref()),
        ),
        ("path", Value::from(&*args.dir.to_string_lossy())),
    ];
    let evidence: Object = members.into_iter().collect();
    shown::judge(server, "/v1/attestations", evidence, output)
}

/// The list that is consulted, and whether it is all there is.
fn banned(args: &Args) -> Result<(Option<BanList>, bool), CliError> {
    if let Some(path) = &args.banned {
        let list = BanList::parse(&read(path, limits::LINE_BYTES)?);
        let list = list.map_err(|error| in_file(path)(ProducerError::from(error)))?;
        return Ok((Some(list), true));
    }
    #[cfg(feature = "client")]
    if let Some(url) = registry::url(args.registry.as_deref()) {
        let (list, whole) = registry::ban_list(&url)?;
        return Ok((Some(list), whole));
    }
    Ok((None, true))
}

fn print(outcome: &Attestation, output: &mut Output) -> Result<(), CliError> {
    let meta = &outcome.meta;
    match &outcome.denial {
        None => {
            let statement = meta.trust_statement.as_deref().unwrap_or_default();
            output.verdict(true, statement)?;
        }
        Some(denial) => {
            output.verdict(false, &format!("{}: {denial}", denial.code()))?;
            output.line(&format!("reason    {}", denial.reason()))?;
        }
    }
    if let Some(signed) = &meta.ed25519 {
        let word = if signed.trusted {
            "trusted"
        } else {
            "not trusted"
        };
        output.line(&format!("ed25519   {} ({word})", signed.fingerprint))?;
    }
    for path in &meta.unattested.listed {
        output.line(&format!("not attested: {path}"))?;
    }
    for member in &meta.unsigned {
        output.line(&format!("not signed: {member}"))?;
    }
    for warning in &meta.warnings {
        output.line(&format!("warning  {warning}"))?;
    }
    output.line(&format!("took     {} ms", meta.elapsed_ms))
}
