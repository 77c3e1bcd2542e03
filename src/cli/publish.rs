//! `sealbook publish`: the ledger as a public log, in a folder or a bucket.

use std::path::PathBuf;

use crate::api::held::Held;
use crate::api::{self, Ledger, PublicPlace, PublishedLog};
use crate::ledger::json::{Form, Object};
use crate::ledger::shape;
use crate::ledger::tlog::name::{LogName, NameFault};
use crate::publish::{AnyStorage, PublicError, PublicLog};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::spared::spare;
use super::witnesses;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to publish to, which is made if it is not there, or the URL of a bucket
    /// [default: the ledger's bucket]
    #[arg(long, value_name = "PLACE")]
    to: Option<PathBuf>,
    /// The log's public name, such as log.example.com/fleet; recorded the first time
    #[arg(long, value_name = "NAME")]
    name: Option<LogName>,
    /// End this public name for ever, and publish nothing
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to", "name"])]
    end_name: Option<LogName>,
    #[command(flatten)]
    witnesses: witnesses::Args,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    context.check_files()?;
    let Some(name) = &args.end_name else {
        return publish(context, args, output);
    };
    context.check_alone()?;
    let ledger = Ledger::open(&context.ledger, context.options())?;
    let receipt = ledger.close_name(name)?;
    ledger.close()?;
    output.note(&format!("entry {} ends the name {name}", receipt.seq));
    Ok(Answer::Yes)
}

fn publish(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let place = place(context, args)?;
    if let Some(held) = context.held()? {
        let done = beside(context, args, &held, &place, output)?;
        return print(&done, &place, output);
    }
    context.check_alone()?;
    let ledger = Ledger::open(&context.ledger, context.options())?;
    // What can be refused is before there is a folder.
    let asking = args.witnesses.read()?;
    let (name, is_bound) = name(&ledger, args.name.as_ref())?;
    let mut log = open(context, &place, &ledger)?;
    if !is_bound {
        log.check(&ledger.identity(), &name)?;
    }
    if let Some(receipt) = ledger.bind_name(&name, asking.text())? {
        output.note(&format!("entry {} binds the name {name}", receipt.seq));
    }
    let done = asking.publish(&ledger, &mut log)?;
    ledger.close()?;
    print(&done, &place, output)
}

/// The name that the log is published under, and whether it has it already.
pub(super) fn name(ledger: &Ledger, given: Option<&LogName>) -> Result<(LogName, bool), CliError> {
    let bound = ledger.public_name()?.map(|bound| bound.name);
    match (given, bound) {
        (Some(name), Some(current)) if *name != current => {
            Err(PublicError::Name(NameFault::Second {
                current,
                name: name.clone(),
            })
            .into())
        }
        (_, Some(bound)) => Ok((bound, true)),
        (Some(name), None) => Ok((name.clone(), false)),
        (None, None) => Err(PublicError::NoName.into()),
    }
}

/// Where it is published: what is named, or the bucket that has the ledger's record.
fn place(context: &Context, args: &Args) -> Result<PublicPlace, CliError> {
    if let Some(to) = &args.to {
        return Ok(PublicPlace::named(to)?);
    }
    #[cfg(feature = "bucket")]
    if let Some(address) = context.bucket.address() {
        return Ok(PublicPlace::Bucket(address.clone()));
    }
    let _ = context;
    Err(CliError::usage("--to PLACE is needed"))
}

/// Opens the place of a ledger's public log.
pub(super) fn open(
    context: &Context,
    place: &PublicPlace,
    ledger: &Ledger,
) -> Result<PublicLog<AnyStorage>, CliError> {
    match place {
        PublicPlace::Folder(folder) => spare(context, folder)?,
        #[cfg(feature = "bucket")]
        PublicPlace::Bucket(_) => {}
    }
    let storage = place.open(&ledger.identity().genesis)?;
    Ok(PublicLog::new(storage, place.to_string()))
}

/// Has the server publish that holds the ledger: into its own folder, under the name that
/// it has, with its own witnesses.
fn beside(
    context: &Context,
    args: &Args,
    held: &Held,
    place: &PublicPlace,
    output: &mut Output,
) -> Result<PublishedLog, CliError> {
    if args.witnesses.are_given() {
        let text = "a server holds the ledger: it asks the witnesses that it was started with";
        return Err(CliError::usage(text));
    }
    let bound = context.reader(output)?.public_name()?;
    if let (Some(name), Some(bound)) = (&args.name, bound)
        && *name != bound.name
    {
        return Err(PublicError::Name(NameFault::Second {
            current: bound.name,
            name: name.clone(),
        })
        .into());
    }
    let named = match place {
        PublicPlace::Folder(folder) => {
            let whole = std::path::absolute(folder);
            let whole = whole.map_err(|error| CliError::file(folder, error))?;
            whole.display().to_string()
        }
        #[cfg(feature = "bucket")]
        PublicPlace::Bucket(_) => place.to_string(),
    };
    let mut asked = Object::new();
    asked.insert("folder", named);
    let mut body = Vec::new();
    asked.write_canonical(Form::Utf8, &mut body);
    let answer = held.post("/v1/publish", body).map_err(api::Error::from)?;
    Ok(shape::read(&answer, "")?)
}

fn print(
    done: &PublishedLog,
    place: &PublicPlace,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let answer = match done.published {
        true => Answer::Yes,
        false => Answer::No,
    };
    if output.is_json() {
        output.document(done)?;
        return Ok(answer);
    }
    let PublishedLog { size, added, .. } = done;
    match done.published {
        true => output.line(&format!(
            "{size} entries are public in {place}, {added} of them new"
        ))?,
        false => output.verdict(
            false,
            &format!("too few witnesses cosigned: the checkpoint in {place} stays"),
        )?,
    }
    let witnesses = done.witnesses.iter();
    for witness in witnesses.flat_map(|standing| &standing.witnesses) {
        let said = match (&witness.cosigned, &witness.fault) {
            (Some(at), _) => format!("cosigned at {at}"),
            (None, fault) => fault.clone().unwrap_or_default(),
        };
        output.line(&format!("witness   {}: {said}", witness.name))?;
    }
    Ok(answer)
}
