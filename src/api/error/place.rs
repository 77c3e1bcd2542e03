//! Where something went wrong.

use std::fmt;
use std::path::PathBuf;

use super::super::resume::ResumeRefusal;
use super::Error;
use crate::evidence::EvidenceError;
use crate::imports::reading::ImportReadError;
use crate::ledger::position::{EpochNumber, Seq};
use crate::logbook::error::OpenError;
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
use crate::store::StoreError;

/// Where something went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In a file or folder.
    File(PathBuf),
    /// On a line of a file, from 1.
    Line(PathBuf, u64),
    /// At an entry.
    Entry(Seq),
    /// At an epoch.
    Epoch(EpochNumber),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Line(path, line) => write!(f, "{}, line {line}", path.display()),
            Place::Entry(seq) => write!(f, "entry {seq}"),
            Place::Epoch(epoch) => write!(f, "epoch {epoch}"),
        }
    }
}

impl Error {
    /// Where it went wrong, if it was at one place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Error::File { path, .. }
            | Error::Json { path, .. }
            | Error::TooLarge { path, .. }
            | Error::Exists { path }
            | Error::KeyLeft { path }
            | Error::MarkInPlace { path }
            | Error::MountPoint { path }
            | Error::InsideLedger { path }
            | Error::OnePlace { path }
            | Error::NoFolder { path }
            | Error::KeyInPlace { path, .. }
            | Error::NoMark { path, .. }
            | Error::KeyBeside { path }
            | Error::NotALogbook { path }
            | Error::NotImportable { path }
            | Error::OtherSuccessor { path, .. } => Some(Place::File(path.clone())),
            Error::NotRecognised { path } => path.clone().map(Place::File),
            Error::NoSuchEntry { seq } | Error::NotErasable { seq, .. } => Some(Place::Entry(*seq)),
            Error::NotSigned(error) => error.place(),
            Error::Hall(error) => Some(Place::File(error.path.clone())),
            Error::Key(error) => of_key(error),
            Error::Open(error) => of_open(error),
            Error::Evidence(error) => of_evidence(error),
            Error::Publish(error) => of_publish(error),
            Error::Resume(
                ResumeRefusal::Invalid { path, .. }
                | ResumeRefusal::Signer { path }
                | ResumeRefusal::OtherKey { path, .. }
                | ResumeRefusal::NoSignatures { path }
                | ResumeRefusal::OtherFile { path, .. },
            ) => Some(Place::File(path.clone())),
            Error::Imported(ImportReadError::Entry { seq, .. }) => Some(Place::Entry(*seq)),
            _ => None,
        }
    }
}

fn of_key(error: &KeyFileError) -> Option<Place> {
    match error {
        KeyFileError::Io { path, .. }
        | KeyFileError::NotAFile { path }
        | KeyFileError::Readable { path, .. }
        | KeyFileError::Pem { path, .. }
        | KeyFileError::Second { path, .. }
        | KeyFileError::SignersDisagree { path }
        | KeyFileError::Locked { path }
        | KeyFileError::Lock { path, .. } => Some(Place::File(path.clone())),
        KeyFileError::Randomness(_) => None,
    }
}

fn of_open(error: &OpenError) -> Option<Place> {
    match error {
        OpenError::Store(
            StoreError::Missing { dir }
            | StoreError::Absent { dir }
            | StoreError::Exists { dir }
            | StoreError::NotADirectory { dir }
            | StoreError::NotPermitted { dir }
            | StoreError::Locked { dir }
            | StoreError::Moved { dir }
            | StoreError::Restless { dir },
        ) => Some(Place::File(dir.clone())),
        OpenError::Entry { seq, .. }
        | OpenError::EntryMissing { seq }
        | OpenError::IndexWrong { seq } => Some(Place::Entry(*seq)),
        OpenError::NotALedger => Some(Place::Entry(Seq::FIRST)),
        OpenError::Epoch { epoch } => Some(Place::Epoch(*epoch)),
        OpenError::Mark(MarkFault::Missing { path } | MarkFault::Invalid { path, .. }) => {
            Some(Place::File(path.clone()))
        }
        _ => None,
    }
}

fn of_evidence(error: &EvidenceError) -> Option<Place> {
    match error {
        EvidenceError::Ledger(error) => of_open(error),
        EvidenceError::NoSuchEntry { seq }
        | EvidenceError::NotSealed { seq }
        | EvidenceError::SelectionNotSealed { seq }
        | EvidenceError::OpeningDamaged { seq, .. }
        | EvidenceError::NotProven { seq } => Some(Place::Entry(*seq)),
        _ => None,
    }
}

fn of_publish(error: &PublishError) -> Option<Place> {
    match error {
        PublishError::Io { path, .. } | PublishError::InUse { path } => {
            Some(Place::File(path.clone()))
        }
        PublishError::NotPublished { path, line } | PublishError::OtherLog { path, line, .. } => {
            Some(Place::Line(path.clone(), *line))
        }
        PublishError::Differs { epoch, .. } => Some(Place::Epoch(*epoch)),
        PublishError::Ledger(error) => of_open(error),
    }
}
