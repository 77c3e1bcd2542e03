//! Temporary files for what a verification cannot hold in memory.

use std::io;

use crate::ledger::spill::{Spill, SpillFile};

/// Files without a name in the system's folder for temporary files, which `TMPDIR` names.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemporaryFiles;

impl Spill for TemporaryFiles {
    fn file(&self) -> io::Result<Box<dyn SpillFile>> {
        Ok(Box::new(tempfile::tempfile()?))
    }

    fn place(&self) -> String {
        tempfile::env::temp_dir().display().to_string()
    }
}
