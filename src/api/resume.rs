//! Going on where an earlier verification of a logbook file stopped.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::ledger::checkpoint::{Checkpoint, SavedState, StateError};
use crate::ledger::fault::{Format, NotChecked, Warning, WarningCode};
use crate::ledger::json::Form;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::limits;
use crate::ledger::logbook_file::{LogbookFile, ResumeError};
use crate::ledger::parse;
use crate::ledger::policy::Policy;
use crate::ledger::search::search;
use crate::ledger::verify::{VerifyOutcome, verify_from};

use super::Error;
use super::examine::{Examined, explained};
use super::file::{OpenedInput, open, open_at};
use super::progress::{Progress, ProgressStep};
use super::recognise::{Recognised, recognise};

/// How often the state is saved while a file is read.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Where a verification says how far it came.
#[derive(Clone, Copy)]
pub struct Resume<'a> {
    /// The file of the state. Without one, a verification begins at the first
    /// entry, and makes it.
    pub path: &'a Path,
    /// Who signs the state. A state that he did not sign is refused.
    pub signer: Option<&'a dyn Signer>,
    /// What was verified before is not read again.
    pub skip_prefix: bool,
}

/// What is wrong with the saved state of a verification.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum ResumeRefusal {
    #[error("the state file {}: {source}", path.display())]
    Invalid { path: PathBuf, source: StateError },
    #[error("the state file {} is not signed by the state key", path.display())]
    Signer { path: PathBuf },
    #[error("the state file {} is of a verification under the key {log}, which was not given", path.display())]
    OtherKey { path: PathBuf, log: PublicKey },
    #[error("the state file {} is of a verification without signatures", path.display())]
    NoSignatures { path: PathBuf },
    #[error("{} does not begin with the bytes that the state file {} was made of: it is another file, or was changed", file.display(), path.display())]
    OtherFile { path: PathBuf, file: PathBuf },
}

/// Verifies the logbook file `file`, from where the state says on, and saves how
/// far it came.
///
/// # Errors
/// [`Error::Resume`] if the state is not gone on from; [`Error::NotALogbook`].
pub fn examine_on(
    file: &Path,
    format: Option<Format>,
    policy: &Policy,
    resume: Resume<'_>,
    progress: &mut Progress<'_>,
) -> Result<Examined, Error> {
    match recognise(file, format)? {
        Recognised::File(Format::Logbook, _) => {}
        _ => {
            let path = file.to_owned();
            return Err(Error::NotALogbook { path });
        }
    }
    let outcome = go_on(file, resume, policy, progress)?;
    let examined = explained(outcome, policy, |wanted| {
        Ok(search(&mut LogbookFile::new(open(file)?.reader), wanted)?)
    })?;
    Ok(examined.with_cause(file))
}

fn go_on(
    file: &Path,
    resume: Resume<'_>,
    policy: &Policy,
    progress: &mut Progress<'_>,
) -> Result<VerifyOutcome, Error> {
    // What has to be looked for in all entries is looked for from the first on.
    let from_the_start =
        !policy.contains.is_empty() || policy.receipts.is_some() || !policy.revocations.is_empty();
    let saved = match load(resume.path)? {
        Some(saved) if !from_the_start => {
            check(&saved, resume.path, resume.signer, policy)?;
            Some(saved)
        }
        _ => None,
    };
    let checkpoint = saved.as_ref().map(|saved| &saved.checkpoint);
    let refuse = |error| match error {
        ResumeError::Read(source) => Error::file(file, source),
        _ => Error::Resume(ResumeRefusal::OtherFile {
            path: resume.path.to_owned(),
            file: file.to_owned(),
        }),
    };
    let (opened, skip) = match checkpoint {
        Some(at) if resume.skip_prefix => open_at(file, at.bytes)?,
        _ => (open(file)?, 0),
    };
    let OpenedInput {
        reader,
        read,
        length,
        ..
    } = opened;
    let mut source = match checkpoint {
        Some(at) if resume.skip_prefix => LogbookFile::skipped(reader, at, skip),
        Some(at) => LogbookFile::resumed(reader, at),
        None => Ok(LogbookFile::with_offsets(reader)),
    }
    .map_err(refuse)?;
    let mut last = Instant::now();
    let mut failed = None;
    let signer = resume.signer;
    let mut outcome = verify_from(&mut source, policy, checkpoint, &mut |_, reached| {
        progress(ProgressStep::of_bytes(&read, length));
        if let Some(reached) = reached.filter(|_| last.elapsed() >= SAVE_EVERY) {
            failed = save(resume.path, reached, signer).err();
            last = Instant::now();
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some(reached) = &outcome.reached {
        save(resume.path, reached, signer)?;
    }
    if let Some(saved) = &saved {
        say(saved, resume, &mut outcome);
    }
    Ok(outcome)
}

/// What the report has to say of what was not read again, or read on trust.
fn say(saved: &SavedState, resume: Resume<'_>, outcome: &mut VerifyOutcome) {
    let n = saved.checkpoint.n;
    let by = match (&saved.signed_by, resume.signer) {
        (Some(key), Some(_)) => format!("signed by {key}"),
        (Some(key), None) => format!("signed by {key}, for whom nobody vouches"),
        (None, _) => "not signed".to_owned(),
    };
    let report = &mut outcome.report;
    report.warnings.push(Warning {
        code: WarningCode::Resumed,
        detail: format!("the first {n} entries were verified by an earlier run; its state is {by}"),
    });
    if resume.skip_prefix {
        report.not_checked.push(NotChecked::Prefix);
    }
    if resume.signer.is_none() {
        report.not_checked.push(NotChecked::StateUnsigned);
    }
    report.not_checked.sort_unstable();
}

fn load(path: &Path) -> Result<Option<SavedState>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path, error)),
    };
    let limit = limits::SMALL_FILE_BYTES;
    let mut text = Vec::new();
    let read = file.take(limit as u64 + 1).read_to_end(&mut text);
    read.map_err(|error| Error::file(path, error))?;
    if text.len() > limit {
        let path = path.to_owned();
        return Err(Error::TooLarge { path, limit });
    }
    let value = parse::parse(&text).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })?;
    let restored = Checkpoint::restore(&value);
    let restored = restored.map_err(|source| ResumeRefusal::Invalid {
        path: path.to_owned(),
        source,
    });
    Ok(Some(restored?))
}

fn check(
    saved: &SavedState,
    path: &Path,
    signer: Option<&dyn Signer>,
    policy: &Policy,
) -> Result<(), ResumeRefusal> {
    let path = path.to_owned();
    let log = saved.checkpoint.log;
    if signer.is_some_and(|signer| saved.signed_by != Some(signer.public_key())) {
        Err(ResumeRefusal::Signer { path })
    } else if !policy.keys.contains(&log) {
        Err(ResumeRefusal::OtherKey { path, log })
    } else if policy.signatures && !saved.checkpoint.signatures {
        Err(ResumeRefusal::NoSignatures { path })
    } else {
        Ok(())
    }
}

/// Replaces the state: either the old or the new one is there, whatever happens.
fn save(path: &Path, checkpoint: &Checkpoint, signer: Option<&dyn Signer>) -> Result<(), Error> {
    let value = checkpoint.save(signer)?;
    let mut text = value.canonical(Form::Utf8);
    text.push('\n');
    let failed = |error| Error::file(path, error);
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
