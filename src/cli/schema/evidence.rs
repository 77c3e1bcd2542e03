//! What commands print of entries and of evidence.

#![allow(dead_code, reason = "their derived schemas are what is used of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::books::BookReach;
use super::values::{Digest, Key, Signature, Time};

/// That an entry is durable, and where.
#[derive(ToSchema)]
pub(super) struct Receipt {
    seq: u64,
    hash: Digest,
    prev_hash: Digest,
    ts: Time,
    kind: String,
    signature: Signature,
    log: Key,
    genesis: Digest,
}

/// An entry, as in a file.
#[derive(ToSchema)]
pub(super) struct Entry {
    seq: u64,
    kind: String,
    ts: Time,
    payload: BTreeMap<String, Value>,
    prev_hash: Digest,
    signature: Signature,
    /// Of several books: the number of the one that has it.
    book: Option<u64>,
    /// Of several books, and of an imported log: whose entry it is.
    log: Option<Key>,
    /// Of an imported log.
    genesis: Option<Digest>,
}

#[derive(ToSchema)]
pub(super) struct EntryWithTimes {
    entry: Entry,
    between: Option<Between>,
    redacted: Option<Vec<RedactedMember>>,
}

/// A member of an entry that a commitment stands for.
#[derive(ToSchema)]
pub(super) struct RedactedMember {
    pointer: String,
    /// `kept`, `erased` or `not_kept`.
    state: String,
    /// What it is, where it is kept.
    value: Option<serde_json::Value>,
    /// The entry of its erasure.
    by: Option<u64>,
}

#[derive(ToSchema)]
pub(super) struct EntryOfBook {
    book: u64,
    entry: Entry,
}

/// Between which times an entry was made, as witnesses say.
#[derive(ToSchema)]
pub(super) struct Between {
    not_earlier: Option<Bound>,
    not_later: Option<Bound>,
}

#[derive(ToSchema)]
pub(super) struct Bound {
    time: Time,
    /// The witnesses whose word it is.
    witnesses: Vec<String>,
    /// How many entries the checkpoint holds.
    size: u64,
    /// The entry that keeps the checkpoint.
    seq: Option<u64>,
}

/// A document that decisions refer to.
#[derive(ToSchema)]
pub(super) struct Document {
    /// The entry that has it.
    seq: u64,
    digest: String,
    #[schema(required)]
    content: Value,
    media_type: String,
}

/// What the log signs of an epoch.
#[derive(ToSchema)]
pub(super) struct SignedHeader {
    epoch: Header,
    key: Key,
    signature: Signature,
}

#[derive(ToSchema)]
pub(super) struct Header {
    epoch: u64,
    first_seq: u64,
    last_seq: u64,
    tree_size: u64,
    root: Digest,
    /// The hash of its last entry.
    head: Digest,
    /// The hash of the header before.
    prev: Digest,
    hour: Time,
    sealed_at: Time,
    log: Key,
    genesis: Digest,
    /// 2 where the header commits to an index.
    format: Option<u64>,
    index: Option<Value>,
}

/// What the log signs of its last entry.
#[derive(ToSchema)]
pub(super) struct SignedHead {
    head: Head,
    key: Key,
    signature: Signature,
}

#[derive(ToSchema)]
pub(super) struct Head {
    log: Key,
    genesis: Digest,
    seq: u64,
    hash: Digest,
    ts: Time,
}

/// The verdict on a file or a ledger.
#[derive(ToSchema)]
pub(super) struct Report {
    /// `pass` or `fail`.
    verdict: String,
    /// `ledger`, `logbook`, `bundle`, `proof` and others.
    format: String,
    entries: u64,
    epochs: u64,
    /// The hash of the last entry.
    head: Digest,
    log: Option<Key>,
    genesis: Option<Digest>,
    /// Where the trusted key came from.
    key_source: String,
    faults: Vec<Fault>,
    /// What a pass does not cover.
    not_checked: Vec<String>,
    warnings: Vec<Warning>,
    /// By what a selection is complete, where that is shown.
    complete: Option<Complete>,
    /// How many members commitments stand for, and how many of them are opened.
    redacted: Option<BTreeMap<String, u64>>,
    /// The verdict on each log, of a report over several.
    logs: Option<Vec<LogVerdict>>,
    /// With `--explain`.
    explanation: Option<Explanation>,
    /// With `--policy`.
    witnessed: Option<BTreeMap<String, Value>>,
    /// Of `verify` and `replay`.
    elapsed_ms: Option<u64>,
    /// With `--fold`.
    part: Option<FoldPart>,
}

/// What a report over several logs has of one of them.
#[derive(ToSchema)]
pub(super) struct LogVerdict {
    verdict: String,
    log: Option<Key>,
    genesis: Option<Digest>,
    entries: u64,
    epochs: u64,
    /// How many of the faults are of this log.
    faults: u64,
}

#[derive(ToSchema)]
pub(super) struct Fault {
    /// One of those that `sealbook codes` lists.
    code: String,
    /// What was done, where that can be told.
    class: Option<String>,
    /// The number of what is at fault, among those of its sort.
    index: Option<u64>,
    /// `entry`, `epoch`, `document` or `file`.
    at: String,
    seq: Option<u64>,
    line: Option<u64>,
    expected: Option<String>,
    actual: Option<String>,
    detail: String,
}

/// All entries that have this value, up to an entry.
#[derive(ToSchema)]
pub(super) struct Complete {
    field: String,
    value: String,
    entries: u64,
    /// How many of them are named and left out: the rest of the filter does not want them.
    omitted: Option<u64>,
    /// The last epoch that the index covers, and its last entry.
    epoch: u64,
    seq: u64,
    /// The first epoch that it covers, if that is not the first of the log.
    since: Option<u64>,
}

#[derive(ToSchema)]
pub(super) struct Warning {
    code: String,
    detail: String,
}

/// What was done to a file, and from where on it is whole.
#[derive(ToSchema)]
pub(super) struct Explanation {
    chained: bool,
    trusted: Prefix,
    incidents: Vec<Incident>,
    cut: bool,
}

#[derive(ToSchema)]
pub(super) struct Prefix {
    entries: u64,
    head: Digest,
}

#[derive(ToSchema)]
pub(super) struct Incident {
    class: String,
    or: Vec<String>,
    index: Option<u64>,
    line: Option<u64>,
    entries: Option<u64>,
    /// `what` names it; the other members depend on it.
    evidence: BTreeMap<String, Value>,
    whole_again: Option<WholeAgain>,
}

#[derive(ToSchema)]
pub(super) struct WholeAgain {
    index: u64,
    line: Option<u64>,
    /// `by` names it; the other members depend on it.
    tie: BTreeMap<String, Value>,
}

/// The verdicts on several files.
#[derive(ToSchema)]
pub(super) struct Reports {
    /// `pass`, `fail`, or `unanswered` where one could not be checked.
    verdict: String,
    files: Vec<FileReport>,
    passed: u64,
    failed: u64,
    unanswered: u64,
    /// Files that are no evidence.
    no_evidence: Option<Vec<String>>,
    elapsed_ms: u64,
}

#[derive(ToSchema)]
pub(super) struct FileReport {
    path: String,
    report: Option<Report>,
    error: Option<super::values::FailureText>,
}

/// Custody in order, every recorded decision computed again.
#[derive(ToSchema)]
pub(super) struct Replay {
    /// `event` says what an item is; the other members depend on it.
    timeline: Vec<BTreeMap<String, Value>>,
    /// How many of each there are.
    counts: BTreeMap<String, u64>,
    /// What would have been, if that was asked for.
    otherwise: Option<Value>,
    /// Whether today's content is what was attested last.
    today: Option<bool>,
    /// Of several books, each.
    books: Option<Vec<BookReach>>,
    /// Whether each of them continues the one before: nothing is left out between them.
    chained: Option<bool>,
    #[schema(inline)]
    #[serde(flatten)]
    report: Report,
}

/// Two copies of a log, compared.
#[derive(ToSchema)]
pub(super) struct Compared {
    relation: String,
    first_seq: u64,
    common: u64,
    head: Digest,
    first_difference: Option<FirstDifference>,
    entries: Vec<u64>,
    equivocation: Option<Equivocation>,
    keys: Vec<Key>,
}

#[derive(ToSchema)]
pub(super) struct FirstDifference {
    seq: u64,
    a: Option<Side>,
    b: Option<Side>,
}

#[derive(ToSchema)]
pub(super) struct Side {
    hash: Option<Digest>,
    prev_hash: Option<Digest>,
    kind: Option<String>,
    ts: Option<Time>,
    unreadable: Option<String>,
}

/// Two things that one key signed, of which one is false.
#[derive(ToSchema)]
pub(super) struct Equivocation {
    kind: String,
    key: Key,
    acknowledged: bool,
    detail: String,
    /// Where the proof was written.
    proof: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct ComparedCheckpoints {
    relation: String,
    origins: Vec<String>,
    entries: Vec<u64>,
    roots: Vec<Digest>,
    equivocation: Option<Equivocation>,
    key: Option<Key>,
}

/// What two decisions were taken under, compared.
#[derive(ToSchema)]
pub(super) struct ComparedDocuments {
    a: u64,
    b: u64,
    differences: Vec<String>,
    books: Option<Vec<u64>>,
}

#[derive(ToSchema)]
pub(super) struct Imported {
    /// `imported`, `known`, `refused` or `equivocation`.
    outcome: String,
    digest: Option<Digest>,
    seq: Option<u64>,
    /// The files that contradict each other.
    evidence: Vec<Digest>,
    report: Report,
}

/// With `--list`: a file that was imported.
#[derive(ToSchema)]
pub(super) struct KeptImport {
    seq: u64,
    log: Key,
    genesis: Digest,
    digest: Digest,
}

/// With `--list`: a file that was refused, and the one that it contradicts.
#[derive(ToSchema)]
pub(super) struct KeptConflict {
    refused: Digest,
    contradicts: Digest,
}

#[derive(ToSchema)]
pub(super) struct Folded {
    verdict: String,
    entries: u64,
    epochs: u64,
    head: Option<Digest>,
    log: Option<Key>,
    genesis: Option<Digest>,
    /// What was taken again; `null` where some epoch's decisions were not.
    decisions: Option<TakenAgain>,
    faults: Vec<PartFault>,
    part: FoldPart,
}

/// Decisions that were taken again.
#[derive(ToSchema)]
pub(super) struct TakenAgain {
    decisions: u64,
    could_not_evaluate: u64,
}

/// What joins epochs that were verified apart.
#[derive(ToSchema)]
pub(super) struct FoldPart {
    runs: Vec<BTreeMap<String, Value>>,
    faults: Vec<PartFault>,
}

#[derive(ToSchema)]
pub(super) struct PartFault {
    epoch: u64,
    code: String,
    detail: String,
}

#[derive(ToSchema)]
pub(super) struct Published {
    name: String,
    size: u64,
    root: Digest,
    added: u64,
    changed: bool,
    published: bool,
    witnesses: Option<Standing>,
    /// The entry that keeps what was signed besides.
    witnessed: Option<u64>,
}

/// What each witness did.
#[derive(ToSchema)]
pub(super) struct Standing {
    size: u64,
    quorum: bool,
    witnesses: Vec<WitnessStanding>,
}

#[derive(ToSchema)]
pub(super) struct WitnessStanding {
    name: String,
    cosigned: Option<Time>,
    fault: Option<String>,
}

/// A look at one public log.
#[derive(ToSchema)]
pub(super) struct Watched {
    place: String,
    origin: Option<String>,
    size: Option<u64>,
    root: Option<Digest>,
    checked: u64,
    age_seconds: u64,
    successor: Option<String>,
    quorum: String,
    cosigned: Vec<Witnessing>,
    findings: Vec<super::ledgers::Finding>,
}

#[derive(ToSchema)]
pub(super) struct Witnessing {
    witness: String,
    time: Time,
}

/// A timestamp of an authority.
#[derive(ToSchema)]
pub(super) struct Stamped {
    /// The entry that keeps it.
    seq: Option<u64>,
    stamped: StampedEntry,
    time: Option<Time>,
    accuracy_micros: Option<u64>,
    authority: Option<String>,
    serial: Option<String>,
    policy: Option<String>,
    fault: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct StampedEntry {
    seq: u64,
    hash: Digest,
}
