//! What keeps the seed and the passphrase to this process: it is not dumped, its
//! pages of them are not swapped out, and its environment holds no passphrase.
//!
//! What cannot be had without unsafe code: aws-lc's own copy of the key lies in
//! its own memory, which is wiped but not locked, and what `std` read of the
//! environment before [`hand_over`] stays in the first image of the process, which
//! `exec` ends.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, setrlimit};
use zeroize::Zeroizing;

use super::output::Output;

/// Holds the passphrase where no person can be asked.
const VARIABLE: &str = "SEALBOOK_KEY_PASSPHRASE";

/// Names the descriptor that it is read from instead.
const DESCRIPTOR: &str = "SEALBOOK_KEY_PASSPHRASE_FD";

/// Where systemd puts credentials, and the name of ours there.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const CREDENTIAL: &str = "sealbook-key-passphrase";

/// Of a passphrase; a pipe takes as much at once on every system.
const MOST_BYTES: usize = 4_096;

/// Runs this program once more with the passphrase in a pipe, so that it stands
/// in no environment that others can read. Returns where there is none to hand
/// over, or where the system does not do it, which is then said.
pub(super) fn hand_over() -> Option<String> {
    let passphrase = Zeroizing::new(std::env::var(VARIABLE).ok()?);
    if passphrase.is_empty() || passphrase.len() > MOST_BYTES {
        return None;
    }
    let failed =
        |error: io::Error| Some(format!("the passphrase stays in the environment: {error}"));
    let reading = match filled(&passphrase) {
        Ok(reading) => reading,
        Err(error) => return failed(error),
    };
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return failed(error),
    };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    command.env_remove(VARIABLE);
    command.env(DESCRIPTOR, reading.as_raw_fd().to_string());
    failed(command.exec())
}

/// The end to read from of a pipe that holds `passphrase`, and that `exec` keeps.
fn filled(passphrase: &str) -> io::Result<OwnedFd> {
    let (reading, writing) = rustix::pipe::pipe()?;
    let mut writing = File::from(writing);
    writing.write_all(passphrase.as_bytes())?;
    writing.write_all(b"\n")?;
    Ok(reading)
}

/// Forbids dumps of this process, also to a debugger of the same user.
pub(super) fn forbid_dumps(output: &mut Output) {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let mut result = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        result = result.and(set_dumpable_behavior(DumpableBehavior::NotDumpable));
    }
    if let Err(error) = result {
        output.warning(&format!("this process can be dumped: {error}"));
    }
}

static PASSPHRASE: OnceLock<Option<Zeroizing<String>>> = OnceLock::new();

/// Why pages were not locked.
static UNLOCKED: OnceLock<String> = OnceLock::new();

/// The passphrase, out of the descriptor, systemd's credentials, or the
/// environment; an empty one is as good as none. What there is and cannot be one
/// is an error of the kind [`ErrorKind::InvalidData`].
pub(super) fn passphrase() -> io::Result<Option<Zeroizing<String>>> {
    if PASSPHRASE.get().is_none() {
        let passphrase = given()?.filter(|text| !text.is_empty());
        if let Some(text) = &passphrase {
            lock(text.as_bytes());
        }
        let _ = PASSPHRASE.set(passphrase);
    }
    Ok(PASSPHRASE.get().cloned().flatten())
}

pub(super) fn lock<T: ?Sized>(value: &T) {
    match region::lock(std::ptr::from_ref(value).cast::<u8>(), size_of_val(value)) {
        // Pages are unlocked when the process ends; two values may share one.
        Ok(guard) => std::mem::forget(guard),
        Err(error) => {
            let _ = UNLOCKED.set(error.to_string());
        }
    }
}

pub(super) fn warn(output: &mut Output) {
    if let Some(error) = UNLOCKED.get() {
        output.warning(&format!(
            "secrets of this process may be swapped out: {error}; raise its limit of locked \
             memory (RLIMIT_MEMLOCK)"
        ));
    }
}

fn given() -> io::Result<Option<Zeroizing<String>>> {
    if let Some(number) = std::env::var_os(DESCRIPTOR) {
        let number = number.to_str().and_then(|text| text.parse::<u32>().ok());
        let number =
            number.ok_or_else(|| no_passphrase(DESCRIPTOR, "not a descriptor's number"))?;
        let path = format!("/dev/fd/{number}");
        return read(Path::new(&path), DESCRIPTOR).map(Some);
    }
    if let Some(folder) = std::env::var_os(CREDENTIALS) {
        let path = Path::new(&folder).join(CREDENTIAL);
        if path.exists() {
            return read(&path, CREDENTIAL).map(Some);
        }
    }
    match std::env::var(VARIABLE) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(no_passphrase(VARIABLE, "not UTF-8")),
    }
}

fn no_passphrase(source: &str, problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{source} is {problem}"))
}

/// A passphrase and at most one line feed.
fn read(path: &Path, source: &str) -> io::Result<Zeroizing<String>> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{source}: {error}"));
    let mut text = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 1));
    let file = File::open(path).map_err(failed)?;
    let mut piece = file.take(MOST_BYTES as u64 + 1);
    piece.read_to_end(&mut text).map_err(failed)?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    let line = std::str::from_utf8(line).map_err(|_| no_passphrase(source, "not UTF-8"))?;
    Ok(Zeroizing::new(line.to_owned()))
}
