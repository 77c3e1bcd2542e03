//! The query of a request.

use std::fmt::Write as _;

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
    /// [`ServerRefusal`] for what servers are not asked: a limit, another order.
    pub fn filter(&mut self, filter: &Filter) -> Result<(), ServerRefusal> {
        if filter.limit.is_some() || filter.reverse {
            return Err(ServerRefusal {
                code: "usage",
                detail: "a server that holds the ledger gives evidence without --limit and \
                         --reverse"
                    .to_owned(),
            });
        }
        for kind in &filter.kinds {
            self.add("kind", kind);
        }
        let texts = [
            ("since", filter.since.map(|time| time.to_string())),
            ("until", filter.until.map(|time| time.to_string())),
            ("tenant", filter.tenant.clone()),
            ("tenant_json", filter.tenant_json.clone()),
            ("correlation", filter.correlation.clone()),
            ("worker", filter.worker.clone()),
            ("decision", filter.decision.clone()),
            ("denied", filter.denied.map(|denied| denied.to_string())),
            ("from_seq", filter.from_seq.map(|seq| seq.to_string())),
            ("until_seq", filter.until_seq.map(|seq| seq.to_string())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                self.add(name, &text);
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
