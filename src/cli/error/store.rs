//! What to say of a store that did not do what it was asked.

use crate::store::StoreError;

pub(super) fn store_code(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing { .. } | StoreError::NotADirectory { .. } => "ledger_missing",
        StoreError::Exists { .. } => "exists",
        StoreError::Locked { .. } => "ledger_locked",
        StoreError::Moved { .. } => "ledger_moved",
        StoreError::Copy { .. } => "ledger_copy",
        StoreError::OriginalAhead { .. } => "original_ahead",
        StoreError::ReadOnly => "read_only",
        StoreError::Restless { .. } => "ledger_restless",
        StoreError::UnknownFormat { .. } => "unknown_format",
        StoreError::Corrupt { .. } => "store_corrupt",
        error if error.is_full() => "disk_full",
        StoreError::Stopped => "stopped",
        _ => "io",
    }
}

pub(super) fn store_hint(error: &StoreError) -> Option<String> {
    let hint = match error {
        StoreError::Missing { .. } => "make one with `sealbook init`, or name it with --ledger DIR",
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
        StoreError::UnknownFormat { .. } => "use the version of sealbook that made it",
        StoreError::Corrupt { .. } => "run `sealbook verify` and restore the ledger from a backup",
        error if error.is_full() => {
            "make room on the disk, then run the command again: nothing acknowledged is lost"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
