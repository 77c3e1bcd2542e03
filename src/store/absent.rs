//! In the place of RocksDB, where this program was built without it: there is no
//! such store, and asking for one says so.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::ledger::hash::Hash;
use crate::ledger::position::{EpochNumber, Seq};

use super::term::TermKey;
use super::{
    Archive, Batch, ImportedRow, Posting, Postings, ReadOrder, Rows, Store, StoreError, TileKey,
};

/// A ledger on disk, of which this build has none.
#[derive(Debug)]
pub enum RocksStore {}

type Refused<T> = Result<T, StoreError>;

#[allow(missing_docs, reason = "each is its namesake's of the whole program")]
impl RocksStore {
    pub fn create(dir: &Path, _: Batch) -> Refused<RocksStore> {
        absent(dir)
    }

    pub fn check_free(dir: &Path) -> Refused<()> {
        absent(dir)
    }

    pub fn attach(&self, _: Arc<dyn Archive>) {
        match *self {}
    }

    pub fn archive_place(&self) -> Option<String> {
        match *self {}
    }

    pub fn open_within(dir: &Path, _: Duration) -> Refused<RocksStore> {
        absent(dir)
    }

    pub fn open_read_only(dir: &Path) -> Refused<RocksStore> {
        absent(dir)
    }

    pub fn open_beside(dir: &Path) -> Refused<RocksStore> {
        absent(dir)
    }

    pub fn adopt(dir: &Path) -> Refused<Option<PathBuf>> {
        absent(dir)
    }

    pub fn catch_up(&self) -> Refused<()> {
        match *self {}
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        match *self {}
    }

    pub fn copy_files(&self, _: &Path, _: bool) -> Refused<()> {
        match *self {}
    }

    pub fn copy_rows(&self, _: &Path, _: &mut dyn FnMut(u64)) -> Refused<()> {
        match *self {}
    }

    #[must_use]
    pub const fn interrupted_bytes(&self) -> u64 {
        match *self {}
    }

    pub fn close(self) -> Refused<()> {
        match self {}
    }
}

fn absent<T>(dir: &Path) -> Refused<T> {
    let dir = dir.to_owned();
    Err(StoreError::Absent { dir })
}

impl Store for RocksStore {
    fn commit(&self, _: Batch) -> Refused<()> {
        match *self {}
    }

    fn entry(&self, _: Seq) -> Refused<Option<Vec<u8>>> {
        match *self {}
    }

    fn entries(&self, _: Range<u64>) -> Rows<'_, Seq> {
        match *self {}
    }

    fn entries_rev(&self, _: Range<u64>) -> Rows<'_, Seq> {
        match *self {}
    }

    fn last_seq(&self) -> Refused<Option<Seq>> {
        match *self {}
    }

    fn seq_of(&self, _: &Hash) -> Refused<Option<Seq>> {
        match *self {}
    }

    fn epoch(&self, _: EpochNumber) -> Refused<Option<Vec<u8>>> {
        match *self {}
    }

    fn epochs(&self, _: EpochNumber) -> Rows<'_, EpochNumber> {
        match *self {}
    }

    fn last_epoch(&self) -> Refused<Option<EpochNumber>> {
        match *self {}
    }

    fn epoch_of(&self, _: Seq) -> Refused<Option<EpochNumber>> {
        match *self {}
    }

    fn tiles(&self, _: &[TileKey]) -> Refused<Vec<Option<Vec<u8>>>> {
        match *self {}
    }

    fn meta(&self, _: &str) -> Refused<Option<Vec<u8>>> {
        match *self {}
    }

    fn note(&self, _: u64, _: &[u8; 32]) -> Refused<Option<Vec<u8>>> {
        match *self {}
    }

    fn put_imported(&self, _: &[ImportedRow]) -> Refused<()> {
        match *self {}
    }

    fn imported(&self, _: &[u8]) -> Refused<Option<Vec<u8>>> {
        match *self {}
    }

    fn imported_rows(&self, _: Range<Vec<u8>>, _: ReadOrder) -> Rows<'_, Vec<u8>> {
        match *self {}
    }

    fn index(&self, _: &[Posting], _: u64) -> Refused<()> {
        match *self {}
    }

    fn indexed_to(&self) -> Refused<u64> {
        match *self {}
    }

    fn postings(&self, _: &TermKey, _: ReadOrder) -> Refused<Box<dyn Postings + '_>> {
        match *self {}
    }
}
