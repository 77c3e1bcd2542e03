//! Where a vacant stands in its life.

use std::str::FromStr;

use super::error::TypeIntegrityError;
use crate::ledger::words::words;

words! {
    /// The six states. `LOCAL` is where a vacant begins: runnable, and in no public
    /// index.
    #[derive(Default)]
    pub enum VacantState {
        #[default]
        Local = "LOCAL",
        Active = "ACTIVE",
        Hibernating = "HIBERNATING",
        Stale = "STALE",
        Sunk = "SUNK",
        Archived = "ARCHIVED",
    }
}

impl VacantState {
    /// Whether others may call it.
    pub const fn can_be_called(self) -> bool {
        matches!(self, VacantState::Local | VacantState::Active)
    }

    /// Whether it may run.
    pub const fn is_runnable(self) -> bool {
        matches!(self, VacantState::Local | VacantState::Active)
    }

    /// Whether it may review others.
    pub const fn can_review(self) -> bool {
        matches!(
            self,
            VacantState::Local | VacantState::Active | VacantState::Hibernating
        )
    }
}

impl FromStr for VacantState {
    type Err = TypeIntegrityError;

    fn from_str(name: &str) -> Result<VacantState, TypeIntegrityError> {
        let unknown = || TypeIntegrityError::UnknownState(name.to_owned());
        VacantState::parse(name).ok_or_else(unknown)
    }
}
