//! Evidence that comes through a pipe. It is read more than once, so it is laid down in
//! a file without a name first.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The most that a pipe may give, as much as a server takes.
const LIMIT: u64 = 4 << 30;

/// What was laid down, by the path that it came by.
static LAID_DOWN: Mutex<Vec<(PathBuf, File)>> = Mutex::new(Vec::new());

/// Standard input by the name that it has as a file.
fn named(path: &Path) -> &Path {
    match path == Path::new("-") {
        true => Path::new("/dev/stdin"),
        false => path,
    }
}

/// What there is at a path; `-` is standard input.
pub(super) fn metadata(path: &Path) -> io::Result<Metadata> {
    fs::metadata(named(path))
}

/// Whether it can be read only once.
pub(super) fn is_pipe(metadata: &Metadata) -> bool {
    metadata.file_type().is_fifo()
}

/// Opens a file that may be opened again. `-` is standard input.
///
/// # Errors
/// What the system says, or [`io::ErrorKind::FileTooLarge`] of a pipe.
pub fn open_file(path: &Path) -> io::Result<File> {
    let path = named(path);
    if !fs::metadata(path).is_ok_and(|found| is_pipe(&found)) {
        return File::open(path);
    }
    let mut all = LAID_DOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = all.iter().position(|(known, _)| known == path);
    if known.is_none() {
        all.push((path.to_owned(), lay_down(path)?));
    }
    let known = known.map_or_else(|| all.last(), |at| all.get(at));
    let (_, file) = known.ok_or(io::ErrorKind::NotFound)?;
    // Opened anew: a copy of the descriptor would share its place in the file.
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn lay_down(path: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let mut pipe = File::open(path)?.take(LIMIT + 1);
    if io::copy(&mut pipe, &mut file)? > LIMIT {
        let text = "it is a pipe of more than 4 GiB: save it to a file first";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    file.rewind()?;
    Ok(file)
}
