//! Entries as tables, written and verified.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek as _, Write};
use std::path::Path;

use crate::evidence::EvidenceError;
use crate::evidence::openings::Openings;
use crate::ledger::json::Form;
use crate::ledger::policy::Policy;
use crate::ledger::source::ReadError;
use crate::ledger::verify::VerifyOutcome;
use crate::ledger::version::Version;
use crate::parquet::{
    Footer, MAGIC, SetExport, SetWritten, export_epochs, export_set, text_of_table, verify_table,
    write_rows,
};
use crate::store::query::Filter;

use super::export::evidence;
use super::pipes::open_file;
use super::{Error, Export, ExportFormat, Exported, Ledger, Unsealed};

impl Ledger {
    /// Writes the table of the entries that a filter wants: a bundle of them in
    /// columns. Its format and version are always those of a bundle.
    ///
    /// # Errors
    /// [`Error`]; what was written by then is not a table.
    pub fn export_parquet(
        &self,
        what: Export<'_>,
        out: &mut (dyn Write + Send),
    ) -> Result<Exported, Error> {
        let selection = what.filter.range().is_none();
        let openings = Openings::NONE;
        let what = Export { openings, ..what };
        write_rows(selection, &self.footer(), out, |rows| {
            evidence(self, what, rows)
        })
    }

    /// Writes the table of all epoch headers, and answers how many there are.
    ///
    /// # Errors
    /// [`Error`]; what was written by then is not a table.
    pub fn export_epochs(&self, out: &mut (dyn Write + Send)) -> Result<u64, Error> {
        Ok(export_epochs(self.store(), &self.footer(), out)?)
    }

    /// Writes a set of tables into a new folder: one of each day, one of all epochs,
    /// and the manifest. What is not sealed and under no head is left out.
    ///
    /// # Errors
    /// [`Error`]; without a manifest the folder is not a set.
    pub fn export_set(
        &self,
        filter: &Filter,
        folder: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<SetWritten, Error> {
        let signer = self.signer()?;
        let what = SetExport {
            filter,
            head: self.footer().head,
            signer: &*signer,
            log: (self.key(), self.identity().genesis),
        };
        let mut done = 0;
        let bundle = |filter: &Filter, rows| {
            let export = Export {
                filter,
                format: ExportFormat::Bundle,
                version: Version::default(),
                openings: Openings::NONE,
                unsealed: Unsealed::LeftOut,
                no_sign: false,
                progress: &mut |entries| progress(done + entries),
            };
            let exported = evidence(self, export, rows)?;
            done += exported.entries;
            Ok(exported.entries)
        };
        export_set(self.store(), folder, what, bundle, |error| {
            matches!(
                error,
                Error::Evidence(
                    EvidenceError::NotSealed { .. }
                        | EvidenceError::SelectionNotSealed { .. }
                        | EvidenceError::EmptyRange
                )
            )
        })
    }

    /// A head, where the key or the mark is at hand.
    fn footer(&self) -> Footer {
        let head = self.head().ok();
        Footer {
            head: head.map(|head| head.to_value().canonical(Form::Utf8)),
            day: None,
        }
    }
}

/// Verifies the table in a file, or, where the file is compressed, in `reader`.
pub(super) fn judge_file(
    path: &Path,
    reader: impl BufRead,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    let file = open_file(path)?;
    let mut begins = Vec::new();
    (&file).take(MAGIC.len() as u64).read_to_end(&mut begins)?;
    match begins == MAGIC {
        true => verify_table(file, policy, progress),
        false => judge_stream(reader, policy, progress),
    }
}

/// The bundle in a table that comes as a stream, for those who judge nothing.
pub(super) fn text_of(mut reader: impl Read) -> Result<impl BufRead + Send, Error> {
    let (file, read) = laid_down(&mut reader).map_err(ReadError::Io)?;
    read.map_err(ReadError::Io)?;
    let text = text_of_table(file)?;
    text.map_err(|fault| Error::Unreadable {
        line: None,
        detail: fault.detail,
    })
}

/// Verifies the table in a stream. A table is read from its end, so all of it is
/// laid down first.
pub(super) fn judge_stream(
    mut reader: impl BufRead,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    let (file, read) = laid_down(&mut reader)?;
    match read {
        // What could be read of it fails as what it is.
        Err(error) if crate::ledger::lines::damage(&error).is_none() => Err(error.into()),
        _ => verify_table(file, policy, progress),
    }
}

/// A file with the bytes of a stream, and whether all could be read. Of what does not begin
/// as a table there is no more than its beginning: it could be anything, and have any length.
fn laid_down(reader: &mut impl Read) -> io::Result<(File, io::Result<u64>)> {
    let mut file = tempfile::tempfile()?;
    let mut begins = Vec::new();
    let begun = reader.take(MAGIC.len() as u64).read_to_end(&mut begins);
    file.write_all(&begins)?;
    let read = match begun {
        Ok(_) if begins == MAGIC => io::copy(reader, &mut file),
        begun => begun.map(|read| read as u64),
    };
    file.rewind()?;
    Ok((file, read))
}
