//! The verdict on a table.

use std::fs::File;
use std::io::BufRead;

use super::epochs::verify_epochs;
use super::footer::{DAY, HEAD};
use super::reading::ReadStop;
use super::schema::TableKind;
use super::structure::{OpenTable, open};
use super::text::TableText;
use crate::ledger::anchors::Anchor;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{Fault, FaultCode, Format, NotChecked, Verdict};
use crate::ledger::hash::Hash;
use crate::ledger::head::SignedHead;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::policy::Policy;
use crate::ledger::source::{ReadError, Source as _, Subject};
use crate::ledger::statement::Statement;
use crate::ledger::trace::Trace;
use crate::ledger::verify::{VerifyOutcome, verify};

/// The verdict on a table, and what ties it to the part before it.
pub(super) struct TableVerdict {
    pub(super) outcome: VerifyOutcome,
    pub(super) first_prev: Option<Hash>,
}

/// Verifies a table: the bundle that it gives back, and that every column and every
/// statistic follows from it.
///
/// # Errors
/// [`ReadError`] if it cannot be read to its end.
pub fn verify_table(
    file: File,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    judge(file, policy, progress).map(|judged| judged.outcome)
}

/// The bundle that a table gives back, or why it is not a table.
///
/// # Errors
/// [`ReadError`] if it cannot be read.
pub fn text_of_table(file: File) -> Result<Result<impl BufRead + Send, Fault>, ReadError> {
    match open(file).map_err(ReadStop::fault) {
        Ok(opened) if opened.table != TableKind::Epochs => Ok(Ok(TableText::new(opened))),
        Ok(_) => {
            let detail = "it is a table of epochs, which has no entries";
            Ok(Err(Fault::of_file(FaultCode::FormatMismatch, detail)))
        }
        Err(Ok(fault)) => Ok(Err(fault)),
        Err(Err(error)) => Err(error),
    }
}

pub(super) fn judge(
    file: File,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<TableVerdict, ReadError> {
    let opened = match open(file).map_err(ReadStop::fault) {
        Ok(opened) => opened,
        Err(Ok(fault)) => {
            let outcome = unread(policy, fault);
            return Ok(TableVerdict {
                outcome,
                first_prev: None,
            });
        }
        Err(Err(error)) => return Err(error),
    };
    let head = head_of(&opened);
    let lone = opened.pairs.contains_key(DAY);
    let mut outcome;
    let mut first_prev = None;
    let mut faults = Vec::new();
    if head == Err(()) {
        let detail = "the head in the footer is none";
        faults.push(Fault::of_file(FaultCode::BundleCorrupt, detail));
    }
    let head = head.ok().flatten();
    if opened.table == TableKind::Epochs {
        outcome = of_report(verify_epochs(opened, head.as_ref(), policy)?);
    } else {
        let mut policy = policy.clone();
        let mut text = TableText::new(opened);
        {
            let mut bundle = BundleFile::open(&mut text)?;
            let subject = bundle.subject();
            if let Some(head) = &head {
                match subject.covers(head.content.seq) {
                    true => policy.contains.push(Anchor::of_head(head)),
                    false => faults.extend(beyond(head, &subject)),
                }
            }
            outcome = verify(&mut bundle, &policy, progress)?;
        }
        if let Some(error) = text.error {
            return Err(error);
        }
        faults.append(&mut text.faults);
        first_prev = text.first_prev;
    }
    let report = &mut outcome.report;
    report.format = Format::Parquet;
    // A table has rows, and no lines.
    for fault in &mut report.faults {
        fault.line = None;
    }
    if lone {
        report.not_checked.push(NotChecked::OtherParts);
    }
    if !faults.is_empty() {
        report.verdict = Verdict::Fail;
        let room = limits::REPORTED.saturating_sub(report.faults.len());
        report.faults.extend(faults.into_iter().take(room.max(1)));
        outcome.verified = None;
    }
    Ok(TableVerdict {
        outcome,
        first_prev,
    })
}

/// What is wrong with a head of an entry that is not here.
fn beyond(head: &SignedHead, subject: &Subject) -> Option<Fault> {
    let said = &head.content;
    let same = subject.log == Some(said.log) && subject.genesis == Some(said.genesis);
    let before = subject.contiguous && said.seq < subject.first_seq;
    let detail = "the head in the footer is not one of this log at or after these entries";
    let fault = || Fault::of_file(FaultCode::HeadMismatch, detail);
    (!same || before || !head.verify()).then(fault)
}

/// The signed head of the footer; an error if what stands there is none.
fn head_of(opened: &OpenTable) -> Result<Option<SignedHead>, ()> {
    let Some(text) = opened.pairs.get(HEAD) else {
        return Ok(None);
    };
    let value = parse_with(text.as_bytes(), &limits::embedded(2)).map_err(drop)?;
    Statement::from_value(&value).map(Some).map_err(drop)
}

fn unread(policy: &Policy, fault: Fault) -> VerifyOutcome {
    use crate::ledger::fault::{KeySource, Report};
    of_report(Report {
        verdict: Verdict::Fail,
        format: Format::Parquet,
        entries: 0,
        epochs: 0,
        head: Hash::ZERO,
        log: policy.keys.first().copied(),
        genesis: None,
        key_source: match policy.keys.is_empty() {
            true => KeySource::None,
            false => KeySource::Given,
        },
        faults: vec![fault],
        not_checked: Vec::new(),
        warnings: Vec::new(),
        complete: None,
        redacted: None,
        logs: None,
    })
}

pub(super) fn of_report(report: crate::ledger::fault::Report) -> VerifyOutcome {
    VerifyOutcome {
        report,
        verified: None,
        trace: Trace::default(),
        reached: None,
    }
}
