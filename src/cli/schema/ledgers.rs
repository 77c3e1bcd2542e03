//! What commands print of ledgers: made, moved on, counted.

#![allow(dead_code, reason = "their derived schemas are what is used of them")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::values::{Digest, Key};

/// A ledger that was made.
#[derive(ToSchema)]
pub(super) struct Made {
    /// Its directory.
    ledger: String,
    log: Key,
    /// The hash of its entry 0.
    genesis: Digest,
    /// `sha256:` and the digest of the key.
    fingerprint: String,
    key_file: String,
    mark_file: String,
    /// With `--post-quantum`.
    second_key_file: Option<String>,
}

/// A copy that was made and verified.
#[derive(ToSchema)]
pub(super) struct Copied {
    directory: String,
    /// Its last entry.
    as_of: u64,
    entries: u64,
    epochs: u64,
    head: Digest,
    /// The entry that its mark names.
    marked: u64,
}

/// Where the index of a log begins.
#[derive(ToSchema)]
pub(super) struct Upgraded {
    /// The first epoch that is indexed.
    since: u64,
    /// The entry that says so, if it was written now.
    seq: Option<u64>,
}

#[derive(ToSchema)]
pub(super) struct Rotated {
    ledger: String,
    log: Key,
    genesis: Digest,
    key_file: String,
    mark_file: String,
    predecessor: Predecessor,
}

/// The book that was closed, and its last entry.
#[derive(ToSchema)]
pub(super) struct Predecessor {
    ledger: String,
    log: Key,
    seq: u64,
    hash: Digest,
}

#[derive(ToSchema)]
pub(super) struct ShownKey {
    log: Key,
    fingerprint: String,
    pem: Option<String>,
    /// With `--vkey`.
    vkey: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct AddedKey {
    second_key_sha256: Digest,
    second_key_file: String,
    /// The entry that binds it.
    seq: u64,
}

#[derive(ToSchema)]
pub(super) struct Adopted {
    ledger: String,
    /// What it was a copy of; null where it is the copy of none.
    original: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct Archived {
    sealed: u64,
    archived: u64,
    missing: Vec<u64>,
    bytes: u64,
}

/// What would be erased.
#[derive(ToSchema)]
pub(super) struct Erasable {
    dry_run: bool,
    members: Vec<ErasableMember>,
}

#[derive(ToSchema)]
pub(super) struct ErasableMember {
    pointer: String,
    seq: u64,
}

/// What goes, or would.
#[derive(ToSchema)]
pub(super) struct Pruned {
    /// Epochs that went before.
    already: u64,
    /// The first epoch that goes, and the one after the last.
    epochs: Vec<u64>,
    entries: u64,
    kept: u64,
    witnessed: u64,
    /// Why the next epoch stays.
    next_stays: String,
}

#[derive(ToSchema)]
pub(super) struct BucketPassed {
    keys: u64,
    connections: u64,
    endpoints: u64,
    retention: BucketRetention,
}

/// What holds objects back from deletion.
#[derive(ToSchema)]
pub(super) struct BucketRetention {
    /// Whether the store was asked: a folder has none.
    asked: bool,
    /// Whether what is there is held; `null` if there is nothing yet.
    wal: Option<bool>,
    epoch: Option<bool>,
    /// Whether older contents of a key are kept.
    versions: Option<bool>,
}

#[derive(ToSchema)]
pub(super) struct Examined {
    disk_bytes: u64,
    findings: Vec<Finding>,
    rows: u64,
}

#[derive(ToSchema)]
pub(super) struct Finding {
    code: String,
    detail: String,
    /// Of `doctor`: what to do.
    remedy: Option<String>,
    /// Of `monitor`: the files that show it.
    evidence: Option<Vec<String>>,
}

/// How many entries there are, by what they say.
#[derive(ToSchema)]
pub(super) struct Counts {
    /// The last entry of the log; null of several books.
    as_of: Option<u64>,
    entries: u64,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
    kinds: BTreeMap<String, u64>,
    tenants: BTreeMap<String, u64>,
    /// Tenants that are no texts, as JSON.
    tenants_json: Option<BTreeMap<String, u64>>,
    no_tenant: u64,
    denied: u64,
    not_denied: u64,
    hours: BTreeMap<String, u64>,
    /// Entries whose value came too late to be told apart.
    others: BTreeMap<String, u64>,
    /// The logs, of several books.
    books: Option<Vec<Key>>,
}
