//! Objects that are replaced: what is no record, and may be written again.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStoreExt as _;
use object_store::{Error, PutMode, PutPayload, UpdateVersion};

use super::BucketError;
use super::objects::{Coming, Objects, PART_BYTES, found, unreadable};

/// Which contents of an object somebody read: what is to replace them does so only while
/// they are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(UpdateVersion);

impl Objects {
    /// Writes an object, whatever was there: for what is not a record.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn replace(&self, key: &str, bytes: Bytes) -> Result<(), BucketError> {
        self.put(key, bytes, PutMode::Overwrite)
    }

    /// The same, without waiting for it.
    #[must_use]
    pub fn begin_replace(&self, key: &str, bytes: Bytes) -> Coming<()> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        self.begin(async move {
            let put = store.put(&path, PutPayload::from_bytes(bytes)).await;
            put.map(drop)
        })
    }

    /// The same of all that a reader gives; in parts where that is much.
    ///
    /// # Errors
    /// [`BucketError::Store`], [`BucketError::File`].
    pub fn replace_from(&self, key: &str, from: &mut dyn Read) -> Result<(), BucketError> {
        let mut first = Vec::new();
        let read = from.take(PART_BYTES as u64).read_to_end(&mut first);
        match read.map_err(unreadable)? < PART_BYTES {
            true => self.replace(key, Bytes::from(first)),
            false => self.upload_parts(key, &mut first.as_slice().chain(from)),
        }
    }

    /// What is there, and that these contents were seen; `None` if nothing is.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn read_to_replace(&self, key: &str) -> Result<Option<(Bytes, Seen)>, BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        let read = self.wait(async move {
            let Some(found) = found(&*store, &path).await? else {
                return Ok(None);
            };
            let seen = Seen(UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            });
            Ok(Some((found.bytes().await?, seen)))
        });
        read.map_err(|source| self.failed(key, source))
    }

    /// Writes an object where nothing is, or over the contents that were seen. Whether it
    /// is there now: not if somebody else wrote meanwhile.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn replace_seen(
        &self,
        key: &str,
        bytes: &Bytes,
        over: Option<Seen>,
    ) -> Result<bool, BucketError> {
        let mode = over.map_or(PutMode::Create, |seen| PutMode::Update(seen.0));
        let Err(error) = self.put(key, bytes.clone(), mode) else {
            return Ok(true);
        };
        // What was answered may be answered to the repetition of a lost request.
        let found = self.read(key)?;
        match &error {
            _ if found.as_ref() == Some(bytes) => Ok(true),
            BucketError::Store { source, .. } if says_other(source) => Ok(false),
            _ => Err(error),
        }
    }
}

/// Whether a store says that other contents are there than were to be replaced.
fn says_other(error: &Error) -> bool {
    matches!(
        error,
        Error::Precondition { .. } | Error::AlreadyExists { .. } | Error::NotFound { .. }
    )
}
