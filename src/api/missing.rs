//! Books of a custody that are not in the folder of it.
//!
//! A folder that is given out has of each book what was asked for, or its first entry
//! where it has nothing of that, and the last entry of each that was closed, which names
//! the next. So what is named and not there was taken out, or never given.

use crate::ledger::fault::{Format, Warning, WarningCode};
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;

use super::books::BookFile;

/// Says with the evidence that names a book of a folder that the book is not there.
pub(super) fn name(subjects: &mut [BookFile]) {
    let found: Vec<(usize, String)> = subjects
        .iter()
        .enumerate()
        .filter(|(_, subject)| subject.below.is_some())
        .filter_map(|(at, subject)| Some((at, missing(subject, subjects)?)))
        .collect();
    for (at, detail) in found {
        let examined = subjects.get_mut(at).and_then(BookFile::examined);
        if let Some(examined) = examined {
            let code = WarningCode::BookNotHere;
            examined.report.warnings.push(Warning { code, detail });
        }
    }
}

/// What is not there, if it is the last entry of a book that passed.
fn missing(subject: &BookFile, subjects: &[BookFile]) -> Option<String> {
    let summary = subject.summary()?;
    let (log, next) = (summary.log?, summary.closing?.successor);
    let of = |log| subjects.iter().filter(move |other| is_of(other, log));
    if summary.format == Format::Proof && !of(log).any(holds_book) {
        return Some(format!(
            "of the book of {log} its last entry alone is here: what else it held was not given, \
             or its file is missing"
        ));
    }
    of(next).next().is_none().then(|| {
        format!("nothing is here of the book of {next}, which its last entry says continues it")
    })
}

/// Whether it says that it is of that log, whatever the verdict.
fn is_of(subject: &BookFile, log: PublicKey) -> bool {
    let opened = subject.opening.as_ref().map(|opening| opening.log);
    let reported = subject.report().and_then(|report| report.log);
    opened == Some(log) || reported == Some(log)
}

/// Whether it is more of a book than single entries, or its first one, which stands for
/// a book that had nothing of what was asked for.
fn holds_book(subject: &BookFile) -> bool {
    let is_first = subject
        .summary()
        .is_some_and(|summary| summary.last_seq == Some(Seq::FIRST));
    is_first
        || subject
            .report()
            .is_some_and(|report| report.format != Format::Proof)
}
