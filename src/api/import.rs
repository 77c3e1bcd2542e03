//! A file of another log, copied as it is looked at: what is kept is what was verified,
//! whatever becomes of the file that was named. No more is copied of what is not a log than
//! shows that.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::imports::accept::{self, ImportOutcome, Offered};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{Fault, Format, Verdict};
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::lines::{self, Lines};
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::policy::Policy;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::{ReadError, Source};

use super::recognise::{Recognised, by_name, recognise_copy};
use super::stream;
use super::verify::{judge, mismatched, small, unread};
use super::{Error, Ledger};

/// A bundle, proof or logbook that is to be imported.
pub struct ImportFile {
    copy: NamedTempFile,
    name: PathBuf,
    format: Option<Format>,
    digest: Hash,
    bytes: u64,
    /// Why no more of it was copied, where it is damaged.
    damage: Option<Fault>,
}

/// What is read of a file, kept as it is.
struct Copying<'c, R> {
    from: R,
    to: &'c mut File,
    hasher: Hasher,
    bytes: u64,
    failed: Option<ImportFailure>,
}

/// What could not be read or written.
enum ImportFailure {
    Reading(io::Error),
    Writing(io::Error),
}

impl<R: Read> Copying<'_, R> {
    fn copy(&mut self, to: &mut [u8]) -> Result<usize, ImportFailure> {
        let read = self.from.read(to).map_err(ImportFailure::Reading)?;
        let piece = to.get(..read).unwrap_or_default();
        self.to.write_all(piece).map_err(ImportFailure::Writing)?;
        self.hasher.update(piece);
        self.bytes += read as u64;
        Ok(read)
    }
}

impl<R: Read> Read for Copying<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.copy(to).map_err(|failed| {
            self.failed = Some(failed);
            // Of no kind that would be taken for damage.
            io::Error::other("it could not be copied")
        })
    }
}

impl ImportFile {
    /// Copies what `from` gives beside the ledger `dir`. `name` is the file's own,
    /// which says with `format` what it must be.
    ///
    /// # Errors
    /// [`Error::NotRecognised`] and [`Error::NotImportable`], of which little is copied.
    pub fn copy(
        from: impl Read + Send,
        name: &Path,
        format: Option<Format>,
        dir: &Path,
    ) -> Result<ImportFile, Error> {
        let mut copy = beside(dir)?;
        let pinned = format.or_else(|| by_name(name));
        let mut copying = Copying {
            from,
            to: copy.as_file_mut(),
            hasher: Hasher::new(),
            bytes: 0,
            failed: None,
        };
        let read = read_through(&mut copying, name, pinned);
        let Copying {
            hasher,
            bytes,
            failed,
            ..
        } = copying;
        match failed {
            Some(ImportFailure::Reading(error)) => return Err(Error::file(name, error)),
            Some(ImportFailure::Writing(error)) => return Err(Error::file(copy.path(), error)),
            None => {}
        }
        Ok(ImportFile {
            copy,
            name: name.to_owned(),
            format,
            digest: hasher.finish(),
            bytes,
            damage: read?,
        })
    }

    fn recognise(&self) -> Result<Recognised, Error> {
        recognise_copy(self.copy.path(), &self.name, self.format)
    }

    fn events(&self) -> Result<Box<dyn Source>, ReadError> {
        let found = self.recognise();
        match found.map_err(|error| io::Error::other(error.to_string()))? {
            Recognised::File(Format::Logbook, file) => Ok(Box::new(LogbookFile::new(file.reader))),
            Recognised::File(Format::Bundle, file) => Ok(Box::new(BundleFile::open(file.reader)?)),
            Recognised::File(Format::Proof, file) => {
                Ok(Box::new(ProofFile::new(&small(file.reader)?)))
            }
            _ => Err(ReadError::Io(io::ErrorKind::InvalidData.into())),
        }
    }

    pub(super) fn import(
        &self,
        ledger: &Ledger,
        policy: &Policy,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportOutcome, Error> {
        let file = match self.recognise()? {
            Recognised::Mismatch { expected, actual } => {
                return Ok(ImportOutcome::Refused(mismatched(expected, actual, policy)));
            }
            Recognised::File(format, file) => (format, file.reader),
            _ => return Err(not_importable(&self.name)),
        };
        if let Some(damage) = &self.damage {
            let (format, reader) = file;
            let judged = judge(format, reader, policy, progress)?.report;
            // What was copied of it may be whole by itself.
            return Ok(ImportOutcome::Refused(match judged.verdict {
                Verdict::Fail => judged,
                Verdict::Pass => unread(format, policy, damage.clone()),
            }));
        }
        let offered = Offered {
            digest: self.digest,
            bytes: self.bytes,
            content: &|| Ok(Box::new(File::open(self.copy.path())?)),
            events: &|| self.events(),
        };
        let outcome = accept::import(ledger.logbook()?, &offered, policy, progress);
        Ok(outcome?)
    }
}

/// Reads a stream to its end, or to where it is not a log: how it is damaged, if it is.
fn read_through<R: Read + Send>(
    stream: &mut Copying<'_, R>,
    name: &Path,
    pinned: Option<Format>,
) -> Result<Option<Fault>, Error> {
    let damaged = |error: io::Error| match lines::damage(&error) {
        Some(code) => Ok(Some(Fault::of_file(code, error.to_string()))),
        None => Err(Error::file(name, error)),
    };
    let recognised = match stream::recognise(stream) {
        Ok(recognised) => recognised,
        Err(error) => return damaged(error),
    };
    match (pinned, recognised.format) {
        (None, None) => {
            let path = Some(name.to_owned());
            return Err(Error::NotRecognised { path });
        }
        // Which is all that will be said of it.
        (Some(expected), Some(actual)) if expected != actual => return Ok(None),
        (Some(Format::Logbook | Format::Bundle | Format::Proof), _)
        | (_, Some(Format::Logbook | Format::Bundle | Format::Proof)) => {}
        _ => return Err(not_importable(name)),
    }
    match io::copy(&mut Lines::new(recognised.reader), &mut io::sink()) {
        Ok(_) => Ok(None),
        Err(error) => damaged(error),
    }
}

fn not_importable(path: &Path) -> Error {
    let path = path.to_owned();
    Error::NotImportable { path }
}

/// A file on the ledger's disk that nobody else knows of.
fn beside(dir: &Path) -> Result<NamedTempFile, Error> {
    let folder = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let file = builder.prefix(".sealbook-import-").tempfile_in(folder);
    file.map_err(|error| Error::file(folder, error))
}
