//! `sealbook prove`: the inclusion proof of one entry.

use std::path::{Path, PathBuf};

use crate::api::{Error, PublicPlace};
use crate::evidence::EvidenceError;
use crate::ledger::position::Seq;
use crate::ledger::proof::InclusionProof;
use crate::logbook::error::ServerRefusal;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, OutputKind, Target};
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
    /// The proof under the checkpoint that is published in this folder or bucket, as the
    /// clients of transparency logs read it
    #[arg(long, value_name = "PLACE", conflicts_with = "format_version")]
    tlog: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(folder) = &args.tlog {
        return published(context, folder, args, output);
    }
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
        if proof.epoch.content.index.is_some() {
            return Err(Error::from(EvidenceError::NeedsVersionTwo).into());
        }
        proof.opening = None;
    }
    let bytes = proof.to_bytes();
    if args.output.as_os_str() == "-" {
        output.bytes(&bytes)?;
    } else {
        let target = Target {
            path: &args.output,
            kind: OutputKind::Proof,
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

fn published(
    context: &Context,
    folder: &Path,
    args: &Args,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let place = PublicPlace::named(folder)?;
    let log = place.files(Some(&ledger.identity().genesis))?;
    let proof = ledger.prove_published(Seq(args.seq), &log, &place.to_string())?;
    let text = proof.to_string();
    if args.output.as_os_str() == "-" {
        output.bytes(text.as_bytes())?;
        return Ok(Answer::Yes);
    }
    let target = Target {
        path: &args.output,
        kind: OutputKind::TlogProof,
        log: Some(ledger.key()),
        force: args.force,
    };
    target.write_bytes(context, text.as_bytes())?;
    let size = proof.checkpoint.content().size;
    let file = args.output.display();
    let seq = args.seq;
    output.note(&format!(
        "proof that entry {seq} is in the public log of {size} entries in {file}"
    ));
    Ok(Answer::Yes)
}
