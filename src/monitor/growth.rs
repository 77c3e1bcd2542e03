//! Whether a log went on from what is known of it, and the file that convicts it if it
//! did not.

use super::report::MonitorCode;
use crate::ledger::equivocation::{Equivocation, Growth, Signed};
use crate::ledger::note::{Algorithm, VerifierKey};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use crate::ledger::tlog::source::{TileReadError, TileSource, root_before};

/// How a log did not go on.
pub(super) struct GrowthFault {
    pub(super) code: MonitorCode,
    pub(super) detail: String,
    /// Of two sizes: what the newer says of the older one's.
    growth: Option<Growth>,
}

impl GrowthFault {
    fn new(code: MonitorCode, detail: String) -> GrowthFault {
        GrowthFault {
            code,
            detail,
            growth: None,
        }
    }

    /// Whether the two notes show it, and not what the log's place answered.
    pub(super) fn is_by_the_log(&self) -> bool {
        !matches!(
            self.code,
            MonitorCode::FilesWrong | MonitorCode::Unreachable
        )
    }

    /// The proof that one of the keys signed both, where they cannot both stand.
    pub(super) fn convict(
        &self,
        keys: &[VerifierKey],
        [old, new]: [&SignedCheckpoint; 2],
    ) -> Option<Equivocation> {
        let convict = |key: &VerifierKey| {
            let Algorithm::Ed25519(log) = key.algorithm() else {
                return None;
            };
            let signed = |one: &SignedCheckpoint| Signed::Checkpoint(Box::new(one.clone()));
            match (self.code, &self.growth) {
                (MonitorCode::Equivocation, _) => {
                    Equivocation::prove(*log, signed(old), signed(new)).ok()
                }
                (_, Some(growth)) => {
                    Equivocation::prove_growth(*log, old, new, growth.clone()).ok()
                }
                _ => None,
            }
        };
        keys.iter().find_map(convict)
    }
}

pub(super) fn grown<S: TileSource>(
    source: &S,
    old: &CheckpointText,
    new: &CheckpointText,
) -> Result<(), GrowthFault> {
    if old.size == new.size && old.root == new.root {
        return Ok(());
    }
    if old.size == new.size {
        let detail = two_roots(old.size, &old.root, &new.root);
        return Err(GrowthFault::new(MonitorCode::Equivocation, detail));
    }
    if new.size < old.size {
        let detail = format!(
            "the log has {} entries, and had {} before",
            new.size, old.size
        );
        return Err(GrowthFault::new(MonitorCode::RolledBack, detail));
    }
    match root_before(source, old.size, new) {
        Ok((root, _)) if root == old.root => Ok(()),
        // Not by the log's tiles, but by its newer checkpoint: they lead to its root.
        Ok((root, path)) => Err(GrowthFault {
            growth: Some(Growth { path, root }),
            ..GrowthFault::new(MonitorCode::Forked, two_roots(old.size, &old.root, &root))
        }),
        Err(TileReadError::Source(error)) => Err(GrowthFault::new(
            MonitorCode::Unreachable,
            error.to_string(),
        )),
        Err(error) => Err(GrowthFault::new(MonitorCode::FilesWrong, error.to_string())),
    }
}

fn two_roots(size: u64, one: &Sha256Digest, other: &Sha256Digest) -> String {
    format!("two checkpoints of {size} entries have the roots {one} and {other}")
}
