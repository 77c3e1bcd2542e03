//! Where a ledger ends: read from the store at every open, whether the last
//! process closed it or was killed.

use std::io;

use crate::ledger::closing::Closing;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::hash::Hash;
use crate::ledger::head::Head;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::kind;
use crate::ledger::opening::Opening;
use crate::ledger::parse;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::statement::Statement;
use crate::ledger::tile::TreeBuilder;
use crate::ledger::time::Timestamp;
use crate::store::tree::open_tree;
use crate::store::{Store, StoreError};

use super::Identity;
use super::error::OpenError;
use super::mark::{LogExtent, Mark, MarkFault, MarkFile};
use super::terms::OpenTerms;

pub(super) struct Recovered {
    pub(super) identity: Identity,
    last_seq: Seq,
    last: Entry,
    pub(super) last_epoch: Option<SignedEpoch>,
    /// The hour of the open epoch, if it has entries.
    hour: Option<Timestamp>,
    pub(super) tree: TreeBuilder,
    /// The terms of the open epoch, where headers commit to an index.
    pub(super) terms: Option<OpenTerms>,
    /// The wall clock when a `sealbook:clock` was last written.
    pub(super) clocks_recorded: Option<Timestamp>,
}

/// The name under which the wall clock is kept that was last recorded. So that clocks
/// are recorded once a minute, however many processes write in it.
pub(super) const CLOCKS_RECORDED: &str = "clocks_recorded";

/// Reads entry `seq`.
pub fn entry_at(store: &dyn Store, seq: Seq) -> Result<Entry, OpenError> {
    let record = store.entry(seq)?.ok_or(OpenError::EntryMissing { seq })?;
    Entry::from_record(record).map_err(|error| OpenError::Entry { seq, error })
}

/// Reads the header of epoch `number`.
pub fn epoch_at(store: &dyn Store, number: EpochNumber) -> Result<SignedEpoch, OpenError> {
    let damaged = OpenError::Epoch { epoch: number };
    let Some(bytes) = store.epoch(number)? else {
        return Err(damaged);
    };
    let value = parse::parse(&bytes).ok();
    value
        .and_then(|value| Statement::from_value(&value).ok())
        .ok_or(damaged)
}

/// Whose log a store holds, from entry 0.
pub fn identity_of(store: &dyn Store) -> Result<Identity, OpenError> {
    if store.last_seq()?.is_none() {
        return Err(OpenError::Unfinished);
    }
    let first = entry_at(store, Seq::FIRST)?;
    let payload = first.check_payload().map_err(|_| OpenError::NotALedger)?;
    let opening = Opening::from_object(&payload).map_err(|_| OpenError::NotALedger)?;
    Ok(Identity {
        log: opening.log,
        genesis: first.hash(),
    })
}

/// Where a closed book ended, and in whose favour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    pub log: PublicKey,
    pub seq: Seq,
    pub hash: Hash,
    pub successor: PublicKey,
}

/// Whether the book in a store is closed.
pub fn closed(store: &dyn Store) -> Result<Option<Closed>, OpenError> {
    let identity = identity_of(store)?;
    let seq = store.last_seq()?.ok_or(OpenError::Unfinished)?;
    let last = entry_at(store, seq)?;
    if last.kind() != kind::CLOSE {
        return Ok(None);
    }
    let payload = last.check_payload();
    let payload = payload.map_err(|error| OpenError::Entry { seq, error })?;
    let closing = Closing::from_object(&payload);
    let closing = closing.map_err(|error| OpenError::Entry {
        seq,
        error: error.into(),
    })?;
    Ok(Some(Closed {
        log: identity.log,
        seq,
        hash: last.hash(),
        successor: closing.successor,
    }))
}

/// How far a store goes, for holding a mark against it.
pub fn extent_of(store: &dyn Store) -> Result<LogExtent, OpenError> {
    let identity = identity_of(store)?;
    let last_seq = store.last_seq()?.ok_or(OpenError::Unfinished)?;
    let last = entry_at(store, last_seq)?;
    let epoch = match store.last_epoch()? {
        Some(number) => Some(epoch_at(store, number)?.content),
        None => None,
    };
    Ok(LogExtent {
        log: identity.log,
        genesis: identity.genesis,
        last_seq,
        last_ts: last.ts(),
        sealed: epoch,
    })
}

pub fn judge_mark(
    store: &dyn Store,
    mark: &MarkFile,
    extent: &LogExtent,
) -> Result<Result<Mark, MarkFault>, OpenError> {
    mark.judge(extent, |seq| match store.entry(seq)? {
        Some(record) => Ok(Entry::from_record(record).ok().map(|entry| entry.hash())),
        None => Ok::<_, MarkReadError>(None),
    })
    .map_err(OpenError::from)
}

/// What can go wrong while a mark is judged.
enum MarkReadError {
    Io(io::Error),
    Store(StoreError),
}

impl From<io::Error> for MarkReadError {
    fn from(error: io::Error) -> Self {
        MarkReadError::Io(error)
    }
}

impl From<StoreError> for MarkReadError {
    fn from(error: StoreError) -> Self {
        MarkReadError::Store(error)
    }
}

impl From<MarkReadError> for OpenError {
    fn from(error: MarkReadError) -> Self {
        match error {
            MarkReadError::Io(error) => OpenError::MarkIo(error),
            MarkReadError::Store(error) => OpenError::Store(error),
        }
    }
}

impl Recovered {
    /// Reads the end of the ledger in `store`, which must be `signer`'s.
    pub(super) fn read(store: &dyn Store, signer: &dyn Signer) -> Result<Recovered, OpenError> {
        let identity = identity_of(store)?;
        let given = signer.public_key();
        if given != identity.log {
            let log = identity.log;
            return Err(OpenError::OtherKey { log, given });
        }
        let last_seq = store.last_seq()?.ok_or(OpenError::Unfinished)?;
        let last = entry_at(store, last_seq)?;
        let last_epoch = match store.last_epoch()? {
            Some(number) => Some(epoch_at(store, number)?),
            None => None,
        };
        let last_header = last_epoch.as_ref().map(|epoch| &epoch.content);
        let first_open = match last_header {
            Some(header) => header.last_seq.0.saturating_add(1),
            None => 0,
        };
        let size = (last_seq.0 + 1).saturating_sub(first_open);
        let number = next_number(last_header);
        let hour = match size {
            0 => None,
            _ => Some(entry_at(store, Seq(first_open))?.ts().hour_start()),
        };
        Ok(Recovered {
            identity,
            tree: open_tree(store, number, Seq(first_open))?,
            terms: OpenTerms::read(store, Seq(first_open))?,
            last_seq,
            last,
            last_epoch,
            hour,
            clocks_recorded: store
                .meta(CLOCKS_RECORDED)?
                .and_then(|text| Timestamp::parse(std::str::from_utf8(&text).ok()?).ok()),
        })
    }

    pub(super) fn judge_mark(
        &self,
        store: &dyn Store,
        mark: &MarkFile,
    ) -> Result<Result<Mark, MarkFault>, OpenError> {
        let extent = LogExtent {
            log: self.identity.log,
            genesis: self.identity.genesis,
            last_seq: self.last_seq,
            last_ts: self.last.ts(),
            sealed: self.last_header().cloned(),
        };
        judge_mark(store, mark, &extent)
    }

    pub(super) fn last_header(&self) -> Option<&EpochHeader> {
        self.last_epoch.as_ref().map(|epoch| &epoch.content)
    }

    pub(super) fn next_seq(&self) -> Seq {
        Seq(self.last_seq.0.saturating_add(1))
    }

    pub(super) fn last_ts(&self) -> Timestamp {
        // A header may be sealed later than its last entry: time goes on from
        // there.
        let sealed_at = self.last_header().map(|header| header.sealed_at);
        sealed_at.map_or(self.last.ts(), |sealed| sealed.max(self.last.ts()))
    }

    pub(super) fn open_epoch(&self) -> Option<(Timestamp, u64)> {
        self.hour.map(|hour| (hour, self.tree.size()))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.last.kind() == kind::CLOSE
    }

    /// The last entry, as a head stated at its own time.
    pub(super) fn head(&self) -> Head {
        Head {
            second: None,
            log: self.identity.log,
            genesis: self.identity.genesis,
            seq: self.last_seq,
            hash: self.last.hash(),
            ts: self.last.ts(),
        }
    }
}

pub(super) fn next_number(last: Option<&EpochHeader>) -> EpochNumber {
    EpochNumber(last.map_or(0, |header| header.epoch.0.saturating_add(1)))
}
