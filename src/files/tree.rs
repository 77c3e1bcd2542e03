//! The content of a whole folder, as it stood at one time.

use std::sync::atomic::{AtomicU64, Ordering};

use super::contents::{FileDigest, digest_each};
use super::root::{OpenFile, Root};
use super::walk::{self, Skip, Tree, TreeError, TreeProblem, WalkedFile};

/// Bytes of holes that the files of a folder have together, at most: 16 GiB, which one core
/// hashes in a minute.
const HOLE_BYTES: u64 = 16 << 30;

/// The digest of every file of `tree`, in its order: in parallel, memory for a
/// few buffers a thread. Afterwards the folder is listed once more, so that what
/// is returned is what stood there at one time, as far as the file system's
/// clock tells; `skip` is what `tree` was listed with. What the files say they
/// have is counted first: more than `most` bytes are not read, nor more than
/// 16 GiB of holes, since those cost who makes them nothing.
pub fn digest_tree(
    root: &Root,
    tree: &Tree,
    skip: Skip<'_>,
    most: u64,
) -> Result<Vec<FileDigest>, TreeError> {
    check_holes(root, tree)?;
    let counted = AtomicU64::new(0);
    let outcomes = digest_each(&tree.files, |found| {
        let opened = open_found(root, found)?;
        let size = opened.state.size.min(most.saturating_add(1));
        let before = counted.fetch_add(size, Ordering::Relaxed);
        match before.saturating_add(size) > most {
            true => Err(TreeError::new(&found.path, TreeProblem::TooLarge(most))),
            false => Ok(opened),
        }
    });
    let digests = tree.files.iter().zip(outcomes).map(|(found, outcome)| {
        outcome?.map_err(|error| TreeError::new(&found.path, TreeProblem::of_read(error)))
    });
    let digests = digests.collect::<Result<Vec<_>, _>>()?;
    let again = walk::list(root, skip)?;
    if let Some(path) = first_difference(&tree.files, &again.files) {
        return Err(TreeError::new(path, TreeProblem::Changed));
    }
    Ok(digests)
}

/// Refuses files that have too many holes together, before any is read. A link counts as
/// what it leads to.
fn check_holes(root: &Root, tree: &Tree) -> Result<(), TreeError> {
    let sizes = tree.files.iter().map(|found| found.state.size);
    if sizes.fold(0, u64::saturating_add) <= HOLE_BYTES && !tree.files.iter().any(|it| it.link) {
        return Ok(());
    }
    let mut holes = 0_u64;
    for found in &tree.files {
        let hole = open_found(root, found)?.holes(HOLE_BYTES);
        let failed = |error| TreeError::new(&found.path, TreeProblem::Io(error));
        holes = holes.saturating_add(hole.map_err(failed)?);
        if holes > HOLE_BYTES {
            return Err(TreeError::new(&found.path, TreeProblem::Holes(HOLE_BYTES)));
        }
    }
    Ok(())
}

fn open_found(root: &Root, found: &WalkedFile) -> Result<OpenFile, TreeError> {
    let fault = |problem| TreeError::new(&found.path, problem);
    let opened = root
        .open_file(found.path.as_ref())
        .map_err(|error| fault(TreeProblem::of_open(error, found.link)))?;
    if !found.link && opened.state.identity != found.state.identity {
        return Err(fault(TreeProblem::Changed));
    }
    Ok(opened)
}

fn first_difference<'a>(before: &'a [WalkedFile], after: &'a [WalkedFile]) -> Option<&'a str> {
    let differs = before.iter().zip(after).find(|(a, b)| a != b);
    let longer = || before.get(after.len()).or_else(|| after.get(before.len()));
    let found = differs.map(|(a, b)| if a.path <= b.path { a } else { b });
    found.or_else(longer).map(|found| found.path.as_str())
}
