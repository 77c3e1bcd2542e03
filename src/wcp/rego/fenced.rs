//! A policy in a process of its own.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::evaluator::{ARGUMENT, answer_of};
use super::{RegoError, RegoLimits, RegoSource, read_answer};
use crate::ledger::json::{Form, Value};
use crate::ledger::parse::parse;
use crate::wcp::gate::{GateAnswer, GateContext, GateError, PolicyGate, Rerun};
use crate::wcp::rego_document::to_document;

/// An evaluator that has not answered by then is ended. Its own limit of
/// processor time comes first, unless the machine has no time for it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A policy that is evaluated by processes with hard limits, which are kept
/// between requests.
///
/// What ends such a process does not end this one: the gate then answers
/// [`GateError::CouldNotEvaluate`], and another process is started for the next
/// request.
pub struct FencedGate {
    program: PathBuf,
    document: Value,
    greeting: Vec<u8>,
    pool: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    idle: Vec<Evaluator>,
    /// How many more may be started.
    left: usize,
}

impl fmt::Debug for FencedGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let processes = pool.idle.iter().map(|idle| idle.child.id());
        let processes: Vec<u32> = processes.collect();
        f.debug_struct("FencedGate")
            .field("program", &self.program)
            .field("processes", &processes)
            .finish_non_exhaustive()
    }
}

impl FencedGate {
    /// Puts a policy behind the fence. `program` is one that becomes an
    /// evaluator when its only argument is [`ARGUMENT`], as `sealbook` does.
    ///
    /// # Errors
    /// [`RegoError`] if the policy is refused, or nothing evaluates it.
    pub fn new(
        program: &Path,
        source: &RegoSource,
        limits: RegoLimits,
    ) -> Result<FencedGate, RegoError> {
        if source.modules.is_empty() {
            return Err(RegoError::Empty);
        }
        FencedGate::of_document(program, to_document(source, limits))
    }

    /// The same for what is recorded of a policy.
    pub fn of_document(program: &Path, document: Value) -> Result<FencedGate, RegoError> {
        let text = document.canonical(Form::Utf8);
        let greeting = format!("{}\n{text}\n", text.len()).into_bytes();
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let gate = FencedGate {
            program: program.to_owned(),
            document,
            greeting,
            pool: Mutex::new(Pool {
                idle: Vec::new(),
                left: processors.clamp(2, 16),
            }),
            returned: Condvar::new(),
        };
        let first = gate.take().start()?;
        gate.give(Some(first));
        Ok(gate)
    }

    fn take(&self) -> EvaluatorPlace<'_> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let evaluator = pool.idle.pop();
            if evaluator.is_none() && pool.left == 0 {
                pool = self
                    .returned
                    .wait(pool)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            pool.left -= usize::from(evaluator.is_none());
            return EvaluatorPlace {
                gate: self,
                evaluator,
            };
        }
    }

    fn give(&self, evaluator: Option<Evaluator>) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match evaluator {
            Some(evaluator) => pool.idle.push(evaluator),
            None => pool.left += 1,
        }
        drop(pool);
        self.returned.notify_one();
    }
}

/// One of the places for evaluators.
struct EvaluatorPlace<'g> {
    gate: &'g FencedGate,
    evaluator: Option<Evaluator>,
}

impl EvaluatorPlace<'_> {
    /// The evaluator of this place, started if there is none.
    fn start(mut self) -> Result<Evaluator, RegoError> {
        if let Some(evaluator) = self.evaluator.take() {
            return Ok(evaluator);
        }
        let started = Evaluator::start(&self.gate.program, &self.gate.greeting);
        if started.is_err() {
            self.gate.give(None);
        }
        started
    }
}

impl PolicyGate for FencedGate {
    fn evaluate(&self, context: &GateContext<'_>) -> Result<GateAnswer, GateError> {
        let ended = |detail: String| GateError::CouldNotEvaluate { detail };
        let started = self.take().start();
        let mut evaluator = started.map_err(|error| ended(error.to_string()))?;
        let mut question = context.to_value().canonical(Form::Utf8).into_bytes();
        question.push(b'\n');
        let answer = evaluator.ask(&question);
        let answer = answer.map_err(|error| ended(evaluator.end(&error)));
        let answer = answer.and_then(|answer| {
            answer_of(&answer).unwrap_or_else(|| Err(ended("it gave no answer".to_owned())))
        });
        let spent = matches!(answer, Err(GateError::CouldNotEvaluate { .. }));
        self.give((!spent).then_some(evaluator));
        read_answer(&answer?)
    }

    fn rerun(&self) -> Rerun {
        Rerun::Policy(self.document.clone())
    }
}

/// A process that evaluates the policy.
struct Evaluator {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Evaluator {
    fn start(program: &Path, greeting: &[u8]) -> Result<Evaluator, RegoError> {
        let refused = |detail: String| RegoError::Refused { detail };
        let spawned = Command::new(program)
            .arg(ARGUMENT)
            .env_clear()
            // The allocator's reserve would count as taken.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let not_started =
            |error: io::Error| refused(format!("{} does not start: {error}", program.display()));
        let mut child = spawned.map_err(not_started)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let pipes = pipes.ok_or(io::ErrorKind::BrokenPipe.into());
        let (input, output) = pipes.map_err(not_started)?;
        let output = BufReader::new(output);
        let mut evaluator = Evaluator {
            child,
            input,
            output,
        };
        match evaluator.ask(greeting) {
            Ok(answer) if answer.get("ready").is_some() => Ok(evaluator),
            Ok(answer) => {
                let detail = answer.get("refused").and_then(Value::as_str);
                Err(refused(detail.unwrap_or("it gave no answer").to_owned()))
            }
            Err(error) => Err(RegoError::CouldNotEvaluate {
                detail: evaluator.end(&error),
            }),
        }
    }

    fn ask(&mut self, question: &[u8]) -> io::Result<Value> {
        self.input.write_all(question)?;
        self.input.flush()?;
        let begun = Instant::now();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") {
            if self.output.buffer().is_empty() {
                self.wait(TIMEOUT.saturating_sub(begun.elapsed()))?;
            }
            let read = self.output.fill_buf()?;
            if read.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = memchr::memchr(b'\n', read).map_or(read.len(), |at| at + 1);
            answer.extend_from_slice(read.get(..end).unwrap_or(read));
            self.output.consume(end);
        }
        parse(&answer).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn wait(&self, timeout: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
        let mut ready = [PollFd::new(self.output.get_ref(), PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the process, and says how it ended.
    fn end(&mut self, error: &io::Error) -> String {
        if error.kind() == io::ErrorKind::TimedOut {
            return format!("it was ended after {} s", TIMEOUT.as_secs());
        }
        // It has ended already, but for one that answers no JSON.
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => format!("its process ended: {status}"),
            Err(error) => format!("its process ended: {error}"),
        }
    }
}

impl Drop for Evaluator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
