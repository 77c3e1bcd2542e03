//! Why a member was refused, and where it stands.

use super::time::TimeError;

/// A member that is not as its format wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(at))]
pub struct MemberError {
    /// The path to it, such as `payload.nonce`; empty for the document itself.
    pub at: String,
    /// What is wrong.
    pub problem: MemberProblem,
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberProblem {
    /// It is required and absent.
    #[error("missing")]
    Missing,
    /// The format has no such member.
    #[error("unknown member")]
    Unknown,
    /// It is of another JSON type.
    #[error("not {expected}")]
    WrongType {
        /// The type that it should have, with its article.
        expected: &'static str,
    },
    /// It is an integer, but not one that this member can hold.
    #[error("out of range")]
    OutOfRange,
    /// It is not exactly so many lower-case hex digits.
    #[error("not {digits} lower-case hex digits")]
    BadHex {
        /// How many.
        digits: usize,
    },
    /// It is no timestamp, or not in canonical form.
    #[error(transparent)]
    BadTime(#[from] TimeError),
    /// It is none of the values that this member can have.
    #[error("not {expected}")]
    BadValue {
        /// What it should be.
        expected: &'static str,
    },
}

fn prefix(at: &str) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("{at}: ")
    }
}
