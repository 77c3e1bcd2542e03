//! The redacted members of a file's entries, each with what opens it, where that is
//! there. An opening is held against its entry's commitment; the entries themselves are
//! read and **not judged**.

use std::collections::VecDeque;
use std::io::Read;

use crate::ledger::hash::Hash;
use crate::ledger::judge::read_raw;
use crate::ledger::position::Seq;
use crate::ledger::redact::opened::Opened;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::{Opening, redacted_in};
use crate::ledger::source::{Event, Source};

use super::Error;
use super::entries::source;

/// A member of an entry in whose place a commitment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMember {
    /// The number of its entry, where the format says it.
    pub seq: Option<Seq>,
    /// The line of its entry, from 1, where the format has lines.
    pub line: Option<u64>,
    /// Where in the payload.
    pub pointer: Pointer,
    /// What stands there.
    pub commitment: Hash,
    /// The value and what proves it; none where it is withheld or erased.
    pub opening: Option<Opening>,
}

/// The redacted members of a file, in its order.
pub struct Members<'r> {
    source: Box<dyn Source + 'r>,
    /// The hash of the log's entry 0.
    genesis: Option<Hash>,
    /// Those of the last entry, whose openings may follow.
    last: Vec<ReadMember>,
    found: VecDeque<Result<ReadMember, Error>>,
    ended: bool,
}

/// Reads the redacted members of what [`entries`](super::entries()) reads.
///
/// # Errors
/// As [`entries`](super::entries()).
pub fn members<'r>(file: impl Read + Send + 'r) -> Result<Members<'r>, Error> {
    let (_, source) = source(file)?;
    Ok(Members {
        genesis: source.subject().genesis,
        source,
        last: Vec::new(),
        found: VecDeque::new(),
        ended: false,
    })
}

impl Members<'_> {
    /// The hash of the log's entry 0, by which commitments are made; none where the file
    /// does not say it, or not yet.
    #[must_use]
    pub const fn genesis(&self) -> Option<Hash> {
        self.genesis
    }

    fn read_on(&mut self) -> Result<(), Error> {
        let mut batch = Vec::new();
        self.source.next_batch(&mut batch)?;
        self.ended = batch.is_empty();
        for event in batch {
            match event {
                Event::Entry(raw, line) => {
                    self.flush();
                    let (seq, entry) = read_raw(&raw);
                    let entry = entry.map_err(|error| unreadable(line, error.to_string()))?;
                    // A logbook says it with its first line.
                    if self.genesis.is_none() && entry.prev_hash() == Hash::ZERO {
                        self.genesis = Some(entry.hash());
                    }
                    let redacted = redacted_in(entry.payload_bytes()).into_iter();
                    let member = |(pointer, commitment)| ReadMember {
                        seq,
                        line,
                        pointer,
                        commitment,
                        opening: None,
                    };
                    self.last.extend(redacted.map(member));
                }
                Event::Opened(opened, line) => self.open(*opened, line)?,
                Event::Fault(fault) => return Err(unreadable(fault.line, fault.detail)),
                _ => {}
            }
        }
        if self.ended {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.found.extend(self.last.drain(..).map(Ok));
    }

    /// Takes an opening of the last entry. Each member is opened once.
    fn open(&mut self, opened: Opened, line: Option<u64>) -> Result<(), Error> {
        let Opened { seq, opening } = opened;
        let opens = |member: &ReadMember| {
            let commitment = self.genesis.map(|genesis| opening.commitment(&genesis));
            member.opening.is_none()
                && member.seq == Some(seq)
                && member.pointer == opening.pointer
                && Some(member.commitment) == commitment
        };
        let at = self.last.iter().position(opens);
        match at.and_then(|at| self.last.get_mut(at)) {
            Some(member) => member.opening = Some(opening),
            None => {
                let pointer = &opening.pointer;
                let detail = format!("`{pointer}` of entry {seq} is not what is opened here");
                return Err(unreadable(line, detail));
            }
        }
        Ok(())
    }
}

fn unreadable(line: Option<u64>, detail: String) -> Error {
    Error::Unreadable { line, detail }
}

impl Iterator for Members<'_> {
    type Item = Result<ReadMember, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Some(found);
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.read_on() {
                self.ended = true;
                // Of the last entry it is not known what opens it.
                self.last.clear();
                self.found.push_back(Err(error));
            }
        }
    }
}
