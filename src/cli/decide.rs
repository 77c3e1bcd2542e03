//! `sealbook decide`: requests in bulk, answered in order as they come.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::ValueEnum;
use rayon::prelude::*;

use crate::api::Writer;
use crate::api::held::Signed;
use crate::ledger::json::{Form, Value};
use crate::ledger::lines::{Line, read_line};
use crate::record::bulk::CaseGovernance;
use crate::record::recorder::Prepared;
use crate::record::{Asked, Hall, RecordError, Recorder, RequestContent, Underway};
use crate::wcp::bulk::{BulkRequest, CaseError, CaseReader, answer};
use crate::wcp::{Stamp, make_decision};

use super::Answer;
use super::append::Recorded;
use super::context::Context;
use super::error::CliError;
use super::hall;
use super::output::Output;
use super::progress::Progress;
use super::recording;
use super::stamps::Stamps;

/// Lines decided together, if so many are there.
const GROUP: usize = 256;

/// Bytes from which on a group is full.
const GROUP_BYTES: usize = 4 << 20;

/// Lines that one thread takes at a time.
const SHARE: usize = 16;

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
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Content::Whole)]
    record_request: Content,
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
pub(super) enum Content {
    /// All of it
    Whole,
    /// Its digest, and the flags that the blast score depends on
    Hash,
}

impl From<Content> for RequestContent {
    fn from(content: Content) -> RequestContent {
        match content {
            Content::Whole => RequestContent::Whole,
            Content::Hash => RequestContent::Digest,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let requests = open(&args.requests)?;
    let options = context.options().record_request(args.record_request.into());
    let ledger = args
        .record
        .then(|| context.writer_as(options, Signed::Nobody));
    let ledger = ledger.transpose()?;
    let recorder = ledger.as_ref().map(Writer::recorder).transpose()?;
    let hall = args.hall.load_if_given(output)?;
    let hall = hall.map(|hall| recording::heeding(ledger.as_ref(), context, hall));
    let hall = hall.transpose()?;
    let mut run = Run {
        hall: hall.as_ref(),
        recorder: recorder.map(|recorder| &**recorder),
        stamps: Stamps::new(context)?,
        readers: Mutex::default(),
        waiting: VecDeque::new(),
        answered: 0,
        recorded: Recorded::default(),
        failure: None,
    };
    let decided = run.all(requests, output);
    let failure = run.failure.take();
    let recorded = run.recorded;
    drop(run);
    let closed = ledger.map(Writer::close);
    decided?;
    // What stopped the writer says more than that it has stopped.
    if let Some(error) = failure {
        return Err(error.into());
    }
    closed.transpose()?;
    recorded.delivered(output)
}

type Requests = BufReader<Box<dyn Read>>;

fn open(path: &Path) -> Result<Requests, CliError> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| CliError::file(path, error))?)
    };
    Ok(BufReader::with_capacity(1 << 18, reader))
}

struct Run<'r> {
    /// That of lines without rules of their own.
    hall: Option<&'r Hall>,
    recorder: Option<&'r Recorder>,
    stamps: Stamps,
    /// Each remembers the rules that it read last; a thread takes one.
    readers: Mutex<Vec<Reader>>,
    /// Answers whose entries are not known to be durable, in order.
    waiting: VecDeque<Waiting>,
    answered: u64,
    recorded: Recorded,
    failure: Option<RecordError>,
}

#[derive(Default)]
struct Reader {
    cases: CaseReader,
    governance: CaseGovernance,
}

enum Decided {
    Prepared(Value, Box<Prepared>),
    Answered(Value),
}

enum Waiting {
    Underway(Value, Box<Underway>),
    Answered(Value),
}

impl Run<'_> {
    fn all(&mut self, mut requests: Requests, output: &mut Output) -> Result<(), CliError> {
        let mut progress = Progress::new(None, "requests");
        let (mut group, mut weight) = (Vec::with_capacity(GROUP), 0);
        loop {
            let line = read_line(&mut requests)
                .map_err(|error| CliError::file(Path::new("requests"), error))?;
            let ended = line.is_none();
            if let Some(line) = line {
                weight += line.weight();
                let blank =
                    matches!(&line, Line::Whole { bytes, .. } if bytes.trim_ascii().is_empty());
                if !blank {
                    group.push((line, self.stamps.next()));
                }
            }
            // A group ends when it is full, or when the next line is not here
            // yet: a caller that asks one question at a time gets its answer.
            let pause = ended || !requests.buffer().contains(&b'\n');
            if group.len() < GROUP && weight < GROUP_BYTES && !pause {
                continue;
            }
            weight = 0;
            self.decide(std::mem::take(&mut group));
            self.print(if pause { 0 } else { UNDER_WAY }, output)?;
            if pause {
                output.flush()?;
            }
            progress.at(self.answered);
            if ended {
                progress.finish();
                return Ok(());
            }
        }
    }

    /// Decides on all cores; records in the order of the lines.
    fn decide(&mut self, group: Vec<(Line, Stamp)>) {
        let (hall, recorder, readers) = (self.hall, self.recorder, &self.readers);
        let decided: Vec<Vec<Decided>> = group
            .par_chunks(SHARE)
            .map(|lines| {
                let mut reader = lock(readers).pop().unwrap_or_default();
                let lines = lines.iter();
                let decided =
                    lines.map(|(line, stamp)| decide(&mut reader, line, *stamp, hall, recorder));
                let decided = decided.collect();
                lock(readers).push(reader);
                decided
            })
            .collect();
        for decided in decided.into_iter().flatten() {
            self.waiting.push_back(match (decided, self.recorder) {
                (Decided::Prepared(id, prepared), Some(recorder)) => {
                    Waiting::Underway(id, Box::new(recorder.submit(*prepared)))
                }
                (Decided::Prepared(id, _), None) | (Decided::Answered(id), _) => {
                    Waiting::Answered(id)
                }
            });
        }
    }

    /// Prints answers until so many are left waiting.
    fn print(&mut self, left: usize, output: &mut Output) -> Result<(), CliError> {
        while self.waiting.len() > left {
            let answer = match self.waiting.pop_front() {
                None => break,
                Some(Waiting::Answered(answer)) => answer,
                Some(Waiting::Underway(id, underway)) => self.recorded(id, *underway, output),
            };
            self.answered += 1;
            output.canonical(answer.canonical(Form::Utf8).as_bytes())?;
        }
        Ok(())
    }

    /// The answer to a line whose entry is durable, or which is denied.
    fn recorded(&mut self, id: Value, underway: Underway, output: &mut Output) -> Value {
        let recorded = underway.wait();
        let mut answer = answer(id, Ok(recorded.decision.to_value()));
        match recorded.receipt {
            Ok(receipt) => {
                self.recorded.take(receipt.seq());
                if let Value::Object(members) = &mut answer {
                    members.insert("receipt", receipt.to_object());
                }
            }
            Err(error @ (RecordError::Logbook(_) | RecordError::Search(_))) => {
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

fn decide(
    reader: &mut Reader,
    line: &Line,
    stamp: Stamp,
    hall: Option<&Hall>,
    recorder: Option<&Recorder>,
) -> Decided {
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
        Err(error) => return Decided::Answered(answer(id, Err(&error))),
    };
    match (request, hall, recorder) {
        (BulkRequest::Own(case), _, Some(recorder)) => {
            let governance = reader.governance.of(&case);
            let prepared = recorder.prepare_case(&governance, &case, stamp);
            Decided::Prepared(id, Box::new(prepared))
        }
        (BulkRequest::Own(case), _, None) => {
            Decided::Answered(answer(id, Ok(case.decide(stamp).decision.to_value())))
        }
        (BulkRequest::Given { input, task_id }, Some(hall), recorder) => {
            let asked = Asked {
                input: &input,
                approval: None,
                task_id: &task_id,
                actor: None,
                stamp,
            };
            match recorder {
                Some(recorder) => {
                    let prepared = recorder.prepare(hall.governance(), hall, &asked);
                    Decided::Prepared(id, Box::new(prepared))
                }
                None => {
                    let basis = hall.governance().basis(hall, None, &task_id);
                    let decided = make_decision(&input, &basis, stamp);
                    Decided::Answered(answer(id, Ok(decided.decision.to_value())))
                }
            }
        }
        // Only a Hall that is given has lines without rules.
        (BulkRequest::Given { .. }, None, _) => {
            let error = CaseError {
                field: "rules".to_owned(),
                message: "is missing".to_owned(),
            };
            Decided::Answered(answer(id, Err(&error)))
        }
    }
}

fn lock(readers: &Mutex<Vec<Reader>>) -> std::sync::MutexGuard<'_, Vec<Reader>> {
    readers.lock().unwrap_or_else(PoisonError::into_inner)
}
