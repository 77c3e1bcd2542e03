//! The name of a document: its digest.

use std::fmt;

use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Value};

/// What the text of a digest begins with.
const PREFIX: &str = "blake2b-256:";

/// BLAKE2b-256 over the canonical JSON of a document's content, or over its
/// UTF-8 bytes if it is a string. Written `blake2b-256:` and 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentDigest(Hash);

impl DocumentDigest {
    /// The digest of `content`.
    #[must_use]
    pub fn of(content: &Value) -> DocumentDigest {
        DocumentDigest(match content {
            Value::String(text) => Hash::of(text.as_bytes()),
            other => Hash::of(other.canonical(Form::Utf8).as_bytes()),
        })
    }

    /// Reads the one spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<DocumentDigest> {
        let digits = text.strip_prefix(PREFIX)?;
        Hash::from_hex(digits).ok().map(DocumentDigest)
    }
}

impl fmt::Display for DocumentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl From<DocumentDigest> for Value {
    fn from(digest: DocumentDigest) -> Value {
        Value::String(digest.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::json::Object;

    #[test]
    fn text_is_hashed_as_it_is_and_all_else_in_canonical_form() {
        let text = DocumentDigest::of(&Value::from("{}"));
        assert_eq!(text, DocumentDigest::of(&Value::Object(Object::new())));
        assert_eq!(text.to_string(), format!("blake2b-256:{}", Hash::of(b"{}")));
        assert_eq!(DocumentDigest::parse(&text.to_string()), Some(text));
        for other in [
            Hash::of(b"{}").to_string(),
            text.to_string().to_uppercase(),
            format!("{text}0"),
        ] {
            assert_eq!(DocumentDigest::parse(&other), None, "{other}");
        }
    }
}
