//! The process that evaluates one policy and can do nothing else.
//!
//! It is this program, started again by [`FencedGate`](super::fenced::FencedGate).
//! It speaks lines of JSON over its standard input and output: the policy first,
//! then one request after another. Before it reads the policy it gives up memory
//! beyond a limit, new files, and every system call but those for memory, its two
//! pipes and the clock. Each answer has its own limit of processor time.

use std::io::{self, BufRead, Read as _, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{RegoGate, RegoLimits, STACK};
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::parse::parse;
use crate::wcp::gate::GateError;

/// The argument that makes the program an evaluator.
pub const ARGUMENT: &str = "evaluate-policy";

/// Memory that the process may have beside what its policy's document takes.
const MEMORY: u64 = 384 << 20;

/// A byte of a document takes so many in memory, at most.
const OF_DOCUMENT: u64 = 24;

/// Seconds of processor time for one answer, or for the policy, where a budget is
/// counted: many times what the dearest policy within it takes, so that the budget
/// is what decides.
const SECONDS: u64 = 20;

/// The same where nothing is counted.
const UNCOUNTED_SECONDS: u64 = 2;

/// A line is at most this long.
const LINE: u64 = 128 << 20;

/// Evaluates what its standard input asks for, until that ends.
pub fn run() -> io::Result<()> {
    if std::env::args_os().nth(2).is_none() {
        return Err(begin_again());
    }
    // Its stack is as deep as policies need.
    let thread = std::thread::Builder::new().stack_size(STACK);
    let thread = thread.spawn(serve)?;
    thread
        .join()
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

/// Becomes the same program without what it was handed beside its pipes: its
/// parent may have left files open in it.
fn begin_again() -> io::Error {
    use std::os::unix::process::CommandExt as _;
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    // The file that runs, even where another lies in its place by now.
    let running = PathBuf::from("/proc/self/exe");
    let program = match running.exists() {
        true => Ok(running),
        false => std::env::current_exe(),
    };
    match program {
        Ok(program) => Command::new(program).args([ARGUMENT, "alone"]).exec(),
        Err(error) => error,
    }
}

fn serve() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let length = match read_line(&mut input)? {
        Some(length) => String::from_utf8_lossy(&length).trim().parse::<u64>(),
        None => return Ok(()),
    };
    let length = length.map_err(|_| io::ErrorKind::InvalidData)?;
    fence(length)?;
    let mut seconds = SECONDS;
    let mut gate = None;
    allow(seconds)?;
    while let Some(line) = read_line(&mut input)? {
        allow(seconds)?;
        let asked = parse(&line).map_err(|_| io::ErrorKind::InvalidData)?;
        let answer = match &gate {
            None => match RegoGate::from_document(&asked, RegoLimits::default()) {
                Ok(made) => {
                    if made.limits().bytes.is_none() {
                        seconds = UNCOUNTED_SECONDS;
                    }
                    gate = Some(made);
                    object([("ready", Value::from(true))])
                }
                Err(error) => object([("refused", Value::from(error.to_string()))]),
            },
            Some(gate) => match gate.answer(&asked) {
                Ok(answer) => object([("answer", Value::from(answer))]),
                Err(error) => refusal(&error),
            },
        };
        let mut answer = answer.canonical(Form::Utf8).into_bytes();
        answer.push(b'\n');
        let mut output = io::stdout().lock();
        output.write_all(&answer)?;
        output.flush()?;
    }
    Ok(())
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.take(LINE).read_until(b'\n', &mut line)?;
    Ok(line.ends_with(b"\n").then_some(line))
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect::<Object>())
}

/// An error of the gate, to be read by [`error_of`].
fn refusal(error: &GateError) -> Value {
    let limit = match error {
        GateError::TooManyInstructions { limit } => *limit as u64,
        GateError::TooManyBytes { limit } => *limit,
        GateError::TimedOut { limit } => u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        _ => 0,
    };
    let detail = match error {
        GateError::Failed { detail } => detail.clone(),
        error => error.to_string(),
    };
    object([
        ("error", Value::from(error.code())),
        ("limit", Value::from(limit)),
        ("detail", Value::from(detail)),
    ])
}

/// The inverse of what an evaluator answers; none if it is not an answer.
pub(super) fn answer_of(answer: &Value) -> Option<Result<String, GateError>> {
    if let Some(answer) = answer.get("answer") {
        return Some(Ok(answer.as_str()?.to_owned()));
    }
    let limit = answer.get("limit")?.as_u64()?;
    let detail = answer.get("detail")?.as_str()?.to_owned();
    Some(Err(match answer.get("error")?.as_str()? {
        "undefined" => GateError::Undefined,
        "too_many_instructions" => GateError::TooManyInstructions {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        },
        "too_many_bytes" => GateError::TooManyBytes { limit },
        "timed_out" => GateError::TimedOut {
            limit: Duration::from_millis(limit),
        },
        _ => GateError::Failed { detail },
    }))
}

/// Gives up everything but memory, two pipes and the clock.
fn fence(document: u64) -> io::Result<()> {
    let memory = MEMORY.saturating_add(document.saturating_mul(OF_DOCUMENT));
    let limits = [
        (Resource::Data, memory.saturating_add(STACK as u64)),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 0),
    ];
    for (resource, limit) in limits {
        let limit = Some(limit);
        let (current, maximum) = (limit, limit);
        setrlimit(resource, Rlimit { current, maximum })?;
    }
    filter()
}

/// The system calls that are left; the others fail as not permitted.
#[cfg(target_os = "linux")]
fn filter() -> io::Result<()> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};
    let calls = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_prlimit64,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, denied, SeccompAction::Allow, arch);
    let filter: BpfProgram = filter
        .map_err(io::Error::other)?
        .try_into()
        .map_err(io::Error::other)?;
    apply_filter_all_threads(&filter).map_err(io::Error::other)
}

#[cfg(not(target_os = "linux"))]
fn filter() -> io::Result<()> {
    Ok(())
}

/// Leaves the process so much processor time from now on. It is counted in whole
/// seconds; beyond it the system ends the process.
fn allow(seconds: u64) -> io::Result<()> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let used = u64::try_from(used.tv_sec).unwrap_or(0);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = Some(used.saturating_add(seconds).saturating_add(1));
    setrlimit(Resource::Cpu, Rlimit { current, maximum })?;
    Ok(())
}
