//! Entries that a cache let go of, read from the bundles of their epochs.

use std::io::{BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::opening::of_log;
use super::store::Position;
use super::{Address, BucketError, Objects};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::judge::read_raw;
use crate::ledger::position::EpochNumber;
use crate::ledger::source::{Event, ReadError, Source as _};
use crate::ledger::wal::WalPosition;
use crate::logbook::identity_of;
use crate::store::{Archive, Records, RocksStore, StoreError};

/// The key of an epoch's bundle, below the log's prefix.
#[must_use]
pub fn bundle_key(number: u64) -> String {
    format!("epoch/{number}.bundle.zst")
}

/// The bucket that a ledger was made from, if its record is in one.
///
/// # Errors
/// [`StoreError`] if the ledger cannot be read.
pub fn recorded(cache: &RocksStore) -> Result<Option<String>, StoreError> {
    Ok(Position::of(cache)?.map(|position| position.url))
}

/// Lets a ledger read what it let go of: from the bucket that is named, or the one that
/// it was made from. Nothing is asked of the bucket before something is read.
///
/// # Errors
/// [`StoreError`] if the ledger cannot be read.
pub fn attach(cache: &RocksStore, named: Option<&Address>) -> Result<(), StoreError> {
    let Some(position) = Position::of(cache)? else {
        return Ok(());
    };
    let parts = position.url.rsplit_once("/log/");
    if let Some((url, genesis)) = parts
        && let Ok(genesis) = Hash::from_hex(genesis)
    {
        cache.attach(Arc::new(Bundles {
            named: named.cloned(),
            genesis,
            url: url.to_owned(),
            objects: Mutex::default(),
        }));
    }
    Ok(())
}

/// The same over the objects of a bucket.
pub(super) fn attach_objects(cache: &RocksStore, base: &Objects) -> Result<(), BucketError> {
    let genesis = identity_of(cache)?.genesis;
    cache.attach(Arc::new(Bundles {
        url: base.url().to_owned(),
        named: None,
        genesis,
        objects: Mutex::new(Some(of_log(base, &genesis))),
    }));
    Ok(())
}

struct Bundles {
    url: String,
    named: Option<Address>,
    genesis: Hash,
    /// Connected when something is read.
    objects: Mutex<Option<Objects>>,
}

impl Bundles {
    fn objects(&self) -> Result<Objects, BucketError> {
        let mut held = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(objects) = &*held {
            return Ok(objects.clone());
        }
        let address = match &self.named {
            Some(address) => address.clone(),
            None => Address::parse(&self.url)?,
        };
        let objects = of_log(&address.connect_to_read()?, &self.genesis);
        *held = Some(objects.clone());
        Ok(objects)
    }

    /// The bundle; without one the log itself must be there for the epoch to be missing.
    fn bundle(&self, epoch: EpochNumber) -> Result<impl Read + Send + use<>, StoreError> {
        let key = bundle_key(epoch.0);
        let objects = self.objects().map_err(failed)?;
        if let Some(stream) = objects.stream(&key).map_err(failed)? {
            return Ok(stream);
        }
        match objects.read(&WalPosition::FIRST.key()).map_err(failed)? {
            Some(_) => Err(StoreError::Archived {
                epoch,
                detail: format!("{key} is missing"),
            }),
            None => Err(failed(BucketError::NoLog {
                url: objects.url().to_owned(),
            })),
        }
    }
}

impl Archive for Bundles {
    fn place(&self) -> String {
        let named = self.named.as_ref().map(Address::url);
        named.unwrap_or(&self.url).to_owned()
    }

    fn records(&self, epoch: EpochNumber) -> Result<Records, StoreError> {
        let plain = zstd::Decoder::new(self.bundle(epoch)?)?.single_frame();
        let file = BundleFile::open(BufReader::new(plain));
        Ok(Box::new(Bundle {
            epoch,
            file: file.map_err(|error| unreadable(epoch, error))?,
            events: Vec::new().into_iter(),
            ended: false,
        }))
    }
}

/// The entries of a bundle.
struct Bundle<R> {
    epoch: EpochNumber,
    file: BundleFile<R>,
    events: std::vec::IntoIter<Event>,
    ended: bool,
}

impl<R: std::io::BufRead + Send> Bundle<R> {
    fn read(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let wrong = |detail: String| StoreError::Archived {
            epoch: self.epoch,
            detail: format!("{}: {detail}", bundle_key(self.epoch.0)),
        };
        loop {
            match self.events.next() {
                Some(Event::Entry(raw, _)) => {
                    let entry = read_raw(&raw).1.map_err(|error| wrong(error.to_string()))?;
                    return Ok(Some(Entry::into_record(entry)));
                }
                Some(Event::Fault(fault)) => return Err(wrong(fault.detail)),
                Some(_) => {}
                None => {
                    let mut events = Vec::new();
                    let read = self.file.next_batch(&mut events);
                    read.map_err(|error| unreadable(self.epoch, error))?;
                    if events.is_empty() {
                        return Ok(None);
                    }
                    self.events = events.into_iter();
                }
            }
        }
    }
}

impl<R: std::io::BufRead + Send> Iterator for Bundle<R> {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

fn failed(error: BucketError) -> StoreError {
    StoreError::Record {
        source: Arc::new(error),
    }
}

/// What does not decompress is damaged; what the bucket does not give is not known.
fn unreadable(epoch: EpochNumber, error: ReadError) -> StoreError {
    let is_of_bucket = |io: &std::io::Error| {
        let inner = io.get_ref();
        inner.is_some_and(|inner| inner.is::<object_store::Error>())
    };
    match &error {
        ReadError::Io(io) if is_of_bucket(io) => StoreError::Record {
            source: Arc::new(error),
        },
        _ => StoreError::Archived {
            epoch,
            detail: format!("{}: {error}", bundle_key(epoch.0)),
        },
    }
}
