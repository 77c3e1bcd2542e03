//! The text of `Manifest.json`, read and written.

use std::collections::HashSet;

use thiserror::Error;

use super::path::{PathProblem, check_path};
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;

/// The schema that is written and read.
pub const SCHEMA_VERSION: &str = "1.0.0";

/// One file that a manifest promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactEntry {
    /// Where, from the manifest's folder, components joined by `/`.
    pub relative_path: String,
    /// SHA-256 of its content.
    pub sha256: Sha256Digest,
    /// Its size.
    pub size_bytes: u64,
}

/// A manifest. Nothing is said about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactManifest {
    /// When it was made.
    pub created_at_utc: Timestamp,
    /// What it promises; no path twice.
    pub artifacts: Vec<ArtifactEntry>,
    /// One digest over all tiles, if there are any.
    pub tiles_coverage_sha256: Option<Sha256Digest>,
}

/// Why a text is no manifest; the message names the member.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Not JSON as signed documents must be.
    #[error(transparent)]
    Json(#[from] ParseError),
    /// A member is missing, unknown or of the wrong type.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// A path that may not stand in a manifest.
    #[error("artifacts[{index}].relative_path: {path:?} {problem}")]
    Path {
        /// Which artifact.
        index: usize,
        /// The path.
        path: String,
        /// What is wrong with it.
        #[source]
        problem: PathProblem,
    },
}

impl ArtifactManifest {
    /// Reads the text of a manifest file.
    ///
    /// # Errors
    /// [`SchemaError`] names the member.
    pub fn parse(text: &[u8]) -> Result<ArtifactManifest, SchemaError> {
        let value = parse::parse(text)?;
        let mut members = Members::of(&value, "")?;
        if members.str("schema_version")? != SCHEMA_VERSION {
            let expected = "\"1.0.0\"";
            let problem = MemberProblem::BadValue {
                expected: expected.into(),
            };
            return Err(members.error("schema_version", problem).into());
        }
        let created_at_utc = Timestamp::parse(members.str("created_at_utc")?)
            .map_err(|error| members.error("created_at_utc", error.into()))?;
        let artifacts = parse_artifacts(members.array("artifacts")?)?;
        // It may be null but not absent: whoever leaves it out says nothing.
        members.required("tiles_coverage_sha256")?;
        let tiles = members.opt_hex("tiles_coverage_sha256")?;
        members.finish()?;
        Ok(ArtifactManifest {
            created_at_utc,
            artifacts,
            tiles_coverage_sha256: tiles.map(Sha256Digest::from_bytes),
        })
    }

    /// The text of the file: sorted keys, two spaces, a final newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let artifacts: Vec<Value> = self.artifacts.iter().map(ArtifactEntry::to_value).collect();
        let mut object = Object::new();
        object.insert("schema_version", SCHEMA_VERSION);
        object.insert("created_at_utc", self.created_at_utc.to_string());
        object.insert("artifacts", artifacts);
        let tiles = self.tiles_coverage_sha256.map(|hash| hash.to_string());
        object.insert("tiles_coverage_sha256", tiles);
        let mut text = Value::Object(object).pretty();
        text.push('\n');
        text
    }
}

impl ArtifactEntry {
    fn to_value(&self) -> Value {
        let mut object = Object::new();
        object.insert("relative_path", self.relative_path.as_str());
        object.insert("sha256", self.sha256.to_string());
        object.insert("size_bytes", self.size_bytes);
        Value::Object(object)
    }
}

fn parse_artifacts(items: &[Value]) -> Result<Vec<ArtifactEntry>, SchemaError> {
    let mut seen = HashSet::with_capacity(items.len());
    let mut artifacts = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut members = Members::of(item, &format!("artifacts[{index}]"))?;
        let path = members.str("relative_path")?;
        let sha256 = Sha256Digest::from_bytes(members.hex("sha256")?);
        let size_bytes = members.u64("size_bytes")?;
        members.finish()?;
        let first = if seen.insert(path) {
            Ok(())
        } else {
            Err(PathProblem::Duplicate)
        };
        let checked = check_path(path).and(first);
        checked.map_err(|problem| SchemaError::Path {
            index,
            path: path.to_owned(),
            problem,
        })?;
        artifacts.push(ArtifactEntry {
            relative_path: path.to_owned(),
            sha256,
            size_bytes,
        });
    }
    Ok(artifacts)
}
