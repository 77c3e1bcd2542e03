//! Verifying a ledger where it lies: the store as a source of events, and the
//! mark beside it.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::iter::Peekable;
use std::sync::Arc;

use thiserror::Error;

use crate::ledger::anchors::Anchor;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::fault::{At, Fault, FaultCode, Format, NotChecked};
use crate::ledger::hash::Hash;
use crate::ledger::parse;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::redact::Opening;
use crate::ledger::redact::opened::Opened;
use crate::ledger::search::{Places, search};
use crate::ledger::source::{BATCH_BYTES, BATCH_ENTRIES, Event, Raw, ReadError, Source, Subject};
use crate::ledger::spill::Spill;
use crate::ledger::statement::Statement;
use crate::ledger::verify::{Policy, VerifyOutcome, verify};
use crate::logbook::erasures::erasures;
use crate::logbook::error::OpenError;
use crate::logbook::mark::{MarkFault, MarkFile};
use crate::logbook::{Identity, extent_of, identity_of, judge_mark};
use crate::store::spill::TemporaryFiles;
use crate::store::terms::{TermsError, placed};
use crate::store::{OpeningKey, Rows, Store, StoreError};

mod denied;

/// Why a ledger got no verdict.
#[derive(Debug, Error)]
pub enum AuditError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Verifies the ledger in `store`, and the mark beside it. Where its record lies
/// elsewhere, the mark shows that it reached that entry: it was not put back with the
/// record.
///
/// # Errors
/// [`AuditError`] if it cannot be read. What can be read and is wrong is a
/// fault in the report.
pub fn audit(
    store: &dyn Store,
    mark: &MarkFile,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, AuditError> {
    let mut source = LedgerSource::new(store, mark)?;
    let mut outcome = match source.marked.take() {
        None => verify(&mut source, policy, progress)?,
        Some(marked) => {
            let mut policy = policy.clone();
            policy.contains.push(marked);
            verify(&mut source, &policy, progress)?
        }
    };
    denied::name(store, source.spill().as_ref(), &mut outcome.report.faults);
    Ok(outcome)
}

/// Finds entries of the ledger in `store`, to explain its faults by.
pub fn find(
    store: &dyn Store,
    mark: &MarkFile,
    wanted: &HashSet<Hash>,
) -> Result<Places, AuditError> {
    Ok(search(&mut LedgerSource::new(store, mark)?, wanted)?)
}

/// A ledger as a source: its entries and headers in order, and what is wrong
/// with its mark.
pub struct LedgerSource<'s> {
    store: &'s dyn Store,
    identity: Option<Identity>,
    entries: Rows<'s, Seq>,
    epochs: Peekable<Rows<'s, EpochNumber>>,
    /// A header read ahead, with the first entry it covers.
    next_epoch: Option<Box<SignedEpoch>>,
    openings: Peekable<Rows<'s, OpeningKey>>,
    pending: Vec<Event>,
    /// What the mark of this machine says of a log that lies elsewhere.
    marked: Option<Anchor>,
    ended: bool,
}

impl<'s> LedgerSource<'s> {
    /// The ledger in `store`, with the mark beside it.
    pub fn new(store: &'s dyn Store, mark: &MarkFile) -> Result<LedgerSource<'s>, AuditError> {
        let (mut pending, mut marked) = (Vec::new(), None);
        let identity = match identity_of(store) {
            Ok(identity) => Some(identity),
            Err(error) => {
                pending.push(Event::Fault(fault_of(error)?));
                None
            }
        };
        if identity.is_some() {
            match extent_of(store).and_then(|extent| judge_mark(store, mark, &extent)) {
                Ok(Ok(mark_of_log)) if mark.is_of_several() => {
                    marked = Some(Anchor::of_head(&mark_of_log.head));
                }
                Ok(Ok(_)) => {}
                // A machine that never wrote the log has no mark of it.
                Ok(Err(MarkFault::Missing { .. })) if mark.is_of_several() => {}
                Ok(Err(fault)) => pending.push(Event::Fault(fault.to_fault())),
                Err(error) => pending.push(Event::Fault(fault_of(error)?)),
            }
        }
        Ok(LedgerSource {
            store,
            identity,
            entries: store.entries(0..u64::MAX),
            epochs: store.epochs(EpochNumber::FIRST).peekable(),
            next_epoch: None,
            openings: store.openings(0..u64::MAX).peekable(),
            pending,
            marked,
            ended: false,
        })
    }

    /// What shows the places of terms that an epoch was the first to have.
    fn places(&self, event: &Event, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let Event::Epoch(epoch, _) = event else {
            return Ok(());
        };
        if epoch.content.index.is_none() {
            return Ok(());
        }
        match placed(self.store, epoch.content.epoch) {
            Ok(placed) if placed.is_empty() => {}
            Ok(placed) => batch.push(Event::Placed(placed)),
            Err(TermsError::Store(error)) => batch.push(Event::Fault(store_fault(error)?)),
            Err(error) => {
                let fault = Fault::of_file(FaultCode::StoreCorrupt, error.to_string());
                batch.push(Event::Fault(fault));
            }
        }
        Ok(())
    }

    /// What is kept beside an entry that was just given.
    fn openings_of(&mut self, seq: Seq, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let due = |row: &Result<(OpeningKey, Vec<u8>), StoreError>| match row {
            Ok((key, _)) => key.seq <= seq,
            Err(_) => true,
        };
        while let Some(row) = self.openings.next_if(due) {
            batch.push(match row {
                Err(error) => Event::Fault(store_fault(error)?),
                Ok((key, row)) => match Opening::from_row(&row) {
                    Some(opening) => {
                        let seq = key.seq;
                        Event::Opened(Box::new(Opened { seq, opening }), None)
                    }
                    None => {
                        let detail = "an opening that is kept of this entry cannot be read";
                        let code = FaultCode::OpeningMismatch;
                        Event::Fault(Fault::at(code, At::Entry, key.seq.0, detail))
                    }
                },
            });
        }
        Ok(())
    }

    /// The next header, if the entries up to `seq` belong to it.
    fn epoch_before(&mut self, seq: Option<Seq>) -> Result<Option<Event>, ReadError> {
        if self.next_epoch.is_none() {
            match self.epochs.next() {
                None => return Ok(None),
                Some(Err(error)) => return Ok(Some(Event::Fault(store_fault(error)?))),
                Some(Ok((number, bytes))) => match parse_epoch(&bytes) {
                    Some(epoch) => self.next_epoch = Some(Box::new(epoch)),
                    None => {
                        let detail = "the stored header cannot be read";
                        let code = FaultCode::SchemaViolation;
                        let fault = Fault::at(code, At::Epoch, number.0, detail);
                        return Ok(Some(Event::Fault(fault)));
                    }
                },
            }
        }
        let due = |epoch: &SignedEpoch| seq.is_none_or(|seq| epoch.content.first_seq <= seq);
        let epoch = self.next_epoch.take_if(|epoch| due(epoch));
        Ok(epoch.map(|epoch| Event::Epoch(epoch, None)))
    }
}

impl Source for LedgerSource<'_> {
    fn subject(&self) -> Subject {
        Subject {
            format: Format::Ledger,
            log: self.identity.map(|identity| identity.log),
            genesis: self.identity.map(|identity| identity.genesis),
            first_seq: Seq::FIRST,
            last_seq: None,
            contiguous: true,
            not_checked: vec![NotChecked::Truncation],
        }
    }

    fn erased(&self) -> BTreeSet<Hash> {
        // What cannot be read of it is said where it stands.
        let erased = erasures(self.store, Seq::FIRST).unwrap_or_default();
        erased.into_iter().map(|(_, it)| it.commitment).collect()
    }

    fn spill(&self) -> Option<Arc<dyn Spill>> {
        Some(Arc::new(TemporaryFiles))
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        batch.append(&mut self.pending);
        let mut weight = 0;
        while !self.ended && batch.len() < BATCH_ENTRIES && weight < BATCH_BYTES {
            match self.entries.next() {
                Some(Ok((seq, record))) => {
                    while let Some(event) = self.epoch_before(Some(seq))? {
                        self.places(&event, batch)?;
                        batch.push(event);
                    }
                    weight += record.len();
                    batch.push(Event::Entry(Raw::Record(seq, record), None));
                    self.openings_of(seq, batch)?;
                }
                Some(Err(error)) => {
                    batch.push(Event::Fault(store_fault(error)?));
                    self.ended = true;
                }
                None => {
                    while let Some(event) = self.epoch_before(None)? {
                        batch.push(event);
                    }
                    if let Err(error) = self.store.scrub() {
                        batch.push(Event::Fault(store_fault(error)?));
                    }
                    self.ended = true;
                }
            }
        }
        Ok(())
    }
}

fn parse_epoch(bytes: &[u8]) -> Option<SignedEpoch> {
    let value = parse::parse(bytes).ok()?;
    Statement::from_value(&value).ok()
}

/// Damage is a finding; a disk that cannot be read is not.
fn store_fault(error: StoreError) -> Result<Fault, ReadError> {
    match error {
        StoreError::Io { kind, .. } => Err(ReadError::Io(io::Error::new(kind, error))),
        StoreError::Record { .. } => Err(ReadError::Io(io::Error::other(error))),
        StoreError::Archived { epoch, .. } => {
            let (code, detail) = (FaultCode::StoreCorrupt, error.to_string());
            Ok(Fault::at(code, At::Epoch, epoch.0, detail))
        }
        damaged => Ok(Fault::of_file(FaultCode::StoreCorrupt, damaged.to_string())),
    }
}

fn fault_of(error: OpenError) -> Result<Fault, AuditError> {
    match error {
        OpenError::Store(error) => Ok(store_fault(error)?),
        OpenError::Entry { .. } | OpenError::Epoch { .. } | OpenError::EntryMissing { .. } => {
            Ok(Fault::of_file(FaultCode::StoreCorrupt, error.to_string()))
        }
        OpenError::NotALedger => Ok(Fault::of_file(
            FaultCode::SchemaViolation,
            error.to_string(),
        )),
        other => Err(AuditError::Open(other)),
    }
}
