//! What a folder holds, by name, before anything is opened.

use std::os::fd::{AsFd, BorrowedFd};

use crate::ledger::json::Quoted;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use thiserror::Error;

use super::contents::FileReadError;
use super::root::{FileState, OpenError, Root};

/// Folders in folders that are entered: each holds a file descriptor.
const LEVELS: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkedFile {
    /// Where, relative to the root, its components joined by `/`.
    pub path: String,
    /// Its state (a link's own, not that of what it names).
    pub state: FileState,
    pub link: bool,
}

impl WalkedFile {
    /// A file that somebody tells of.
    pub fn told(path: String) -> WalkedFile {
        WalkedFile {
            path,
            state: FileState::default(),
            link: false,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Sorted by path **components**: `a/x` before `a-b/x`.
    pub files: Vec<WalkedFile>,
    /// Files that were passed over because of their names, and folders of such
    /// that could not be listed, in the same order. Bytes that are not UTF-8
    /// are shown as U+FFFD.
    pub skipped: Vec<WalkedFile>,
}

/// Whether to pass over the entry of this name in the folder at this path (empty
/// for the root).
pub type Skip<'s> = &'s dyn Fn(&str, &[u8]) -> bool;

#[derive(Debug, Error)]
#[error("{} {problem}", Quoted(path))]
pub struct TreeError {
    /// Relative to the root; empty for the root itself.
    pub path: String,
    #[source]
    pub problem: TreeProblem,
}

#[derive(Debug, Error)]
pub enum TreeProblem {
    #[error("has a name that is not UTF-8")]
    NameNotUtf8,
    /// Its name has a character below U+0020, or U+007F. A newline would let
    /// one file pose as two.
    #[error("has the control character U+{:04X} in its name", *.0 as u32)]
    NameControl(char),
    #[error("is a link to nothing")]
    LinkDangles,
    #[error("is a link that leads out of the folder")]
    LinkLeaves,
    #[error("is a loop of links")]
    LinkLoops,
    #[error("is a link to a folder")]
    LinkToFolder,
    #[error("is a link to a device, a pipe or a socket")]
    LinkToSpecial,
    #[error("is a device, a pipe or a socket")]
    Special,
    #[error("changed while it was read")]
    Changed,
    #[error("lies more than {LEVELS} folders deep")]
    TooDeep,
    #[error("makes more than {0} bytes of the folder, which are not read")]
    TooLarge(u64),
    #[error("makes more than {0} bytes of holes in the files of the folder, which are not read")]
    Holes(u64),
    #[error("cannot be read")]
    Io(#[source] std::io::Error),
}

impl TreeProblem {
    pub const fn reason(&self) -> &'static str {
        match self {
            TreeProblem::NameNotUtf8 => "name_not_utf8",
            TreeProblem::NameControl(_) => "name_control_character",
            TreeProblem::LinkDangles => "link_dangles",
            TreeProblem::LinkLeaves => "link_leaves_package",
            TreeProblem::LinkLoops => "link_loops",
            TreeProblem::LinkToFolder => "link_to_folder",
            TreeProblem::LinkToSpecial => "link_to_special_file",
            TreeProblem::Special => "special_file",
            TreeProblem::Changed => "changed_while_read",
            TreeProblem::TooDeep => "too_deep",
            TreeProblem::TooLarge(_) | TreeProblem::Holes(_) => "too_large",
            TreeProblem::Io(_) => "unreadable",
        }
    }

    pub(super) fn of_open(error: OpenError, link: bool) -> TreeProblem {
        match error {
            OpenError::Missing if link => TreeProblem::LinkDangles,
            OpenError::Leaves => TreeProblem::LinkLeaves,
            OpenError::Loop => TreeProblem::LinkLoops,
            OpenError::Folder if link => TreeProblem::LinkToFolder,
            OpenError::Special if link => TreeProblem::LinkToSpecial,
            OpenError::Io(error) => TreeProblem::Io(error),
            // It was a file when the folder was listed.
            OpenError::Missing | OpenError::Folder | OpenError::Special | OpenError::Exchanged => {
                TreeProblem::Changed
            }
        }
    }

    pub(super) fn of_read(error: FileReadError) -> TreeProblem {
        match error {
            FileReadError::Io(error) => TreeProblem::Io(error),
            FileReadError::Changed | FileReadError::TooLarge { .. } => TreeProblem::Changed,
        }
    }
}

impl TreeError {
    pub(super) fn new(path: impl Into<String>, problem: TreeProblem) -> TreeError {
        let path = path.into();
        TreeError { path, problem }
    }
}

/// Lists `root` and every folder below. Entries for which `skip` answers true
/// are listed apart with all that is below them, whatever they are.
///
/// # Errors
/// [`TreeError`] for the first entry in order that is neither a file, a folder
/// nor a link, or whose name cannot stand in a record.
pub fn list(root: &Root, skip: Skip<'_>) -> Result<Tree, TreeError> {
    let mut walk = Walk {
        skip,
        tree: Tree::default(),
    };
    walk.folder(root.folder(), "", false, 0)?;
    Ok(walk.tree)
}

struct Walk<'s> {
    skip: Skip<'s>,
    tree: Tree,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        folder: BorrowedFd<'_>,
        path: &str,
        skipped: bool,
        level: usize,
    ) -> Result<(), TreeError> {
        if level > LEVELS {
            return Err(TreeError::new(path, TreeProblem::TooDeep));
        }
        for name in names(folder).map_err(|e| TreeError::new(path, TreeProblem::Io(e)))? {
            self.entry(folder, path, &name, skipped, level)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: BorrowedFd<'_>,
        parent: &str,
        name: &[u8],
        skipped: bool,
        level: usize,
    ) -> Result<(), TreeError> {
        let skipped = skipped || (self.skip)(parent, name);
        let shown = String::from_utf8_lossy(name);
        let path = if parent.is_empty() {
            shown.into_owned()
        } else {
            format!("{parent}/{shown}")
        };
        let fault = |problem| TreeError::new(&path, problem);
        if !skipped {
            check_name(name).map_err(fault)?;
        }
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|error| fault(TreeProblem::Io(error.into())))?;
        let state = FileState::of(&stat);
        let kind = FileType::from_raw_mode(stat.st_mode);
        let link = kind == FileType::Symlink;
        if kind == FileType::Directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let entered = rustix::fs::openat(folder, name, flags, Mode::empty())
                .map_err(|error| fault(TreeProblem::Io(error.into())))
                .and_then(|inner| self.folder(inner.as_fd(), &path, skipped, level + 1));
            // What is not attested is only listed, so trouble in it is no more
            // than a line of that list.
            return match entered {
                Err(_) if skipped => {
                    self.tree.skipped.push(WalkedFile { path, state, link });
                    Ok(())
                }
                entered => entered,
            };
        }
        if skipped {
            self.tree.skipped.push(WalkedFile { path, state, link });
        } else if link || kind == FileType::RegularFile {
            self.tree.files.push(WalkedFile { path, state, link });
        } else {
            return Err(fault(TreeProblem::Special));
        }
        Ok(())
    }
}

/// The names in a folder, sorted: a depth-first walk in this order lists files
/// by path components.
fn names(folder: BorrowedFd<'_>) -> std::io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn check_name(name: &[u8]) -> Result<(), TreeProblem> {
    let name = std::str::from_utf8(name).map_err(|_| TreeProblem::NameNotUtf8)?;
    match name.chars().find(char::is_ascii_control) {
        Some(character) => Err(TreeProblem::NameControl(character)),
        None => Ok(()),
    }
}
