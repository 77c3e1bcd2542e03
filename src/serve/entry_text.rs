//! Entries and receipts as they are sent.

use serde::Serialize;
use serde::ser::{Error as _, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signature};
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::time::Timestamp;
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
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryItem<'e> {
    /// As in a file: `kind`, `payload`, `prev_hash`, `seq`, `signature`, `ts`.
    entry: EntryMembers<'e>,
    /// The epoch that seals it, once one does.
    #[schema(value_type = Option<u64>)]
    epoch: Option<EpochNumber>,
    /// Its hash.
    #[schema(value_type = String)]
    hash: Hash,
}

/// An entry as in a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryMembers<'e> {
    kind: &'e str,
    /// Its bytes as they were signed.
    #[schema(value_type = Object)]
    payload: &'e RawValue,
    #[schema(value_type = String)]
    prev_hash: Hash,
    #[schema(value_type = u64)]
    seq: Seq,
    #[schema(value_type = String)]
    signature: Signature,
    #[schema(value_type = String)]
    ts: Timestamp,
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

/// Writes an [`EntryItem`].
pub(super) fn write_item(
    store: &dyn Store,
    seq: Seq,
    entry: &Entry,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let epoch = store.epoch_of(seq)?;
    let item = EntryItem {
        entry: EntryMembers {
            kind: entry.kind(),
            payload: serde_json::from_slice(entry.payload_bytes())
                .map_err(|_| Problem::Abandoned)?,
            prev_hash: entry.prev_hash(),
            seq,
            signature: entry.signature(),
            ts: entry.ts(),
        },
        epoch,
        hash: entry.hash(),
    };
    serde_json::to_writer(out, &item).map_err(|_| Problem::Abandoned)?;
    Ok(())
}
