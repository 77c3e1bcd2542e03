//! Signed notes: a text, and lines of signatures under it
//! ([signed-note](https://c2sp.org/signed-note)).
//!
//! ```text
//! This is the text, which ends in a newline.
//! ⏎
//! — example.com/log Az3grl…
//! ```
//! Reading judges no signature: [`VerifierKey::verify`] does, and ignores those of
//! other keys. What is read is written again as the same bytes.
//!
//! A note holds no 0x1f, and every other statement of ours does, save the artifact
//! manifest, which begins with `{`. So no byte string is both a note under a log's key
//! and something else that the same key signed, as long as no log's name begins with
//! `{` ([`LogName`](super::tlog::name::LogName)).

use std::fmt::{self, Write as _};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::hexadecimal;
use super::limits;

mod cosignature;
mod ml_dsa;
mod verifier;

pub use cosignature::{cosign, cosign_ml_dsa, cosigned_text, cosigned_tree, sign};
pub use ml_dsa::{MlDsaKey, MlDsaSigner};
pub use verifier::{Algorithm, SignatureFault, VerifierKey, VerifierKeyError, Vouched};

/// Signatures of a note: 64. The standard asks for 16 at least.
pub const SIGNATURES: usize = 64;

/// Before each signature line: an em dash and a space.
const DASH: &str = "— ";

/// The first four bytes of a hash of name, algorithm and key. It finds a key and
/// vouches for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    /// 8 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

/// The name of a key: not empty, no white space of Unicode, no `+`, no control
/// character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Why a text is not the name of a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a key's name is not empty and has no space, `+` or control character")]
#[non_exhaustive]
pub struct KeyNameError;

impl KeyName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<KeyName, KeyNameError> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        match text.is_empty() || text.contains(odd) {
            true => Err(KeyNameError),
            false => Ok(KeyName(text.to_owned())),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line under the text, not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Who signed, by the line's own word.
    pub name: KeyName,
    /// With which key, by the line's own word.
    pub id: KeyId,
    /// The signature, as the key's algorithm has it. Never empty.
    pub bytes: Vec<u8>,
}

impl fmt::Display for NoteSignature {
    /// The line, with its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = STANDARD.encode([&self.id.0[..], &self.bytes].concat());
        writeln!(f, "{DASH}{} {signature}", self.name)
    }
}

/// A text and its signatures, none of them judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// Why bytes are no note.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// More than a small file.
    #[error("the note has {bytes} bytes, more than {}", limits::SMALL_FILE_BYTES)]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// No UTF-8.
    #[error("byte {at} of the note is not UTF-8")]
    Utf8 {
        /// Which byte, from 0.
        at: usize,
    },
    /// A control character other than newline: a carriage return, a tab.
    #[error(
        "byte {at} of the note is the control character U+{code:04X}; only newlines may stand there"
    )]
    Control {
        /// Which byte, from 0.
        at: usize,
        /// Which character.
        code: u32,
    },
    /// The last line has no newline.
    #[error("the note does not end in a newline")]
    NoNewline,
    /// No empty line, or nothing after the last one.
    #[error("the note has no signature: an empty line and signature lines end a note")]
    NoSignatures,
    /// More signatures than are read.
    #[error("the note has {count} signatures, more than {SIGNATURES}")]
    TooMany {
        /// How many it has.
        count: usize,
    },
    /// A line among the signatures that is none.
    #[error("signature line {line} of the note: {problem}")]
    Line {
        /// Which of the signature lines, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// A text that cannot be a note's.
    #[error("the text of a note ends in a newline and has no control character")]
    Text,
}

/// Why a line is not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// Not `— NAME BASE64`.
    #[error("it is not an em dash, a name and a signature, with one space between")]
    Shape,
    /// Not a key's name.
    #[error("its name is none that a key can have")]
    Name,
    /// Not base64, or not in its one spelling.
    #[error("its signature is not canonical base64")]
    Base64,
    /// Not more than a key id.
    #[error("its signature is cut short")]
    Short,
}

impl Note {
    /// A note of a text and its first signatures.
    ///
    /// # Errors
    /// [`NoteError::Text`], [`NoteError::NoSignatures`] or [`NoteError::TooMany`].
    pub fn new(text: String, signatures: Vec<NoteSignature>) -> Result<Note, NoteError> {
        if !text.ends_with('\n') || text.contains(is_refused) {
            return Err(NoteError::Text);
        }
        match signatures.len() {
            0 => Err(NoteError::NoSignatures),
            count if count > SIGNATURES => Err(NoteError::TooMany { count }),
            _ => Ok(Note { text, signatures }),
        }
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`] says where it is none.
    pub fn parse(bytes: &[u8]) -> Result<Note, NoteError> {
        if bytes.len() > limits::SMALL_FILE_BYTES {
            return Err(NoteError::TooLarge { bytes: bytes.len() });
        }
        let note = std::str::from_utf8(bytes).map_err(|error| NoteError::Utf8 {
            at: error.valid_up_to(),
        })?;
        if let Some((at, c)) = note.char_indices().find(|(_, c)| is_refused(*c)) {
            let code = u32::from(c);
            return Err(NoteError::Control { at, code });
        }
        let body = note.strip_suffix('\n').ok_or(NoteError::NoNewline)?;
        let (text, lines) = body.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let count = lines.split('\n').filter(|line| !line.is_empty()).count();
        match count {
            0 => return Err(NoteError::NoSignatures),
            count if count > SIGNATURES => return Err(NoteError::TooMany { count }),
            _ => {}
        }
        let read = |(at, line): (usize, &str)| {
            let line_number = at + 1;
            NoteSignature::parse(line).map_err(|problem| NoteError::Line {
                line: line_number,
                problem,
            })
        };
        let signatures = lines.split('\n').enumerate().map(read);
        Ok(Note {
            text: format!("{text}\n"),
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// What is signed: every line of the text with its newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in the order of their lines.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature that is not there yet.
    ///
    /// # Errors
    /// [`NoteError::TooMany`].
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= SIGNATURES {
            let count = self.signatures.len() + 1;
            return Err(NoteError::TooMany { count });
        }
        self.signatures.push(signature);
        Ok(())
    }
}

impl fmt::Display for Note {
    /// The note, the inverse of [`Note::parse`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_char('\n')?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

impl NoteSignature {
    /// Reads a line, without its newline. What a witness answers is such lines.
    ///
    /// # Errors
    /// [`LineProblem`].
    pub fn parse(line: &str) -> Result<NoteSignature, LineProblem> {
        let parts = line
            .strip_prefix(DASH)
            .and_then(|rest| rest.split_once(' '));
        let (name, signature) = parts.ok_or(LineProblem::Shape)?;
        let name = name.parse().map_err(|KeyNameError| LineProblem::Name)?;
        let decoded = STANDARD.decode(signature);
        let decoded = decoded.map_err(|_| LineProblem::Base64)?;
        let (id, bytes) = decoded.split_first_chunk().ok_or(LineProblem::Short)?;
        match bytes.is_empty() {
            true => Err(LineProblem::Short),
            false => Ok(NoteSignature {
                name,
                id: KeyId(*id),
                bytes: bytes.to_vec(),
            }),
        }
    }
}

/// What stands in no note: control characters below U+0020 but for newlines.
fn is_refused(c: char) -> bool {
    c < ' ' && c != '\n'
}
