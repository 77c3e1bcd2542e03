//! From where on headers commit to an index: those of a log whose entry 0 names its key all
//! do, and those of another from the entry on that begins it (format §13.1, I.1 and I.13).

use super::super::begins::Begins;
use super::super::chain::ChainPosition;
use super::super::epoch::EpochHeader;
use super::super::fault::{At, Fault, FaultCode, Format};
use super::super::index::cover::Begun;
use super::super::judge::Readable;
use super::super::position::{EpochNumber, Seq};
use super::Walk;
use super::index::Indexed;

/// Which of the headers so far commit to an index.
#[derive(Debug, Default)]
pub(super) struct Committing {
    /// The first that does not.
    bare: Option<EpochNumber>,
    /// The last that does not.
    last_bare: Option<EpochNumber>,
    /// The first that does.
    first: Option<EpochNumber>,
    /// The first entry of one that does, where the one before it does not.
    begins: Option<Seq>,
    /// What the index says of a term was read.
    pub(super) asked: bool,
}

impl Committing {
    /// Takes a header; its entries follow.
    pub(super) fn header(&mut self, header: &EpochHeader) {
        let epoch = header.epoch;
        let after_bare = self.last_bare.and_then(EpochNumber::next) == Some(epoch);
        self.begins = None;
        if header.index.is_none() {
            self.bare = self.bare.or(Some(epoch));
            self.last_bare = Some(epoch);
            return;
        }
        self.first = self.first.or(Some(epoch));
        self.begins = after_bare.then_some(header.first_seq);
    }

    /// Whether the index can have begun with this epoch.
    pub(super) fn fits(&self, since: EpochNumber) -> bool {
        self.first.is_none_or(|first| first >= since)
            && self.last_bare.is_none_or(|bare| bare < since)
    }
}

impl Walk<'_> {
    /// What an entry says of an index that begins with it.
    pub(super) fn begins(&mut self, seq: Seq, entry: &Readable, place: &ChainPosition) {
        let Some(object) = entry.begins.as_ref().filter(|_| self.own) else {
            return self.begun_by_another(seq);
        };
        let wrong = match Begins::from_object(object) {
            Ok(begins) => {
                if let (Indexed::Term(asked), Some(header)) = (&mut self.index, self.seals.header())
                {
                    let (since, key) = (header.epoch, begins.index);
                    asked.begun = asked.begun.or(Some(Begun { since, key }));
                }
                self.misplaced(seq)
            }
            Err(error) => {
                // What the log's own key signed of a later version is not a fault.
                if entry.signature_valid == Some(true)
                    && let Err(unsupported) = Begins::known(object)
                {
                    self.unsupported = Some(unsupported);
                }
                Some(error.to_string())
            }
        };
        self.begun = true;
        if let Some(detail) = wrong {
            let found = place.fault(FaultCode::SchemaViolation, detail);
            self.findings.fault(found);
        }
    }

    /// The first entry of the first epoch whose header commits to an index begins it.
    fn begun_by_another(&mut self, seq: Seq) {
        if self.subject.format == Format::Ledger || self.committing.begins != Some(seq) {
            return;
        }
        if let Some(header) = self.seals.header() {
            let detail = "the header commits to an index, and the one before it does not; no \
                          entry begins it";
            let found = Fault::at(FaultCode::EpochInvariant, At::Epoch, header.epoch.0, detail);
            self.findings.fault(found);
        }
    }

    /// All headers of a log whose entry 0 names the key of an index commit to one; that of the
    /// first epoch of another log does not. A whole ledger is audited.
    pub(super) fn check_committing(&mut self) {
        let Some(opening) = &self.opening else {
            return;
        };
        if self.subject.format == Format::Ledger {
            return;
        }
        let (wrong, detail) = match opening.index {
            Some(_) => (
                self.committing.bare,
                "the header commits to no index, and entry 0 names the key of one",
            ),
            None => (
                self.committing
                    .first
                    .filter(|first| *first == EpochNumber::FIRST),
                "the header commits to an index, and entry 0 names no key of one",
            ),
        };
        if let Some(epoch) = wrong {
            let found = Fault::at(FaultCode::EpochInvariant, At::Epoch, epoch.0, detail);
            self.findings.fault(found);
        }
    }

    fn misplaced(&self, seq: Seq) -> Option<String> {
        let opened = self.opening.as_ref();
        if self.begun || opened.is_some_and(|opening| opening.index.is_some()) {
            return Some("the log had an index before this entry begins one".to_owned());
        }
        let header = self
            .seals
            .header()
            .filter(|header| seq <= header.last_seq)?;
        let fits = header.first_seq == seq && header.index.is_some();
        let detail = "it is not the first entry of an epoch whose header commits to an index";
        (!fits).then(|| detail.to_owned())
    }
}
