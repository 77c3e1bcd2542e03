//! What was erased, as the log says.

use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::{ErasedMember, Erasure};
use crate::store::Store;
use crate::store::query::{Filter, QueryError, select};

/// What was erased of entries from `from` on, by the entries that say so.
///
/// # Errors
/// [`QueryError`].
pub fn erasures(store: &dyn Store, from: Seq) -> Result<Vec<(Seq, ErasedMember)>, QueryError> {
    let filter = Filter {
        kinds: vec![kind::ERASURE.to_owned()],
        from_seq: Some(from),
        ..Filter::default()
    };
    let mut found = Vec::new();
    for item in select(store, &filter)? {
        let (by, entry) = item?;
        let payload = entry.check_payload().ok();
        let erasure = payload.and_then(|payload| Erasure::from_object(&payload).ok());
        let erased = erasure.into_iter().flat_map(|erasure| erasure.erased);
        found.extend(erased.map(|member| (by, member)));
    }
    Ok(found)
}
