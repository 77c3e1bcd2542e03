//! The text of a policy.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::{KnownLog, MAX_BYTES, MAX_OF_EACH, PolicyGroup, PolicyMember, Witness, WitnessPolicy};
use crate::ledger::note::{Algorithm, VerifierKey, VerifierKeyError};

/// The name of the quorum that needs nobody.
pub(super) const NONE: &str = "none";

/// Why a text is not a policy, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct PolicyError {
    /// The line, from 1; that after the last where something is missing.
    pub line: usize,
    /// What is wrong.
    pub problem: PolicyProblem,
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// It is longer than any may be.
    #[error("the policy is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// More logs, witnesses or groups than any may have.
    #[error("more than {MAX_OF_EACH} logs, witnesses or groups")]
    TooMany,
    /// A control character other than tab and newline.
    #[error("a control character, 0x{0:02x}")]
    Control(u8),
    /// A key or a URL that is not UTF-8.
    #[error("a key or URL that is not UTF-8")]
    NotUtf8,
    /// The last line has no newline.
    #[error("the line does not end in a newline")]
    Unended,
    /// The first word is none of the four.
    #[error("`{0}` is none of log, witness, group and quorum")]
    Keyword(String),
    /// Too few or too many words.
    #[error("the line is not `{0}`")]
    Words(&'static str),
    /// A key that cannot be read.
    #[error("the key: {0}")]
    Key(#[from] VerifierKeyError),
    /// A key of a type that has another use.
    #[error("a key of type 0x{0:02x} does not sign {1}")]
    KeyUse(u8, &'static str),
    /// The same public key a second time.
    #[error("the same public key a second time")]
    KeyTwice,
    /// The name is already taken, or `none`.
    #[error("the name `{0}` is taken")]
    NameTaken(String),
    /// The name is of no witness or group of a line before.
    #[error("no line before defines `{0}`")]
    NameUnknown(String),
    /// The name is a member of a group already.
    #[error("`{0}` is a member of a group already")]
    MemberTwice(String),
    /// The threshold is not a number from 1 to the number of members.
    #[error("`{0}` is not all, any or a number from 1 to the number of members")]
    Threshold(String),
    /// A second quorum.
    #[error("a second quorum")]
    QuorumTwice,
    /// There is no quorum.
    #[error("there is no quorum line")]
    NoQuorum,
}

/// Reads a policy.
///
/// # Errors
/// [`PolicyError`] names the line.
pub fn parse(text: &[u8]) -> Result<WitnessPolicy, PolicyError> {
    let at = |line, problem| PolicyError { line, problem };
    if text.len() > MAX_BYTES {
        return Err(at(1, PolicyProblem::TooLong));
    }
    let mut reader = PolicyReader::default();
    let mut lines = 0;
    for (number, line) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
        lines = number;
        reader.line(line).map_err(|problem| at(number, problem))?;
    }
    let missing = at(lines + 1, PolicyProblem::NoQuorum);
    let quorum = reader.quorum.ok_or(missing)?;
    Ok(WitnessPolicy {
        logs: reader.logs,
        witnesses: reader.witnesses,
        groups: reader.groups,
        quorum,
    })
}

#[derive(Default)]
struct PolicyReader {
    logs: Vec<KnownLog>,
    witnesses: Vec<Witness>,
    groups: Vec<PolicyGroup>,
    quorum: Option<Option<PolicyMember>>,
    names: HashMap<Vec<u8>, PolicyMember>,
    /// Those that are in a group.
    members: HashSet<Vec<u8>>,
}

impl PolicyReader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyProblem> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyProblem::Unended)?;
        let forbidden = |byte: &&u8| (**byte < 0x20 && **byte != b'\t') || **byte == 0x7f;
        if let Some(byte) = line.iter().find(forbidden) {
            return Err(PolicyProblem::Control(*byte));
        }
        let words = line.split(|byte| matches!(byte, b' ' | b'\t'));
        let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] | [[b'#', ..], ..] => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.quorum(rest),
            [other, ..] => Err(PolicyProblem::Keyword(shown(other))),
        }
    }

    fn log(&mut self, words: &[&[u8]]) -> Result<(), PolicyProblem> {
        let (key, url) = match words {
            [key] => (key, None),
            [key, url] => (key, Some(text(url)?.to_owned())),
            _ => return Err(PolicyProblem::Words("log <vkey> [<url>]")),
        };
        let key = text(key)?.parse::<VerifierKey>()?;
        if matches!(key.algorithm(), Algorithm::Cosignature(_)) {
            return Err(PolicyProblem::KeyUse(
                key.algorithm().type_byte(),
                "checkpoints",
            ));
        }
        if self.logs.iter().any(|log| same_key(&log.key, &key)) {
            return Err(PolicyProblem::KeyTwice);
        }
        self.logs.push(KnownLog { key, url });
        room(self.logs.len())
    }

    fn witness(&mut self, words: &[&[u8]]) -> Result<(), PolicyProblem> {
        let (name, key, url) = match words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(text(url)?.to_owned())),
            _ => return Err(PolicyProblem::Words("witness <name> <vkey> [<url>]")),
        };
        let key = text(key)?.parse::<VerifierKey>()?;
        if matches!(key.algorithm(), Algorithm::Ed25519(_)) {
            return Err(PolicyProblem::KeyUse(
                key.algorithm().type_byte(),
                "cosignatures",
            ));
        }
        if self
            .witnesses
            .iter()
            .any(|other| same_key(&other.key, &key))
        {
            return Err(PolicyProblem::KeyTwice);
        }
        self.name(name, PolicyMember::Witness(self.witnesses.len()))?;
        let name = shown(name);
        self.witnesses.push(Witness { name, key, url });
        room(self.witnesses.len())
    }

    fn group(&mut self, words: &[&[u8]]) -> Result<(), PolicyProblem> {
        let [name, threshold, members @ ..] = words else {
            return Err(PolicyProblem::Words("group <name> all|any|<k> <name>..."));
        };
        if members.is_empty() {
            return Err(PolicyProblem::Words("group <name> all|any|<k> <name>..."));
        }
        let needed = match *threshold {
            b"all" => members.len(),
            b"any" => 1,
            number => threshold_of(number, members.len())
                .ok_or_else(|| PolicyProblem::Threshold(shown(number)))?,
        };
        let found: Result<Vec<_>, _> = members.iter().map(|member| self.member(member)).collect();
        let members = found?;
        self.name(name, PolicyMember::Group(self.groups.len()))?;
        let name = shown(name);
        self.groups.push(PolicyGroup {
            name,
            needed,
            members,
        });
        room(self.groups.len())
    }

    fn quorum(&mut self, words: &[&[u8]]) -> Result<(), PolicyProblem> {
        let [name] = words else {
            return Err(PolicyProblem::Words("quorum <name>"));
        };
        if self.quorum.is_some() {
            return Err(PolicyProblem::QuorumTwice);
        }
        self.quorum = Some(match *name == NONE.as_bytes() {
            true => None,
            false => Some(self.find(name)?),
        });
        Ok(())
    }

    fn name(&mut self, name: &[u8], member: PolicyMember) -> Result<(), PolicyProblem> {
        if name == NONE.as_bytes() || self.names.contains_key(name) {
            return Err(PolicyProblem::NameTaken(shown(name)));
        }
        self.names.insert(name.to_owned(), member);
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<PolicyMember, PolicyProblem> {
        let found = self.names.get(name).copied();
        found.ok_or_else(|| PolicyProblem::NameUnknown(shown(name)))
    }

    fn member(&mut self, name: &[u8]) -> Result<PolicyMember, PolicyProblem> {
        let member = self.find(name)?;
        match self.members.insert(name.to_owned()) {
            true => Ok(member),
            false => Err(PolicyProblem::MemberTwice(shown(name))),
        }
    }
}

/// Whether two name the same public key, whatever they call it.
fn same_key(one: &VerifierKey, other: &VerifierKey) -> bool {
    one.algorithm().key_bytes() == other.algorithm().key_bytes()
}

fn room(count: usize) -> Result<(), PolicyProblem> {
    match count <= MAX_OF_EACH {
        true => Ok(()),
        false => Err(PolicyProblem::TooMany),
    }
}

/// A word that must be text.
fn text(word: &[u8]) -> Result<&str, PolicyProblem> {
    str::from_utf8(word).map_err(|_| PolicyProblem::NotUtf8)
}

/// A name for people. Names are compared as they are, byte by byte.
fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// A number from 1 to `most`, in digits alone.
fn threshold_of(word: &[u8], most: usize) -> Option<usize> {
    let digits = word.iter().all(u8::is_ascii_digit) && !word.starts_with(b"0");
    let number = text(word).ok()?.parse().ok().filter(|_| digits)?;
    (1..=most).contains(&number).then_some(number)
}
