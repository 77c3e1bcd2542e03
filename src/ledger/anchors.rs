//! Positions that a log must hold, because someone kept a head, a sealed header
//! or a receipt of it.

use std::collections::BTreeMap;

use super::fault::{At, Fault, FaultCode, Findings};
use super::hash::Hash;
use super::key::PublicKey;
use super::position::Seq;

/// A position that the log must hold: a signed head, a sealed header, a
/// receipt that someone kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The log it speaks of.
    pub log: PublicKey,
    /// That log's entry 0.
    pub genesis: Hash,
    /// The entry.
    pub seq: Seq,
    /// Its hash.
    pub hash: Hash,
    /// Whether the log's own signature stands under it.
    pub signed: bool,
}

/// What a walk sees of them.
#[derive(Debug)]
pub(crate) struct Anchors<'a> {
    heads: &'a [Anchor],
    contained: Vec<bool>,
    /// Receipts that were not met yet, by number.
    receipts: BTreeMap<Seq, Vec<&'a Anchor>>,
}

/// Whose log was walked, as far as that is known at its end.
pub(crate) struct Walked {
    pub(crate) log: Option<PublicKey>,
    pub(crate) genesis: Option<Hash>,
    pub(crate) head: Hash,
}

impl<'a> Anchors<'a> {
    pub(crate) fn new(heads: &'a [Anchor], receipts: &'a [Anchor]) -> Anchors<'a> {
        let mut by_number: BTreeMap<Seq, Vec<&Anchor>> = BTreeMap::new();
        for receipt in receipts {
            by_number.entry(receipt.seq).or_default().push(receipt);
        }
        Anchors {
            heads,
            contained: vec![false; heads.len()],
            receipts: by_number,
        }
    }

    /// Takes an entry; `at` places its faults.
    pub(crate) fn entry(
        &mut self,
        seq: Seq,
        hash: Hash,
        at: (u64, Option<u64>),
        findings: &mut Findings,
    ) {
        for (anchor, contained) in self.heads.iter().zip(&mut self.contained) {
            *contained |= anchor.seq == seq && anchor.hash == hash;
        }
        if self.receipts.is_empty() {
            return;
        }
        for receipt in self.receipts.remove(&seq).unwrap_or_default() {
            if receipt.hash != hash {
                let detail = "the entry is not the one that a receipt was given for";
                let fault = Fault::at(FaultCode::ReceiptMismatch, At::Entry, at.0, detail);
                let fault = fault.with_seq(Some(seq.0)).on_line(at.1);
                findings.fault(fault.compared(receipt.hash, hash));
            }
        }
    }

    /// Reports what was not met.
    pub(crate) fn finish(self, walked: &Walked, findings: &mut Findings) {
        for (anchor, contained) in self.heads.iter().zip(&self.contained) {
            let detail = if !anchor.signed {
                "the head given has no valid signature of the log it names"
            } else if walked.is_other_than(anchor) {
                "the head given is of another log"
            } else if !contained {
                "the entry of the head given is not here"
            } else {
                continue;
            };
            let found = Fault::of_file(FaultCode::HeadNotContained, detail);
            let found = found.with_seq(Some(anchor.seq.0));
            findings.fault(found.compared(anchor.hash, walked.head));
        }
        for receipt in self.receipts.into_values().flatten() {
            let detail = if walked.is_other_than(receipt) {
                "a receipt is of another log"
            } else {
                "the entry that a receipt was given for is not here"
            };
            let found = Fault::of_file(FaultCode::ReceiptMismatch, detail);
            let found = found.with_seq(Some(receipt.seq.0));
            findings.fault(found.compared(receipt.hash, walked.head));
        }
    }
}

impl Walked {
    fn is_other_than(&self, anchor: &Anchor) -> bool {
        self.log.is_some_and(|log| log != anchor.log)
            || self
                .genesis
                .is_some_and(|genesis| genesis != anchor.genesis)
    }
}
