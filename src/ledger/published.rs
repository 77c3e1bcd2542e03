//! What a log publishes of itself: each sealed header, and heads between them.
//! JSON Lines, each line the canonical JSON of one signed statement.
//!
//! This is the file that a third party keeps. With it one notices that the
//! history behind it was changed, by the owner of the key too.

use thiserror::Error;

use super::anchors::Anchor;
use super::epoch::SignedEpoch;
use super::hash::Hash;
use super::head::SignedHead;
use super::json::{Form, Value};
use super::key::PublicKey;
use super::parse::{self, ParseError};
use super::position::Seq;
use super::statement::{Statement, StatementError};

/// One line of a published file, read and not judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Published {
    Epoch(SignedEpoch),
    Head(SignedHead),
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum PublishedError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("the line is not in canonical form")]
    Spelling,
    #[error("neither an epoch header nor a head")]
    Other,
}

impl Published {
    /// Reads a line, without its newline, and refuses any but its one spelling.
    pub fn from_line(line: &[u8]) -> Result<Published, PublishedError> {
        let published = Published::from_value(&parse::parse(line)?)?;
        match published.to_line().strip_suffix(b"\n") == Some(line) {
            true => Ok(published),
            false => Err(PublishedError::Spelling),
        }
    }

    pub fn from_value(value: &Value) -> Result<Published, PublishedError> {
        if value.get("epoch").is_some() {
            Ok(Published::Epoch(Statement::from_value(value)?))
        } else if value.get("head").is_some() {
            Ok(Published::Head(Statement::from_value(value)?))
        } else {
            Err(PublishedError::Other)
        }
    }

    pub fn to_line(&self) -> Vec<u8> {
        let value = match self {
            Published::Epoch(epoch) => epoch.to_value(),
            Published::Head(head) => head.to_value(),
        };
        let mut line = value.canonical(Form::Utf8).into_bytes();
        line.push(b'\n');
        line
    }

    pub fn log(&self) -> (PublicKey, Hash) {
        match self {
            Published::Epoch(epoch) => (epoch.content.log, epoch.content.genesis),
            Published::Head(head) => (head.content.log, head.content.genesis),
        }
    }

    pub fn seq(&self) -> Seq {
        match self {
            Published::Epoch(epoch) => epoch.content.last_seq,
            Published::Head(head) => head.content.seq,
        }
    }

    pub fn to_anchor(&self) -> Anchor {
        match self {
            Published::Epoch(epoch) => Anchor::of_epoch(epoch),
            Published::Head(head) => Anchor::of_head(head),
        }
    }
}
