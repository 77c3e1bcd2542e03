//! Tiles: too many to list in a manifest, covered by one digest (MV-INV-5).

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

use crate::ledger::json::Quoted;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::{Sha256Digest, Sha256Hasher};
use crate::ledger::shape::{self, MemberError};

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    pub tile_id: String,
    pub sha256: Sha256Digest,
}

/// Where tiles are known. It is asked after the manifest's key was found to be
/// trusted, and not before.
pub trait TileStore: Sync {
    fn tiles(&self) -> Result<Vec<Tile>, TileError>;
}

#[derive(Debug, Error)]
pub enum TileError {
    #[error("the tile store cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("line {line}: too long")]
    LineTooLong { line: usize },
    #[error("line {line}: {error}")]
    Json {
        line: usize,
        #[source]
        error: ParseError,
    },
    #[error("line {line}: {error}")]
    Member {
        line: usize,
        #[source]
        error: MemberError,
    },
    #[error("tile_id {} has a control character", Quoted(_0))]
    ControlCharacter(String),
    #[error("tile_id {} is there twice", Quoted(_0))]
    Duplicate(String),
}

/// Hex SHA-256 over `tile_id \n sha256 \n` records, sorted by the ids' bytes.
pub fn coverage_sha256(mut tiles: Vec<Tile>) -> Result<Sha256Digest, TileError> {
    tiles.sort_unstable_by(|a, b| a.tile_id.cmp(&b.tile_id));
    let mut hasher = Sha256Hasher::new();
    let mut before: Option<&str> = None;
    for Tile { tile_id, sha256 } in &tiles {
        if tile_id.contains(char::is_control) {
            return Err(TileError::ControlCharacter(tile_id.clone()));
        }
        if before.replace(tile_id) == Some(tile_id) {
            return Err(TileError::Duplicate(tile_id.clone()));
        }
        hasher.update(format!("{tile_id}\n{sha256}\n").as_bytes());
    }
    Ok(hasher.finish())
}

/// A store in a file of JSON Lines, `{"tile_id", "sha256"}` each; blank lines
/// are ignored. The file is opened when it is asked for its tiles.
#[derive(Clone, Debug)]
pub struct JsonLinesTiles {
    path: PathBuf,
}

impl JsonLinesTiles {
    pub fn new(path: impl Into<PathBuf>) -> JsonLinesTiles {
        JsonLinesTiles { path: path.into() }
    }
}

impl TileStore for JsonLinesTiles {
    fn tiles(&self) -> Result<Vec<Tile>, TileError> {
        let mut reader = BufReader::new(File::open(&self.path)?);
        let mut tiles = Vec::new();
        let mut line = 0;
        while let Some(read) = read_line(&mut reader)? {
            line += 1;
            match read {
                Line::TooLong { .. } => return Err(TileError::LineTooLong { line }),
                Line::Whole { bytes, .. } if bytes.trim_ascii().is_empty() => {}
                Line::Whole { bytes, .. } => tiles.push(parse_tile(&bytes, line)?),
            }
        }
        Ok(tiles)
    }
}

fn parse_tile(text: &[u8], line: usize) -> Result<Tile, TileError> {
    let value = parse::parse(text).map_err(|error| TileError::Json { line, error })?;
    shape::read(&value, "").map_err(|error| TileError::Member { line, error })
}
