//! A case that crosses logs: bundles that stand one after another in one report.
//!
//! A bundle ends with its closing record. Each is verified by itself, as if it stood alone,
//! under the key that it names: that must be one of those that were given. No log stands
//! here twice, and there are as many bundles as the report says.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};

use super::about::About;
use super::case::{Case, OfCase};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{
    Fault, FaultCode, Format, KeySource, LogVerdict, Redacted, Report, Verdict,
};
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::lines::damage;
use crate::ledger::policy::Policy;
use crate::ledger::source::ReadError;
use crate::ledger::trace::Trace;
use crate::ledger::verify::{VerifyOutcome, verify};

/// Logs of a report at most.
pub const MOST_LOGS: usize = 1_000;

/// How the last line of a bundle begins.
const CLOSING: &[u8] = b"{\"bundle\":";

/// One bundle of several: it ends where its closing record does.
pub struct OneBundle<'r, R> {
    inner: &'r mut R,
    /// Bytes of the line that is read.
    read: usize,
    /// Whether these are as a closing record begins.
    closing: bool,
    lines: u64,
    ended: bool,
}

impl<'r, R: BufRead> OneBundle<'r, R> {
    /// The next one; `None` where nothing is left.
    ///
    /// # Errors
    /// What the reader says.
    pub fn next(inner: &'r mut R) -> io::Result<Option<OneBundle<'r, R>>> {
        let is_left = !inner.fill_buf()?.is_empty();
        Ok(is_left.then_some(OneBundle {
            inner,
            read: 0,
            closing: true,
            lines: 0,
            ended: false,
        }))
    }

    /// Reads to its end; how many lines it has.
    fn finish(mut self) -> io::Result<u64> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.lines)
    }
}

impl<R: BufRead> Read for OneBundle<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let available = self.inner.fill_buf()?;
        let line = memchr::memchr(b'\n', available).map_or(available.len(), |at| at + 1);
        let mut piece = available.get(..line.min(to.len())).unwrap_or_default();
        let expected = CLOSING.get(self.read..).unwrap_or_default();
        self.closing &= expected.iter().zip(piece).all(|(one, other)| one == other);
        self.read += piece.len();
        if piece.ends_with(b"\n") {
            self.ended = self.closing && self.read > CLOSING.len();
            (self.read, self.closing) = (0, true);
            self.lines += 1;
        }
        let length = piece.read(to)?;
        self.inner.consume(length);
        Ok(length)
    }
}

/// Verifies the bundles of a report that says it is over several logs. `before` lines of
/// the file stand before them.
pub(super) fn verify_several(
    block: impl Read + Send,
    about: &About,
    before: u64,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    let mut block = BufReader::new(block);
    let mut whole = Whole::new(policy);
    let mut before = before;
    loop {
        let mut one = match OneBundle::next(&mut block) {
            Ok(Some(one)) => one,
            Ok(None) => break,
            Err(error) => {
                let code = damage(&error).ok_or(error)?;
                whole.fault(before, code, "it does not decompress to its end");
                break;
            }
        };
        if whole.logs.len() == MOST_LOGS {
            let detail = format!("more than {MOST_LOGS} logs stand in it");
            whole.fault(before, FaultCode::FormatMismatch, &detail);
            break;
        }
        let entries = whole.report.entries;
        let found = {
            let bundle = BundleFile::open(BufReader::new(&mut one))?;
            let mut source = OfCase::new(bundle, Some(Case(&about.correlation)));
            verify(&mut source, policy, &mut |done| progress(entries + done))?
        };
        whole.take(found.report, before);
        before += one.finish()?;
    }
    let said = about.logs.map_or(0, |logs| logs.carried);
    let carried = whole.logs.len() as u64;
    if said != carried {
        let detail = "it does not have evidence of as many logs as it says";
        let fault = Fault::of_file(FaultCode::FormatMismatch, detail);
        whole.report.faults.push(fault.compared(said, carried));
    }
    Ok(whole.outcome())
}

/// What all of them come to.
struct Whole {
    report: Report,
    logs: Vec<LogVerdict>,
    geneses: BTreeSet<Hash>,
}

impl Whole {
    fn new(policy: &Policy) -> Whole {
        Whole {
            report: Report {
                verdict: Verdict::Fail,
                format: Format::Report,
                entries: 0,
                epochs: 0,
                head: Hash::ZERO,
                log: None,
                genesis: None,
                key_source: match policy.keys.is_empty() {
                    true => KeySource::None,
                    false => KeySource::Given,
                },
                faults: Vec::new(),
                not_checked: Vec::new(),
                warnings: Vec::new(),
                complete: None,
                redacted: None,
                logs: None,
            },
            logs: Vec::new(),
            geneses: BTreeSet::new(),
        }
    }

    fn fault(&mut self, before: u64, code: FaultCode, detail: &str) {
        let fault = Fault::of_file(code, detail).on_line(Some(before + 1));
        self.report.faults.push(fault);
    }

    /// Takes the verdict on a bundle that `before` lines of the file stand before.
    fn take(&mut self, mut one: Report, before: u64) {
        let number = self.logs.len();
        if let Some(genesis) = one.genesis
            && !self.geneses.insert(genesis)
        {
            let detail = "the log stands in it twice";
            one.faults
                .push(Fault::of_file(FaultCode::FormatMismatch, detail).on_line(Some(1)));
            one.verdict = Verdict::Fail;
        }
        self.logs.push(LogVerdict {
            verdict: one.verdict,
            log: one.log,
            genesis: one.genesis,
            entries: one.entries,
            epochs: one.epochs,
            faults: one.faults.len() as u64,
        });
        let of_log = |detail: &str| format!("log {number}: {detail}");
        let room = limits::REPORTED.saturating_sub(self.report.faults.len());
        let faults = one.faults.into_iter().take(room);
        self.report.faults.extend(faults.map(|fault| Fault {
            line: fault.line.map(|line| line + before),
            detail: of_log(&fault.detail),
            ..fault
        }));
        for mut warning in one.warnings {
            warning.detail = of_log(&warning.detail);
            self.report.warnings.push(warning);
        }
        self.report.entries += one.entries;
        self.report.epochs += one.epochs;
        self.report.not_checked.extend(one.not_checked);
        if let Some(redacted) = one.redacted {
            let so_far = self.report.redacted.unwrap_or_default();
            self.report.redacted = Some(Redacted {
                members: so_far.members + redacted.members,
                opened: so_far.opened + redacted.opened,
            });
        }
    }

    /// Nothing is verified by it as of one log: what it holds is taken out and verified.
    fn outcome(self) -> VerifyOutcome {
        let mut report = self.report;
        report.not_checked.sort_unstable();
        report.not_checked.dedup();
        let passed = self.logs.iter().all(|log| log.verdict == Verdict::Pass);
        if passed && report.faults.is_empty() && !self.logs.is_empty() {
            report.verdict = Verdict::Pass;
        }
        report.logs = Some(self.logs);
        VerifyOutcome {
            report,
            verified: None,
            trace: Trace::default(),
            reached: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn bundles(text: &str, buffer: usize) -> Vec<String> {
        let mut reader = BufReader::with_capacity(buffer, text.as_bytes());
        let mut found = Vec::new();
        while let Some(mut one) = OneBundle::next(&mut reader).unwrap() {
            let mut bundle = String::new();
            one.read_to_string(&mut bundle).unwrap();
            assert_eq!(one.lines, bundle.matches('\n').count() as u64);
            found.push(bundle);
        }
        found
    }

    #[test]
    fn a_bundle_ends_with_its_closing_record_and_nowhere_else() {
        let first = "{\"sealbook\":{}}\n{\"entry\":\"{\\\"bundle\\\":\"}\n{\"bundle\":{}}\n";
        let second = "{\"bundl\":1}\n{\"bundle\n {\"bundle\":\n{\"bundle\":{},\"key\":\"\"}\n";
        let cut = "{\"sealbook\":{}}\n{\"bundle\":{}";
        for buffer in 1..40 {
            let all = format!("{first}{second}{cut}");
            assert_eq!(bundles(&all, buffer), [first, second, cut]);
        }
        assert!(bundles("", 8).is_empty());
    }
}
