//! A registry's ban list as one that a Hall can ask, with its text.

use std::sync::Arc;

use crate::attestation::{BanList, BanListError};
use crate::ledger::json::Value;
use crate::ledger::sha256::Sha256Digest;
use crate::wcp::hall;

/// A ban list, and the text that it was read from.
#[derive(Clone, Debug)]
pub struct BanText {
    list: BanList,
    text: Arc<str>,
}

impl BanText {
    /// Reads a list in either of its spellings.
    ///
    /// # Errors
    /// [`BanListError`] names the item or line.
    pub fn parse(text: &[u8]) -> Result<BanText, BanListError> {
        let list = BanList::parse(text)?;
        let text = std::str::from_utf8(text).map_err(|_| BanListError::NotUtf8)?;
        Ok(BanText {
            list,
            text: text.into(),
        })
    }
}

impl hall::BanList for BanText {
    /// A malformed hash is on no list; what has one is denied elsewhere.
    fn is_banned(&self, sha256: &str) -> bool {
        let digest = Sha256Digest::from_hex(sha256);
        digest.is_ok_and(|digest| self.list.find(&digest).is_some())
    }

    /// The text, whose digest is [`BanList::document`].
    fn document(&self) -> Option<Value> {
        Some(Value::from(&*self.text))
    }
}
