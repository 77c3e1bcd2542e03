//! What `replay` says of several books.

#![allow(dead_code, reason = "their derived schemas are what is used of them")]

use utoipa::ToSchema;

use super::values::Key;

/// What is known of one of several books.
#[derive(ToSchema)]
pub(super) struct BookReach {
    /// Its number in the timeline; none if nothing of it is there.
    book: Option<u64>,
    log: Option<Key>,
    /// Entries of it that were read.
    entries: u64,
    /// Up to where its signed index says that these are all.
    complete: Option<CompleteTo>,
    /// `no_index`, `not_sealed`, `not_shown`, `only_proofs` or `fault`.
    not_complete: Option<String>,
    /// Whether it continues the one before; none for the first.
    continues: Option<bool>,
}

#[derive(ToSchema)]
pub(super) struct CompleteTo {
    /// The last epoch that the index covers, and its last entry.
    epoch: u64,
    seq: u64,
    /// The first epoch that it covers, if that is not the first of the log.
    since: Option<u64>,
    /// Of which entries a selection has all; none of a whole ledger.
    of: Option<SelectionOf>,
}

#[derive(ToSchema)]
pub(super) struct SelectionOf {
    field: String,
    value: String,
    entries: u64,
}
