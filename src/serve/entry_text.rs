//! Entries and receipts as they are sent.

use serde::Serialize;
use serde::ser::{Error as _, Serializer};
use utoipa::ToSchema;

use super::problem::Problem;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signature};
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
    #[serde(serialize_with = "digits")]
    #[schema(value_type = String)]
    hash: [u8; Hash::BYTES],
    /// The hash of the entry before.
    #[serde(serialize_with = "digits")]
    #[schema(value_type = String)]
    prev_hash: [u8; Hash::BYTES],
    /// The entry's time.
    ts: String,
    kind: String,
    #[serde(serialize_with = "digits")]
    #[schema(value_type = String)]
    signature: [u8; Signature::BYTES],
    /// The log's key.
    #[serde(serialize_with = "digits")]
    #[schema(value_type = String)]
    log: [u8; PublicKey::BYTES],
    /// The hash of the log's entry 0.
    #[serde(serialize_with = "digits")]
    #[schema(value_type = String)]
    genesis: [u8; Hash::BYTES],
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
            hash: *receipt.hash.as_bytes(),
            prev_hash: *receipt.prev_hash.as_bytes(),
            ts: receipt.ts.to_string(),
            kind: receipt.kind.clone(),
            signature: *receipt.signature.as_bytes(),
            log: *identity.log.as_bytes(),
            genesis: *identity.genesis.as_bytes(),
        }
    }
}

/// Lower-case hex, without memory of its own: every append answers with five.
fn digits<const N: usize, S: Serializer>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
    let mut digits = [0; 2 * Signature::BYTES];
    let digits = digits.get_mut(..2 * N).unwrap_or_default();
    hex::encode_to_slice(bytes, digits).map_err(S::Error::custom)?;
    to.serialize_str(str::from_utf8(digits).map_err(S::Error::custom)?)
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
