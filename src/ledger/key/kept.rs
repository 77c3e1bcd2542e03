//! Keys whose signatures come again and again, and the tables that were made for them:
//! kept in the process, across files, calls and requests.
//!
//! Who verifies a thousand proofs of one log judges two or three signatures a time, too
//! few for tables of their own. Those of the keys that came last stay, some half a
//! megabyte each. Which do, changes how long a verdict takes and never which it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tables::{KeyTables, WORTH};
use super::{PublicKey, StrictVerifier};

/// Keys that are remembered. Who sends the signatures of more keys than this in turns has
/// them judged without tables: a key that is forgotten begins again.
const MOST: usize = 16;

struct KeptTables {
    verifier: StrictVerifier,
    /// Signatures announced so far.
    expected: usize,
}

/// Those that came last first.
struct Keys(Vec<KeptTables>);

/// What an announcement finds.
enum KeptMatch {
    /// Too few came to make tables for.
    None,
    Ready(Arc<KeyTables>),
    ToBeMade,
}

fn kept() -> MutexGuard<'static, Keys> {
    static KEPT: Mutex<Keys> = Mutex::new(Keys(Vec::new()));
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The verifier of a key that is remembered.
pub(super) fn known(key: &PublicKey) -> Option<StrictVerifier> {
    kept().known(key)
}

/// Announces `count` more signatures of the verifier's key, and gives its tables, once
/// they are worth their making.
pub(super) fn expect(verifier: &StrictVerifier, count: usize) -> Option<Arc<KeyTables>> {
    let key = verifier.key.as_ref()?;
    let found = kept().expect(verifier, count);
    match found {
        KeptMatch::None => None,
        KeptMatch::Ready(tables) => Some(tables),
        // Not under the lock: all cores make them, one of which may be waiting for it.
        KeptMatch::ToBeMade => {
            let made = Arc::new(KeyTables::of(key)?);
            kept().keep(verifier, &made);
            Some(made)
        }
    }
}

impl Keys {
    fn known(&self, key: &PublicKey) -> Option<StrictVerifier> {
        let known = self.0.iter().find(|kept| kept.verifier.is_of(key))?;
        Some(known.verifier.clone())
    }

    fn expect(&mut self, verifier: &StrictVerifier, count: usize) -> KeptMatch {
        let of_key = |kept: &KeptTables| kept.verifier.key == verifier.key;
        let mut one = match self.0.iter().position(of_key) {
            Some(at) => self.0.remove(at),
            None => KeptTables {
                verifier: verifier.clone(),
                expected: 0,
            },
        };
        one.expected = one.expected.saturating_add(count);
        let found = match &one.verifier.tables {
            Some(tables) => KeptMatch::Ready(Arc::clone(tables)),
            None if one.expected < WORTH => KeptMatch::None,
            None => KeptMatch::ToBeMade,
        };
        self.0.insert(0, one);
        self.0.truncate(MOST);
        found
    }

    fn keep(&mut self, verifier: &StrictVerifier, tables: &Arc<KeyTables>) {
        let mut kept = self.0.iter_mut();
        if let Some(one) = kept.find(|kept| kept.verifier.key == verifier.key) {
            one.verifier.tables = Some(Arc::clone(tables));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use zeroize::Zeroizing;

    use super::super::{Signer as _, SoftwareSigner};
    use super::*;

    fn verifier(seed: u8) -> (PublicKey, StrictVerifier) {
        // Of no other test of this process.
        let mut bytes = [0x6b; 32];
        bytes[0] = seed;
        let key = SoftwareSigner::from_seed(&Zeroizing::new(bytes)).public_key();
        (key, StrictVerifier::new(&key))
    }

    #[test]
    fn tables_are_made_once_for_a_key_that_comes_often_and_stay() {
        let mut keys = Keys(Vec::new());
        let (key, plain) = verifier(1);
        assert!(matches!(keys.expect(&plain, WORTH - 1), KeptMatch::None));
        assert!(keys.known(&key).unwrap().tables.is_none());
        assert!(matches!(keys.expect(&plain, 1), KeptMatch::ToBeMade));
        let tables = Arc::new(KeyTables::of(plain.key.as_ref().unwrap()).unwrap());
        keys.keep(&plain, &tables);
        // A verifier that knows of none is given them, and so is the next.
        let KeptMatch::Ready(ready) = keys.expect(&plain, 1) else {
            unreachable!()
        };
        assert!(Arc::ptr_eq(&ready, &tables));
        assert!(keys.known(&key).unwrap().tables.is_some());
        assert!(keys.known(&verifier(2).0).is_none());
    }

    #[test]
    fn keys_in_turns_do_not_pile_up_and_the_one_between_them_stays() {
        let mut keys = Keys(Vec::new());
        let (often, of_often) = verifier(0);
        for seed in 1..=40 {
            keys.expect(&of_often, 1);
            keys.expect(&verifier(seed).1, 1);
            assert!(keys.0.len() <= MOST);
        }
        assert!(keys.known(&often).is_some());
        assert!(keys.known(&verifier(1).0).is_none());
        assert!(keys.known(&verifier(40).0).is_some());
    }
}
