//! Where logs are read: servers and folders.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

#[cfg(feature = "client")]
use crate::fetch::{FetchError, Fetcher};
use crate::files::open_regular;
use crate::ledger::limits::SMALL_FILE_BYTES;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::TileSource;

/// The longest bundle: 256 entries of 2 + 32 bytes.
const TILE_BYTES: usize = 256 * 34;

/// Why a file of a log could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It lies in a folder.
    #[error("{}: {error}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A server has it.
    #[cfg(feature = "client")]
    #[error("{url}: {error}")]
    Server {
        /// Where.
        url: String,
        /// Why there is no answer.
        error: FetchError,
    },
    /// A server answers something else than the file, or that there is none.
    #[error("{url}: the server answered {status}")]
    Status {
        /// Where.
        url: String,
        /// The status.
        status: u16,
    },
    /// It is longer than any such file.
    #[error("{0} is longer than it may be")]
    TooLong(String),
}

fn most_bytes(resource: Resource) -> usize {
    match resource {
        Resource::Tile { .. } | Resource::Entries(_) => TILE_BYTES,
        Resource::Checkpoint | Resource::Headers => SMALL_FILE_BYTES,
    }
}

/// A log in a folder.
#[derive(Clone, Copy, Debug)]
pub struct FolderPlace<'a>(pub &'a Path);

impl TileSource for FolderPlace<'_> {
    type Error = PlaceError;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, PlaceError> {
        let path = self.0.join(resource.to_string());
        bounded(&path, most_bytes(resource)).map_err(|error| PlaceError::Folder { path, error })
    }
}

/// A file of at most `limit` bytes; none if there is none.
pub(super) fn bounded(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = open_regular(path);
    let read = read.and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() > limit => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A log on a server.
#[cfg(feature = "client")]
#[derive(Clone, Debug)]
pub struct Server {
    fetcher: Fetcher,
    url: String,
}

#[cfg(feature = "client")]
impl Server {
    /// The log at `url`, which need not end in `/`.
    #[must_use]
    pub fn new(fetcher: Fetcher, url: &str) -> Server {
        let url = url.trim_end_matches('/').to_owned();
        Server { fetcher, url }
    }
}

#[cfg(feature = "client")]
impl TileSource for Server {
    type Error = PlaceError;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, PlaceError> {
        let url = format!("{}/{resource}", self.url);
        let limit = most_bytes(resource) as u64;
        match self.fetcher.get(&url, limit) {
            Ok(fetched) if fetched.status == 200 => Ok(Some(fetched.body)),
            Ok(fetched) if matches!(fetched.status, 404 | 410) => Ok(None),
            Ok(fetched) => Err(PlaceError::Status {
                url,
                status: fetched.status,
            }),
            Err(FetchError::TooLong { .. }) => Err(PlaceError::TooLong(url)),
            Err(error) => Err(PlaceError::Server { url, error }),
        }
    }
}
