//! Books that continue each other, read as one custody.

use std::path::{Path, PathBuf};

use crate::ledger::opening::Opening;
use crate::logbook::{closed, epoch_at};
use crate::replay::books::{CompleteTo, NotComplete};

use super::books::{is_ledger, look_into};
use super::rotate::opening_of;
use super::{Error, Ledger, Options};

/// A book and its place in the chain.
pub struct ChainedBook {
    /// Where it lies.
    pub dir: PathBuf,
    /// Open for reading.
    pub ledger: Ledger,
    opening: Opening,
}

/// Books in the order in which they continue each other.
pub struct Chain {
    /// The first one first.
    pub books: Vec<ChainedBook>,
}

impl ChainedBook {
    /// Up to where it is complete once its entries verify, for then its index was computed
    /// again from all of them.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn reach(&self) -> Result<Result<CompleteTo, NotComplete>, Error> {
        let Some(begun) = self.ledger.index_begins()? else {
            return Ok(Err(NotComplete::NoIndex));
        };
        let store = self.ledger.store();
        Ok(match store.last_epoch()? {
            Some(epoch) if epoch >= begun.since => {
                let last = epoch_at(store, epoch)?.content.last_seq;
                Ok(CompleteTo::whole(begun.since, epoch, last))
            }
            _ => Err(NotComplete::NotSealed),
        })
    }
}

impl Chain {
    /// Opens ledgers, and those that folders hold, for reading. Each but the first
    /// has to say that it continues the one before, and that one's last entry has to
    /// name its key.
    ///
    /// # Errors
    /// [`Error::NotAChain`], [`Error::Open`].
    pub fn open(paths: &[PathBuf], options: &Options) -> Result<Chain, Error> {
        let mut found = Vec::new();
        for path in paths {
            match is_ledger(path) {
                true => found.push(path.clone()),
                false => found.extend(ledgers_in(path)?),
            }
        }
        let mut loose = Vec::new();
        for dir in found {
            let ledger = Ledger::open_read(&dir, options.clone())?;
            let opening = opening_of(ledger.store())?;
            loose.push(ChainedBook {
                dir,
                ledger,
                opening,
            });
        }
        Chain::in_order(loose)
    }

    fn in_order(mut loose: Vec<ChainedBook>) -> Result<Chain, Error> {
        let of = |book: &ChainedBook| (book.opening.log, book.ledger.identity().genesis);
        let named = |book: &ChainedBook, loose: &[ChainedBook]| {
            book.opening
                .predecessor
                .as_ref()
                .is_some_and(|before| loose.iter().any(|other| of(other).0 == before.log))
        };
        let first = loose.iter().position(|book| !named(book, &loose));
        let Some(first) = first else {
            return Err(not_a_chain(
                Path::new("."),
                "there is no ledger, or no first one",
            ));
        };
        let mut books = vec![loose.swap_remove(first)];
        while !loose.is_empty() {
            let Some(last) = books.last() else { break };
            let end = closed(last.ledger.store())?;
            let continues = |book: &ChainedBook| {
                book.opening
                    .predecessor
                    .as_ref()
                    .zip(end.as_ref())
                    .is_some_and(|(before, end)| {
                        (before.log, before.seq, before.hash) == (end.log, end.seq, end.hash)
                            && book.opening.log == end.successor
                    })
            };
            let mut next = loose.iter().enumerate().filter(|(_, book)| continues(book));
            let (at, more) = (next.next().map(|(at, _)| at), next.next().is_some());
            let dir = &last.dir;
            let at = match (at, more) {
                (Some(at), false) => at,
                (Some(_), true) => return Err(not_a_chain(dir, "two books continue it")),
                (None, _) => {
                    return Err(not_a_chain(dir, "none of the others continues it"));
                }
            };
            books.push(loose.swap_remove(at));
        }
        Ok(Chain { books })
    }
}

/// The ledgers in a folder.
fn ledgers_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error| Error::file(folder, error);
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        // One that cannot be looked into may be the book that is missing.
        look_into(&path).map_err(|error| Error::file(&path, error))?;
        if is_ledger(&path) {
            found.push(path);
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(not_a_chain(folder, "there is no ledger in it")),
        false => Ok(found),
    }
}

fn not_a_chain(path: &Path, why: &'static str) -> Error {
    Error::NotAChain {
        path: path.to_owned(),
        why,
    }
}
