//! A run of the program under strace, with or without a fault.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::place::{Place, Ran};

/// What may fail: everything that opens, writes, syncs, names or removes.
const CALLS: [&str; 25] = [
    "open",
    "openat",
    "creat",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "rename",
    "renameat",
    "renameat2",
    "ftruncate",
    "fallocate",
    "close",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "link",
    "linkat",
    "symlink",
    "flock",
];

/// No command of ours takes so long.
const TIMEOUT: Duration = Duration::from_secs(90);

pub(crate) struct Traced {
    pub(crate) ran: Ran,
    pub(crate) signal: Option<i32>,
    pub(crate) hung: bool,
    pub(crate) calls: Vec<Call>,
}

/// A system call, in the order in which they began.
pub(crate) struct Call {
    thread: u32,
    pub(crate) name: String,
    /// As strace writes it: arguments, with the paths of descriptors.
    pub(crate) text: String,
    pub(crate) injected: bool,
}

/// Whether strace is here and may be used.
pub(crate) fn is_possible() -> Result<(), String> {
    let mut command = Command::new("strace");
    command.args(["-f", "--seccomp-bpf", "-qq", "-e", "trace=none", "true"]);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    match quiet.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("strace may not trace here".to_owned()),
        Err(error) => Err(format!("strace cannot be run: {error}")),
    }
}

/// Runs the program in `place`; `fault` is what strace is to inject, such as
/// `openat:error=EIO:when=3`.
pub(crate) fn trace(place: &Place, fault: Option<&str>, args: &[&str], input: &str) -> Traced {
    trace_only(place, fault, None, args, input)
}

/// The same of the calls on one file alone, as [`Call::file`] names it.
pub(crate) fn trace_only(
    place: &Place,
    fault: Option<&str>,
    file: Option<&str>,
    args: &[&str],
    input: &str,
) -> Traced {
    let [out, err, given, log] = ["stdout", "stderr", "stdin", "trace"].map(|n| place.path(n));
    fs::write(&given, input).unwrap();
    let calls: Vec<_> = CALLS.iter().map(|call| format!("?{call}")).collect();
    let traced = format!("trace={}", calls.join(","));
    let mut command = place.command_of(std::path::Path::new("strace"), &[]);
    command.args(["-f", "-qq", "-y", "-s", "1024", "-e", &traced]);
    command.args(["-e", "signal=none", "-o"]).arg(&log);
    // Much faster; but strace delivers no signals with it.
    if !fault.is_some_and(|fault| fault.contains("signal=")) {
        command.arg("--seccomp-bpf");
    }
    if let Some(file) = file {
        command.args(["-P", file]);
    }
    if let Some(fault) = fault {
        command.args(["-e", &format!("inject={fault}")]);
    }
    command.arg("--").arg(place.program()).args(args);
    command.stdin(File::open(&given).unwrap());
    command.stdout(File::create(&out).unwrap());
    command.stderr(File::create(&err).unwrap());
    // A group of its own, so that one that hangs can be ended with all it has.
    let mut child = command.process_group(0).spawn().unwrap();
    let begun = Instant::now();
    let (status, hung) = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break (status, false);
        }
        if begun.elapsed() > TIMEOUT {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill")
                .args(["-s", "KILL", "--", &group])
                .status();
            break (child.wait().unwrap(), true);
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let traced = Traced {
        ran: Ran {
            status: status.code(),
            stdout: text(&out),
            stderr: text(&err),
        },
        signal: status.signal(),
        hung,
        calls: parse(&text(&log)),
    };
    for file in [&out, &err, &given, &log] {
        fs::remove_file(file).unwrap();
    }
    traced
}

impl Traced {
    /// For each call the numbers under which a thread makes it on a file of
    /// `place`: the third, if it is the third of its thread. What the loader and
    /// the runtime look for elsewhere is left out.
    pub(crate) fn numbers(&self, place: &Place) -> BTreeMap<String, BTreeSet<usize>> {
        numbers(&self.calls, place)
    }

    /// The calls that were made to fail, with their places.
    pub(crate) fn injected(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.calls
            .iter()
            .enumerate()
            .filter(|(_, call)| call.injected)
    }
}

/// For each call the numbers under which a thread makes it on a file of `place`.
pub(crate) fn numbers(calls: &[Call], place: &Place) -> BTreeMap<String, BTreeSet<usize>> {
    let mut counts: HashMap<(&str, u32), usize> = HashMap::new();
    let mut numbers: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for call in calls {
        let number = counts.entry((&call.name, call.thread)).or_default();
        *number += 1;
        if call.is_in(place) {
            let known = numbers.entry(call.name.clone()).or_default();
            known.insert(*number);
        }
    }
    numbers
}

impl Call {
    pub(crate) const fn thread(&self) -> u32 {
        self.thread
    }

    /// The file that it is of: the path of its descriptor, or the name that it is given.
    pub(crate) fn file(&self) -> Option<String> {
        let (_, arguments) = self.text.split_once('(')?;
        let first = arguments.split_once("<").filter(|(number, _)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let (file, _) = match first {
            Some((_, path)) => path.split_once('>')?,
            None => arguments.split_once('"')?.1.split_once('"')?,
        };
        Some(file.to_owned())
    }

    /// Whether it names a file of the place, or has one open.
    pub(crate) fn is_in(&self, place: &Place) -> bool {
        let dir = place.dir().to_string_lossy();
        let beside = format!("AT_FDCWD<{dir}>, ");
        let arguments = self.text.replace(&beside, "");
        let by_name = |name: &str| !name.starts_with('/') || name.starts_with(&*dir);
        match arguments
            .split('(')
            .nth(1)
            .unwrap_or_default()
            .strip_prefix('"')
        {
            Some(name) => by_name(name),
            None => arguments.contains(&*dir),
        }
    }
}

/// Reads lines such as `123 fsync(5</db/000004.log>) = -1 EIO (…) (INJECTED)`;
/// what another thread interrupts goes on in a line of its own.
pub(crate) fn parse(log: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for line in log.lines() {
        let Some((thread, text)) = line.split_once(' ') else {
            continue;
        };
        let (Ok(thread), text) = (thread.parse(), text.trim_start()) else {
            continue;
        };
        let injected = text.ends_with("(INJECTED)");
        if text.starts_with("<... ") {
            let begun = calls.iter_mut().rev().find(|call| call.thread == thread);
            if let Some(call) = begun {
                call.injected |= injected;
            }
            continue;
        }
        let Some((name, _)) = text.split_once('(') else {
            continue;
        };
        calls.push(Call {
            thread,
            name: name.to_owned(),
            text: text.to_owned(),
            injected,
        });
    }
    calls
}
