//! Which public name a log has, out of its entries.

use super::PublicError;
use crate::ledger::kind;
use crate::ledger::tlog::name::{Names, Publishing};
use crate::logbook::error::OpenError;
use crate::store::Store;
use crate::store::query::{Filter, select};

/// The names that a log has and had.
///
/// # Errors
/// [`PublicError`] if an entry cannot be read, or says what cannot stand there.
pub fn names_of(store: &dyn Store) -> Result<Names, PublicError> {
    let filter = Filter {
        kinds: vec![kind::PUBLISH.to_owned()],
        ..Filter::default()
    };
    let mut names = Names::default();
    for found in select(store, &filter)? {
        let (seq, entry) = found?;
        let wrong = |error| OpenError::Entry { seq, error };
        let payload = entry.check_payload().map_err(wrong)?;
        let publishing = Publishing::from_object(&payload);
        names.take(publishing.map_err(|error| wrong(error.into()))?)?;
    }
    Ok(names)
}
