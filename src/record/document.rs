//! Documents: what decisions refer to by digest, stored once each.

use serde::Deserialize;

use crate::ledger::document;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError};

pub use crate::ledger::document::DocumentDigest;

const JSON: &str = "application/json";

const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    digest: DocumentDigest,
    media_type: String,
    content: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    digest: DocumentDigest,
    media_type: String,
    content: Value,
}

impl Document {
    pub fn new(content: Value) -> Document {
        let media_type = match content {
            Value::String(_) => TEXT,
            _ => JSON,
        };
        Document {
            digest: DocumentDigest::of(&content),
            media_type: media_type.to_owned(),
            content,
        }
    }

    pub const fn digest(&self) -> DocumentDigest {
        self.digest
    }

    pub const fn content(&self) -> &Value {
        &self.content
    }

    /// The payload of a `wcp.document`: `{"digest", "media_type", "content"}`.
    pub fn to_payload(&self) -> Object {
        document::payload(&self.media_type, self.content.clone())
    }

    /// Reads a payload, and gives the digest that it names beside the document:
    /// they differ where somebody changed the one or the other.
    pub fn from_payload(payload: &Object) -> Result<(DocumentDigest, Document), MemberError> {
        let read: Payload = shape::read_object(payload, "")?;
        let document = Document {
            media_type: read.media_type,
            ..Document::new(read.content)
        };
        Ok((read.digest, document))
    }
}
