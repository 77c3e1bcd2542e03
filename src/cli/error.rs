//! From what went wrong to a word for programs, a sentence, a hint and an exit
//! status. The library knows nothing of flags; this file alone does.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::audit::AuditError;
use crate::evidence::EvidenceError;
use crate::ledger::bundle::BundleError;
use crate::ledger::key::{PublicKey, SignError};
use crate::ledger::members::MemberError;
use crate::ledger::parse::ParseError;
use crate::ledger::source::ReadError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::init::InitError;
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::store::StoreError;
use crate::store::query::QueryError;

use super::verify::StateRefusal;

/// Why a command has no answer, or the answer no.
#[derive(Debug, Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("could not write the output: {0}")]
    Output(io::Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("line {line}: {source}")]
    Line { line: u64, source: Box<CliError> },
    #[error("{0}")]
    Json(#[from] ParseError),
    #[error("{0}")]
    Member(#[from] MemberError),
    #[error("the payload is not a JSON object")]
    PayloadNotObject,
    #[error("the line is longer than 20 MiB")]
    LineTooLong,
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Append(#[from] LogbookError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{}: its content is no ledger, logbook, bundle or proof", path.display())]
    NotRecognised { path: PathBuf },
    #[error("{}: it is no revocation, or its signature is wrong", path.display())]
    NotARevocation { path: PathBuf },
    #[error("the book was closed in favour of the key {successor}, which {} does not hold", path.display())]
    OtherSuccessor { path: PathBuf, successor: PublicKey },
    #[error(transparent)]
    State(#[from] StateRefusal),
    #[error("{}, line {line}: {problem}", path.display())]
    KeysFile {
        path: PathBuf,
        line: u64,
        problem: &'static str,
    },
    #[error("{} exists already", path.display())]
    Exists { path: PathBuf },
    #[error("{what} `{given}`: {expected}")]
    Argument {
        what: &'static str,
        given: String,
        expected: &'static str,
    },
    #[error("there is nothing to seal")]
    NothingToSeal,
    #[error("nothing was found")]
    NothingFound,
}

impl CliError {
    pub(super) fn usage(text: &str) -> CliError {
        let text = text.trim().trim_start_matches("error: ");
        CliError::Usage(text.to_owned())
    }

    pub(super) fn output(error: io::Error) -> CliError {
        CliError::Output(error)
    }

    pub(super) fn file(path: &Path, source: io::Error) -> CliError {
        CliError::File {
            path: path.to_owned(),
            source,
        }
    }

    /// Whoever read our output has had enough: not worth a word.
    pub(super) fn is_closed_pipe(&self) -> bool {
        match self {
            CliError::Output(error)
            | CliError::Evidence(EvidenceError::Bundle(BundleError::Io(error))) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }

    pub(super) fn exit_status(&self) -> u8 {
        match self {
            CliError::NothingToSeal | CliError::NothingFound => 1,
            CliError::Evidence(
                EvidenceError::NoSuchEntry { .. }
                | EvidenceError::NotSealed { .. }
                | EvidenceError::EmptyRange,
            ) => 1,
            CliError::Open(OpenError::NothingToAccept) => 1,
            _ => 2,
        }
    }

    /// The word that `--json` prints.
    pub(super) fn code(&self) -> &'static str {
        match self {
            CliError::Usage(_) | CliError::Argument { .. } => "usage",
            CliError::Output(error) | CliError::File { source: error, .. } => io_code(error),
            CliError::Read(_) => "io",
            CliError::Line { source, .. } => source.code(),
            CliError::Json(_) | CliError::LineTooLong => "bad_json",
            CliError::Member(_) | CliError::PayloadNotObject => "bad_input",
            CliError::Key(error) => key_code(error),
            CliError::Init(_) => "init_failed",
            CliError::Open(error) => open_code(error),
            CliError::Append(error) => append_code(error),
            CliError::Evidence(error) => evidence_code(error),
            CliError::Query(QueryError::Store(error)) => store_code(error),
            CliError::Query(_) => "store_corrupt",
            CliError::NotRecognised { .. } => "not_recognised",
            CliError::NotARevocation { .. } | CliError::KeysFile { .. } => "bad_input",
            CliError::OtherSuccessor { .. } => "key_mismatch",
            CliError::State(StateRefusal::Invalid { .. }) => "state_invalid",
            CliError::State(_) => "state_mismatch",
            CliError::Exists { .. } => "exists",
            CliError::NothingToSeal => "nothing_to_seal",
            CliError::NothingFound => "not_found",
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            CliError::Line { source, .. } => return source.hint(),
            CliError::Key(error) => return key_hint(error),
            CliError::Open(error) => return open_hint(error),
            CliError::Append(LogbookError::ReservedKind { .. }) => {
                "choose another kind: these are written by sealbook itself"
            }
            CliError::Append(LogbookError::Closed) => {
                "append to the book that continues it; `sealbook rotate` says which, or goes on making it"
            }
            CliError::Append(LogbookError::Store(error)) => return store_hint(error),
            CliError::Append(LogbookError::Mark(_)) => {
                "make room where the mark is; `sealbook log --reverse` shows what was recorded"
            }
            CliError::Evidence(EvidenceError::NotSealed { .. }) => "run `sealbook seal` first",
            CliError::Evidence(EvidenceError::NotProven { .. } | EvidenceError::Tree(_)) => {
                "run `sealbook verify` and restore the ledger from a backup"
            }
            CliError::Evidence(EvidenceError::Ledger(error)) => return open_hint(error),
            CliError::NotRecognised { .. } => {
                "say what it is with --as ledger, logbook, bundle or proof"
            }
            CliError::Exists { .. } => "move it away, or choose another place",
            CliError::OtherSuccessor { .. } => "name that key's file with --key FILE",
            CliError::State(_) => {
                "verify without --state, or name another state file to begin a new one"
            }
            CliError::KeysFile { .. } => {
                "a line is `NAME KEY` or {\"name\": NAME, \"key\": KEY}; KEY is 64 hex digits or a \
                 PEM file, NAME a path, a file name or *"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn key_code(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Readable { .. } => "key_readable",
        KeyFileError::Pem { .. } | KeyFileError::NotAFile { .. } => "key_invalid",
        _ => "key_unreadable",
    }
}

fn key_hint(error: &KeyFileError) -> Option<String> {
    match error {
        KeyFileError::Readable { path, .. } => Some(format!("chmod 600 {}", path.display())),
        KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Some("put the key back, or name it with SEALBOOK_KEY=FILE".to_owned())
        }
        _ => None,
    }
}

fn open_code(error: &OpenError) -> &'static str {
    match error {
        OpenError::Store(error) => store_code(error),
        OpenError::Mark(fault) => mark_code(fault),
        OpenError::Append(error) => append_code(error),
        OpenError::OtherKey { .. } => "log_key_mismatch",
        OpenError::MarkIo(_) => "io",
        OpenError::NothingToAccept => "nothing_to_accept",
        _ => "store_corrupt",
    }
}

fn open_hint(error: &OpenError) -> Option<String> {
    let hint = match error {
        OpenError::Store(error) => return store_hint(error),
        OpenError::Mark(MarkFault::Missing { .. } | MarkFault::Invalid { .. }) => {
            "put the mark back; if it is lost for good, `sealbook accept-rollback --reason TEXT` \
             records that for ever"
        }
        OpenError::Mark(_) => {
            "restore the newer database; if it is lost for good, `sealbook accept-rollback \
             --reason TEXT` records that for ever"
        }
        OpenError::OtherKey { .. } => "name the ledger's own key with SEALBOOK_KEY=FILE",
        OpenError::NothingToAccept | OpenError::MarkIo(_) | OpenError::Append(_) => return None,
        _ => "run `sealbook verify` and restore the ledger from a backup",
    };
    Some(hint.to_owned())
}

fn mark_code(fault: &MarkFault) -> &'static str {
    match fault {
        MarkFault::Missing { .. } => "mark_missing",
        MarkFault::Invalid { .. } => "mark_invalid",
        MarkFault::Stale { .. } => "mark_stale",
        MarkFault::Rollback { .. } | MarkFault::SealLost { .. } => "rollback_detected",
    }
}

fn append_code(error: &LogbookError) -> &'static str {
    match error {
        LogbookError::Entry(_) => "bad_input",
        LogbookError::ReservedKind { .. } => "reserved_kind",
        LogbookError::Store(error) => store_code(error),
        LogbookError::Sign(_) => "sign_failed",
        LogbookError::Mark(error) => io_code(error),
        LogbookError::Closed => "closed",
        LogbookError::Stopped => "stopped",
    }
}

fn evidence_code(error: &EvidenceError) -> &'static str {
    match error {
        EvidenceError::Ledger(error) => open_code(error),
        EvidenceError::Store(error) => store_code(error),
        EvidenceError::NoSuchEntry { .. } | EvidenceError::EmptyRange => "not_found",
        EvidenceError::NotSealed { .. } => "not_sealed",
        EvidenceError::Bundle(BundleError::Io(error)) => io_code(error),
        EvidenceError::Bundle(_) => "sign_failed",
        _ => "store_corrupt",
    }
}

fn io_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "disk_full",
        _ => "io",
    }
}

fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing { .. } | StoreError::NotADirectory { .. } => "ledger_missing",
        StoreError::Exists { .. } => "exists",
        StoreError::Locked { .. } => "ledger_locked",
        StoreError::UnknownFormat { .. } => "unknown_format",
        StoreError::Corrupt { .. } => "store_corrupt",
        StoreError::Io { kind, .. } if *kind == io::ErrorKind::StorageFull => "disk_full",
        StoreError::Stopped => "stopped",
        _ => "io",
    }
}

fn store_hint(error: &StoreError) -> Option<String> {
    let hint = match error {
        StoreError::Missing { .. } => "make one with `sealbook init`, or name it with --ledger DIR",
        StoreError::Locked { .. } => "wait for the other process, or stop it",
        StoreError::UnknownFormat { .. } => "use the version of sealbook that made it",
        StoreError::Corrupt { .. } => "run `sealbook verify` and restore the ledger from a backup",
        StoreError::Io { kind, .. } if *kind == io::ErrorKind::StorageFull => {
            "make room on the disk, then run the command again: nothing acknowledged is lost"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        CliError::Open(OpenError::Store(error))
    }
}

impl From<SignError> for CliError {
    fn from(error: SignError) -> Self {
        CliError::Append(LogbookError::from(error))
    }
}

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        CliError::Evidence(EvidenceError::Bundle(error))
    }
}

impl From<MarkFault> for CliError {
    fn from(fault: MarkFault) -> Self {
        CliError::Open(OpenError::Mark(fault))
    }
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Open(error) => CliError::Open(error),
            AuditError::Read(error) => CliError::Read(error),
        }
    }
}
