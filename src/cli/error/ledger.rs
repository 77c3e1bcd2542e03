//! What to say of a ledger that did not do what it was asked.

use std::io;

use crate::api::{Cause, Error};
use crate::evidence::EvidenceError;
use crate::imports::accept::ImportError;
use crate::imports::shelf::ShelfError;
use crate::ledger::encrypted_pem::LockError;
use crate::ledger::source::ReadError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
use crate::store::StoreError;

pub(super) fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Key(error) => return key_hint(error),
        Error::Open(error) => return open_hint(error),
        Error::Append(LogbookError::ReservedKind { .. }) => {
            "choose another kind: these are written by sealbook itself"
        }
        Error::Append(LogbookError::Closed) => {
            "append to the book that continues it; `sealbook rotate` says which, or goes on making it"
        }
        Error::Append(LogbookError::Store(error)) => return store_hint(error),
        Error::Append(LogbookError::Clocks(_)) => ACCEPT_CLOCK,
        Error::Append(LogbookError::Mark(_)) => {
            "make room where the mark is; `sealbook log --reverse` shows what was recorded"
        }
        Error::Evidence(EvidenceError::SelectionNotSealed { .. }) => {
            "--seal seals it first, and what is not sealed then cannot be missed"
        }
        Error::Evidence(EvidenceError::NotSealed { .. }) => "run `sealbook seal` first",
        Error::Evidence(
            EvidenceError::NotProven { .. }
            | EvidenceError::Tree(_)
            | EvidenceError::DocumentMissing { .. },
        ) => "run `sealbook verify` and restore the ledger from a backup",
        Error::Evidence(EvidenceError::Ledger(error)) => return open_hint(error),
        Error::Import(ImportError::Store(error)) => return store_hint(error),
        Error::Imported(ShelfError::NoSuchLog { .. } | ShelfError::NoSuchFile { .. }) => {
            "`sealbook import --list` shows what was imported"
        }
        Error::Imported(ShelfError::SeveralLogs { .. }) => {
            "say which with KEY:GENESIS; `sealbook import --list` shows them"
        }
        Error::NotRecognised { path } => {
            match path.as_deref().and_then(|path| Cause::of_file(path, None)) {
                Some(cause) => return Some(format!("{cause}: {}", cause.remedy())),
                None => "say what it is with --as ledger, logbook, bundle or proof",
            }
        }
        Error::Publish(error) => return publish_hint(error),
        #[cfg(feature = "bucket")]
        Error::Bucket(_) => crate::codes::find(error.code()).remedy,
        Error::KeyBeside { .. } => crate::codes::find(error.code()).remedy,
        Error::NoPassphrase => GIVE_PASSPHRASE,
        Error::Read(ReadError::Unsupported(_))
        | Error::Import(ImportError::Read(ReadError::Unsupported(_))) => {
            "take a newer sealbook, or ask for the file in --format-version 1"
        }
        Error::NotSigned(_) => {
            "name the key's file with SEALBOOK_KEY, or ask the running server for /v1/bundle; \
             --no-sign writes what passes nowhere but with --allow-unsigned"
        }
        Error::MountPoint { .. } => {
            "name places on lasting storage with --key FILE and --mark FILE, or a folder below it \
             with --ledger DIR"
        }
        Error::InsideLedger { .. } => {
            "choose another place: what is copied with the ledger protects nothing"
        }
        Error::Exists { .. } => "move it away, or choose another place",
        Error::OtherSuccessor { .. } => "name that key's file with --key FILE",
        Error::Resume(_) => "verify without --state, or name another state file to begin a new one",
        _ => return None,
    };
    Some(hint.to_owned())
}

const ACCEPT_CLOCK: &str =
    "set the clock right; if it is right now, say so once with --accept-clock";

const GIVE_PASSPHRASE: &str = "set SEALBOOK_KEY_PASSPHRASE, or run it at a terminal";

fn key_hint(error: &KeyFileError) -> Option<String> {
    match error {
        KeyFileError::Locked { .. } => Some(GIVE_PASSPHRASE.to_owned()),
        KeyFileError::Lock {
            source: LockError::TooCostly | LockError::Unsupported,
            ..
        } => Some("encrypt it anew with `openssl pkcs8 -topk8`".to_owned()),
        KeyFileError::Readable { path, .. } => Some(format!("chmod 600 {}", path.display())),
        KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Some("put the key back, or name it with SEALBOOK_KEY=FILE".to_owned())
        }
        KeyFileError::SignersDisagree { .. } => {
            Some("build without the feature fast-sign, or use another machine".to_owned())
        }
        _ => None,
    }
}

fn publish_hint(error: &PublishError) -> Option<String> {
    let hint = match error {
        PublishError::Io { .. } => {
            "what was sealed is sealed: the next run with --publish adds what is missing"
        }
        PublishError::OtherLog { .. } | PublishError::NotPublished { .. } => {
            "name a file of its own for each ledger"
        }
        PublishError::Differs { .. } => {
            "keep the file: it shows another history than the ledger has; run `sealbook verify`"
        }
        PublishError::InUse { .. } => "wait for the other process, or stop it",
        PublishError::Ledger(error) => return open_hint(error),
    };
    Some(hint.to_owned())
}

fn open_hint(error: &OpenError) -> Option<String> {
    let hint = match error {
        OpenError::Store(error) => return store_hint(error),
        OpenError::Mark(MarkFault::Missing { .. } | MarkFault::Invalid { .. }) => {
            "put the mark back, or name it with --mark FILE; if it is lost for good, and this is \
             no copy to be examined, `sealbook accept-rollback --reason TEXT` records that for ever"
        }
        OpenError::Mark(_) => {
            "restore the newer database; if it is lost for good, and this is no copy to be \
             examined, `sealbook accept-rollback --reason TEXT` records that for ever"
        }
        OpenError::Clocks(_) => ACCEPT_CLOCK,
        OpenError::OtherKey { .. } => "name the ledger's own key with SEALBOOK_KEY=FILE",
        OpenError::NothingToAccept | OpenError::MarkIo(_) | OpenError::Append(_) => return None,
        _ => "run `sealbook verify` and restore the ledger from a backup",
    };
    Some(hint.to_owned())
}

fn store_hint(error: &StoreError) -> Option<String> {
    let hint = match error {
        StoreError::Missing { .. } => "make one with `sealbook init`, or name it with --ledger DIR",
        StoreError::Absent { .. } => "use the whole sealbook, or export a file from the ledger",
        StoreError::Locked { .. } => "wait for the other process, or stop it",
        StoreError::Exists { .. } => "move it away, or choose another place",
        StoreError::Copy { .. } => {
            "read it as it is; if it is to go on in the place of the original, `sealbook adopt` \
             makes the original its copy"
        }
        StoreError::OriginalAhead { .. } => {
            "go on with the original; if that is lost for good, move it away first"
        }
        StoreError::ReadOnly => "leave out --read-only",
        StoreError::Moved { .. } => {
            "run the command again where the ledger is now: nothing acknowledged is lost"
        }
        StoreError::Restless { .. } => {
            "run the command again when the other process has less to do"
        }
        StoreError::Fenced { .. } => crate::codes::find("fenced").remedy,
        StoreError::Record { .. } => crate::codes::find("bucket_failed").remedy,
        StoreError::TooMuch { .. } => "hand it over in smaller parts",
        StoreError::UnknownFormat { .. } => "use the version of sealbook that made it",
        StoreError::Corrupt { .. } => "run `sealbook verify` and restore the ledger from a backup",
        error if error.is_full() => {
            "make room on the disk, then run the command again: nothing acknowledged is lost"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
