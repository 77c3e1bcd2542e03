//! Why the registry gave no answer.

use std::time::Duration;

use thiserror::Error;

use crate::ledger::hexadecimal::HexError;
use crate::ledger::parse::ParseError;
use crate::ledger::shape::MemberError;

/// Why the registry gave no answer that can be used. No variant holds a token
/// or what was sent.
#[derive(Debug, Error)]
pub enum RegistryError {
    #[error("the registry's URL is neither https nor on this machine")]
    Url,
    #[error("the worker id is empty, `.` or `..`")]
    WorkerId,
    #[error("the hash: {0}")]
    Hash(#[from] HexError),
    #[error("this needs a token")]
    NoToken,
    #[error("the registry asks for fewer requests")]
    RateLimited { retry_after: Option<Duration> },
    #[error("the registry refused the credentials ({status})")]
    Unauthorized { status: u16 },
    #[error("the registry redirects ({status}), which is not followed")]
    Redirected { status: u16 },
    #[error("the registry answered {status}")]
    Status { status: u16 },
    #[error("the answer is {}, not application/json", found.as_deref().unwrap_or("of no type"))]
    ContentType { found: Option<String> },
    #[error("the answer is longer than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the registry did not answer in time")]
    Timeout,
    #[error("the registry could not be reached, or the answer broke off")]
    Transport(#[source] Box<ureq::Error>),
    #[error("the answer: {0}")]
    Json(#[from] ParseError),
    #[error("the answer: {0}")]
    Member(#[from] MemberError),
    #[error("the answer's {member} is not what was asked about")]
    OtherSubject { member: &'static str },
    #[error("the ban list has more than the {limit} entries that came")]
    BanListTruncated { limit: usize },
}
