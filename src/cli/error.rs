//! From what went wrong to a word for programs, a sentence, a hint and an exit
//! status. The library knows nothing of flags; this file and those below it
//! alone do.

mod hall;
mod ledger;
mod log;
mod producer;
#[cfg(feature = "serve")]
mod server;
#[cfg(feature = "client")]
mod sink;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::api;
use crate::audit::AuditError;
use crate::codes;
use crate::evidence::EvidenceError;
use crate::imports::reading::ImportReadError;
use crate::ledger::key::SignError;
use crate::ledger::parse::ParseError;
use crate::ledger::position::Seq;
use crate::ledger::receipts::ReceiptsError;
use crate::ledger::redact::rules::RulesError;
use crate::ledger::shape::MemberError;
use crate::ledger::source::ReadError;
use crate::logbook::error::{LogbookError, OpenError, ServerRefusal};
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
use crate::publish::PublicError;
use crate::record::RecordError;
use crate::record::redacting::RedactingError;
use crate::store::StoreError;
use crate::store::query::QueryError;

#[cfg(feature = "rocks")]
use super::append::StoppedRun;
use super::input_place::InputPlace;
use super::key_text::KeyTextError;
pub(super) use log::LogError;
pub(super) use producer::ProducerError;
#[cfg(feature = "serve")]
pub(super) use server::ServerError;

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
    #[error(transparent)]
    Ledger(api::Error),
    #[error("{}: {source}", path.display())]
    InFile {
        path: PathBuf,
        source: Box<CliError>,
    },
    #[error("{}", place.of(source))]
    Line {
        place: InputPlace,
        source: Box<CliError>,
    },
    /// A run that recorded some of its input.
    #[cfg(feature = "rocks")]
    #[error("{0}")]
    Stopped(Box<StoppedRun>),
    #[error("{0}")]
    Json(#[from] ParseError),
    #[error("{0}")]
    Member(#[from] MemberError),
    #[error("{0}")]
    RedactRules(#[from] RulesError),
    #[error("{0}")]
    Redacting(#[from] RedactingError),
    #[error("the payload is not a JSON object")]
    PayloadNotObject,
    #[error("the line is longer than 20 MiB")]
    LineTooLong,
    #[error("no message of RFC 5424: after {at} bytes {expected} is needed")]
    Syslog { at: usize, expected: &'static str },
    #[error("{cause}")]
    Rewritten { cause: api::Cause },
    #[error("idempotency_key: one of 1 to 255 visible ASCII characters is needed")]
    KeyShape,
    #[error("idempotency_key: it was used with another kind or payload")]
    KeyReused,
    #[error("{lines} lines were not recorded; all others were")]
    BadLines { lines: u64 },
    #[error("{}: it is not a revocation, or its signature is wrong", path.display())]
    NotARevocation { path: PathBuf },
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
    #[error("{}: the line is not in canonical form, ended by one newline", path.display())]
    NotCanonical { path: PathBuf },
    #[error("{}: more than 2^20 heads, or 1 GiB", path.display())]
    TooManyHeads { path: PathBuf },
    #[error("{}: {error}", path.display())]
    Receipts { path: PathBuf, error: ReceiptsError },
    #[error("key `{given}`: {source}")]
    KeyText { given: String, source: KeyTextError },
    #[error("{} is {what}, which no output replaces", path.display())]
    Spared { path: PathBuf, what: &'static str },
    #[error("{} exists and is not {written} {whose}", path.display())]
    Occupied {
        path: PathBuf,
        written: &'static str,
        whose: &'static str,
    },
    #[error("{} exists and is not {kind}", path.display())]
    OtherFile { path: PathBuf, kind: &'static str },
    #[error("{} is a folder, and a file is to be written", path.display())]
    IsFolder { path: PathBuf },
    #[error("{} exists and is not an empty folder", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{what} `{given}`: {expected}")]
    Argument {
        what: &'static str,
        given: String,
        expected: &'static str,
    },
    #[error(transparent)]
    Unmarked(MarkFault),
    #[error(transparent)]
    Producer(#[from] ProducerError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Server(#[from] ServerError),
    #[cfg(feature = "client")]
    #[error(transparent)]
    Sink(crate::sinks::SinkError),
    #[error("there is nothing to seal")]
    NothingToSeal,
    #[error("nothing was found")]
    NothingFound,
    /// As the one before, with what there is instead.
    #[error("{wanted}")]
    NotThere { wanted: String, there: String },
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
        CliError::Ledger(api::Error::File {
            path: path.to_owned(),
            source,
        })
    }

    /// Whether one line is at fault, and the next may be fine.
    pub(super) fn is_of_input(&self) -> bool {
        matches!(
            self,
            CliError::Json(_)
                | CliError::Member(_)
                | CliError::LineTooLong
                | CliError::Syslog { .. }
                | CliError::KeyShape
                | CliError::KeyReused
                | CliError::Ledger(api::Error::Append(
                    LogbookError::Entry(_)
                        | LogbookError::ReservedKind { .. }
                        | LogbookError::Redact(_)
                        | LogbookError::Server(ServerRefusal {
                            code: "bad_input" | "reserved_kind" | "key_reused" | "not_redactable",
                            ..
                        })
                ))
        )
    }

    /// The reader of our output has had enough: not worth a word.
    pub(super) fn is_closed_pipe(&self) -> bool {
        match self {
            CliError::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            CliError::Ledger(error) => error.is_closed_pipe(),
            _ => false,
        }
    }

    pub(super) fn exit_status(&self) -> u8 {
        codes::find(self.code()).exit_status.unwrap_or(2)
    }

    /// The word that `--json` prints.
    pub(super) fn code(&self) -> &'static str {
        match self {
            CliError::Usage(_) | CliError::Argument { .. } | CliError::KeyText { .. } => "usage",
            CliError::Output(error) => io_code(error),
            CliError::OutputLost { .. } => "output_lost",
            CliError::Unmarked(fault) => api::Error::from(fault.clone()).code(),
            CliError::Ledger(error) => error.code(),
            CliError::Line { source, .. } | CliError::InFile { source, .. } => source.code(),
            #[cfg(feature = "rocks")]
            CliError::Stopped(stopped) => stopped.source.code(),
            CliError::Producer(error) => error.code(),
            CliError::Log(error) => error.code(),
            #[cfg(feature = "serve")]
            CliError::Server(error) => error.code(),
            #[cfg(feature = "client")]
            CliError::Sink(error) => sink::code(error),
            CliError::Json(_) | CliError::LineTooLong | CliError::Rewritten { .. } => "bad_json",
            CliError::Member(_)
            | CliError::RedactRules(_)
            | CliError::Redacting(_)
            | CliError::PayloadNotObject
            | CliError::KeyShape
            | CliError::Syslog { .. }
            | CliError::BadLines { .. } => "bad_input",
            CliError::KeyReused => "key_reused",
            CliError::NotARevocation { .. } | CliError::KeysFile { .. } => "bad_input",
            CliError::NotAHead { .. } => "not_recognised",
            CliError::NothingToVerify { .. } => "nothing_to_verify",
            CliError::TooManyHeads { .. } | CliError::NotCanonical { .. } => "bad_input",
            CliError::Receipts {
                error: ReceiptsError::Io(error),
                ..
            } => io_code(error),
            CliError::Receipts { .. } => "bad_input",
            CliError::Spared { .. }
            | CliError::Occupied { .. }
            | CliError::OtherFile { .. }
            | CliError::IsFolder { .. }
            | CliError::NotEmpty { .. } => "exists",
            CliError::NothingToSeal => "nothing_to_seal",
            CliError::NothingFound | CliError::NotThere { .. } => "not_found",
        }
    }

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
            #[cfg(feature = "rocks")]
            CliError::Stopped(stopped) => return Some(stopped.hint()),
            CliError::KeyText { source, .. } => return source.hint(),
            CliError::NotThere { there, .. } => return Some(there.clone()),
            CliError::Rewritten { cause } => cause.remedy(),
            #[cfg(feature = "serve")]
            CliError::Server(error) => return error.hint(),
            #[cfg(feature = "client")]
            CliError::Sink(error) => codes::find(sink::code(error)).remedy,
            CliError::Producer(error) => return error.hint().map(str::to_owned),
            CliError::Log(error) => codes::find(error.code()).remedy,
            CliError::Ledger(error) => return ledger::hint(error),
            CliError::Unmarked(_) => {
                "put the mark that belongs to it in its place, or name it with --mark FILE; \
                 `sealbook verify` says what the ledger shows without it"
            }
            CliError::Spared { .. } | CliError::OtherFile { .. } => "choose another place",
            CliError::IsFolder { .. } => "name a file in it, or choose another place",
            CliError::NotEmpty { .. } => "choose another place, or one that is empty",
            CliError::Occupied { .. } => "choose another place, or replace it with --force",
            CliError::KeysFile { .. } => {
                "a line is `NAME KEY` or {\"name\": NAME, \"key\": KEY}; KEY is 64 hex digits or a \
                 PEM file, NAME a path, a file name or *"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn io_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "disk_full",
        _ => "io",
    }
}

impl From<api::Error> for CliError {
    fn from(error: api::Error) -> Self {
        match error {
            api::Error::Write(error) => CliError::Output(error),
            api::Error::NoSuchEntry { .. } => CliError::NothingFound,
            api::Error::NotAPrefix => CliError::usage(
                "a logbook is the log from its first entry on: --until-seq alone may shorten it",
            ),
            api::Error::NotComparable => CliError::usage(&error.to_string()),
            api::Error::NotALogbook { .. } => CliError::usage("--state is for one logbook file"),
            other => CliError::Ledger(other),
        }
    }
}

/// What the layers below the ledger's own say is said as the ledger says it.
macro_rules! as_the_ledger_says_it {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                api::Error::from(error).into()
            }
        }
    )*};
}

as_the_ledger_says_it!(
    AuditError,
    EvidenceError,
    KeyFileError,
    LogbookError,
    OpenError,
    PublicError,
    PublishError,
    QueryError,
    ReadError,
    RecordError,
    ImportReadError,
    ServerRefusal,
    SignError,
    StoreError
);
