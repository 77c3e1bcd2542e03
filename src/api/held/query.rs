//! The query of a request.

use std::fmt::Write as _;

use serde::Serialize;

use crate::ledger::json::{Form, Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::logbook::error::ServerRefusal;
use crate::store::query::Filter;

/// A path with its query.
#[derive(Clone, Debug)]
pub struct Query {
    path: String,
    begun: bool,
}

impl Query {
    /// A path without one.
    #[must_use]
    pub fn new(path: &str) -> Query {
        Query {
            path: path.to_owned(),
            begun: false,
        }
    }

    /// Adds a segment of the path.
    pub fn segment(&mut self, name: &str) {
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        self.encode(name);
    }

    /// Adds a parameter.
    pub fn add(&mut self, name: &str, value: &str) {
        self.path.push(if self.begun { '&' } else { '?' });
        self.begun = true;
        self.path.push_str(name);
        self.path.push('=');
        self.encode(value);
    }

    fn encode(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    self.path.push(char::from(byte));
                }
                // Writing to memory does not fail.
                other => drop(write!(self.path, "%{other:02X}")),
            }
        }
    }

    /// Adds the conditions of a filter.
    ///
    /// # Errors
    /// As [`conditions`].
    pub fn filter(&mut self, filter: &Filter) -> Result<(), ServerRefusal> {
        let conditions = conditions(filter)?;
        for (name, value) in conditions.as_object().into_iter().flat_map(Object::iter) {
            match value {
                Value::Array(texts) => {
                    for text in texts.iter().filter_map(Value::as_str) {
                        self.add(name, text);
                    }
                }
                Value::String(text) => self.add(name, text),
                other => self.add(name, &other.canonical(Form::Utf8)),
            }
        }
        Ok(())
    }

    /// The whole.
    #[must_use]
    pub fn finish(self) -> String {
        self.path
    }
}

/// The conditions of a filter as a server takes them: the parameters of a path, or the
/// members of a `query` in a body.
#[derive(Serialize)]
struct Conditions<'f> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    kind: &'f [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_json: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_seq: Option<Seq>,
}

/// The conditions of a filter, each under its name: an object.
///
/// # Errors
/// [`ServerRefusal`] for what servers are not asked: a limit, another order.
pub fn conditions(filter: &Filter) -> Result<Value, ServerRefusal> {
    if filter.limit.is_some() || filter.reverse {
        return Err(ServerRefusal {
            code: "usage",
            detail: "a server that holds the ledger is asked without --limit and --reverse"
                .to_owned(),
        });
    }
    Ok(shape::write(&Conditions {
        kind: &filter.kinds,
        since: filter.since.map(|time| time.to_string()),
        until: filter.until.map(|time| time.to_string()),
        tenant: filter.tenant.as_deref(),
        tenant_json: filter.tenant_json.as_deref(),
        correlation: filter.correlation.as_deref(),
        worker: filter.worker.as_deref(),
        decision: filter.decision.as_deref(),
        denied: filter.denied,
        from_seq: filter.from_seq,
        until_seq: filter.until_seq,
    }))
}
