//! The verdict, by the library's own engine, as the JSON that the command prints.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use sealbook::api::{
    self, Against, Book, Examined, Progress, examine, examine_books, is_folder_of_files, verify_as,
};
use sealbook::ledger::explanation::Explanation;
use sealbook::ledger::fault::{Report, Verdict};
use sealbook::ledger::fold::FoldPart;
use sealbook::ledger::json::Form;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::shape;
use sealbook::{Error, Options};
use serde::Serialize;

use crate::errors::{Failure, detached};
use crate::held;
use crate::input::{Input, on_file};
use crate::keys::{GivenKey, read_keys};
use crate::policy::Policy;
use crate::witnessed::{self, Witnessed};

/// A report as it is printed.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<Witnessed>,
    elapsed_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a FoldPart>,
}

/// The text of a document.
pub(crate) fn text_of(document: &impl Serialize) -> String {
    shape::write(document).canonical(Form::Utf8)
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// The verdict on a file, as JSON.
#[pyfunction]
pub(crate) fn verify(
    py: Python<'_>,
    file: Input,
    policy: &Bound<'_, Policy>,
    explain: bool,
) -> PyResult<String> {
    let policy = policy.get();
    on_file(py, file, |file| {
        let started = Instant::now();
        file.is_no_ledger()?;
        match file {
            Input::Path(path) => at(&path, None, policy, explain, started),
            Input::Bytes(_) => of_bytes(&file, policy, explain, started),
        }
    })
}

/// A file at a path. `proof` is where its bytes come from, if not from there.
fn at(
    path: &Path,
    proof: Option<&Input>,
    policy: &Policy,
    explain: bool,
    started: Instant,
) -> Result<String, Failure> {
    if is_folder_of_files(path) {
        let message = format!("{}: several files are for `verify_all`", path.display());
        return Err(Failure::new("usage", message));
    }
    let mut held = policy.policy.clone();
    if let Some(file) = &policy.entry {
        let here = Input::Path(path.to_owned());
        held.entry = held::entry(proof.unwrap_or(&here), file)?;
    }
    let options = Options::default();
    let mut examined = examine(path, policy.format, &held, &options, &mut |_| ())?;
    let report = &mut examined.report;
    report.warnings.extend_from_slice(&policy.warnings);
    let witnesses = held.witnesses.as_ref();
    let witnessed = witnesses.map(|witnesses| witnessed::of(path, witnesses, report));
    let witnessed = witnessed.transpose()?.flatten();
    Ok(printed(&examined, explain, witnessed, started))
}

/// Bytes are judged as they are. Only what needs a second reading, the explanation of what
/// failed and the times under a policy, is laid down in a file.
fn of_bytes(
    file: &Input,
    policy: &Policy,
    explain: bool,
    started: Instant,
) -> Result<String, Failure> {
    let Input::Bytes(bytes) = file else {
        return Err(Failure::new("internal", "they are no bytes"));
    };
    let mut held = policy.policy.clone();
    if let Some(entry) = &policy.entry {
        held.entry = held::entry(file, entry)?;
    }
    let mut report = verify_as(&bytes[..], policy.format, u64::MAX, &held)?;
    if report.verdict == Verdict::Pass && !explain && held.witnesses.is_none() {
        report.warnings.extend_from_slice(&policy.warnings);
        return Ok(printed(&report.into(), explain, None, started));
    }
    let failed = |error| file.failed(error);
    let mut laid = tempfile::NamedTempFile::new().map_err(failed)?;
    laid.write_all(bytes).map_err(failed)?;
    laid.flush().map_err(failed)?;
    at(laid.path(), Some(file), policy, explain, started)
}

fn printed(
    examined: &Examined,
    explain: bool,
    witnessed: Option<Witnessed>,
    started: Instant,
) -> String {
    text_of(&Printed {
        report: &examined.report,
        explanation: examined.explanation.as_ref().filter(|_| explain),
        witnessed,
        elapsed_ms: millis(started.elapsed()),
        part: None,
    })
}

/// The verdict on a bundle of whole epochs, as JSON. A part is in it where it passed.
#[pyfunction]
pub(crate) fn fold(py: Python<'_>, file: Input, policy: &Bound<'_, Policy>) -> PyResult<String> {
    let policy = policy.get();
    on_file(py, file, |file| {
        let started = Instant::now();
        let folded = api::fold(file.open()?, &policy.policy);
        let (mut report, part) = folded.map_err(|error| Failure::in_file(&file, error))?;
        report.warnings.extend_from_slice(&policy.warnings);
        Ok(text_of(&Printed {
            report: &report,
            explanation: None,
            witnessed: None,
            elapsed_ms: millis(started.elapsed()),
            part: part.as_ref(),
        }))
    })
}

/// Several files, as they are printed.
#[derive(Serialize)]
struct Many<'a> {
    verdict: &'static str,
    files: Vec<FileVerdict<'a>>,
    passed: usize,
    failed: usize,
    unanswered: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    no_evidence: Vec<String>,
    elapsed_ms: u64,
}

#[derive(Serialize)]
struct FileVerdict<'a> {
    path: String,
    report: Option<Printed<'a>>,
    error: Option<Unanswered>,
}

#[derive(Serialize)]
struct Unanswered {
    code: &'static str,
    detail: String,
}

/// A key that signed two histories: whose, in what, and the proof.
type Fork = (String, String, Vec<u8>);

/// The document, the forks, and what was passed over.
type Judged = (String, Vec<Fork>, Vec<String>);

/// The verdicts on several files, as JSON; the forks; and what was passed over. `keys` are
/// pairs of a name and the keys of that file.
#[pyfunction]
pub(crate) fn verify_all(
    py: Python<'_>,
    files: Vec<PathBuf>,
    keys: Vec<(String, Vec<GivenKey>)>,
    policy: &Bound<'_, Policy>,
    explain: bool,
) -> PyResult<Judged> {
    let policy = policy.get();
    detached(py, move || {
        let started = Instant::now();
        let read = |(name, keys): &(String, Vec<GivenKey>)| Ok((name.clone(), read_keys(keys)?));
        let keys: Vec<_> = keys.iter().map(read).collect::<Result<_, Failure>>()?;
        let mut held = policy.policy.clone();
        held.known.extend(keys.iter().flat_map(|(_, keys)| keys));
        let against = Against {
            policy: &held,
            keys: &|path, below| keys_of(&keys, path, below),
            format: policy.format,
        };
        let told: &mut Progress<'_> = &mut |_| ();
        let mut found = examine_books(&files, &against, &Options::default(), told)?;
        for book in &mut found.books {
            if let Ok(examined) = &mut book.result {
                let warnings = &mut examined.report.warnings;
                warnings.extend_from_slice(&policy.warnings);
            }
        }
        let forks = found.proofs.iter().map(|proof| -> Fork {
            let detail = proof.contradiction().to_string();
            (proof.log().to_string(), detail, proof.to_bytes())
        });
        let shown = |paths: &[PathBuf]| -> Vec<String> {
            paths
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        Ok((
            many(&found.books, shown(&found.beside), explain, started),
            forks.collect(),
            shown(&found.passed_over),
        ))
    })
}

/// The keys of a file: by its path, its path below the folder that was given, its name, or
/// those of `*`. The first of these that is known decides.
fn keys_of(keys: &[(String, Vec<PublicKey>)], path: &Path, below: Option<&Path>) -> Vec<PublicKey> {
    let name = path.file_name().map(Path::new);
    let names = [Some(path), below, name, Some(Path::new("*"))];
    let same = |one: &Path| keys.iter().find(|(name, _)| Path::new(name) == one);
    let found = names.into_iter().flatten().find_map(same);
    found.map(|(_, keys)| keys.clone()).unwrap_or_default()
}

fn many(books: &[Book], no_evidence: Vec<String>, explain: bool, started: Instant) -> String {
    let verdict_of = |book: &Book| book.result.as_ref().ok().map(|found| found.report.verdict);
    let count = |wanted| books.iter().filter(|b| verdict_of(b) == wanted).count();
    let (passed, failed) = (count(Some(Verdict::Pass)), count(Some(Verdict::Fail)));
    let unanswered = count(None);
    text_of(&Many {
        verdict: match (unanswered, failed) {
            (0, 0) => "pass",
            (0, _) => "fail",
            _ => "unanswered",
        },
        files: books.iter().map(|book| one(book, explain)).collect(),
        passed,
        failed,
        unanswered,
        no_evidence,
        elapsed_ms: millis(started.elapsed()),
    })
}

fn one(book: &Book, explain: bool) -> FileVerdict<'_> {
    let (report, error) = match &book.result {
        Ok(examined) => {
            let printed = Printed {
                report: &examined.report,
                explanation: examined.explanation.as_ref().filter(|_| explain),
                witnessed: None,
                elapsed_ms: millis(book.elapsed),
                part: None,
            };
            (Some(printed), None)
        }
        Err(error) => (None, Some(unanswered(error))),
    };
    FileVerdict {
        path: book.path.display().to_string(),
        report,
        error,
    }
}

fn unanswered(error: &Error) -> Unanswered {
    Unanswered {
        code: error.code(),
        detail: error.to_string(),
    }
}
