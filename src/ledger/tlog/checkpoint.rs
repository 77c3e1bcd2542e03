//! Checkpoints: how many entries a log has, and the root over them.

use std::fmt;

use thiserror::Error;

use super::tree::empty_root;
use super::{base64_hash, decimal, hash_base64};
use crate::ledger::note::{Note, NoteError, NoteSignature};
use crate::ledger::sha256::Sha256Digest;

/// The text of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointText {
    /// The log's name. Not empty.
    pub origin: String,
    /// How many entries, at most [`MOST_LEAVES`](super::MOST_LEAVES).
    pub size: u64,
    /// The root over them.
    pub root: Sha256Digest,
    /// Further lines. None is empty.
    pub extensions: Vec<String>,
}

/// Why a text is not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Fewer than three lines, an empty one, or no newline at its end.
    #[error("a checkpoint has at least three lines, none of them empty")]
    Lines,
    /// Line 2.
    #[error("line 2, the size, is not a decimal number below 2^63 without leading zeroes")]
    Size,
    /// Line 3.
    #[error("line 3, the root, is not the canonical base64 of 32 bytes")]
    Root,
    /// A tree of no leaves has one root only.
    #[error("a log without entries has another root")]
    EmptyRoot,
}

/// Why bytes are no signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignedCheckpointError {
    /// No note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A note about something else.
    #[error("the note is not a checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
}

impl CheckpointText {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<CheckpointText, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty());
        let (origin, size, root) = (line(), line(), line());
        let origin = origin.ok_or(CheckpointError::Lines)?.to_owned();
        let size = size.ok_or(CheckpointError::Lines)?;
        let root = root.ok_or(CheckpointError::Lines)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let size = decimal(size).ok_or(CheckpointError::Size)?;
        let root = base64_hash(root).ok_or(CheckpointError::Root)?;
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(CheckpointText {
            origin,
            size,
            root,
            extensions,
        })
    }
}

impl fmt::Display for CheckpointText {
    /// The text, the inverse of [`CheckpointText::parse`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = hash_base64(&self.root);
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)?;
        let mut extensions = self.extensions.iter();
        extensions.try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A checkpoint as it travels: what it says, and the note that says it. No signature
/// is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    content: CheckpointText,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads one.
    ///
    /// # Errors
    /// [`SignedCheckpointError`].
    pub fn parse(bytes: &[u8]) -> Result<SignedCheckpoint, SignedCheckpointError> {
        SignedCheckpoint::of_note(Note::parse(bytes)?)
    }

    /// Takes a note.
    ///
    /// # Errors
    /// [`SignedCheckpointError::Checkpoint`].
    pub fn of_note(note: Note) -> Result<SignedCheckpoint, SignedCheckpointError> {
        let content = CheckpointText::parse(note.text())?;
        Ok(SignedCheckpoint { content, note })
    }

    /// Puts the first signature under a checkpoint.
    ///
    /// # Errors
    /// [`NoteError::Text`] where its origin or a further line cannot stand in a note.
    pub fn signed(
        content: CheckpointText,
        line: NoteSignature,
    ) -> Result<SignedCheckpoint, NoteError> {
        let note = Note::new(content.to_string(), vec![line])?;
        Ok(SignedCheckpoint { content, note })
    }

    /// What it says.
    #[must_use]
    pub const fn content(&self) -> &CheckpointText {
        &self.content
    }

    /// The note, for judging its signatures.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The note, for adding signatures.
    #[must_use]
    pub fn into_note(self) -> Note {
        self.note
    }
}

impl fmt::Display for SignedCheckpoint {
    /// The note.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
