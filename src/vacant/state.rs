//! Where a vacant stands in its life.

use std::fmt;
use std::str::FromStr;

use super::error::TypeIntegrityError;

/// The six states. `LOCAL` is where a vacant begins: runnable, and in no public
/// index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VacantState {
    #[default]
    Local,
    Active,
    Hibernating,
    Stale,
    Sunk,
    Archived,
}

impl VacantState {
    pub const ALL: [VacantState; 6] = [
        VacantState::Local,
        VacantState::Active,
        VacantState::Hibernating,
        VacantState::Stale,
        VacantState::Sunk,
        VacantState::Archived,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            VacantState::Local => "LOCAL",
            VacantState::Active => "ACTIVE",
            VacantState::Hibernating => "HIBERNATING",
            VacantState::Stale => "STALE",
            VacantState::Sunk => "SUNK",
            VacantState::Archived => "ARCHIVED",
        }
    }

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

impl fmt::Display for VacantState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for VacantState {
    type Err = TypeIntegrityError;

    fn from_str(name: &str) -> Result<VacantState, TypeIntegrityError> {
        let found = VacantState::ALL
            .into_iter()
            .find(|state| state.name() == name);
        found.ok_or_else(|| TypeIntegrityError::UnknownState(name.to_owned()))
    }
}
