//! `sealbook prove`: the inclusion proof of one entry.

use std::path::PathBuf;

use crate::ledger::position::Seq;
use crate::ledger::proof::InclusionProof;
use crate::logbook::error::ServerRefusal;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, Kind, Target};
use super::trust::FormatVersion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The entry's sequence number
    seq: u64,
    /// Where the proof is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The version that it is written in
    #[arg(long, value_enum, default_value = "2", value_name = "VERSION")]
    format_version: FormatVersion,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let mut proof = match context.held()? {
        Some(held) => InclusionProof::from_bytes(&held.proof(Seq(args.seq))?).map_err(|error| {
            ServerRefusal {
                code: "server_unsupported",
                detail: format!("the proof that the server gave: {error}"),
            }
        })?,
        None => context.reader(output)?.prove(Seq(args.seq))?,
    };
    if args.format_version == FormatVersion::One {
        proof.opening = None;
    }
    let bytes = proof.to_bytes();
    if args.output.as_os_str() == "-" {
        output.bytes(&bytes)?;
    } else {
        let target = Target {
            path: &args.output,
            kind: Kind::Proof,
            log: Some(proof.epoch.content.log),
            force: args.force,
        };
        target.write_bytes(context, &bytes)?;
        let epoch = proof.epoch.content.epoch;
        let file = args.output.display();
        output.note(&format!(
            "proof that entry {} is in epoch {epoch} in {file}",
            args.seq
        ));
    }
    Ok(Answer::Yes)
}
