//! What is in a folder.
//!
//! Not by `std::fs::read_dir`: that ends the whole process by a panic if the
//! folder, read to its end, cannot be closed. Nothing is lost by such a close.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Dir, Mode, OFlags};

/// The names in `folder`, in no order, without `.` and `..`.
pub(super) fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty())?;
    let mut names = Vec::new();
    for file in Dir::new(opened)? {
        let file = file?;
        let name = file.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_name_is_listed_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut written: Vec<OsString> = (0..300).map(|n| format!("{n:06}.sst").into()).collect();
        written.push(OsStr::from_bytes(b"\xff\n").to_owned());
        for name in &written {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("below")).unwrap();
        written.push("below".into());
        let mut found = names(folder.path()).unwrap();
        found.sort();
        written.sort();
        assert_eq!(found, written);
    }

    #[test]
    fn what_is_no_folder_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(names(folder.path()).unwrap(), Vec::<OsString>::new());
        let file = folder.path().join("file");
        let kind = |path: &Path| names(path).unwrap_err().kind();
        assert_eq!(kind(&file), io::ErrorKind::NotFound);
        fs::write(&file, "").unwrap();
        assert_eq!(kind(&file), io::ErrorKind::NotADirectory);
    }
}
