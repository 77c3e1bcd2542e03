//! A public log in a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::retired::{RETIRED_BYTES, Retired, is_due, lines};
use super::{LogStorage, PublicError, failed, unsealed_head};
use crate::files::{open_regular, read_within, replace};
use crate::ledger::limits;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::TileSource;
use crate::logbook::Logbook;
use crate::logbook::publish::PublishFile;

/// How often the list of what is retired is gone through, at most.
const MINUTE_MICROS: i64 = 60_000_000;

/// No line of the list is longer.
const LINE_BYTES: u64 = 256;

/// What is read of the headers: 1 GiB, two million of them.
const HEADERS_BYTES: u64 = 1 << 30;

/// The list of tiles that became full ([`Retired`]).
const RETIRED: &str = ".retired";

/// Held by the process that publishes.
const LOCK: &str = ".lock";

/// A folder that one process at a time publishes to, and anybody reads.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// For as long as it is open for writing.
    _lock: Option<File>,
    headers: Option<PublishFile>,
    /// The folder that the last tile went to, which therefore is there.
    made: PathBuf,
    /// When the list of what is retired was gone through.
    looked: Option<Timestamp>,
}

impl Folder {
    /// Opens a folder for reading.
    #[must_use]
    pub fn read_only(path: &Path) -> Folder {
        Folder {
            path: path.to_owned(),
            _lock: None,
            headers: None,
            made: PathBuf::new(),
            looked: None,
        }
    }

    /// Opens a folder for publishing, or makes it.
    ///
    /// # Errors
    /// [`PublicError::InUse`] if another process publishes to it.
    pub fn open(path: &Path) -> Result<Folder, PublicError> {
        let place = path.display().to_string();
        let lock = || {
            fs::create_dir_all(path)?;
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            options.open(path.join(LOCK))
        };
        let lock = lock().map_err(|source| failed(&place, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder {
                _lock: Some(lock),
                ..Folder::read_only(path)
            }),
            Err(TryLockError::WouldBlock) => Err(PublicError::InUse { place }),
            Err(TryLockError::Error(source)) => Err(failed(&place, source)),
        }
    }

    /// Whether the list says that something has been full for an hour. It is not gone
    /// through more often than in a minute.
    fn is_due(&self, path: &Path, now: Timestamp) -> io::Result<bool> {
        if self
            .looked
            .is_some_and(|looked| now.micros_since(looked).abs() < MINUTE_MICROS)
        {
            return Ok(false);
        }
        let file = match open_regular(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        let mut line = Vec::new();
        BufReader::new(file.take(LINE_BYTES)).read_until(b'\n', &mut line)?;
        Ok(is_due(&String::from_utf8_lossy(&line), now))
    }

    /// Where a file is.
    fn at(&self, resource: Resource) -> PathBuf {
        self.path.join(resource.to_string())
    }

    /// Removes the partial tiles of what is full.
    fn remove_partial(&self, full: Resource) -> io::Result<()> {
        let whole = self.at(full);
        if !whole.is_file() {
            return Ok(());
        }
        let mut partial = whole.into_os_string();
        partial.push(".p");
        gone(fs::remove_dir_all(PathBuf::from(partial)))
    }
}

impl TileSource for Folder {
    type Error = io::Error;

    fn read(&self, resource: Resource) -> io::Result<Option<Vec<u8>>> {
        let file = match open_regular(&self.at(resource)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // A little more than the longest, so that a longer one is seen to be.
        let mut bytes = Vec::new();
        let most = match resource {
            Resource::Headers => HEADERS_BYTES,
            _ => limits::SMALL_FILE_BYTES as u64 + 1,
        };
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

impl LogStorage for Folder {
    fn write(&mut self, resource: Resource, bytes: &[u8]) -> io::Result<()> {
        let path = self.at(resource);
        let folder = path.parent().unwrap_or(&self.path);
        if folder != self.made {
            fs::create_dir_all(folder)?;
            self.made = folder.to_owned();
        }
        let temporary = path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        fs::rename(temporary, path)
    }

    fn sync(&mut self) -> io::Result<()> {
        // One call for thousands of files, their folders included.
        Ok(rustix::fs::syncfs(File::open(&self.path)?)?)
    }

    fn add_headers(&mut self, logbook: &Logbook) -> Result<(), PublicError> {
        let store = &**logbook.store();
        let path = self.at(Resource::Headers);
        let file = match &mut self.headers {
            Some(file) => file,
            none => none.insert(PublishFile::open(&path, store, logbook.identity())?),
        };
        file.publish(store, unsealed_head(logbook)?.as_ref())?;
        Ok(())
    }

    fn replace_checkpoint(&mut self, bytes: &[u8]) -> Result<(), PublicError> {
        let path = self.at(Resource::Checkpoint);
        let place = self.path.display().to_string();
        replace(&path, bytes).map_err(|source| failed(&place, source))
    }

    fn retire(&mut self, full: &[Resource], now: Timestamp) -> io::Result<()> {
        let path = self.path.join(RETIRED);
        if !self.is_due(&path, now)? {
            return append(&path, &lines(full, now));
        }
        let list = String::from_utf8(read_within(&path, RETIRED_BYTES)?);
        let retired = Retired::of(&list.map_err(io::Error::other)?, full, now);
        for full in retired.due {
            self.remove_partial(full)?;
        }
        self.looked = Some(now);
        replace(&path, retired.list.as_bytes())
    }
}

/// Adds lines to a list, whose last one a crash may have cut short.
fn append(path: &Path, lines: &str) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    let cut = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{cut}{lines}").as_bytes())?;
    file.sync_data()
}

/// What is not there is gone.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
