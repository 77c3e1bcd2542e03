//! What to say of a ledger that did not do what it was asked.

use std::io;

use crate::api::{Cause, Error};
use crate::codes;
use crate::evidence::EvidenceError;
use crate::imports::reading::ImportReadError;
use crate::ledger::encrypted_pem::LockError;
use crate::ledger::source::ReadError;
use crate::logbook::error::LogbookError;
use crate::logbook::key_file::KeyFileError;
use crate::logbook::publish::PublishError;
use crate::publish::PublicError;
use crate::store::StoreError;

use crate::cli::kept::flag_for;

/// Codes whose remedy says more than the message does.
const HINTED: [&str; 35] = [
    "bucket_failed",
    "clocks_parted",
    "closed",
    "disk_full",
    "exists",
    "fenced",
    "format_unsupported",
    "key_beside",
    "key_locked",
    "key_mismatch",
    "ledger_copy",
    "ledger_locked",
    "ledger_missing",
    "ledger_moved",
    "ledger_not_permitted",
    "ledger_restless",
    "log_key_mismatch",
    "mark_invalid",
    "mark_missing",
    "mark_stale",
    "name_mismatch",
    "name_missing",
    "needs_store",
    "not_published",
    "not_sealed",
    "original_ahead",
    "read_only",
    "reserved_kind",
    "rollback_detected",
    "signer_unreachable",
    "signers_disagree",
    "state_invalid",
    "state_mismatch",
    "store_corrupt",
    "unknown_format",
];

/// The remedy of the code, but where the cause is known better.
pub(super) fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Key(KeyFileError::Readable { path, .. }) => {
            return Some(format!("chmod 600 {}", path.display()));
        }
        Error::Key(KeyFileError::Lock {
            source: LockError::TooCostly | LockError::Unsupported,
            ..
        }) => "encrypt it again with `openssl pkcs8 -topk8`",
        Error::Key(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            codes::find("key_unreadable").remedy
        }
        Error::Append(LogbookError::Server(refusal)) => codes::find(refusal.code).remedy,
        Error::Append(LogbookError::Mark(_)) => {
            "make room where the mark is; `sealbook log --reverse` shows what was recorded"
        }
        Error::Append(LogbookError::Store(StoreError::TooMuch { .. })) => {
            "hand it over in smaller parts"
        }
        Error::Read(ReadError::Spill(_)) => {
            "make room there, or name another folder for temporary files with TMPDIR, and run \
             the command again: of the log itself this says nothing"
        }
        #[cfg(feature = "bucket")]
        Error::Bucket(_) => codes::find(error.code()).remedy,
        Error::Evidence(EvidenceError::SelectionNotSealed { .. }) => {
            "--seal seals it first, and what is not sealed then cannot be missed"
        }
        Error::Imported(ImportReadError::NoSuchLog { .. } | ImportReadError::NoSuchFile { .. }) => {
            "`sealbook import --list` shows what was imported"
        }
        Error::Imported(ImportReadError::SeveralLogs { .. }) => {
            "say which with KEY:GENESIS; `sealbook import --list` shows them"
        }
        Error::SeveralLogs => codes::find("several_logs").remedy,
        Error::NotRecognised { path } => {
            match path.as_deref().and_then(|path| Cause::of_file(path, None)) {
                Some(cause) => return Some(format!("{cause}: {}", cause.remedy())),
                None => (path.as_deref().and_then(flag_for))
                    .unwrap_or(codes::find("not_recognised").remedy),
            }
        }
        Error::Publish(PublishError::Io { .. }) => {
            "what was sealed is sealed: the next run with --publish adds what is missing"
        }
        Error::Publish(PublishError::OtherLog { .. } | PublishError::NotPublished { .. }) => {
            "name a file of its own for each ledger"
        }
        Error::Publish(PublishError::Differs { .. }) => {
            "keep the file: it shows another history than the ledger has; run `sealbook verify`"
        }
        Error::Public(
            PublicError::Checkpoint { .. }
            | PublicError::Foreign { .. }
            | PublicError::OtherName { .. },
        ) => "name a folder of its own for each log",
        Error::Public(PublicError::Behind { .. } | PublicError::Differs { .. }) => {
            "keep the folder: it shows another history than the ledger has; run `sealbook verify`"
        }
        Error::Public(PublicError::Io { .. }) => {
            "fix it, and run the same command again: it goes on"
        }
        Error::Public(PublicError::Build { .. }) | Error::PublicLog { .. } => {
            "put the file back from a copy, or publish the log again into an empty folder"
        }
        Error::TwoSizes => "name the log's folder or the ledger with --from PLACE",
        Error::NotSigned(_) => {
            "name the key's file with SEALBOOK_KEY, or ask the running server for /v1/bundle; \
             --no-sign writes what passes nowhere but with --allow-unsigned"
        }
        Error::MountPoint { .. } => {
            "name places on lasting storage with --key FILE and --mark FILE, or a folder below it \
             with --ledger DIR"
        }
        Error::File { source, .. } | Error::Key(KeyFileError::Io { source, .. })
            if source.kind() == io::ErrorKind::ReadOnlyFilesystem =>
        {
            "what is mounted there is for reading only: mount it for writing, or choose another \
             place"
        }
        Error::NoFolder { .. } => "make the folder first, or choose another place",
        Error::KeyInPlace { .. } => {
            "move the file away, name another place with --key FILE, or take the key that it \
             holds with --reuse-key"
        }
        Error::KeyLeft { .. } => {
            "if an `init` that was interrupted left it, go on with it with --reuse-key; if it is \
             another log's, choose another place with --key FILE"
        }
        Error::MarkInPlace { .. } => {
            "if it is another ledger's, choose another place with --mark FILE; if an `init` that \
             was interrupted left it, move it away"
        }
        Error::OnePlace { .. } => "name another file with --key FILE or --mark FILE",
        Error::NoMark { .. } => {
            "name the ledger's mark with --mark FILE, or move the file away: then the mark counts \
             as missing"
        }
        Error::InsideLedger { .. } => {
            "choose another place: what is copied with the ledger protects nothing"
        }
        error => {
            let code = error.code();
            let hinted = HINTED.contains(&code);
            return hinted.then(|| codes::find(code).remedy.to_owned());
        }
    };
    Some(hint.to_owned())
}
