//! What was recorded, delivered to other systems: as JSON Lines, OCSF or CEF, into a
//! file, over syslog or to a webhook.
//!
//! ```text
//! store ─► batch ─► format ─► place ─► position
//! ```
//! # What must hold
//! * Nothing is queued: the ledger is the queue, and in memory is one batch of at most
//!   [`BATCH`] entries or [`BATCH_BYTES`]. A place that is slow or gone holds back no
//!   writer.
//! * A batch is delivered, as far as the place can tell; then the position is replaced on
//!   disk, synced. Who is killed between the two delivers that batch again and loses
//!   none: every entry at least once, in order, each with its sequence number.
//! * A position names the hash of the last entry that was delivered. A ledger that does
//!   not have it was put back, or is another: nothing is delivered then.
//!
//! A file acknowledges by its sync, a webhook by its status. Syslog acknowledges nothing:
//! what was under way when its receiver died is lost to it, whatever the transport.
#![cfg(all(feature = "store", feature = "client"))]

mod backoff;
mod cef;
mod error;
mod event;
mod file;
mod format;
mod ocsf;
mod place;
mod position;
mod settings;
mod syslog;
mod tls;
mod webhook;

use std::io::Write;
use std::path::Path;

use crate::ledger::position::Seq;
use crate::logbook::{Identity, entry_at};
use crate::store::Store;
use crate::store::query::{Filter, select};

pub use backoff::Backoff;
pub use error::SinkError;
pub use format::SinkFormat;
pub use place::SinkAddress;
pub use position::position_of;
pub use settings::Settings;

use event::{EventOrigin, SinkEvent};
use file::FileOutput;
use place::BatchReceiver;
use position::{DeliveredTo, SinkPosition};

/// Entries of a batch.
pub const BATCH: u64 = 500;

/// Bytes of entries from which on a batch is full.
pub const BATCH_BYTES: usize = 1 << 20;

/// Entries that are passed over before that is written down.
const PASSED_OVER: u64 = 4_096;

/// Where entries are delivered, and how far that has come.
pub struct Sink {
    name: String,
    filter: Filter,
    format: SinkFormat,
    about: EventOrigin,
    place: Box<dyn BatchReceiver>,
    position: Option<SinkPosition>,
    /// The next entry to look at.
    next: Seq,
    /// That was written down.
    written: Seq,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Entries that were delivered.
    pub entries: u64,
    /// There is nothing more to deliver.
    pub all: bool,
}

impl Sink {
    /// Goes on where the position in `path` says, if one is kept; else at the first entry
    /// that the filter wants.
    ///
    /// # Errors
    /// [`SinkError`], before anything is delivered.
    pub fn open(
        settings: Settings,
        path: Option<&Path>,
        identity: Identity,
        store: &dyn Store,
    ) -> Result<Sink, SinkError> {
        let about = EventOrigin::of(identity);
        let place = settings.place(&about.genesis)?;
        let first = settings.filter.from_seq.unwrap_or(Seq::FIRST);
        let position = path
            .map(|path| SinkPosition::open(path, identity))
            .transpose()?;
        let reached = position.as_ref().and_then(SinkPosition::reached);
        if let Some(reached) = reached {
            check(store, reached)?;
        }
        let next = reached.map_or(first, |reached| Seq(reached.last.0 + 1).max(first));
        Ok(Sink {
            name: settings.name,
            filter: settings.filter,
            format: settings.format,
            about,
            place,
            position,
            next,
            written: next,
        })
    }

    /// One that writes what the filter wants to `out`, and keeps no position.
    #[must_use]
    pub fn to_output(
        out: Box<dyn Write + Send>,
        format: SinkFormat,
        filter: Filter,
        identity: Identity,
    ) -> Sink {
        let next = filter.from_seq.unwrap_or(Seq::FIRST);
        Sink {
            name: String::new(),
            filter,
            format,
            about: EventOrigin::of(identity),
            place: Box::new(FileOutput(out)),
            position: None,
            next,
            written: next,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next entry that it looks at.
    #[must_use]
    pub const fn next(&self) -> Seq {
        self.next
    }

    /// Delivers the next batch of the entries before `end`, and writes down that it did.
    ///
    /// # Errors
    /// [`SinkError`]; then it may be tried again, and delivers the same entries.
    pub fn forward(&mut self, store: &dyn Store, end: u64) -> Result<Forwarded, SinkError> {
        let last = self.filter.until_seq.map_or(u64::MAX, |last| last.0);
        let end = end.min(last.saturating_add(1));
        if self.next.0 >= end {
            return Ok(Forwarded {
                entries: 0,
                all: true,
            });
        }
        let wanted = Filter {
            from_seq: Some(self.next),
            until_seq: Some(Seq(end - 1)),
            limit: Some(BATCH),
            reverse: false,
            ..self.filter.clone()
        };
        let (mut events, mut bytes, mut full) = (Vec::<SinkEvent>::new(), 0, false);
        for found in select(store, &wanted)? {
            let (seq, entry) = found?;
            let event = self
                .format
                .event(&self.about, seq, &entry, self.place.longest());
            bytes += event.text.len();
            events.push(event);
            full = bytes >= BATCH_BYTES || events.len() as u64 >= BATCH;
            if full {
                break;
            }
        }
        let delivered = events.last().map(|event| event.seq);
        let next = match delivered {
            Some(last) if full => Seq(last.0 + 1),
            _ => Seq(end),
        };
        if !events.is_empty() {
            self.place.deliver(&events, self.format)?;
        }
        let passed_over = next.0 - self.written.0 >= PASSED_OVER;
        if (delivered.is_some() || passed_over)
            && let Some(position) = &mut self.position
        {
            let last = Seq(next.0 - 1);
            let hash = entry_at(store, last)?.hash();
            position.reach(DeliveredTo { last, hash })?;
            self.written = next;
        }
        self.next = next;
        Ok(Forwarded {
            entries: events.len() as u64,
            all: next.0 >= end,
        })
    }
}

/// Whether the ledger has the entry that was delivered last.
fn check(store: &dyn Store, reached: DeliveredTo) -> Result<(), SinkError> {
    let parted = SinkError::Parted {
        seq: reached.last,
        hash: reached.hash,
    };
    match reached.last.0 < store.count()? {
        true if entry_at(store, reached.last)?.hash() == reached.hash => Ok(()),
        _ => Err(parted),
    }
}
