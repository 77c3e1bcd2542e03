//! What someone kept of a log, a signed head or a sealed header, and whether
//! the log that is verified still holds it.

use std::iter::Peekable;

use super::epoch::{EpochHeader, SignedEpoch};
use super::fault::{At, Fault, FaultCode, Findings, NotChecked, WarningCode};
use super::growing::GrowingTree;
use super::hash::Hash;
use super::head::SignedHead;
use super::key::PublicKey;
use super::position::{EpochNumber, Seq};
use super::source::Subject;

/// A position that the log must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub log: PublicKey,
    /// That log's entry 0.
    pub genesis: Hash,
    pub seq: Seq,
    pub hash: Hash,
    /// The header, where one was kept.
    pub epoch: Option<Box<EpochHeader>>,
    pub signed: bool,
    /// The line of the file that it was kept in, from 1.
    pub line: Option<u64>,
}

impl Anchor {
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
    pub fn of_epoch(epoch: &SignedEpoch) -> Anchor {
        let header = &epoch.content;
        Anchor {
            log: header.log,
            genesis: header.genesis,
            seq: header.last_seq,
            hash: header.head,
            epoch: Some(Box::new(header.clone())),
            signed: epoch.verify(),
            line: None,
        }
    }
}

/// The walk over what was kept.
#[derive(Debug)]
pub(crate) struct AnchorCheck<'a> {
    /// In the order of their entries.
    by_seq: Vec<(&'a Anchor, AnchorMatch)>,
    /// The places in `by_seq` of those with a header, by its number.
    by_epoch: Vec<(EpochNumber, usize)>,
    /// The headers that the log signed and that can all stand, as places in
    /// `by_epoch`: the trees of those that do not come with the log are built.
    standing: Peekable<std::vec::IntoIter<usize>>,
    tree: GrowingTree,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnchorMatch {
    NotYet,
    Here,
    Said,
}

/// Who the log turned out to be, and what of it there is.
pub(crate) struct KnownLog<'a> {
    pub(crate) log: Option<PublicKey>,
    pub(crate) genesis: Option<Hash>,
    pub(crate) subject: &'a Subject,
    pub(crate) head: Hash,
}

impl<'a> AnchorCheck<'a> {
    /// Takes what was kept, and first of all judges it by itself: what the log
    /// signed and cannot all stand is evidence against its key, whatever the log
    /// that is verified holds.
    pub(crate) fn new(anchors: &'a [Anchor], findings: &mut Findings) -> AnchorCheck<'a> {
        let mut by_seq: Vec<_> = anchors.iter().map(|a| (a, AnchorMatch::NotYet)).collect();
        by_seq.sort_by_key(|(anchor, _)| anchor.seq);
        let numbered = by_seq.iter().enumerate();
        let mut by_epoch: Vec<_> = numbered
            .filter_map(|(at, (anchor, _))| Some((anchor.epoch.as_ref()?.epoch, at)))
            .collect();
        by_epoch.sort_unstable();
        let standing = standing_headers(&mut by_seq, &by_epoch, findings);
        contradict_places(&mut by_seq, findings);
        AnchorCheck {
            by_seq,
            by_epoch,
            standing: standing.into_iter().peekable(),
            tree: GrowingTree::default(),
        }
    }

    /// Takes an entry of a log without gaps, or one of a selection.
    pub(crate) fn entry(&mut self, seq: Seq, hash: Hash, leaf: Hash, findings: &mut Findings) {
        let from = self.by_seq.partition_point(|(anchor, _)| anchor.seq < seq);
        let rest = self.by_seq.iter_mut().skip(from);
        for (anchor, found) in rest.take_while(|(anchor, _)| anchor.seq == seq) {
            if anchor.hash == hash && *found == AnchorMatch::NotYet {
                *found = AnchorMatch::Here;
            }
        }
        self.grow(seq, leaf, findings);
    }

    /// Builds the tree of a header that was kept, from the entries that it names.
    fn grow(&mut self, seq: Seq, leaf: Hash, findings: &mut Findings) {
        while let Some(at) = self.standing.peek().copied() {
            let Some((anchor, found)) = self.by_seq.get_mut(at) else {
                return;
            };
            let Some(header) = &anchor.epoch else { return };
            let due = header.first_seq.0.checked_add(self.tree.size());
            if header.last_seq < seq || due.is_some_and(|due| due < seq.0) {
                // Not all of its entries are here.
                self.standing.next();
                self.tree = GrowingTree::default();
                continue;
            }
            if due != Some(seq.0) {
                return;
            }
            self.tree.push(leaf);
            if header.last_seq == seq {
                let root = self.tree.root().unwrap_or(Hash::ZERO);
                if root != header.root && *found != AnchorMatch::Said {
                    let detail = "the entries do not make the tree of the header given";
                    let fault = Fault::at(
                        FaultCode::EpochRootMismatch,
                        At::Epoch,
                        header.epoch.0,
                        detail,
                    );
                    findings.fault(fault.compared(header.root, root).on_line(anchor.line));
                    *found = AnchorMatch::Said;
                }
                self.standing.next();
                self.tree = GrowingTree::default();
            }
            return;
        }
    }

    /// Takes a header that the log signed. It ties what was kept to all that is
    /// proven into it, also where its last entry is not here.
    pub(crate) fn header(&mut self, header: &EpochHeader, findings: &mut Findings) {
        let from = self.by_epoch.partition_point(|(n, _)| *n < header.epoch);
        let same = self.by_epoch.iter().skip(from);
        for (_, at) in same.take_while(|(number, _)| *number == header.epoch) {
            let Some((anchor, found)) = self.by_seq.get_mut(*at) else {
                continue;
            };
            let same_log = anchor.log == header.log && anchor.genesis == header.genesis;
            let Some(kept) = anchor.epoch.as_ref().filter(|_| same_log && anchor.signed) else {
                continue;
            };
            if **kept == *header {
                *found = AnchorMatch::Here;
            } else if *found != AnchorMatch::Said {
                let detail = "the log signed another header for the same epoch";
                let fault = anchor.fault(FaultCode::Equivocation, detail);
                findings.fault(fault.compared(kept.hash(), header.hash()));
                *found = AnchorMatch::Said;
            }
            if self.standing.peek() == Some(at) {
                self.standing.next();
            }
        }
    }

    /// Whether `header` is one of the headers that were kept, or they follow on from it,
    /// up to one that ends at entry `seq` with that hash.
    pub(crate) fn lead(&self, header: &EpochHeader, seq: Seq, hash: Hash) -> bool {
        let (mut last, mut kept) = (header, false);
        for (number, at) in &self.by_epoch {
            let anchor = self.by_seq.get(*at).map(|(anchor, _)| *anchor);
            let anchor = anchor.filter(|anchor| anchor.signed);
            let Some(next) = anchor.and_then(|anchor| anchor.epoch.as_deref()) else {
                continue;
            };
            let follows = last.epoch.next() == Some(*number)
                && next.log == last.log
                && next.faults_after(Some(last)).is_empty();
            if next == last || follows {
                (last, kept) = (next, true);
            }
            if kept && (last.last_seq, last.head) == (seq, hash) {
                return true;
            }
        }
        false
    }

    /// Reports what was not found, and answers the newest entry that was. Of a
    /// part of a log not all that was kept can be there; but something must, or
    /// nothing was checked at all.
    pub(crate) fn close(
        self,
        known: &KnownLog<'_>,
        not_checked: &mut Vec<NotChecked>,
        findings: &mut Findings,
    ) -> Option<Seq> {
        let here = |(_, found): &&(&Anchor, AnchorMatch)| *found == AnchorMatch::Here;
        let newest = self.by_seq.iter().rfind(here).map(|(anchor, _)| anchor.seq);
        let mut uncovered = 0_u64;
        for (anchor, found) in &self.by_seq {
            let other_log = known.log.is_some_and(|log| log != anchor.log)
                || known.genesis.is_some_and(|hash| hash != anchor.genesis);
            let missing = |detail| {
                let fault = anchor.fault(FaultCode::HeadNotContained, detail);
                fault.compared(anchor.hash, known.head)
            };
            findings.fault(if !anchor.signed {
                missing("the head given has no valid signature of the log it names")
            } else if other_log {
                missing("the head given is of another log")
            } else if *found != AnchorMatch::NotYet {
                continue;
            } else if newest.is_some() && !known.subject.covers(anchor.seq) {
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
        newest
    }
}

impl Anchor {
    fn fault(&self, code: FaultCode, detail: &str) -> Fault {
        Fault::of_file(code, detail)
            .with_seq(Some(self.seq.0))
            .on_line(self.line)
    }

    /// Whose it is, if they signed it.
    fn speaker(&self) -> Option<(PublicKey, Hash)> {
        self.signed.then_some((self.log, self.genesis))
    }
}

/// Two entries at one place, under the signature of one log.
fn contradict_places(by_seq: &mut [(&Anchor, AnchorMatch)], findings: &mut Findings) {
    let mut before: Option<&Anchor> = None;
    for (anchor, found) in by_seq {
        let Some(speaker) = anchor.speaker().filter(|_| *found != AnchorMatch::Said) else {
            continue;
        };
        if let Some(before) = before.filter(|b| b.seq == anchor.seq && b.speaker() == Some(speaker))
            && before.hash != anchor.hash
        {
            let detail = "what was given names two entries at one place, both signed by the log";
            let fault = anchor.fault(FaultCode::Equivocation, detail);
            findings.fault(fault.compared(before.hash, anchor.hash));
            *found = AnchorMatch::Said;
        }
        before = Some(*anchor);
    }
}

/// Says which headers cannot stand, by themselves (K1) or beside each other
/// (K2), and answers the places of those that can.
fn standing_headers(
    by_seq: &mut [(&Anchor, AnchorMatch)],
    by_epoch: &[(EpochNumber, usize)],
    findings: &mut Findings,
) -> Vec<usize> {
    let mut standing = Vec::new();
    let mut before: Option<(&Anchor, &EpochHeader)> = None;
    for (_, at) in by_epoch {
        let Some((anchor, found)) = by_seq.get_mut(*at) else {
            continue;
        };
        let (Some(header), Some(speaker)) = (&anchor.epoch, anchor.speaker()) else {
            continue;
        };
        let same_log = before.filter(|(before, _)| before.speaker() == Some(speaker));
        let before_it = same_log.map(|(_, header)| header);
        if before_it == Some(&**header) {
            continue;
        }
        let wrong = match header.faults_alone().first() {
            Some(fault) => Some((FaultCode::EpochInvariant, fault.to_string())),
            None => contradiction(before_it, header).map(|d| (FaultCode::Equivocation, d)),
        };
        if let Some((code, detail)) = wrong {
            if *found != AnchorMatch::Said {
                let detail = format!("what was given is wrong in itself: {detail}");
                let found = Fault::at(code, At::Epoch, header.epoch.0, detail);
                findings.fault(found.on_line(anchor.line));
            }
            *found = AnchorMatch::Said;
            continue;
        }
        standing.push(*at);
        before = Some((*anchor, &**header));
    }
    standing
}

/// Why two headers of one log, the second of no lower number, cannot both stand.
fn contradiction(before: Option<&EpochHeader>, header: &EpochHeader) -> Option<String> {
    let Some(before) = before else {
        let first = header.epoch == EpochNumber::FIRST || header.first_seq == Seq::FIRST;
        let faults = first.then(|| header.faults_after(None));
        return faults?.first().map(ToString::to_string);
    };
    if before.epoch == header.epoch {
        let (one, other) = (before.hash(), header.hash());
        return Some(format!(
            "two headers of epoch {}, {one} and {other}, both signed by the log",
            header.epoch
        ));
    }
    if before.epoch.next() == Some(header.epoch) {
        let faults = header.faults_after(Some(before));
        return faults.first().map(ToString::to_string);
    }
    (header.first_seq <= before.last_seq).then(|| {
        format!(
            "epochs {} and {} both hold entry {}",
            before.epoch, header.epoch, header.first_seq
        )
    })
}
