//! What is wrong with a file that a Hall is read from.

use super::{CliError, ProducerError};
use crate::record::hall_files::{HallError, HallProblem};

impl From<HallError> for CliError {
    fn from(HallError { path, problem }: HallError) -> CliError {
        let source: CliError = match problem {
            HallProblem::Unreadable(source) => return CliError::file(&path, source),
            HallProblem::RegistryDir(source) => {
                return ProducerError::RegistryDir { path, source }.into();
            }
            // It names its file itself.
            #[cfg(feature = "rego")]
            HallProblem::PolicySource(error) => return ProducerError::from(error).into(),
            HallProblem::NoEngine => {
                return CliError::Argument {
                    what: "policy",
                    given: path.display().to_string(),
                    expected: "this program was built without Rego",
                };
            }
            HallProblem::TooLarge { limit } => ProducerError::TooLarge { limit }.into(),
            HallProblem::NotJson(error) => error.into(),
            HallProblem::Config(error) => error.into(),
            HallProblem::Rules(error) => ProducerError::from(error).into(),
            HallProblem::BanList(error) => ProducerError::from(error).into(),
            HallProblem::AllowList => ProducerError::AllowList.into(),
            HallProblem::WorkersRoot(error) => ProducerError::WorkersRoot(error).into(),
            #[cfg(feature = "rego")]
            HallProblem::Policy(error) => ProducerError::from(error).into(),
        };
        CliError::InFile {
            path,
            source: Box::new(source),
        }
    }
}
