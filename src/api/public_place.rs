//! Where a public log is kept: a folder, or a bucket.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Error;
#[cfg(feature = "bucket")]
use crate::bucket::{self, Address, BucketError};
use crate::ledger::hash::Hash;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::TileSource;
#[cfg(feature = "bucket")]
use crate::publish::Bucket;
use crate::publish::{AnyStorage, Folder};

/// A folder, or below the URL of a bucket `log/<genesis>/public`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicPlace {
    /// The files lie in it.
    Folder(PathBuf),
    /// Each log has its own place in it.
    #[cfg(feature = "bucket")]
    Bucket(Address),
}

/// The files of a public log, for who only reads them.
pub struct PublicFiles(Box<dyn TileSource<Error = io::Error> + Send + Sync>);

impl TileSource for PublicFiles {
    type Error = io::Error;

    fn read(&self, resource: Resource) -> io::Result<Option<Vec<u8>>> {
        self.0.read(resource)
    }
}

impl fmt::Display for PublicPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublicPlace::Folder(folder) => folder.display().fmt(f),
            #[cfg(feature = "bucket")]
            PublicPlace::Bucket(address) => f.write_str(address.url()),
        }
    }
}

impl PublicPlace {
    /// The place that is named: a URL, or the path of a folder.
    ///
    /// # Errors
    /// [`Error::Bucket`] for a URL that names no bucket.
    pub fn named(text: &Path) -> Result<PublicPlace, Error> {
        #[cfg(feature = "bucket")]
        if let Some(url) = text.to_str().filter(|text| Address::is_url(text)) {
            return Ok(PublicPlace::Bucket(Address::parse(url)?));
        }
        Ok(PublicPlace::Folder(text.to_owned()))
    }

    /// Opens the place of the log of this genesis for publishing, or makes it.
    ///
    /// # Errors
    /// [`Error::Public`] if another process publishes there; [`Error::Bucket`].
    #[cfg_attr(
        not(feature = "bucket"),
        expect(unused_variables, reason = "a folder has one log")
    )]
    pub fn open(&self, genesis: &Hash) -> Result<AnyStorage, Error> {
        Ok(match self {
            PublicPlace::Folder(folder) => Box::new(Folder::open(folder)?),
            #[cfg(feature = "bucket")]
            PublicPlace::Bucket(address) => {
                check_own(address, genesis)?;
                match address.folder() {
                    Some(folder) => Box::new(Folder::open(&public_of(folder, genesis))?),
                    None => Box::new(Bucket::of_log(&address.connect()?, genesis)),
                }
            }
        })
    }

    /// The files of the log of this genesis, or of the only log there.
    ///
    /// # Errors
    /// [`Error::Bucket`].
    #[cfg_attr(
        not(feature = "bucket"),
        expect(unused_variables, reason = "a folder has one log")
    )]
    pub fn files(&self, genesis: Option<&Hash>) -> Result<PublicFiles, Error> {
        Ok(PublicFiles(match self {
            PublicPlace::Folder(folder) => Box::new(Folder::read_only(folder)),
            #[cfg(feature = "bucket")]
            PublicPlace::Bucket(address) => {
                let base = address.connect_to_read()?;
                let genesis = match genesis {
                    Some(genesis) => *genesis,
                    None => bucket::only_log(&base, address.log())?,
                };
                check_own(address, &genesis)?;
                match address.folder() {
                    Some(folder) => Box::new(Folder::read_only(&public_of(folder, &genesis))),
                    None => Box::new(Bucket::of_log(&base, &genesis)),
                }
            }
        }))
    }
}

/// The folder of a public log in a bucket that is one.
#[cfg(feature = "bucket")]
fn public_of(bucket: &Path, genesis: &Hash) -> PathBuf {
    let log = bucket.join("log").join(genesis.to_string());
    log.join("public")
}

#[cfg(feature = "bucket")]
fn check_own(address: &Address, genesis: &Hash) -> Result<(), Error> {
    match address.log().is_none_or(|log| log == *genesis) {
        true => Ok(()),
        false => Err(BucketError::Url {
            url: address.url().to_owned(),
            problem: "it names another log than the ledger's",
        }
        .into()),
    }
}
