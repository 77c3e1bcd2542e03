//! `sealbook audit`: the whole ledger verified, and an auditor's signature on that.

use std::path::PathBuf;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, OutputKind, Target};
use super::trust::TrustArgs;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The auditor's private key, which signs that the ledger and its index were verified
    #[arg(long, value_name = "FILE")]
    sign: PathBuf,
    /// Where the statement is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let policy = args.trust.policy()?;
    let ledger = context.reader(output)?;
    let audited = match ledger.audit(&policy)? {
        Ok(audited) => audited,
        Err(report) => {
            for fault in &report.faults {
                output.warning(&fault.detail);
            }
            return Ok(Answer::No);
        }
    };
    let signer = context.open_key(&args.sign)?;
    let (epoch, seq, log) = (audited.epoch, audited.seq, audited.log);
    let signed = audited.sign(&signer).map_err(crate::api::Error::from)?;
    if args.output.as_os_str() == "-" {
        output.bytes(&signed.to_file())?;
        return Ok(Answer::Yes);
    }
    let target = Target {
        path: &args.output,
        kind: OutputKind::Audit,
        log: Some(log),
        force: args.force,
    };
    target.write_bytes(context, &signed.to_file())?;
    output.note(&format!(
        "{} says that the log and its index up to entry {seq} (epoch {epoch}) were verified",
        args.output.display()
    ));
    Ok(Answer::Yes)
}
