//! Storage whose kind is known at run time.

use std::io;

use super::{LogStorage, PublicError};
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::TileSource;
use crate::logbook::Logbook;

/// A folder or a bucket.
pub type AnyStorage = Box<dyn LogStorage + Sync>;

impl TileSource for AnyStorage {
    type Error = io::Error;

    fn read(&self, resource: Resource) -> io::Result<Option<Vec<u8>>> {
        (**self).read(resource)
    }
}

impl LogStorage for AnyStorage {
    fn write(&mut self, resource: Resource, bytes: &[u8]) -> io::Result<()> {
        (**self).write(resource, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        (**self).sync()
    }

    fn add_headers(&mut self, logbook: &Logbook) -> Result<(), PublicError> {
        (**self).add_headers(logbook)
    }

    fn replace_checkpoint(&mut self, bytes: &[u8]) -> Result<(), PublicError> {
        (**self).replace_checkpoint(bytes)
    }

    fn retire(&mut self, full: &[Resource], now: Timestamp) -> io::Result<()> {
        (**self).retire(full, now)
    }
}
