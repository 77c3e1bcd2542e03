//! `sealbook append`: records entries; receipts come out as they are durable.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Serialize;

use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{Pending, Prepared, Receipt};
use crate::logbook::{Identity, Logbook};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;

/// Lines handed over together, if so many are there.
const GROUP: usize = 256;

/// Bytes from which on a group is full.
const GROUP_BYTES: usize = 4 << 20;

/// Groups that may wait for their receipts.
const UNDER_WAY: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind of the entry
    #[arg(long, required_unless_present = "jsonl", conflicts_with = "jsonl")]
    kind: Option<String>,
    /// The payload, a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "jsonl")]
    payload: Option<String>,
    /// A file with the payload; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["jsonl", "payload"])]
    payload_file: Option<PathBuf>,
    /// A file with one {"kind", "payload"} a line; - reads standard input
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
}

/// A receipt as it is printed (SPEC §6).
#[derive(Serialize)]
pub(super) struct Printed<'a> {
    seq: u64,
    hash: Hash,
    prev_hash: Hash,
    ts: String,
    kind: &'a str,
    signature: String,
    log: PublicKey,
    genesis: Hash,
}

impl<'a> Printed<'a> {
    pub(super) fn new(receipt: &'a Receipt, identity: Identity) -> Printed<'a> {
        Printed {
            seq: receipt.seq.0,
            hash: receipt.hash,
            prev_hash: receipt.prev_hash,
            ts: receipt.ts.to_string(),
            kind: &receipt.kind,
            signature: receipt.signature.to_string(),
            log: identity.log,
            genesis: identity.genesis,
        }
    }
}

/// What a run has recorded so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recorded {
    entries: u64,
    /// The first and the last of them. Others may stand between.
    ends: Option<(Seq, Seq)>,
}

impl Recorded {
    pub(super) fn take(&mut self, seq: Seq) {
        self.entries += 1;
        let first = self.ends.map_or(seq, |(first, _)| first);
        self.ends = Some((first, seq));
    }

    /// Yes, if what was recorded was also said.
    pub(super) fn delivered(self, output: &mut Output) -> Result<Answer, CliError> {
        output.flush()?;
        match (output.take_lost(), self.ends) {
            (Some(source), Some((first, last))) => Err(CliError::OutputLost {
                entries: self.entries,
                first,
                last,
                source,
            }),
            _ => Ok(Answer::Yes),
        }
    }
}

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    match (&args.jsonl, args.kind) {
        (Some(path), _) => {
            let logbook = Arc::new(context.writer()?);
            let mut recorded = Recorded::default();
            let answer = append_lines(&logbook, open(path)?, &mut recorded, output);
            let delivered = recorded.delivered(output);
            // What stopped the writer says more than that it has stopped.
            let closed = match Arc::try_unwrap(logbook) {
                Ok(logbook) => logbook.close(),
                // Its input may still be waited for.
                Err(logbook) => logbook.finish(),
            };
            if let (Err(_), Err(lost)) = (&answer, &delivered) {
                output.warning(&lost.to_string());
            }
            answer?;
            closed?;
            delivered
        }
        (None, kind) => {
            let payload = payload(args.payload, args.payload_file.as_deref())?;
            let prepared = Prepared::of_caller(&kind.unwrap_or_default(), &payload)?;
            let logbook = context.writer()?;
            let receipts = logbook.submit(vec![prepared])?.wait()?;
            let mut recorded = Recorded::default();
            print(&receipts, logbook.identity(), &mut recorded, output)?;
            logbook.close()?;
            recorded.delivered(output)
        }
    }
}

fn payload(text: Option<String>, file: Option<&Path>) -> Result<Object, CliError> {
    let bytes = match (text, file) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(path)) => {
            let mut bytes = Vec::new();
            let limit = limits::LINE_BYTES as u64 + 1;
            let read = open(path)?.take(limit).read_to_end(&mut bytes);
            read.map_err(|error| CliError::file(path, error))?;
            bytes
        }
        (None, None) => {
            return Err(CliError::usage(
                "--payload JSON or --payload-file FILE is needed",
            ));
        }
    };
    match parse::parse(&bytes)? {
        Value::Object(payload) => Ok(payload),
        _ => Err(CliError::PayloadNotObject),
    }
}

type Input = BufReader<Box<dyn Read + Send>>;

fn open(path: &Path) -> Result<Input, CliError> {
    let reader: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| CliError::file(path, error))?)
    };
    Ok(BufReader::with_capacity(1 << 18, reader))
}

/// Reads, checks and hands over in one thread; receipts are awaited and
/// printed in another, so that neither a slow input nor a slow disk holds back
/// what is ready.
fn append_lines(
    logbook: &Arc<Logbook>,
    reader: Input,
    recorded: &mut Recorded,
    output: &mut Output,
) -> Result<(), CliError> {
    let (sender, receiver) = bounded(UNDER_WAY);
    let fed_into = Arc::clone(logbook);
    let feeder = thread::spawn(move || feed(&fed_into, reader, &sender));
    // On an error the next line is not waited for: whoever writes it may be
    // waiting for a receipt.
    print_all(&receiver, logbook.identity(), recorded, output)?;
    // What was acknowledged is printed before the line at fault is named.
    let fed = feeder.join();
    fed.unwrap_or(Err(CliError::Append(LogbookError::Stopped)))
}

fn feed(logbook: &Logbook, mut reader: Input, groups: &Sender<Pending>) -> Result<(), CliError> {
    let mut group = Vec::with_capacity(GROUP);
    let mut weight = 0;
    let mut number = 0;
    let mut stopped = Ok(());
    loop {
        let line = read_line(&mut reader).map_err(|error| CliError::File {
            path: PathBuf::from("input"),
            source: error,
        })?;
        let Some(line) = line else { break };
        number += 1;
        weight += line.weight();
        match prepare(line) {
            Ok(prepared) => group.extend(prepared),
            Err(error) => {
                let source = Box::new(error);
                stopped = Err(CliError::Line {
                    line: number,
                    source,
                });
                break;
            }
        }
        // A group ends when it is full, or when the next line is not here yet.
        let full = group.len() >= GROUP || weight >= GROUP_BYTES;
        if (full || !reader.buffer().contains(&b'\n')) && !group.is_empty() {
            weight = 0;
            let pending = logbook.submit(std::mem::take(&mut group))?;
            if groups.send(pending).is_err() {
                return Ok(());
            }
        }
    }
    if !group.is_empty() {
        let _ = groups.send(logbook.submit(group)?);
    }
    stopped
}

/// The entry of a line; `None` of a blank one.
fn prepare(line: Line) -> Result<Option<Prepared>, CliError> {
    let bytes = match line {
        Line::Whole { bytes, .. } => bytes,
        Line::TooLong { .. } => return Err(CliError::LineTooLong),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let value = parse::parse_with(&bytes, &limits::embedded(1))?;
    let members = shape::members(&value)?;
    let kind = shape::member(members, "kind")?;
    let payload = shape::member_object(members, "payload")?;
    shape::only(members, &["kind", "payload"])?;
    Ok(Some(Prepared::of_caller(kind, payload)?))
}

fn print_all(
    groups: &Receiver<Pending>,
    identity: Identity,
    recorded: &mut Recorded,
    output: &mut Output,
) -> Result<(), CliError> {
    // Receipts on a terminal are progress enough.
    let mut progress = (!io::stdout().is_terminal()).then(|| Progress::new(None, "entries"));
    for pending in groups {
        let receipts = pending.wait()?;
        print(&receipts, identity, recorded, output)?;
        if let Some(progress) = &mut progress {
            progress.at(recorded.entries);
        }
    }
    if let Some(mut progress) = progress {
        progress.finish();
    }
    Ok(())
}

fn print(
    receipts: &[Receipt],
    identity: Identity,
    recorded: &mut Recorded,
    output: &mut Output,
) -> Result<(), CliError> {
    for receipt in receipts {
        recorded.take(receipt.seq);
        output.document(&Printed::new(receipt, identity))?;
    }
    output.flush()
}
