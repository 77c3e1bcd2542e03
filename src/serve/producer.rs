//! `Sealbook-Producer`: who made an event, and which of its events it is.
//!
//! A producer that keeps events while the server is away sends each until it is
//! acknowledged. Its id and its counter stand in the entry as `_producer`, and what
//! was recorded of them is remembered without a limit of time, in the same synced
//! write as the entry: however late an event comes again, it is there once.

use axum::http::HeaderMap;

use super::actor::Actor;
use super::idempotency::{IdempotencyKey, PRODUCER};
use super::problem::Problem;
use crate::ledger::json::Object;

/// The member of a payload that says it.
const MEMBER: &str = "_producer";

/// Characters of an id, at most.
const LONGEST: usize = 64;

const REFUSED: Problem = Problem::Argument {
    what: PRODUCER,
    expected: "an id of 1 to 64 letters, digits, . _ and -, a semicolon and a number are needed",
};

/// An event's maker, and its number among the events of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Producer {
    id: String,
    n: u64,
}

impl Producer {
    /// What the caller gave in the header, as `ID;N`.
    pub(super) fn given(headers: &HeaderMap) -> Result<Option<Producer>, Problem> {
        let mut lines = headers.get_all(PRODUCER).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => {
                let line = line.to_str().ok();
                line.and_then(Producer::read).ok_or(REFUSED).map(Some)
            }
            _ => Err(REFUSED),
        }
    }

    fn read(line: &str) -> Option<Producer> {
        let (id, n) = line.split_once(';')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let known = (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain);
        let number: u64 = n.parse().ok().filter(|_| known)?;
        (number.to_string() == n).then(|| Producer {
            id: id.to_owned(),
            n: number,
        })
    }

    /// The key under which the event is remembered.
    pub(super) fn key(&self, actor: &Actor, body: &[u8]) -> IdempotencyKey {
        IdempotencyKey::lasting(actor, &format!("{};{}", self.id, self.n), body)
    }

    /// Says it in the payload.
    pub(super) fn sign_in(&self, payload: &mut Object) {
        let mut members = Object::new();
        members.insert("id", self.id.as_str());
        members.insert("n", self.n);
        payload.insert(MEMBER, members);
    }
}

/// Refuses a payload that says itself who produced it.
pub(super) fn is_free(payload: &Object) -> Result<(), Problem> {
    match payload.contains_key(MEMBER) {
        false => Ok(()),
        true => Err(Problem::Argument {
            what: "payload._producer",
            expected: "the header Sealbook-Producer is needed, which puts it there",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_of_an_id_and_a_number_is_read() {
        fn read(line: &str) -> Option<(String, u64)> {
            Producer::read(line).map(|producer| (producer.id, producer.n))
        }
        assert_eq!(read("a.B_-9;17"), Some(("a.B_-9".to_owned(), 17)));
        for line in [
            "", ";1", "a", "a;", "a;01", "a;+1", "a;-1", "a b;1", "é;1", "a;1;2",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(read(&format!("{};1", "a".repeat(65))), None);
        assert_eq!(read("a;18446744073709551616"), None);
    }
}
