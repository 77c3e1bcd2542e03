//! What can be taken out of a decision's entry, and how the rest of it is read.
//!
//! Members of the request can. Digests over the request stand in the entry, too:
//! `input_hash`, `request_digest`, and those of the answer, the receipt and the telemetry,
//! which repeat the first. A digest without a salt lets anybody try which request it was,
//! so with the first member they become commitments themselves, and are erased with it.

use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::take_closed_out;

use super::kind;

/// What can be taken out, and what lies in it. The rest of the request is what a decision
/// is found by.
pub const PLACES: [&str; 5] = [
    "/input/blast_radius",
    "/input/privilege_context",
    "/input/request",
    REQUEST_DIGEST,
    "/input/tenant_credential_sha256",
];

/// The digests over a request in a decision's entry.
pub const OVER_REQUEST: [&str; 3] = [DIGESTS, INPUT_HASH, REQUEST_DIGEST];

const DIGESTS: &str = "/digests";
const REQUEST_DIGEST: &str = "/input/request_digest";

/// In a decision, and in an approval of it.
pub const INPUT_HASH: &str = "/input_hash";

/// Whether it is `outer`, or lies in it.
#[must_use]
pub fn is_within(pointer: &Pointer, outer: &str) -> bool {
    let rest = pointer.as_str().strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The digests that are erased with a member of an entry of this kind, for they are over
/// it.
#[must_use]
pub fn erased_with(kind: &str, pointer: &Pointer) -> &'static [&'static str] {
    match kind == kind::DECISION && is_within(pointer, "/input") {
        true => &OVER_REQUEST,
        false => &[],
    }
}

/// Makes a decision's payload one that can be read without what does not stand in it:
/// members of the request go, digests say nothing. Gives where that was.
pub fn without_closed(payload: &mut Object) -> Vec<(Pointer, Hash)> {
    let mut whole = Value::Object(std::mem::take(payload));
    let closed = take_closed_out(&mut whole);
    if let Value::Object(members) = whole {
        *payload = members;
    }
    let zeros = Hash::ZERO.to_string();
    for (pointer, _) in &closed {
        match pointer.as_str() {
            INPUT_HASH => {
                payload.insert("input_hash", "");
            }
            DIGESTS => {
                let zero = |name| (name, Value::from(zeros.as_str()));
                let digests = ["decision", "receipt", "telemetry"].map(zero);
                payload.insert("digests", Value::Object(digests.into_iter().collect()));
            }
            REQUEST_DIGEST => {
                if let Some(Value::Object(input)) = payload.get_mut("input") {
                    input.insert("request_digest", format!("blake2b-256:{zeros}"));
                }
            }
            _ => {}
        }
    }
    closed
}
