//! What a log is called in public, and the entry that binds its name.
//!
//! A checkpoint is signed by the key that signs the entries, so a log's name is one of
//! the things that keep the two apart: a note never begins as another statement does.
//! An entry of the kind `sealbook:publish` binds the name before the first checkpoint:
//! ```text
//! {"name":"example.com/log","policy":null}   from here on the log has this name
//! {"closed":"example.com/log"}               and from here on none; never this one again
//! ```
//! `policy` is the text of a witness policy, or null.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ledger::json::Object;
use crate::ledger::note::KeyName;
use crate::ledger::shape::{self, MemberError};

/// Bytes of a name: 255, which is what an ML-DSA-44 cosignature has room for.
const MOST_BYTES: usize = 255;

/// The public name of a log: the origin of its checkpoints and the name of its key.
/// Not empty, at most 255 bytes, no white space, no `+`, no control character, and it
/// does not begin with `{`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogName(KeyName);

/// Why a text is not a name of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a log's name has 1 to 255 bytes, no white space, `+` or control character, \
     and does not begin with `{{`"
)]
#[non_exhaustive]
pub struct LogNameError;

impl LogName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name of the log's key in notes.
    #[must_use]
    pub const fn as_key_name(&self) -> &KeyName {
        &self.0
    }

    /// The name of the book that continues this one: `NAME/2`, then `NAME/3`.
    ///
    /// # Errors
    /// [`LogNameError`] where it would be too long.
    pub fn successor(&self) -> Result<LogName, LogNameError> {
        let numbered = self.as_str().rsplit_once('/').and_then(|(base, number)| {
            let canonical = !number.starts_with('0') && !number.starts_with('+');
            let number: u64 = canonical.then(|| number.parse().ok())??;
            (number >= 2).then_some((base, number.checked_add(1)?))
        });
        let (base, number) = numbered.unwrap_or((self.as_str(), 2));
        format!("{base}/{number}").parse()
    }
}

impl FromStr for LogName {
    type Err = LogNameError;

    fn from_str(text: &str) -> Result<LogName, LogNameError> {
        let fits = text.len() <= MOST_BYTES && !text.starts_with('{');
        match text.parse() {
            Ok(name) if fits => Ok(LogName(name)),
            _ => Err(LogNameError),
        }
    }
}

impl TryFrom<String> for LogName {
    type Error = LogNameError;

    fn try_from(text: String) -> Result<LogName, LogNameError> {
        text.parse()
    }
}

impl From<LogName> for String {
    fn from(name: LogName) -> String {
        name.as_str().to_owned()
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The payload of `sealbook:publish`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Publishing {
    /// The log has this name from here on.
    Named(NameBinding),
    /// It has no name from here on, and never this one again.
    Closed(NameClosed),
}

/// A name and the witnesses that are asked under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameBinding {
    /// The name.
    pub name: LogName,
    /// The text of the witness policy.
    #[serde(deserialize_with = "Option::deserialize")]
    pub policy: Option<String>,
}

/// A name that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameClosed {
    /// The name.
    pub closed: LogName,
}

impl Publishing {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_object(object: &Object) -> Result<Publishing, MemberError> {
        match object.get("closed") {
            Some(_) => shape::read_object(object, "payload").map(Publishing::Closed),
            None => shape::read_object(object, "payload").map(Publishing::Named),
        }
    }

    /// The inverse of [`Publishing::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        match self {
            Publishing::Named(named) => shape::write_object(named),
            Publishing::Closed(closed) => shape::write_object(closed),
        }
    }
}

/// Which name a log has, out of its entries in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The name that it has now.
    current: Option<NameBinding>,
    /// Those that ended.
    closed: Vec<LogName>,
}

/// Why an entry of the kind `sealbook:publish` cannot stand where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Two names at once.
    #[error("the log is called {current}: close that name before it is called {name}")]
    Second {
        /// What it is called.
        current: LogName,
        /// What it would be called.
        name: LogName,
    },
    /// A name that ended.
    #[error("the name {name} was closed, and is never used again")]
    Reused {
        /// The name.
        name: LogName,
    },
    /// The end of a name that the log does not have.
    #[error("the log is not called {name}, so that name cannot be closed")]
    NotCurrent {
        /// The name.
        name: LogName,
    },
}

impl Names {
    /// The name that the log has.
    #[must_use]
    pub const fn current(&self) -> Option<&NameBinding> {
        self.current.as_ref()
    }

    /// The names that ended.
    #[must_use]
    pub fn closed(&self) -> &[LogName] {
        &self.closed
    }

    /// Takes the next such entry. The same name again changes the policy.
    ///
    /// # Errors
    /// [`NameFault`]; the names are as before then.
    pub fn take(&mut self, publishing: Publishing) -> Result<(), NameFault> {
        match publishing {
            Publishing::Named(named) => {
                let other = self.current.as_ref().filter(|is| is.name != named.name);
                if let Some(current) = other {
                    return Err(NameFault::Second {
                        current: current.name.clone(),
                        name: named.name,
                    });
                }
                if self.closed.contains(&named.name) {
                    return Err(NameFault::Reused { name: named.name });
                }
                self.current = Some(named);
            }
            Publishing::Closed(NameClosed { closed: name }) => {
                if self.current.as_ref().is_none_or(|is| is.name != name) {
                    return Err(NameFault::NotCurrent { name });
                }
                self.current = None;
                self.closed.push(name);
            }
        }
        Ok(())
    }
}
