//! A ledger or a file as a source of entries in order.

use std::path::Path;

use crate::audit::LedgerSource;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::Format;
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::Source;

use super::recognise::{Recognised, recognise};
use super::verify::small;
use super::{Error, Options};

/// Hands over what is at `path`.
pub(crate) fn with_source<T, E: From<Error>>(
    path: &Path,
    options: &Options,
    with: &mut dyn FnMut(&mut dyn Source) -> Result<T, E>,
) -> Result<T, E> {
    match recognise(path, None)? {
        Recognised::Ledger(dir) => {
            let reader = options.reader(&dir).map_err(Error::from)?;
            let source = LedgerSource::new(&reader.store, &reader.mark);
            with(&mut source.map_err(Error::from)?)
        }
        Recognised::File(Format::Logbook, file) => with(&mut LogbookFile::new(file.reader)),
        Recognised::File(Format::Bundle, file) => {
            with(&mut BundleFile::open(file.reader).map_err(Error::from)?)
        }
        Recognised::File(Format::Proof, file) => {
            let bytes = small(file.reader).map_err(Error::from)?;
            with(&mut ProofFile::new(&bytes))
        }
        #[cfg(feature = "parquet")]
        Recognised::File(Format::Parquet, file) => {
            let text = super::tables::text_of(file.reader)?;
            with(&mut BundleFile::open(text).map_err(Error::from)?)
        }
        _ => Err(Error::NotComparable.into()),
    }
}
