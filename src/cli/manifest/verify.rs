//! `sealbook manifest verify`: whether the artifacts are what a trusted key
//! signed.

use std::path::{Path, PathBuf};

#[cfg(feature = "rocks")]
use crate::api::held::Held;
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::key::{key_list, parse_key};
use crate::cli::output::Output;
use crate::cli::recording::{self, Recording};
#[cfg(feature = "rocks")]
use crate::cli::shown;
use crate::cli::target::folder_of;
use crate::files::Disk;
#[cfg(feature = "rocks")]
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::manifest::{self, FolderVerifier, JsonLinesTiles, ManifestVerifier, VerificationResult};
use crate::record::Outcome;

use super::manifest_path;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The manifest, or its folder
    path: PathBuf,
    /// A trusted key: 64 hex digits or a PEM file (may be given several times)
    #[arg(long, value_name = "KEY")]
    trusted_key: Vec<String>,
    /// Derive the tiles' digest again from JSON Lines of {"tile_id", "sha256"}
    /// [default: what the manifest records stands]
    #[arg(long, value_name = "FILE")]
    tiles: Option<PathBuf>,
    /// The case that it belongs to
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    #[command(flatten)]
    recording: recording::Args,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let keys: Result<Vec<PublicKey>, _> = args.trusted_key.iter().map(|k| parse_key(k)).collect();
    let keys = keys?;
    let recording = Recording::open(context, &args.recording)?;
    let tiles = args.tiles.as_ref().map(JsonLinesTiles::new);
    let verifier = match &tiles {
        Some(tiles) => FolderVerifier::operator(&Disk, tiles),
        None => FolderVerifier::airborne(&Disk),
    };
    let path = manifest_path(&args.path);
    let result = verifier.verify_manifest(&path, &keys);
    #[cfg(feature = "rocks")]
    if let Some(server) = recording.judge() {
        return show(server, args, &path, &result, output);
    }
    let of = || {
        let mode = if tiles.is_some() {
            "operator"
        } else {
            "airborne"
        };
        Outcome::manifest(&result)
            .of_case(args.correlation_id.as_deref())
            .with("path", path.to_string_lossy().into_owned())
            .with("mode", mode)
            .with("trusted_keys", key_list(&keys))
    };
    recording.record(of, output)?;
    if output.is_json() {
        output.document(&result.to_value())?;
    } else {
        print(&result, output)?;
    }
    say_not_listed(&path, &result, output);
    Ok(match result.outcome() {
        manifest::ManifestOutcome::Pass => Answer::Yes,
        manifest::ManifestOutcome::Fail => Answer::No,
    })
}

#[cfg(feature = "rocks")]
/// Has a server judge it, by its own keys.
fn show(
    server: &Held,
    args: &Args,
    path: &Path,
    result: &VerificationResult,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        shown::text(Path::new(&name))
    };
    let folder = folder_of(path);
    let checks = result.per_artifact_checks.iter();
    let artifacts = checks.map(|check| check.relative_path.as_str());
    let tiles = args.tiles.as_deref().map(shown::text).transpose()?;
    let members = [
        ("manifest", Value::from(shown::text(path)?)),
        ("sidecar", Value::from(beside(".sha256")?)),
        ("signature", Value::from(beside(".sig")?)),
        ("artifacts", shown::files(folder, artifacts)?),
        ("tiles", Value::from(tiles.flatten())),
        (
            "correlation_id",
            Value::from(args.correlation_id.as_deref()),
        ),
        ("path", Value::from(&*path.to_string_lossy())),
    ];
    let evidence: Object = members.into_iter().collect();
    shown::judge(server, "/v1/manifests", evidence, output)
}

/// Files that are named when there are many.
const NAMED: usize = 20;

/// Nothing vouches for a file that is not listed. Where the key is not trusted the
/// folder is not looked at.
fn say_not_listed(path: &Path, result: &VerificationResult, output: &mut Output) {
    let checks = &result.per_artifact_checks;
    let passed = result.outcome() == manifest::ManifestOutcome::Pass;
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return;
    };
    if checks.is_empty() && !passed {
        return;
    }
    let folder = folder_of(path);
    let listed = checks
        .iter()
        .map(|check| check.relative_path.as_str())
        .collect();
    match manifest::not_listed(folder, name, &listed) {
        Ok(others) if others.is_empty() => {}
        Ok(others) => {
            let shown = others
                .iter()
                .take(NAMED)
                .map(String::as_str)
                .collect::<Vec<_>>();
            let more = match others.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            output.warning(&format!(
                "the manifest does not list {} files of the folder: {}{more}",
                others.len(),
                shown.join(", ")
            ));
        }
        Err(error) => output.warning(&format!(
            "whether the folder holds files that the manifest does not list is not known: {error}"
        )),
    }
}

fn print(result: &VerificationResult, output: &mut Output) -> Result<(), CliError> {
    let checks = &result.per_artifact_checks;
    let matched = checks.iter().filter(|check| check.matched).count();
    let passed = result.outcome() == manifest::ManifestOutcome::Pass;
    output.verdict(
        passed,
        &format!("{matched} of {} artifacts match", checks.len()),
    )?;
    if let Some(fingerprint) = &result.signing_public_key_fingerprint {
        output.line(&format!("key      {fingerprint}"))?;
    }
    for (reason, detail) in result.fail_reasons.iter().zip(&result.fail_details) {
        output.line(&format!("fault    {}: {detail}", reason.as_str()))?;
    }
    for check in checks.iter().filter(|check| !check.matched) {
        let actual = check.actual_sha256.map(|digest| digest.to_string());
        output.line(&format!("artifact {}", check.relative_path))?;
        output.line(&format!("           expected {}", check.expected_sha256))?;
        let actual = actual.as_deref().unwrap_or("none");
        output.line(&format!("           actual   {actual}"))?;
    }
    output.line(&format!("took     {} ms", result.elapsed_ms))
}
