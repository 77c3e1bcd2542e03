//! Reading a Rego policy from a file or a bundle directory.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::rego::RegoSource;
use crate::ledger::parse::{ParseError, parse};

/// Files in a bundle, at most.
const BUNDLE_FILES: usize = 1_000;

/// Bytes of all files together, at most.
const BUNDLE_BYTES: usize = 64 << 20;

/// Folders inside folders, at most.
const BUNDLE_LEVELS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum RegoBundleError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the policy is larger than {} MiB with {}", BUNDLE_BYTES >> 20, path.display())]
    TooLarge { path: PathBuf },
    #[error("{} has more than {BUNDLE_FILES} files or {BUNDLE_LEVELS} levels", path.display())]
    TooMany { path: PathBuf },
    #[error("{} is not UTF-8", path.display())]
    NotUtf8 { path: PathBuf },
    #[error("{} is not JSON: {error}", path.display())]
    NotJson { path: PathBuf, error: ParseError },
}

impl RegoSource {
    /// Reads one `.rego` file, or a bundle: every `.rego` file in a folder and
    /// below, without tests (`_test.rego`), and `data.json` at its top.
    /// Symbolic links are not followed inside a bundle.
    pub fn read(path: &Path) -> Result<RegoSource, RegoBundleError> {
        let mut source = RegoSource::default();
        let mut left = BUNDLE_BYTES;
        if !path.is_dir() {
            let name = path.file_name().unwrap_or(path.as_os_str());
            let text = read_text(path, &mut left)?;
            source
                .modules
                .insert(name.to_string_lossy().into_owned(), text);
            return Ok(source);
        }
        source.add_folder(path, path, BUNDLE_LEVELS, &mut left)?;
        let data = path.join("data.json");
        if data.is_file() {
            let text = read_bytes(&data, &mut left)?;
            let value =
                parse(&text).map_err(|error| RegoBundleError::NotJson { path: data, error })?;
            source.data = Some(value);
        }
        Ok(source)
    }

    fn add_folder(
        &mut self,
        root: &Path,
        folder: &Path,
        levels: usize,
        left: &mut usize,
    ) -> Result<(), RegoBundleError> {
        let too_many = || RegoBundleError::TooMany {
            path: root.to_owned(),
        };
        let levels = levels.checked_sub(1).ok_or_else(too_many)?;
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let entry = entry.map_err(|error| unreadable(folder, error))?;
            let path = entry.path();
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&path, error))?;
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            if kind.is_dir() {
                self.add_folder(root, &path, levels, left)?;
            } else if kind.is_file() && name.ends_with(".rego") && !name.ends_with("_test.rego") {
                if self.modules.len() == BUNDLE_FILES {
                    return Err(too_many());
                }
                let text = read_text(&path, left)?;
                self.modules.insert(name, text);
            }
        }
        Ok(())
    }
}

fn read_text(path: &Path, left: &mut usize) -> Result<String, RegoBundleError> {
    String::from_utf8(read_bytes(path, left)?).map_err(|_| RegoBundleError::NotUtf8 {
        path: path.to_owned(),
    })
}

/// Reads a file into what is `left` of the bytes of all.
fn read_bytes(path: &Path, left: &mut usize) -> Result<Vec<u8>, RegoBundleError> {
    let mut text = Vec::new();
    let limit = *left;
    let file = fs::File::open(path).map_err(|error| unreadable(path, error))?;
    let read = file.take(limit as u64 + 1).read_to_end(&mut text);
    read.map_err(|error| unreadable(path, error))?;
    *left = limit
        .checked_sub(text.len())
        .ok_or_else(|| RegoBundleError::TooLarge {
            path: path.to_owned(),
        })?;
    Ok(text)
}

fn unreadable(path: &Path, source: io::Error) -> RegoBundleError {
    RegoBundleError::Unreadable {
        path: path.to_owned(),
        source,
    }
}
