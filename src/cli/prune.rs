//! `sealbook prune`: sealed epochs that the bucket has leave this machine.

use std::path::PathBuf;
use std::time::Duration;

use crate::api::{Archiver, Options, PrunePlan, Pruning, Stays, prune};
use crate::ledger::time::Timestamp;
use crate::ledger::witness_policy::{self, MAX_BYTES, WitnessPolicy};

use super::Answer;
use super::context::Context;
use super::document::{in_file, read};
use super::error::{CliError, LogError};
use super::output::Output;
use super::progress::Progress;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Epochs stay that were sealed within this time: 90m, 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = duration)]
    keep_local: Duration,
    /// Only what a quorum of these witnesses cosigned goes: a file of c2sp.org/tlog-policy
    #[arg(long, value_name = "FILE", required_unless_present = "no_witness")]
    witness_policy: Option<PathBuf>,
    /// Prune what no witness cosigned; `verify` says so
    #[arg(long, conflicts_with = "witness_policy")]
    no_witness: bool,
    /// Prune, and not only say what would go
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    context.check_files()?;
    let options = context.options();
    let witnesses = args.witness_policy.as_deref().map(policy).transpose()?;
    let what = pruning(&options, args.keep_local, witnesses);
    let mut progress = Progress::new(None, "epochs");
    let plan = prune(&context.ledger, &options, &what, args.yes, &mut |done| {
        progress.at(done);
    });
    progress.finish();
    let plan = plan?;
    match output.is_json() {
        true => output.document(&plan)?,
        false => print(&plan, args, output)?,
    }
    Ok(Answer::Yes)
}

/// What may go by now.
pub(super) fn pruning(
    options: &Options,
    keep: Duration,
    witnesses: Option<WitnessPolicy>,
) -> Pruning {
    let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    Pruning {
        sealed_before: before(options.now(), keep),
        witnesses,
    }
}

fn before(now: Timestamp, keep: i64) -> Timestamp {
    now.saturating_add_micros(keep.saturating_neg())
}

/// Reads a policy of witnesses.
pub(super) fn policy(path: &std::path::Path) -> Result<WitnessPolicy, CliError> {
    let policy = witness_policy::parse(&read(path, MAX_BYTES)?);
    policy.map_err(|error| in_file(path)(LogError::from(error)))
}

/// A number, and `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number and s, m, h or d, such as 30d".to_owned();
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * unit))
}

fn print(plan: &PrunePlan, args: &Args, output: &mut Output) -> Result<(), CliError> {
    let [from, to] = plan.epochs;
    let (go, done) = match args.yes {
        true => ("went", "read back from the bucket, verified and pruned"),
        false => ("would go", "`--yes` prunes them"),
    };
    match to.saturating_sub(from) {
        0 => output.line("no epoch goes")?,
        1 => output.line(&format!(
            "epoch {from} {go}, {} entries: {done}",
            plan.entries
        ))?,
        _ => output.line(&format!(
            "epochs {from} to {} {go}, {} entries: {done}",
            to.saturating_sub(1),
            plan.entries
        ))?,
    }
    if plan.already > 0 {
        output.line(&format!("{} epochs went before", plan.already))?;
    }
    if plan.kept > 0 {
        output.line(&format!(
            "{} of their entries stay: what the ledger says of itself, and documents that \
             later entries refer to",
            plan.kept
        ))?;
    }
    output.line(match plan.next_stays {
        Stays::LastSealed => "the next epoch stays: it is the last one",
        Stays::Recent => "the next epoch stays: it was sealed too lately",
        Stays::NotArchived => "the next epoch stays: the bucket does not have it",
        Stays::NotWitnessed => "the next epoch stays: no quorum of witnesses cosigned it",
    })
}

/// What `serve` prunes behind its work.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Behind {
    /// Prune epochs that were sealed before this time and that the bucket has: 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    keep_local: Option<Duration>,
    /// Prune what no witness of --witness-policy cosigned, too; `verify` says so
    #[arg(long, requires = "keep_local")]
    no_witness: bool,
}

impl Behind {
    /// What to prune behind the work, if that is asked for.
    pub(super) fn read(
        &self,
        context: &Context,
        policy_file: Option<&std::path::Path>,
    ) -> Result<Option<Pruner>, CliError> {
        let Some(keep) = self.keep_local else {
            return Ok(None);
        };
        if context.bucket.address().is_none() {
            return Err(CliError::usage("--keep-local needs --bucket URL"));
        }
        let witnesses = match policy_file.filter(|_| !self.no_witness) {
            Some(path) => Some(policy(path)?),
            None if self.no_witness => None,
            None => {
                return Err(CliError::usage(
                    "--keep-local needs --witness-policy FILE, or --no-witness",
                ));
            }
        };
        Ok(Some(Pruner {
            options: context.options(),
            keep,
            witnesses,
        }))
    }
}

/// What is pruned behind a server's work, and when.
pub(super) struct Pruner {
    options: Options,
    keep: Duration,
    witnesses: Option<WitnessPolicy>,
}

impl Pruner {
    /// How long to wait for the next look: each one that finds something reads what stays.
    pub(super) fn every(&self) -> Duration {
        (self.keep / 30).clamp(Duration::from_secs(1), Duration::from_secs(86_400))
    }

    /// Prunes what may go by now.
    pub(super) fn prune(&self, archiver: &Archiver) {
        let what = pruning(&self.options, self.keep, self.witnesses.clone());
        match archiver.prune(&what) {
            Ok(plan) if plan.entries > 0 => {
                let [from, to] = plan.epochs;
                tracing::info!(from, to, "sealed epochs were pruned: the bucket has them");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "sealed epochs are not pruned yet"),
        }
    }
}
