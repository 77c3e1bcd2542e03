//! What the logs of a bucket have of one case: from each a bundle of the selection.
//!
//! The archive of a log is read twice. The first time every epoch is verified, and it is
//! noted which have entries of the case, and where the documents are that these refer to.
//! The second time those alone are read again, and the bundle is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde::Serialize;

use super::found::{TAKEN_BYTES, Taken, look_through};
use super::{Fleet, FleetFault, FleetView};
use crate::api::{Error, Policy};
use crate::bucket::{Objects, bundle_key};
use crate::evidence::EvidenceError;
use crate::ledger::bundle::{BundleError, BundleWriter};
use crate::ledger::bundle_line::{BundleOpening, Contents};
use crate::ledger::document::{DocumentDigest, Mentions, digest_of};
use crate::ledger::entry::Entry;
use crate::ledger::fault::FaultCode;
use crate::ledger::fold::FoldPart;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;
use crate::ledger::version::Version;
use crate::store::query::Filter;

/// What one log has of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseOfLog {
    /// The hash of its entry 0.
    pub genesis: Hash,
    /// Its key.
    pub log: Option<PublicKey>,
    /// What its entry 0 says where it was made.
    pub origin: Option<String>,
    /// Entries that were looked through: all that are sealed.
    pub looked_through: u64,
    /// Entries of the case.
    pub entries: u64,
    /// Entries that no epoch seals yet: they were not looked through.
    pub unsealed: u64,
    /// What is wrong with the log; its bundle is written from what is not.
    pub faults: Vec<FleetFault>,
}

/// Where a log has entries of a case, and what its bundle needs.
pub struct FleetCase<'q> {
    objects: Objects,
    policy: Policy,
    filter: &'q Filter,
    opening: Option<Entry>,
    /// Epochs that have some.
    epochs: Vec<(u64, Hash)>,
    /// Documents that stand beside them, and the epoch of each.
    documents: BTreeMap<DocumentDigest, u64>,
    /// Whether headers of these epochs commit to an index.
    index: bool,
}

impl Fleet {
    /// Verifies a log, and finds what it has of a case. `None` beside the outcome where it
    /// has nothing.
    ///
    /// # Errors
    /// [`Error::Bucket`], [`Error::Read`] if the bucket cannot be read.
    pub fn find<'q>(
        &self,
        genesis: Hash,
        view: &FleetView<'_>,
        filter: &'q Filter,
    ) -> Result<(CaseOfLog, Option<FleetCase<'q>>), Error> {
        let log = self.status(genesis, view)?;
        let mut of_log = CaseOfLog {
            genesis,
            log: log.log,
            origin: log.origin,
            looked_through: 0,
            entries: 0,
            unsealed: 0,
            faults: log.faults,
        };
        let Some(key) = log.log.filter(|_| log.trusted != Some(false)) else {
            return Ok((of_log, None));
        };
        let mut case = FleetCase {
            objects: self.objects(&genesis),
            policy: view.policy_of(key),
            filter,
            opening: None,
            epochs: Vec::new(),
            documents: BTreeMap::new(),
            index: false,
        };
        let mut needed = Needed::default();
        let mut all = FoldPart::default();
        for number in 0..log.epochs {
            all = all.join(case.first_look(number, &mut of_log, &mut needed)?);
        }
        let known: BTreeSet<_> = of_log.faults.iter().map(|one| one.object.clone()).collect();
        let faults = all.judge().into_iter().map(FleetFault::from);
        let faults = faults.filter(|fault| !known.contains(&fault.object));
        of_log.faults.extend(faults);
        let sealed = log.sealed.map_or(0, |sealed| sealed.seq.saturating_add(1));
        let end = log.head.map_or(0, |head| head.seq.saturating_add(1));
        of_log.unsealed = end.saturating_sub(sealed);
        case.documents = needed.places();
        let has_some = !case.epochs.is_empty();
        Ok((of_log, has_some.then_some(case)))
    }
}

/// Documents that the entries of a case refer to, and where documents are.
#[derive(Default)]
struct Needed {
    wanted: BTreeSet<DocumentDigest>,
    given: BTreeSet<DocumentDigest>,
    places: BTreeMap<DocumentDigest, u64>,
}

impl Needed {
    fn take(&mut self, entry: &Entry) {
        let mentions = Mentions::of(entry);
        self.wanted.extend(mentions.refers);
        self.given.extend(mentions.is.and_then(Result::ok));
    }

    /// Those that stand beside the entries.
    fn places(self) -> BTreeMap<DocumentDigest, u64> {
        let beside = self.wanted.difference(&self.given);
        let placed = beside.filter_map(|digest| Some((*digest, *self.places.get(digest)?)));
        placed.collect()
    }
}

impl FleetCase<'_> {
    fn first_look(
        &mut self,
        number: u64,
        of_log: &mut CaseOfLog,
        needed: &mut Needed,
    ) -> Result<FoldPart, Error> {
        let filter = self.filter;
        let wanted = |seq: Seq, entry: &Entry| filter.matches(seq, entry);
        let found = look_through(&self.objects, number, &self.policy, &wanted, false)?;
        let Some(taken) = found.taken else {
            return Ok(found.part);
        };
        for run in &found.part.runs {
            of_log.looked_through = of_log.looked_through.saturating_add(run.entries);
            for digest in &run.documents {
                needed.places.entry(*digest).or_insert(number);
            }
        }
        if taken.overfull {
            let detail = format!(
                "more than {TAKEN_BYTES} bytes of it are of the case: ask for less, such as \
                 with --since and --until"
            );
            let code = FaultCode::FilterMismatch;
            let fault = FleetFault::new(bundle_key(number), code, &detail);
            of_log.faults.push(fault);
            return Ok(found.part);
        }
        taken
            .entries
            .iter()
            .for_each(|(_, entry)| needed.take(entry));
        of_log.entries = of_log.entries.saturating_add(taken.entries.len() as u64);
        if self.opening.is_none() {
            self.opening = match taken.opening {
                Some(opening) => Some(opening),
                None => taken.entries.first().map(|(_, entry)| entry.clone()),
            };
        }
        if let Some(header) = taken.header.filter(|_| !taken.entries.is_empty()) {
            self.index |= header.content.index.is_some();
            self.epochs.push((number, header.content.hash()));
        }
        Ok(found.part)
    }

    /// Writes the bundle. Its closing record is not signed: the log's key is not here.
    ///
    /// # Errors
    /// [`Error::Evidence`]; [`Error::Bucket`], also where the bucket was changed since the
    /// first look.
    pub fn write(&self, out: impl Write) -> Result<u64, Error> {
        let changed = |number: u64| crate::bucket::BucketError::Archived {
            key: bundle_key(number),
        };
        let Some(opening) = &self.opening else {
            return Err(EvidenceError::EmptyRange.into());
        };
        let line = BundleOpening {
            version: Version::Two,
            contents: Contents::Selection,
            log: self
                .policy
                .keys
                .first()
                .copied()
                .ok_or(EvidenceError::EmptyRange)?,
            genesis: opening.hash(),
            index: self.index,
            openings: false,
        };
        let failed = |error: BundleError| Error::from(EvidenceError::from(error));
        let mut writer = BundleWriter::new(out, &line, opening).map_err(failed)?;
        writer.answers(self.filter.to_object());
        for document in self.documents()?.values() {
            writer.document(document).map_err(failed)?;
        }
        let mut written = 0_u64;
        for (number, header) in &self.epochs {
            let taken =
                self.second_look(*number, true, &|seq, entry| self.filter.matches(seq, entry))?;
            let same = taken.header.as_ref().map(|epoch| epoch.content.hash());
            let Some(epoch) = taken.header.as_ref().filter(|_| same == Some(*header)) else {
                return Err(changed(*number).into());
            };
            writer.epoch(epoch).map_err(failed)?;
            for (seq, entry) in &taken.entries {
                let path = taken.path(*seq).ok_or_else(|| changed(*number))?;
                writer.entry(*seq, entry, Some(&path)).map_err(failed)?;
                written += 1;
            }
        }
        writer.finish(None).map_err(failed)?;
        Ok(written)
    }

    /// The documents that stand beside the entries, in the order of the digests.
    fn documents(&self) -> Result<BTreeMap<DocumentDigest, Entry>, Error> {
        let places: BTreeSet<_> = self.documents.values().collect();
        let mut found = BTreeMap::new();
        for number in places {
            let wanted = |_: Seq, entry: &Entry| {
                digest_of(entry).is_ok_and(|digest| self.documents.contains_key(&digest))
            };
            let taken = self.second_look(*number, false, &wanted)?;
            for (_, entry) in taken.entries {
                if let Ok(digest) = digest_of(&entry) {
                    found.entry(digest).or_insert(entry);
                }
            }
        }
        Ok(found)
    }

    fn second_look(
        &self,
        number: u64,
        paths: bool,
        wanted: &super::found::Wanted<'_>,
    ) -> Result<Taken, Error> {
        let found = look_through(&self.objects, number, &self.policy, wanted, paths)?;
        let key = bundle_key(number);
        found
            .taken
            .ok_or_else(|| crate::bucket::BucketError::Archived { key }.into())
    }
}
