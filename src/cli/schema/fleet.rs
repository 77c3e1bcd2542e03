//! What `sealbook fleet` prints.

#![allow(dead_code, reason = "their derived schemas are what is used of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::evidence::Report;
use super::values::{Digest, Key, Time};

/// A log of a bucket.
#[derive(ToSchema)]
pub(super) struct FleetLog {
    genesis: Digest,
    url: String,
    /// The key that signed what was read.
    log: Option<Key>,
    origin: Option<String>,
    /// Whether its key was given; `null` where none was.
    trusted: Option<bool>,
    /// The newest entry.
    head: Option<FleetHead>,
    /// Epochs up to the last that is in the bucket.
    epochs: u64,
    /// Of these, those that are not whole.
    missing: u64,
    bytes: u64,
    sealed: Option<FleetSealed>,
    witnessed: Option<FleetWitnessed>,
    audited: Option<FleetAudited>,
    faults: Vec<FleetFault>,
}

#[derive(ToSchema)]
pub(super) struct FleetHead {
    seq: u64,
    hash: Digest,
    ts: Time,
    age_seconds: i64,
}

/// The last header in the bucket.
#[derive(ToSchema)]
pub(super) struct FleetSealed {
    epoch: u64,
    /// Its last entry.
    seq: u64,
    sealed_at: Time,
    /// The hash of it.
    header: Digest,
}

/// The newest cosigned checkpoint, by the fleet log.
#[derive(ToSchema)]
pub(super) struct FleetWitnessed {
    origin: String,
    size: u64,
    witnesses: Vec<String>,
    /// Whether the policy's quorum cosigned it; `null` without a policy.
    quorum: Option<bool>,
}

/// When it was verified last, by the fleet log.
#[derive(ToSchema)]
pub(super) struct FleetAudited {
    /// The entry of the fleet log.
    seq: u64,
    ts: Time,
    age_seconds: i64,
    from: u64,
    epoch: u64,
}

/// An object that is not what it must be.
#[derive(ToSchema)]
pub(super) struct FleetFault {
    object: String,
    code: String,
    detail: String,
}

/// What is there besides the logs.
#[derive(ToSchema)]
pub(super) struct FleetBeside {
    faults: Vec<FleetFault>,
    passed_over: Vec<String>,
}

/// What became of a log that was to be recorded.
#[derive(ToSchema)]
pub(super) struct RecordedLog {
    genesis: Digest,
    origin: Option<String>,
    /// The first epoch that was verified, and the one after the last.
    verified: Vec<u64>,
    entries: u64,
    /// The entry of the fleet log.
    seq: Option<u64>,
    faults: Vec<FleetFault>,
}

/// A case out of several logs.
#[derive(ToSchema)]
pub(super) struct FleetCustody {
    /// In the order of time; `book` counts the logs.
    timeline: Vec<BTreeMap<String, Value>>,
    verdict: String,
    logs: Vec<CaseOfLog>,
    passed_over: Vec<String>,
    counts: Option<BTreeMap<String, u64>>,
    elapsed_ms: u64,
}

/// What one log has of it.
#[derive(ToSchema)]
pub(super) struct CaseOfLog {
    genesis: Digest,
    log: Option<Key>,
    origin: Option<String>,
    looked_through: u64,
    entries: u64,
    /// Entries that no epoch seals yet: they were not looked through.
    unsealed: u64,
    faults: Vec<FleetFault>,
    /// Its file in the folder.
    bundle: Option<String>,
    /// What the replay of the bundle found.
    report: Option<Report>,
}
