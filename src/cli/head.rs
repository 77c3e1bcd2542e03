//! `sealbook head`: a signed statement of the last entry.
//!
//! After an orderly close the mark is that statement already, and the private
//! key is not needed.

use std::path::PathBuf;

use crate::ledger::head::{Head, LastEpoch, SignedHead, Standing};
use crate::ledger::json::Form;
use crate::ledger::statement::Statement;
use crate::ledger::time::Timestamp;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishFile;
use crate::logbook::reading::Reader;
use crate::logbook::{epoch_at, extent_of, identity_of, judge_mark};
use crate::store::Store as _;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::seal::published_note;
use super::trust::FormatVersion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write it into a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The version that it is written in; 2 names the last sealed header, too, and needs the key
    #[arg(long, value_enum, default_value = "1", value_name = "VERSION")]
    format_version: FormatVersion,
    /// Append it to a file, after the sealed headers that are not there yet
    #[arg(long, value_name = "FILE")]
    publish: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let reader = context.reader(output)?;
    let mut head = signed_head(context, &reader)?;
    if args.format_version == FormatVersion::Two {
        head = standing(context, &reader, head.content)?;
    }
    if let Some(path) = &args.publish {
        let store = &reader.store;
        let mut file = PublishFile::open(path, store, identity_of(store)?)?;
        let added = file.publish(store, Some(&head))?;
        output.note(&published_note(added, path));
    }
    let mut text = head.to_value().canonical(Form::Utf8);
    text.push('\n');
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| CliError::file(path, error))?;
            output.note(&format!(
                "entry {} as head in {}",
                head.content.seq,
                path.display()
            ));
        }
        None => output.bytes(text.as_bytes())?,
    }
    Ok(Answer::Yes)
}

/// The head of a ledger that agrees with its mark.
pub(super) fn signed_head(context: &Context, reader: &Reader) -> Result<SignedHead, CliError> {
    let store = &reader.store;
    let extent = extent_of(store)?;
    let mark = judge_mark(store, &reader.mark, &extent)?.map_err(mark_error)?;
    if mark.head.content.seq == extent.last_seq {
        return Ok(mark.head);
    }
    let last = crate::logbook::entry_at(store, extent.last_seq)?;
    let head = Head {
        second: None,
        log: extent.log,
        genesis: extent.genesis,
        seq: extent.last_seq,
        hash: last.hash(),
        ts: now(context).max(extent.last_ts),
    };
    Ok(Statement::sign(head, &*context.signer(store)?)?)
}

/// The same in version 2.
fn standing(context: &Context, reader: &Reader, head: Head) -> Result<SignedHead, CliError> {
    let store = &reader.store;
    let epoch = match store.last_epoch()? {
        Some(number) => Some(LastEpoch {
            epoch: number,
            hash: epoch_at(store, number)?.content.hash(),
        }),
        None => None,
    };
    let second = Some(Standing { epoch, tree: None });
    let head = Head { second, ..head };
    Ok(Statement::sign(head, &*context.signer(store)?)?)
}

fn now(context: &Context) -> Timestamp {
    context.clock().wall()
}

fn mark_error(fault: MarkFault) -> CliError {
    CliError::from(fault)
}
