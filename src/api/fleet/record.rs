//! A fleet log: it records of each log of a bucket how far it was verified there.
//!
//! 1. The header that was recorded last must still be the one in the bucket: another one
//!    of the same key is an equivocation, and fewer epochs are a truncation.
//! 2. The epochs since then are verified, each by itself, and joined to it.
//! 3. One entry `sealbook:fleet` says so. A log with any fault gets none.

use std::collections::BTreeMap;

use serde::Serialize;

use super::found::look_through;
use super::{Fleet, FleetFault, FleetView, header_at};
use crate::api::archive::header_key;
use crate::api::{Error, Ledger, Policy};
use crate::bucket::Objects;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::fault::FaultCode;
use crate::ledger::fleet::{FleetRecord, kept_by};
use crate::ledger::fold::{EpochRun, FoldPart, PartFault};
use crate::ledger::hash::Hash;
use crate::ledger::kind;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witnessed::Witnessed;
use crate::logbook::request::PreparedEntry;
use crate::store::query::{Filter, select};

/// What a fleet log recorded last of each log.
#[derive(Clone, Debug, Default)]
pub struct FleetRecords {
    known: BTreeMap<Hash, Known>,
    /// Entries that are none, though of that kind.
    pub damaged: Vec<FleetFault>,
}

/// A record of a log, and the entry that says it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) seq: Seq,
    pub(super) ts: Timestamp,
    pub(super) record: FleetRecord,
}

impl FleetRecords {
    /// Reads what a fleet log recorded.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn of_log(fleet_log: &Ledger) -> Result<FleetRecords, Error> {
        let all = Filter {
            kinds: vec![kind::FLEET.to_owned()],
            ..Filter::default()
        };
        let mut records = FleetRecords::default();
        for found in select(fleet_log.store(), &all)? {
            let (seq, entry) = found?;
            let payload = entry.check_payload();
            let read = payload.map_err(|error| error.to_string());
            let read = read.and_then(|payload| {
                FleetRecord::from_object(&payload).map_err(|error| error.to_string())
            });
            match read {
                Ok(record) => {
                    let genesis = record.header.content.genesis;
                    let ts = entry.ts();
                    records.known.insert(genesis, Known { seq, ts, record });
                }
                Err(detail) => {
                    let object = format!("entry {seq} of the fleet log");
                    let fault = FleetFault::new(object, FaultCode::SchemaViolation, &detail);
                    records.damaged.push(fault);
                }
            }
        }
        Ok(records)
    }

    pub(super) fn of(&self, genesis: &Hash) -> Option<&Known> {
        self.known.get(genesis)
    }
}

/// What became of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedLog {
    /// The hash of its entry 0.
    pub genesis: Hash,
    /// What its entry 0 says where it was made.
    pub origin: Option<String>,
    /// The first epoch that was verified, and the one after the last.
    pub verified: [u64; 2],
    /// Entries of these.
    pub entries: u64,
    /// The entry that records it; `None` where there was nothing new, or a fault.
    pub seq: Option<u64>,
    /// What is wrong with the log.
    pub faults: Vec<FleetFault>,
}

/// Verifies what a log sealed since it was recorded last, `whole` from its first epoch on,
/// and records it in the fleet log.
///
/// # Errors
/// [`Error::Bucket`], [`Error::Append`].
pub fn record_log(
    fleet: &Fleet,
    genesis: Hash,
    view: &FleetView<'_>,
    whole: bool,
    fleet_log: &Ledger,
) -> Result<RecordedLog, Error> {
    let (log, header) = fleet.look(genesis, view)?;
    let objects = fleet.objects(&genesis);
    let known = view.records.of(&genesis);
    let before = known.map(|known| &known.record.header);
    let from = match before.filter(|_| !whole) {
        Some(header) => header.content.epoch.0.saturating_add(1),
        None => 0,
    };
    let mut recorded = RecordedLog {
        genesis,
        origin: log.origin,
        verified: [from, from],
        entries: 0,
        seq: None,
        faults: log.faults,
    };
    if let Some(before) = before {
        recorded
            .faults
            .extend(differs(&objects, before, log.epochs)?);
    }
    let (Some(key), Some(header), true) = (log.log, header, recorded.faults.is_empty()) else {
        return Ok(recorded);
    };
    if log.epochs <= from {
        return Ok(recorded);
    }
    let policy = view.policy_of(key);
    let joined = before.filter(|_| from > 0);
    let verified = verify(&objects, from..log.epochs, &policy, joined)?;
    recorded.verified = [from, log.epochs];
    recorded.entries = verified.entries;
    recorded.faults = verified.faults;
    if recorded.faults.is_empty() && verified.header != Some(header.content.hash()) {
        let detail = "it is not the header of the epoch that the bundle holds";
        let object = header_key(header.content.epoch.0);
        let fault = FleetFault::new(object, FaultCode::EpochInvariant, detail);
        recorded.faults.push(fault);
    }
    if !recorded.faults.is_empty() {
        return Ok(recorded);
    }
    let checkpoint = verified
        .witnessed
        .and_then(|entry| checkpoint_of(&entry, &header));
    let kept = known.and_then(|known| known.record.checkpoint.clone());
    let record = FleetRecord {
        checkpoint: checkpoint.or(kept),
        from: EpochNumber(from),
        header,
    };
    let entry = PreparedEntry::new(kind::FLEET, &record.to_object())?;
    let receipts = fleet_log.logbook()?.submit(vec![entry])?.wait()?;
    recorded.seq = receipts.first().map(|receipt| receipt.seq.0);
    Ok(recorded)
}

/// What of a log is not as it was recorded.
fn differs(
    objects: &Objects,
    before: &SignedEpoch,
    epochs: u64,
) -> Result<Option<FleetFault>, Error> {
    let content = &before.content;
    let number = content.epoch.0;
    if epochs <= number {
        let detail = format!(
            "the bucket has {epochs} epochs, and the fleet log recorded {}",
            number.saturating_add(1)
        );
        let object = header_key(epochs);
        return Ok(Some(FleetFault::new(object, FaultCode::Truncated, &detail)));
    }
    let there = header_at(objects, number, (Some(content.log), content.genesis))?;
    Ok(match there {
        Ok(there) if there.content == *content => None,
        Ok(_) => {
            let detail = "the log signed another header of this epoch than the fleet log recorded";
            let object = header_key(number);
            Some(FleetFault::new(object, FaultCode::Equivocation, detail))
        }
        Err(fault) => Some(fault),
    })
}

struct Verified {
    entries: u64,
    header: Option<Hash>,
    /// The newest entry that keeps a cosigned checkpoint.
    witnessed: Option<Entry>,
    faults: Vec<FleetFault>,
}

/// Verifies epochs, joined to the header before them.
fn verify(
    objects: &Objects,
    epochs: std::ops::Range<u64>,
    policy: &Policy,
    before: Option<&SignedEpoch>,
) -> Result<Verified, Error> {
    let mut all = FoldPart::default();
    if let Some(before) = before {
        all.runs.push(EpochRun::up_to(&before.content));
    }
    let (mut witnessed, mut entries) = (None, 0_u64);
    let wanted = |_: Seq, entry: &Entry| entry.kind() == kind::WITNESSED;
    for number in epochs {
        let found = look_through(objects, number, policy, &wanted, false)?;
        let count = |run: &EpochRun| run.entries;
        entries = entries.saturating_add(found.part.runs.iter().map(count).sum());
        let last = found.taken.and_then(|mut taken| taken.entries.pop());
        witnessed = last.map(|(_, entry)| entry).or(witnessed);
        all = all.join(found.part);
    }
    // Documents of epochs that were verified before are not here.
    let missing = shape::write(&FaultCode::DocumentMissing);
    let passed_over =
        |fault: &PartFault| before.is_some() && Some(fault.code.as_str()) == missing.as_str();
    let faults = all.judge().into_iter();
    let faults = faults.filter(|fault| !passed_over(fault));
    Ok(Verified {
        entries,
        header: all.runs.last().map(|run| run.header),
        witnessed,
        faults: faults.map(FleetFault::from).collect(),
    })
}

/// The checkpoint that an entry keeps, if it is the log's own.
fn checkpoint_of(entry: &Entry, header: &SignedEpoch) -> Option<SignedCheckpoint> {
    let payload = entry.check_payload().ok()?;
    let witnessed = Witnessed::from_object(&payload).ok()?;
    kept_by(&witnessed.checkpoint, header).ok()
}
