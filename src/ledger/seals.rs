//! The walk along the epochs: every header's signature and invariants, and
//! every tree built again from its entries.

use super::epoch::{EpochFault, EpochHeader, SignedEpoch};
use super::fault::{At, Fault, FaultCode, Findings, Format, NotChecked, WarningCode};
use super::growing::GrowingTree;
use super::hash::Hash;
use super::head::{LastEpoch, SignedHead};
use super::judge::Readable;
use super::key::PublicKey;
use super::merkle::LeafRange;
use super::position::Seq;
use super::source::Subject;

/// Where the walk stands.
#[derive(Debug)]
pub(crate) struct Seals {
    log: Option<PublicKey>,
    genesis: Option<Hash>,
    contiguous: bool,
    /// A whole log, whose first header is that of epoch 0.
    whole: bool,
    before: Option<EpochHeader>,
    current: Option<Open>,
    pub(crate) count: u64,
    pub(crate) sealed_to: Option<Seq>,
    /// Whether a header does not follow the one before it.
    pub(crate) gap: bool,
}

/// The epoch whose entries are being read.
#[derive(Debug)]
struct Open {
    header: EpochHeader,
    line: Option<u64>,
    tree: GrowingTree,
    given: bool,
}

impl Seals {
    pub(crate) fn new(subject: &Subject) -> Seals {
        Seals {
            log: subject.log,
            genesis: subject.genesis,
            contiguous: subject.contiguous,
            whole: subject.format == Format::Ledger,
            before: None,
            current: None,
            count: 0,
            sealed_to: None,
            gap: false,
        }
    }

    pub(crate) const fn last_header(&self) -> Option<&EpochHeader> {
        self.before.as_ref()
    }

    /// The genesis that headers and heads must name, once it is known.
    pub(crate) fn expect_genesis(&mut self, genesis: Hash) {
        self.genesis = Some(genesis);
    }

    /// The header whose entries are being read.
    pub(crate) fn header(&self) -> Option<&EpochHeader> {
        self.current.as_ref().map(|open| &open.header)
    }

    /// Takes a header, which the log that it names `signed` or not; the entries
    /// that follow are its.
    pub(crate) fn open(
        &mut self,
        epoch: SignedEpoch,
        signed: bool,
        line: Option<u64>,
        findings: &mut Findings,
    ) {
        self.close(findings);
        let header = &epoch.content;
        self.count += 1;
        if !signed {
            let detail = "the header's signature is not the log key's";
            findings.fault(fault_in(
                FaultCode::EpochSignatureInvalid,
                header,
                line,
                detail,
            ));
        }
        self.check_names(header.log, header.genesis, findings, |code, detail| {
            fault_in(code, header, line, detail)
        });
        let mut faults = header.faults_alone();
        faults.extend(self.faults_in_order(header, findings));
        for fault in &faults {
            let code = match fault {
                EpochFault::Prev { .. } => FaultCode::EpochChainBroken,
                _ => FaultCode::EpochInvariant,
            };
            findings.fault(fault_in(code, header, line, &fault.to_string()));
        }
        self.before = Some(header.clone());
        self.sealed_to = self.sealed_to.max(Some(header.last_seq));
        self.current = Some(Open {
            header: epoch.content,
            line,
            tree: GrowingTree::default(),
            given: false,
        });
    }

    /// What ties a header to the one before it, as far as that one is here:
    /// a range may begin in the middle of a log, a selection may leave out any.
    fn faults_in_order(
        &mut self,
        header: &EpochHeader,
        findings: &mut Findings,
    ) -> Vec<EpochFault> {
        let Some(before) = &self.before else {
            let from_the_start =
                self.whole || header.epoch.0 == 0 || header.first_seq == Seq::FIRST;
            return if from_the_start {
                header.faults_after(None)
            } else {
                Vec::new()
            };
        };
        let follows = before.epoch.next() == Some(header.epoch);
        if !self.contiguous && header.epoch > before.epoch && !follows {
            let detail = format!("epoch {} follows epoch {}", header.epoch, before.epoch);
            findings.warning(WarningCode::EpochGap, detail);
            self.gap = true;
            return header.faults_beyond(before);
        }
        header.faults_after(Some(before))
    }

    /// Takes the subtrees of the current epoch before `next`, the first entry
    /// that is given of it.
    pub(crate) fn before(
        &mut self,
        hashes: &[Hash],
        line: Option<u64>,
        next: Seq,
        findings: &mut Findings,
    ) {
        self.skip(hashes, line, findings, |open| LeafRange {
            start: 0,
            end: next.0.saturating_sub(open.header.first_seq.0),
        });
    }

    /// Takes the subtrees of the current epoch after the last entry given.
    pub(crate) fn after(&mut self, hashes: &[Hash], line: Option<u64>, findings: &mut Findings) {
        self.skip(hashes, line, findings, |open| LeafRange {
            start: open.tree.size(),
            end: open.header.tree_size,
        });
    }

    fn skip(
        &mut self,
        hashes: &[Hash],
        line: Option<u64>,
        findings: &mut Findings,
        range: impl Fn(&Open) -> LeafRange,
    ) {
        if !self.contiguous {
            let detail = "subtree hashes stand in a selection, whose entries have paths";
            findings.fault(Fault::of_file(FaultCode::BundleCorrupt, detail).on_line(line));
            return;
        }
        let Some(open) = &mut self.current else {
            let detail = "subtree hashes stand outside of any epoch";
            findings.fault(Fault::of_file(FaultCode::BundleCorrupt, detail).on_line(line));
            return;
        };
        // How many there must be follows from the positions, and is checked
        // before anything is hashed.
        let range = range(open);
        let subtrees: Vec<_> = range.subtrees().collect();
        let fits =
            !hashes.is_empty() && subtrees.len() == hashes.len() && open.tree.size() == range.start;
        let pushed = fits
            && subtrees
                .iter()
                .zip(hashes)
                .all(|(subtree, hash)| open.tree.push_subtree(subtree.level, *hash).is_ok());
        if !pushed {
            let (given, needed) = (hashes.len(), subtrees.len());
            let detail = format!("{given} subtree hashes where {needed} must stand");
            findings.fault(fault_in(
                FaultCode::BundleCorrupt,
                &open.header,
                line,
                &detail,
            ));
        }
    }

    /// Takes an entry. Says whether an epoch header covers it.
    pub(crate) fn entry(
        &mut self,
        seq: Option<Seq>,
        entry: Option<&Readable>,
        line: Option<u64>,
        index: u64,
        findings: &mut Findings,
    ) -> bool {
        let ends = |open: &Open| seq.is_some_and(|s| s > open.header.last_seq);
        if self.contiguous && self.current.as_ref().is_some_and(ends) {
            self.close(findings);
        }
        if self.contiguous && entry.is_some_and(|entry| entry.has_path) {
            let detail = "a path stands with an entry of a range";
            let fault = Fault::at(FaultCode::BundleCorrupt, At::Entry, index, detail);
            findings.fault(fault.with_seq(seq.map(|s| s.0)).on_line(line));
        }
        let Some(open) = &mut self.current else {
            return false;
        };
        let Some(entry) = entry else {
            return true;
        };
        if !open.header.holds(entry.ts) || entry.ts > open.header.sealed_at {
            let detail = format!(
                "its time {} lies outside of epoch {} of {}, sealed at {}",
                entry.ts, open.header.epoch, open.header.hour, open.header.sealed_at
            );
            let fault = Fault::at(FaultCode::EpochInvariant, At::Entry, index, detail);
            findings.fault(fault.with_seq(seq.map(|s| s.0)).on_line(line));
        }
        open.given = true;
        if seq == Some(open.header.last_seq) && entry.hash != open.header.head {
            let header = &open.header;
            let detail = format!("entry {} is not the head that was sealed", header.last_seq);
            let fault = fault_in(FaultCode::HeadMismatch, header, open.line, &detail);
            findings.fault(fault.compared(header.head, entry.hash));
        }
        if self.contiguous {
            open.tree.push(entry.leaf);
        } else {
            open.check_path(seq, entry, line, index, findings);
        }
        true
    }

    /// Ends the current epoch: its tree must be the one that was sealed.
    pub(crate) fn close(&mut self, findings: &mut Findings) {
        let Some(mut open) = self.current.take() else {
            return;
        };
        let root = open.tree.root().unwrap_or(Hash::ZERO);
        let header = &open.header;
        if !self.contiguous {
            if !open.given {
                let detail = "the header of an epoch of which no entry is given";
                findings.fault(fault_in(
                    FaultCode::BundleCorrupt,
                    header,
                    open.line,
                    detail,
                ));
            }
            return;
        }
        if open.tree.size() != header.tree_size || root != header.root {
            let detail = format!(
                "its {} entries do not make the tree of {} that was sealed",
                open.tree.size(),
                header.tree_size
            );
            let fault = fault_in(FaultCode::EpochRootMismatch, header, open.line, &detail);
            findings.fault(fault.compared(header.root, root));
        }
    }

    /// Takes a head statement that came with the log.
    pub(crate) fn head(
        &self,
        head: &SignedHead,
        signed: bool,
        line: Option<u64>,
        findings: &mut Findings,
    ) {
        let fault = |code, detail: &str| {
            Fault::of_file(code, detail)
                .with_seq(Some(head.content.seq.0))
                .on_line(line)
        };
        if !signed {
            let detail = "the head statement's signature is not the log key's";
            findings.fault(fault(FaultCode::SignatureInvalid, detail));
        }
        self.check_names(head.content.log, head.content.genesis, findings, fault);
        let stands = head.content.second.as_ref().map(|second| &second.epoch);
        if let (Some(stands), Some(before)) = (stands, &self.before) {
            let last = Some(LastEpoch {
                epoch: before.epoch,
                hash: before.hash(),
            });
            if *stands != last {
                let detail = "the head does not stand on the header before it";
                findings.fault(fault(FaultCode::EpochChainBroken, detail));
            }
        }
    }

    fn check_names(
        &self,
        log: PublicKey,
        genesis: Hash,
        findings: &mut Findings,
        fault: impl Fn(FaultCode, &str) -> Fault,
    ) {
        if let Some(expected) = self.log.filter(|key| *key != log) {
            let found = fault(FaultCode::LogKeyMismatch, "it names another log key");
            findings.fault(found.compared(expected, log));
        }
        if let Some(expected) = self.genesis.filter(|hash| *hash != genesis) {
            let found = fault(FaultCode::GenesisMismatch, "it names another genesis");
            findings.fault(found.compared(expected, genesis));
        }
    }
}

impl Open {
    /// In a selection every entry brings its own path to the root.
    fn check_path(
        &self,
        seq: Option<Seq>,
        entry: &Readable,
        line: Option<u64>,
        index: u64,
        findings: &mut Findings,
    ) {
        let header = &self.header;
        let fault = |detail: String| {
            Fault::at(FaultCode::ProofInvalid, At::Entry, index, detail)
                .with_seq(seq.map(|s| s.0))
                .on_line(line)
        };
        match &entry.root {
            Some(Ok(root)) if *root == header.root => {}
            Some(Ok(root)) => {
                let detail = format!(
                    "its path does not lead to the root of epoch {}",
                    header.epoch
                );
                findings.fault(fault(detail).compared(header.root, root));
            }
            Some(Err(error)) => findings.fault(fault(error.to_string())),
            None => findings.fault(fault(format!("it has no path into epoch {}", header.epoch))),
        }
    }
}

fn fault_in(code: FaultCode, header: &EpochHeader, line: Option<u64>, detail: &str) -> Fault {
    Fault::at(code, At::Epoch, header.epoch.0, detail).on_line(line)
}

/// What a selection never shows.
pub(crate) const SELECTION_NOT_CHECKED: [NotChecked; 2] =
    [NotChecked::Completeness, NotChecked::Chain];
