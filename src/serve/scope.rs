//! What a token allows.

use std::fmt;

use serde::de::{Deserialize, Deserializer};

use crate::ledger::shape::{self, written_as};

/// A right that a token carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Read,
    Append,
    Route,
    Enrol,
    Ingest,
    Attest,
    Approve,
    /// Seal, and see the limits and figures of the server.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 8] = [
        Scope::Read,
        Scope::Append,
        Scope::Route,
        Scope::Enrol,
        Scope::Ingest,
        Scope::Attest,
        Scope::Approve,
        Scope::Admin,
    ];

    /// What anyone on this machine may do while there are no tokens.
    pub const WITHOUT_TOKENS: [Scope; 3] = [Scope::Read, Scope::Append, Scope::Route];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Append => "append",
            Scope::Route => "route",
            Scope::Enrol => "enrol",
            Scope::Ingest => "ingest",
            Scope::Attest => "attest",
            Scope::Approve => "approve",
            Scope::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

written_as!(Scope, as_str);

impl<'v> Deserialize<'v> for Scope {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Scope, D::Error> {
        let expected = "read, append, route, enrol, ingest, approve or admin";
        shape::read_text(deserializer, expected, Scope::parse)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
