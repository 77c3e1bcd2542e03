//! A new ledger on disk: key, mark, store, in this order.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

use crate::ledger::key::Signer;
use crate::logbook::init::{Origin, begin, recovery_key_sha256};
use crate::logbook::{Identity, beside, identity_of};
use crate::signers::KeyLocation;
use crate::store::readers::Readers;
use crate::store::{RocksStore, Store};

use super::{Error, Options, second_key};

/// The name under which the key file's path is kept in the store. Never the
/// key.
pub(super) const KEY_PATH: &str = "key_path";

/// A ledger that was made, and where its parts are.
#[derive(Clone, Debug)]
pub struct CreatedLedger {
    /// Its directory.
    pub ledger: PathBuf,
    /// Whose log it is.
    pub identity: Identity,
    /// The file of its private key: to be kept secret, and a copy of it.
    pub key_file: PathBuf,
    /// The file of its second key, if it has one.
    pub second_key_file: Option<PathBuf>,
    /// The file of its mark: to be kept apart from copies of the ledger.
    pub mark_file: PathBuf,
}

impl CreatedLedger {
    /// Lets a group read the ledger and its mark, too.
    pub(super) fn share(&self, group: Option<u32>) -> Result<(), Error> {
        let Some(readers) = group.map(Readers::Group) else {
            return Ok(());
        };
        let (ledger, mark) = (&self.ledger, &self.mark_file);
        let shared = readers.restrict(ledger);
        shared.map_err(|error| Error::file(ledger, error))?;
        let shared = readers.restrict_file(mark);
        shared.map_err(|error| Error::file(mark, error))
    }
}

/// A ledger that was made, its store still open.
pub(super) struct NewLedger {
    pub(super) made: CreatedLedger,
    pub(super) store: RocksStore,
    pub(super) signer: Arc<dyn Signer>,
}

/// Makes the ledger `dir`. Everything that must not be there is looked for
/// before anything is made.
pub(super) fn create(dir: &Path, options: &Options) -> Result<NewLedger, Error> {
    options.check_writes()?;
    let beside = options.key.is_none() || options.mark.is_none();
    if beside && is_mount_point(dir) {
        let path = dir.to_owned();
        return Err(Error::MountPoint { path });
    }
    let key = new_key(dir, options);
    let mark = options.mark_of(dir);
    let second = second_key::new_place(dir, options);
    let mut unwanted = Vec::new();
    let makes_key = !options.reuse_key && !KeyLocation::is_outside(&key);
    if makes_key {
        unwanted.push(key.as_path());
        unwanted.extend(second.as_deref());
    }
    unwanted.push(mark.path());
    RocksStore::check_free(dir)?;
    let places = [dir, mark.path(), &key].into_iter();
    check_folders(places.chain(second.as_deref()))?;
    let inside = [mark.path(), &key].into_iter().chain(second.as_deref());
    if let Some(path) = inside.into_iter().find(|path| lies_in(path, dir)) {
        let path = path.to_owned();
        return Err(Error::InsideLedger { path });
    }
    let places = unwanted.iter().map(|path| place_of(path));
    let places: HashSet<PathBuf> = places.collect();
    if places.len() < unwanted.len() {
        let path = mark.path().to_owned();
        return Err(Error::OnePlace { path });
    }
    // A mark that an interrupted making left knows of nothing, and is the key's: it is
    // replaced. One in a place that was named may be another ledger's.
    let kept = (!makes_key).then(|| options.begin_key(&key)).transpose()?;
    let left = kept.as_ref().is_some_and(|signer| {
        options.mark.is_none() && mark.only_opening_of() == Some(signer.public_key())
    });
    if left {
        unwanted.retain(|path| *path != mark.path());
    }
    let found = unwanted.iter().find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = found {
        let path = path.to_path_buf();
        return Err(match path == mark.path() {
            true => Error::MarkInPlace { path },
            false => Error::KeyLeft { path },
        });
    }
    #[cfg(feature = "bucket")]
    super::bucket::check_new(dir, options)?;
    let mut begun = BegunFiles {
        dir,
        files: Vec::new(),
    };
    let signer = match kept {
        Some(signer) => signer,
        None => options.begin_key(&key)?,
    };
    begun.made(&key, &unwanted, options);
    let post_quantum = second_key::begin(dir, options, options.reuse_key)?;
    if let Some(second) = &second {
        begun.made(second, &unwanted, options);
    }
    let origin = Origin {
        name: options.origin.clone().unwrap_or_default(),
        recovery_key_sha256: options.recovery_key.as_ref().map(recovery_key_sha256),
        index: options.has_index(),
        post_quantum,
        ..Origin::default()
    };
    begun.made(mark.path(), &unwanted, options);
    let new = make(dir, options, signer, key.clone(), origin)?;
    begun.files.clear();
    Ok(new)
}

/// Files that were made for a ledger: removed again where it does not come about.
struct BegunFiles<'a> {
    dir: &'a Path,
    files: Vec<PathBuf>,
}

impl BegunFiles<'_> {
    /// What was not there before and is made now. A bucket may have what the key signed,
    /// whatever becomes of the ledger here.
    fn made(&mut self, path: &Path, absent: &[&Path], options: &Options) {
        #[cfg(feature = "bucket")]
        if options.bucket.is_some() {
            return;
        }
        let _ = options;
        if absent.contains(&path) {
            self.files.push(path.to_owned());
        }
    }
}

impl Drop for BegunFiles<'_> {
    fn drop(&mut self) {
        // With a ledger in its place nothing of it is removed, whoever made it.
        if RocksStore::check_free(self.dir).is_ok() {
            for path in &self.files {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Refuses files whose folders are not there, before anything is made.
pub(super) fn check_folders<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<(), Error> {
    let files = files.into_iter();
    for file in files.filter(|file| !KeyLocation::is_outside(file)) {
        let folder = parent_of(file);
        match folder.metadata() {
            Ok(found) if found.is_dir() => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file(folder, error));
            }
            _ => {
                let path = folder.to_owned();
                return Err(Error::NoFolder { path });
            }
        }
    }
    Ok(())
}

/// Where the key of a new ledger is written.
pub(super) fn new_key(dir: &Path, options: &Options) -> PathBuf {
    let beside = || default_key(dir);
    options.key.clone().unwrap_or_else(beside)
}

/// Makes a ledger of this origin. The mark comes before the store: a crash between the two leaves a mark without a
/// ledger, and never a ledger without its mark.
pub(super) fn make(
    dir: &Path,
    options: &Options,
    signer: Arc<dyn Signer>,
    key: PathBuf,
    origin: Origin,
) -> Result<NewLedger, Error> {
    let path = KeyLocation::absolute(&key).map_err(|error| Error::file(&key, error))?;
    let origin = Origin {
        meta: vec![(KEY_PATH, path.as_os_str().as_bytes().to_vec())],
        ..origin
    };
    let beginning = begin(&signer, &*options.clock_or_system(), &origin)?;
    let mark = options.mark_of(dir);
    let written = mark.write(&beginning.mark);
    written.map_err(|error| Error::file(mark.path(), error))?;
    let identity = beginning.identity;
    #[cfg(feature = "bucket")]
    let store = super::bucket::create(dir, options, beginning, &signer)?;
    #[cfg(not(feature = "bucket"))]
    let store = RocksStore::create(dir, beginning.batch)?;
    Ok(NewLedger {
        store,
        signer,
        made: CreatedLedger {
            ledger: dir.to_owned(),
            identity,
            key_file: key,
            second_key_file: second_key::new_place(dir, options),
            mark_file: mark.path().to_owned(),
        },
    })
}

/// A ledger's key: the one that is named, or the one where it was put when the ledger
/// was made. If the two were moved together, it is beside the ledger, whatever lies
/// where it was.
pub(super) fn signer_of(
    dir: &Path,
    store: &dyn Store,
    options: &Options,
) -> Result<Arc<dyn Signer>, Error> {
    if let Some(path) = &options.key {
        return options.open_key(path);
    }
    let beside = default_key(dir);
    let recorded = store.meta(KEY_PATH)?;
    let recorded = recorded.map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)));
    let there = |path: &PathBuf| KeyLocation::is_outside(path) || path.exists();
    let Some(first) = recorded.filter(|path| there(path) || !beside.exists()) else {
        return options.open_key(&beside);
    };
    let opened = options.open_key(&first);
    let log = identity_of(store)?.log;
    let fits = |signer: &Arc<dyn Signer>| signer.public_key() == log;
    if opened.as_ref().is_ok_and(fits) || first == beside || !beside.exists() {
        return opened;
    }
    // What is wrong with the first is told, unless the second is right.
    match options.open_key(&beside) {
        Ok(signer) if fits(&signer) => Ok(signer),
        _ => opened,
    }
}

/// `DIR.key.pem`, beside the ledger.
fn default_key(dir: &Path) -> PathBuf {
    beside(dir, "key.pem")
}

/// Whether something else is mounted at the folder: then what lies beside it lies on
/// another file system, of a container perhaps, and may not last as long.
fn is_mount_point(folder: &Path) -> bool {
    let found = statx(CWD, folder, AtFlags::empty(), StatxFlags::BASIC_STATS);
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Whether a file is in a folder, both of which need not exist.
pub(super) fn lies_in(file: &Path, folder: &Path) -> bool {
    let (parent, folder) = (parent_of(file).canonicalize(), folder.canonicalize());
    parent.is_ok_and(|parent| folder.is_ok_and(|folder| parent.starts_with(folder)))
}

fn parent_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The path of a file that may not be there yet, one for all of its spellings.
fn place_of(file: &Path) -> PathBuf {
    match (parent_of(file).canonicalize(), file.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => file.to_owned(),
    }
}
