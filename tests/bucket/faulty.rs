//! A store that loses answers, answers 500 and delays, by a fixed plan.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What happens to creations, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    /// It is done, and the answer is lost.
    Unanswered,
    /// Nothing is done.
    Refused,
    /// It is done after so many milliseconds.
    Slow(u64),
}

/// An [`InMemory`] store between which and its callers things happen.
#[derive(Debug)]
pub(crate) struct Faulty {
    store: Arc<InMemory>,
    fates: Vec<Fate>,
    creations: AtomicU64,
    reads_fail: bool,
}

impl Faulty {
    pub(crate) fn over(store: &Arc<InMemory>, fates: &[Fate]) -> Faulty {
        Faulty {
            store: Arc::clone(store),
            fates: fates.to_vec(),
            creations: AtomicU64::new(0),
            reads_fail: false,
        }
    }

    /// No read is answered either.
    pub(crate) fn blind(self) -> Faulty {
        Faulty {
            reads_fail: true,
            ..self
        }
    }

    /// How often something was to be created.
    pub(crate) fn creations(&self) -> u64 {
        self.creations.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

fn lost() -> object_store::Error {
    object_store::Error::Generic {
        store: "faulty",
        source: "500".into(),
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let turn = usize::try_from(self.creations.fetch_add(1, Ordering::Relaxed)).unwrap();
        match self.fates[turn % self.fates.len()] {
            Fate::Done => self.store.put_opts(path, payload, options).await,
            Fate::Unanswered => {
                let _done = self.store.put_opts(path, payload, options).await;
                Err(lost())
            }
            Fate::Refused => Err(lost()),
            Fate::Slow(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.store.put_opts(path, payload, options).await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        match self.reads_fail {
            true => Err(lost()),
            false => self.store.get_opts(path, options).await,
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
