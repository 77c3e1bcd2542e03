//! `sealbook head`: a signed statement of the last entry.

use std::path::PathBuf;

use crate::ledger::json::Form;
use crate::ledger::key::PublicKey;
use crate::logbook::publish::PublishFile;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::seal::published_note;
use super::spared::spare;
use super::target::{Force, OutputKind, Target};
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
    if let Some(path) = &args.publish {
        spare(context, path)?;
    }
    if args.format_version == FormatVersion::One
        && args.publish.is_none()
        && let Some(held) = context.held()?
    {
        let head = held.head()?;
        let seq = head.get("head").and_then(|head| head.get("seq"));
        let seq = seq.map(|seq| seq.canonical(Form::Utf8)).unwrap_or_default();
        let text = head.canonical(Form::Utf8);
        return write(context, args, text, (held.identity().log, &seq), output);
    }
    context.check_files()?;
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
    let text = head.to_value().canonical(Form::Utf8);
    let seq = head.content.seq.to_string();
    write(context, args, text, (head.content.log, &seq), output)
}

fn write(
    context: &Context,
    args: &Args,
    mut text: String,
    (log, seq): (PublicKey, &str),
    output: &mut Output,
) -> Result<Answer, CliError> {
    text.push('\n');
    match &args.output {
        Some(path) => {
            let target = Target {
                path,
                kind: OutputKind::Head,
                log: Some(log),
                force: args.force,
            };
            target.write_bytes(context, text.as_bytes())?;
            output.note(&format!("entry {seq} as head in {}", path.display()));
        }
        None => output.bytes(text.as_bytes())?,
    }
    Ok(Answer::Yes)
}
