//! What someone kept of a log, a signed head or a sealed header, and whether
//! the log that is verified still holds it.

use super::epoch::{EpochHeader, SignedEpoch};
use super::fault::{Fault, FaultCode, Findings, NotChecked, WarningCode};
use super::hash::Hash;
use super::head::SignedHead;
use super::key::PublicKey;
use super::position::{EpochNumber, Seq};
use super::source::Subject;

/// A position that the log must hold.
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
    /// The epoch and the hash of its header, where a header was kept.
    pub epoch: Option<(EpochNumber, Hash)>,
    /// Whether the log's own signature stands under it.
    pub signed: bool,
    /// The line of the file that it was kept in, from 1.
    pub line: Option<u64>,
}

impl Anchor {
    /// What a signed head says.
    #[must_use]
    pub fn of_head(head: &SignedHead) -> Anchor {
        Anchor {
            log: head.content.log,
            genesis: head.content.genesis,
            seq: head.content.seq,
            hash: head.content.hash,
            epoch: None,
            signed: head.verify(),
            line: None,
        }
    }

    /// What a sealed header says, which names a head too.
    #[must_use]
    pub fn of_epoch(epoch: &SignedEpoch) -> Anchor {
        let header = &epoch.content;
        Anchor {
            log: header.log,
            genesis: header.genesis,
            seq: header.last_seq,
            hash: header.head,
            epoch: Some((header.epoch, header.hash())),
            signed: epoch.verify(),
            line: None,
        }
    }
}

/// The walk over what was kept.
#[derive(Debug)]
pub(crate) struct AnchorCheck<'a> {
    /// In the order of their entries.
    by_seq: Vec<(&'a Anchor, Found)>,
    /// The places in `by_seq` of those with a header, by its number.
    by_epoch: Vec<(EpochNumber, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    NotYet,
    Here,
    /// The log has signed another header for the same epoch.
    OtherHeader(Hash),
}

/// Who the log turned out to be, and what of it there is.
pub(crate) struct Known<'a> {
    pub(crate) log: Option<PublicKey>,
    pub(crate) genesis: Option<Hash>,
    pub(crate) subject: &'a Subject,
    pub(crate) head: Hash,
}

impl<'a> AnchorCheck<'a> {
    pub(crate) fn new(anchors: &'a [Anchor]) -> AnchorCheck<'a> {
        let mut by_seq: Vec<_> = anchors.iter().map(|a| (a, Found::NotYet)).collect();
        by_seq.sort_by_key(|(anchor, _)| anchor.seq);
        let numbered = by_seq.iter().enumerate();
        let mut by_epoch: Vec<_> = numbered
            .filter_map(|(at, (anchor, _))| Some((anchor.epoch?.0, at)))
            .collect();
        by_epoch.sort_unstable();
        AnchorCheck { by_seq, by_epoch }
    }

    /// Takes an entry.
    pub(crate) fn entry(&mut self, seq: Seq, hash: Hash) {
        let from = self.by_seq.partition_point(|(anchor, _)| anchor.seq < seq);
        let rest = self.by_seq.iter_mut().skip(from);
        for (anchor, found) in rest.take_while(|(anchor, _)| anchor.seq == seq) {
            if anchor.hash == hash && *found == Found::NotYet {
                *found = Found::Here;
            }
        }
    }

    /// Takes a header that the log signed. It ties what was kept to all that is
    /// proven into it, also where its last entry is not here.
    pub(crate) fn header(&mut self, header: &EpochHeader) {
        let hash = header.hash();
        let from = self.by_epoch.partition_point(|(n, _)| *n < header.epoch);
        let same = self.by_epoch.iter().skip(from);
        for (_, at) in same.take_while(|(number, _)| *number == header.epoch) {
            let Some((anchor, found)) = self.by_seq.get_mut(*at) else {
                continue;
            };
            let same_log = anchor.log == header.log && anchor.genesis == header.genesis;
            if same_log && anchor.signed {
                *found = match anchor.epoch {
                    Some((_, kept)) if kept == hash => Found::Here,
                    _ => Found::OtherHeader(hash),
                };
            }
        }
    }

    /// Reports what was not found. Of a part of a log not all that was kept can
    /// be there; but something must, or nothing was checked at all.
    pub(crate) fn close(
        self,
        known: &Known<'_>,
        not_checked: &mut Vec<NotChecked>,
        findings: &mut Findings,
    ) {
        let some_here = self.by_seq.iter().any(|(_, found)| *found == Found::Here);
        let mut uncovered = 0_u64;
        for (anchor, found) in &self.by_seq {
            let other_log = known.log.is_some_and(|log| log != anchor.log)
                || known.genesis.is_some_and(|hash| hash != anchor.genesis);
            let fault = |code, detail| {
                Fault::of_file(code, detail)
                    .with_seq(Some(anchor.seq.0))
                    .on_line(anchor.line)
            };
            let missing = |detail| {
                fault(FaultCode::HeadNotContained, detail).compared(anchor.hash, known.head)
            };
            findings.fault(if !anchor.signed {
                missing("the head given has no valid signature of the log it names")
            } else if other_log {
                missing("the head given is of another log")
            } else if let Found::OtherHeader(actual) = found {
                let detail = "the log signed another header for the same epoch";
                let kept = anchor.epoch.map_or(Hash::ZERO, |(_, kept)| kept);
                fault(FaultCode::Equivocation, detail).compared(kept, actual)
            } else if *found == Found::Here {
                continue;
            } else if some_here && !known.subject.covers(anchor.seq) {
                uncovered += 1;
                continue;
            } else {
                missing("the entry of the head given is not here")
            });
        }
        if uncovered > 0 {
            not_checked.push(NotChecked::Heads);
            let (all, detail) = (self.by_seq.len(), "headers and heads given are of entries");
            let detail = format!("{uncovered} of {all} {detail} that are not in this part");
            findings.warning(WarningCode::NotCovered, detail);
        }
    }
}
