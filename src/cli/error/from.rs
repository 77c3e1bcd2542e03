//! What other errors are for the command line.

use super::CliError;
use crate::audit::AuditError;
use crate::backup::BackupError;
use crate::evidence::EvidenceError;
use crate::ledger::bundle::BundleError;
use crate::ledger::key::SignError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::mark::MarkFault;
use crate::store::StoreError;

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

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Exists { dir } => CliError::Exists { path: dir },
            BackupError::Open(error) => CliError::Open(error),
            BackupError::Store(error) => error.into(),
            BackupError::Audit(error) => error.into(),
            other => CliError::Backup(other),
        }
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
