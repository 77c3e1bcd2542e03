//! Many logs in one bucket: each below `log/<genesis>/`, under a key of its own.
//!
//! What a bucket shows of a log ([`Fleet::status`]) costs a few requests, and one for each
//! thousand of its sealed epochs. What a fleet log records ([`record_log`])
//! is verified epoch by epoch. One log is read after the other, and an epoch at a time: what
//! lies in memory does not grow with either.

mod found;
mod query;
mod record;

use serde::Serialize;

pub use query::{CaseOfLog, FleetCase};
pub use record::{FleetRecords, RecordedLog, record_log};

use super::archive::{header_key, is_of_places, number_of};
use super::{Error, Policy};
use crate::bucket::shown::shown;
use crate::bucket::{self, Address, BucketError, Objects, bundle_key};
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::fault::FaultCode;
use crate::ledger::fold::PartFault;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::statement::Statement;
use crate::ledger::time::Timestamp;
use crate::ledger::witness_policy::WitnessPolicy;

/// Objects below `epoch/` of one log that are looked at: 500 years of hours.
const LISTED: u64 = 10_000_000;

/// Logs of one bucket.
const LOGS: usize = 100_000;

/// Objects that are no part of an archive and are named.
const STRAYS: usize = 3;

/// Something in a bucket that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetFault {
    /// The object, below the log's prefix.
    pub object: String,
    /// What is wrong, by its code.
    pub code: String,
    /// The same for people.
    pub detail: String,
}

impl FleetFault {
    fn new(object: String, code: FaultCode, detail: &str) -> FleetFault {
        FleetFault {
            object,
            ..FleetFault::from(PartFault::new(0, code, detail))
        }
    }
}

impl From<PartFault> for FleetFault {
    fn from(fault: PartFault) -> FleetFault {
        FleetFault {
            object: bundle_key(fault.epoch),
            code: fault.code,
            detail: fault.detail,
        }
    }
}

/// The newest entry whose object the log signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetHead {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its time.
    pub ts: Timestamp,
    /// How long ago that is.
    pub age_seconds: i64,
}

/// The last epoch whose header is in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetSealed {
    /// Its number.
    pub epoch: u64,
    /// Its last entry.
    pub seq: u64,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// The hash of its header.
    pub header: Hash,
}

/// The newest cosigned checkpoint that the fleet log records of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetWitnessed {
    /// The log's public name.
    pub origin: String,
    /// How many entries it holds.
    pub size: u64,
    /// Under which names it is cosigned. Without a policy nobody's signature is judged.
    pub witnesses: Vec<String>,
    /// Whether the policy's quorum cosigned it.
    pub quorum: Option<bool>,
}

/// What the fleet log recorded last of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetAudited {
    /// The entry of the fleet log.
    pub seq: u64,
    /// When.
    pub ts: Timestamp,
    /// How long ago that is.
    pub age_seconds: i64,
    /// The first epoch that was verified for it.
    pub from: u64,
    /// The last one.
    pub epoch: u64,
}

/// A log of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetLog {
    /// The hash of its entry 0.
    pub genesis: Hash,
    /// Where it lies.
    pub url: String,
    /// The key that signed what was read.
    pub log: Option<PublicKey>,
    /// What its entry 0 says where it was made.
    pub origin: Option<String>,
    /// Whether its key is one of those that were given; `None` where none was.
    pub trusted: Option<bool>,
    /// The newest entry.
    pub head: Option<FleetHead>,
    /// Epochs up to the last that is in the bucket.
    pub epochs: u64,
    /// Of these, those of which bundle or header is missing.
    pub missing: u64,
    /// Bytes of what is there.
    pub bytes: u64,
    /// The last of them.
    pub sealed: Option<FleetSealed>,
    /// Its newest cosigned checkpoint, by the fleet log.
    pub witnessed: Option<FleetWitnessed>,
    /// When it was verified last, by the fleet log.
    pub audited: Option<FleetAudited>,
    /// What is not as it must be.
    pub faults: Vec<FleetFault>,
}

/// The logs of a bucket.
pub struct Fleet {
    base: Objects,
    /// The genesis of each.
    pub logs: Vec<Hash>,
    /// What lies beside them under `log/` and is none.
    pub strays: Vec<String>,
}

/// What is known besides of a fleet's logs.
pub struct FleetView<'a> {
    /// Keys that are believed.
    pub policy: &'a Policy,
    /// What the fleet log recorded.
    pub records: &'a FleetRecords,
    /// Whose cosignatures count.
    pub witnesses: Option<&'a WitnessPolicy>,
    /// What time it is.
    pub now: Timestamp,
}

impl FleetView<'_> {
    /// What one log is held against: its own key.
    fn policy_of(&self, log: PublicKey) -> Policy {
        Policy {
            keys: vec![log],
            ..self.policy.clone()
        }
    }
}

/// Lists the logs of a bucket, or the one that its URL names.
///
/// # Errors
/// [`Error::Bucket`].
pub fn fleet(address: &Address) -> Result<Fleet, Error> {
    let base = address.connect_to_read()?;
    if let Some(genesis) = address.log() {
        return Ok(Fleet {
            base,
            logs: vec![genesis],
            strays: Vec::new(),
        });
    }
    let (mut logs, mut strays) = (Vec::new(), Vec::new());
    for name in base.folders("log")? {
        match Hash::from_hex(&name) {
            Ok(genesis) if genesis.to_string() == name => logs.push(genesis),
            _ => strays.push(format!("log/{name}")),
        }
    }
    let url = || base.url().to_owned();
    match logs.len() {
        0 => return Err(BucketError::NoLog { url: url() }.into()),
        count if count > LOGS => return Err(BucketError::TooLarge { key: url() }.into()),
        _ => {}
    }
    logs.sort_unstable();
    strays.sort_unstable();
    Ok(Fleet { base, logs, strays })
}

impl Fleet {
    pub(super) fn objects(&self, genesis: &Hash) -> Objects {
        bucket::of_log(&self.base, genesis)
    }

    /// What the bucket shows of one of its logs.
    ///
    /// # Errors
    /// [`Error::Bucket`] if the bucket cannot be asked. What is wrong with the log stands
    /// among its faults.
    pub fn status(&self, genesis: Hash, view: &FleetView<'_>) -> Result<FleetLog, Error> {
        Ok(self.look(genesis, view)?.0)
    }

    /// The same, with its last header.
    fn look(
        &self,
        genesis: Hash,
        view: &FleetView<'_>,
    ) -> Result<(FleetLog, Option<SignedEpoch>), Error> {
        let objects = self.objects(&genesis);
        let mut log = FleetLog {
            genesis,
            url: objects.url().to_owned(),
            log: None,
            origin: None,
            trusted: None,
            head: None,
            epochs: 0,
            missing: 0,
            bytes: 0,
            sealed: None,
            witnessed: None,
            audited: None,
            faults: Vec::new(),
        };
        match shown(&objects, genesis) {
            Ok(shown) => {
                log.log = Some(shown.log);
                log.origin = Some(shown.opening.origin);
                log.head = shown.newest.map(|newest| FleetHead {
                    seq: newest.seq,
                    hash: newest.hash,
                    ts: newest.ts,
                    age_seconds: age(view.now, newest.ts),
                });
            }
            Err(error) => log.faults.push(named(error)?),
        }
        let keys = &view.policy.keys;
        log.trusted = (!keys.is_empty()).then(|| log.log.is_some_and(|log| keys.contains(&log)));
        if log.trusted == Some(false) && log.log.is_some() {
            let detail = "the log is of a key that was not given";
            let object = "wal/0/0".to_owned();
            let fault = FleetFault::new(object, FaultCode::LogKeyMismatch, detail);
            log.faults.push(fault);
        }
        listed(&objects, &mut log)?;
        let header = match log.epochs.checked_sub(1) {
            Some(last) => last_header(&objects, last, &mut log)?,
            None => None,
        };
        recorded(view, &mut log);
        Ok((log, header))
    }
}

/// What the list of the archive says.
fn listed(objects: &Objects, log: &mut FleetLog) -> Result<(), Error> {
    let (mut bundles, mut headers, mut epochs, mut seen) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut strays, mut others) = (Vec::new(), 0_u64);
    objects.each("epoch", |one| {
        seen += 1;
        let bundle = number_of(&one.key);
        let number = bundle.or_else(|| number_of_header(&one.key));
        match number {
            Some(number) => {
                epochs = epochs.max(number.saturating_add(1));
                *(if bundle.is_some() {
                    &mut bundles
                } else {
                    &mut headers
                }) += 1;
                log.bytes = log.bytes.saturating_add(one.size);
            }
            None if is_of_places(&one.key) => log.bytes = log.bytes.saturating_add(one.size),
            None if strays.len() < STRAYS => strays.push(one.key),
            None => others += 1,
        }
        seen < LISTED
    })?;
    log.epochs = epochs;
    log.missing = epochs.saturating_sub(bundles.min(headers));
    let mut fault = |object: String, code, detail: &str| {
        log.faults.push(FleetFault::new(object, code, detail));
    };
    if log.missing > 0 {
        let detail = format!(
            "of {epochs} epochs {bundles} bundles and {headers} headers are there: \
             `archive status` names those that are not"
        );
        fault("epoch".to_owned(), FaultCode::SequenceGap, &detail);
    }
    for stray in strays {
        let detail = match others {
            0 => "it is not a part of an archive".to_owned(),
            _ => format!("it is not a part of an archive, and {others} more are not"),
        };
        fault(stray, FaultCode::SchemaViolation, &detail);
    }
    if seen >= LISTED {
        let detail = format!("it has {LISTED} objects or more, which were not all looked at");
        fault("epoch".to_owned(), FaultCode::SchemaViolation, &detail);
    }
    Ok(())
}

/// The epoch of a header's key.
fn number_of_header(key: &str) -> Option<u64> {
    let name = key.strip_prefix("epoch/")?;
    let number = name.strip_suffix(".header")?.parse().ok()?;
    (header_key(number) == key).then_some(number)
}

fn last_header(
    objects: &Objects,
    number: u64,
    log: &mut FleetLog,
) -> Result<Option<SignedEpoch>, Error> {
    let header = match header_at(objects, number, (log.log, log.genesis))? {
        Ok(header) => header,
        Err(fault) => {
            log.faults.push(fault);
            return Ok(None);
        }
    };
    let content = &header.content;
    log.sealed = Some(FleetSealed {
        epoch: content.epoch.0,
        seq: content.last_seq.0,
        sealed_at: content.sealed_at,
        header: content.hash(),
    });
    if let Some(head) = &log.head
        && head.seq < content.last_seq.0
    {
        let detail = format!(
            "it seals entry {}, and the newest object of the log ends with entry {}",
            content.last_seq, head.seq
        );
        let fault = FleetFault::new(header_key(number), FaultCode::Truncated, &detail);
        log.faults.push(fault);
    }
    Ok(Some(header))
}

/// The header of an epoch, as the bucket has it: signed by the log, and of this epoch.
fn header_at(
    objects: &Objects,
    number: u64,
    (log, genesis): (Option<PublicKey>, Hash),
) -> Result<Result<SignedEpoch, FleetFault>, Error> {
    let key = header_key(number);
    let wrong = |code, detail: &str| Ok(Err(FleetFault::new(key.clone(), code, detail)));
    let bytes = match objects.read(&key) {
        Ok(Some(bytes)) if bytes.len() <= limits::SMALL_FILE_BYTES => bytes,
        Ok(Some(_)) | Err(BucketError::TooLarge { .. }) => {
            return wrong(FaultCode::SchemaViolation, "it is larger than any header");
        }
        Ok(None) => return wrong(FaultCode::SequenceGap, "the header is missing"),
        Err(error) => return Err(error.into()),
    };
    let value = parse::parse(&bytes).ok();
    let header: Option<SignedEpoch> = value.and_then(|value| Statement::from_value(&value).ok());
    let Some(header) = header else {
        return wrong(FaultCode::SchemaViolation, "it is not a header");
    };
    let content = &header.content;
    if !header.verify() {
        return wrong(FaultCode::EpochSignatureInvalid, "the log did not sign it");
    }
    if log.is_some_and(|log| log != content.log) {
        return wrong(FaultCode::LogKeyMismatch, "the header is of another key");
    }
    if content.genesis != genesis {
        return wrong(FaultCode::GenesisMismatch, "the header is of another log");
    }
    if content.epoch.0 != number {
        let detail = format!("it is the header of epoch {}", content.epoch);
        return wrong(FaultCode::EpochInvariant, &detail);
    }
    Ok(Ok(header))
}

/// What the fleet log says of it.
fn recorded(view: &FleetView<'_>, log: &mut FleetLog) {
    let Some(known) = view.records.of(&log.genesis) else {
        return;
    };
    log.audited = Some(FleetAudited {
        seq: known.seq.0,
        ts: known.ts,
        age_seconds: age(view.now, known.ts),
        from: known.record.from.0,
        epoch: known.record.header.content.epoch.0,
    });
    log.witnessed = known.record.checkpoint.as_ref().map(|checkpoint| {
        let (content, note) = (checkpoint.content(), checkpoint.note());
        let names = note.signatures().iter().map(|line| line.name.as_str());
        let names = names.filter(|name| *name != content.origin);
        let vouches = |policy: &WitnessPolicy| {
            let by = |witness: usize| {
                let known = policy.witnesses.get(witness);
                known.is_some_and(|known| known.key.verify(note).is_ok())
            };
            policy.is_met(by)
        };
        FleetWitnessed {
            origin: content.origin.clone(),
            size: content.size,
            witnesses: names.map(str::to_owned).collect(),
            quorum: view.witnesses.map(vouches),
        }
    });
}

fn age(now: Timestamp, then: Timestamp) -> i64 {
    now.micros_since(then) / 1_000_000
}

/// What is wrong with an object, as a fault of its log; what says nothing about the log
/// stays an error.
fn named(error: BucketError) -> Result<FleetFault, Error> {
    let object = match &error {
        BucketError::Object { place, .. } | BucketError::OlderCopy { place } => place.key(),
        BucketError::TooLarge { key } => key.clone(),
        _ => return Err(error.into()),
    };
    let code = match &error {
        BucketError::OlderCopy { .. } => FaultCode::SequenceGap,
        _ => FaultCode::SchemaViolation,
    };
    let detail = match &error {
        BucketError::OlderCopy { .. } => "the object is missing".to_owned(),
        BucketError::Object { error, .. } => error.to_string(),
        other => other.to_string(),
    };
    Ok(FleetFault::new(object, code, &detail))
}
