//! Sealed epochs in the bucket, as third parties verify them: `epoch/<n>.bundle.zst`, the
//! bundle of the whole epoch, and `epoch/<n>.header`, its signed header; with an index
//! `epoch/<n>.places`, what shows where its hidden terms stand.
//!
//! They are made of what was committed, after it was: a crash between the two is made
//! good by the next writer. Nothing of the log's safety hangs on them.

mod places;
mod prune;
mod source;

use std::collections::HashMap;
use std::io::{Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

pub(super) use places::is_of_places;
use prune::prune_store;
pub use prune::{PrunePlan, Pruning, Stays, prune};
use source::BucketSource;

use super::examine::explained;
use super::fold::{Reading, fold_epoch, opened};
use super::progress::{Progress, ProgressStep, Unit};
use super::{Error, Examined, Ledger, Policy, Verdict};
use crate::bucket::{self, Address, BucketError, Objects, bundle_key};
use crate::evidence::openings::Openings;
use crate::evidence::range::{RangeExport, export_range};
use crate::ledger::epoch::EpochHeader;
use crate::ledger::fault::FaultCode;
use crate::ledger::fold::{FoldPart, PartFault};
use crate::ledger::json::Form;
use crate::ledger::key::Signer;
use crate::ledger::position::EpochNumber;
use crate::ledger::search::search;
use crate::ledger::verify::verify;
use crate::ledger::version::Version;
use crate::logbook::epoch_at;
use crate::store::{Batch, Store};

/// The name under which it is kept how many epochs are archived.
const ARCHIVED: &str = "archived";

/// How many of these were read back and verified.
const READ_BACK: &str = "read_back";

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

/// Archives a log, beside its writer.
pub struct Archiver {
    objects: Objects,
    store: Arc<dyn Store>,
    signer: Arc<dyn Signer>,
}

impl Archiver {
    /// Puts every sealed epoch into the bucket that is not there. Gives how many.
    ///
    /// # Errors
    /// [`Error::Bucket`], [`Error::Evidence`].
    pub fn archive(&self) -> Result<u64, Error> {
        let sealed = self.store.last_epoch()?;
        let sealed = sealed.map_or(0, |last| last.0.saturating_add(1));
        let from = counted(&*self.store, ARCHIVED)?;
        for number in from..sealed {
            put(
                &self.objects,
                &*self.store,
                EpochNumber(number),
                &*self.signer,
            )?;
            count(&*self.store, ARCHIVED, number)?;
        }
        Ok(sealed.saturating_sub(from))
    }

    /// The same, and reads back and verifies whatever was not before.
    ///
    /// # Errors
    /// [`Error::Bucket`] names an object that is not what was sealed.
    pub fn archive_and_read_back(&self) -> Result<u64, Error> {
        let archived = self.archive()?;
        let end = counted(&*self.store, ARCHIVED)?;
        for number in counted(&*self.store, READ_BACK)?..end {
            let epoch = epoch_at(&*self.store, EpochNumber(number))?;
            read_back(&self.objects, &epoch.content)?;
            count(&*self.store, READ_BACK, number)?;
        }
        Ok(archived)
    }
}

impl Archiver {
    /// Prunes the ledger beside its writer.
    ///
    /// # Errors
    /// As [`prune`].
    pub fn prune(&self, what: &Pruning) -> Result<PrunePlan, Error> {
        prune_store(&*self.store, &self.objects, what, &mut |_| ())
    }
}

impl Ledger {
    /// What archives it, if its record is in a bucket.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Bucket`].
    pub fn archiver(&self) -> Result<Option<Archiver>, Error> {
        let Some(objects) = self.bucket_objects()? else {
            return Ok(None);
        };
        Ok(Some(Archiver {
            objects,
            store: Arc::clone(self.logbook()?.store()),
            signer: self.signer()?,
        }))
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

    /// The objects of this log, if its record is in a bucket.
    pub(super) fn bucket_objects(&self) -> Result<Option<Objects>, Error> {
        let Some(address) = self.bucket() else {
            return Ok(None);
        };
        let base = address.connect()?;
        Ok(Some(bucket::of_log(&base, &self.identity().genesis)))
    }
}

/// The key of an epoch's header.
pub(super) fn header_key(number: u64) -> String {
    format!("epoch/{number}.header")
}

/// The objects of the log that an address names, or of the only one there.
fn objects_of(address: &Address) -> Result<Objects, Error> {
    let base = address.connect()?;
    let genesis = bucket::only_log(&base, address.log())?;
    Ok(bucket::of_log(&base, &genesis))
}

/// How far a log is archived, of which there is nothing here: epochs up to the last that
/// is there.
pub(crate) fn archived_in(address: &Address) -> Result<Archived, Error> {
    let objects = objects_of(address)?;
    let listed = objects.list("epoch")?;
    let numbers = listed.iter().filter_map(|one| number_of(&one.key));
    let sealed = numbers.max().map_or(0, |last| last.saturating_add(1));
    status(&objects, sealed)
}

/// Verifies a log straight from the bucket: its sealed epochs, one after the other.
pub(crate) fn examine_bucket(
    address: &Address,
    policy: &Policy,
    progress: &mut Progress<'_>,
) -> Result<Examined, Error> {
    let objects = objects_of(address)?;
    let mut source = BucketSource::open(objects.clone())?;
    let outcome = verify(&mut source, policy, &mut |done| {
        progress(ProgressStep {
            done,
            total: None,
            unit: Unit::Entries,
        });
    })?;
    explained(outcome, policy, |wanted| {
        Ok(search(&mut BucketSource::open(objects)?, wanted)?)
    })
}

/// Verifies epochs of the archive, each by itself, and folds them. `also` is given the
/// bundle of each that passed, to add what it finds.
pub(crate) fn fold_epochs<E: From<Error>>(
    address: &Address,
    epochs: Range<u64>,
    policy: &Policy,
    also: Option<&mut EachPart<'_, E>>,
) -> Result<FoldPart, E> {
    let mut also = also;
    let objects = objects_of(address)?;
    let mut all = FoldPart::default();
    for number in epochs {
        let stream = || objects.stream(&bundle_key(number)).map_err(Error::from);
        let mut part = match stream()? {
            Some(stream) => fold_epoch(number, stream, policy)?,
            None => FoldPart {
                runs: Vec::new(),
                faults: vec![PartFault::new(
                    number,
                    FaultCode::SequenceGap,
                    "the epoch is missing",
                )],
            },
        };
        if let Some(also) = also.as_deref_mut()
            && part.faults.is_empty()
            && let Some(stream) = stream()?
        {
            also(number, opened(stream)?, &mut part)?;
        }
        all = all.join(part);
    }
    Ok(all)
}

/// What is done with each epoch that passed.
pub(crate) type EachPart<'e, E> =
    dyn FnMut(u64, Reading<'static>, &mut FoldPart) -> Result<(), E> + 'e;

/// The epoch of a bundle's key.
pub(super) fn number_of(key: &str) -> Option<u64> {
    let name = key.strip_prefix("epoch/")?;
    let number = name.strip_suffix(".bundle.zst")?.parse().ok()?;
    (bundle_key(number) == key).then_some(number)
}

/// The number of the first epoch that this was not done with yet.
fn counted(store: &dyn Store, name: &str) -> Result<u64, Error> {
    let text = store.meta(name)?;
    let number = text.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
    Ok(number.unwrap_or(0))
}

fn count(store: &dyn Store, name: &'static str, done: u64) -> Result<(), Error> {
    let next = done.saturating_add(1).to_string().into_bytes();
    Ok(store.commit(Batch {
        meta: vec![(name, next)],
        ..Batch::default()
    })?)
}

fn put(
    objects: &Objects,
    store: &dyn Store,
    number: EpochNumber,
    signer: &dyn Signer,
) -> Result<(), Error> {
    let epoch = epoch_at(store, number)?;
    places::put(objects, store, number)?;
    let file = tempfile::tempfile().map_err(Error::Write)?;
    let mut encoder = zstd::Encoder::new(file, LEVEL).map_err(Error::Write)?;
    encoder.include_checksum(true).map_err(Error::Write)?;
    let export = RangeExport {
        first: epoch.content.first_seq,
        last: epoch.content.last_seq,
        head: None,
        version: Version::Two,
        openings: Openings::NONE,
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
    let (report, part) = super::fold(stream, &Policy::key(header.log))?;
    let runs = part.map(|part| part.runs).unwrap_or_default();
    let is_this = matches!(runs.as_slice(), [run] if run.header == header.hash());
    match report.verdict == Verdict::Pass && is_this {
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
    let names: HashMap<_, _> = listed
        .iter()
        .map(|one| (one.key.as_str(), one.size))
        .collect();
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
