//! What a token allows.

use crate::ledger::words::words;

words! {
    /// A right that a token carries.
    pub enum Scope: "read, append, route, enrol, ingest, attest, approve or admin" {
        Read = "read",
        Append = "append",
        Route = "route",
        Enrol = "enrol",
        Ingest = "ingest",
        Attest = "attest",
        Approve = "approve",
        /// Seal, and see the limits and figures of the server.
        Admin = "admin",
    }
}

impl Scope {
    /// What anyone on this machine may do while there are no tokens.
    pub const WITHOUT_TOKENS: [Scope; 3] = [Scope::Read, Scope::Append, Scope::Route];

    /// What the members of the group of a socket may do.
    pub const OF_A_GROUP: [Scope; 4] = [Scope::Append, Scope::Route, Scope::Attest, Scope::Enrol];
}
