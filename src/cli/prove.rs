//! `sealbook prove`: the inclusion proof of one entry.

use std::path::PathBuf;

use crate::evidence::prove;
use crate::ledger::position::Seq;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The entry's sequence number
    seq: u64,
    /// Where the proof is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let proof = prove(&context.reader(output)?.store, Seq(args.seq))?;
    let bytes = proof.to_bytes();
    if args.output.as_os_str() == "-" {
        output.bytes(&bytes)?;
    } else {
        std::fs::write(&args.output, bytes).map_err(|error| CliError::file(&args.output, error))?;
        let epoch = proof.epoch.content.epoch;
        let file = args.output.display();
        output.note(&format!(
            "proof that entry {} is in epoch {epoch} in {file}",
            args.seq
        ));
    }
    Ok(Answer::Yes)
}
