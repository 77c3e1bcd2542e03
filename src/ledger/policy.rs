//! What a verification holds a log against.

use super::anchors::Anchor;
use super::hash::Hash;
use super::key::PublicKey;
use super::receipts::Receipts;

/// What a verification is to hold the log against.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The keys that are trusted; none means that nobody gave one.
    pub keys: Vec<PublicKey>,
    /// Whether entry signatures are checked. Signatures of headers and heads
    /// always are.
    pub signatures: bool,
    /// The hash that the last entry must have.
    pub expect_head: Option<Hash>,
    /// Positions that the log must hold.
    pub contains: Vec<Anchor>,
    /// What the log acknowledged.
    pub receipts: Option<Receipts>,
}

impl Policy {
    /// Whether something was given that a log with its end cut off would not
    /// hold.
    #[must_use]
    pub fn anchors_the_end(&self) -> bool {
        let receipts = self.receipts.as_ref().is_some_and(|r| !r.is_empty());
        self.expect_head.is_some() || !self.contains.is_empty() || receipts
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            keys: Vec::new(),
            signatures: true,
            expect_head: None,
            contains: Vec::new(),
            receipts: None,
        }
    }
}
