//! Terms: what entries can be found by.
//!
//! A term is a field and a digest of its value, 17 bytes whatever the value's
//! length. Two values may share a digest, so a posting is a hint: a reader that finds
//! an entry by a term checks the entry itself ([`Facts`](super::facts::Facts)).

use crate::ledger::hash::Hash;

pub use crate::producers::Field;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term([u8; Term::BYTES]);

impl Term {
    pub const BYTES: usize = 1 + 16;

    pub fn new(field: Field, value: &str) -> Term {
        Term::of_digest(field, &Hash::of(value.as_bytes()))
    }

    /// The term of the value with this digest.
    pub(super) fn of_digest(field: Field, digest: &Hash) -> Term {
        let mut bytes = [field as u8; Term::BYTES];
        for (to, from) in bytes.iter_mut().skip(1).zip(digest.as_bytes()) {
            *to = *from;
        }
        Term(bytes)
    }

    pub fn of_bool(field: Field, value: bool) -> Term {
        Term::new(field, if value { "true" } else { "false" })
    }

    pub const fn as_bytes(&self) -> &[u8; Term::BYTES] {
        &self.0
    }
}
