//! Who holds a ledger: one writer, or any number of readers.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::super::StoreError;

pub(super) const LOCK_FILE: &str = "lock";

/// How often it is tried to take a hold that somebody else has.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(super) struct Lock {
    /// `None` for a reader of a ledger that has no lock file and therefore no
    /// writer, or who does not mind one.
    held: Option<LockHolder>,
}

struct LockHolder {
    _file: File,
    /// Device and number, which are the file's as long as it is open.
    id: (u64, u64),
}

impl Lock {
    /// No hold at all: for reading beside a writer.
    pub(super) const fn none() -> Lock {
        Lock { held: None }
    }

    /// The writer's hold on a directory that has no lock file yet.
    pub(super) fn create(dir: &Path) -> Result<Lock, StoreError> {
        let file = File::create_new(dir.join(LOCK_FILE))?;
        Lock::take(dir, file, FlockOperation::NonBlockingLockExclusive)
    }

    /// The writer's hold, waiting so long for others to let go. There is no queue:
    /// of those who wait, any is next.
    pub(super) fn exclusive_within(dir: &Path, wait: Duration) -> Result<Lock, StoreError> {
        let until = Instant::now() + wait;
        loop {
            match Lock::exclusive(dir) {
                Err(StoreError::Locked { .. }) if Instant::now() < until => {
                    thread::sleep(LOOK_AGAIN);
                }
                taken => return taken,
            }
        }
    }

    /// The writer's hold. A copy that was made without the lock file gets one.
    pub(super) fn exclusive(dir: &Path) -> Result<Lock, StoreError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(dir.join(LOCK_FILE));
        let file = file.map_err(|error| not_permitted(dir, error))?;
        Lock::take(dir, file, FlockOperation::NonBlockingLockExclusive)
    }

    /// A reader's hold. A missing lock file is not made: readers write nothing.
    pub(super) fn shared(dir: &Path) -> Result<Lock, StoreError> {
        match File::open(dir.join(LOCK_FILE)) {
            Ok(file) => Lock::take(dir, file, FlockOperation::NonBlockingLockShared),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock { held: None }),
            Err(error) => Err(not_permitted(dir, error)),
        }
    }

    /// Whether what is held still stands in `dir`. Who holds nothing, writes
    /// nothing.
    pub(super) fn is_in(&self, dir: &Path) -> io::Result<bool> {
        let Some(held) = &self.held else {
            return Ok(true);
        };
        match fs::metadata(dir.join(LOCK_FILE)) {
            Ok(there) => Ok(id(&there) == held.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn take(dir: &Path, file: File, operation: FlockOperation) -> Result<Lock, StoreError> {
        match flock(&file, operation).map_err(io::Error::from) {
            Ok(()) => {
                let id = id(&file.metadata()?);
                let held = Some(LockHolder { _file: file, id });
                Ok(Lock { held })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::Locked {
                dir: dir.to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is at `path`, if anything is, by device and inode.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|metadata| id(&metadata))
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// What keeps this user out, by its name.
pub(super) fn not_permitted(dir: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::NotPermitted {
            dir: dir.to_owned(),
        },
        _ => error.into(),
    }
}
