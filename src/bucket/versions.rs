//! Versions of objects in an S3 that keeps them, which the store's client has no words
//! for: requests that are signed by it and sent as they are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::AmazonS3;
use object_store::client::{
    HttpClient, HttpConnector as _, HttpRequest, HttpRequestBody, HttpResponse, ReqwestConnector,
};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{ClientOptions, Error};

use super::BucketError;
use super::objects::Objects;

/// How long a signed request holds.
const HOLDS: Duration = Duration::from_secs(60);

/// Bytes of an answer at most.
const ANSWER: usize = 8 << 20;

/// What a store does with what is removed or replaced.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Nothing is left.
    Nothing,
    /// An S3 keeps versions, where its bucket is set so.
    Versions(Versions),
    /// It may keep it, and it is not to be had from here.
    Unknown,
}

impl Objects {
    pub(super) fn keeping(mut self, kept: Kept) -> Objects {
        self.kept = kept;
        self
    }

    /// Whether an object can be removed so that nothing is left of it.
    pub(super) const fn removes_for_good(&self) -> bool {
        !matches!(self.kept, Kept::Unknown)
    }

    /// That nothing keeps an object, or a version of it, from being removed.
    ///
    /// # Errors
    /// [`BucketError::Locked`], [`BucketError::VersionsUnknown`]; [`BucketError::Store`].
    pub(super) fn check_removable(&self, key: &str) -> Result<(), BucketError> {
        let versions = match self.kept.clone() {
            Kept::Nothing => return Ok(()),
            Kept::Versions(versions) => versions,
            Kept::Unknown => {
                return Err(BucketError::VersionsUnknown {
                    key: format!("{}/{key}", self.url),
                });
            }
        };
        let path = self.path(key);
        let locked = self.wait(async move {
            for version in versions.list(&path).await? {
                if versions.is_locked(&path, &version).await? {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        match locked.map_err(|source| self.failed(key, source))? {
            true => Err(BucketError::Locked {
                key: format!("{}/{key}", self.url),
            }),
            false => Ok(()),
        }
    }

    /// Whether the bucket holds every new object for a time, whatever is said of it;
    /// `None` where the store does not say so.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub(super) fn holds_new(&self) -> Result<Option<bool>, BucketError> {
        let Kept::Versions(versions) = self.kept.clone() else {
            return Ok(None);
        };
        let held = self.wait(async move { versions.holds_new().await });
        held.map_err(|source| self.failed("", source))
    }

    /// Removes the versions of an object, but for the last one if it is to stay.
    ///
    /// # Errors
    /// [`BucketError::Store`].
    pub(super) fn remove_versions(&self, key: &str, keep_latest: bool) -> Result<(), BucketError> {
        let Kept::Versions(versions) = self.kept.clone() else {
            return Ok(());
        };
        let path = self.path(key);
        let removed = self.wait(async move { versions.remove(&path, keep_latest).await });
        removed.map_err(|source| self.failed(key, source))
    }
}

/// Lists and removes versions.
#[derive(Clone)]
pub(super) struct Versions {
    signer: Arc<AmazonS3>,
    client: HttpClient,
}

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Versions")
    }
}

/// What S3 said of a version that it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    id: String,
    latest: bool,
    /// A mark that an object was removed, with no bytes of its own.
    marker: bool,
}

impl Versions {
    pub(super) fn new(signer: Arc<AmazonS3>, options: &ClientOptions) -> Result<Versions, Error> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(Versions { signer, client })
    }

    /// Every version of an object, and every mark that it was removed.
    pub(super) async fn list(&self, path: &Path) -> Result<Vec<Version>, Error> {
        let query = [("prefix", path.as_ref()), ("versions", "")];
        let (status, answer) = self.send("GET", &Path::default(), &query).await?;
        let text = body(answer).await?;
        // A store that knows nothing of versions keeps none.
        if status == 501 || text.contains("NotImplemented") {
            return Ok(Vec::new());
        }
        if status != 200 || text.contains("<IsTruncated>true") {
            return Err(failed(status, &text));
        }
        Ok(parts(&text, path.as_ref()))
    }

    /// Whether a default retention of the bucket holds what is made in it; `None` of a store
    /// that does not know of it, or does not tell.
    async fn holds_new(&self) -> Result<Option<bool>, Error> {
        let query = [("object-lock", "")];
        let (status, answer) = self.send("GET", &Path::default(), &query).await?;
        let text = body(answer).await?;
        Ok(match status {
            200 => Some(text.contains("<DefaultRetention>")),
            404 if text.contains("ObjectLockConfigurationNotFound") => Some(false),
            _ => None,
        })
    }

    /// Whether an object lock holds a version.
    pub(super) async fn is_locked(&self, path: &Path, version: &Version) -> Result<bool, Error> {
        let query = [("versionId", version.id.as_str())];
        if version.marker {
            return Ok(false);
        }
        let (status, answer) = self.send("HEAD", path, &query).await?;
        let says = |name: &str| {
            let value = answer.headers().get(name);
            value.and_then(|value| value.to_str().ok())
        };
        let held = says("x-amz-object-lock-legal-hold") == Some("ON");
        let until = says("x-amz-object-lock-retain-until-date");
        let until = until.and_then(|until| chrono::DateTime::parse_from_rfc3339(until).ok());
        let kept = until.is_some_and(|until| {
            until > chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
        });
        match status {
            200 | 404 => Ok(held || kept),
            _ => Err(failed(status, "")),
        }
    }

    /// Removes the versions of an object, but for the last one if it is to stay.
    pub(super) async fn remove(&self, path: &Path, keep_latest: bool) -> Result<(), Error> {
        for version in self.list(path).await? {
            if keep_latest && version.latest {
                continue;
            }
            let query = [("versionId", version.id.as_str())];
            let (status, answer) = self.send("DELETE", path, &query).await?;
            if !matches!(status, 200 | 204 | 404) {
                return Err(failed(status, &body(answer).await?));
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        method: &str,
        path: &Path,
        query: &[(&str, &str)],
    ) -> Result<(u16, HttpResponse), Error> {
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        let named = method.parse().map_err(|_| failed(0, method))?;
        *request.method_mut() = named;
        let method = request.method().clone();
        let url = self.signer.signed_url_opts(method, path, HOLDS, &options);
        let url = url.await?;
        *request.uri_mut() = url
            .as_str()
            .parse()
            .map_err(|_| failed(0, "a signed URL"))?;
        let sent = self.client.execute(request).await;
        let answer = sent.map_err(|error| Error::Generic {
            store: "S3",
            source: Box::new(error),
        })?;
        Ok((answer.status().as_u16(), answer))
    }
}

async fn body(answer: HttpResponse) -> Result<String, Error> {
    let mut stream = answer.into_body().bytes_stream();
    let mut text = Vec::new();
    let lost = |error| Error::Generic {
        store: "S3",
        source: Box::new(error),
    };
    while let Some(piece) = stream.try_next().await.map_err(lost)? {
        text.extend_from_slice(&piece);
        if text.len() > ANSWER {
            return Err(failed(0, "an answer of more than 8 MiB"));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What is listed of the object of this key: `<Version>` and `<DeleteMarker>` elements.
fn parts(text: &str, key: &str) -> Vec<Version> {
    let elements = text.split('<').collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut open: Option<(Option<String>, Version)> = None;
    for element in elements {
        let (tag, value) = element.split_once('>').unwrap_or((element, ""));
        match (tag, &mut open) {
            ("Version" | "DeleteMarker", _) => {
                let version = Version {
                    id: String::new(),
                    latest: false,
                    marker: tag == "DeleteMarker",
                };
                open = Some((None, version));
            }
            ("/Version" | "/DeleteMarker", _) => {
                if let Some((Some(of), version)) = open.take()
                    && of == key
                {
                    found.push(version);
                }
            }
            ("Key", Some((of, _))) => *of = Some(unescaped(value)),
            ("VersionId", Some((_, version))) => version.id = unescaped(value),
            ("IsLatest", Some((_, version))) => version.latest = value == "true",
            _ => {}
        }
    }
    found
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

fn failed(status: u16, said: &str) -> Error {
    let said: String = said.chars().take(300).collect();
    Error::Generic {
        store: "S3",
        source: format!("it answered {status}: {said}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_which_versions_an_object_has() {
        let text = "<?xml version=\"1.0\"?><ListVersionsResult><IsTruncated>false</IsTruncated>\
            <Version><Key>a&amp;b</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></Version>\
            <Version><Key>a&amp;bc</Key><VersionId>9</VersionId></Version>\
            <DeleteMarker><Key>a&amp;b</Key><VersionId>1</VersionId><IsLatest>false</IsLatest>\
            </DeleteMarker></ListVersionsResult>";
        let version = |id: &str, latest, marker| Version {
            id: id.to_owned(),
            latest,
            marker,
        };
        assert_eq!(
            parts(text, "a&b"),
            [version("2", true, false), version("1", false, true)]
        );
    }
}
