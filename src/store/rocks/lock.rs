//! Who holds a ledger: one writer, or any number of readers.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::super::StoreError;

const LOCK_FILE: &str = "lock";

/// A hold on a ledger's directory, until it is dropped or the process ends.
pub(super) struct Lock {
    /// `None` for a reader of a ledger that has no lock file and therefore no
    /// writer, or who does not mind one.
    _file: Option<File>,
}

impl Lock {
    /// No hold at all, for who reads whoever writes.
    pub(super) const fn none() -> Lock {
        Lock { _file: None }
    }

    /// The writer's hold on a directory that has no lock file yet.
    pub(super) fn create(dir: &Path) -> Result<Lock, StoreError> {
        let file = File::create_new(dir.join(LOCK_FILE))?;
        Lock::take(dir, file, FlockOperation::NonBlockingLockExclusive)
    }

    /// The writer's hold. A copy that was made without the lock file gets one.
    pub(super) fn exclusive(dir: &Path) -> Result<Lock, StoreError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(dir.join(LOCK_FILE))?;
        Lock::take(dir, file, FlockOperation::NonBlockingLockExclusive)
    }

    /// A reader's hold. A missing lock file is not made: readers write nothing.
    pub(super) fn shared(dir: &Path) -> Result<Lock, StoreError> {
        match File::open(dir.join(LOCK_FILE)) {
            Ok(file) => Lock::take(dir, file, FlockOperation::NonBlockingLockShared),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock { _file: None }),
            Err(error) => Err(error.into()),
        }
    }

    fn take(dir: &Path, file: File, operation: FlockOperation) -> Result<Lock, StoreError> {
        match flock(&file, operation).map_err(io::Error::from) {
            Ok(()) => Ok(Lock { _file: Some(file) }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::Locked {
                dir: dir.to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }
}
