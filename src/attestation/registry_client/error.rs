//! Why the registry gave no answer.

use std::time::Duration;

use thiserror::Error;

use crate::ledger::hexadecimal::HexError;
use crate::ledger::parse::ParseError;
use crate::ledger::shape::MemberError;

/// Why the registry gave no answer that can be used. No variant holds a token
/// or what was sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The base URL is not `https`, nor `http` to this machine.
    #[error("the registry's URL is neither https nor on this machine")]
    Url,
    /// A worker id that cannot stand in a path.
    #[error("the worker id is empty, `.` or `..`")]
    WorkerId,
    /// A hash that is not one; nothing was sent.
    #[error("the hash: {0}")]
    Hash(#[from] HexError),
    /// The request needs a token and there is none; nothing was sent.
    #[error("this needs a token")]
    NoToken,
    /// Too many requests (429).
    #[error("the registry asks for fewer requests")]
    RateLimited {
        /// After how long it can be asked again, if it says.
        retry_after: Option<Duration>,
    },
    /// The token was not accepted (401, 403).
    #[error("the registry refused the credentials ({status})")]
    Unauthorized {
        /// The status.
        status: u16,
    },
    /// The registry points elsewhere, where nobody follows.
    #[error("the registry redirects ({status}), which is not followed")]
    Redirected {
        /// The status.
        status: u16,
    },
    /// Any other status that is no success.
    #[error("the registry answered {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The answer is not said to be JSON.
    #[error("the answer is {found:?}, not application/json")]
    ContentType {
        /// What it is said to be; none if nothing is said.
        found: Option<String>,
    },
    /// The answer is longer than any may be.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// How long it may be.
        limit: u64,
    },
    /// Time ran out.
    #[error("the registry did not answer in time")]
    Timeout,
    /// The connection failed or broke.
    #[error("the registry could not be reached, or the answer broke off")]
    Transport(#[source] Box<ureq::Error>),
    /// The answer is not JSON.
    #[error("the answer: {0}")]
    Json(#[from] ParseError),
    /// The answer has another shape.
    #[error("the answer: {0}")]
    Member(#[from] MemberError),
    /// The answer is about something else than was asked.
    #[error("the answer's {member} is not what was asked about")]
    OtherSubject {
        /// Which member.
        member: &'static str,
    },
    /// The hash is not among what came, and more was held back.
    #[error("the ban list has more than the {limit} entries that came")]
    BanListTruncated {
        /// How many were asked for.
        limit: usize,
    },
}
