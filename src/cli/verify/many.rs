//! Several ledgers and files at once, as they are printed.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::api::{Against, Book, Books, Error, examine_books};
use crate::ledger::fault::{Format, Verdict, Warning};
use crate::ledger::policy::Policy;

use super::super::Answer;
use super::super::context::Context;
use super::super::diff::write_new;
use super::super::error::CliError;
use super::super::kept::flag_for;
use super::super::keys_file::KeysFile;
use super::super::output::Output;
use super::super::progress::Progress;
use super::{Args, Printed, millis};

/// What `--json` prints of several.
#[derive(Serialize)]
struct Many<'a> {
    verdict: &'static str,
    files: Vec<FileVerdict<'a>>,
    passed: usize,
    failed: usize,
    unanswered: usize,
    /// What lies beside the evidence and is none.
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

/// Verifies all of `args.path`. `warnings` are of the files that the policy was
/// kept in.
pub(super) fn run(
    context: &Context,
    args: &Args,
    policy: &Policy,
    keys: &KeysFile,
    warnings: &[Warning],
    output: &mut Output,
) -> Result<Answer, CliError> {
    let started = Instant::now();
    let mut progress = Progress::new(None, "");
    let against = Against {
        policy,
        keys: &|path, below: Option<&Path>| keys.of(path, below),
        format: args.format.map(Format::from),
    };
    let told = &mut |reached| progress.reached(reached);
    let found = examine_books(&args.path, &against, &context.options(), told)?;
    progress.finish();
    let Books {
        mut books,
        beside,
        passed_over,
        proofs,
    } = found;
    for path in &passed_over {
        output.warning(&format!(
            "{} is not a file or ledger: passed over",
            path.display()
        ));
    }
    if books.is_empty() {
        return Err(match beside.is_empty() {
            true => CliError::NothingToVerify {
                passed_over: passed_over.len(),
            },
            false => CliError::NothingFound,
        });
    }
    if let (Some(path), Some(proof)) = (&args.proof, proofs.first()) {
        write_new(path, &proof.to_bytes())?;
        output.note(&format!(
            "the proof against the key is in {}",
            path.display()
        ));
    }
    for book in &mut books {
        if let Ok(examined) = &mut book.result {
            examined.report.warnings.extend_from_slice(warnings);
        }
    }
    summarise(args, &books, &beside, millis(started.elapsed()), output)
}

fn summarise(
    args: &Args,
    books: &[Book],
    beside: &[PathBuf],
    elapsed_ms: u64,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let verdict_of = |book: &Book| {
        let examined = book.result.as_ref().ok();
        examined.map(|examined| examined.report.verdict)
    };
    let count = |wanted| books.iter().filter(|b| verdict_of(b) == wanted).count();
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
            files: books.iter().map(|book| one(args, book)).collect(),
            passed,
            failed,
            unanswered,
            no_evidence: beside
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            elapsed_ms,
        })?;
        return Ok(answer);
    }
    for book in books {
        output.line(&format!("== {}", book.path.display()))?;
        match &book.result {
            Ok(examined) => {
                super::print_report(&examined.report, Some(book.elapsed), args.all, output)?;
                if let Some(explanation) = examined.explanation.as_ref().filter(|_| args.explain) {
                    super::explained::print(explanation, output)?;
                }
            }
            Err(error) => output.line(&format!("ERROR {}", said(error)))?,
        }
    }
    for path in beside {
        output.line(&format!("no evidence, passed over: {}", path.display()))?;
    }
    output.line(&format!(
        "{} verified: {passed} passed, {failed} failed, {unanswered} could not be answered",
        books.len()
    ))?;
    Ok(answer)
}

/// What is said of one that has no verdict.
fn said(error: &Error) -> String {
    match error {
        Error::NotRecognised { path: Some(path) } => match flag_for(path) {
            Some(flag) => format!("{}: {flag}", path.display()),
            None => error.to_string(),
        },
        error => error.to_string(),
    }
}

fn one<'a>(args: &Args, book: &'a Book) -> FileVerdict<'a> {
    let (report, error) = match &book.result {
        Ok(examined) => {
            let printed = Printed::of(examined, args.explain, None, book.elapsed);
            (Some(printed), None)
        }
        Err(error) => {
            let (code, detail) = (error.code(), said(error));
            (None, Some(Unanswered { code, detail }))
        }
    };
    FileVerdict {
        path: book.path.display().to_string(),
        report,
        error,
    }
}
