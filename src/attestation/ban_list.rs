//! Package hashes that nobody may run, whoever attested them.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::ledger::hash::Hash;
use crate::ledger::hexadecimal::HexError;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;

/// One banned hash, as the registry lists them (SPEC §7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanEntry {
    /// The package hash.
    pub sha256: Sha256Digest,
    /// Why.
    pub reason: String,
    /// When, as the registry writes it.
    pub reported_at: Option<String>,
    /// Who says so.
    pub source: Option<String>,
    /// Where its review stands.
    pub review_status: Option<String>,
}

impl BanEntry {
    /// Reads `{"sha256", "reason", "reported_at", "source", "review_status"}`,
    /// of which only the first is required. Other members are ignored: the
    /// list is the registry's, and what it adds cannot unban anything.
    ///
    /// # Errors
    /// [`MemberError`] names the member; `at` is the path it begins with.
    pub fn from_value(value: &Value, at: &str) -> Result<BanEntry, MemberError> {
        let mut members = Members::of(value, at)?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(BanEntry {
            sha256: Sha256Digest::from_bytes(members.hex("sha256")?),
            reason: owned(members.opt_str("reason")?).unwrap_or_default(),
            reported_at: owned(members.opt_str("reported_at")?),
            source: owned(members.opt_str("source")?),
            review_status: owned(members.opt_str("review_status")?),
        })
    }

    /// Whether it bans: what is still to be reviewed, or was dismissed, is what
    /// somebody says. A list that gives no status holds what was confirmed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let status = self.review_status.as_deref();
        status.is_none_or(|status| status == "confirmed")
    }

    /// `{"sha256", "reason", "reported_at", "source", "review_status"}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        object.insert("sha256", self.sha256.to_string());
        object.insert("reason", self.reason.as_str());
        object.insert("reported_at", self.reported_at.clone());
        object.insert("source", self.source.clone());
        object.insert("review_status", self.review_status.clone());
        Value::Object(object)
    }
}

/// Why a ban list was not read. A list that is half understood would let
/// through what the other half bans.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum BanListError {
    /// The text begins like JSON and is none.
    #[error(transparent)]
    Json(#[from] ParseError),
    /// An item of the JSON list is not one.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A line of plain text does not begin with a hash.
    #[error("line {line}: {error}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        error: HexError,
    },
}

/// A set of banned hashes and the digest of the document it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanList {
    entries: BTreeMap<Sha256Digest, BanEntry>,
    document: Hash,
}

impl BanList {
    /// Reads a list: JSON as the registry gives it, `[{"sha256", "reason", …}]`,
    /// or plain lines of a hash and, after white space, a reason; blank lines
    /// and such that begin with `#` say nothing.
    ///
    /// # Errors
    /// [`BanListError`] names the item or line.
    pub fn parse(text: &[u8]) -> Result<BanList, BanListError> {
        let entries = match text.trim_ascii_start().first() {
            Some(b'[') => from_json(&parse::parse(text)?)?,
            _ => from_lines(text)?,
        };
        Ok(BanList {
            entries: entries
                .into_iter()
                .map(|entry| (entry.sha256, entry))
                .collect(),
            document: Hash::of(text),
        })
    }

    /// The entry that bans `sha256`.
    #[must_use]
    pub fn find(&self, sha256: &Sha256Digest) -> Option<&BanEntry> {
        self.entries.get(sha256)
    }

    /// BLAKE2b-256 of the text the list was read from: with it a record names
    /// the list that was consulted.
    #[must_use]
    pub const fn document(&self) -> Hash {
        self.document
    }

    /// The entries, by their hashes.
    pub fn entries(&self) -> impl Iterator<Item = &BanEntry> {
        self.entries.values()
    }

    /// How many hashes are banned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is banned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn from_json(list: &Value) -> Result<Vec<BanEntry>, BanListError> {
    let items = list.as_array().ok_or(MemberError {
        at: String::new(),
        problem: MemberProblem::WrongType {
            expected: "an array",
        },
    })?;
    let entries = items.iter().enumerate();
    let entries = entries.map(|(index, item)| BanEntry::from_value(item, &format!("[{index}]")));
    Ok(entries.collect::<Result<_, _>>()?)
}

fn from_lines(text: &[u8]) -> Result<Vec<BanEntry>, BanListError> {
    let text = std::str::from_utf8(text).map_err(|_| BanListError::NotUtf8)?;
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (hash, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let sha256 = Sha256Digest::from_hex(hash);
        entries.push(BanEntry {
            sha256: sha256.map_err(|error| BanListError::Line {
                line: index + 1,
                error,
            })?,
            reason: reason.trim().to_owned(),
            reported_at: None,
            source: None,
            review_status: None,
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    #[test]
    fn both_spellings_ban_the_same_hash() {
        let hash = Sha256Digest::of(b"x");
        let json = format!(r#"[{{"sha256": "{hash}", "reason": "steals", "more": 1}}]"#);
        let lines = format!("# banned\n\n{hash}  steals\n");
        for text in [json, lines] {
            let list = BanList::parse(text.as_bytes()).unwrap();
            assert_eq!(list.find(&hash).unwrap().reason, "steals");
            assert_eq!(list.document(), Hash::of(text.as_bytes()));
        }
        assert!(BanList::parse(b"").unwrap().is_empty());
    }

    #[test]
    fn a_list_that_is_not_wholly_understood_is_refused() {
        let upper = Sha256Digest::of(b"x").to_string().to_uppercase();
        let error = BanList::parse(format!("\n{upper}\n").as_bytes()).unwrap_err();
        assert!(matches!(error, BanListError::Line { line: 2, .. }));
        assert!(matches!(
            BanList::parse(b"[{}]"),
            Err(BanListError::Member(_))
        ));
        assert!(matches!(BanList::parse(b"[{]"), Err(BanListError::Json(_))));
        assert_eq!(BanList::parse(b"\xff"), Err(BanListError::NotUtf8));
    }
}
