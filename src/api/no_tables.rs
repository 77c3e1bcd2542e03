//! A build without the feature `parquet` writes no tables, and says so.

use std::io::Write;
use std::path::Path;

use crate::store::query::Filter;

use super::verify::unread_here;
use super::{Error, Export, Exported, Ledger};

/// What is in a new set.
pub struct SetWritten {
    pub entries: u64,
    pub days: u64,
}

impl Ledger {
    /// # Errors
    /// [`Error::Read`]: this build writes no tables.
    pub fn export_parquet(
        &self,
        _: Export<'_>,
        _: &mut (dyn Write + Send),
    ) -> Result<Exported, Error> {
        Err(unread_here().into())
    }

    /// # Errors
    /// [`Error::Read`]: this build writes no tables.
    pub fn export_epochs(&self, _: &mut (dyn Write + Send)) -> Result<u64, Error> {
        Err(unread_here().into())
    }

    /// # Errors
    /// [`Error::Read`]: this build writes no tables.
    pub fn export_set(
        &self,
        _: &Filter,
        _: &Path,
        _: &mut dyn FnMut(u64),
    ) -> Result<SetWritten, Error> {
        Err(unread_here().into())
    }
}
