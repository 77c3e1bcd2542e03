//! URLs of buckets, and the stores that they lead to.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::retention::{Seen, Watching};
use super::versions::{Kept, Versions};
use super::{BucketError, Objects};
use crate::ledger::hash::Hash;

/// How long one request may take, with what the store's client repeats of it.
const REQUEST: Duration = Duration::from_secs(30);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The part of a URL before the genesis of a log.
const LOG: &str = "log";

/// Where logs lie: `s3://BUCKET[/PREFIX]`, `gs://…`, `az://…` or `file:///DIR`, and
/// behind it, if one log is meant, `/log/<genesis>`.
///
/// Credentials and endpoints are those of the environment (`AWS_…`, `GOOGLE_…`,
/// `AZURE_…`): they are in no URL, so that none is printed or recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    base: String,
    scheme: Scheme,
    prefix: String,
    log: Option<Hash>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    S3(String),
    Google(String),
    Azure(String),
    Folder,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`BucketError::Url`].
    pub fn parse(url: &str) -> Result<Address, BucketError> {
        let wrong = |problem| BucketError::Url {
            url: url.to_owned(),
            problem,
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| {
            wrong("a bucket is s3://BUCKET, gs://BUCKET, az://CONTAINER or file:///DIR")
        })?;
        if rest.contains(['?', '#', '@']) {
            return Err(wrong("credentials and options belong into the environment"));
        }
        let rest = rest.trim_end_matches('/');
        let (rest, log) = match rest.rsplit_once("/log/") {
            Some((rest, genesis)) => match Hash::from_hex(genesis) {
                Ok(genesis) => (rest, Some(genesis)),
                Err(_) => {
                    return Err(wrong(
                        "after /log/ stands the genesis of a log, 64 hex digits",
                    ));
                }
            },
            None => (rest, None),
        };
        let (scheme, prefix) = if scheme == "file" {
            if !rest.starts_with('/') {
                return Err(wrong("a folder is file:/// and its path from the root"));
            }
            (Scheme::Folder, rest)
        } else {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong("the name of the bucket is missing"));
            }
            let bucket = bucket.to_owned();
            let scheme = match scheme {
                "s3" | "s3a" => Scheme::S3(bucket),
                "gs" => Scheme::Google(bucket),
                "az" | "azure" => Scheme::Azure(bucket),
                _ => {
                    return Err(wrong(
                        "a bucket is s3://BUCKET, gs://BUCKET, az://CONTAINER or file:///DIR",
                    ));
                }
            };
            (scheme, prefix)
        };
        if prefix.split('/').any(|part| part == ".." || part == ".") {
            return Err(wrong("`.` and `..` do not stand in a bucket's path"));
        }
        Ok(Address {
            base: url.trim_end_matches('/').to_owned(),
            scheme,
            prefix: prefix.to_owned(),
            log,
        })
    }

    /// As it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// The log that it names, if it names one.
    #[must_use]
    pub const fn log(&self) -> Option<Hash> {
        self.log
    }

    /// The folder that it is, if it is one of this machine.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        match self.scheme {
            Scheme::Folder => Some(std::path::Path::new(&self.prefix)),
            _ => None,
        }
    }

    /// Whether `text` is a URL of a bucket, and not a path.
    #[must_use]
    pub fn is_url(text: &str) -> bool {
        ["s3://", "s3a://", "gs://", "az://", "azure://", "file://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
    }

    /// The store, with everything below the URL's prefix. Nothing is asked of it yet; a
    /// folder is made if there is none.
    ///
    /// # Errors
    /// [`BucketError::Store`] where the environment lacks what the store needs.
    pub fn connect(&self) -> Result<Objects, BucketError> {
        self.connected(None, None)
    }

    /// The same, with what the store says of each object that it is asked for; `None` of a
    /// folder, which says nothing.
    pub(super) fn connect_watched(&self) -> Result<Option<(Objects, Seen)>, BucketError> {
        if self.scheme == Scheme::Folder {
            return Ok(None);
        }
        let watching = Watching::default();
        let seen = watching.0.clone();
        Ok(Some((self.connected(None, Some(watching))?, seen)))
    }

    /// The same over another endpoint of an S3 that has several.
    ///
    /// # Errors
    /// As [`Address::connect`].
    pub fn connect_to(&self, endpoint: &str) -> Result<Objects, BucketError> {
        self.connected(Some(endpoint), None)
    }

    /// The same for who only reads: a folder must be there.
    ///
    /// # Errors
    /// As [`Address::connect`]; [`BucketError::NoLog`] without the folder.
    pub fn connect_to_read(&self) -> Result<Objects, BucketError> {
        if self.scheme == Scheme::Folder && !std::path::Path::new(&self.prefix).is_dir() {
            return Err(BucketError::NoLog {
                url: self.base.clone(),
            });
        }
        self.connected(None, None)
    }

    fn connected(
        &self,
        endpoint: Option<&str>,
        watching: Option<Watching>,
    ) -> Result<Objects, BucketError> {
        let (store, kept) =
            self.store(endpoint, watching)
                .map_err(|source| BucketError::Store {
                    key: self.base.clone(),
                    source: Arc::new(source),
                })?;
        let prefix = match self.scheme {
            Scheme::Folder => Path::default(),
            _ => Path::from(self.prefix.as_str()),
        };
        Ok(Objects::over(store, prefix, self.base.clone())?.keeping(kept))
    }

    fn store(
        &self,
        endpoint: Option<&str>,
        watching: Option<Watching>,
    ) -> Result<(Arc<dyn ObjectStore>, Kept), object_store::Error> {
        let client = ClientOptions::new()
            .with_timeout(REQUEST)
            .with_connect_timeout(CONNECT);
        Ok(match &self.scheme {
            Scheme::S3(bucket) => {
                let client = allow_http(client, "AWS_ALLOW_HTTP");
                let mut builder = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_client_options(client.clone())
                    .with_retry(retries());
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint);
                }
                if let Some(watching) = watching {
                    builder = builder.with_http_connector(watching);
                }
                let store = Arc::new(builder.build()?);
                let versions = Versions::new(Arc::clone(&store), &client)?;
                (store, Kept::Versions(versions))
            }
            Scheme::Google(bucket) => {
                let mut builder = GoogleCloudStorageBuilder::from_env()
                    .with_bucket_name(bucket)
                    .with_client_options(client)
                    .with_retry(retries());
                if let Some(watching) = watching {
                    builder = builder.with_http_connector(watching);
                }
                (Arc::new(builder.build()?), Kept::Unknown)
            }
            Scheme::Azure(container) => {
                let mut builder = MicrosoftAzureBuilder::from_env()
                    .with_container_name(container)
                    .with_client_options(allow_http(client, "AZURE_ALLOW_HTTP"))
                    .with_retry(retries());
                if let Some(watching) = watching {
                    builder = builder.with_http_connector(watching);
                }
                (Arc::new(builder.build()?), Kept::Unknown)
            }
            Scheme::Folder => {
                let made = std::fs::create_dir_all(&self.prefix);
                made.map_err(|source| object_store::Error::Generic {
                    store: "folder",
                    source: Box::new(source),
                })?;
                let folder = LocalFileSystem::new_with_prefix(&self.prefix)?;
                // A creation that is answered must outlive a power cut.
                (Arc::new(folder.with_fsync(true)), Kept::Nothing)
            }
        })
    }

    /// The path of a log below the prefix.
    pub(super) fn log_path(genesis: &Hash) -> String {
        format!("{LOG}/{genesis}")
    }
}

/// An endpoint without TLS only where the environment says so.
fn allow_http(client: ClientOptions, variable: &str) -> ClientOptions {
    let allowed = std::env::var(variable).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    client.with_allow_http(allowed)
}

/// Few and short: what a repeated creation is answered says nothing, and the writer reads
/// back and repeats by itself.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(20),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(20),
    }
}
