//! Entries and receipts as they are sent.

use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::ledger::entry::Entry;
use crate::ledger::position::Seq;
use crate::logbook::Identity;
use crate::logbook::request::Receipt;
use crate::store::Store;

/// That an entry is durable, and where (SPEC §6).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReceiptText {
    /// The entry's number.
    seq: u64,
    /// The entry's hash.
    hash: String,
    /// The hash of the entry before.
    prev_hash: String,
    /// The entry's time.
    ts: String,
    kind: String,
    signature: String,
    /// The log's key.
    log: String,
    /// The hash of the log's entry 0.
    genesis: String,
}

/// An entry, with what its reader wants to know beside it.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `write_item` writes")]
pub(super) struct EntryItem {
    /// As in a file: `kind`, `payload`, `prev_hash`, `seq`, `signature`, `ts`.
    entry: EntryMembers,
    /// The epoch that seals it, once one does.
    epoch: Option<u64>,
    /// Its hash.
    hash: String,
}

/// An entry as in a file.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `Entry::write_json` writes")]
pub(super) struct EntryMembers {
    kind: String,
    #[schema(value_type = Object)]
    payload: (),
    prev_hash: String,
    seq: u64,
    signature: String,
    ts: String,
}

impl ReceiptText {
    pub(super) fn new(receipt: &Receipt, identity: Identity) -> ReceiptText {
        ReceiptText {
            seq: receipt.seq.0,
            hash: receipt.hash.to_string(),
            prev_hash: receipt.prev_hash.to_string(),
            ts: receipt.ts.to_string(),
            kind: receipt.kind.clone(),
            signature: receipt.signature.to_string(),
            log: identity.log.to_string(),
            genesis: identity.genesis.to_string(),
        }
    }
}

/// Writes `{"entry":…,"epoch":…,"hash":…}`: the payload keeps its bytes, which
/// no other JSON library would promise.
pub(super) fn write_item(
    store: &dyn Store,
    seq: Seq,
    entry: &Entry,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let epoch = store.epoch_of(seq)?;
    out.extend_from_slice(b"{\"entry\":");
    entry.write_json(Some(seq), out);
    let epoch = epoch.map_or_else(|| "null".to_owned(), |number| number.to_string());
    let rest = format!(",\"epoch\":{epoch},\"hash\":\"{}\"}}", entry.hash());
    out.extend_from_slice(rest.as_bytes());
    Ok(())
}
