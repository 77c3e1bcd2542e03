//! From what went wrong to a word for programs, a sentence, a hint and an exit
//! status. The library knows nothing of flags; this file and those below it
//! alone do.

mod from;
mod hall;
mod producer;
#[cfg(feature = "serve")]
mod server;
mod state;
mod store;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::audit::cause::Cause;
use crate::backup::BackupError;
use crate::evidence::EvidenceError;
use crate::imports::accept::ImportError;
use crate::imports::shelf::ShelfError;
use crate::ledger::bundle::BundleError;
use crate::ledger::encrypted_pem::LockError;
use crate::ledger::key::PublicKey;
use crate::ledger::parse::ParseError;
use crate::ledger::position::Seq;
use crate::ledger::receipts::ReceiptsError;
use crate::ledger::shape::MemberError;
use crate::ledger::source::ReadError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::init::InitError;
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
use crate::store::query::QueryError;

use super::key_text::KeyTextError;
pub(super) use producer::ProducerError;
#[cfg(feature = "serve")]
pub(super) use server::ServerError;
pub(super) use state::StateRefusal;
use store::{store_code, store_hint};

/// Why a command has no answer, or the answer no.
#[derive(Debug, Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("could not write the output: {0}")]
    Output(io::Error),
    #[error(
        "output_lost: {entries} entries are recorded, the last of them {last}, but not every \
         receipt could be written: {source}"
    )]
    OutputLost {
        entries: u64,
        first: Seq,
        last: Seq,
        source: io::Error,
    },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    InFile {
        path: PathBuf,
        source: Box<CliError>,
    },
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
    #[error("{cause}")]
    Rewritten { cause: Cause },
    #[error("idempotency_key: one of 1 to 255 visible ASCII characters is needed")]
    KeyShape,
    #[error("idempotency_key: it was used with another kind or payload")]
    KeyReused,
    #[error("{lines} lines were not recorded; all others were")]
    BadLines { lines: u64 },
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
    #[error("{}: neither a signed head nor an epoch header", path.display())]
    NotAHead { path: PathBuf },
    #[error("there is no file or ledger to verify; {passed_over} others were passed over")]
    NothingToVerify { passed_over: usize },
    #[error("the closing record cannot be signed: {0}")]
    NotSigned(Box<CliError>),
    #[error("{}: the line is not in canonical form, ended by one newline", path.display())]
    NotCanonical { path: PathBuf },
    #[error("{}: more than 2^20 heads, or 1 GiB", path.display())]
    TooManyHeads { path: PathBuf },
    #[error("{}: {error}", path.display())]
    Receipts { path: PathBuf, error: ReceiptsError },
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("{} exists already", path.display())]
    Exists { path: PathBuf },
    #[error("key `{given}`: {source}")]
    KeyText { given: String, source: KeyTextError },
    #[error("{} is a mount point: what lies beside it is not on its storage", path.display())]
    MountPoint { path: PathBuf },
    #[error("{} would lie in the ledger's own folder", path.display())]
    InsideLedger { path: PathBuf },
    #[error("{what} `{given}`: {expected}")]
    Argument {
        what: &'static str,
        given: String,
        expected: &'static str,
    },
    /// Of a ledger that is only read.
    #[error(transparent)]
    Unmarked(MarkFault),
    #[error(transparent)]
    Backup(BackupError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Shelf(ShelfError),
    #[error(transparent)]
    Producer(#[from] ProducerError),
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("no passphrase was given for the new key")]
    NoPassphrase,
    #[error("SEALBOOK_KEY_PASSPHRASE is not UTF-8")]
    PassphraseNotText,
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

    /// Whether one line is at fault, and the next may be fine.
    pub(super) fn is_of_input(&self) -> bool {
        matches!(
            self,
            CliError::Json(_)
                | CliError::Member(_)
                | CliError::LineTooLong
                | CliError::KeyShape
                | CliError::KeyReused
                | CliError::Append(LogbookError::Entry(_) | LogbookError::ReservedKind { .. })
        )
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
            CliError::InFile { source, .. } => source.exit_status(),
            CliError::Producer(error) => error.exit_status(),
            #[cfg(feature = "serve")]
            CliError::Server(error) => error.exit_status(),
            CliError::Evidence(
                EvidenceError::NoSuchEntry { .. }
                | EvidenceError::NotSealed { .. }
                | EvidenceError::SelectionNotSealed { .. }
                | EvidenceError::EmptyRange,
            ) => 1,
            CliError::Open(OpenError::NothingToAccept) => 1,
            CliError::Import(ImportError::OwnKey | ImportError::Empty) => 1,
            CliError::Shelf(ShelfError::NoSuchLog { .. } | ShelfError::NoSuchFile { .. }) => 1,
            _ => 2,
        }
    }

    /// The word that `--json` prints.
    pub(super) fn code(&self) -> &'static str {
        match self {
            CliError::Usage(_)
            | CliError::Argument { .. }
            | CliError::KeyText { .. }
            | CliError::MountPoint { .. }
            | CliError::InsideLedger { .. } => "usage",
            CliError::Output(error) | CliError::File { source: error, .. } => io_code(error),
            CliError::OutputLost { .. } => "output_lost",
            CliError::Read(ReadError::Unsupported(_)) => "format_unsupported",
            CliError::Read(_) => "io",
            CliError::Line { source, .. } | CliError::InFile { source, .. } => source.code(),
            CliError::Producer(error) => error.code(),
            #[cfg(feature = "serve")]
            CliError::Server(error) => error.code(),
            CliError::Json(_) | CliError::LineTooLong | CliError::Rewritten { .. } => "bad_json",
            CliError::Member(_)
            | CliError::PayloadNotObject
            | CliError::KeyShape
            | CliError::BadLines { .. } => "bad_input",
            CliError::KeyReused => "key_reused",
            CliError::Key(error) => key_code(error),
            CliError::NoPassphrase => "key_locked",
            CliError::PassphraseNotText => "key_passphrase",
            CliError::Init(_) => "init_failed",
            CliError::Open(error) => open_code(error),
            CliError::Append(error) => append_code(error),
            CliError::Evidence(error) => evidence_code(error),
            CliError::Query(QueryError::Store(error)) => store_code(error),
            CliError::Query(_) => "store_corrupt",
            CliError::NotARevocation { .. } | CliError::KeysFile { .. } => "bad_input",
            CliError::OtherSuccessor { .. } => "key_mismatch",
            CliError::State(StateRefusal::Invalid { .. }) => "state_invalid",
            CliError::State(_) => "state_mismatch",
            CliError::Unmarked(fault) => mark_code(fault),
            CliError::Backup(BackupError::Sign(_)) => "sign_failed",
            CliError::Backup(_) => "io",
            CliError::Import(error) => import_code(error),
            CliError::Shelf(error) => shelf_code(error),
            CliError::NotRecognised { .. } | CliError::NotAHead { .. } => "not_recognised",
            CliError::NotSigned(_) => "not_signed",
            CliError::NothingToVerify { .. } => "nothing_to_verify",
            CliError::TooManyHeads { .. } | CliError::NotCanonical { .. } => "bad_input",
            CliError::Receipts {
                error: ReceiptsError::Io(error),
                ..
            } => io_code(error),
            CliError::Receipts { .. } => "bad_input",
            CliError::Publish(error) => publish_code(error),
            CliError::Exists { .. } => "exists",
            CliError::NothingToSeal => "nothing_to_seal",
            CliError::NothingFound => "not_found",
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            CliError::OutputLost { first, last, .. } => {
                return Some(format!(
                    "append none of them again: `sealbook log --from-seq {first} --until-seq {last}` \
                     shows what was recorded"
                ));
            }
            CliError::Line { source, .. } | CliError::InFile { source, .. } => {
                return source.hint();
            }
            CliError::KeyText { source, .. } => return source.hint(),
            CliError::Rewritten { cause } => cause.remedy(),
            #[cfg(feature = "serve")]
            CliError::Server(error) => return error.hint(),
            CliError::Producer(error) => return error.hint().map(str::to_owned),
            CliError::Key(error) => return key_hint(error),
            CliError::Open(error) => return open_hint(error),
            CliError::Append(LogbookError::ReservedKind { .. }) => {
                "choose another kind: these are written by sealbook itself"
            }
            CliError::Append(LogbookError::Closed) => {
                "append to the book that continues it; `sealbook rotate` says which, or goes on making it"
            }
            CliError::Append(LogbookError::Store(error)) => return store_hint(error),
            CliError::Append(LogbookError::Clocks(_)) => ACCEPT_CLOCK,
            CliError::Append(LogbookError::Mark(_)) => {
                "make room where the mark is; `sealbook log --reverse` shows what was recorded"
            }
            CliError::Evidence(EvidenceError::SelectionNotSealed { .. }) => {
                "--seal seals it first, and what is not sealed then cannot be missed"
            }
            CliError::Evidence(EvidenceError::NotSealed { .. }) => "run `sealbook seal` first",
            CliError::Evidence(
                EvidenceError::NotProven { .. }
                | EvidenceError::Tree(_)
                | EvidenceError::DocumentMissing { .. },
            ) => "run `sealbook verify` and restore the ledger from a backup",
            CliError::Evidence(EvidenceError::Ledger(error)) => return open_hint(error),
            CliError::Import(ImportError::Store(error)) => return store_hint(error),
            CliError::Shelf(ShelfError::NoSuchLog { .. } | ShelfError::NoSuchFile { .. }) => {
                "`sealbook import --list` shows what was imported"
            }
            CliError::Shelf(ShelfError::SeveralLogs { .. }) => {
                "say which with KEY:GENESIS; `sealbook import --list` shows them"
            }
            CliError::NotRecognised { path } => match super::cause::of_file(path, None) {
                Some(cause) => return Some(format!("{cause}: {}", cause.remedy())),
                None => "say what it is with --as ledger, logbook, bundle or proof",
            },
            CliError::Publish(error) => return publish_hint(error),
            CliError::NoPassphrase => GIVE_PASSPHRASE,
            CliError::Read(ReadError::Unsupported(_))
            | CliError::Import(ImportError::Read(ReadError::Unsupported(_))) => {
                "take a newer sealbook, or ask for the file in --format-version 1"
            }
            CliError::NotSigned(_) => {
                "name the key's file with SEALBOOK_KEY, or ask the running server for /v1/bundle; \
                 --no-sign writes what passes nowhere but with --allow-unsigned"
            }
            CliError::Unmarked(_) => {
                "put the mark that belongs to it in its place, or name it with --mark FILE; \
                 `sealbook verify` says what the ledger shows without it"
            }
            CliError::MountPoint { .. } => {
                "name places on lasting storage with --key FILE and --mark FILE, or a folder \
                 below it with --ledger DIR"
            }
            CliError::InsideLedger { .. } => {
                "choose another place: what is copied with the ledger protects nothing"
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
        KeyFileError::SignersDisagree { .. } => "signers_disagree",
        KeyFileError::Locked { .. } => "key_locked",
        KeyFileError::Lock {
            source: LockError::WrongPassphrase,
            ..
        } => "key_passphrase",
        KeyFileError::Lock { .. } => "key_invalid",
        _ => "key_unreadable",
    }
}

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

const ACCEPT_CLOCK: &str =
    "set the clock right; if it is right now, say so once with --accept-clock";

fn publish_code(error: &PublishError) -> &'static str {
    match error {
        PublishError::Io { source, .. } => io_code(source),
        PublishError::OtherLog { .. } => "log_key_mismatch",
        PublishError::Differs { .. } => "equivocation",
        PublishError::NotPublished { .. } => "not_recognised",
        PublishError::InUse { .. } => "ledger_locked",
        PublishError::Ledger(error) => open_code(error),
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

fn open_code(error: &OpenError) -> &'static str {
    match error {
        OpenError::Store(error) => store_code(error),
        OpenError::Mark(fault) => mark_code(fault),
        OpenError::Append(error) => append_code(error),
        OpenError::OtherKey { .. } => "log_key_mismatch",
        OpenError::MarkIo(_) => "io",
        OpenError::Clocks(_) => "clocks_parted",
        OpenError::NothingToAccept => "nothing_to_accept",
        _ => "store_corrupt",
    }
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
        LogbookError::Busy => "busy",
        LogbookError::Clocks(_) => "clocks_parted",
        LogbookError::Stopped => "stopped",
    }
}

fn evidence_code(error: &EvidenceError) -> &'static str {
    match error {
        EvidenceError::Ledger(error) => open_code(error),
        EvidenceError::Store(error) => store_code(error),
        EvidenceError::NoSuchEntry { .. } | EvidenceError::EmptyRange => "not_found",
        EvidenceError::NotSealed { .. } | EvidenceError::SelectionNotSealed { .. } => "not_sealed",
        EvidenceError::Bundle(BundleError::Io(error)) => io_code(error),
        EvidenceError::Bundle(_) => "sign_failed",
        _ => "store_corrupt",
    }
}

fn import_code(error: &ImportError) -> &'static str {
    match error {
        ImportError::OwnKey => "own_key",
        ImportError::Read(ReadError::Unsupported(_)) => "format_unsupported",
        ImportError::Empty => "not_found",
        ImportError::Store(error) => store_code(error),
        ImportError::Append(error) => append_code(error),
        ImportError::Query(_) => "store_corrupt",
        _ => "io",
    }
}

fn shelf_code(error: &ShelfError) -> &'static str {
    match error {
        ShelfError::NoSuchLog { .. } | ShelfError::NoSuchFile { .. } => "not_found",
        ShelfError::SeveralLogs { .. } => "usage",
        ShelfError::Store(error) => store_code(error),
        _ => "store_corrupt",
    }
}

fn io_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "disk_full",
        _ => "io",
    }
}
