//! What a decision was taken under, with the content of the documents that its
//! entry names: so that two can be compared.

use super::changes::{by_id, lines};
use super::document::{Document, DocumentDigest};
use super::kind;
use crate::ledger::entry::Entry;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::store::Store;
use crate::store::query::{Filter, QueryError, select};

/// The members of a context, or of a reload, that name a document.
const NAMED: [&str; 5] = ["rules", "config", "policy", "ban_list", "registry"];

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
    Ok(Some(Value::Object(under)))
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
