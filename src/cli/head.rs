//! `sealbook head`: a signed statement of the last entry.

use std::path::PathBuf;

use crate::ledger::json::Form;
use crate::logbook::publish::PublishFile;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::seal::published_note;
use super::target::{Force, Kind, Target};
use super::trust::FormatVersion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write it into a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The version that it is written in; 2 names the last sealed header, too, and needs the key
    #[arg(long, value_enum, default_value = "1", value_name = "VERSION")]
    format_version: FormatVersion,
    #[command(flatten)]
    force: Force,
    /// Append it to a file, after the sealed headers that are not there yet
    #[arg(long, value_name = "FILE")]
    publish: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let mut head = ledger.head()?;
    if args.format_version == FormatVersion::Two {
        head = ledger.standing()?;
    }
    if let Some(path) = &args.publish {
        let store = ledger.store();
        let mut file = PublishFile::open(path, store, ledger.identity())?;
        let added = file.publish(store, Some(&head))?;
        output.note(&published_note(added, path));
    }
    let mut text = head.to_value().canonical(Form::Utf8);
    text.push('\n');
    match &args.output {
        Some(path) => {
            let target = Target {
                path,
                kind: Kind::Head,
                log: Some(head.content.log),
                force: args.force,
            };
            target.write_bytes(context, text.as_bytes())?;
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
