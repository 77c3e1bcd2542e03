//! `package_hash`: one number for everything a package holds.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use crate::files::{FileDigest, Root, TreeError, TreeProblem, WalkedFile, digest_tree, list};
use crate::ledger::limits;
use crate::ledger::sha256::{Sha256Digest, Sha256Hasher};
use crate::ledger::words::words;

/// Names that are passed over wherever they occur below the package root.
const EXCLUDED: [&[u8]; 6] = [
    b"manifest.json",
    b"manifest.sig",
    b"manifest.tmp",
    b".git",
    b"__pycache__",
    b".DS_Store",
];

pub fn is_excluded(name: &[u8]) -> bool {
    EXCLUDED.contains(&name) || name.ends_with(b".pyc")
}

words! {
    /// The order of the records that a hash was made with.
    pub enum PathOrder {
        /// By path components, `a/x` before `a-b/x`: the canonical one.
        Components = "components",
        /// By the path's bytes, `a-b/x` before `a/x`: accepted when verifying.
        Plain = "plain",
    }
}

/// The hash of a package, and what it covers.
#[derive(Clone, Debug)]
pub struct PackageHash {
    /// Over the records in component order: what a manifest states.
    pub canonical: Sha256Digest,
    /// Over the records in plain string order; mostly the same.
    pub plain: Sha256Digest,
    pub files: usize,
    pub bytes: u64,
    pub sizes: BTreeMap<String, u64>,
    /// Files that are there and not covered, because of their names.
    pub excluded: Vec<WalkedFile>,
}

impl PackageHash {
    /// In which order the records give `stated`; none if in neither.
    pub fn matches(&self, stated: &Sha256Digest) -> Option<PathOrder> {
        if *stated == self.canonical {
            Some(PathOrder::Components)
        } else {
            (*stated == self.plain).then_some(PathOrder::Plain)
        }
    }
}

/// Hashes the package at `package_root`, its files in parallel; memory does not
/// depend on their size.
///
/// # Errors
/// [`TreeError`] names the first file that has no unambiguous record: a name
/// that is not UTF-8 or has a control character, a link that leaves the package,
/// dangles, loops or names a folder, a device or pipe, a file that changed
/// meanwhile.
pub fn canonical_package_hash(package_root: &Path) -> Result<PackageHash, TreeError> {
    let root = Root::open(package_root).map_err(|error| TreeError {
        path: String::new(),
        problem: TreeProblem::Io(error),
    })?;
    let skip = |_: &str, name: &[u8]| is_excluded(name);
    let tree = list(&root, &skip)?;
    let digests = digest_tree(&root, &tree, &skip, limits::PACKAGE_BYTES)?;
    let paths = tree.files.iter().map(|found| found.path.as_str());
    let mut records: Vec<(&str, &FileDigest)> = paths.zip(&digests).collect();
    let canonical = hash_records(&records);
    let sizes = records.iter();
    let sizes = sizes.map(|(path, digest)| ((*path).to_owned(), digest.size));
    let sizes = sizes.collect();
    records.par_sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let plain = hash_records(&records);
    Ok(PackageHash {
        canonical,
        plain,
        files: digests.len(),
        bytes: digests.iter().map(|digest| digest.size).sum(),
        sizes,
        excluded: tree.skipped,
    })
}

impl PackageHash {
    /// The hash of a package of which only its files' paths, sizes and digests
    /// are at hand. Excluded names are passed over; the manifest is not among them.
    pub fn of_digests(files: &BTreeMap<String, FileDigest>) -> PackageHash {
        let covered = |path: &str| !path.split('/').any(|name| is_excluded(name.as_bytes()));
        let excluded = files.keys().filter(|path| !covered(path));
        let excluded = excluded
            .map(|path| WalkedFile::told(path.clone()))
            .collect();
        let mut records: Vec<(&str, &FileDigest)> = files
            .iter()
            .map(|(path, digest)| (path.as_str(), digest))
            .filter(|(path, _)| covered(path))
            .collect();
        let plain = hash_records(&records);
        records.sort_unstable_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        PackageHash {
            canonical: hash_records(&records),
            plain,
            files: records.len(),
            bytes: records.iter().map(|(_, digest)| digest.size).sum(),
            excluded,
            sizes: records
                .iter()
                .map(|(path, digest)| ((*path).to_owned(), digest.size))
                .collect(),
        }
    }
}

/// `relative_posix_path \n size_bytes \n sha256_hex \n`, a record a file.
fn hash_records(records: &[(&str, &FileDigest)]) -> Sha256Digest {
    let mut hasher = Sha256Hasher::new();
    for (path, digest) in records {
        let (size, sha256) = (digest.size, digest.sha256);
        hasher.update(format!("{path}\n{size}\n{sha256}\n").as_bytes());
    }
    hasher.finish()
}
