//! Entries that are not here any more: a store that was pruned holds the headers of all
//! epochs, and reads the entries of the first ones from where they are archived.
//!
//! An epoch is read as a whole, into a file without a name, and held against the root of
//! its local header before anything of it is given: the root covers every entry and every
//! signature. The last few stay for who reads beside; of who reads on, the next one is
//! read ahead.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochFrontier, EpochHeader, SignedEpoch, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::parse;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::statement::Statement;

use super::{Corruption, ReadOrder, Rows, Store, StoreError};

/// Epochs that are kept at most, and their bytes; one alone may have more.
const EPOCHS: usize = 4;
const BYTES: u64 = 256 << 20;

/// Entries that are read together.
const GROUP: u64 = 16;

/// The name under which a store keeps how far it was pruned.
pub(super) const PRUNED: &str = "pruned";

/// How far a store was pruned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The entries of so many epochs, from the first on, are archived only.
    pub epochs: u64,
    /// The first entry that is here.
    pub seq: u64,
    /// Of the entries that went, so many from the first on stood under a checkpoint that
    /// a quorum of witnesses had cosigned.
    pub witnessed: u64,
    /// Entries before `seq` that are here, too, in order.
    pub kept: Vec<u64>,
    /// The complete subtrees of the public log over the entries before `seq`, from left to
    /// right: its later roots are made from here on.
    pub subtrees: Vec<Hash>,
}

impl Pruned {
    pub(super) fn parse(text: &[u8]) -> Option<Pruned> {
        let mut parts = std::str::from_utf8(text).ok()?.split(' ');
        let mut number = || parts.next()?.parse().ok();
        let (epochs, seq, witnessed) = (number()?, number()?, number()?);
        let kept = listed(parts.next()?).map(|one| one.parse().ok());
        let subtrees = listed(parts.next()?).map(|one| Hash::from_hex(one).ok());
        Some(Pruned {
            epochs,
            seq,
            witnessed,
            kept: kept.collect::<Option<_>>()?,
            subtrees: subtrees.collect::<Option<_>>()?,
        })
    }

    pub(super) fn text(&self) -> String {
        let (epochs, seq, witnessed) = (self.epochs, self.seq, self.witnessed);
        let kept: Vec<_> = self.kept.iter().map(u64::to_string).collect();
        let subtrees: Vec<_> = self.subtrees.iter().map(Hash::to_string).collect();
        let (kept, subtrees) = (kept.join(","), subtrees.join(","));
        format!("{epochs} {seq} {witnessed} {kept} {subtrees}")
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|one| !one.is_empty())
}

/// The records of an epoch: signing payload, then signature.
pub type Records = Box<dyn Iterator<Item = Result<Vec<u8>, StoreError>> + Send>;

/// Where the entries of sealed epochs are kept besides.
pub trait Archive: Send + Sync {
    /// The entries of an epoch in their order. Nothing of them is judged.
    ///
    /// # Errors
    /// [`StoreError::Record`] if it cannot be asked, [`StoreError::Archived`] if what is
    /// there is no epoch.
    fn records(&self, epoch: EpochNumber) -> Result<Records, StoreError>;

    /// What people call it.
    fn place(&self) -> String;
}

/// An archive, and the epochs that were read from it last.
pub(super) struct Archived {
    archive: Arc<dyn Archive>,
    /// The last that was asked for stands last.
    slots: Mutex<Vec<Arc<CachedEpoch>>>,
    is_reading_ahead: AtomicBool,
}

struct CachedEpoch {
    epoch: u64,
    bytes: AtomicU64,
    spool: Mutex<Option<Arc<Spool>>>,
}

/// The entries of one epoch, verified.
pub(super) struct Spool {
    first: u64,
    /// Where each group begins, and where the last one ends.
    begins: Vec<u64>,
    file: File,
}

impl Archived {
    pub(super) fn new(archive: Arc<dyn Archive>) -> Archived {
        Archived {
            archive,
            slots: Mutex::default(),
            is_reading_ahead: AtomicBool::new(false),
        }
    }

    pub(super) fn place(&self) -> String {
        self.archive.place()
    }

    /// An epoch. Who asks for one that another thread reads waits for that one.
    pub(super) fn epoch(&self, header: &EpochHeader) -> Result<Arc<Spool>, StoreError> {
        let slot = self.slot(header.epoch.0);
        let mut held = slot.spool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spool) = &*held {
            return Ok(Arc::clone(spool));
        }
        let spool = Arc::new(Spool::read(&*self.archive, header)?);
        let bytes = spool.begins.last().copied().unwrap_or(0);
        slot.bytes.store(bytes, Ordering::Relaxed);
        *held = Some(Arc::clone(&spool));
        Ok(spool)
    }

    fn slot(&self, epoch: u64) -> Arc<CachedEpoch> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let found = slots.iter().position(|slot| slot.epoch == epoch);
        let slot = match found {
            Some(at) => slots.remove(at),
            None => Arc::new(CachedEpoch {
                epoch,
                bytes: AtomicU64::new(0),
                spool: Mutex::default(),
            }),
        };
        let bytes = |slots: &[Arc<CachedEpoch>]| -> u64 {
            let sizes = slots.iter().map(|slot| slot.bytes.load(Ordering::Relaxed));
            sizes.sum()
        };
        while slots.len() >= EPOCHS || (!slots.is_empty() && bytes(&slots) > BYTES) {
            slots.remove(0);
        }
        slots.push(Arc::clone(&slot));
        slot
    }

    /// Reads an epoch behind the caller's back, one at a time.
    fn read_ahead(self: &Arc<Self>, header: EpochHeader) {
        if self.is_reading_ahead.swap(true, Ordering::Relaxed) {
            return;
        }
        let archived = Arc::clone(self);
        thread::spawn(move || {
            // What fails is asked for again by who needs it.
            let _ = archived.epoch(&header);
            archived.is_reading_ahead.store(false, Ordering::Relaxed);
        });
    }
}

impl Spool {
    fn read(archive: &dyn Archive, header: &EpochHeader) -> Result<Spool, StoreError> {
        let epoch = header.epoch;
        let wrong = |detail: &str| StoreError::Archived {
            epoch,
            detail: detail.to_owned(),
        };
        let mut out = BufWriter::new(tempfile::tempfile()?);
        let (mut begins, mut at) = (Vec::new(), 0);
        let mut tree = EpochFrontier::new();
        for record in archive.records(epoch)? {
            let record = record?;
            if tree.size() == header.tree_size {
                return Err(wrong("it has more entries than were sealed"));
            }
            if tree.size().is_multiple_of(GROUP) {
                begins.push(at);
            }
            let length = u32::try_from(record.len()).map_err(|_| wrong("an entry is too long"))?;
            out.write_all(&length.to_be_bytes())?;
            out.write_all(&record)?;
            at += u64::from(length) + 4;
            let entry = Entry::from_record(record).map_err(|error| wrong(&error.to_string()))?;
            tree.push(leaf_hash(&entry.hash(), &entry.signature()), |_, _| ());
        }
        begins.push(at);
        if tree.size() != header.tree_size {
            return Err(wrong("it has fewer entries than were sealed"));
        }
        if tree.root() != Some(header.root) {
            return Err(wrong("its entries are not those that were sealed"));
        }
        let file = out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        Ok(Spool {
            first: header.first_seq.0,
            begins,
            file,
        })
    }

    /// The first entry of the group that entry `seq` is in, and the records of that group.
    pub(super) fn group(&self, seq: u64) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
        let group = seq.saturating_sub(self.first) / GROUP;
        let at = usize::try_from(group).unwrap_or(usize::MAX);
        let bounds = self
            .begins
            .get(at)
            .zip(self.begins.get(at.saturating_add(1)));
        let Some((begin, end)) = bounds else {
            return Ok((seq, Vec::new()));
        };
        let length = usize::try_from(end - begin).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, *begin)?;
        let (mut records, mut rest) = (Vec::new(), &bytes[..]);
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let Some((record, tail)) = tail.split_at_checked(length) else {
                break;
            };
            records.push(record.to_vec());
            rest = tail;
        }
        Ok((self.first.saturating_add(group * GROUP), records))
    }
}

/// The header of a sealed epoch.
pub(super) fn header_at(store: &dyn Store, number: EpochNumber) -> Result<EpochHeader, StoreError> {
    let value = store
        .epoch(number)?
        .and_then(|bytes| parse::parse(&bytes).ok());
    let signed: Option<SignedEpoch> = value.and_then(|value| Statement::from_value(&value).ok());
    let corrupt = StoreError::corrupt(Corruption::Row { table: "epochs" });
    signed.map(|signed| signed.content).ok_or(corrupt)
}

/// The header of the epoch that sealed entry `seq`.
pub(super) fn header_of(store: &dyn Store, seq: u64) -> Result<EpochHeader, StoreError> {
    let number = store.epoch_of(Seq(seq))?;
    let corrupt = StoreError::corrupt(Corruption::Row {
        table: "epoch_ends",
    });
    header_at(store, number.ok_or(corrupt)?)
}

/// The archived entries in `range`, which ends where the store was pruned to at most.
pub(super) fn rows<'s>(
    archived: Arc<Archived>,
    store: &'s dyn Store,
    range: Range<u64>,
    order: ReadOrder,
) -> Rows<'s, Seq> {
    Box::new(ArchiveWalk {
        archived,
        store,
        range,
        order,
        epoch: None,
        group: Vec::new().into_iter(),
    })
}

struct ArchiveWalk<'s> {
    archived: Arc<Archived>,
    store: &'s dyn Store,
    /// What is not read yet.
    range: Range<u64>,
    order: ReadOrder,
    /// The epoch at hand, and its entries.
    epoch: Option<(Range<u64>, Arc<Spool>)>,
    /// What was read and not given yet, in the order that is asked for.
    group: std::vec::IntoIter<(Seq, Vec<u8>)>,
}

impl ArchiveWalk<'_> {
    fn read(&mut self) -> Result<(), StoreError> {
        let seq = match self.order {
            ReadOrder::Ascending => self.range.start,
            ReadOrder::Descending => self.range.end.saturating_sub(1),
        };
        let spool = self.spool(seq)?;
        let (first, records) = spool.group(seq)?;
        let rows = (first..).map(Seq).zip(records);
        let mut rows: Vec<_> = rows
            .filter(|(seq, _)| self.range.contains(&seq.0))
            .collect();
        let (Some((low, _)), Some((high, _))) = (rows.first(), rows.last()) else {
            return Err(StoreError::corrupt(Corruption::Row { table: "epochs" }));
        };
        match self.order {
            ReadOrder::Ascending => self.range.start = high.0.saturating_add(1),
            ReadOrder::Descending => {
                self.range.end = low.0;
                rows.reverse();
            }
        }
        self.group = rows.into_iter();
        Ok(())
    }

    fn spool(&mut self, seq: u64) -> Result<Arc<Spool>, StoreError> {
        if let Some((_, spool)) = self.epoch.as_ref().filter(|(of, _)| of.contains(&seq)) {
            return Ok(Arc::clone(spool));
        }
        let header = header_of(self.store, seq)?;
        let spool = self.archived.epoch(&header)?;
        let of = header.first_seq.0..header.last_seq.0.saturating_add(1);
        if self.order == ReadOrder::Ascending && of.end < self.range.end {
            self.archived.read_ahead(header_of(self.store, of.end)?);
        }
        self.epoch = Some((of, Arc::clone(&spool)));
        Ok(spool)
    }
}

impl Iterator for ArchiveWalk<'_> {
    type Item = Result<(Seq, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.group.next() {
            return Some(Ok(row));
        }
        if self.range.is_empty() {
            return None;
        }
        if let Err(error) = self.read() {
            self.range = 0..0;
            return Some(Err(error));
        }
        self.group.next().map(Ok)
    }
}
