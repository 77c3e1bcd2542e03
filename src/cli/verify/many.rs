//! Several ledgers and files at once, each under its own key, and books that
//! continue each other under the key of the first.
//!
//! A book whose entry 0 names a predecessor is verified after that one. If the
//! predecessor passed, ends where the book says, and its closing entry names the
//! book's key, that key is trusted as if it had been given. Who only says that he
//! continues a book changes nothing for the one that it names.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::ledger::entry::Entry;
use crate::ledger::fault::{Fault, FaultCode, Verdict, Warning, WarningCode};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::opening::{Opening, Predecessor};
use crate::ledger::outcome::Summary;
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::logbook::mark::MarkFile;
use crate::logbook::reading::Reader;

use super::super::Answer;
use super::super::compressed::open;
use super::super::context::Context;
use super::super::diff::write_new;
use super::super::error::CliError;
use super::super::keys_file::KeysFile;
use super::super::output::Output;
use super::forks;
use super::one::{Examined, examine};
use super::{Args, Printed};

/// Lines of a file, but for blank ones, among which its first entry must be.
const FIRST_LINES: usize = 4;

/// Bytes of a file in which its first entry must end.
const FIRST_BYTES: u64 = 1 << 20;

/// One of them.
pub(super) struct Subject {
    pub(super) path: PathBuf,
    /// Its path below the folder that was given.
    below: Option<PathBuf>,
    opening: Option<Opening>,
    result: Option<Result<(Examined, u64), CliError>>,
}

/// What `--json` prints of several.
#[derive(Serialize)]
struct Many<'a> {
    verdict: &'static str,
    files: Vec<One<'a>>,
    passed: usize,
    failed: usize,
    unanswered: usize,
    /// What lies beside the evidence and is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    no_evidence: Vec<String>,
    elapsed_ms: u64,
}

#[derive(Serialize)]
struct One<'a> {
    path: String,
    report: Option<Printed<'a>>,
    error: Option<Unanswered>,
}

#[derive(Serialize)]
struct Unanswered {
    code: &'static str,
    detail: String,
}

/// What they are held against.
pub(super) struct Against<'a> {
    pub(super) policy: &'a Policy,
    /// What there is to say of the files that it was kept in.
    pub(super) warnings: &'a [Warning],
    pub(super) keys: &'a KeysFile,
}

/// Verifies all of `args.path`.
pub(super) fn run(
    context: &Context,
    args: &Args,
    against: &Against<'_>,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let started = Instant::now();
    let (mut subjects, passed_over) = subjects(&args.path)?;
    for path in &passed_over {
        output.warning(&format!(
            "{} is no file or ledger: passed over",
            path.display()
        ));
    }
    if subjects.is_empty() {
        return Err(CliError::NothingToVerify {
            passed_over: passed_over.len(),
        });
    }
    for subject in &mut subjects {
        subject.opening = opening_of(&subject.path);
    }
    let mut proofs = Vec::new();
    while let Some(at) = next(&subjects) {
        // Of two histories of the book that is continued neither vouches for anyone.
        let before = subjects.get(at).and_then(predecessor_of);
        if let Some(before) = before.map(|before| before.log) {
            proofs.extend(forks::convict(context, &mut subjects, Some(before))?);
        }
        verify_one(context, args, against, &mut subjects, at);
    }
    let is_beside = |subject: &mut Subject| subject.lies_beside();
    let beside: Vec<Subject> = subjects.extract_if(.., is_beside).collect();
    if subjects.is_empty() {
        return Err(CliError::NothingFound);
    }
    proofs.extend(forks::convict(context, &mut subjects, None)?);
    contradict(&mut subjects);
    if let (Some(path), Some(proof)) = (&args.proof, proofs.first()) {
        write_new(path, &proof.to_bytes())?;
        output.note(&format!(
            "the proof against the key is in {}",
            path.display()
        ));
    }
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    summarise(args, &subjects, &beside, elapsed_ms, output)
}

/// What the paths stand for: a folder that is no ledger stands for the files in
/// it, by name, and the ledgers. What else is in it is answered second: who
/// verifies a folder must know what was not looked at.
fn subjects(paths: &[PathBuf]) -> Result<(Vec<Subject>, Vec<PathBuf>), CliError> {
    let (mut subjects, mut passed_over) = (Vec::new(), Vec::new());
    for path in paths {
        if !is_folder_of_files(path) {
            subjects.push(Subject::new(path.clone(), None));
            continue;
        }
        let failed = |error| CliError::file(path, error);
        let mut names = Vec::new();
        for file in std::fs::read_dir(path).map_err(failed)? {
            let file = file.map_err(failed)?;
            let hidden = file.file_name().as_encoded_bytes().starts_with(b".");
            let kind = file.file_type().map_err(failed)?;
            match !hidden && (kind.is_file() || is_ledger(&file.path())) {
                true => names.push(file.file_name()),
                false => passed_over.push(file.path()),
            }
        }
        names.sort();
        let found = names.into_iter();
        subjects.extend(found.map(|name| Subject::new(path.join(&name), Some(name.into()))));
    }
    passed_over.sort();
    Ok((subjects, passed_over))
}

/// Whether several are meant by one path.
pub(super) fn is_folder_of_files(path: &Path) -> bool {
    let files = std::fs::read_dir(path).ok();
    path.is_dir() && !is_ledger(path) && files.is_some_and(|mut files| files.next().is_some())
}

fn is_ledger(path: &Path) -> bool {
    path.join("db").is_dir()
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

impl Subject {
    fn new(path: PathBuf, below: Option<PathBuf>) -> Subject {
        Subject {
            path,
            below,
            opening: None,
            result: None,
        }
    }

    /// Whether it was found in a folder, is no evidence, and says by its name that
    /// it is none. Anything else that is not recognised could be evidence that was
    /// damaged, and stays unanswered.
    fn lies_beside(&self) -> bool {
        let not_recognised = matches!(self.result, Some(Err(CliError::NotRecognised { .. })));
        let name = self.below.as_deref().and_then(Path::to_str);
        not_recognised && name.is_some_and(|name| is_no_evidence(&name.to_ascii_lowercase()))
    }

    pub(super) fn examined(&mut self) -> Option<&mut Examined> {
        Some(&mut self.result.as_mut()?.as_mut().ok()?.0)
    }

    pub(super) fn summary(&self) -> Option<&Summary> {
        let (examined, _) = self.result.as_ref()?.as_ref().ok()?;
        Some(examined.verified.as_ref()?.get())
    }
}

/// What entry 0 says, if it is there and says something. Nothing is judged.
fn opening_of(path: &Path) -> Option<Opening> {
    let entry = if is_ledger(path) {
        let reader = Reader::open(path, &MarkFile::beside(path)).ok()?;
        crate::logbook::entry_at(&reader.store, Seq::FIRST).ok()?
    } else {
        first_entry(path)?
    };
    if entry.kind() != kind::OPEN || entry.prev_hash() != Hash::ZERO {
        return None;
    }
    Opening::from_object(&entry.check_payload().ok()?).ok()
}

fn first_entry(path: &Path) -> Option<Entry> {
    use std::io::Read;
    let mut text = Vec::new();
    let opened = open(path).ok()?;
    // What can be read of it is enough.
    let _read = opened.reader.take(FIRST_BYTES).read_to_end(&mut text);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let lines = text.split(|byte| *byte == b'\n');
    let mut written = lines.filter(|line| !line.trim_ascii().is_empty());
    written.by_ref().take(FIRST_LINES).find_map(|line| {
        let beside = line.strip_prefix(b"{\"opening\":");
        if let Some(first) = beside.and_then(|rest| rest.strip_suffix(b"}")) {
            return Entry::from_logbook_line(first).ok();
        }
        let in_bundle = line
            .strip_prefix(b"{\"entry\":")
            .and_then(|rest| rest.strip_suffix(b"}"));
        match in_bundle {
            Some(inner) => {
                let value = crate::ledger::parse::parse(inner).ok()?;
                Entry::from_value(&value, "").ok().map(|(_, entry)| entry)
            }
            None => Entry::from_logbook_line(line).ok(),
        }
    })
}

/// The next to verify: one whose predecessor is not still waiting.
fn next(subjects: &[Subject]) -> Option<usize> {
    let waiting = |subject: &Subject| subject.result.is_none();
    let first = subjects.iter().position(waiting)?;
    let ready = |subject: &Subject| {
        let predecessor = predecessor_of(subject);
        waiting(subject)
            && !subjects.iter().any(|other| {
                let log = other.opening.as_ref().map(|opening| opening.log);
                waiting(other) && log.is_some() && log == predecessor.map(|before| before.log)
            })
    };
    Some(subjects.iter().position(ready).unwrap_or(first))
}

fn predecessor_of(subject: &Subject) -> Option<&Predecessor> {
    subject.opening.as_ref()?.predecessor.as_ref()
}

fn verify_one(
    context: &Context,
    args: &Args,
    against: &Against<'_>,
    subjects: &mut [Subject],
    at: usize,
) {
    let Some(subject) = subjects.get(at) else {
        return;
    };
    let keys = against.keys;
    let mut policy = against.policy.clone();
    policy
        .keys
        .extend(keys.of(&subject.path, subject.below.as_deref()));
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
    let mut result = examine(context, &subject.path, args.format, &policy, None);
    if let Ok(examined) = &mut result {
        examined.report.warnings.extend(succession);
        examined.report.warnings.extend_from_slice(against.warnings);
    }
    let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Some(subject) = subjects.get_mut(at) {
        subject.result = Some(result.map(|examined| (examined, elapsed)));
    }
}

/// Whether a book that passed ends where another one says that it continues it,
/// in favour of that one's key.
fn continues(other: &Subject, before: &Predecessor, opening: &Opening) -> bool {
    other.summary().is_some_and(|summary| {
        summary.log == Some(before.log)
            && summary.last_seq == Some(before.seq)
            && summary.head == before.hash
            && summary.closing.map(|closing| closing.successor) == Some(opening.log)
    })
}

/// Whether a book that passed is of that key.
fn is_of(other: &Subject, log: PublicKey) -> bool {
    other
        .summary()
        .is_some_and(|summary| summary.log == Some(log))
}

/// Two books of one key that continue the same one cannot both stand.
fn contradict(subjects: &mut [Subject]) {
    let claims: Vec<_> = subjects
        .iter()
        .map(|subject| {
            let summary = subject.summary()?;
            let before = summary.opening.clone()?.predecessor?;
            Some(((summary.log?, before), summary.genesis?))
        })
        .collect();
    for (subject, claim) in subjects.iter_mut().zip(&claims) {
        let Some((before, genesis)) = claim else {
            continue;
        };
        let rival = claims
            .iter()
            .flatten()
            .find(|(other, its)| other == before && its != genesis);
        let Some(((_, rival), Some(Ok((examined, _))))) = rival.zip(Some(subject.result.as_mut()))
        else {
            continue;
        };
        let detail = format!("another book continues the same one: {rival}");
        let fault = Fault::of_file(FaultCode::Equivocation, detail);
        examined.report.faults.push(fault.compared(genesis, rival));
        examined.report.verdict = Verdict::Fail;
        examined.verified = None;
    }
}

fn summarise(
    args: &Args,
    subjects: &[Subject],
    beside: &[Subject],
    elapsed_ms: u64,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let verdict_of = |subject: &Subject| match &subject.result {
        Some(Ok((examined, _))) => Some(examined.report.verdict),
        _ => None,
    };
    let count = |wanted| subjects.iter().filter(|s| verdict_of(s) == wanted).count();
    let (passed, failed) = (count(Some(Verdict::Pass)), count(Some(Verdict::Fail)));
    let unanswered = count(None);
    let answer = match (unanswered, failed) {
        (0, 0) => Answer::Yes,
        (0, _) => Answer::No,
        _ => Answer::Unanswered,
    };
    if output.is_json() {
        output.document(&Many {
            verdict: match answer {
                Answer::Yes => "pass",
                Answer::No => "fail",
                Answer::Unanswered => "unanswered",
            },
            files: subjects.iter().map(|subject| one(args, subject)).collect(),
            passed,
            failed,
            unanswered,
            no_evidence: beside
                .iter()
                .map(|file| file.path.display().to_string())
                .collect(),
            elapsed_ms,
        })?;
        return Ok(answer);
    }
    for subject in subjects {
        output.line(&format!("== {}", subject.path.display()))?;
        match &subject.result {
            Some(Ok((examined, elapsed_ms))) => {
                super::print_report(&examined.report, Some(*elapsed_ms), args.all, output)?;
                if let Some(explanation) = examined.explanation.as_ref().filter(|_| args.explain) {
                    super::explained::print(explanation, output)?;
                }
            }
            Some(Err(error)) => output.line(&format!("ERROR {error}"))?,
            None => {}
        }
    }
    for file in beside {
        output.line(&format!(
            "no evidence, passed over: {}",
            file.path.display()
        ))?;
    }
    output.line(&format!(
        "{} verified: {passed} passed, {failed} failed, {unanswered} could not be answered",
        subjects.len()
    ))?;
    Ok(answer)
}

fn one<'a>(args: &Args, subject: &'a Subject) -> One<'a> {
    let (report, error) = match &subject.result {
        Some(Ok((examined, elapsed_ms))) => {
            let printed = Printed::of(examined, args.explain, *elapsed_ms);
            (Some(printed), None)
        }
        Some(Err(error)) => {
            let (code, detail) = (error.code(), error.to_string());
            (None, Some(Unanswered { code, detail }))
        }
        None => (None, None),
    };
    One {
        path: subject.path.display().to_string(),
        report,
        error,
    }
}
