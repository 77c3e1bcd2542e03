//! Two files of one log, of which the one holds an entry that the index in the other
//! denies.

use std::path::Path;

use crate::ledger::denied::denial;
use crate::ledger::equivocation::Equivocation;

use super::sources::with_source;
use super::{Error, Options};

/// The proof, if one denies what the other holds.
///
/// # Errors
/// [`Error::Read`], and whatever else there is where a file is not read.
pub(crate) fn denied(a: &Path, b: &Path, options: &Options) -> Result<Option<Equivocation>, Error> {
    for [says, holds] in [[a, b], [b, a]] {
        let denial = with_source(says, options, &mut |source| Ok::<_, Error>(denial(source)?))?;
        let Some(denial) = denial else { continue };
        let proven = with_source(holds, options, &mut |source| {
            Ok::<_, Error>(denial.convict(source)?)
        })?;
        if proven.is_some() {
            return Ok(proven);
        }
    }
    Ok(None)
}
