//! Going on where an earlier verification stopped: `--state`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::ledger::checkpoint::{Checkpoint, SavedState};
use crate::ledger::fault::{NotChecked, Warning, WarningCode};
use crate::ledger::json::Form;
use crate::ledger::key::{Signer, SoftwareSigner};
use crate::ledger::limits;
use crate::ledger::logbook_file::{LogbookFile, ResumeError};
use crate::ledger::parse;
use crate::ledger::policy::Policy;
use crate::ledger::verify::{Outcome, verify_from};

use super::super::compressed::{open, open_at};
use super::super::document;
use super::super::error::{CliError, StateRefusal};
use super::super::passphrase;
use super::super::progress::Progress;

/// How often the state is saved while a file is read.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// What the arguments say of the state.
pub(super) struct Resumable<'a> {
    pub(super) path: &'a Path,
    pub(super) key: Option<&'a Path>,
    pub(super) skip_prefix: bool,
}

/// Verifies the logbook file `file`, from where the state says on.
pub(super) fn resumable(
    file: &Path,
    state: &Resumable<'_>,
    policy: &Policy,
) -> Result<Outcome, CliError> {
    let signer = state.key.map(passphrase::open).transpose()?;
    // What has to be looked for in all entries is looked for from the first on.
    let from_the_start =
        !policy.contains.is_empty() || policy.receipts.is_some() || !policy.revocations.is_empty();
    let saved = match load(state.path)? {
        Some(saved) if !from_the_start => {
            check(&saved, state.path, signer.as_ref(), policy)?;
            Some(saved)
        }
        _ => None,
    };
    let checkpoint = saved.as_ref().map(|saved| &saved.checkpoint);
    let refuse = |error| match error {
        ResumeError::Read(source) => CliError::file(file, source),
        _ => CliError::State(StateRefusal::OtherFile {
            path: state.path.to_owned(),
            file: file.to_owned(),
        }),
    };
    let (mut source, read, length) = match checkpoint {
        Some(at) if state.skip_prefix => {
            let (opened, skip) = open_at(file, at.bytes)?;
            let source = LogbookFile::skipped(opened.reader, at, skip).map_err(refuse)?;
            (source, opened.read, opened.length)
        }
        Some(at) => {
            let opened = open(file)?;
            let source = LogbookFile::resumed(opened.reader, at).map_err(refuse)?;
            (source, opened.read, opened.length)
        }
        None => {
            let opened = open(file)?;
            let source = LogbookFile::with_offsets(opened.reader);
            (source, opened.read, opened.length)
        }
    };
    let mut progress = Progress::new(Some(length), "bytes");
    let mut last = Instant::now();
    let mut failed = None;
    let signer = signer.as_ref().map(|signer| signer as &dyn Signer);
    let mut outcome = verify_from(&mut source, policy, checkpoint, &mut |_, reached| {
        progress.at(read.load(Ordering::Relaxed));
        if let Some(reached) = reached.filter(|_| last.elapsed() >= SAVE_EVERY) {
            failed = save(state.path, reached, signer).err();
            last = Instant::now();
        }
    })?;
    progress.finish();
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some(reached) = &outcome.reached {
        save(state.path, reached, signer)?;
    }
    if let Some(saved) = &saved {
        say(saved, state, &mut outcome);
    }
    Ok(outcome)
}

/// What the report has to say of what was not read again, or read on trust.
fn say(saved: &SavedState, state: &Resumable<'_>, outcome: &mut Outcome) {
    let n = saved.checkpoint.n;
    let by = match (&saved.signed_by, state.key) {
        (Some(key), Some(_)) => format!("signed by {key}"),
        (Some(key), None) => format!("signed by {key}, for whom nobody vouches"),
        (None, _) => "not signed".to_owned(),
    };
    let report = &mut outcome.report;
    report.warnings.push(Warning {
        code: WarningCode::Resumed,
        detail: format!("the first {n} entries were verified by an earlier run; its state is {by}"),
    });
    if state.skip_prefix {
        report.not_checked.push(NotChecked::Prefix);
    }
    if state.key.is_none() {
        report.not_checked.push(NotChecked::StateUnsigned);
    }
    report.not_checked.sort_unstable();
}

fn load(path: &Path) -> Result<Option<SavedState>, CliError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CliError::file(path, error)),
    };
    let text = document::read_from(file, path, limits::SMALL_FILE_BYTES)?;
    let value = parse::parse(&text).map_err(document::in_file(path))?;
    let restored = Checkpoint::restore(&value);
    let restored = restored.map_err(|source| StateRefusal::Invalid {
        path: path.to_owned(),
        source,
    });
    Ok(Some(restored?))
}

fn check(
    saved: &SavedState,
    path: &Path,
    signer: Option<&SoftwareSigner>,
    policy: &Policy,
) -> Result<(), StateRefusal> {
    let path = path.to_owned();
    let log = saved.checkpoint.log;
    if signer.is_some_and(|signer| saved.signed_by != Some(signer.public_key())) {
        Err(StateRefusal::Signer { path })
    } else if !policy.keys.contains(&log) {
        Err(StateRefusal::OtherKey { path, log })
    } else if policy.signatures && !saved.checkpoint.signatures {
        Err(StateRefusal::NoSignatures { path })
    } else {
        Ok(())
    }
}

/// Replaces the state: either the old or the new one is there, whatever happens.
fn save(path: &Path, checkpoint: &Checkpoint, signer: Option<&dyn Signer>) -> Result<(), CliError> {
    let value = checkpoint.save(signer)?;
    let mut text = value.canonical(Form::Utf8);
    text.push('\n');
    let failed = |error| CliError::file(path, error);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let mut file = builder
        .prefix(".state-")
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
