//! `sealbook timestamp`: a time for the last entry that an authority signs (RFC 3161),
//! and a verdict on those that the ledger keeps.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::api::Writer;
use crate::api::held::RecordedAs;
use crate::fetch::Fetcher;
use crate::ledger::head::{Head, SignedHead};
use crate::ledger::hexadecimal;
use crate::ledger::limits::SMALL_FILE_BYTES;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::statement::Statement;
use crate::logbook::entry_at;
use crate::logbook::error::ServerRefusal;
use crate::store::query::{Filter, select};
use crate::timestamp::{self, KIND, MOST_BYTES, QUERY, REPLY, Stamped, Time, TimestampError};

use super::Answer;
use super::context::Context;
use super::document::{in_file, read};
use super::error::{CliError, LogError, ProducerError};
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The authority that is asked
    #[arg(long, value_name = "URL", required_unless_present = "check")]
    tsa: Option<String>,
    /// Check every timestamp that the ledger keeps, and ask nobody
    #[arg(long, conflicts_with = "tsa", requires = "root")]
    check: bool,
    /// A certificate that the authority's must lead to, PEM or DER (may be given several times)
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let mut roots = Vec::new();
    for path in &args.root {
        roots.extend(roots_in(path)?);
    }
    match &args.tsa {
        Some(url) => stamp(context, url, &roots, args, output),
        None => check(context, &roots, output),
    }
}

fn roots_in(path: &Path) -> Result<Vec<Vec<u8>>, CliError> {
    let text = read(path, SMALL_FILE_BYTES)?;
    timestamp::roots(&text).map_err(|error| in_file(path)(LogError::from(error)))
}

/// Asks for a timestamp of the last entry, and records it. With roots it is checked
/// before.
fn stamp(
    context: &Context,
    url: &str,
    roots: &[Vec<u8>],
    args: &Args,
    output: &mut Output,
) -> Result<Answer, CliError> {
    context.check_files()?;
    let writer = context.writer_as(context.options(), RecordedAs::Nobody)?;
    let last = last_of(&writer)?;
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(ProducerError::from)?;
    let token = ask(
        url,
        args,
        &timestamp::request(&last.hash, nonce).map_err(LogError::from)?,
    )?;
    let token = timestamp::token(&token, nonce).map_err(LogError::from)?;
    let stamped = Stamped {
        hash: last.hash,
        seq: last.seq,
        token: hexadecimal::encode(&token),
    };
    let time = match roots.is_empty() {
        true => {
            output.warning("no root was given: the timestamp is recorded unchecked");
            None
        }
        false => Some(stamped.check(roots).map_err(LogError::from)?),
    };
    let payload = shape::write_object(&stamped);
    let recorded = writer.recorder()?.take_in(KIND, &payload, &[], &[]);
    let receipt = recorded.and_then(|recorded| Ok(recorded.wait()?));
    let receipt = receipt.map_err(crate::api::Error::from)?;
    writer.close()?;
    output.done(format!("entry {} keeps the timestamp", receipt.seq));
    print(Some(receipt.seq), &stamped, time.map(Ok).as_ref(), output)?;
    Ok(Answer::Yes)
}

/// The last durable entry, as its holder says.
fn last_of(writer: &Writer) -> Result<Head, CliError> {
    match writer {
        Writer::Own(ledger) => Ok(ledger.logbook()?.durable()),
        Writer::Held(held) => {
            let head = held.server().head().map_err(crate::api::Error::from)?;
            let read: Result<SignedHead, _> = Statement::from_value(&head);
            let head = read.map_err(|error| ServerRefusal {
                code: "server_unsupported",
                detail: format!("the server's head: {error}"),
            });
            Ok(head.map_err(crate::api::Error::from)?.content)
        }
    }
}

fn ask(url: &str, args: &Args, request: &[u8]) -> Result<Vec<u8>, CliError> {
    let fetcher = Fetcher::new(Duration::from_secs(args.timeout));
    let answer = fetcher.post(url, QUERY, request, MOST_BYTES as u64);
    let answer = answer.map_err(LogError::from)?;
    if answer.status != 200 || answer.media_type != REPLY {
        return Err(LogError::Authority {
            url: url.to_owned(),
            status: answer.status,
            media_type: answer.media_type,
        }
        .into());
    }
    Ok(answer.body)
}

/// Checks every timestamp that the ledger keeps: its token, and that the entry that it
/// names is the ledger's.
fn check(context: &Context, roots: &[Vec<u8>], output: &mut Output) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let (mut found, mut wrong) = (0_u64, 0_u64);
    let filter = Filter {
        kinds: vec![KIND.to_owned()],
        ..Filter::default()
    };
    for found_entry in select(ledger.store(), &filter)? {
        let (kept, entry) = found_entry?;
        let stamped: Stamped = shape::read(&parse(entry.payload_bytes())?, "payload")?;
        let verdict = match stamped.seq < kept
            && entry_at(ledger.store(), stamped.seq)?.hash() == stamped.hash
        {
            true => stamped.check(roots),
            false => Err(TimestampError::OtherImprint),
        };
        found += 1;
        wrong += u64::from(verdict.is_err());
        print(Some(kept), &stamped, Some(&verdict), output)?;
    }
    match (found, wrong) {
        (0, _) => Err(CliError::NothingFound),
        (_, 0) => Ok(Answer::Yes),
        _ => Ok(Answer::No),
    }
}

fn print(
    kept: Option<Seq>,
    stamped: &Stamped,
    verdict: Option<&Result<Time, TimestampError>>,
    output: &mut Output,
) -> Result<(), CliError> {
    if output.is_json() {
        let time = verdict.and_then(|verdict| verdict.as_ref().ok());
        let fault = verdict.and_then(|verdict| verdict.as_ref().err());
        return output.document(&json!({
            "seq": kept,
            "stamped": {"seq": stamped.seq, "hash": stamped.hash},
            "time": time.map(|time| time.at),
            "accuracy_micros": time.and_then(|time| time.accuracy),
            "authority": time.map(|time| &time.authority),
            "serial": time.map(|time| &time.serial),
            "policy": time.map(|time| &time.policy),
            "fault": fault.map(TimestampError::to_string),
        }));
    }
    let what = format!(
        "entry {}, stamped in entry {}",
        stamped.seq,
        kept.unwrap_or(Seq::FIRST)
    );
    match verdict {
        None => output.line(&format!("{what}: not checked")),
        Some(Ok(time)) => {
            output.verdict(true, &format!("{what}: it was there at {}", time.at))?;
            output.line(&format!("by        {}", time.authority))
        }
        Some(Err(fault)) => output.verdict(false, &format!("{what}: {fault}")),
    }
}
