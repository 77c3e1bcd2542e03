//! The file `headers` of a log folder, held against the entries beside it.
//!
//! The leaves of an epoch's tree are the data of the public log's entries, so that who
//! has the entry bundles tells also whether each header's root is that of its entries.
//! What is published is written before the checkpoint that names it: the file reaches as
//! far as the checkpoint, or it was cut.

use std::collections::VecDeque;

use thiserror::Error;

use super::checkpoint::CheckpointText;
use crate::ledger::epoch::{EpochFault, EpochHeader};
use crate::ledger::growing::GrowingTree;
use crate::ledger::hash::Hash;
use crate::ledger::head::LastEpoch;
use crate::ledger::key::PublicKey;
use crate::ledger::parse::ParseError;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::published::{Published, PublishedError};

/// What is wrong with the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HeadersError {
    /// A line that is none.
    #[error("line {line} of headers: {error}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// Why.
        error: PublishedError,
    },
    /// The log did not sign it.
    #[error("line {line} of headers is not signed by the log's key")]
    NotSigned {
        /// The line, from 1.
        line: usize,
    },
    /// It is of another log than the line before.
    #[error("line {line} of headers is of another log than the one before")]
    OtherLog {
        /// The line, from 1.
        line: usize,
    },
    /// A header that does not follow the one before it.
    #[error("line {line} of headers: {fault}")]
    Order {
        /// The line, from 1.
        line: usize,
        /// Why.
        fault: EpochFault,
    },
    /// A head that stands on another header than the one before it.
    #[error("line {line} of headers: the head does not stand on the header before it")]
    Basis {
        /// The line, from 1.
        line: usize,
    },
    /// A root that the entries do not give.
    #[error("the header of epoch {epoch} does not have the root of its entries")]
    Root {
        /// The epoch.
        epoch: EpochNumber,
    },
    /// It ends before the checkpoint.
    #[error("headers ends before the last of the checkpoint's {size} entries: it was cut")]
    Short {
        /// The checkpoint's size.
        size: u64,
    },
}

/// What the file says, with the tree of the epoch whose entries are read.
#[derive(Debug)]
pub struct Headers {
    epochs: VecDeque<EpochHeader>,
    tree: GrowingTree,
    wrong: Option<EpochNumber>,
}

impl Headers {
    /// Reads the file of the log of this key, under one of its checkpoints.
    ///
    /// # Errors
    /// [`HeadersError`] names the first line that is wrong.
    pub fn read(
        bytes: &[u8],
        log: PublicKey,
        checkpoint: &CheckpointText,
    ) -> Result<Headers, HeadersError> {
        let mut reading = HeaderReading::default();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
        let unfinished = loop {
            match lines.next() {
                None => break None,
                Some((at, line)) => match line.strip_suffix(b"\n") {
                    Some(whole) => reading.take(at + 1, whole, log)?,
                    None => break Some((at + 1, line)),
                },
            }
        };
        let size = checkpoint.size;
        let covers = size.checked_sub(1) <= reading.reaches.map(|seq| seq.0);
        match unfinished.map(|(line, bytes)| (line, Published::from_line(bytes))) {
            // A line that is being added behind what the checkpoint names.
            Some((_, Err(PublishedError::Json(ParseError::UnexpectedEnd { .. })))) if covers => {}
            Some((line, Err(error))) => return Err(HeadersError::Line { line, error }),
            Some((_, Ok(_))) | None if covers => {}
            _ => return Err(HeadersError::Short { size }),
        }
        Ok(Headers {
            epochs: reading.epochs,
            tree: GrowingTree::default(),
            wrong: None,
        })
    }

    /// Whether the file has this header.
    #[must_use]
    pub fn holds(&self, header: &EpochHeader) -> bool {
        self.epochs.contains(header)
    }

    /// Takes the data of the next entry.
    pub fn entry(&mut self, seq: u64, data: &Hash) {
        let Some(header) = self.epochs.front() else {
            return;
        };
        self.tree.push(*data);
        if header.last_seq.0 != seq {
            return;
        }
        if self.tree.root() != Some(header.root) && self.wrong.is_none() {
            self.wrong = Some(header.epoch);
        }
        self.tree = GrowingTree::default();
        self.epochs.pop_front();
    }

    /// What the entries showed.
    ///
    /// # Errors
    /// [`HeadersError::Root`] names the first header that is not of them.
    pub fn finish(self) -> Result<(), HeadersError> {
        match self.wrong {
            Some(epoch) => Err(HeadersError::Root { epoch }),
            None => Ok(()),
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct HeaderReading {
    genesis: Option<Hash>,
    last: Option<LastEpoch>,
    epochs: VecDeque<EpochHeader>,
    reaches: Option<Seq>,
}

impl HeaderReading {
    fn take(&mut self, line: usize, bytes: &[u8], log: PublicKey) -> Result<(), HeadersError> {
        let published =
            Published::from_line(bytes).map_err(|error| HeadersError::Line { line, error })?;
        let (of, genesis) = published.log();
        let signed = match &published {
            Published::Epoch(epoch) => epoch.verify(),
            Published::Head(head) => head.verify(),
        };
        if !signed || of != log {
            return Err(HeadersError::NotSigned { line });
        }
        if *self.genesis.get_or_insert(genesis) != genesis {
            return Err(HeadersError::OtherLog { line });
        }
        self.reaches = self.reaches.max(Some(published.seq()));
        match published {
            Published::Head(head) => {
                let basis = head.content.second.as_ref().map(|second| &second.epoch);
                match basis.is_none_or(|basis| *basis == self.last) {
                    true => Ok(()),
                    false => Err(HeadersError::Basis { line }),
                }
            }
            Published::Epoch(epoch) => {
                let header = epoch.content;
                let mut faults = header.faults_alone();
                faults.extend(header.faults_after(self.epochs.back()));
                if let Some(fault) = faults.into_iter().next() {
                    return Err(HeadersError::Order { line, fault });
                }
                self.last = Some(LastEpoch {
                    epoch: header.epoch,
                    hash: header.hash(),
                });
                self.epochs.push_back(header);
                Ok(())
            }
        }
    }
}
