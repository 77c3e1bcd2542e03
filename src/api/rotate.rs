//! Closes a book, and continues it in a new one under a new key.
//!
//! The order, which loses nothing wherever it is interrupted:
//! 1. The new key is made and is on the disk.
//! 2. The last entry of the old book, `sealbook:close`, names that key, and is
//!    durable. **From here on the old book takes no more entries.**
//! 3. Its open epoch is sealed, and its mark names its end.
//! 4. The new book is made; its entry 0 names the end of the old one.
//! 5. The public name that the old one's last checkpoint names is bound, if it has a name,
//!    and what is alive in it passes over, in one write.
//!
//! Whatever can refuse it does so before 1. Interrupted before 2, the old book is as it
//! was, and a key file is left over: the same call takes it. Interrupted later, the same
//! call goes on: it finds the book closed, and the key that it was closed in favour of.

mod alive;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ledger::json::Object;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::kind;
use crate::ledger::opening::{Opening, Predecessor};
use crate::ledger::position::Seq;
use crate::ledger::tlog::name::{NameBinding, Names, Publishing};
use crate::ledger::version::Version;
use crate::logbook::error::OpenError;
use crate::logbook::init::{Origin, recovery_key_sha256};
use crate::logbook::key_file::{self, KeyFile};
use crate::logbook::reading::Reader;
use crate::logbook::terms::begun;
use crate::logbook::{Closed, closed, entry_at, identity_of, resolved};
use crate::publish::names_of;
use crate::signers::KeyLocation;
use crate::store::Store;
use crate::store::readers::Readers;

use super::create::{self, CreatedLedger};
use super::{Error, Ledger, Options, second_key};

/// A book that was closed, and the one that continues it.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The new book.
    pub made: CreatedLedger,
    /// Where the old one ends.
    pub end: Closed,
}

/// Continues the book `old` in `new`. `next` are the options of the new book;
/// its name, its recovery key and its format are those of the old one if they give none.
pub(super) fn rotate(
    old: &Path,
    options: &Options,
    new: Option<&Path>,
    next: &Options,
) -> Result<Rotated, Error> {
    options.check_writes()?;
    let new = new.map_or_else(|| numbered(&resolved(old)), Path::to_owned);
    let key = create::new_key(&new, next);
    let mark = next.mark_of(&new);
    let reader = options.reader(old)?;
    let (opening, before) = (opening_of(&reader.store)?, closed(&reader.store)?);
    let indexed = match next.format_version {
        Some(version) => version == Version::Two,
        None => begun(&reader.store, &opening)?.is_some(),
    };
    // A book under a second key is continued under another one.
    let second = second_key::bound(&reader.store)?.is_some();
    let next = &next.clone().post_quantum(second || next.post_quantum);
    drop(reader);
    if new.symlink_metadata().is_ok() {
        // Everything may have been done before.
        return match before {
            Some(end) => {
                let rotated = continued(&new, next, key, end)?;
                pass_on(old, options, &rotated, next)?;
                Ok(rotated)
            }
            None => Err(Error::Exists { path: new }),
        };
    }
    let second = second_key::new_place(&new, next);
    let places = [&new, mark.path(), &key].into_iter();
    create::check_folders(places.chain(second.as_deref()))?;
    let (signer, post_quantum, end) = match before {
        Some(end) => {
            let signer = seal(old, options, next, &key, &end)?;
            (signer, second_key::begin(&new, next, true)?, end)
        }
        None if mark.path().symlink_metadata().is_ok() => {
            let path = mark.path().to_owned();
            return Err(Error::Exists { path });
        }
        None => {
            let ledger = Ledger::open(old, options.clone())?;
            let signer = successor(next, &key, ledger.key())?;
            let second = second_key::begin(&new, next, true)?;
            let end = close(ledger, &signer)?;
            (signer, second, end)
        }
    };
    let origin = Origin {
        name: next.origin.clone().unwrap_or(opening.origin),
        recovery_key_sha256: match &next.recovery_key {
            Some(key) => Some(recovery_key_sha256(key)),
            None => opening.recovery_key_sha256,
        },
        predecessor: Some(predecessor(&end)),
        index: indexed,
        post_quantum,
        ..Origin::default()
    };
    let made = create::make(&new, next, signer, key, origin)?;
    made.store.close()?;
    // Who reads the old book reads the new one.
    let group = match Readers::of(old) {
        Ok(Readers::Group(group)) => Some(group),
        _ => next.group,
    };
    made.made.share(group)?;
    let rotated = Rotated {
        made: made.made,
        end,
    };
    pass_on(old, options, &rotated, next)?;
    Ok(rotated)
}

/// The public name and what is alive pass over, if they have not yet.
fn pass_on(old: &Path, options: &Options, rotated: &Rotated, next: &Options) -> Result<(), Error> {
    let reader = options.reader(old)?;
    let named = continued_name(&reader.store)?;
    let alive = alive::of(&reader.store, &rotated.end, next.now())?;
    if named.is_none() && alive.is_empty() {
        return Ok(());
    }
    let ledger = Ledger::open(&rotated.made.ledger, next.clone())?;
    // A book that was given a name, or ended one, keeps to that.
    let named = match names_of(ledger.store())? == Names::default() {
        true => named,
        false => None,
    };
    let mut entries: Vec<_> = named.into_iter().collect();
    if ledger.store().count()? == 1 {
        entries.extend(alive);
    }
    if !entries.is_empty() {
        alive::carry(&entries, &ledger)?;
    }
    ledger.close()
}

/// What binds the name under which the next book is published, with the witnesses of this
/// one. None where this one has no name, or one that is too long to be continued.
fn continued_name(old: &dyn Store) -> Result<Option<(String, Object)>, Error> {
    let names = names_of(old)?;
    let named = names.current().and_then(|named| {
        let name = named.name.successor().ok()?;
        let policy = named.policy.clone();
        Some(Publishing::Named(NameBinding { name, policy }))
    });
    Ok(named.map(|named| (kind::PUBLISH.to_owned(), named.to_object())))
}

/// The key of the new book. One that lies in its usual place, of a book that is not there,
/// was left by a rotation that was interrupted: it has signed nothing, and is taken. A
/// place that was named may have any key.
fn successor(next: &Options, path: &Path, old: PublicKey) -> Result<Arc<dyn Signer>, Error> {
    let is_there = !KeyLocation::is_outside(path) && path.symlink_metadata().is_ok();
    if next.reuse_key || !is_there {
        return next.begin_key(path);
    }
    let in_place = |has: &str| Error::KeyInPlace {
        path: path.to_owned(),
        has: has.to_owned(),
    };
    if next.key.is_some() {
        return Err(in_place("a file that may be of anything"));
    }
    let found = key_file::read(path, next.key_mode);
    let found = found.map_err(|error| in_place(&format!("no key that can be used: {error}")))?;
    if next.encrypt_key && matches!(found, KeyFile::Open(_)) {
        return Err(in_place("a key under no passphrase"));
    }
    let signer = next.open_key(path)?;
    match signer.public_key() == old {
        true => Err(in_place("the key of the book that is to be closed")),
        false => Ok(signer),
    }
}

/// Closes the book in favour of the new key, and seals it.
fn close(ledger: Ledger, signer: &dyn Signer) -> Result<Closed, Error> {
    // Before the key is one of yesterday.
    settle(&ledger)?;
    let receipt = ledger.logbook()?.close_book(signer.public_key())?;
    let log = ledger.key();
    settle(&ledger)?;
    ledger.close()?;
    Ok(Closed {
        log,
        seq: receipt.seq,
        hash: receipt.hash,
        successor: signer.public_key(),
    })
}

/// Seals a book that was closed before; gives the key that it was closed in
/// favour of.
fn seal(
    old: &Path,
    options: &Options,
    next: &Options,
    key: &Path,
    end: &Closed,
) -> Result<Arc<dyn Signer>, Error> {
    let signer = next.open_key(key)?;
    if signer.public_key() != end.successor {
        return Err(Error::OtherSuccessor {
            path: key.to_owned(),
            successor: end.successor,
        });
    }
    let ledger = Ledger::open(old, options.clone())?;
    settle(&ledger)?;
    ledger.close()?;
    Ok(signer)
}

/// Seals what is open. Of a ledger in a bucket every epoch is archived and read back:
/// without the key nobody makes its signatures again.
fn settle(ledger: &Ledger) -> Result<(), Error> {
    ledger.seal()?;
    #[cfg(feature = "bucket")]
    if let Some(archiver) = ledger.archiver()? {
        archiver.archive_and_read_back()?;
    }
    Ok(())
}

/// The ledger that is there already, if it is the one to be made.
fn continued(new: &Path, next: &Options, key: PathBuf, end: Closed) -> Result<Rotated, Error> {
    let mark = next.mark_of(new);
    let reader = Reader::open(new, &mark)?;
    let opening = opening_of(&reader.store)?;
    if opening.log != end.successor || opening.predecessor != Some(predecessor(&end)) {
        let path = new.to_owned();
        return Err(Error::Exists { path });
    }
    let made = CreatedLedger {
        ledger: new.to_owned(),
        identity: identity_of(&reader.store)?,
        key_file: key,
        second_key_file: second_key::new_place(new, next),
        mark_file: mark.path().to_owned(),
    };
    Ok(Rotated { made, end })
}

fn predecessor(end: &Closed) -> Predecessor {
    Predecessor {
        log: end.log,
        seq: end.seq,
        hash: end.hash,
    }
}

pub(super) fn opening_of(store: &dyn Store) -> Result<Opening, Error> {
    let first = entry_at(store, Seq::FIRST)?;
    let payload = first.check_payload().ok();
    let opening = payload.and_then(|payload| Opening::from_object(&payload).ok());
    opening.ok_or(Error::Open(OpenError::NotALedger))
}

/// `DIR.2` after `DIR`, `DIR.3` after that.
fn numbered(ledger: &Path) -> PathBuf {
    let text = ledger.components().as_path().to_string_lossy().into_owned();
    let number = text.rsplit_once('.').and_then(|(name, number)| {
        let number: u32 = number.parse().ok()?;
        Some((name.to_owned(), number.checked_add(1)?))
    });
    let (name, number) = number.unwrap_or((text, 2));
    PathBuf::from(format!("{name}.{number}"))
}
