//! `sealbook seal`: closes the open epoch.

use std::path::{Path, PathBuf};

use crate::api::{HeldWriter, Writer};
use crate::logbook::publish::{Added, PublishFile};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::spared::spare;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Succeed where there is nothing to seal
    #[arg(long)]
    if_any: bool,
    /// Append the header, and whatever was sealed and not published before, to a file
    #[arg(long, value_name = "FILE")]
    publish: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(path) = &args.publish {
        spare(context, path)?;
    }
    let ledger = match context.writer()? {
        Writer::Own(ledger) => ledger,
        Writer::Held(writer) => return beside(context, args, &writer, output),
    };
    let sealed = ledger.seal()?;
    let cosigned = match sealed.is_some() {
        true => ledger.cosign_head()?,
        false => None,
    };
    let published = args.publish.as_deref().map(|path| {
        let mut file = PublishFile::open(path, ledger.store(), ledger.identity())?;
        file.publish(ledger.store(), None)
    });
    #[cfg(feature = "bucket")]
    let archived = ledger.archiver()?.map(|archiver| archiver.archive());
    ledger.close()?;
    if let Some(receipt) = cosigned {
        let text = format!("entry {} keeps a checkpoint under both keys", receipt.seq);
        output.note(&text);
    }
    // The header is sealed, whatever became of the file.
    if let Some(epoch) = &sealed {
        output.done(format!("epoch {} is sealed", epoch.content.epoch));
        output.document(&epoch.to_value())?;
    }
    if let (Some(added), Some(path)) = (published.transpose()?, &args.publish) {
        output.note(&published_note(added, path));
    }
    #[cfg(feature = "bucket")]
    if let Some(epochs) = archived.transpose()?.filter(|epochs| *epochs > 0) {
        output.note(&format!("epochs archived in the bucket: {epochs}"));
    }
    match sealed {
        Some(_) => Ok(Answer::Yes),
        None if args.if_any => Ok(Answer::Yes),
        None => Err(CliError::NothingToSeal),
    }
}

/// Has the server seal that holds the ledger.
fn beside(
    context: &Context,
    args: &Args,
    writer: &HeldWriter,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let sealed = writer.server().seal()?;
    if let Some(header) = &sealed {
        output.done("the epoch is sealed".to_owned());
        output.document(header)?;
    }
    if let Some(path) = &args.publish {
        let ledger = context.reader(output)?;
        let mut file = PublishFile::open(path, ledger.store(), ledger.identity())?;
        let added = file.publish(ledger.store(), None)?;
        output.note(&published_note(added, path));
    }
    match sealed {
        Some(_) => Ok(Answer::Yes),
        None if args.if_any => Ok(Answer::Yes),
        None => Err(CliError::NothingToSeal),
    }
}

/// What was added to a published file, in words.
pub(super) fn published_note(added: Added, path: &Path) -> String {
    let Added { epochs, heads } = added;
    format!(
        "{epochs} headers and {heads} heads added to {}",
        path.display()
    )
}
