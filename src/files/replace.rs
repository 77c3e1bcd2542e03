//! Files are replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes `bytes` to `path`: into a temporary file beside it, named as `path`
/// but with the extension `tmp`, which is synced and renamed; then the folder is
/// synced. Readers see the old file or the new one, after a crash too. A
/// temporary file that a crash left is replaced.
///
/// (`manifest.tmp` is a name that package hashes pass over, so not even a crash
/// changes one.)
///
/// # Errors
/// Whatever the system answers; [`io::ErrorKind::InvalidInput`] for a path that
/// has no file name or is the temporary file's own.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_as(path, bytes, 0o666)
}

/// The same of a file that its owner alone reads and writes.
///
/// # Errors
/// As [`replace`].
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_as(path, bytes, 0o600)
}

/// `mode` is what the umask takes from.
fn replace_as(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let (Some(_), false) = (path.file_name(), temporary == path) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` follows no link that somebody puts there in the meantime.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
