//! The one engine behind every verdict: ledgers, logbooks, bundles and proofs
//! are sources of events, and the walk over them is the same.
//!
//! ```text
//! source ──batch──▶ judge (all cores: form, hash, signature)
//!    ▲                 │
//!    └─ next batch     ▼
//!       is read     walk (in order: links, sequence, time, epochs, heads)
//!       meanwhile      │   while the next batch is judged
//!                      ▼
//!                   report, and a Verified summary if there is no fault
//! ```
//!
//! Memory is that of three batches and one frontier, whatever the size of the
//! log; of a whole log with an index, that of the audit of the index besides.

use std::sync::Arc;

use super::anchors::{AnchorCheck, KnownLog};
use super::answered::SelectionSoFar;
use super::chain::ChainWalk;
use super::checkpoint::Checkpoint;
use super::closing::Closing;
use super::documents::Documents;
use super::fault::{
    At, Fault, FaultCode, Findings, Format, KeySource, NotChecked, Report, Verdict, WarningCode,
};
use super::hash::Hash;
use super::head::SignedHead;
use super::json::Value;
use super::judge::{JudgeRequest, JudgedEntry, Opinion, judge, read_raw};
use super::key::{PublicKey, StrictVerifier};
use super::kind;
use super::opening::Opening;
use super::position::Seq;
use super::receipts::ReceiptCheck;
use super::revoked::{Book, Revoked};
use super::seals::Seals;
use super::source::{Event, ReadError, Source, Subject};
use super::spill::Spill;
use super::trace::Trace;
use super::version::Unsupported;

pub(crate) mod beside;
mod committing;
mod cores;
mod ending;
mod entry;
mod index;
mod opened;
mod public;

use committing::Committing;
use cores::{beside, is_little};
use index::Indexed;
use opened::OpenedMembers;
use public::Public;

pub use super::anchors::Anchor;
pub use super::outcome::{Summary, Verified, VerifyOutcome};
pub use super::policy::{KNOWN_KEYS, Policy};
pub use ending::ALSO_ATTESTATIONS;

/// Verifies what `source` holds. `progress` is told the entries walked so far,
/// about once a batch.
///
/// # Errors
/// [`ReadError`] if the source cannot be read to its end: then there is no
/// verdict.
pub fn verify(
    source: &mut dyn Source,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    verify_from(source, policy, None, &mut |walked, _| progress(walked))
}

/// The same, going on after a checkpoint at which `source` stands. `progress` is
/// also told the last checkpoint that was reached without a fault, where the
/// source says its offsets.
pub fn verify_from(
    source: &mut dyn Source,
    policy: &Policy,
    resume: Option<&Checkpoint>,
    progress: &mut dyn FnMut(u64, Option<&Checkpoint>),
) -> Result<VerifyOutcome, ReadError> {
    let subject = source.subject();
    let mut walk = Walk::new(&subject, policy, resume);
    walk.spill = source.spill();
    let mut batch = Vec::new();
    source.next_batch(&mut batch)?;
    let mut before = (Vec::new(), Vec::new());
    // The last header that was read: the walk is one batch behind.
    let mut header = None;
    while !batch.is_empty() {
        walk.choose_rules(&batch);
        walk.choose_index(&batch);
        walk.choose_verifier(&batch);
        let verifier = walk.verifier_for(&batch);
        let others = policy.others(walk.log);
        let question = JudgeRequest {
            verifier: verifier.as_ref(),
            log: walk.log,
            others: &others,
            receipts: walk.receipts.is_some(),
            kinds: walk.own,
            index: walk.index.genesis(),
            header: header.as_ref(),
            selection: walk.selects(),
        };
        let mut next = Vec::new();
        let few = is_little(&batch);
        let (judged, (read, ())) = beside(
            few,
            || judge(&batch, question),
            || {
                beside(
                    few,
                    || source.next_batch(&mut next),
                    || walk.take(std::mem::take(&mut before)),
                )
            },
        );
        read?;
        progress(walk.chain.count, walk.reached.as_ref());
        header = index::last_header(&batch).or(header);
        before = (batch, judged);
        batch = next;
        if walk.findings.is_enough() || matches!(walk.index, Indexed::Lost(_)) {
            break;
        }
    }
    walk.take(before);
    progress(walk.chain.count, walk.reached.as_ref());
    match walk.unsupported.take() {
        Some(unsupported) => Err(unsupported.into()),
        None => walk.finish(),
    }
}

struct Walk<'a> {
    policy: &'a Policy,
    subject: Subject,
    key_source: KeySource,
    log: Option<PublicKey>,
    verifier: Option<StrictVerifier>,
    /// Several keys were given for a logbook, which names none: the first entry decides.
    undecided: bool,
    /// Whether all rules of a ledger hold for it: a logbook may be the book of
    /// others, in which kinds mean nothing.
    own: bool,
    chain: ChainWalk,
    seals: Seals,
    head: Option<SignedHead>,
    genesis: Option<Hash>,
    anchors: AnchorCheck<'a>,
    receipts: Option<ReceiptCheck<'a>>,
    documents: Documents,
    revoked: Revoked<'a>,
    opening: Option<Opening>,
    closing: Option<(Seq, Closing)>,
    /// An entry began an index.
    begun: bool,
    committing: Committing,
    index: Indexed,
    /// Where what does not fit in memory may lie.
    spill: Option<Arc<dyn Spill>>,
    public: Public<'a>,
    opened: OpenedMembers,
    trace: Trace,
    reached: Option<Checkpoint>,
    answers: Option<Value>,
    answered: SelectionSoFar,
    /// Entry 0 is of a version that is not known.
    unsupported: Option<Unsupported>,
    not_checked: Vec<NotChecked>,
    findings: Findings,
}

impl<'a> Walk<'a> {
    fn new(subject: &Subject, policy: &'a Policy, resume: Option<&Checkpoint>) -> Walk<'a> {
        let mut findings = Findings::default();
        let given = !policy.keys.is_empty();
        let key_source = match (given, subject.format) {
            (true, _) => KeySource::Given,
            (false, Format::Ledger) => KeySource::Ledger,
            (false, _) => KeySource::None,
        };
        let named = subject.log.or(resume.map(|at| at.log));
        let log = named.or(policy.keys.first().copied());
        match key_source {
            KeySource::Ledger => {
                let detail = "no key was given: the ledger was checked against its own";
                findings.warning(WarningCode::KeyFromLedger, detail);
            }
            KeySource::None => {
                let detail = "no trusted key was given";
                findings.fault(Fault::of_file(FaultCode::UntrustedKey, detail));
            }
            KeySource::Given => {
                if let Some(named) = subject.log.filter(|key| !policy.keys.contains(key)) {
                    let detail = "the log's key is none of those given";
                    let keys: Vec<_> = policy.keys.iter().map(PublicKey::to_string).collect();
                    let fault = Fault::of_file(FaultCode::UntrustedKey, detail);
                    findings.fault(fault.compared(keys.join(" "), named));
                }
            }
        }
        let mut not_checked = subject.not_checked.clone();
        let whole = subject.contiguous && subject.first_seq == Seq::FIRST && resume.is_none();
        if !policy.signatures || log.is_none() {
            not_checked.push(NotChecked::Signatures);
        }
        Walk {
            policy,
            key_source,
            log,
            verifier: log
                .filter(|_| policy.signatures)
                .as_ref()
                .map(StrictVerifier::new),
            own: subject.format != Format::Logbook
                || policy.ledger_rules
                || resume.is_some_and(|at| at.ledger_rules),
            undecided: named.is_none() && policy.signatures && policy.keys.len() > 1,
            chain: match resume {
                Some(at) => ChainWalk::after(at),
                None => ChainWalk::new(subject.format, subject.first_seq, subject.contiguous),
            },
            seals: Seals::new(subject),
            head: None,
            genesis: subject.genesis.or(resume.and_then(|at| at.genesis)),
            anchors: AnchorCheck::new(&policy.contains, &mut findings),
            receipts: policy.receipts.as_ref().map(ReceiptCheck::new),
            documents: Documents::new(subject.format != Format::Proof && resume.is_none()),
            revoked: Revoked::new(policy),
            opening: None,
            closing: None,
            begun: false,
            committing: Committing::default(),
            index: Indexed::Not,
            spill: None,
            public: Public::new(policy, whole),
            opened: OpenedMembers::default(),
            trace: resume.map_or_else(|| Trace::of(subject), Trace::after),
            reached: None,
            answers: None,
            answered: SelectionSoFar::default(),
            unsupported: None,
            not_checked,
            findings,
            subject: subject.clone(),
        }
    }

    /// A logbook that begins as a ledger does is one, and is judged as one.
    fn choose_rules(&mut self, batch: &[Event]) {
        let first = batch.iter().find_map(|event| match event {
            Event::Entry(raw, _) => Some(raw),
            _ => None,
        });
        if let Some(first) = first.filter(|_| !self.own && self.trace.is_empty()) {
            self.own = matches!(read_raw(first), (_, Ok(entry)) if entry.kind() == kind::OPEN);
        }
    }

    fn choose_verifier(&mut self, batch: &[Event]) {
        let first = batch.iter().position(|e| matches!(e, Event::Entry(..)));
        let first = first.and_then(|at| batch.get(at..=at));
        let Some(first) = first.filter(|_| self.undecided) else {
            return;
        };
        self.undecided = false;
        let signs = |key: &PublicKey| {
            let question = JudgeRequest {
                verifier: Some(&StrictVerifier::new(key)),
                log: Some(*key),
                others: &[],
                receipts: false,
                kinds: false,
                index: None,
                header: None,
                selection: false,
            };
            match judge(first, question).pop() {
                Some(Opinion::Entry(JudgedEntry::Read(e))) => e.signature_valid == Some(true),
                _ => false,
            }
        };
        if let Some(key) = self.policy.keys.iter().find(|key| signs(key)) {
            self.log = Some(*key);
            self.verifier = Some(StrictVerifier::new(key));
        }
    }

    /// The verifier, prepared for as many signatures as there are.
    fn verifier_for(&mut self, batch: &[Event]) -> Option<StrictVerifier> {
        let verifier = self.verifier.as_mut()?;
        verifier.expect(batch.iter().filter(|event| event.is_signed()).count());
        Some(verifier.clone())
    }

    fn take(&mut self, (batch, opinions): (Vec<Event>, Vec<Opinion>)) {
        for (event, opinion) in batch.into_iter().zip(opinions) {
            match (event, opinion) {
                (Event::Entry(_, line), Opinion::Entry(judged)) => self.entry(&judged, line),
                (Event::Opening(_, line), Opinion::Entry(judged)) => self.beside(&judged, line),
                (Event::Document(_, line), Opinion::Entry(judged)) => {
                    let begun = self.chain.count > 0
                        || self.seals.count > 0
                        || self.head.is_some()
                        || self.committing.asked;
                    self.documents
                        .line(&judged, begun, line, &mut self.findings);
                }
                (Event::Term(proof, line), Opinion::Statement(signed)) => {
                    self.term(*proof, signed, line);
                }
                (Event::Epoch(epoch, line), Opinion::Statement(signed)) => {
                    let number = epoch.content.epoch.0;
                    self.committing.header(&epoch.content);
                    self.index.begin(&epoch.content, line, &mut self.findings);
                    self.seals.open(*epoch, signed, line, &mut self.findings);
                    if self.head.is_some() {
                        let detail = "a header stands before the head, not after it";
                        let found = Fault::at(FaultCode::BundleCorrupt, At::Epoch, number, detail);
                        self.findings.fault(found.on_line(line));
                    }
                    if let Some(header) = self.seals.header().filter(|_| signed) {
                        self.anchors.header(header, &mut self.findings);
                        self.revoked.says(header.last_seq, header.head);
                    }
                }
                (Event::Head(head, line), Opinion::Statement(signed)) => {
                    self.seals.close(&mut self.findings);
                    let next = self.chain.next_seq();
                    let ended = self.subject.last_seq.is_some_and(|last| next > last);
                    if self.head.is_some() || !self.subject.contiguous || ended {
                        let detail = "a head stands once, in a range, before the entries that no \
                                      epoch seals";
                        let found = Fault::of_file(FaultCode::BundleCorrupt, detail);
                        self.findings.fault(found.on_line(line));
                    }
                    self.seals.head(&head, signed, line, &mut self.findings);
                    if signed {
                        self.revoked.says(head.content.seq, head.content.hash);
                    }
                    self.head = Some(*head);
                }
                (event, _) => self.rest(event),
            }
        }
    }

    /// Takes what there is no opinion of.
    fn rest(&mut self, event: Event) {
        let next = self.chain.next_seq();
        match event {
            Event::Before(hashes, line) => {
                self.seals.before(&hashes, line, next, &mut self.findings);
            }
            Event::After(hashes, line) => self.seals.after(&hashes, line, &mut self.findings),
            Event::Fault(fault) => self.findings.fault(fault),
            Event::Unsigned(_) if self.policy.allow_unsigned => {
                self.not_checked.push(NotChecked::BundleUnsigned);
            }
            Event::Unsigned(line) => {
                let detail = "the closing record is not signed: anybody can have cut the file, \
                              or taken entries out of it";
                let index = line.saturating_sub(1);
                let found = Fault::at(FaultCode::BundleUnsigned, At::Document, index, detail);
                self.findings.fault(found.on_line(Some(line)));
            }
            Event::Warning(code, detail) => self.findings.warning(code, detail),
            Event::Unended { midway } => {
                if midway {
                    self.trace.tear();
                }
                let detail = "the last line has no newline";
                self.findings
                    .warning(WarningCode::MissingFinalNewline, detail);
            }
            Event::Offset(offset) => self.reach(offset),
            // Judged, each in its own way, above.
            Event::Entry(..)
            | Event::Document(..)
            | Event::Opening(..)
            | Event::Epoch(..)
            | Event::Term(..)
            | Event::Head(..) => {}
            Event::Opened(opened, line) => {
                let genesis = self.genesis;
                self.opened.open(&opened, genesis, line, &mut self.findings);
            }
            Event::Answers(filter) => self.answers = Some(filter),
            Event::Omitted(omitted) => self.omitted(&omitted),
            Event::Placed(placed) => self.index.place(&placed, &mut self.findings),
        }
    }

    fn finish(mut self) -> Result<VerifyOutcome, ReadError> {
        self.seals.close(&mut self.findings);
        self.check_end();
        self.check_answer();
        let complete = self.check_index()?;
        self.check_answered();
        let whose = self.whose();
        let findings = &mut self.findings;
        let known = KnownLog {
            log: self.log,
            genesis: self.genesis,
            subject: &self.subject,
            head: self.chain.head,
        };
        let closing = self.closing.map(|(_, closing)| closing);
        let book = Book {
            log: self.log,
            genesis: self.genesis,
            opening: self.opening.as_ref(),
            closing: closing.as_ref(),
            header: self.seals.last_header(),
            chained: self.subject.contiguous || self.chain.count == 1,
            connected: self.subject.contiguous || !self.seals.gap,
        };
        self.revoked
            .judge(&book, &self.anchors, &mut self.not_checked, findings);
        let mut covered = self.anchors.close(&known, &mut self.not_checked, findings);
        let (log, own, not_checked) = (self.log, self.own, &mut self.not_checked);
        let shown = self
            .public
            .close(log, own, &self.subject, not_checked, findings);
        covered = covered.max(shown);
        let last = self.chain.last_seq;
        if let Some(receipts) = self.receipts {
            let not_checked = &mut self.not_checked;
            let kept = receipts.close(whose, &self.subject, last, not_checked, findings);
            covered = covered.max(kept);
        }
        if self.policy.expect_head.is_some() {
            covered = covered.max(Some(last.unwrap_or_default()));
        }
        ending::say_what_is_not_covered(last, covered, &mut self.not_checked, findings);
        self.documents.close(&mut self.not_checked, findings);
        if self.chain.count == 0 {
            self.findings
                .warning(WarningCode::Empty, "there are no entries");
        }
        if !self.own {
            self.not_checked.push(NotChecked::LedgerRules);
        }
        self.not_checked.sort_unstable();
        self.not_checked.dedup();
        let summary = Summary {
            format: self.subject.format,
            log: self.log,
            genesis: self.genesis,
            entries: self.chain.count,
            epochs: self.seals.count,
            contiguous: self.subject.contiguous,
            last_seq: self.chain.last_seq,
            head: self.chain.head,
            closing: closing.filter(|_| self.closing.map(|(seq, _)| seq) == self.chain.last_seq),
            opening: self.opening,
        };
        let clean = self.findings.is_clean();
        let (faults, warnings) = self.findings.into_lists();
        let report = Report {
            verdict: if clean { Verdict::Pass } else { Verdict::Fail },
            format: summary.format,
            entries: summary.entries,
            epochs: summary.epochs,
            head: summary.head,
            log: summary.log,
            genesis: summary.genesis,
            key_source: self.key_source,
            faults,
            not_checked: self.not_checked,
            warnings,
            complete: complete.filter(|_| clean),
            redacted: self.opened.counted(),
            logs: None,
        };
        Ok(VerifyOutcome {
            report,
            verified: clean.then(|| Verified::new(summary)),
            trace: self.trace,
            reached: self.reached,
        })
    }
}
