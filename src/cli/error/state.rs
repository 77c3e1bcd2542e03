//! What is wrong with the saved state of a verification.

use std::path::PathBuf;

use thiserror::Error;

use crate::ledger::checkpoint::StateError;
use crate::ledger::key::PublicKey;

/// Why a saved state is not gone on from.
#[derive(Debug, Error)]
pub(in super::super) enum StateRefusal {
    /// It cannot be read as one.
    #[error("the state file {}: {source}", path.display())]
    Invalid { path: PathBuf, source: StateError },
    /// It is not signed by `--state-key`.
    #[error("the state file {} is not signed by the state key", path.display())]
    Signer { path: PathBuf },
    /// It is of a verification under another key.
    #[error("the state file {} is of a verification under the key {log}, which was not given", path.display())]
    OtherKey { path: PathBuf, log: PublicKey },
    /// It is of a verification that left signatures out.
    #[error("the state file {} is of a verification without signatures", path.display())]
    NoSignatures { path: PathBuf },
    /// The file is another, or was changed.
    #[error("{} does not begin with the bytes that the state file {} was made of: it is another file, or was changed", file.display(), path.display())]
    OtherFile { path: PathBuf, file: PathBuf },
}
