//! What a decision was taken under, with the content of the documents that its
//! entry names: so that two can be compared.

use super::changes::{by_id, differences, lines};
use super::document::{Document, DocumentDigest};
use super::hall::Hall;
use super::kind;
use crate::ledger::entry::Entry;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::store::Store;
use crate::store::query::{Filter, QueryError, select};

/// The members of a context, or of a reload, that name a document.
const NAMED: [&str; 5] = ["rules", "config", "policy", "ban_list", "registry"];

/// The member of a reload that names the document of what was in the registry.
pub(super) const REGISTRY_DOCUMENT: &str = "registry_document";

/// The digest of the registry's records alone, which says no more than its parts do.
const REGISTRY: &str = "registry";

/// What an entry says decisions were taken under: a decision its context, a
/// reload what was taken up. None for entries of other kinds.
pub fn decided_under(store: &dyn Store, entry: &Entry) -> Result<Option<Value>, QueryError> {
    let payload = entry.check_payload().unwrap_or_default();
    let said = match entry.kind() {
        kind::DECISION => payload.get("context"),
        kind::RELOAD => payload.get("after"),
        _ => None,
    };
    let Some(Value::Object(said)) = said else {
        return Ok(None);
    };
    let mut under = Object::new();
    for (name, value) in said.iter() {
        let digest = value.as_str().and_then(DocumentDigest::parse);
        let document = match digest.filter(|_| NAMED.contains(&name)) {
            Some(digest) => find_document(store, digest)?,
            None => None,
        };
        let value = match document {
            Some((_, document)) if name == "rules" => by_id(document.content()),
            Some((_, document)) if name == "ban_list" => lines(document.content()),
            Some((_, document)) => document.content().clone(),
            None => value.clone(),
        };
        under.insert(name.to_owned(), value);
    }
    if let Some(Value::Object(parts)) = registry_of(store, &payload)? {
        under.remove(REGISTRY);
        for (name, part) in parts.iter() {
            under.insert(name.to_owned(), part.clone());
        }
    }
    Ok(Some(Value::Object(under)))
}

/// What was in the registry, where a reload names it.
fn registry_of(store: &dyn Store, payload: &Object) -> Result<Option<Value>, QueryError> {
    let named = payload.get(REGISTRY_DOCUMENT).and_then(Value::as_str);
    let Some(digest) = named.and_then(DocumentDigest::parse) else {
        return Ok(None);
    };
    let found = find_document(store, digest)?;
    Ok(found.map(|(_, document)| document.content().clone()))
}

/// The last reload of a whole Hall: that of a single worker names no rules.
///
/// # Errors
/// [`QueryError`].
pub fn last_reload(store: &dyn Store) -> Result<Option<(Seq, Entry)>, QueryError> {
    let filter = Filter {
        kinds: vec![kind::RELOAD.to_owned()],
        reverse: true,
        ..Filter::default()
    };
    for item in select(store, &filter)? {
        let (seq, entry) = item?;
        let payload = entry.check_payload().unwrap_or_default();
        if payload
            .get("after")
            .is_some_and(|after| after.get("rules").is_some())
        {
            return Ok(Some((seq, entry)));
        }
    }
    Ok(None)
}

/// The documents that a reload names.
pub fn named_in_reload(payload: &Object) -> Vec<DocumentDigest> {
    let after = payload.get("after");
    let named = NAMED.iter().filter_map(|name| after?.get(name));
    let named = named.chain(payload.get(REGISTRY_DOCUMENT));
    let named = named.filter_map(Value::as_str);
    named.filter_map(DocumentDigest::parse).collect()
}

/// The digests that the last reload of a whole Hall names, and what is different in
/// `hall`, in words; of what the ledger does not hold, by digest.
///
/// # Errors
/// [`QueryError`].
pub fn since_last_reload(
    store: &dyn Store,
    hall: &Hall,
) -> Result<Option<(Value, Vec<String>)>, QueryError> {
    let Some((_, entry)) = last_reload(store)? else {
        return Ok(None);
    };
    let payload = entry.check_payload().unwrap_or_default();
    let digests = payload.get("after").cloned().unwrap_or(Value::Null);
    let was = decided_under(store, &entry)?.unwrap_or(Value::Null);
    let mut is = match hall.digests() {
        Value::Object(is) => is,
        _ => Object::new(),
    };
    for document in hall.documents() {
        let digest = Value::from(document.digest());
        let names = NAMED.iter().filter(|name| digests_to(&is, name, &digest));
        let names: Vec<&str> = names.copied().collect();
        for name in names {
            let content = match name {
                "rules" => by_id(document.content()),
                "ban_list" => lines(document.content()),
                _ => document.content().clone(),
            };
            is.insert(name, content);
        }
    }
    if was.get(REGISTRY).is_none() {
        is.remove(REGISTRY);
        for (name, part) in hall.parts() {
            is.insert(name, part);
        }
    }
    Ok(Some((digests, differences(&was, &Value::Object(is)))))
}

fn digests_to(object: &Object, name: &str, digest: &Value) -> bool {
    object.get(name) == Some(digest)
}

pub fn find_document(
    store: &dyn Store,
    digest: DocumentDigest,
) -> Result<Option<(Seq, Document)>, QueryError> {
    let filter = Filter {
        kinds: vec![kind::DOCUMENT.to_owned()],
        document: Some(digest.to_string()),
        limit: Some(1),
        ..Filter::default()
    };
    let Some(item) = select(store, &filter)?.next() else {
        return Ok(None);
    };
    let (seq, entry) = item?;
    let payload = entry.check_payload().unwrap_or_default();
    let document = Document::from_payload(&payload).ok();
    Ok(document.map(|(_, document)| (seq, document)))
}
