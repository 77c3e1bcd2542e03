//! Proofs that need neither log nor folder
//! ([tlog-proof](https://c2sp.org/tlog-proof)): an entry's place, its siblings, and
//! the checkpoint that they lead to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::checkpoint::{SignedCheckpoint, SignedCheckpointError};
use super::tree::root_of_path;
use super::{base64_hash, decimal, hash_base64};
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::merkle::PathError;
use crate::ledger::sha256::Sha256Digest;

/// The first line.
const VERSION: &str = "c2sp.org/tlog-proof@v1";

/// Siblings of a proof: a tree of 2^63 leaves has no more levels.
const MOST_SIBLINGS: usize = 63;

/// A proof, not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// What the application put beside it. Nothing vouches for it, and nothing here
    /// reads it.
    pub extra: Option<Vec<u8>>,
    /// Which entry.
    pub index: u64,
    /// Its siblings, from the leaf up.
    pub path: Vec<Sha256Digest>,
    /// Under which checkpoint.
    pub checkpoint: SignedCheckpoint,
}

/// Why bytes are no such proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlogProofError {
    /// More than a small file.
    #[error("the proof has more than {} bytes", limits::SMALL_FILE_BYTES)]
    TooLarge,
    /// No UTF-8.
    #[error("the proof is not UTF-8")]
    Utf8,
    /// The first line is another.
    #[error("line 1 is not `{VERSION}`")]
    Version,
    /// The line `extra`.
    #[error("line 2: `extra` is not followed by canonical base64")]
    Extra,
    /// The line `index`.
    #[error("line {line} is not `index` and a decimal number below 2^63 without leading zeroes")]
    Index {
        /// Which line, from 1.
        line: usize,
    },
    /// A sibling.
    #[error("line {line} is not the canonical base64 of 32 bytes")]
    Sibling {
        /// Which line, from 1.
        line: usize,
    },
    /// More siblings than a tree has levels.
    #[error("the proof has more than {MOST_SIBLINGS} siblings")]
    TooLong,
    /// Nothing after the siblings.
    #[error("the proof has no empty line and checkpoint after its siblings")]
    NoCheckpoint,
    /// What stands there is none.
    #[error(transparent)]
    Checkpoint(#[from] SignedCheckpointError),
}

/// Why a proof does not prove an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InclusionError {
    /// Its shape.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It leads to another root.
    #[error("the siblings do not lead from this entry to the checkpoint's root")]
    Root,
}

impl TlogProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn parse(bytes: &[u8]) -> Result<TlogProof, TlogProofError> {
        if bytes.len() > limits::SMALL_FILE_BYTES {
            return Err(TlogProofError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TlogProofError::Utf8)?;
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(TlogProofError::NoCheckpoint)?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        if lines.next().map(|(_, line)| line) != Some(VERSION) {
            return Err(TlogProofError::Version);
        }
        let extra = lines.next_if(|(_, line)| line.starts_with("extra "));
        let extra = extra.and_then(|(_, line)| line.strip_prefix("extra "));
        let extra = extra.map(|text| STANDARD.decode(text)).transpose();
        let extra = extra.map_err(|_| TlogProofError::Extra)?;
        let (line, index) = lines.next().unwrap_or((2, ""));
        let index = index.strip_prefix("index ").and_then(decimal);
        let index = index.ok_or(TlogProofError::Index { line })?;
        let mut path = Vec::new();
        for (line, text) in lines {
            if path.len() >= MOST_SIBLINGS {
                return Err(TlogProofError::TooLong);
            }
            path.push(base64_hash(text).ok_or(TlogProofError::Sibling { line })?);
        }
        Ok(TlogProof {
            extra,
            index,
            path,
            checkpoint: SignedCheckpoint::parse(checkpoint.as_bytes())?,
        })
    }

    /// Whether the proof leads from the entry with `data` to the checkpoint's root. Who
    /// signed the checkpoint is another question.
    ///
    /// # Errors
    /// [`InclusionError`].
    pub fn check(&self, data: &Hash) -> Result<(), InclusionError> {
        let checkpoint = self.checkpoint.content();
        let root = root_of_path(self.index, checkpoint.size, data, &self.path)?;
        match root == checkpoint.root {
            true => Ok(()),
            false => Err(InclusionError::Root),
        }
    }
}

impl fmt::Display for TlogProof {
    /// The file, the inverse of [`TlogProof::parse`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for sibling in &self.path {
            writeln!(f, "{}", hash_base64(sibling))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
