//! A public log in a bucket, below `log/<genesis>/public/`, as its files are named in a
//! folder.
//!
//! Tiles and bundles are many and small, so that some are under way at a time; all are
//! answered before a checkpoint names them. The checkpoint replaces the one that was read
//! and no other: a writer that was fenced, and publishes late, does not put it back.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tempfile::TempDir;

use super::retired::{RETIRED_BYTES, Retired};
use super::{LogStorage, PublicError, failed, unsealed_head};
use crate::bucket::{BucketError, Coming, Objects, Seen};
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::published::Published;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::TileSource;
use crate::logbook::Logbook;
use crate::logbook::publish::PublishFile;

/// Files that are being written at a time.
const UNDER_WAY: usize = 32;

/// What is read of the headers: 1 GiB, two million of them.
const HEADERS_BYTES: u64 = 1 << 30;

/// The list of tiles that became full ([`Retired`]).
const RETIRED: &str = "retired";

/// The files of one public log in a bucket.
pub struct Bucket {
    objects: Objects,
    under_way: VecDeque<(Resource, Coming<()>)>,
    headers: Option<Headers>,
    /// The checkpoint that was read last.
    seen: Mutex<Option<Seen>>,
}

/// The headers as they were published, in a file of this process.
struct Headers {
    _dir: TempDir,
    file: PublishFile,
    /// What the bucket has is behind it.
    behind: bool,
}

impl Bucket {
    /// The public log of a ledger in the bucket of these objects.
    #[must_use]
    pub fn of_log(base: &Objects, genesis: &Hash) -> Bucket {
        let log = crate::bucket::of_log(base, genesis);
        Bucket {
            objects: log.under("public"),
            under_way: VecDeque::new(),
            headers: None,
            seen: Mutex::new(None),
        }
    }

    /// What people call it.
    #[must_use]
    pub fn url(&self) -> &str {
        self.objects.url()
    }

    fn failed(&self, error: BucketError) -> PublicError {
        failed(self.url(), io::Error::other(error))
    }

    /// Waits until no more than so many files are under way.
    fn wait(&mut self, most: usize) -> io::Result<()> {
        while self.under_way.len() > most {
            if let Some((resource, coming)) = self.under_way.pop_front() {
                coming.wait().map_err(|source| {
                    io::Error::other(BucketError::Store {
                        key: resource.to_string(),
                        source: Arc::new(source),
                    })
                })?;
            }
        }
        Ok(())
    }

    fn read_small(&self, key: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(stream) = self.objects.stream(key).map_err(io::Error::other)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        stream.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The headers that are in the bucket, as a file that goes on.
    fn fetch_headers(&self, logbook: &Logbook) -> Result<Headers, PublicError> {
        let io = |source| failed(self.url(), source);
        let dir = tempfile::tempdir().map_err(io)?;
        let path = dir.path().join("headers");
        let name = Resource::Headers.to_string();
        let found = self.objects.stream(&name);
        if let Some(mut stream) = found.map_err(|error| self.failed(error))? {
            let mut file = File::create(&path).map_err(io)?;
            io::copy(&mut stream, &mut file).map_err(io)?;
        }
        let file = PublishFile::open(&path, &**logbook.store(), logbook.identity())?;
        let behind = true;
        Ok(Headers {
            _dir: dir,
            file,
            behind,
        })
    }

    fn remove_partial(&self, full: Resource) -> Result<(), BucketError> {
        let whole = full.to_string();
        if self
            .objects
            .existing(std::slice::from_ref(&whole))?
            .is_empty()
        {
            return Ok(());
        }
        for partial in self.objects.list(&format!("{whole}.p"))? {
            self.objects.remove(&partial.key)?;
        }
        Ok(())
    }
}

impl TileSource for Bucket {
    type Error = io::Error;

    fn read(&self, resource: Resource) -> io::Result<Option<Vec<u8>>> {
        let key = resource.to_string();
        let most = match resource {
            Resource::Headers => HEADERS_BYTES,
            // A little more than the longest, so that a longer one is seen to be.
            _ => limits::SMALL_FILE_BYTES as u64 + 1,
        };
        if resource != Resource::Checkpoint {
            return self.read_small(&key, most);
        }
        let found = self.objects.read_to_replace(&key);
        let (bytes, now) = match found.map_err(io::Error::other)? {
            Some((bytes, now)) => (Some(bytes.to_vec()), Some(now)),
            None => (None, None),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = now;
        Ok(bytes)
    }
}

impl LogStorage for Bucket {
    fn write(&mut self, resource: Resource, bytes: &[u8]) -> io::Result<()> {
        self.wait(UNDER_WAY - 1)?;
        let bytes = Bytes::copy_from_slice(bytes);
        let coming = self.objects.begin_replace(&resource.to_string(), bytes);
        self.under_way.push_back((resource, coming));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.wait(0)
    }

    fn add_headers(&mut self, logbook: &Logbook) -> Result<(), PublicError> {
        let mut headers = match self.headers.take() {
            Some(headers) => headers,
            None => self.fetch_headers(logbook)?,
        };
        let added = headers.file.publish(&**logbook.store(), None)?;
        headers.behind |= added.epochs > 0;
        // A head is of use until a header seals what it is over: it is in the object
        // alone, and the next takes its place.
        let head = unsealed_head(logbook)?.map(Published::Head);
        let line = head.map(|head| head.to_line()).unwrap_or_default();
        if headers.behind || !line.is_empty() {
            let path = headers.file.path();
            let file = File::open(path).map_err(|source| failed(self.url(), source))?;
            let mut whole = file.chain(line.as_slice());
            let key = Resource::Headers.to_string();
            let written = self.objects.replace_from(&key, &mut whole);
            written.map_err(|error| self.failed(error))?;
            headers.behind = false;
        }
        self.headers = Some(headers);
        Ok(())
    }

    fn replace_checkpoint(&mut self, bytes: &[u8]) -> Result<(), PublicError> {
        let seen = self.seen.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (over, bytes) = (seen.take(), Bytes::copy_from_slice(bytes));
        let key = Resource::Checkpoint.to_string();
        let replaced = self.objects.replace_seen(&key, &bytes, over);
        match replaced.map_err(|error| self.failed(error))? {
            true => Ok(()),
            false => Err(PublicError::InUse {
                place: self.url().to_owned(),
            }),
        }
    }

    fn retire(&mut self, full: &[Resource], now: Timestamp) -> io::Result<()> {
        let list = self.read_small(RETIRED, RETIRED_BYTES as u64)?;
        let list = String::from_utf8(list.unwrap_or_default()).map_err(io::Error::other)?;
        let retired = Retired::of(&list, full, now);
        for full in retired.due {
            self.remove_partial(full).map_err(io::Error::other)?;
        }
        if retired.list == list {
            return Ok(());
        }
        let written = self.objects.replace(RETIRED, retired.list.into());
        written.map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;
    use crate::ledger::tlog::resource::Slot;
    use object_store::memory::InMemory;
    use object_store::path::Path;

    fn over(store: &Arc<InMemory>) -> Bucket {
        let base = Objects::over(store.clone(), Path::default(), "memory:".to_owned());
        Bucket::of_log(&base.unwrap(), &Hash::ZERO)
    }

    fn tile(width: u16) -> Resource {
        let at = Slot { index: 0, width };
        Resource::Tile { level: 0, at }
    }

    #[test]
    fn partial_tiles_go_an_hour_after_their_full_one_is_there() {
        let store = Arc::new(InMemory::new());
        let mut bucket = over(&store);
        let begun = Timestamp::from_unix_micros(1_700_000_000_000_000).unwrap();
        let later = |seconds: i64| {
            let micros = begun.unix_micros() + seconds * 1_000_000;
            Timestamp::from_unix_micros(micros).unwrap()
        };
        for width in [3, 200, 256] {
            bucket.write(tile(width), &[7; 32]).unwrap();
        }
        bucket.sync().unwrap();
        bucket.retire(&[tile(256)], begun).unwrap();
        bucket.retire(&[], later(3_599)).unwrap();
        assert!(bucket.read(tile(3)).unwrap().is_some());
        // Another process goes on with the list.
        let mut bucket = over(&store);
        bucket.retire(&[], later(3_600)).unwrap();
        for width in [3, 200] {
            assert_eq!(bucket.read(tile(width)).unwrap(), None);
        }
        assert_eq!(bucket.read(tile(256)).unwrap(), Some(vec![7; 32]));
    }

    #[test]
    fn a_checkpoint_replaces_the_one_that_was_read_and_no_other() {
        let store = Arc::new(InMemory::new());
        let (mut one, mut other) = (over(&store), over(&store));
        for bucket in [&one, &other] {
            assert_eq!(bucket.read(Resource::Checkpoint).unwrap(), None);
        }
        one.replace_checkpoint(b"one").unwrap();
        // The same bytes again, as of a request whose answer was lost.
        other.replace_checkpoint(b"one").unwrap();
        for bucket in [&one, &other] {
            let there = bucket.read(Resource::Checkpoint).unwrap();
            assert_eq!(there.as_deref(), Some(b"one".as_slice()));
        }
        other.replace_checkpoint(b"other").unwrap();
        let late = one.replace_checkpoint(b"late");
        assert!(matches!(late, Err(PublicError::InUse { .. })));
        let there = one.read(Resource::Checkpoint).unwrap();
        assert_eq!(there.as_deref(), Some(b"other".as_slice()));
    }
}
