//! A file of another log, copied before it is looked at: what is kept is what
//! was verified, whatever becomes of the file that was named.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::imports::accept::{self, ImportOutcome, Offered};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::Format;
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::policy::Policy;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::{ReadError, Source};

use super::recognise::{Recognised, recognise_copy};
use super::verify::{mismatched, small};
use super::{Error, Ledger};

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// A bundle, proof or logbook that is to be imported.
pub struct ImportFile {
    copy: NamedTempFile,
    name: PathBuf,
    format: Option<Format>,
    digest: Hash,
    bytes: u64,
}

impl ImportFile {
    /// Copies what `from` gives beside the ledger `dir`. `name` is the file's own,
    /// which says with `format` what it must be.
    pub fn copy(
        mut from: impl Read,
        name: &Path,
        format: Option<Format>,
        dir: &Path,
    ) -> Result<ImportFile, Error> {
        let mut copy = beside(dir)?;
        let (mut hasher, mut bytes) = (Hasher::new(), 0);
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let read = from.read(&mut buffer);
            let read = read.map_err(|error| Error::file(name, error))?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hasher.update(piece);
            bytes += piece.len() as u64;
            copy.write_all(piece)
                .map_err(|error| Error::file(copy.path(), error))?;
        }
        let file = ImportFile {
            copy,
            name: name.to_owned(),
            format,
            digest: hasher.finish(),
            bytes,
        };
        match file.recognise()? {
            Recognised::Ledger(_) | Recognised::File(Format::Report | Format::Parquet, _) => {
                Err(Error::NotImportable { path: file.name })
            }
            #[cfg(feature = "parquet")]
            Recognised::Set(_) => Err(Error::NotImportable { path: file.name }),
            _ => Ok(file),
        }
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
        if let Recognised::Mismatch { expected, actual } = self.recognise()? {
            return Ok(ImportOutcome::Refused(mismatched(expected, actual, policy)));
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
