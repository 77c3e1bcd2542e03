//! Sealed epochs in the bucket, as strangers verify them: `epoch/<n>.bundle.zst`, the
//! bundle of the whole epoch, and `epoch/<n>.header`, its signed header.
//!
//! They are made of what was committed, after it was: a crash between the two is made
//! good by the next writer. Nothing of the log's safety hangs on them.

mod source;

use std::collections::HashMap;
use std::io::{Seek as _, SeekFrom};

use serde::Serialize;

pub(crate) use source::BucketSource;

use super::{Error, Ledger, Policy, Verdict};
use crate::bucket::{self, Address, BucketError, Objects};
use crate::evidence::range::{RangeExport, export_range};
use crate::ledger::epoch::EpochHeader;
use crate::ledger::json::Form;
use crate::ledger::key::Signer;
use crate::ledger::position::EpochNumber;
use crate::ledger::version::Version;
use crate::logbook::epoch_at;
use crate::store::{Batch, Store};

/// The name under which it is kept how many epochs are archived.
const ARCHIVED: &str = "archived";

/// How well bundles are compressed: fast, and half as large as at best.
const LEVEL: i32 = 3;

/// How far a log is archived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Archived {
    /// Epochs that the log has sealed.
    pub sealed: u64,
    /// Of these, those whose bundle and header are in the bucket.
    pub archived: u64,
    /// The first that are not there.
    pub missing: Vec<u64>,
    /// Bytes of what is there.
    pub bytes: u64,
}

/// Missing epochs that are named.
const NAMED: usize = 20;

impl Ledger {
    /// Puts every sealed epoch into the bucket that is not there. Gives how many; none of
    /// a ledger that is in no bucket.
    ///
    /// # Errors
    /// [`Error::Bucket`], [`Error::Evidence`].
    pub fn archive(&self) -> Result<u64, Error> {
        let Some(objects) = self.bucket_objects()? else {
            return Ok(0);
        };
        let (store, signer) = (self.store(), self.signer()?);
        let sealed = store.last_epoch()?.map_or(0, |last| last.0.saturating_add(1));
        let from = archived(store)?;
        for number in from..sealed {
            put(&objects, store, EpochNumber(number), &*signer)?;
            let next = (number + 1).to_string().into_bytes();
            store.commit(Batch {
                meta: vec![(ARCHIVED, next)],
                ..Batch::default()
            })?;
        }
        Ok(sealed.saturating_sub(from))
    }

    /// How far the log is archived, by what the bucket lists.
    ///
    /// # Errors
    /// [`Error::Bucket`].
    pub fn archive_status(&self) -> Result<Option<Archived>, Error> {
        let Some(objects) = self.bucket_objects()? else {
            return Ok(None);
        };
        let sealed = self.store().last_epoch()?;
        let sealed = sealed.map_or(0, |last| last.0.saturating_add(1));
        status(&objects, sealed).map(Some)
    }

    /// Reads an epoch back from the bucket and verifies it, under the log's key.
    ///
    /// # Errors
    /// [`Error::Bucket`] if it is not there or is not what was sealed.
    pub fn read_back(&self, number: EpochNumber) -> Result<(), Error> {
        let Some(objects) = self.bucket_objects()? else {
            return Err(BucketError::NotInBucket.into());
        };
        let header = epoch_at(self.store(), number)?.content;
        read_back(&objects, &header)
    }

    /// The objects of this log, if its record is in a bucket.
    pub(super) fn bucket_objects(&self) -> Result<Option<Objects>, Error> {
        let Some(address) = &self.options.bucket else {
            return Ok(None);
        };
        let base = address.connect()?;
        Ok(Some(bucket::of_log(&base, &self.identity().genesis)))
    }
}

/// The key of an epoch's bundle, below the log's prefix.
pub(super) fn bundle_key(number: u64) -> String {
    format!("epoch/{number}.bundle.zst")
}

/// The key of an epoch's header.
pub(super) fn header_key(number: u64) -> String {
    format!("epoch/{number}.header")
}

/// The objects of the log that an address names, or of the only one there.
pub(crate) fn objects_of(address: &Address) -> Result<Objects, Error> {
    let base = address.connect()?;
    let genesis = bucket::only_log(&base, address.log())?;
    Ok(bucket::of_log(&base, &genesis))
}

/// The number of the first epoch that is not known to be archived.
fn archived(store: &dyn Store) -> Result<u64, Error> {
    let text = store.meta(ARCHIVED)?;
    let number = text.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
    Ok(number.unwrap_or(0))
}

fn put(
    objects: &Objects,
    store: &dyn Store,
    number: EpochNumber,
    signer: &dyn Signer,
) -> Result<(), Error> {
    let epoch = epoch_at(store, number)?;
    let file = tempfile::tempfile().map_err(Error::Write)?;
    let mut encoder = zstd::Encoder::new(file, LEVEL).map_err(Error::Write)?;
    encoder.include_checksum(true).map_err(Error::Write)?;
    let export = RangeExport {
        first: epoch.content.first_seq,
        last: epoch.content.last_seq,
        head: None,
        version: Version::Two,
        signer: Some(signer),
        progress: &mut |_| (),
    };
    let (encoder, _) = export_range(store, encoder, export)?;
    let mut file = encoder.finish().map_err(Error::Write)?;
    file.seek(SeekFrom::Start(0)).map_err(Error::Write)?;
    let key = bundle_key(number.0);
    // What another release compressed otherwise is as good, if it verifies.
    if !objects.upload(&key, &mut file)? {
        read_back(objects, &epoch.content)?;
    }
    let mut header = epoch.to_value().canonical(Form::Utf8).into_bytes();
    header.push(b'\n');
    let key = header_key(number.0);
    match objects.create_or_same(&key, &header.into())? {
        true => Ok(()),
        false => Err(BucketError::Archived { key }.into()),
    }
}

/// Verifies the bundle of an epoch, as it is in the bucket.
fn read_back(objects: &Objects, header: &EpochHeader) -> Result<(), Error> {
    let key = bundle_key(header.epoch.0);
    let wrong = || BucketError::Archived { key: key.clone() };
    let Some(stream) = objects.stream(&key)? else {
        return Err(wrong().into());
    };
    let report = super::verify(stream, &Policy::key(header.log))?;
    let is_whole = (report.entries, report.epochs, report.head) == (header.tree_size, 1, header.head);
    match report.verdict == Verdict::Pass && is_whole && report.genesis == Some(header.genesis) {
        true => Ok(()),
        false => Err(wrong().into()),
    }
}

fn status(objects: &Objects, sealed: u64) -> Result<Archived, Error> {
    let mut found = Archived {
        sealed,
        ..Archived::default()
    };
    let listed = objects.list("epoch")?;
    let names: HashMap<_, _> =
        listed.iter().map(|one| (one.key.as_str(), one.size)).collect();
    for number in 0..sealed {
        let bundle = names.get(bundle_key(number).as_str());
        match bundle.zip(names.get(header_key(number).as_str())) {
            Some((bundle, header)) => {
                found.archived += 1;
                found.bytes = found.bytes.saturating_add(bundle.saturating_add(*header));
            }
            None if found.missing.len() < NAMED => found.missing.push(number),
            None => {}
        }
    }
    Ok(found)
}
