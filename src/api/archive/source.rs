//! A log, read straight from the bucket: the bundles of its epochs, one after the other.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use super::super::stream::recognise;
use super::super::{Error, compression::AtMost};
use super::{number_of, places};
use crate::bucket::objects::Stream;
use crate::bucket::{Objects, bundle_key};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{At, Fault, FaultCode, Format, NotChecked};
use crate::ledger::lines::damage;
use crate::ledger::position::Seq;
use crate::ledger::source::{Event, ReadError, Source, Subject};
use crate::ledger::spill::Spill;
use crate::store::spill::TemporaryFiles;

/// Bundles that are asked for ahead.
const AHEAD: u64 = 2;

/// The archived epochs of a log as one source. What lies in memory is a few pieces of a
/// few bundles, however long the log is.
pub(super) struct BucketSource {
    objects: Objects,
    subject: Subject,
    /// Epochs that there are, by the list of the bucket.
    epochs: u64,
    /// The epoch that is read, or is to be.
    at: u64,
    current: Option<BundleFile<Box<dyn BufRead + Send>>>,
    /// Streams that were begun.
    ahead: BTreeMap<u64, Option<Stream>>,
    /// The bundle at hand does not decompress.
    damaged: Option<FaultCode>,
    /// The next event that begins an epoch is that of the epoch which is read.
    expects_header: bool,
}

impl BucketSource {
    /// Lists the epochs of a log.
    pub(super) fn open(objects: Objects) -> Result<BucketSource, Error> {
        let listed = objects.list("epoch")?;
        let last = listed.iter().filter_map(|one| number_of(&one.key)).max();
        let mut source = BucketSource {
            objects,
            subject: Subject {
                format: Format::Ledger,
                log: None,
                genesis: None,
                first_seq: Seq::FIRST,
                last_seq: None,
                contiguous: true,
                not_checked: vec![NotChecked::Truncation, NotChecked::TailUnsigned],
            },
            epochs: last.map_or(0, |last| last.saturating_add(1)),
            at: 0,
            current: None,
            ahead: BTreeMap::new(),
            damaged: None,
            expects_header: false,
        };
        // Whose log it is, the first bundle says.
        source.begin()?;
        if let Some(first) = &source.current {
            let said = first.subject();
            source.subject.log = said.log;
            source.subject.genesis = said.genesis;
        }
        Ok(source)
    }

    /// Opens the bundle of the epoch at hand, and asks for those after it. Without one
    /// there is none.
    fn begin(&mut self) -> Result<(), ReadError> {
        for number in self.at..self.epochs.min(self.at.saturating_add(AHEAD)) {
            if !self.ahead.contains_key(&number) {
                let stream = self.objects.stream(&bundle_key(number));
                self.ahead.insert(number, stream.map_err(unreadable)?);
            }
        }
        let Some(stream) = self.ahead.remove(&self.at).flatten() else {
            return Ok(());
        };
        let recognised = match recognise(stream) {
            Ok(recognised) => recognised,
            Err(error) => {
                self.damaged = Some(damage(&error).ok_or(error)?);
                return Ok(());
            }
        };
        recognised.one_frame.demand();
        let reader = BufReader::new(AtMost::new(recognised.reader, u64::MAX));
        self.current = Some(BundleFile::open(
            Box::new(reader) as Box<dyn BufRead + Send>
        )?);
        self.expects_header = true;
        Ok(())
    }

    fn fault(&self, code: FaultCode, detail: String) -> Event {
        Event::Fault(Fault::at(code, At::Epoch, self.at, detail))
    }

    /// What of a bundle's events belongs to the log as a whole: documents are among its
    /// entries, and entry 0 is its first.
    fn keep(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Document(..) | Event::Opening(..) | Event::Answers(_) => None,
            Event::Epoch(epoch, line) => {
                let expected = std::mem::take(&mut self.expects_header);
                if !expected || epoch.content.epoch.0 != self.at {
                    let detail = format!(
                        "{} holds epoch {}",
                        bundle_key(self.at),
                        epoch.content.epoch
                    );
                    return Some(self.fault(FaultCode::EpochInvariant, detail));
                }
                Some(Event::Epoch(epoch, line))
            }
            Event::Fault(fault) => Some(Event::Fault(Fault {
                detail: format!("{}: {}", bundle_key(self.at), fault.detail),
                at: At::Epoch,
                index: Some(self.at),
                ..fault
            })),
            other => Some(other),
        }
    }

    /// What a bundle says of itself must be what the first one says.
    fn other_log(&self, bundle: &Subject) -> bool {
        (bundle.log, bundle.genesis) != (self.subject.log, self.subject.genesis)
    }
}

impl Source for BucketSource {
    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn spill(&self) -> Option<Arc<dyn Spill>> {
        Some(Arc::new(TemporaryFiles))
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        // A header and the entry that may begin an index under it are judged together.
        let goes_on = |batch: &[Event]| matches!(batch.last(), None | Some(Event::Epoch(..)));
        while goes_on(batch) && self.at < self.epochs {
            if self.current.is_none() {
                self.begin()?;
            }
            let Some(current) = &mut self.current else {
                let (code, what) = match self.damaged.take() {
                    Some(code) => (code, "does not decompress"),
                    None => (FaultCode::SequenceGap, "is missing"),
                };
                let detail = format!("{} {what}", bundle_key(self.at));
                batch.push(self.fault(code, detail));
                self.at += 1;
                continue;
            };
            let mut events = Vec::new();
            let begins = self.expects_header;
            let said = current.subject();
            current.next_batch(&mut events)?;
            if begins && self.other_log(&said) {
                let detail = format!("{} is of another log", bundle_key(self.at));
                batch.push(self.fault(FaultCode::GenesisMismatch, detail));
                self.leave();
                continue;
            }
            if events.is_empty() {
                if self.expects_header {
                    let detail = format!("{} holds no epoch", bundle_key(self.at));
                    batch.push(self.fault(FaultCode::EpochInvariant, detail));
                }
                self.leave();
                continue;
            }
            for event in events {
                let kept = self.keep(event);
                if let Some(Event::Epoch(epoch, _)) = &kept
                    && epoch.content.index.is_some()
                {
                    places::read(&self.objects, self.at, batch)?;
                }
                batch.extend(kept);
            }
        }
        Ok(())
    }
}

impl BucketSource {
    fn leave(&mut self) {
        self.current = None;
        self.expects_header = false;
        self.at += 1;
    }
}

pub(super) fn unreadable(error: crate::bucket::BucketError) -> ReadError {
    ReadError::Io(std::io::Error::other(error))
}
