//! What must not run: hashes of code and packages, workers, namespaces.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::identity::namespace;
use crate::ledger::document::DocumentDigest;
use crate::ledger::hexadecimal::HexError;
use crate::ledger::json::{Form, Value};
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError, MemberProblem};

/// One banned hash, as the registry lists them (SPEC §7). Other members are
/// ignored: the list is the registry's, and what it adds cannot unban anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanEntry {
    pub sha256: Sha256Digest,
    #[serde(default, deserialize_with = "shape::or_default")]
    pub reason: String,
    pub reported_at: Option<String>,
    pub source: Option<String>,
    pub review_status: Option<String>,
}

impl BanEntry {
    /// Whether it bans: what is still to be reviewed, or was dismissed, is what
    /// somebody says. A list that gives no status holds what was confirmed.
    pub fn is_confirmed(&self) -> bool {
        let status = self.review_status.as_deref();
        status.is_none_or(|status| status == "confirmed")
    }

    /// `{"sha256", "reason", "reported_at", "source", "review_status"}`.
    pub fn to_value(&self) -> Value {
        shape::write(self)
    }
}

/// Why a ban list was not read. A list that is half understood would let
/// through what the other half bans.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BanListError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("not UTF-8")]
    NotUtf8,
    #[error("line {line}: {error}")]
    Line {
        line: usize,
        #[source]
        error: HexError,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct BanList {
    entries: BTreeMap<Sha256Digest, BanEntry>,
    /// Hashes that stand alone, well-formed or not.
    plain: BTreeSet<String>,
    named: BTreeMap<ListedHash, String>,
    document: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListedHash {
    Worker(String),
    /// `x.<name>` or `org.<name>`.
    Namespace(String),
}

/// An item of a list that may name others than a hash.
#[derive(Deserialize)]
struct NamedItem {
    worker_id: Option<String>,
    namespace: Option<String>,
    #[serde(default, deserialize_with = "shape::or_default")]
    reason: String,
}

impl ListedHash {
    /// The member of a list's item that names it, and the name.
    pub fn member(&self) -> (&'static str, &str) {
        match self {
            ListedHash::Worker(id) => ("worker_id", id),
            ListedHash::Namespace(name) => ("namespace", name),
        }
    }
}

impl BanList {
    /// Reads a list: JSON as the registry gives it, `[{"sha256", "reason", …}]`,
    /// where an item may have `worker_id` or `namespace` in the place of
    /// `sha256`; or plain lines of a hash and, after white space, a reason.
    /// Blank lines and such that begin with `#` say nothing.
    pub fn parse(text: &[u8]) -> Result<BanList, BanListError> {
        let utf8 = std::str::from_utf8(text).map_err(|_| BanListError::NotUtf8);
        let mut list = BanList::of(Value::Null);
        match text.trim_ascii_start().first() {
            Some(b'[') => list.add_items(&parse::parse(text)?, BanList::add_item)?,
            _ => list.add_lines(utf8.clone()?)?,
        }
        list.document = Value::from(utf8?);
        Ok(list)
    }

    /// The list of plain hashes, well-formed or not.
    pub fn of_hashes<'h>(hashes: impl IntoIterator<Item = &'h str>) -> BanList {
        let plain: BTreeSet<String> = hashes.into_iter().map(str::to_owned).collect();
        let document = plain.iter().map(|hash| Value::from(hash.as_str()));
        let document = Value::Array(document.collect());
        BanList {
            plain,
            ..BanList::of(document)
        }
    }

    pub fn from_document(document: &Value) -> Result<BanList, BanListError> {
        match document {
            Value::String(text) => BanList::parse(text.as_bytes()),
            other => {
                let mut list = BanList::of(other.clone());
                list.add_items(other, BanList::add_any)?;
                Ok(list)
            }
        }
    }

    /// This list, or an empty one, with more on it.
    pub fn with(list: Option<&BanList>, more: &[Value]) -> Result<BanList, BanListError> {
        let mut items = more.to_vec();
        if let Some(list) = list {
            items.extend(list.entries.values().map(BanEntry::to_value));
            items.extend(list.plain.iter().map(|hash| Value::from(hash.as_str())));
            items.extend(list.named.iter().map(|(named, reason)| {
                let (member, name) = named.member();
                let members = [(member, name), ("reason", reason.as_str())];
                Value::Object(members.into_iter().collect())
            }));
        }
        items.sort_by_cached_key(|item| item.canonical(Form::Utf8));
        BanList::from_document(&Value::Array(items))
    }

    const fn of(document: Value) -> BanList {
        BanList {
            entries: BTreeMap::new(),
            plain: BTreeSet::new(),
            named: BTreeMap::new(),
            document,
        }
    }

    pub fn find(&self, sha256: &Sha256Digest) -> Option<&BanEntry> {
        self.entries.get(sha256)
    }

    /// Whether code of this hash is banned. A malformed hash is on no list but
    /// one of plain hashes.
    pub fn is_banned(&self, sha256: &str) -> bool {
        let digest = Sha256Digest::from_hex(sha256);
        digest.is_ok_and(|digest| self.entries.contains_key(&digest)) || self.plain.contains(sha256)
    }

    /// Why a worker is banned: it, or its namespace.
    pub fn find_worker(&self, worker_id: &str) -> Option<&str> {
        let worker = || self.named.get(&ListedHash::Worker(worker_id.to_owned()));
        let namespace = || {
            let name = namespace(worker_id).ok()?;
            self.named.get(&ListedHash::Namespace(name.to_owned()))
        };
        if self.named.is_empty() {
            return None;
        }
        worker().or_else(namespace).map(String::as_str)
    }

    /// What the list was read from: text, or an array of items. With it anyone
    /// can tell the same.
    pub const fn document(&self) -> &Value {
        &self.document
    }

    pub fn digest(&self) -> DocumentDigest {
        DocumentDigest::of(&self.document)
    }

    pub fn entries(&self) -> impl Iterator<Item = &BanEntry> {
        self.entries.values()
    }

    /// Workers and namespaces that are banned, and why.
    pub fn named(&self) -> impl Iterator<Item = (&ListedHash, &str)> {
        self.named
            .iter()
            .map(|(named, reason)| (named, reason.as_str()))
    }

    pub fn len(&self) -> usize {
        self.entries.len() + self.plain.len() + self.named.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add_items(
        &mut self,
        list: &Value,
        add: fn(&mut BanList, &Value, &str) -> Result<(), MemberError>,
    ) -> Result<(), BanListError> {
        let items = list.as_array().ok_or(MemberError {
            at: String::new(),
            problem: MemberProblem::WrongType {
                expected: "an array".into(),
            },
        })?;
        for (index, item) in items.iter().enumerate() {
            add(self, item, &format!("[{index}]"))?;
        }
        Ok(())
    }

    /// Of a document of ours, in which a hash may stand alone.
    fn add_any(&mut self, item: &Value, at: &str) -> Result<(), MemberError> {
        match item {
            Value::String(hash) => {
                self.plain.insert(hash.clone());
                Ok(())
            }
            other => self.add_item(other, at),
        }
    }

    fn add_item(&mut self, item: &Value, at: &str) -> Result<(), MemberError> {
        let said: NamedItem = shape::read(item, at)?;
        let names = [
            said.worker_id.map(ListedHash::Worker),
            said.namespace.map(ListedHash::Namespace),
        ];
        if item.get("sha256").is_some() || names.iter().all(Option::is_none) {
            let entry = shape::read::<BanEntry>(item, at)?;
            self.entries.insert(entry.sha256, entry);
            return Ok(());
        }
        let names = names.into_iter().flatten();
        self.named
            .extend(names.map(|name| (name, said.reason.clone())));
        Ok(())
    }

    fn add_lines(&mut self, text: &str) -> Result<(), BanListError> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (hash, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let sha256 = Sha256Digest::from_hex(hash);
            let entry = BanEntry {
                sha256: sha256.map_err(|error| BanListError::Line {
                    line: index + 1,
                    error,
                })?,
                reason: reason.trim().to_owned(),
                reported_at: None,
                source: None,
                review_status: None,
            };
            self.entries.insert(entry.sha256, entry);
        }
        Ok(())
    }
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
            assert_eq!(list.document(), &Value::from(text.as_str()));
        }
        assert!(BanList::parse(b"").unwrap().is_empty());
    }

    #[test]
    fn workers_and_namespaces_are_banned_by_name_and_stay_so_in_a_longer_list() {
        let text = br#"[{"worker_id": "org.a.w", "reason": "r"}, {"namespace": "x.b"}]"#;
        let list = BanList::parse(text).unwrap();
        let hash = Sha256Digest::of(b"x").to_string();
        let more = Value::Object([("sha256", hash.as_str())].into_iter().collect());
        let longer = BanList::with(Some(&list), &[more]).unwrap();
        for list in [
            &list,
            &longer,
            &BanList::from_document(longer.document()).unwrap(),
        ] {
            assert_eq!(list.find_worker("org.a.w"), Some("r"));
            assert_eq!(list.find_worker("x.b.any"), Some(""));
            assert_eq!(list.find_worker("org.a.v"), None);
        }
        assert!(longer.is_banned(&hash) && !list.is_banned(&hash));
        assert_eq!(longer.len(), 3);
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
