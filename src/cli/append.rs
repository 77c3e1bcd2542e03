//! `sealbook append`: records entries; receipts come out as they are durable.

mod gate;
mod keyed;
mod lines;
mod printing;
mod redacting;
mod stopped;
mod syslog;
mod values;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Sender, bounded};
use serde::Serialize;

use crate::api::Writer;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::pointer::Pointer;
use crate::logbook::Identity;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{PreparedEntry, Receipt};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::redact_rules::RedactArgs;
use gate::Gate;
use keyed::{Keyed, KeyedUnderWay};
use lines::{InputLines, LineFormat, open};
use printing::{Fed, FedKey, Printing, print};
use redacting::RedactFlags;
pub(super) use stopped::{InputSpan, ReachedInput, StoppedRun};
use syslog::SyslogFrames;
use values::Values;

/// Lines handed over together, if so many are there.
const GROUP: usize = 256;

/// Bytes from which on a group is full.
const GROUP_BYTES: usize = 4 << 20;

/// Groups that may wait for their receipts.
const UNDER_WAY: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind of the entry; of messages of syslog, where it is not syslog.message
    #[arg(long, required_unless_present = "lines", conflicts_with = "jsonl")]
    kind: Option<String>,
    /// The payload, a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "lines")]
    payload: Option<String>,
    /// A file with the payload; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lines", "payload"])]
    payload_file: Option<PathBuf>,
    /// A file with one {"kind", "payload"} a line, or over several, or an array of
    /// them; - reads standard input. With an "idempotency_key" beside these it is
    /// recorded once, however often it comes within 24 hours
    #[arg(long, value_name = "FILE", group = "lines")]
    jsonl: Option<PathBuf>,
    /// Record what --from has, in another program's format
    #[arg(long, value_enum, value_name = "FORMAT", group = "lines")]
    format: Option<LineFormat>,
    /// The file with messages in that format; - reads standard input
    #[arg(long, value_name = "FILE", requires = "format", default_value = "-")]
    from: PathBuf,
    /// Keep the value at this JSON pointer beside the log, so that it can be withheld and
    /// erased; in the entry stands a commitment (may be given several times)
    #[arg(long, value_name = "POINTER")]
    redactable: Vec<Pointer>,
    #[command(flatten)]
    rules: RedactArgs,
    /// Warn of values that look like keys, tokens or card numbers: by default of --payload
    /// and --payload-file, not of what comes in lines
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = CheckSecrets::Auto)]
    check_secrets: CheckSecrets,
    /// Record what follows a line that cannot be recorded, too
    #[arg(long, requires = "lines")]
    keep_going: bool,
}

/// When it is said that a value looks like a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum CheckSecrets {
    /// Of one payload
    Auto,
    /// Of lines, too
    Always,
    /// Of nothing
    Never,
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
pub(super) struct AppendedSoFar {
    entries: u64,
    /// The first and the last of them. Others may stand between.
    ends: Option<(Seq, Seq)>,
}

impl AppendedSoFar {
    pub(super) fn take(&mut self, seq: Seq) {
        self.entries += 1;
        let first = self.ends.map_or(seq, |(first, _)| first);
        self.ends = Some((first, seq));
    }

    /// The error that a run ended with that has come so far.
    pub(super) fn stopped(self, reached: ReachedInput, error: CliError) -> CliError {
        reached.stopped(error, self.entries, self.ends.map(|(_, last)| last))
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
    let redacting = RedactFlags::new(args.rules.read()?, &args.redactable);
    let lines = match (&args.jsonl, args.format) {
        (Some(path), _) => Some(InputLines::Json(Values::new(open(path)?))),
        (None, Some(LineFormat::Syslog)) => {
            let kind = args.kind.clone().unwrap_or_else(|| syslog::KIND.to_owned());
            let frames = SyslogFrames::new(open(&args.from)?);
            Some(InputLines::Syslog(frames, kind))
        }
        (None, None) => None,
    };
    match (lines, args.kind) {
        (Some(lines), _) => {
            let writer = Arc::new(context.writer()?);
            let mut recorded = AppendedSoFar::default();
            let lines = AppendInput {
                lines,
                redacting: redacting.in_log(writer.identity().genesis),
                check_secrets: args.check_secrets == CheckSecrets::Always,
                keep_going: args.keep_going,
            };
            let mut reached = ReachedInput::default();
            let answer = append_lines(&writer, lines, &mut recorded, &mut reached, output);
            let answer = answer.map_err(|error| recorded.stopped(reached, error));
            let delivered = recorded.delivered(output);
            let closed = close(writer);
            if let (Err(_), Err(lost)) = (&answer, &delivered) {
                output.warning(&lost.to_string());
            }
            // What stopped the writer says more than that it has stopped.
            answer?;
            closed?;
            delivered
        }
        (None, kind) => {
            let payload = payload(args.payload, args.payload_file.as_deref())?;
            let prepared = PreparedEntry::of_caller(&kind.unwrap_or_default(), &payload)?;
            let writer = context.writer()?;
            let redacting = redacting.in_log(writer.identity().genesis);
            let prepared = redacting.take(prepared, &[])?;
            if args.check_secrets != CheckSecrets::Never {
                for warning in redacting::secrets(&prepared) {
                    output.warning(&warning);
                }
            }
            let receipts = writer.submit(vec![prepared])?.wait()?;
            let mut recorded = AppendedSoFar::default();
            let identity = writer.identity();
            writer.close()?;
            print(&receipts, identity, &mut recorded, output)?;
            recorded.delivered(output)
        }
    }
}

/// Lets go of the ledger. Where its input is still waited for, it takes nothing more and
/// stays open: a store that a thread closes while the process ends aborts.
fn close(writer: Arc<Writer>) -> Result<(), CliError> {
    match Arc::try_unwrap(writer) {
        Ok(writer) => Ok(writer.close()?),
        Err(shared) => {
            if let Writer::Own(ledger) = &*shared
                && let Ok(logbook) = ledger.logbook()
            {
                let _ = logbook.finish();
            }
            std::mem::forget(shared);
            Ok(())
        }
    }
}

fn payload(text: Option<String>, file: Option<&Path>) -> Result<Object, CliError> {
    let missing = "--payload JSON or --payload-file FILE is needed";
    let bytes = match (text, file) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(path)) => {
            let mut bytes = Vec::new();
            let limit = limits::LINE_BYTES as u64 + 1;
            let read = open(path)?.take(limit).read_to_end(&mut bytes);
            read.map_err(|error| CliError::file(path, error))?;
            bytes
        }
        (None, None) => return Err(CliError::usage(missing)),
    };
    match parse::parse(&bytes)? {
        Value::Object(payload) => Ok(payload),
        _ => Err(CliError::PayloadNotObject),
    }
}

/// What is to be read, and what becomes of it.
struct AppendInput {
    lines: InputLines,
    redacting: RedactFlags,
    check_secrets: bool,
    keep_going: bool,
}

/// Reads, checks and hands over in one thread; receipts are awaited and
/// printed in another, so that neither a slow input nor a slow disk holds back
/// what is ready.
fn append_lines(
    writer: &Arc<Writer>,
    reading: AppendInput,
    recorded: &mut AppendedSoFar,
    reached: &mut ReachedInput,
    output: &mut Output,
) -> Result<(), CliError> {
    let (sender, receiver) = bounded(UNDER_WAY);
    let keep_going = reading.keep_going;
    let gate = Gate::default();
    let mut feeder = Feeder {
        writer: Arc::clone(writer),
        reading,
        fed: sender,
        gate: gate.clone(),
        under_way: KeyedUnderWay::default(),
        group: Vec::with_capacity(GROUP),
        span: None,
        weight: 0,
    };
    let under_way = feeder.under_way.clone();
    let feeder = thread::spawn(move || feeder.feed(keep_going));
    // On an error the next line is not waited for: its writer may be
    // waiting for a receipt.
    let mut printing = Printing {
        writer,
        under_way: &under_way,
        gate: &gate,
        keep_going,
        recorded,
        reached,
        output,
    };
    let bad = printing.print_all(&receiver)?;
    // What was acknowledged is printed before the line at fault is named.
    let fed = feeder.join();
    fed.unwrap_or(Err(CliError::from(LogbookError::Stopped)))?;
    match bad {
        0 => Ok(()),
        lines => Err(CliError::BadLines { lines }),
    }
}

/// Reads values and hands over entries.
struct Feeder {
    writer: Arc<Writer>,
    reading: AppendInput,
    fed: Sender<Fed>,
    gate: Gate,
    under_way: KeyedUnderWay,
    group: Vec<PreparedEntry>,
    /// Where the group stands in the input.
    span: Option<InputSpan>,
    weight: usize,
}

impl Feeder {
    fn feed(&mut self, keep_going: bool) -> Result<(), CliError> {
        loop {
            let value = self
                .reading
                .lines
                .next()
                .map_err(|error| CliError::file(Path::new("input"), error))?;
            let Some((place, value)) = value else { break };
            let span = InputSpan {
                first: place,
                next: self.reading.lines.next_place(),
            };
            self.weight += value.weight();
            let keep_going = keep_going && !value.is_endless();
            let reading = &self.reading;
            let prepared = reading.lines.prepare(value, &reading.redacting);
            if reading.check_secrets
                && let Ok(Some((entry, _))) = &prepared
            {
                for warning in redacting::secrets(entry) {
                    self.pass_on(Fed::Warning(format!("{place}: {warning}")))?;
                }
            }
            let taken = prepared.and_then(|prepared| self.take(prepared, span));
            if let Err(error) = taken {
                // What was before it is handed over first.
                self.submit()?;
                let of_line = error.is_of_input();
                let source = Box::new(error);
                let error = CliError::Line { place, source };
                match keep_going && of_line {
                    true => self.pass_on(Fed::Bad(error))?,
                    false => return Err(error),
                }
            }
            // A group ends when it is full, or when the next line is not here yet.
            let full = self.group.len() >= GROUP || self.weight >= GROUP_BYTES;
            if full || !self.reading.lines.has_more() {
                self.submit()?;
            }
        }
        self.submit()
    }

    fn take(
        &mut self,
        prepared: Option<(PreparedEntry, Option<Keyed>)>,
        span: InputSpan,
    ) -> Result<(), CliError> {
        match prepared {
            None => Ok(()),
            Some((entry, None)) => {
                self.group.push(entry);
                let first = self.span.map_or(span.first, |group| group.first);
                self.span = Some(InputSpan { first, ..span });
                Ok(())
            }
            Some((entry, Some(keyed))) => {
                self.submit()?;
                let ledger = match &*self.writer {
                    Writer::Own(ledger) => ledger,
                    // The server knows what it has under way.
                    Writer::Held(writer) => {
                        return self.hand_over(|| {
                            let pending = writer.server().submit_once(&keyed.given, entry)?;
                            Ok(Fed::Pending(pending, span, FedKey::Servers))
                        });
                    }
                };
                if !self.under_way.begin(&keyed) {
                    return self.pass_on(Fed::Again(keyed, span));
                }
                // Looked for after that: what was under way is durable by now.
                let logbook = ledger.logbook()?;
                match keyed.receipt(logbook) {
                    Ok(None) => {
                        let once = Some(keyed.to_remember());
                        self.hand_over(|| {
                            let pending = logbook.submit_remembered(vec![entry], once)?;
                            Ok(Fed::Pending(pending, span, FedKey::Own(keyed.scoped())))
                        })
                    }
                    found => {
                        self.under_way.end(&keyed.scoped());
                        found?;
                        self.pass_on(Fed::Again(keyed, span))
                    }
                }
            }
        }
    }

    fn submit(&mut self) -> Result<(), CliError> {
        self.weight = 0;
        let group = std::mem::take(&mut self.group);
        match self.span.take() {
            None => Ok(()),
            Some(span) => self.hand_over(|| {
                let pending = self.writer.submit(group)?;
                Ok(Fed::Pending(pending, span, FedKey::None))
            }),
        }
    }

    /// Hands over what will be waited for.
    fn hand_over(&self, submit: impl FnOnce() -> Result<Fed, CliError>) -> Result<(), CliError> {
        let handed = self.gate.through(|| self.pass_on(submit()?));
        handed.unwrap_or_else(|| Err(CliError::from(LogbookError::Stopped)))
    }

    /// Nobody waits for receipts after an error.
    fn pass_on(&self, fed: Fed) -> Result<(), CliError> {
        let sent = self.fed.send(fed);
        sent.map_err(|_| CliError::from(LogbookError::Stopped))
    }
}
