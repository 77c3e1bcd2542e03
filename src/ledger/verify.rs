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
//! log.

use super::anchors::{AnchorCheck, Known};
use super::chain::Chain;
use super::documents::{Documents, Place};
use super::epoch::EpochHeader;
use super::fault::{
    At, Fault, FaultCode, Findings, Format, KeySource, NotChecked, Report, Verdict, WarningCode,
};
use super::hash::Hash;
use super::head::SignedHead;
use super::judge::{Judged, Opinion, Question, Readable, judge};
use super::key::{PublicKey, StrictVerifier};
use super::opening::Opening;
use super::position::Seq;
use super::receipts::{ReceiptCheck, Whose};
use super::seals::Seals;
use super::source::{Event, ReadError, Source, Subject};

pub use super::anchors::Anchor;
pub use super::policy::Policy;

/// A value that passed verification. Nothing but [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The value.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// What was verified, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it was.
    pub format: Format,
    /// Whose it is.
    pub log: Option<PublicKey>,
    /// The hash of entry 0, if known.
    pub genesis: Option<Hash>,
    /// How many entries.
    pub entries: u64,
    /// How many epoch headers.
    pub epochs: u64,
    /// The number of the last entry; `None` if there is none.
    pub last_seq: Option<Seq>,
    /// The hash of the last entry; zeros if there is none.
    pub head: Hash,
}

/// The end of a verification.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything that was found.
    pub report: Report,
    /// There exactly if the verdict is pass.
    pub verified: Option<Verified<Summary>>,
}

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
) -> Result<Outcome, ReadError> {
    let subject = source.subject();
    let mut walk = Walk::new(&subject, policy);
    let mut batch = Vec::new();
    source.next_batch(&mut batch)?;
    let mut before = (Vec::new(), Vec::new());
    // The last header that was read: the walk is one batch behind.
    let mut header = None;
    while !batch.is_empty() {
        walk.choose_verifier(&batch);
        let verifier = walk.verifier_for(&batch);
        let question = Question {
            verifier: verifier.as_ref(),
            log: walk.log,
            receipts: walk.receipts.is_some(),
            header: header.as_ref(),
        };
        let mut next = Vec::new();
        let (judged, (read, ())) = rayon::join(
            || judge(&batch, question),
            || {
                rayon::join(
                    || source.next_batch(&mut next),
                    || walk.take(std::mem::take(&mut before)),
                )
            },
        );
        read?;
        progress(walk.chain.count);
        header = last_header(&batch).or(header);
        before = (batch, judged);
        batch = next;
    }
    walk.take(before);
    progress(walk.chain.count);
    Ok(walk.finish())
}

fn last_header(batch: &[Event]) -> Option<EpochHeader> {
    batch.iter().rev().find_map(|event| match event {
        Event::Epoch(epoch, _) => Some(epoch.content.clone()),
        _ => None,
    })
}

/// The serial part.
struct Walk<'a> {
    policy: &'a Policy,
    subject: Subject,
    key_source: KeySource,
    log: Option<PublicKey>,
    verifier: Option<StrictVerifier>,
    /// Several keys were given for a logbook, which names none: the first
    /// entry decides.
    undecided: bool,
    chain: Chain,
    seals: Seals,
    head: Option<SignedHead>,
    genesis: Option<Hash>,
    anchors: AnchorCheck<'a>,
    receipts: Option<ReceiptCheck<'a>>,
    documents: Documents,
    not_checked: Vec<NotChecked>,
    findings: Findings,
}

impl<'a> Walk<'a> {
    fn new(subject: &Subject, policy: &'a Policy) -> Walk<'a> {
        let mut findings = Findings::default();
        let given = !policy.keys.is_empty();
        let key_source = match (given, subject.format) {
            (true, _) => KeySource::Given,
            (false, Format::Ledger) => KeySource::Ledger,
            (false, _) => KeySource::None,
        };
        let log = subject.log.or_else(|| policy.keys.first().copied());
        match key_source {
            KeySource::Ledger => {
                let detail = "no key was given: the ledger was checked against its own";
                findings.warning(WarningCode::KeyFromLedger, detail);
            }
            KeySource::None => {
                let detail = "no key was given, and a file's own word for its key is worth nothing";
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
        if !policy.signatures || log.is_none() {
            not_checked.push(NotChecked::Signatures);
        }
        if policy.anchors_the_end() {
            not_checked.retain(|what| *what != NotChecked::Truncation);
        }
        Walk {
            policy,
            key_source,
            log,
            verifier: log
                .filter(|_| policy.signatures)
                .as_ref()
                .map(StrictVerifier::new),
            undecided: subject.log.is_none() && policy.signatures && policy.keys.len() > 1,
            chain: Chain::new(subject.format, subject.first_seq, subject.contiguous),
            seals: Seals::new(subject),
            head: None,
            genesis: subject.genesis,
            anchors: AnchorCheck::new(&policy.contains),
            receipts: policy.receipts.as_ref().map(ReceiptCheck::new),
            documents: Documents::new(subject.format),
            not_checked,
            findings,
            subject: subject.clone(),
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
            let question = Question {
                verifier: Some(&StrictVerifier::new(key)),
                log: Some(*key),
                receipts: false,
                header: None,
            };
            match judge(first, question).pop() {
                Some(Opinion::Entry(Judged::Read(entry))) => entry.signature_valid == Some(true),
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
                (Event::Document(_, line), Opinion::Entry(judged)) => {
                    self.documents.line(&judged, line, &mut self.findings);
                }
                (Event::Epoch(epoch, line), Opinion::Statement(signed)) => {
                    self.seals.open(*epoch, signed, line, &mut self.findings);
                    if let Some(header) = self.seals.header().filter(|_| signed) {
                        self.anchors.header(header);
                    }
                }
                (Event::Head(head, line), Opinion::Statement(signed)) => {
                    self.seals.close(&mut self.findings);
                    if self.head.is_some() || !self.subject.contiguous {
                        let detail = "a head stands only once, and only in a range";
                        let found = Fault::of_file(FaultCode::BundleCorrupt, detail);
                        self.findings.fault(found.on_line(line));
                    }
                    self.seals.head(&head, signed, line, &mut self.findings);
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
            Event::NotChecked(what) => self.not_checked.push(what),
            // Judged, each in its own way, above.
            Event::Entry(..) | Event::Document(..) | Event::Epoch(..) | Event::Head(..) => {}
        }
    }

    fn entry(&mut self, judged: &Judged, line: Option<u64>) {
        let index = self.chain.count;
        let seq = self.chain.step(judged, line, &mut self.findings);
        let readable = match judged {
            Judged::Read(entry) => Some(&**entry),
            Judged::Unreadable { .. } => None,
        };
        if let (Some(entry), Some(seq)) = (readable, seq) {
            self.open(seq, entry, line);
            self.compare(seq, entry, index, line);
        }
        if self.subject.format == Format::Logbook {
            return;
        }
        let place = At::Entry;
        let covered = self
            .seals
            .entry(seq, readable, line, index, &mut self.findings);
        if !covered && self.head.is_none() && self.subject.format != Format::Ledger {
            let detail = "no epoch header and no head covers it";
            let fault = Fault::at(FaultCode::ProofInvalid, place, index, detail);
            self.findings
                .fault(fault.with_seq(seq.map(|s| s.0)).on_line(line));
        }
    }

    /// Entry 0 says which log this is.
    fn open(&mut self, seq: Seq, entry: &Readable, line: Option<u64>) {
        if entry.acknowledges_rollback && self.subject.format != Format::Logbook {
            let detail = format!("entry {seq} acknowledges a rollback");
            self.findings
                .warning(WarningCode::AcknowledgedRollback, detail);
        }
        if seq != Seq::FIRST {
            return;
        }
        if self.subject.format == Format::Logbook {
            self.genesis = Some(entry.hash);
            return;
        }
        let fault = |code, detail: String| {
            Fault::at(code, At::Entry, 0, detail)
                .with_seq(Some(0))
                .on_line(line)
        };
        match entry.opening.as_ref().map(Opening::from_object) {
            Some(Ok(opening)) => {
                if let Some(log) = self.log.filter(|key| *key != opening.log) {
                    let found = fault(
                        FaultCode::LogKeyMismatch,
                        "entry 0 names another log key".to_owned(),
                    );
                    self.findings.fault(found.compared(log, opening.log));
                }
            }
            Some(Err(error)) => self
                .findings
                .fault(fault(FaultCode::SchemaViolation, error.to_string())),
            None => {
                let detail = "entry 0 does not open a ledger".to_owned();
                self.findings
                    .fault(fault(FaultCode::SchemaViolation, detail));
            }
        }
        match self.genesis {
            Some(genesis) if genesis != entry.hash => {
                let found = fault(
                    FaultCode::GenesisMismatch,
                    "entry 0 is not the genesis that is named".to_owned(),
                );
                self.findings.fault(found.compared(genesis, entry.hash));
            }
            _ => {
                self.genesis = Some(entry.hash);
                self.seals.expect_genesis(entry.hash);
            }
        }
    }

    /// Holds an entry against what was kept of the log, and notes the documents
    /// that it needs.
    fn compare(&mut self, seq: Seq, entry: &Readable, index: u64, line: Option<u64>) {
        self.anchors.entry(seq, entry.hash);
        let whose = self.whose();
        if let (Some(receipts), Some(rest)) = (&mut self.receipts, entry.receipt) {
            receipts.entry(seq, entry.hash, rest, whose, &mut self.findings);
        }
        let numbered = self.subject.format != Format::Logbook;
        let place = Place {
            index: match self.subject.format {
                Format::Ledger => seq.0,
                _ => index,
            },
            seq: numbered.then_some(seq.0),
            line,
        };
        let mentions = &entry.mentions;
        self.documents.entry(mentions, place, &mut self.findings);
    }

    fn whose(&self) -> Whose {
        Whose {
            log: self.log,
            genesis: self.genesis,
        }
    }

    fn finish(mut self) -> Outcome {
        self.seals.close(&mut self.findings);
        self.check_end();
        let whose = self.whose();
        let findings = &mut self.findings;
        let known = Known {
            log: self.log,
            genesis: self.genesis,
            subject: &self.subject,
            head: self.chain.head,
        };
        self.anchors.close(&known, &mut self.not_checked, findings);
        if let Some(receipts) = self.receipts {
            let last = self.chain.last_seq;
            let not_checked = &mut self.not_checked;
            receipts.close(whose, &self.subject, last, not_checked, findings);
        }
        self.documents.close(&mut self.not_checked, findings);
        if self.chain.count == 0 {
            self.findings
                .warning(WarningCode::Empty, "there are no entries");
        }
        self.not_checked.sort_unstable();
        self.not_checked.dedup();
        let summary = Summary {
            format: self.subject.format,
            log: self.log,
            genesis: self.genesis,
            entries: self.chain.count,
            epochs: self.seals.count,
            last_seq: self.chain.last_seq,
            head: self.chain.head,
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
        };
        Outcome {
            report,
            verified: clean.then_some(Verified(summary)),
        }
    }

    /// The last entry must be the one that the source, its head statement and
    /// the caller say.
    fn check_end(&mut self) {
        let last = self.chain.last_seq;
        if let Some(claimed) = self
            .subject
            .last_seq
            .filter(|claimed| last != Some(*claimed))
        {
            let found = Fault::of_file(
                FaultCode::Truncated,
                "it does not end at the entry that it says",
            );
            let actual = last.map_or_else(|| "none".to_owned(), |s| s.to_string());
            self.findings.fault(found.compared(claimed, actual));
        }
        if let Some(head) = self.head.as_ref().map(|head| &head.content)
            && (last != Some(head.seq) || self.chain.head != head.hash)
        {
            let detail = "the last entry is not that of the head statement";
            let found = Fault::of_file(FaultCode::HeadMismatch, detail).with_seq(Some(head.seq.0));
            self.findings
                .fault(found.compared(head.hash, self.chain.head));
        }
        if let Some(expected) = self
            .policy
            .expect_head
            .filter(|hash| *hash != self.chain.head)
        {
            let detail = "the last entry is not the head that was expected";
            let found = Fault::of_file(FaultCode::HeadMismatch, detail);
            self.findings
                .fault(found.compared(expected, self.chain.head));
        }
    }
}
