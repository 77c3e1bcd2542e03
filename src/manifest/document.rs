//! The text of `Manifest.json`, read and written.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::path::{PathProblem, check_path};
use crate::ledger::json::Quoted;
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError, constant};
use crate::ledger::time::{self, Timestamp};

/// The schema that is written and read.
pub const SCHEMA_VERSION: &str = "1.0.0";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactEntry {
    /// Where, from the manifest's folder, components joined by `/`.
    pub relative_path: String,
    pub sha256: Sha256Digest,
    pub size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactManifest {
    pub created_at_utc: Timestamp,
    /// What it promises; no path twice.
    pub artifacts: Vec<ArtifactEntry>,
    /// One digest over all tiles, if there are any.
    pub tiles_coverage_sha256: Option<Sha256Digest>,
}

constant!(SchemaVersion, SCHEMA_VERSION, "\"1.0.0\"");

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile<'m> {
    schema_version: SchemaVersion,
    #[serde(deserialize_with = "time::any_offset")]
    created_at_utc: Timestamp,
    artifacts: Cow<'m, [ArtifactEntry]>,
    /// It may be null but not absent: without it nothing is said.
    #[serde(deserialize_with = "Option::deserialize")]
    tiles_coverage_sha256: Option<Sha256Digest>,
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum SchemaError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("artifacts[{index}].relative_path: {} {problem}", Quoted(path))]
    Path {
        index: usize,
        path: String,
        #[source]
        problem: PathProblem,
    },
}

impl ArtifactManifest {
    /// Reads the text of a manifest file.
    pub fn parse(text: &[u8]) -> Result<ArtifactManifest, SchemaError> {
        let value = parse::parse(text)?;
        let file: ManifestFile<'_> = shape::read(&value, "")?;
        check_paths(&file.artifacts)?;
        Ok(ArtifactManifest {
            created_at_utc: file.created_at_utc,
            artifacts: file.artifacts.into_owned(),
            tiles_coverage_sha256: file.tiles_coverage_sha256,
        })
    }

    /// The text of the file: sorted keys, two spaces, a final newline.
    pub fn to_text(&self) -> String {
        let mut text = shape::write(&ManifestFile {
            schema_version: SchemaVersion,
            created_at_utc: self.created_at_utc,
            artifacts: Cow::Borrowed(&self.artifacts),
            tiles_coverage_sha256: self.tiles_coverage_sha256,
        })
        .pretty();
        text.push('\n');
        text
    }
}

fn check_paths(artifacts: &[ArtifactEntry]) -> Result<(), SchemaError> {
    let mut seen = HashSet::with_capacity(artifacts.len());
    for (index, artifact) in artifacts.iter().enumerate() {
        let path = &artifact.relative_path;
        let first = if seen.insert(path) {
            Ok(())
        } else {
            Err(PathProblem::Duplicate)
        };
        let checked = check_path(path).and(first);
        checked.map_err(|problem| SchemaError::Path {
            index,
            path: path.clone(),
            problem,
        })?;
    }
    Ok(())
}
