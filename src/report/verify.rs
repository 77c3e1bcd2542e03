//! The verdict on a report.

use std::io::{BufRead, BufReader};

use super::about::About;
use super::case::{Case, OfCase};
use super::file::ReportFile;
use super::several::verify_several;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{Fault, FaultCode, Format, Verdict};
use crate::ledger::lines::damage;
use crate::ledger::policy::Policy;
use crate::ledger::revocation::SignedRevocation;
use crate::ledger::source::ReadError;
use crate::ledger::verify::{VerifyOutcome, verify};

const NO_BUNDLE: &str = "there is no bundle in it: it is not a report of sealbook";

const NO_REVOCATION: &str =
    "a revocation that it carries is none, or not signed by the key that it names";

/// Verifies the bundle in a report, that it is of the case which is named, and
/// that all the rest is what this release writes. Lines in the faults are lines
/// of the file.
pub fn verify_report(
    reader: impl BufRead + Send,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    let opened = match ReportFile::open(reader) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(Fault::of_file(FaultCode::FormatMismatch, NO_BUNDLE)),
        Err(ReadError::Io(error)) => match damage(&error) {
            Some(code) => Err(Fault::of_file(code, error.to_string())),
            None => return Err(error.into()),
        },
        Err(error) => return Err(error),
    };
    let mut file = match opened {
        Ok(file) => file,
        Err(fault) => {
            // An empty bundle is none, and says so.
            let mut outcome = verify(&mut BundleFile::open(&b""[..])?, policy, progress)?;
            outcome.report.faults.insert(0, fault);
            outcome.report.format = Format::Report;
            return Ok(outcome);
        }
    };
    let about = file.about().cloned();
    let before = file.lines_before();
    let (policy, unread) = with_revocations(policy, about.as_ref());
    let several = about.as_ref().filter(|about| about.logs.is_some());
    let mut outcome = match several {
        Some(about) => verify_several(file.bundles(), about, before, &policy, progress)?,
        None => {
            let bundle = BufReader::new(file.bundles());
            let case = about.as_ref().map(|about| Case(&about.correlation));
            let mut source = OfCase::new(BundleFile::open(bundle)?, case);
            let mut outcome = verify(&mut source, &policy, progress)?;
            for fault in &mut outcome.report.faults {
                fault.line = fault.line.map(|line| line + before);
            }
            outcome
        }
    };
    let report = &mut outcome.report;
    report.format = Format::Report;
    let mut frame = file.finish()?;
    frame.extend(unread);
    if !frame.is_empty() {
        report.verdict = Verdict::Fail;
        report.faults.extend(frame);
        outcome.verified = None;
    }
    Ok(outcome)
}

/// What the report is held against: what was given, and the revocations that it carries;
/// and that one of those is none.
fn with_revocations(policy: &Policy, about: Option<&About>) -> (Policy, Option<Fault>) {
    let (mut policy, mut unread) = (policy.clone(), None);
    for text in about.into_iter().flat_map(|about| &about.revocations) {
        match SignedRevocation::from_file(text.as_bytes()) {
            Ok(carried) if policy.revocations.contains(&carried) => {}
            Ok(carried) => policy.revocations.push(carried),
            Err(_) => {
                unread = Some(Fault::of_file(FaultCode::FormatMismatch, NO_REVOCATION));
            }
        }
    }
    (policy, unread)
}
