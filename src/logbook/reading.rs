//! A ledger opened for reading beside its writer, with the mark to hold it against.
//!
//! Beside a live writer, mark and database are two things that move. A mark
//! never names what is not in the database, so one that is read **before** the
//! database is looked at can only be behind it: what it names and the database
//! lacks was lost. And a writer states its mark before it seals and at least
//! once a second, so one that seems stale was overtaken while it was looked at:
//! both are looked at again, mark first. Where the writer is always faster, the
//! mark is read once more **after** the database, and can only be ahead of it:
//! if that one is stale too, no writer keeps it.

use std::path::Path;

use crate::ledger::position::Seq;
use crate::store::{RocksStore, Store, StoreError};

use super::error::OpenError;
use super::mark::MarkFile;
use super::recover::{extent_of, judge_mark};

/// How often mark and database are looked at to find them agreed: the writer
/// would have to seal an epoch between them each time.
const LOOKS: usize = 20;

#[derive(Debug)]
pub struct Reader {
    pub store: RocksStore,
    /// The mark to hold them against: what it said before they were looked at,
    /// and after, where somebody may be writing.
    pub mark: MarkFile,
    file: MarkFile,
    beside: bool,
}

impl Reader {
    /// Opens the ledger in `dir`: as one of its readers where nobody writes,
    /// beside its writer where somebody does.
    pub fn open(dir: &Path, mark: &MarkFile) -> Result<Reader, OpenError> {
        match RocksStore::open_read_only(dir) {
            Ok(store) => Ok(Reader {
                store,
                mark: mark.clone(),
                file: mark.clone(),
                beside: false,
            }),
            Err(StoreError::Locked { .. }) => Reader::open_beside(dir, mark),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the ledger in `dir` beside its writer, if it has one: nobody is kept
    /// from writing.
    pub fn open_beside(dir: &Path, mark: &MarkFile) -> Result<Reader, OpenError> {
        let seen = mark.as_of_now()?;
        let mut reader = Reader {
            store: RocksStore::open_beside(dir)?,
            mark: seen,
            file: mark.clone(),
            beside: true,
        };
        for _ in 0..LOOKS {
            if !reader.seems_at_fault() {
                break;
            }
            reader.look()?;
        }
        reader.mark = reader.mark.seen_again()?;
        Ok(reader)
    }

    /// Goes on to what the ledger is now, if somebody may have written it.
    pub fn catch_up(&mut self) -> Result<(), OpenError> {
        if self.beside {
            self.look()?;
            self.mark = self.mark.clone().seen_again()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), OpenError> {
        self.mark = self.file.as_of_now()?;
        Ok(self.store.catch_up()?)
    }

    /// The last entry that is seen, where another process may be writing more.
    pub fn as_of(&self) -> Result<Option<Seq>, StoreError> {
        if self.beside {
            self.store.last_seq()
        } else {
            Ok(None)
        }
    }

    /// What cannot be read is for those who read it to name.
    fn seems_at_fault(&self) -> bool {
        let judged =
            extent_of(&self.store).and_then(|extent| judge_mark(&self.store, &self.mark, &extent));
        matches!(judged, Ok(Err(_)))
    }
}
