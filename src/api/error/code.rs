//! The words by which programs tell what went wrong.

use std::io;

use super::super::resume::ResumeRefusal;
use super::Error;
use crate::backup::BackupError;
#[cfg(feature = "bucket")]
use crate::bucket::BucketError;
use crate::evidence::EvidenceError;
use crate::imports::accept::ImportError;
use crate::imports::reading::ImportReadError;
use crate::ledger::bundle::BundleError;
use crate::ledger::encrypted_pem::LockError;
use crate::ledger::source::ReadError;
#[cfg(feature = "bucket")]
use crate::ledger::wal::WalError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
#[cfg(feature = "parquet")]
use crate::parquet::TableError;
use crate::publish::PublicError;
use crate::record::RecordError;
use crate::record::hall_files::HallProblem;
use crate::signers::SignerError;
use crate::store::StoreError;
use crate::store::query::QueryError;
use crate::store::terms::TermsError;
use crate::store::tree::TreeError;
use crate::wcp::rules::RulesError;

impl Error {
    /// The word for programs, as `--json` prints it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Write(error) | Error::File { source: error, .. } => of_io(error),
            Error::Read(ReadError::Unsupported(_)) => "format_unsupported",
            Error::Read(ReadError::Io(error)) => of_io(error),
            Error::Read(ReadError::Spill(error)) => of_io(&error.source),
            Error::Json { .. } => "bad_json",
            Error::Unreadable { .. } => "bad_input",
            Error::TooLarge { .. } => "too_large",
            Error::Exists { .. }
            | Error::KeyInPlace { .. }
            | Error::KeyLeft { .. }
            | Error::MarkInPlace { .. } => "exists",
            Error::Key(error) => of_key(error),
            Error::Signer(error) => of_signer(error),
            Error::NoPassphrase => "key_locked",
            Error::Passphrase(error) if error.kind() == io::ErrorKind::InvalidData => {
                "key_passphrase"
            }
            Error::Passphrase(error) => of_io(error),
            Error::Init(_) => "init_failed",
            Error::Open(error) => of_open(error),
            Error::ReadOnly => "read_only",
            Error::Append(error) => of_append(error),
            Error::Hall(error) => of_hall(&error.problem),
            Error::Randomness(_) => "no_randomness",
            Error::Record(error) => of_record(error),
            Error::NoSuchEntry { .. } => "not_found",
            Error::NotErasable { .. } => "not_erasable",
            Error::Evidence(error) => of_evidence(error),
            Error::NotSigned(_) => "not_signed",
            Error::NoMark { .. } => "exists",
            Error::MountPoint { .. }
            | Error::InsideLedger { .. }
            | Error::OnePlace { .. }
            | Error::NoFolder { .. } => "usage",
            Error::KeyBeside { .. } => "key_beside",
            #[cfg(feature = "bucket")]
            Error::Bucket(error) => of_bucket(error),
            Error::NotComparable
            | Error::TwoSizes
            | Error::NotAPrefix
            | Error::NotALogbook { .. }
            | Error::NotImportable { .. } => "usage",
            Error::Query(error) => of_query(error),
            Error::NotRecognised { .. } => "not_recognised",
            Error::SeveralLogs => "several_logs",
            Error::OtherSuccessor { .. } | Error::OtherSecondKey { .. } => "key_mismatch",
            Error::NotAChain { .. } => "not_a_chain",
            Error::Resume(ResumeRefusal::Invalid { .. }) => "state_invalid",
            Error::Resume(_) => "state_mismatch",
            Error::Publish(error) => of_publish(error),
            Error::Public(error) => of_public(error),
            Error::NotPublished { .. } => "not_published",
            Error::PublicLog { .. } => "not_recognised",
            Error::Halted(_) => "rollback_detected",
            Error::Backup(BackupError::Sign(_)) => "sign_failed",
            Error::Backup(_) => "io",
            #[cfg(feature = "parquet")]
            Error::Table(TableError::Frame) => "too_large",
            #[cfg(feature = "parquet")]
            Error::Table(TableError::Limited) => "usage",
            #[cfg(feature = "parquet")]
            Error::Table(_) => "io",
            Error::Import(error) => of_import(error),
            Error::Imported(error) => of_imported(error),
        }
    }
}

#[cfg(feature = "bucket")]
const fn of_bucket(error: &BucketError) -> &'static str {
    match error {
        BucketError::Url { .. } | BucketError::SeveralLogs { .. } => "usage",
        BucketError::NoLog { .. } => "not_found",
        BucketError::Object { error, .. } => match error {
            WalError::OtherLog { .. } => "log_key_mismatch",
            _ => "bucket_damaged",
        },
        BucketError::NotNext { .. }
        | BucketError::TooLarge { .. }
        | BucketError::Header { .. }
        | BucketError::IndexKey { .. }
        | BucketError::Hole { .. }
        | BucketError::Archived { .. } => "bucket_damaged",
        BucketError::Locked { .. } => "object_locked",
        BucketError::VersionsUnknown { .. } => "versions_unknown",
        BucketError::Checkpoint => "store_corrupt",
        BucketError::OlderCopy { .. } | BucketError::BehindCheckpoint { .. } => "rollback_detected",
        BucketError::OtherHistory { .. } | BucketError::OtherCheckpoint { .. } => "bucket_forked",
        BucketError::NotExclusive { .. }
        | BucketError::NotChecked { .. }
        | BucketError::Retained { .. } => "bucket_unfit",
        BucketError::NotDeterministic => "signer_unfit",
        BucketError::NotInBucket | BucketError::BucketNotNamed { .. } => "bucket_mismatch",
        BucketError::Fenced { .. } => "fenced",
        BucketError::HeadUnknown | BucketError::CheckpointUntrusted { .. } => "head_unknown",
        BucketError::Randomness(_) => "no_randomness",
        _ => "bucket_failed",
    }
}

fn of_io(error: &io::Error) -> &'static str {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|error| error.downcast_ref::<StoreError>()) {
        return of_store(error);
    }
    #[cfg(feature = "bucket")]
    if let Some(error) = inner.and_then(|error| error.downcast_ref::<BucketError>()) {
        return of_bucket(error);
    }
    match error.kind() {
        io::ErrorKind::StorageFull => "disk_full",
        _ => "io",
    }
}

fn of_store(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing { .. } | StoreError::NotADirectory { .. } => "ledger_missing",
        StoreError::Absent { .. } => "needs_store",
        StoreError::Exists { .. } => "exists",
        StoreError::NotPermitted { .. } => "ledger_not_permitted",
        StoreError::Locked { .. } => "ledger_locked",
        StoreError::Moved { .. } => "ledger_moved",
        StoreError::Restless { .. } => "ledger_restless",
        StoreError::UnknownFormat { .. } => "unknown_format",
        StoreError::Corrupt { .. } => "store_corrupt",
        StoreError::Copy { .. } => "ledger_copy",
        StoreError::OriginalAhead { .. } => "original_ahead",
        StoreError::ReadOnly => "read_only",
        StoreError::Fenced { .. } => "fenced",
        StoreError::Record { .. } => "bucket_failed",
        StoreError::Archived { .. } => "bucket_damaged",
        StoreError::TooMuch { .. } => "too_large",
        StoreError::NotErased { .. } => "not_erased",
        StoreError::ObjectLocked { .. } => "object_locked",
        StoreError::VersionsUnknown { .. } => "versions_unknown",
        error if error.is_full() => "disk_full",
        StoreError::Stopped => "stopped",
        _ => "io",
    }
}

fn of_signer(error: &SignerError) -> &'static str {
    match error {
        SignerError::Agent { .. } | SignerError::NotAnAgent { .. } | SignerError::Token(_) => {
            "signer_unreachable"
        }
        SignerError::NotDeterministic => "signer_unfit",
        SignerError::Sign(_) => "sign_failed",
        SignerError::Uri(_) | SignerError::NoTokens | SignerError::MadeElsewhere => "usage",
    }
}

fn of_key(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Readable { .. } => "key_readable",
        KeyFileError::Pem { .. } | KeyFileError::Second { .. } | KeyFileError::NotAFile { .. } => {
            "key_invalid"
        }
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

fn of_open(error: &OpenError) -> &'static str {
    match error {
        OpenError::Store(error) => of_store(error),
        OpenError::Mark(fault) => of_mark(fault),
        OpenError::Append(error) => of_append(error),
        OpenError::OtherKey { .. } => "log_key_mismatch",
        OpenError::MarkIo(_) => "io",
        OpenError::Clocks(_) => "clocks_parted",
        OpenError::NothingToAccept => "nothing_to_accept",
        OpenError::Tree(error) => of_tree(error),
        _ => "store_corrupt",
    }
}

/// A disk that is full, or may not be read, is not a damage, whatever was looked for on it.
fn of_tree(error: &TreeError) -> &'static str {
    match error {
        TreeError::Store(error) => of_store(error),
        _ => "store_corrupt",
    }
}

fn of_terms(error: &TermsError) -> &'static str {
    match error {
        TermsError::Store(error) => of_store(error),
        TermsError::Tree(error) => of_tree(error),
        TermsError::Missing { .. } => "store_corrupt",
    }
}

fn of_mark(fault: &MarkFault) -> &'static str {
    match fault {
        MarkFault::Missing { .. } => "mark_missing",
        MarkFault::Invalid { .. } => "mark_invalid",
        MarkFault::Stale { .. } => "mark_stale",
        MarkFault::Rollback { .. } | MarkFault::SealLost { .. } => "rollback_detected",
    }
}

fn of_append(error: &LogbookError) -> &'static str {
    match error {
        LogbookError::Entry(_) => "bad_input",
        LogbookError::ReservedKind { .. } => "reserved_kind",
        LogbookError::Redact(_) => "not_redactable",
        LogbookError::NoOpenings => "versions_unknown",
        LogbookError::Store(error) => of_store(error),
        LogbookError::Sign(_) => "sign_failed",
        LogbookError::Mark(error) => of_io(error),
        LogbookError::Terms(error) => of_terms(error),
        LogbookError::Closed => "closed",
        LogbookError::Busy => "busy",
        LogbookError::Clocks(_) => "clocks_parted",
        LogbookError::Stopped => "stopped",
        LogbookError::StandingBy => "standing_by",
        LogbookError::Server(refusal) => refusal.code,
    }
}

fn of_record(error: &RecordError) -> &'static str {
    match error {
        RecordError::Logbook(error) => of_append(error),
        RecordError::Search(error) => of_query(error),
        _ => "too_large",
    }
}

fn of_hall(problem: &HallProblem) -> &'static str {
    match problem {
        HallProblem::Unreadable(error) | HallProblem::RegistryDir(error) => of_io(error),
        HallProblem::TooLarge { .. } => "too_large",
        HallProblem::NotJson(_) | HallProblem::Rules(RulesError::NotJson(_)) => "bad_json",
        HallProblem::Rules(RulesError::Unreadable(_)) => "io",
        HallProblem::Rules(_) => "bad_rules",
        HallProblem::BanList(_) => "bad_ban_list",
        #[cfg(feature = "rego")]
        HallProblem::PolicySource(_) | HallProblem::Policy(_) => "bad_policy",
        _ => "bad_input",
    }
}

fn of_query(error: &QueryError) -> &'static str {
    match error {
        QueryError::Store(error) => of_store(error),
        _ => "store_corrupt",
    }
}

fn of_evidence(error: &EvidenceError) -> &'static str {
    match error {
        EvidenceError::Ledger(error) => of_open(error),
        EvidenceError::Store(error) => of_store(error),
        EvidenceError::Query(error) => of_query(error),
        EvidenceError::NoSuchEntry { .. } | EvidenceError::EmptyRange => "not_found",
        EvidenceError::NotSealed { .. }
        | EvidenceError::NothingSealed
        | EvidenceError::SelectionNotSealed { .. } => "not_sealed",
        EvidenceError::NoIndex => "no_index",
        EvidenceError::NeedsVersionTwo | EvidenceError::TooManyKinds => "usage",
        EvidenceError::Terms(error) => of_terms(error),
        EvidenceError::Tree(error) => of_tree(error),
        EvidenceError::Bundle(BundleError::Io(error)) => of_io(error),
        EvidenceError::Bundle(_) => "sign_failed",
        _ => "store_corrupt",
    }
}

fn of_publish(error: &PublishError) -> &'static str {
    match error {
        PublishError::Io { source, .. } => of_io(source),
        PublishError::OtherLog { .. } => "log_key_mismatch",
        PublishError::Differs { .. } => "equivocation",
        PublishError::NotPublished { .. } => "not_recognised",
        PublishError::InUse { .. } => "ledger_locked",
        PublishError::Ledger(error) => of_open(error),
    }
}

fn of_public(error: &PublicError) -> &'static str {
    match error {
        PublicError::Io { source, .. } => of_io(source),
        PublicError::InUse { .. } => "ledger_locked",
        PublicError::Checkpoint { .. } | PublicError::Build { .. } => "not_recognised",
        PublicError::Foreign { .. } => "log_key_mismatch",
        PublicError::OtherName { .. } | PublicError::Name(_) => "name_mismatch",
        PublicError::Behind { .. } => "rollback_detected",
        PublicError::Differs { .. } => "equivocation",
        PublicError::NoName => "name_missing",
        PublicError::SecondKey => "sign_failed",
        PublicError::Signed(_) => "internal",
        PublicError::Closed => "closed",
        PublicError::Headers(error) => of_publish(error),
        PublicError::Ledger(error) => of_open(error),
        PublicError::Append(error) => of_append(error),
        PublicError::Query(error) => of_query(error),
        PublicError::Sign(_) | PublicError::Note(_) => "sign_failed",
        PublicError::Cosign(_) => "not_cosigned",
        PublicError::Tree { .. } | PublicError::Unproven { .. } | PublicError::Read(_) => {
            "store_corrupt"
        }
    }
}

fn of_import(error: &ImportError) -> &'static str {
    match error {
        ImportError::OwnKey => "own_key",
        ImportError::Read(ReadError::Unsupported(_)) => "format_unsupported",
        ImportError::Empty => "not_found",
        ImportError::Store(error) => of_store(error),
        ImportError::Append(error) => of_append(error),
        ImportError::Query(error) => of_query(error),
        _ => "io",
    }
}

fn of_imported(error: &ImportReadError) -> &'static str {
    match error {
        ImportReadError::NoSuchLog { .. } | ImportReadError::NoSuchFile { .. } => "not_found",
        ImportReadError::SeveralLogs { .. } => "usage",
        ImportReadError::Store(error) => of_store(error),
        _ => "store_corrupt",
    }
}
