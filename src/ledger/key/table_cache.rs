//! The tables of the keys used last, for whoever verifies one log after the
//! other: a server, an import, a test of many bundles.

use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::VerifyingKey;

use super::digits::Width;
use super::fixed_base::FixedBase;

/// Keys whose tables are kept. Eight wide ones are 22 MiB.
const KEPT: usize = 8;

/// The least recently used first.
static CACHE: Mutex<Vec<(VerifyingKey, Arc<FixedBase>)>> = Mutex::new(Vec::new());

/// The table of −A for `key`, at least as wide as asked, if there can be one.
pub(super) fn of(key: &VerifyingKey, width: Width) -> Option<Arc<FixedBase>> {
    let table = match take(key, width) {
        Some(table) => table,
        // Without the lock: it takes milliseconds, on all cores.
        None => Arc::new(FixedBase::new(&-key.to_edwards(), width)?),
    };
    Some(keep(*key, table))
}

/// Takes the entry of `key` out, and gives its table if it is wide enough.
fn take(key: &VerifyingKey, width: Width) -> Option<Arc<FixedBase>> {
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let at = cache.iter().position(|(known, _)| known == key)?;
    let (_, table) = cache.remove(at);
    (table.width() >= width).then_some(table)
}

fn keep(key: VerifyingKey, table: Arc<FixedBase>) -> Arc<FixedBase> {
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    // Another thread may have made it meanwhile.
    cache.retain(|(known, _)| *known != key);
    if cache.len() >= KEPT {
        cache.remove(0);
    }
    cache.push((key, Arc::clone(&table)));
    table
}

#[cfg(test)]
mod tests {
    // A test that panics is a test that fails.
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn no_more_than_the_bound_is_kept_and_a_wide_table_serves_for_a_narrow_one() {
        let key = |n: u8| SigningKey::from_bytes(&[n; 32]).verifying_key();
        let wide = of(&key(200), Width::Wide).unwrap();
        let narrow = of(&key(200), Width::Narrow).unwrap();
        assert!(Arc::ptr_eq(&wide, &narrow));
        for n in 0..=KEPT as u8 {
            of(&key(n), Width::Narrow).unwrap();
        }
        let cache = CACHE.lock().unwrap();
        assert_eq!(cache.len(), KEPT);
        assert!(cache.iter().all(|(known, _)| *known != key(200)));
    }
}
