//! Terms: what entries can be found by.
//!
//! A term is a field and a digest of its value, 17 bytes whatever the value's
//! length. Two values may share a digest, so a posting is a hint: a reader that finds
//! an entry by a term checks the entry itself ([`Facts`](super::facts::Facts)).

use crate::ledger::hash::Hash;

pub use crate::producers::SearchField;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermKey([u8; TermKey::BYTES]);

impl TermKey {
    pub const BYTES: usize = 1 + 16;

    pub fn new(field: SearchField, value: &str) -> TermKey {
        TermKey::of_digest(field, &Hash::of(value.as_bytes()))
    }

    /// The term of the value with this digest.
    pub(super) fn of_digest(field: SearchField, digest: &Hash) -> TermKey {
        let mut bytes = [field as u8; TermKey::BYTES];
        for (to, from) in bytes.iter_mut().skip(1).zip(digest.as_bytes()) {
            *to = *from;
        }
        TermKey(bytes)
    }

    pub fn of_bool(field: SearchField, value: bool) -> TermKey {
        TermKey::new(field, if value { "true" } else { "false" })
    }

    pub const fn as_bytes(&self) -> &[u8; TermKey::BYTES] {
        &self.0
    }
}
