//! The index in a walk: of a whole ledger computed again, of a selection held
//! against the entries that are given.

use super::super::begins::Begins;
use super::super::chain::ChainPosition;
use super::super::epoch::EpochHeader;
use super::super::fault::{At, Complete, Fault, FaultCode, Findings, Format, NotChecked};
use super::super::hash::Hash;
use super::super::index::audit::{IndexAudit, Spot};
use super::super::index::cover::{Begun, epochs_of};
use super::super::index::leaf::Count;
use super::super::index::omitted::Omitted;
use super::super::index::proof::{TermProof, TermProofFault, expected};
use super::super::index::term::{Field, Placed, Term};
use super::super::json::{Object, Value};
use super::super::judge::{Readable, read_raw};
use super::super::kind;
use super::super::opening::Opening;
use super::super::position::{EpochNumber, Seq};
use super::super::source::Event;
use super::super::spill::SpillError;
use super::Walk;
use super::ending::ALSO_ATTESTATIONS;

/// What the index is asked.
#[derive(Debug)]
pub(super) enum Indexed {
    /// Nothing.
    Not,
    /// Whether every header commits to the index of the log's entries.
    Whole(Box<IndexAudit>),
    /// Whether all entries of a term are given.
    Term(Box<TermClaim>),
    /// Nothing more: what does not fit in memory was lost, and there is no verdict.
    Lost(SpillError),
}

/// A term, what the index is said to say of it, and its entries so far.
#[derive(Debug)]
pub(super) struct TermClaim {
    proof: TermProof,
    line: Option<u64>,
    own: Vec<(EpochNumber, Count)>,
    /// How many are named and left out.
    omitted: u64,
    /// One of these stands behind those of a later epoch, or in an epoch that the index does
    /// not cover.
    misplaced: bool,
    /// The first entry that does not have the term.
    other: Option<Seq>,
    /// What an entry that is given says of where the index began.
    pub(super) begun: Option<Begun>,
}

impl Indexed {
    /// The log whose entries are to be found their places in.
    pub(super) fn genesis(&self) -> Option<Hash> {
        match self {
            Indexed::Not | Indexed::Lost(_) => None,
            Indexed::Whole(audit) => Some(audit.genesis()),
            Indexed::Term(asked) => Some(asked.proof.header.content.genesis),
        }
    }

    pub(super) fn place(&mut self, placed: &[Placed], findings: &mut Findings) {
        if let Indexed::Whole(audit) = self {
            for placed in placed {
                audit.place(placed, findings);
            }
        }
    }

    /// Takes a header; its entries follow.
    pub(super) fn begin(
        &mut self,
        header: &EpochHeader,
        line: Option<u64>,
        findings: &mut Findings,
    ) {
        match self {
            Indexed::Not | Indexed::Lost(_) => {}
            Indexed::Whole(audit) => {
                if let Err(lost) = audit.begin(header, findings) {
                    *self = Indexed::Lost(lost);
                }
            }
            Indexed::Term(asked) => {
                let under = &asked.proof.header.content;
                if header.epoch == under.epoch && header != under {
                    let detail = "it is not the header under which the term is proven";
                    let number = header.epoch.0;
                    let found = Fault::at(FaultCode::EpochInvariant, At::Epoch, number, detail);
                    findings.fault(found.on_line(line));
                }
            }
        }
    }
}

impl TermClaim {
    /// Counts an entry.
    fn count(&mut self, epoch: EpochNumber, seq: Seq, leaf: &Hash) {
        let known = self.own.last().map(|(epoch, _)| *epoch);
        self.misplaced |= known > Some(epoch);
        if known != Some(epoch) {
            self.own.push((epoch, Count::NONE));
        }
        if let Some((_, count)) = self.own.last_mut() {
            *count = count.and(seq, leaf);
        }
    }

    /// Whether the entry has the term.
    fn has(&self, spots: &[Spot]) -> bool {
        let term = &self.proof.term;
        let open = term.open_place(&self.proof.header.content.genesis);
        spots.iter().any(|spot| match (spot, &open) {
            (Spot::Open(place), Some(open)) => place == open,
            (Spot::Hidden(own), None) => own == term,
            _ => false,
        })
    }
}

impl Walk<'_> {
    /// A ledger whose headers commit to an index is held against it, and a selection
    /// that has a proof out of one.
    pub(super) fn choose_index(&mut self, batch: &[Event]) {
        if !matches!(self.index, Indexed::Not) {
            return;
        }
        let asked = batch.iter().find_map(|event| match event {
            Event::Term(proof, line) => Some((proof, *line)),
            _ => None,
        });
        if let Some((proof, line)) = asked {
            self.index = Indexed::Term(Box::new(TermClaim {
                proof: (**proof).clone(),
                line,
                own: Vec::new(),
                omitted: 0,
                misplaced: false,
                other: None,
                begun: None,
            }));
        }
        if self.subject.format != Format::Ledger {
            return;
        }
        if let Some((genesis, begun)) = Self::begun_in(batch) {
            self.audit_index(genesis, begun);
            return;
        }
        if !self.trace.is_empty() {
            return;
        }
        let first = batch.iter().find_map(|event| match event {
            Event::Entry(raw, _) => Some(raw),
            _ => None,
        });
        let Some((_, Ok(entry))) = first.map(read_raw) else {
            return;
        };
        let opening = (entry.kind() == kind::OPEN).then(|| entry.check_payload());
        let opening = opening.and_then(|payload| Opening::from_object(&payload.ok()?).ok());
        if let Some(key) = opening.and_then(|opening| opening.index) {
            let begun = Begun::with_the_log(key);
            self.audit_index(entry.hash(), begun);
        }
    }

    fn audit_index(&mut self, genesis: Hash, begun: Begun) {
        let audit = IndexAudit::new(genesis, begun, self.spill.clone());
        self.index = Indexed::Whole(Box::new(audit));
    }

    /// The index that an entry of a batch begins: the first of an epoch whose header commits
    /// to one.
    fn begun_in(batch: &[Event]) -> Option<(Hash, Begun)> {
        let mut header: Option<&EpochHeader> = None;
        for event in batch {
            match event {
                Event::Epoch(epoch, _) if epoch.content.index.is_some() => {
                    header = Some(&epoch.content);
                }
                Event::Entry(raw, _) => {
                    let Some(header) = header else { continue };
                    let entry = read_raw(raw).1.ok()?;
                    let payload = entry.check_payload().ok()?;
                    let begins = (entry.kind() == kind::FORMAT).then_some(payload)?;
                    let key = Begins::from_object(&begins).ok()?.index;
                    let since = header.epoch;
                    return Some((header.genesis, Begun { since, key }));
                }
                _ => {}
            }
        }
        None
    }

    /// Takes what the index is said to say of a term.
    pub(super) fn term(&mut self, proof: TermProof, signed: bool, line: Option<u64>) {
        self.committing.asked = true;
        let header = &proof.header.content;
        let fault =
            |code, detail: &str| Fault::at(code, At::Epoch, header.epoch.0, detail).on_line(line);
        if !signed {
            let detail = "the signature of the header that the term is proven under is not the \
                          log key's";
            let found = fault(FaultCode::EpochSignatureInvalid, detail);
            self.findings.fault(found);
        }
        if let Some(log) = self.log.filter(|log| *log != header.log) {
            let found = fault(FaultCode::LogKeyMismatch, "it names another log key");
            self.findings.fault(found.compared(log, header.log));
        }
        if let Some(genesis) = self.genesis.filter(|genesis| *genesis != header.genesis) {
            let found = fault(FaultCode::GenesisMismatch, "it names another genesis");
            self.findings.fault(found.compared(genesis, header.genesis));
        }
        for broken in header.faults_alone() {
            let found = fault(FaultCode::EpochInvariant, &broken.to_string());
            self.findings.fault(found);
        }
    }

    /// Counts an entry.
    pub(super) fn index_entry(&mut self, seq: Seq, entry: &Readable, place: &ChainPosition) {
        match &mut self.index {
            Indexed::Not | Indexed::Lost(_) => {}
            Indexed::Whole(audit) => {
                let taken = audit.entry(seq, &entry.leaf, &entry.spots, &mut self.findings);
                if let Err(lost) = taken {
                    self.index = Indexed::Lost(lost);
                }
            }
            Indexed::Term(asked) => {
                let Some(header) = self.seals.header() else {
                    return;
                };
                let last = &asked.proof.header.content;
                if header.epoch > last.epoch {
                    let detail = format!(
                        "it lies in epoch {}, and what the index says ends with epoch {}",
                        header.epoch, last.epoch
                    );
                    let found = place.fault(FaultCode::IndexMismatch, detail);
                    return self.findings.fault(found);
                }
                if !asked.has(&entry.spots) {
                    asked.other = asked.other.or(Some(seq));
                    return;
                }
                asked.count(header.epoch, seq, &entry.leaf);
            }
        }
    }

    /// Takes an entry that has the term and is left out.
    pub(super) fn omitted(&mut self, omitted: &Omitted) {
        if let Indexed::Term(asked) = &mut self.index {
            let covered = asked.proof.since..=asked.proof.header.content.epoch;
            asked.misplaced |= !covered.contains(&omitted.epoch);
            asked.omitted = asked.omitted.saturating_add(1);
            asked.count(omitted.epoch, omitted.seq, &omitted.leaf);
        }
    }

    /// What the index says must be what the entries say. By what the selection is
    /// complete, if they do.
    pub(super) fn check_index(&mut self) -> Result<Option<Complete>, SpillError> {
        self.check_committing();
        match std::mem::replace(&mut self.index, Indexed::Not) {
            Indexed::Not => self.check_no_index(),
            Indexed::Whole(mut audit) => audit.close(&mut self.findings)?,
            Indexed::Term(asked) => return Ok(self.check_term(&asked)),
            Indexed::Lost(lost) => return Err(lost),
        }
        Ok(None)
    }

    /// What there is to say where no index was looked at.
    fn check_no_index(&mut self) {
        let header = self.seals.last_header();
        let Some(header) = header.filter(|header| header.index.is_some()) else {
            return;
        };
        if self.subject.format == Format::Ledger {
            let detail = "the header commits to an index, and no entry says under which key";
            let number = header.epoch.0;
            let found = Fault::at(FaultCode::EpochInvariant, At::Epoch, number, detail);
            self.findings.fault(found);
        } else if self.subject.contiguous {
            // Of a part of a log, nobody has all that its headers commit to.
            self.not_checked.push(NotChecked::Index);
        }
    }

    fn check_term(&mut self, asked: &TermClaim) -> Option<Complete> {
        let proof = &asked.proof;
        let header = &proof.header.content;
        let index = asked.line.unwrap_or(1).saturating_sub(1);
        let fault =
            |code, detail: String| Fault::at(code, At::Document, index, detail).on_line(asked.line);
        let said = (proof.since, proof.key);
        let others = |begun: &Begun| said != (begun.since, Some(begun.key));
        if asked.begun.as_ref().is_some_and(others) || !self.committing.fits(proof.since) {
            let detail = "the index began in another epoch or under another key, by the entry \
                          that begins it or by the headers";
            self.findings
                .fault(fault(FaultCode::IndexInvalid, detail.to_owned()));
            return None;
        }
        let key = self.opening.as_ref().and_then(|opening| opening.index);
        let counts = match proof.counts(key.as_ref()) {
            Ok(counts) => counts,
            Err(error) => {
                let found = fault(FaultCode::IndexInvalid, error.to_string());
                self.findings.fault(compared(found, &error));
                return None;
            }
        };
        let mut entries = 0_u64;
        let mut agree = true;
        for (block, said) in counts {
            entries = entries.saturating_add(said.map_or(0, |count| count.entries));
            let given = expected(&block, &asked.own);
            if said == given {
                continue;
            }
            agree = false;
            let (first, last) = epochs_of(&block);
            let number = |count: Option<Count>| count.map_or(0, |count| count.entries);
            let detail = format!(
                "epochs {first} to {last}: the log's signed index counts {} entries with {}, and \
                 {} are given, or others",
                number(said),
                proof.term,
                number(given)
            );
            let found = fault(FaultCode::IndexMismatch, detail);
            let found = found.compared(number(said), number(given));
            self.findings.fault(found);
        }
        let answers = self.answers.as_ref().and_then(Value::as_object);
        let also = answers.is_some_and(|filter| filter.contains_key(ALSO_ATTESTATIONS));
        if let Some(seq) = asked.other.filter(|_| !also) {
            let detail = format!("entry {seq} does not have {}", proof.term);
            let found = fault(FaultCode::IndexMismatch, detail);
            self.findings.fault(found.with_seq(Some(seq.0)));
        }
        if answers.is_some_and(|filter| !is_asked_in(&proof.term, filter)) {
            let detail = "the index is asked for another term than the selection is of";
            let found = fault(FaultCode::FilterMismatch, detail.to_owned());
            self.findings.fault(found);
        }
        if asked.misplaced {
            let detail = "an entry that is left out stands in an epoch that the index does not \
                          cover, or behind those of a later one";
            let found = fault(FaultCode::IndexMismatch, detail.to_owned());
            self.findings.fault(found);
        }
        if asked.omitted > 0 {
            self.not_checked.push(NotChecked::Omitted);
        }
        // Of epochs before the index nothing is shown.
        let later = (proof.since > EpochNumber::FIRST).then_some(proof.since.0);
        self.not_checked
            .retain(|what| *what != NotChecked::Completeness || later.is_some());
        let auditors = &self.policy.auditors;
        let mut audits = self.policy.audits.iter();
        if !audits.any(|audit| audit.covers(header, auditors)) {
            self.not_checked.push(NotChecked::Index);
        }
        (agree && !asked.misplaced).then(|| Complete {
            field: proof.term.field,
            value: proof.term.value.clone(),
            entries,
            omitted: asked.omitted,
            epoch: header.epoch.0,
            seq: header.last_seq.0,
            since: later,
        })
    }
}

pub(super) fn last_header(batch: &[Event]) -> Option<EpochHeader> {
    batch.iter().rev().find_map(|event| match event {
        Event::Epoch(epoch, _) => Some(epoch.content.clone()),
        _ => None,
    })
}

/// Whether a selection says that it is of the term.
fn is_asked_in(term: &Term, filter: &Object) -> bool {
    let named = |name: &str| filter.get(name);
    let said = |name| named(name).and_then(Value::as_str) == Some(term.value.as_str());
    match term.field {
        Field::Kind => {
            let kinds = named("kinds").and_then(Value::as_array);
            kinds.is_some_and(|kinds| match kinds {
                [kind] => kind.as_str() == Some(term.value.as_str()),
                _ => false,
            })
        }
        Field::Tenant => said("tenant"),
        Field::TenantJson => said("tenant_json"),
        Field::Correlation => said("correlation"),
        Field::Worker => said("worker"),
        Field::Denied => {
            let denied = named("denied").and_then(Value::as_bool);
            denied.is_some_and(|denied| denied.to_string() == term.value)
        }
    }
}

fn compared(found: Fault, error: &TermProofFault) -> Fault {
    match error {
        TermProofFault::Trees { expected, actual } => found.compared(expected, actual),
        TermProofFault::Commitment { expected, actual }
        | TermProofFault::Root {
            expected, actual, ..
        } => found.compared(expected, actual),
        _ => found,
    }
}
