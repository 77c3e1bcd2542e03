//! The strict verdict (SPEC §1.3), on one signature or on many.
//!
//! A signature `R ‖ S` of the key `A` over `M` is accepted exactly if
//! 1. `A` is the canonical encoding of a point that is not of small order,
//! 2. `S` is below the group order,
//! 3. `R` is the canonical encoding of a point that is not of small order,
//! 4. `S·B − k·A = R`, with `k = SHA-512(R ‖ A ‖ M)` modulo the group order and
//!    no multiplication by the cofactor.
//!
//! ed25519-dalek's `verify_strict` is that verdict. With the feature
//! `fast-verify` many signatures of one key are judged out of tables of
//! multiples, five times as fast, and `tables` says why the verdict is the same.
//!
//! # And if the arithmetic of the tables were wrong
//! That arithmetic is ours, and tested but not proven. What it refuses is
//! therefore judged once more by `verify_strict`, so that it can accuse nobody;
//! and to accept wrongly it would have to err into the very 32 bytes of `R`.

use std::fmt;
#[cfg(feature = "fast-verify")]
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

#[cfg(feature = "fast-verify")]
use super::kept;
#[cfg(feature = "fast-verify")]
use super::tables::KeyTables;
use super::{PublicKey, Signature};

/// Judges signatures under one key, strictly: canonical `S`, no small-order or
/// non-canonical `A` or `R`, cofactorless equation.
#[derive(Clone)]
pub struct StrictVerifier {
    /// `None` where the 32 bytes cannot be the key of any valid signature.
    pub(super) key: Option<VerifyingKey>,
    /// Once they are worth their making.
    #[cfg(feature = "fast-verify")]
    pub(super) tables: Option<Arc<KeyTables>>,
}

impl StrictVerifier {
    pub fn new(key: &PublicKey) -> StrictVerifier {
        #[cfg(feature = "fast-verify")]
        if let Some(known) = kept::known(key) {
            return known;
        }
        let decoded = VerifyingKey::from_bytes(key.as_bytes()).ok();
        // `verify_strict` refuses a small-order A, but hashes A's bytes as
        // given: only the encoding that decompression gives back is the key.
        let canonical = decoded
            .filter(|k| &k.to_edwards().compress().to_bytes() == key.as_bytes() && !k.is_weak());
        StrictVerifier {
            key: canonical,
            #[cfg(feature = "fast-verify")]
            tables: None,
        }
    }

    /// Announces that `count` more signatures are to be judged in batches. The
    /// first few take the plain way; a key that comes often gets tables, and keeps
    /// them from one verifier to the next. Verdicts do not depend on it.
    pub fn expect(&mut self, count: usize) {
        #[cfg(feature = "fast-verify")]
        if self.tables.is_none() {
            self.tables = kept::expect(self, count);
        }
        #[cfg(not(feature = "fast-verify"))]
        let _ = count;
    }

    /// Whether it judges the signatures of `key`, which can have some.
    #[cfg(feature = "fast-verify")]
    pub(super) fn is_of(&self, key: &PublicKey) -> bool {
        self.key
            .as_ref()
            .is_some_and(|own| own.as_bytes() == key.as_bytes())
    }

    /// Whether `signature` is this key's on `message`.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.key
            .as_ref()
            .is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// The verdict on each message and signature, on this thread. Batches of
    /// some hundreds serve best: [`StrictVerifier::BATCH`].
    pub fn verify_batch(&self, signed: &[(&[u8], Signature)]) -> Vec<bool> {
        #[cfg(feature = "fast-verify")]
        if let Some(tables) = &self.tables {
            let mut verdicts = tables.verify_batch(signed);
            for (verdict, (message, signature)) in verdicts.iter_mut().zip(signed) {
                if !*verdict {
                    *verdict = self.verify(message, signature);
                    debug_assert!(!*verdict, "tables refused a valid signature");
                }
            }
            return verdicts;
        }
        signed.iter().map(|(m, s)| self.verify(m, s)).collect()
    }

    /// How many signatures a batch should have: enough that one inversion for
    /// all of them counts for nothing and a window of the table, once in the
    /// cache, is used often; few enough that their points stay there beside it.
    pub const BATCH: usize = 1_024;
}

impl fmt::Debug for StrictVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StrictVerifier({:?})", self.key)
    }
}
