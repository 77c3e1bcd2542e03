//! Files as a client sends them: whole, or by what it says they are.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::attestation::{Evidence, PackageHash};
use crate::files::{FileDigest, WalkedFile};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{MemberError, MemberProblem};
use crate::manifest::check_path;

use super::EvidenceFile;

pub(super) struct Files {
    pub(super) digests: BTreeMap<String, FileDigest>,
    /// Whether the digest of any file is the client's word.
    reported: bool,
}

impl Files {
    pub(super) fn read(name: &str, shown: Vec<EvidenceFile>) -> Result<Files, MemberError> {
        let mut files = Files {
            digests: BTreeMap::new(),
            reported: false,
        };
        for (index, file) in shown.into_iter().enumerate() {
            let at = format!("{name}[{index}]");
            let (path, digest, reported) = read(file).map_err(|error| error.inside(&at))?;
            if files.digests.insert(path, digest).is_some() {
                return Err(bad("path", "a path that is there once").inside(&at));
            }
            files.reported |= reported;
        }
        Ok(files)
    }

    /// `unattested` are files that are told of besides.
    pub(super) fn package(
        &self,
        manifest: Vec<u8>,
        unattested: Vec<String>,
        hmac_valid: Option<bool>,
    ) -> Evidence {
        let mut package = PackageHash::of_digests(&self.digests);
        package
            .excluded
            .extend(unattested.into_iter().map(WalkedFile::told));
        Evidence {
            manifest,
            package,
            hmac_valid,
        }
    }

    /// What of it the server did not compute.
    pub(super) fn on_trust(&self, name: &'static str) -> Vec<&'static str> {
        self.reported.then_some(name).into_iter().collect()
    }
}

/// The place and the digest of a file, and whether that is the client's word.
fn read(file: EvidenceFile) -> Result<(String, FileDigest, bool), MemberError> {
    if check_path(&file.path).is_err() {
        return Err(bad("path", "a relative POSIX path without `.` and `..`"));
    }
    match (file.content, file.size, file.sha256) {
        (Some(content), None, None) => {
            let content = STANDARD
                .decode(content)
                .map_err(|_| bad("content", "base64"))?;
            let digest = FileDigest {
                sha256: Sha256Digest::of(&content),
                size: content.len() as u64,
            };
            Ok((file.path, digest, false))
        }
        (None, Some(size), Some(sha256)) => Ok((file.path, FileDigest { sha256, size }, true)),
        _ => Err(bad("content", "a file's content, or its size and sha256")),
    }
}

fn bad(name: &str, expected: &'static str) -> MemberError {
    let expected = expected.into();
    MemberError::from(MemberProblem::BadValue { expected }).inside(name)
}
