//! The folder that holds everything, and how a file beneath it is opened.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum OpenError {
    #[error("is not there")]
    Missing,
    #[error("leads out of the folder")]
    Leaves,
    #[error("is a loop of links")]
    Loop,
    #[error("is a folder")]
    Folder,
    #[error("is a device, a pipe or a socket")]
    Special,
    #[error("was exchanged while it was opened")]
    Exchanged,
    #[error("cannot be opened")]
    Io(#[source] io::Error),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileState {
    pub identity: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// Seconds and nanoseconds of the last change of the content.
    pub modified: (i64, u64),
    /// Seconds and nanoseconds of the last change of content or attributes.
    pub changed: (i64, u64),
}

impl FileState {
    // The fields' types differ from platform to platform.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "sizes and nanoseconds are not negative"
    )]
    pub(super) fn of(stat: &Stat) -> FileState {
        FileState {
            identity: (stat.st_dev as u64, stat.st_ino as u64),
            size: stat.st_size as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        }
    }
}

/// A regular file, open for reading, and its state at that moment.
#[derive(Debug)]
pub struct OpenFile {
    pub(super) file: File,
    pub(super) state: FileState,
}

impl OpenFile {
    pub const fn state(&self) -> FileState {
        self.state
    }

    /// Opens the file that an operator names: links are followed, but it must
    /// be a regular file, and a pipe does not block.
    pub fn at(path: &Path) -> Result<OpenFile, OpenError> {
        let stat = rustix::fs::statat(CWD, path, AtFlags::empty()).map_err(failed)?;
        open_as(CWD, path, &stat, OFlags::empty())
    }
}

#[derive(Debug)]
pub struct Root {
    /// Without links, as it was when the folder was opened.
    path: PathBuf,
    folder: OwnedFd,
}

impl Root {
    /// Opens the folder at `path`, which an operator names: links on the way to
    /// it are followed.
    ///
    /// # Errors
    /// Whatever the system answers; a file is [`io::ErrorKind::NotADirectory`].
    pub fn open(path: &Path) -> io::Result<Root> {
        let path = path.canonicalize()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&path, flags, Mode::empty())?;
        Ok(Root { path, folder })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file at `relative`, following links only as far as they stay
    /// inside.
    pub fn open_file(&self, relative: &Path) -> Result<OpenFile, OpenError> {
        match self.open_without_links(relative) {
            Err(Step::Link) => {}
            Err(Step::Fault(error)) => return Err(error),
            Ok(opened) => return Ok(opened),
        }
        // Only the place that the links name is computed by path. It is opened
        // from the held folder, and a link that has appeared since is refused.
        let place = self.path.join(relative).canonicalize();
        let place = place.map_err(unresolved)?;
        let inside = place.strip_prefix(&self.path);
        let inside = inside.map_err(|_| OpenError::Leaves)?;
        match self.open_without_links(inside) {
            Ok(opened) => Ok(opened),
            Err(Step::Link) => Err(OpenError::Exchanged),
            Err(Step::Fault(error)) => Err(error),
        }
    }

    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    fn open_without_links(&self, relative: &Path) -> Result<OpenFile, Step> {
        let mut names = Vec::new();
        for component in relative.components() {
            match component {
                Component::Normal(name) => names.push(name),
                _ => return Err(Step::Fault(OpenError::Leaves)),
            }
        }
        let Some((name, folders)) = names.split_last() else {
            return Err(Step::Fault(OpenError::Folder));
        };
        let mut held: Option<OwnedFd> = None;
        for folder in folders {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let from = held.as_ref().map_or(self.folder(), AsFd::as_fd);
            held = match rustix::fs::openat(from, *folder, flags, Mode::empty()) {
                Ok(next) => Some(next),
                // A link, or a file where a folder should be: resolving the
                // whole path tells which.
                Err(Errno::NOTDIR | Errno::LOOP) => return Err(Step::Link),
                Err(error) => return Err(Step::Fault(failed(error))),
            };
        }
        let from = held.as_ref().map_or(self.folder(), AsFd::as_fd);
        let stat = rustix::fs::statat(from, *name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|error| Step::Fault(failed(error)))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return Err(Step::Link);
        }
        open_as(from, Path::new(name), &stat, OFlags::NOFOLLOW).map_err(Step::Fault)
    }
}

/// Why a path without links was not walked to its end.
enum Step {
    Link,
    Fault(OpenError),
}

/// Opens the regular file that `before` was told of and nothing else: merely
/// opening a device can do something, so what stands there was looked at first,
/// and it is looked at again once it is open.
fn open_as(
    from: BorrowedFd<'_>,
    name: &Path,
    before: &Stat,
    how: OFlags,
) -> Result<OpenFile, OpenError> {
    check_regular(before)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | how;
    let file = match rustix::fs::openat(from, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::LOOP | Errno::NOENT | Errno::NXIO) => return Err(OpenError::Exchanged),
        Err(error) => return Err(failed(error)),
    };
    let opened = rustix::fs::fstat(&file).map_err(failed)?;
    check_regular(&opened)?;
    let state = FileState::of(&opened);
    if state.identity != FileState::of(before).identity {
        return Err(OpenError::Exchanged);
    }
    let file = File::from(file);
    Ok(OpenFile { file, state })
}

fn check_regular(stat: &Stat) -> Result<(), OpenError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(OpenError::Folder),
        _ => Err(OpenError::Special),
    }
}

fn failed(error: Errno) -> OpenError {
    match error {
        Errno::NOENT | Errno::NOTDIR => OpenError::Missing,
        Errno::LOOP => OpenError::Loop,
        other => OpenError::Io(other.into()),
    }
}

fn unresolved(error: io::Error) -> OpenError {
    match Errno::from_io_error(&error) {
        Some(errno) => failed(errno),
        None => OpenError::Io(error),
    }
}
