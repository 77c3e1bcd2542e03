//! Objects below one prefix of a store, for threads that wait for them.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use crossbeam_channel::{Receiver, bounded};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{GetResult, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use tokio::runtime::{Builder, Runtime};

use super::BucketError;
use super::protocol::Answer;
use super::versions::Kept;
use crate::ledger::wal::OBJECT_BYTES;

/// Threads that talk to a bucket.
const THREADS: usize = 2;

/// Bytes of a part of a large object, and of the largest that is sent at once.
pub(super) const PART_BYTES: usize = 16 << 20;

/// Pieces of a stream that are read ahead.
const PIECES: usize = 16;

/// Objects below one prefix. It may be called from any thread, also from one of an
/// asynchronous runtime: its requests run on threads of their own.
#[derive(Clone)]
pub struct Objects {
    pub(super) store: Arc<dyn ObjectStore>,
    prefix: Path,
    pub(super) url: String,
    runtime: Arc<Threads>,
    pub(super) kept: Kept,
}

struct Threads(Option<Runtime>);

impl Drop for Threads {
    /// Does not wait: it may be dropped by one of its own threads.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// An object that is not read as a whole.
#[derive(Debug, thiserror::Error)]
#[error("larger than {OBJECT_BYTES} bytes")]
struct TooLarge;

/// An answer to come.
pub struct Coming<T>(Receiver<Result<T, object_store::Error>>);

/// An object that a list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key below the prefix.
    pub key: String,
    /// Its bytes.
    pub size: u64,
}

impl Objects {
    /// The objects of `store` below `prefix`; `url` is what people call that.
    ///
    /// # Errors
    /// [`BucketError::Runtime`].
    pub fn over(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        url: String,
    ) -> Result<Objects, BucketError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("bucket")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| BucketError::Runtime(Arc::new(error)))?;
        Ok(Objects {
            store,
            prefix,
            url,
            runtime: Arc::new(Threads(Some(runtime))),
            kept: Kept::Nothing,
        })
    }

    /// Those below a further prefix.
    #[must_use]
    pub fn under(&self, prefix: &str) -> Objects {
        Objects {
            prefix: self.path(prefix),
            url: format!("{}/{prefix}", self.url),
            ..self.clone()
        }
    }

    /// What people call it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates an object where there is none.
    #[must_use]
    pub fn create(&self, key: &str, bytes: Bytes) -> Answer<Bytes> {
        match self.try_create(key, bytes) {
            Ok(()) => Answer::Created,
            Err(_) => Answer::NotCreated,
        }
    }

    /// The same, with what the store said.
    ///
    /// # Errors
    /// [`BucketError::Store`]: then it may be there all the same.
    pub fn try_create(&self, key: &str, bytes: Bytes) -> Result<(), BucketError> {
        self.put(key, bytes, PutMode::Create)
    }

    /// Creates an object, or finds the same bytes there.
    ///
    /// # Errors
    /// [`BucketError::Store`]. `Ok(false)` if other bytes are there.
    pub fn create_or_same(&self, key: &str, bytes: &Bytes) -> Result<bool, BucketError> {
        match self.try_create(key, bytes.clone()) {
            Ok(()) => Ok(true),
            Err(error) => match self.read(key)? {
                Some(found) => Ok(found == *bytes),
                None => Err(error),
            },
        }
    }

    /// What is there; `None` if nothing is.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn read(&self, key: &str) -> Result<Option<Bytes>, BucketError> {
        let answered = self.begin_read(key).wait();
        answered.map_err(|source| self.failed(key, source))
    }

    /// The same, as the protocol wants it.
    #[must_use]
    pub fn look(&self, key: &str) -> Answer<Bytes> {
        answer(self.begin_read(key).wait())
    }

    /// Asks for an object, and does not wait for it.
    #[must_use]
    pub fn begin_read(&self, key: &str) -> Coming<Option<Bytes>> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        self.begin(async move { get(&*store, &path).await })
    }

    /// Which of the keys there are, asked for together.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn existing(&self, keys: &[String]) -> Result<Vec<String>, BucketError> {
        let asked: Vec<_> = keys.iter().map(|key| (key, self.begin_head(key))).collect();
        let mut found = Vec::new();
        for (key, there) in asked {
            let there = there.wait();
            if there.map_err(|source| self.failed(key, source))? {
                found.push(key.clone());
            }
        }
        Ok(found)
    }

    fn begin_head(&self, key: &str) -> Coming<bool> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        self.begin(async move {
            match store.head(&path).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    /// Everything below the prefix, in no order.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn list(&self, prefix: &str) -> Result<Vec<Listed>, BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(prefix));
        let base = self.prefix.clone();
        let listed = self.wait(async move {
            let named = store.list(Some(&path)).map_ok(|meta| Listed {
                key: below(&base, &meta.location),
                size: meta.size,
            });
            named.try_collect::<Vec<_>>().await
        });
        listed.map_err(|source| self.failed(prefix, source))
    }

    /// Gives what lies below the prefix, in no order, until `take` has enough. A few names
    /// are in memory, however many there are.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn each(
        &self,
        prefix: &str,
        mut take: impl FnMut(Listed) -> bool,
    ) -> Result<(), BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(prefix));
        let base = self.prefix.clone();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(PIECES);
        self.spawn(async move {
            let mut named = store.list(Some(&path));
            while let Some(meta) = named.next().await {
                let listed = meta.map(|meta| Listed {
                    key: below(&base, &meta.location),
                    size: meta.size,
                });
                if sender.send(listed).await.is_err() {
                    return;
                }
            }
        });
        while let Some(listed) = receiver.blocking_recv() {
            if !take(listed.map_err(|source| self.failed(prefix, source))?) {
                break;
            }
        }
        Ok(())
    }

    /// The names of what lies directly below the prefix and has something below it.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn folders(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(prefix));
        let listed = self.wait(async move { store.list_with_delimiter(Some(&path)).await });
        let listed = listed.map_err(|source| self.failed(prefix, source))?;
        let names = listed.common_prefixes.iter();
        Ok(names
            .filter_map(|path| path.filename().map(str::to_owned))
            .collect())
    }

    /// Removes an object, if it is there: for what is not a record.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn remove(&self, key: &str) -> Result<(), BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        match self.wait(async move { store.delete(&path).await }) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed(key, source)),
        }
    }

    /// Creates an object of a file's bytes, in parts where it is large. `Ok(false)` if
    /// there is one already, whatever it is.
    ///
    /// # Errors
    /// [`BucketError::Store`], [`BucketError::File`].
    pub fn upload(&self, key: &str, file: &mut File) -> Result<bool, BucketError> {
        if !self.existing(&[key.to_owned()])?.is_empty() {
            return Ok(false);
        }
        let length = file.metadata().map_err(unreadable)?.len();
        if length <= PART_BYTES as u64 {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(unreadable)?;
            return self.create_or_same(key, &Bytes::from(bytes));
        }
        self.upload_parts(key, file)?;
        Ok(true)
    }

    /// Writes an object of all that a reader gives, in parts.
    pub(super) fn upload_parts(&self, key: &str, from: &mut dyn Read) -> Result<(), BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        let failed = |source| self.failed(key, source);
        let begun = self.wait(async move { store.put_multipart(&path).await });
        let mut upload = begun.map_err(failed)?;
        loop {
            let mut part = Vec::new();
            let read = from.take(PART_BYTES as u64).read_to_end(&mut part);
            if read.map_err(unreadable)? == 0 {
                break;
            }
            let sent = upload.put_part(PutPayload::from(part));
            self.wait(sent).map_err(failed)?;
        }
        let finished = self.wait(async move { upload.complete().await });
        finished.map(drop).map_err(failed)
    }

    /// Reads an object piece by piece, a few pieces ahead; `None` if there is none.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub fn stream(&self, key: &str) -> Result<Option<Stream>, BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        let found = match self.wait(async move { store.get(&path).await }) {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(self.failed(key, source)),
        };
        let (sender, pieces) = tokio::sync::mpsc::channel(PIECES);
        self.spawn(async move {
            let mut stream = found.into_stream();
            while let Some(piece) = stream.next().await {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Ok(Some(Stream {
            pieces,
            piece: Bytes::new(),
            _threads: Arc::clone(&self.runtime),
        }))
    }

    pub(super) fn put(&self, key: &str, bytes: Bytes, mode: PutMode) -> Result<(), BucketError> {
        let (store, path) = (Arc::clone(&self.store), self.path(key));
        let options = PutOptions::from(mode);
        let put = async move {
            store
                .put_opts(&path, PutPayload::from_bytes(bytes), options)
                .await
        };
        let done = self.wait(put);
        done.map(drop).map_err(|source| self.failed(key, source))
    }

    pub(super) fn path(&self, key: &str) -> Path {
        let parts = key.split('/').filter(|part| !part.is_empty());
        parts.fold(self.prefix.clone(), |path, part| path.join(part))
    }

    pub(super) fn failed(&self, key: &str, source: object_store::Error) -> BucketError {
        let key = format!("{}/{key}", self.url);
        match &source {
            object_store::Error::Generic { source, .. } if source.is::<TooLarge>() => {
                BucketError::TooLarge { key }
            }
            _ => BucketError::Store {
                key,
                source: Arc::new(source),
            },
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime.0 {
            runtime.spawn(work);
        }
    }

    /// Waits for an answer without entering the runtime, so that it may be called from
    /// another one.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, object_store::Error>> + Send + 'static,
    ) -> Result<T, object_store::Error> {
        self.begin(work).wait()
    }

    /// The same, without waiting.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, object_store::Error>> + Send + 'static,
    ) -> Coming<T> {
        let (sender, receiver) = bounded(1);
        self.spawn(async move {
            let _ = sender.send(work.await);
        });
        Coming(receiver)
    }
}

impl<T> Coming<T> {
    /// Waits for it.
    ///
    /// # Errors
    /// What the store said.
    pub fn wait(self) -> Result<T, object_store::Error> {
        self.0.recv().unwrap_or_else(|_| Err(gone()))
    }
}

impl Coming<Option<Bytes>> {
    /// Waits for it, as the protocol wants it.
    #[must_use]
    pub fn answer(self) -> Answer<Bytes> {
        answer(self.wait())
    }
}

/// The bytes of an object, as they come.
pub struct Stream {
    pieces: tokio::sync::mpsc::Receiver<Result<Bytes, object_store::Error>>,
    piece: Bytes,
    _threads: Arc<Threads>,
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let bytes = out.len().min(self.piece.len());
        let piece = self.piece.split_to(bytes);
        out.get_mut(..bytes)
            .unwrap_or_default()
            .copy_from_slice(&piece);
        Ok(bytes)
    }
}

pub(super) fn unreadable(error: io::Error) -> BucketError {
    BucketError::File(Arc::new(error))
}

fn answer(read: Result<Option<Bytes>, object_store::Error>) -> Answer<Bytes> {
    match read {
        Ok(Some(bytes)) => Answer::Found(bytes),
        Ok(None) => Answer::Absent,
        Err(_) => Answer::Unreadable,
    }
}

async fn get(store: &dyn ObjectStore, path: &Path) -> Result<Option<Bytes>, object_store::Error> {
    match found(store, path).await? {
        Some(found) => Ok(Some(found.bytes().await?)),
        None => Ok(None),
    }
}

/// An object that is to be read as a whole.
pub(super) async fn found(
    store: &dyn ObjectStore,
    path: &Path,
) -> Result<Option<GetResult>, object_store::Error> {
    match store.get(path).await {
        // More than any object has that is read as a whole: it would fill the memory.
        Ok(found) if found.meta.size > OBJECT_BYTES as u64 => Err(object_store::Error::Generic {
            store: "bucket",
            source: Box::new(TooLarge),
        }),
        Ok(found) => Ok(Some(found)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn below(prefix: &Path, location: &Path) -> String {
    let (prefix, location) = (prefix.as_ref(), location.as_ref());
    let rest = location.strip_prefix(prefix).unwrap_or(location);
    rest.trim_start_matches('/').to_owned()
}

/// A task that panicked, or a runtime that ends.
fn gone() -> object_store::Error {
    object_store::Error::Generic {
        store: "bucket",
        source: "the request was given up".into(),
    }
}
