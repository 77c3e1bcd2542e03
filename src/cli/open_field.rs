//! `sealbook open-field`: what was withheld, opened for one who has the rest.

use std::path::PathBuf;

use crate::api::{Error, Export, ExportFormat, MemberState, Unsealed};
use crate::evidence::openings::Openings;
use crate::ledger::position::Seq;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::version::Version;
use crate::store::query::Filter;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, OutputKind, Target};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The entry's sequence number
    #[arg(value_name = "SEQ")]
    entry: u64,
    /// Which member (may be given several times)
    #[arg(long, value_name = "POINTER", required = true)]
    pointer: Vec<Pointer>,
    /// Where the entry is written, with what opens the member and nothing else
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    context.check_files()?;
    let ledger = context.reader(output)?;
    let seq = Seq(args.entry);
    let members = ledger.redacted(seq)?;
    for pointer in &args.pointer {
        let kept = |it: &&_| matches!(it, MemberState::Kept(_));
        let member = members.iter().find(|it| it.pointer == *pointer);
        if member.map(|it| &it.state).filter(kept).is_none() {
            let pointer = pointer.clone();
            return Err(Error::NotErasable { seq, pointer }.into());
        }
    }
    let target = Target {
        path: &args.output,
        kind: OutputKind::Bundle,
        log: Some(ledger.key()),
        force: args.force,
    };
    target.check(context)?;
    let filter = Filter {
        from_seq: Some(seq),
        until_seq: Some(seq),
        ..Filter::default()
    };
    target.write(context, |out| {
        let export = Export {
            filter: &filter,
            format: ExportFormat::Bundle,
            version: Version::Two,
            openings: Openings::Only(args.pointer.clone()),
            unsealed: Unsealed::Refused,
            no_sign: false,
            progress: &mut |_| (),
        };
        Ok(ledger.export(export, out)?.entries)
    })?;
    output.note(&format!(
        "{} members of entry {seq} are opened by {}: `sealbook verify` proves them",
        args.pointer.len(),
        args.output.display()
    ));
    Ok(Answer::Yes)
}
