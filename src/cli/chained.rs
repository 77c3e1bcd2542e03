//! Several books as one custody.

use std::path::{Path, PathBuf};

use crate::api::{Chain, Error, Ledger};
use crate::evidence::EvidenceError;
use crate::ledger::position::Seq;
use crate::logbook::closed;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::{Force, OutputKind, Target, write_folder};

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Ledgers that continue each other, or a folder of them, as one custody (may be given several times)
    #[arg(long, value_name = "PATH")]
    books: Vec<PathBuf>,
}

impl Args {
    /// The books that are named, in their order.
    pub(super) fn open(&self, context: &Context) -> Result<Option<Chain>, CliError> {
        if self.books.is_empty() {
            return Ok(None);
        }
        Ok(Some(Chain::open(&self.books, &context.book_options())?))
    }
}

/// A folder with what is given out of each book, and the proofs of what leads from one
/// to the next: `verify FOLDER` needs the key of the first alone.
pub(super) struct CustodyFolder<'a> {
    pub(super) chain: &'a Chain,
    pub(super) folder: &'a Path,
    /// How the names of its files end.
    pub(super) ending: &'static str,
    pub(super) force: Force,
}

/// Writes what a book has into a file, and says how many entries; `None` for none.
type BookWriter<'w> = dyn FnMut(&Ledger, &Path, &mut Output) -> Result<Option<u64>, CliError> + 'w;

impl CustodyFolder<'_> {
    /// Writes all of it beside its place, and moves it there. `write` answers how many
    /// entries it wrote of a book; none if the book has nothing of it. `also` are
    /// entries of earlier books that what was written rests on.
    pub(super) fn write(
        &self,
        context: &Context,
        write: &mut BookWriter<'_>,
        also: &mut dyn FnMut(usize) -> Result<Vec<(usize, Seq)>, CliError>,
        output: &mut Output,
    ) -> Result<Answer, CliError> {
        let written = |made: &Path| self.write_into(made, context, write, also, output);
        let (entries, books) = write_folder(context, self.folder, written)?;
        let folder = self.folder.display();
        output.note(&format!("{entries} entries of {books} books in {folder}"));
        Ok(Answer::Yes)
    }

    fn write_into(
        &self,
        made: &Path,
        context: &Context,
        write: &mut BookWriter<'_>,
        also: &mut dyn FnMut(usize) -> Result<Vec<(usize, Seq)>, CliError>,
        output: &mut Output,
    ) -> Result<(u64, usize), CliError> {
        let (mut entries, mut books) = (0, 0);
        for (number, book) in self.chain.books.iter().enumerate() {
            let path = made.join(format!("book-{number:03}.{}", self.ending));
            if let Some(written) = write(&book.ledger, &path, output)? {
                (entries, books) = (entries + written, books + 1);
                for (earlier, seq) in also(number)? {
                    let name = format!("book-{earlier:03}.entry-{seq}.proof");
                    self.prove(context, earlier, seq, &made.join(name))?;
                }
            } else {
                // That the book is there and has nothing of it is not that it is missing.
                let path = made.join(format!("book-{number:03}.open.proof"));
                match self.prove(context, number, Seq::FIRST, &path) {
                    Err(CliError::Ledger(Error::Evidence(EvidenceError::NotSealed { .. }))) => {}
                    proven => proven?,
                }
            }
            // The last one may be closed in favour of a book that is not among them.
            if let Some(end) = closed(book.ledger.store())? {
                let name = format!("book-{number:03}.close.proof");
                self.prove(context, number, end.seq, &made.join(name))?;
            }
        }
        if books == 0 {
            return Err(CliError::NothingFound);
        }
        Ok((entries, books))
    }

    fn prove(
        &self,
        context: &Context,
        number: usize,
        seq: Seq,
        path: &Path,
    ) -> Result<(), CliError> {
        let Some(book) = self.chain.books.get(number) else {
            return Ok(());
        };
        let target = Target {
            path,
            kind: OutputKind::Proof,
            log: Some(book.ledger.key()),
            force: self.force,
        };
        // One attestation may stand behind several books.
        match path.exists() {
            true => Ok(()),
            false => target.write_bytes(context, &book.ledger.prove(seq)?.to_bytes()),
        }
    }
}
