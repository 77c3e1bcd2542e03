//! `sealbook decide`: requests in bulk, answered in order as they come.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::ValueEnum;
use crossbeam_channel::{Receiver, bounded};
use rayon::prelude::*;

use crate::api::Writer;
use crate::ledger::json::{Form, Value};
use crate::ledger::lines::{Line, read_line};
use crate::record::bulk::CaseGovernance;
use crate::record::recorder::PreparedDecision;
use crate::record::{
    DecisionRequest, Hall, RecordError, RecordedDecision as Decision, Recorder, RequestContent,
    Together,
};
use crate::wcp::bulk::{BulkRequest, CaseError, CaseReader, answer, answer_text};
use crate::wcp::{self, DecisionStamp, make_decision};

use super::Answer;
use super::append::{AppendedSoFar, InputSpan, ReachedInput};
use super::context::Context;
use super::error::CliError;
use super::hall;
use super::input_place::InputPlace;
use super::output::Output;
use super::progress::Progress;
use super::recording;
use super::redact_rules::RedactArgs;
use super::stamps::Stamps;

/// Lines decided together, if so many are there.
const GROUP: usize = 256;

/// Bytes from which on a group is full.
const GROUP_BYTES: usize = 4 << 20;

/// Lines that one thread takes at a time.
const SHARE: usize = 16;

/// Groups that are read, and decided, ahead of those that are answered.
const AHEAD: usize = 3;

/// Answers that may wait for their entries.
const UNDER_WAY: usize = 4_096;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Requests, one {"id", "input", "rules", "hall", "task_id"} a line; - reads standard input
    #[arg(default_value = "-")]
    requests: PathBuf,
    /// Record every decision in the ledger; each is answered when it is durable
    #[arg(long)]
    record: bool,
    /// What is recorded of a request's content
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = RecordedContent::Whole)]
    record_request: RecordedContent,
    #[command(flatten)]
    rules: RedactArgs,
    #[command(flatten)]
    who: recording::ActorArgs,
    #[command(flatten)]
    hall: hall::Args,
}

impl Args {
    pub(super) const fn records(&self) -> bool {
        self.record
    }
}

/// What is recorded of a request's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RecordedContent {
    /// All of it
    Whole,
    /// Its digest, and the flags that the blast score depends on
    Hash,
}

impl From<RecordedContent> for RequestContent {
    fn from(content: RecordedContent) -> RequestContent {
        match content {
            RecordedContent::Whole => RequestContent::Whole,
            RecordedContent::Hash => RequestContent::Digest,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let requests = open(&args.requests)?;
    let options = context.options().record_request(args.record_request.into());
    let options = options.redacting(args.rules.read()?);
    let ledger = args.record.then(|| args.who.writer(context, options));
    let (ledger, actor) = ledger.transpose()?.unzip();
    let actor = actor.flatten();
    let recorder = ledger.as_ref().map(Writer::recorder).transpose()?;
    let hall = args.hall.load_if_given(output)?;
    let hall = hall.map(|hall| recording::heeding(ledger.as_ref(), context, hall));
    let hall = hall.transpose()?;
    let readers = Mutex::default();
    let stamps = Stamps::new(context)?;
    let mut run = BulkRun {
        with: With {
            hall: hall.as_ref(),
            recorder: recorder.map(|recorder| &**recorder),
            actor: actor.as_ref(),
            readers: &readers,
        },
        waiting: VecDeque::new(),
        left: 0,
        answered: 0,
        recorded: AppendedSoFar::default(),
        reached: ReachedInput::keyless(),
        failure: None,
    };
    let decided = run.all(read_ahead(requests, stamps), output);
    let BulkRun {
        recorded,
        reached,
        failure,
        ..
    } = run;
    let closed = ledger.map(Writer::close);
    // What stopped the writer says more than that it has stopped, or that the input ended.
    let stopped = failure.map(CliError::from).or(decided.err());
    if let Some(error) = stopped {
        return Err(recorded.stopped(reached, error));
    }
    closed.transpose()?;
    recorded.delivered(output)
}

type Requests = BufReader<Box<dyn Read + Send>>;

fn open(path: &Path) -> Result<Requests, CliError> {
    let reader: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| CliError::file(path, error))?)
    };
    Ok(BufReader::with_capacity(1 << 18, reader))
}

/// What every line is decided with.
#[derive(Clone, Copy)]
struct With<'r> {
    /// That of lines without rules of their own.
    hall: Option<&'r Hall>,
    recorder: Option<&'r Recorder>,
    /// Who is recorded as having asked.
    actor: Option<&'r Value>,
    /// Each remembers the rules that it read last; a thread takes one.
    readers: &'r Mutex<Vec<CaseReading>>,
}

struct BulkRun<'r> {
    with: With<'r>,
    /// Answers whose entries are not known to be durable, in order.
    waiting: VecDeque<PendingAnswers>,
    /// How many they are.
    left: usize,
    answered: u64,
    recorded: AppendedSoFar,
    /// How far the input is recorded.
    reached: ReachedInput,
    failure: Option<RecordError>,
}

#[derive(Default)]
struct CaseReading {
    cases: CaseReader,
    governance: CaseGovernance,
}

enum DecidedLine {
    Prepared(Value, Box<PreparedDecision>),
    Answered(Vec<u8>),
}

/// Answers in order: those of decisions whose entries go together, and others.
enum PendingAnswers {
    Together(Vec<(Value, InputSpan)>, Box<Together>),
    Answered(Vec<u8>),
}

/// A line, and where it stands.
struct GivenLine {
    line: Line,
    stamp: DecisionStamp,
    span: InputSpan,
}

/// Lines that are decided together.
struct DecidedGroup {
    lines: Vec<GivenLine>,
    /// Whether nothing more is here yet: a caller that asks one question at a time
    /// gets its answer.
    pause: bool,
}

impl DecidedGroup {
    /// Whether what follows is not read.
    fn is_endless(&self) -> bool {
        let last = self.lines.last();
        last.is_some_and(|given| given.line.is_endless())
    }
}

type Groups = Receiver<io::Result<DecidedGroup>>;

/// Reads groups in a thread of its own, some ahead, until the input ends or nobody
/// takes them any more.
fn read_ahead(mut requests: Requests, mut stamps: Stamps) -> Groups {
    let (sender, receiver) = bounded(AHEAD);
    thread::spawn(move || {
        let mut next = 1;
        loop {
            let group = read_group(&mut requests, &mut stamps, &mut next).transpose();
            let ended = !matches!(&group, Some(Ok(group)) if !group.is_endless());
            if group.is_none_or(|group| sender.send(group).is_err()) || ended {
                return;
            }
        }
    });
    receiver
}

/// The next group; none where the input ends. It is full, or the line behind it is not
/// here yet.
fn read_group(
    requests: &mut Requests,
    stamps: &mut Stamps,
    next: &mut u64,
) -> io::Result<Option<DecidedGroup>> {
    let (mut lines, mut weight) = (Vec::with_capacity(GROUP), 0);
    while let Some(line) = read_line(requests)? {
        let endless = line.is_endless();
        weight += line.weight();
        let blank = matches!(&line, Line::Whole { bytes, .. } if bytes.trim_ascii().is_empty());
        let first = InputPlace::line(*next);
        *next += 1;
        if !blank {
            let next = InputPlace::line(*next);
            lines.push(GivenLine {
                line,
                stamp: stamps.next(),
                span: InputSpan { first, next },
            });
        }
        let pause = !requests.buffer().contains(&b'\n');
        if lines.len() >= GROUP || weight >= GROUP_BYTES || pause || endless {
            return Ok(Some(DecidedGroup { lines, pause }));
        }
    }
    let pause = true;
    Ok((!lines.is_empty()).then_some(DecidedGroup { lines, pause }))
}

impl BulkRun<'_> {
    /// While the cores decide some groups, those before are handed over and answered.
    fn all(&mut self, groups: Groups, output: &mut Output) -> Result<(), CliError> {
        let mut progress = Progress::new(None, "requests");
        let with = self.with;
        let mut unread = None;
        rayon::in_place_scope(|scope| {
            let mut deciding = VecDeque::new();
            loop {
                while deciding.len() < AHEAD {
                    let group = match deciding.is_empty() {
                        true => groups.recv().ok(),
                        false => groups.try_recv().ok(),
                    };
                    let Some(group) = group else { break };
                    let group = match group {
                        Ok(group) => group,
                        // What was read before is answered.
                        Err(error) => {
                            unread = Some(CliError::file(Path::new("requests"), error));
                            break;
                        }
                    };
                    let (sender, decided) = bounded(1);
                    scope.spawn(move |_| {
                        let answers = with.decide_all(&group.lines);
                        // Nobody takes it where an answer could not be written.
                        let _ = sender.send(answers);
                    });
                    deciding.push_back((decided, group.pause));
                }
                let Some((decided, pause)) = deciding.pop_front() else {
                    progress.finish();
                    return unread.map_or(Ok(()), Err);
                };
                // A thread that panicked has answered nothing.
                self.hand_over(decided.recv().unwrap_or_default());
                let pause = pause && deciding.is_empty();
                self.print(if pause { 0 } else { UNDER_WAY }, output)?;
                if pause {
                    output.flush()?;
                }
                progress.at(self.answered);
            }
        })
    }

    /// Hands entries over in the order of the lines.
    fn hand_over(&mut self, decided: Vec<(DecidedLine, InputSpan)>) {
        let recorder = self.with.recorder;
        let mut decided = decided.into_iter().peekable();
        while let Some((next, span)) = decided.next() {
            let (mut ids, mut together) = match next {
                DecidedLine::Prepared(id, prepared) => (vec![(id, span)], vec![*prepared]),
                DecidedLine::Answered(answer) => {
                    self.waiting.push_back(PendingAnswers::Answered(answer));
                    self.left += 1;
                    continue;
                }
            };
            let more = |next: &(DecidedLine, _)| matches!(next.0, DecidedLine::Prepared(..));
            while let Some((DecidedLine::Prepared(id, prepared), span)) = decided.next_if(more) {
                ids.push((id, span));
                together.push(*prepared);
            }
            self.left += ids.len();
            let submitted = recorder.map(|recorder| recorder.submit_all(together));
            for together in submitted.into_iter().flatten() {
                let later = ids.split_off(together.count().min(ids.len()));
                let these = std::mem::replace(&mut ids, later);
                let together = Box::new(together);
                self.waiting
                    .push_back(PendingAnswers::Together(these, together));
            }
        }
    }

    /// Prints answers until so many are left waiting.
    fn print(&mut self, left: usize, output: &mut Output) -> Result<(), CliError> {
        while self.left > left {
            match self.waiting.pop_front() {
                None => break,
                Some(PendingAnswers::Answered(answer)) => self.tell(&answer, output)?,
                Some(PendingAnswers::Together(ids, together)) => {
                    for ((id, span), recorded) in ids.into_iter().zip(together.wait()) {
                        let answer = self.recorded(&id, span, recorded, output);
                        self.tell(&answer, output)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, answer: &[u8], output: &mut Output) -> Result<(), CliError> {
        self.left = self.left.saturating_sub(1);
        self.answered += 1;
        output.canonical(answer)
    }

    /// The answer to a line whose entry is durable, or which is denied.
    fn recorded(
        &mut self,
        id: &Value,
        span: InputSpan,
        recorded: Decision,
        output: &mut Output,
    ) -> Vec<u8> {
        let receipt = recorded.receipt.as_ref().ok();
        let answer = answer_text(id, &recorded.answer, receipt);
        match recorded.receipt {
            Ok(receipt) => {
                self.recorded.take(receipt.seq());
                self.reached.recorded(span);
            }
            Err(error @ (RecordError::Logbook(_) | RecordError::Search(_))) => {
                self.reached.still_failed(span);
                self.failure.get_or_insert(error);
            }
            Err(error) => {
                let line = self.answered + 1;
                output.warning(&format!(
                    "answer {line} is a denial, for it was not recorded: {error}"
                ));
            }
        }
        answer
    }
}

impl With<'_> {
    /// Decides on all cores.
    fn decide_all(self, lines: &[GivenLine]) -> Vec<(DecidedLine, InputSpan)> {
        let shares = lines.par_chunks(SHARE).map(|lines| {
            let mut reader = lock(self.readers).pop().unwrap_or_default();
            let lines = lines.iter();
            let decided = lines.map(|given| {
                let decided = self.decide(&mut reader, &given.line, given.stamp);
                (decided, given.span)
            });
            let decided: Vec<_> = decided.collect();
            lock(self.readers).push(reader);
            decided
        });
        let shares: Vec<Vec<_>> = shares.collect();
        shares.into_iter().flatten().collect()
    }

    fn decide(self, reader: &mut CaseReading, line: &Line, stamp: DecisionStamp) -> DecidedLine {
        let With {
            hall,
            recorder,
            actor,
            ..
        } = self;
        let (id, request) = match (line, hall) {
            (Line::Whole { bytes, .. }, Some(_)) => reader.cases.read_request_line(bytes),
            (Line::Whole { bytes, .. }, None) => {
                let (id, case) = reader.cases.read_line(bytes);
                (id, case.map(|case| BulkRequest::Own(Box::new(case))))
            }
            (Line::TooLong { bytes }, _) => (Value::Null, Err(CaseError::line_too_long(*bytes))),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return DecidedLine::refused(id, &error),
        };
        let told = |decided: wcp::Decided| {
            let text = decided.decision.to_text();
            DecidedLine::Answered(answer_text(&id, &text, None::<&Value>))
        };
        match (request, hall, recorder) {
            (BulkRequest::Own(case), _, Some(recorder)) => {
                let governance = reader.governance.of(&case);
                let prepared = recorder.prepare_case(&governance, &case, actor, stamp);
                DecidedLine::Prepared(id, Box::new(prepared))
            }
            (BulkRequest::Own(case), _, None) => told(case.decide(stamp)),
            (BulkRequest::Given { input, task_id }, Some(hall), recorder) => {
                let asked = DecisionRequest {
                    input: &input,
                    approval: None,
                    task_id: &task_id,
                    actor,
                    stamp,
                };
                match recorder {
                    Some(recorder) => {
                        let prepared = recorder.prepare(hall.governance(), hall, &asked);
                        DecidedLine::Prepared(id, Box::new(prepared))
                    }
                    None => {
                        let basis = hall.governance().basis(hall, None, &task_id);
                        told(make_decision(&input, &basis, stamp))
                    }
                }
            }
            // Only a Hall that is given has lines without rules.
            (BulkRequest::Given { .. }, None, _) => {
                let error = CaseError {
                    field: "rules".to_owned(),
                    message: "is missing".to_owned(),
                };
                DecidedLine::refused(id, &error)
            }
        }
    }
}

impl DecidedLine {
    fn refused(id: Value, error: &CaseError) -> DecidedLine {
        let answer = answer(id, Err(error)).canonical(Form::Utf8);
        DecidedLine::Answered(answer.into_bytes())
    }
}

fn lock(readers: &Mutex<Vec<CaseReading>>) -> std::sync::MutexGuard<'_, Vec<CaseReading>> {
    readers.lock().unwrap_or_else(PoisonError::into_inner)
}
