//! What can be asked of the registry without a token.

use serde_json::json;

use crate::attestation::registry_client::{BAN_LIST_LIMIT, RegistryClient, WorkerStatus};
use crate::cli::Answer;
use crate::cli::error::{CliError, ProducerError};
use crate::cli::output::Output;
use crate::ledger::json::Value;

#[derive(Debug, clap::Args)]
pub(super) struct PackageVerify {
    /// The workers
    #[arg(value_name = "WORKER_ID", required = true)]
    workers: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct BannedArgs {
    /// Only whether this hash is banned (exit status 1: it is)
    #[arg(long, value_name = "SHA256")]
    hash: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = BAN_LIST_LIMIT, conflicts_with = "hash")]
    limit: usize,
}

pub(super) fn verify(
    client: &RegistryClient,
    args: &PackageVerify,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut answer = Answer::Yes;
    for worker in &args.workers {
        let response = client.verify(worker).map_err(ProducerError::from)?;
        let good = response.status == WorkerStatus::Active && !response.banned;
        if !good {
            answer = Answer::No;
        }
        if output.is_json() {
            output.document(&response.to_value())?;
            continue;
        }
        output.verdict(good, &format!("{worker}: {}", response.status.as_str()))?;
        let hash = response.current_hash.map(|hash| hash.to_string());
        for (name, value) in [
            ("hash", hash),
            ("attested", response.attested_at),
            ("banned", response.ban_reason),
            ("model", response.ai_model.filter(|_| response.ai_generated)),
        ] {
            if let Some(value) = value {
                output.line(&format!("      {name:<10}{value}"))?;
            }
        }
    }
    Ok(answer)
}

pub(super) fn banned(
    client: &RegistryClient,
    args: &BannedArgs,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let Some(hash) = &args.hash else {
        return list(client, args.limit, output);
    };
    let banned = client.is_hash_banned(hash).map_err(ProducerError::from)?;
    if output.is_json() {
        output.document(&json!({
            "sha256": hash.as_str(),
            "banned": banned,
        }))?;
    } else {
        let word = if banned { "banned" } else { "not banned" };
        output.verdict(!banned, &format!("{hash}: {word}"))?;
    }
    Ok(match banned {
        true => Answer::No,
        false => Answer::Yes,
    })
}

fn list(client: &RegistryClient, limit: usize, output: &mut Output) -> Result<Answer, CliError> {
    let entries = client.get_ban_list(limit).map_err(ProducerError::from)?;
    if entries.len() >= limit {
        output.warning(&format!("there may be more than {limit}"));
    }
    if output.is_json() {
        let values = entries.iter().map(|entry| entry.to_value());
        output.document(&Value::Array(values.collect()))?;
        return Ok(Answer::Yes);
    }
    let rows = entries.into_iter().map(|entry| {
        let reported = entry.reported_at.unwrap_or_default();
        vec![entry.sha256.to_string(), reported, entry.reason]
    });
    output.table(&["sha256", "reported", "reason"], rows.collect())?;
    Ok(Answer::Yes)
}

pub(super) fn health(client: &RegistryClient, output: &mut Output) -> Result<Answer, CliError> {
    let health = client.health().map_err(ProducerError::from)?;
    if output.is_json() {
        output.document(&json!({
            "ok": health.ok,
            "version": health.version.as_str(),
        }))?;
    } else {
        output.verdict(health.ok, &format!("registry {}", health.version))?;
    }
    Ok(match health.ok {
        true => Answer::Yes,
        false => Answer::No,
    })
}
