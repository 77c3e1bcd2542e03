//! The entries of any file, one after the other, for programs that look at them.
//! They are read and **not judged**: [`verify`](super::verify()) says whether they
//! may be believed.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Seek as _};

use rayon::prelude::*;

use crate::ledger::bundle_file::BundleFile;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::fault::Format;
use crate::ledger::judge::read_raw;
use crate::ledger::lines::Lines;
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::position::Seq;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::{Event, Raw, ReadError, Source};
use crate::report::ReportFile;

use super::Error;
use super::stream::recognise;
use super::verify::small;

/// An entry as it stands in a file.
#[derive(Clone, Debug)]
pub struct ReadEntry {
    /// Its number, where the format says it.
    pub seq: Option<Seq>,
    /// The epoch whose header stands before it.
    pub epoch: Option<u64>,
    /// Its line, from 1, where the format has lines.
    pub line: Option<u64>,
    /// The entry. Its signature and its link are not judged.
    pub entry: Entry,
}

/// The entries of a file, and its epoch headers as they come.
pub struct Entries<'r> {
    source: Box<dyn Source + 'r>,
    found: VecDeque<Result<ReadEntry, Error>>,
    epoch: Option<SignedEpoch>,
    ended: bool,
    /// What it is.
    pub format: Format,
}

/// Reads the entries of a logbook, a bundle, a proof, a report or a table,
/// compressed or not.
///
/// # Errors
/// [`Error::NotRecognised`]; [`Error::Read`].
pub fn entries<'r>(file: impl Read + Send + 'r) -> Result<Entries<'r>, Error> {
    let (format, source) = source(file)?;
    Ok(Entries {
        source,
        found: VecDeque::new(),
        epoch: None,
        ended: false,
        format,
    })
}

/// What a file holds, as a source, and what it is.
pub(super) fn source<'r>(
    file: impl Read + Send + 'r,
) -> Result<(Format, Box<dyn Source + 'r>), Error> {
    let recognised = recognise(file).map_err(ReadError::Io)?;
    let format = recognised
        .format
        .ok_or(Error::NotRecognised { path: None })?;
    let reader = recognised.reader;
    let source: Box<dyn Source + 'r> = match format {
        Format::Logbook => Box::new(LogbookFile::new(reader)),
        Format::Bundle => Box::new(BundleFile::open(reader)?),
        Format::Proof => Box::new(ProofFile::new(&small(reader)?)),
        Format::Report => {
            let mut report = ReportFile::open(reader)?;
            let report = report.as_mut().ok_or(Error::NotRecognised { path: None })?;
            let carried = report.bundle().ok_or(Error::SeveralLogs)?;
            let mut bundle = tempfile::tempfile().map_err(ReadError::Io)?;
            io::copy(&mut Lines::new(carried), &mut bundle).map_err(ReadError::Io)?;
            bundle.rewind().map_err(ReadError::Io)?;
            Box::new(BundleFile::open(BufReader::new(bundle))?)
        }
        #[cfg(feature = "parquet")]
        Format::Parquet => {
            let text = super::tables::text_of(reader)?;
            Box::new(BundleFile::open(text)?)
        }
        _ => return Err(Error::NotRecognised { path: None }),
    };
    Ok((format, source))
}

impl Entries<'_> {
    fn read_on(&mut self) -> Result<(), Error> {
        let mut batch = Vec::new();
        self.source.next_batch(&mut batch)?;
        self.ended = batch.is_empty();
        let mut raws = Vec::new();
        for event in batch {
            match event {
                Event::Entry(raw, line) => {
                    raws.push((raw, line, self.epoch.as_ref().map(|it| it.content.epoch.0)));
                }
                Event::Epoch(epoch, _) => self.epoch = Some(*epoch),
                Event::Head(..) => self.epoch = None,
                Event::Fault(fault) => {
                    self.take(std::mem::take(&mut raws));
                    let line = fault.line;
                    let detail = fault.detail;
                    self.found
                        .push_back(Err(Error::Unreadable { line, detail }));
                }
                _ => {}
            }
        }
        self.take(raws);
        Ok(())
    }

    fn take(&mut self, raws: Vec<(Raw, Option<u64>, Option<u64>)>) {
        let read = raws.into_par_iter().map(|(raw, line, epoch)| {
            let (seq, entry) = read_raw(&raw);
            let detail = |error: crate::ledger::entry::EntryError| error.to_string();
            let entry = entry.map_err(|error| Error::Unreadable {
                line,
                detail: detail(error),
            })?;
            Ok(ReadEntry {
                seq,
                epoch,
                line,
                entry,
            })
        });
        let read: Vec<_> = read.collect();
        self.found.extend(read);
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<ReadEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.found.pop_front() {
                // What comes after an error could be anything's.
                if found.is_err() {
                    self.found.clear();
                    self.ended = true;
                }
                return Some(found);
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.read_on() {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }
}
