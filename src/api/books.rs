//! Several ledgers and files at once, each under its own key, and books that
//! continue each other under the key of the first.
//!
//! A book whose entry 0 names a predecessor is verified after that one. If the
//! predecessor passed, ends where the book says, and its closing entry names the
//! book's key, that key is trusted as if it had been given. One that only says that
//! it continues a book changes nothing for the one that it names.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::ledger::equivocation::{Equivocation, Signed};
use crate::ledger::fault::{Fault, FaultCode, Format, Report, Verdict, Warning, WarningCode};
use crate::ledger::key::PublicKey;
use crate::ledger::opening::{Opening, Predecessor};
use crate::ledger::outcome::Summary;
use crate::ledger::policy::Policy;

use super::examine::{Examined, examine};
use super::forks;
use super::missing;
use super::opening::{opening_entry, opening_of};
use super::progress::Progress;
use super::recognise::{is_log, is_set};
use super::{Error, Options};

/// What several books are held against.
pub struct Against<'a> {
    /// What every one of them is held against.
    pub policy: &'a Policy,
    /// The keys of a file beside those of the policy, by its path and its path
    /// below the folder that was given.
    pub keys: &'a dyn Fn(&Path, Option<&Path>) -> Vec<PublicKey>,
    /// What each must be.
    pub format: Option<Format>,
}

/// One of several books, and what was found out about it.
#[derive(Debug)]
pub struct Book {
    /// Where it is.
    pub path: PathBuf,
    /// The verdict, or why there is none.
    pub result: Result<Examined, Error>,
    /// How long that took.
    pub elapsed: Duration,
}

/// What was found out about several books.
#[derive(Debug)]
pub struct Books {
    /// Each of them.
    pub books: Vec<Book>,
    /// What lies beside the evidence and is none.
    pub beside: Vec<PathBuf>,
    /// What in the folders is neither a file nor a ledger, and was not looked at.
    pub passed_over: Vec<PathBuf>,
    /// That a key signed two histories of its log.
    pub proofs: Vec<Equivocation>,
}

/// Verifies ledgers and files, and what folders of them hold.
///
/// # Errors
/// [`Error::File`] if a folder cannot be read. What becomes of each is said with
/// it.
pub fn examine_books(
    paths: &[PathBuf],
    against: &Against<'_>,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Books, Error> {
    let (mut subjects, passed_over) = subjects(paths)?;
    for subject in &mut subjects {
        subject.opening = opening_of(&subject.path, options);
    }
    let mut proofs = Vec::new();
    while let Some(at) = next(&subjects) {
        // Of two histories of the book that is continued neither vouches for anyone.
        let before = subjects.get(at).and_then(predecessor_of);
        if let Some(before) = before.map(|before| before.log) {
            proofs.extend(forks::convict(options, &mut subjects, Some(before))?);
        }
        verify_one(against, options, &mut subjects, at, progress);
    }
    let beside = subjects.extract_if(.., |subject| subject.lies_beside());
    let beside = beside.map(|subject| subject.path).collect();
    proofs.extend(forks::convict(options, &mut subjects, None)?);
    proofs.extend(contradict(options, &mut subjects));
    forks::fail_the_convicted(&mut subjects);
    missing::name(&mut subjects);
    let books = subjects.into_iter().filter_map(BookFile::into_book);
    Ok(Books {
        books: books.collect(),
        beside,
        passed_over,
        proofs,
    })
}

/// One of them, before and after it is verified.
pub(super) struct BookFile {
    pub(super) path: PathBuf,
    /// Its path below the folder that was given.
    pub(super) below: Option<PathBuf>,
    pub(super) opening: Option<Opening>,
    result: Option<(Result<Examined, Error>, Duration)>,
}

/// What the paths stand for: a folder that is not a ledger stands for the files in
/// it, by name, and the ledgers. What else is in it is answered second: who
/// verifies a folder must know what was not looked at.
fn subjects(paths: &[PathBuf]) -> Result<(Vec<BookFile>, Vec<PathBuf>), Error> {
    let (mut subjects, mut passed_over) = (Vec::new(), Vec::new());
    for path in paths {
        if !is_folder_of_files(path) {
            subjects.push(BookFile::new(path.clone(), None));
            continue;
        }
        let failed = |error| Error::file(path, error);
        let mut names = Vec::new();
        for file in std::fs::read_dir(path).map_err(failed)? {
            let file = file.map_err(failed)?;
            let hidden = file.file_name().as_encoded_bytes().starts_with(b".");
            let kind = file.file_type().map_err(failed)?;
            if let (false, false, Err(error)) = (hidden, kind.is_file(), look_into(&file.path())) {
                subjects.push(BookFile::unread(path, &file.file_name(), error));
                continue;
            }
            match !hidden && (kind.is_file() || is_ledger(&file.path())) {
                true => names.push(file.file_name()),
                false => passed_over.push(file.path()),
            }
        }
        names.sort();
        let found = names.into_iter();
        subjects.extend(found.map(|name| BookFile::new(path.join(&name), Some(name.into()))));
    }
    passed_over.sort();
    Ok((subjects, passed_over))
}

/// Refuses what may be a folder and cannot be looked into: there may be a ledger in it.
pub(super) fn look_into(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => drop(std::fs::read_dir(path)?),
        Ok(_) => return Ok(()),
        Err(error) => return there(error),
    }
    std::fs::metadata(path.join("db")).map_or_else(there, |_| Ok(()))
}

/// What is not there is nothing to look into, and a link in a circle neither.
fn there(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Whether several are meant by one path.
#[must_use]
pub fn is_folder_of_files(path: &Path) -> bool {
    let files = std::fs::read_dir(path).ok();
    path.is_dir()
        && !is_ledger(path)
        && !is_set(path)
        && !is_log(path)
        && files.is_some_and(|mut files| files.next().is_some())
}

/// Names of what people and systems lay beside files.
fn is_no_evidence(name: &str) -> bool {
    const BEGIN: [&str; 6] = [
        "readme",
        "license",
        "licence",
        "notice",
        "copying",
        "changelog",
    ];
    const END: [&str; 10] = [
        ".md", ".txt", ".rst", ".pdf", ".docx", ".pem", ".pub", ".asc", ".sha256", ".url",
    ];
    const WHOLE: [&str; 5] = [
        "thumbs.db",
        "desktop.ini",
        "icon\r",
        "sha256sums",
        "md5sums",
    ];
    BEGIN.iter().any(|begin| name.starts_with(begin))
        || END.iter().any(|end| name.ends_with(end))
        || WHOLE.contains(&name)
}

pub(super) fn is_ledger(path: &Path) -> bool {
    path.join("db").is_dir()
}

impl BookFile {
    fn new(path: PathBuf, below: Option<PathBuf>) -> BookFile {
        BookFile {
            path,
            below,
            opening: None,
            result: None,
        }
    }

    /// One in `folder` that cannot be read.
    fn unread(folder: &Path, name: &OsStr, error: io::Error) -> BookFile {
        let path = folder.join(name);
        let error = Error::file(&path, error);
        BookFile {
            result: Some((Err(error), Duration::ZERO)),
            ..BookFile::new(path, Some(name.into()))
        }
    }

    fn into_book(self) -> Option<Book> {
        let (result, elapsed) = self.result?;
        Some(Book {
            path: self.path,
            result,
            elapsed,
        })
    }

    /// Whether it was found in a folder, is not evidence, and says by its name that
    /// it is none. Anything else that is not recognised could be evidence that was
    /// damaged, and stays unanswered.
    fn lies_beside(&self) -> bool {
        let result = self.result.as_ref().map(|(result, _)| result);
        let not_recognised = matches!(result, Some(Err(Error::NotRecognised { .. })));
        let name = self.below.as_deref().and_then(Path::to_str);
        not_recognised && name.is_some_and(|name| is_no_evidence(&name.to_ascii_lowercase()))
    }

    pub(super) fn examined(&mut self) -> Option<&mut Examined> {
        self.result.as_mut()?.0.as_mut().ok()
    }

    pub(super) fn report(&self) -> Option<&Report> {
        Some(&self.result.as_ref()?.0.as_ref().ok()?.report)
    }

    pub(super) fn summary(&self) -> Option<&Summary> {
        let (result, _) = self.result.as_ref()?;
        Some(result.as_ref().ok()?.verified.as_ref()?.get())
    }
}

/// The next to verify: one whose predecessor is not still waiting.
fn next(subjects: &[BookFile]) -> Option<usize> {
    let waiting = |subject: &BookFile| subject.result.is_none();
    let first = subjects.iter().position(waiting)?;
    let ready = |subject: &BookFile| {
        let predecessor = predecessor_of(subject);
        waiting(subject)
            && !subjects.iter().any(|other| {
                let log = other.opening.as_ref().map(|opening| opening.log);
                waiting(other) && log.is_some() && log == predecessor.map(|before| before.log)
            })
    };
    Some(subjects.iter().position(ready).unwrap_or(first))
}

fn predecessor_of(subject: &BookFile) -> Option<&Predecessor> {
    subject.opening.as_ref()?.predecessor.as_ref()
}

fn verify_one(
    against: &Against<'_>,
    options: &Options,
    subjects: &mut [BookFile],
    at: usize,
    progress: &mut Progress<'_>,
) {
    let Some(subject) = subjects.get(at) else {
        return;
    };
    let mut policy = against.policy.clone();
    let keys = (against.keys)(&subject.path, subject.below.as_deref());
    policy.keys.extend(keys);
    let mut succession = None;
    if let (Some(opening), Some(before)) = (&subject.opening, predecessor_of(subject))
        && let Some(other) = subjects
            .iter()
            .find(|other| continues(other, before, opening))
    {
        policy.keys.push(opening.log);
        succession = Some(Warning {
            code: WarningCode::Succession,
            detail: format!(
                "its key is named by the last entry, {}, of {}",
                before.seq,
                other.path.display()
            ),
        });
    }
    if let (Some(before), None) = (predecessor_of(subject), &succession)
        && subjects.iter().any(|other| is_of(other, before.log))
    {
        succession = Some(Warning {
            code: WarningCode::SuccessionNotNamed,
            detail: format!(
                "it says that it continues the book of {}, which does not name its key",
                before.log
            ),
        });
    }
    let started = Instant::now();
    let mut result = examine(&subject.path, against.format, &policy, options, progress);
    if let Ok(examined) = &mut result {
        examined.report.warnings.extend(succession);
    }
    if let Some(subject) = subjects.get_mut(at) {
        subject.result = Some((result, started.elapsed()));
    }
}

/// Whether a book that passed ends where another one says that it continues it,
/// in favour of that one's key.
fn continues(other: &BookFile, before: &Predecessor, opening: &Opening) -> bool {
    other.summary().is_some_and(|summary| {
        summary.log == Some(before.log)
            && summary.last_seq == Some(before.seq)
            && summary.head == before.hash
            && summary.closing.map(|closing| closing.successor) == Some(opening.log)
    })
}

/// Whether a book that passed is of that key.
fn is_of(other: &BookFile, log: PublicKey) -> bool {
    other
        .summary()
        .is_some_and(|summary| summary.log == Some(log))
}

/// Two books of one key that continue the same one cannot both stand. Answers the
/// proofs.
fn contradict(options: &Options, subjects: &mut [BookFile]) -> Vec<Equivocation> {
    let claims: Vec<_> = subjects
        .iter()
        .map(|subject| {
            let summary = subject.summary()?;
            let before = summary.opening.clone()?.predecessor?;
            Some(((summary.log?, before), summary.genesis?))
        })
        .collect();
    let paths: Vec<PathBuf> = subjects.iter().map(|s| s.path.clone()).collect();
    let opening = |at: usize| {
        let entry = opening_entry(paths.get(at)?, options)?;
        Some(Signed::Entry(Box::new(entry)))
    };
    let mut proofs = Vec::new();
    for (at, (subject, claim)) in subjects.iter_mut().zip(&claims).enumerate() {
        let Some((before, genesis)) = claim else {
            continue;
        };
        let later = claims.iter().enumerate().skip(at + 1);
        proofs.extend(later.filter_map(|(other_at, other)| {
            let (other, its) = other.as_ref()?;
            let contradicts = other == before && its != genesis;
            let (one, other) = contradicts.then(|| opening(at).zip(opening(other_at)))??;
            Equivocation::prove(before.0, one, other).ok()
        }));
        let rival = claims
            .iter()
            .flatten()
            .find(|(other, its)| other == before && its != genesis);
        let Some(((_, rival), Some((Ok(examined), _)))) = rival.zip(Some(subject.result.as_mut()))
        else {
            continue;
        };
        let detail = format!("another book continues the same one: {rival}");
        let fault = Fault::of_file(FaultCode::Equivocation, detail);
        examined.report.faults.push(fault.compared(genesis, rival));
        examined.report.verdict = Verdict::Fail;
        examined.verified = None;
    }
    proofs
}
