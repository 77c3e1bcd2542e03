//! Many signatures of one key judged out of tables of multiples: feature
//! `fast-verify`.
//!
//! # Why tables give the same verdict
//! ed25519-dalek's `verify_strict` decompresses `R`, refuses it if it is of
//! small order, computes `S·B − k·A`, and compares its encoding with the bytes
//! of `R`. With tables the left side of step 4 is the same point, for every `A`
//! that passes step 1: the law by which multiples are added holds for any two
//! points, and digits stand for the integers `S` and `k` themselves, so the small
//! part of a key of mixed order is multiplied by the same number as there.
//!
//! Its encoding is canonical by construction. So if it equals the bytes of `R`,
//! these are canonical, decompression succeeds and gives the very point that was
//! computed, and step 3 is left with its second half: of the points of small
//! order each has one canonical encoding, and `R` must not be among those eight.
//! If it does not equal them, the signature is refused, whether `R` would
//! decompress or not. `R` need never be decompressed.

use std::sync::{LazyLock, OnceLock};

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use ed25519_dalek::VerifyingKey;

use super::Signature;
use digits::Digits;
use eight::LANES;
use fixed_base::{FixedBase, encode_all};
use points::Points;
use sha512::sha512;

mod digits;
mod eight;
mod field;
mod fixed_base;
mod point;
mod points;
mod sha512;

/// From so many signatures on a key's table has paid for itself.
pub(super) const WORTH: usize = 128;

/// What judges the signatures of one key.
pub(super) struct Tables {
    key: VerifyingKey,
    minus_a: FixedBase,
    base: &'static FixedBase,
}

impl Tables {
    /// Makes the tables for a `key` that passes step 1. `None` if they cannot be
    /// made, which happens for no key that is known.
    pub(super) fn of(key: &VerifyingKey) -> Option<Tables> {
        // Both at once, and before a thread waits for one of them.
        let make = || FixedBase::new(&-key.to_edwards());
        let (minus_a, base) = rayon::join(make, base);
        Some(Tables {
            key: *key,
            minus_a: minus_a?,
            base: base?,
        })
    }

    /// Steps 2 to 4 for each message and signature.
    pub(super) fn verify_batch(&self, signed: &[(&[u8], Signature)]) -> Vec<bool> {
        let mut canonical = Vec::with_capacity(signed.len());
        let mut ks = Digits::new(signed.len());
        let mut ss = Digits::new(signed.len());
        for (at, (message, signature)) in signed.iter().enumerate() {
            let (r, s) = halves(signature);
            let s: Option<Scalar> = Scalar::from_canonical_bytes(s).into();
            canonical.push(s.is_some());
            let k = sha512([&r, self.key.as_bytes(), message]);
            ks.put(at, &Scalar::from_bytes_mod_order_wide(&k));
            ss.put(at, &s.unwrap_or(Scalar::ZERO));
        }
        let mut sums = vec![Points::IDENTITY; signed.len().div_ceil(LANES)];
        self.minus_a.add_multiples(&ks, &mut sums);
        self.base.add_multiples(&ss, &mut sums);
        let verdict =
            |((encoded, canonical), (_, signature)): ((_, &bool), &(&[u8], Signature))| {
                let (r, _) = halves(signature);
                let encoded: &[u8; 32] = encoded;
                *canonical && *encoded == r && !SMALL_ORDER.contains(&r)
            };
        encode_all(&sums)
            .as_flattened()
            .iter()
            .zip(&canonical)
            .zip(signed)
            .map(verdict)
            .collect()
    }
}

fn halves(signature: &Signature) -> ([u8; 32], [u8; 32]) {
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    (*signature.r_bytes(), *signature.s_bytes())
}

/// The canonical encodings of the eight points of small order.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

/// The multiples of B, made once a process.
fn base() -> Option<&'static FixedBase> {
    static TABLE: OnceLock<Option<FixedBase>> = OnceLock::new();
    // Made outside of the lock, at worst twice: it is made on all cores, and a
    // core that waits for a lock must not be one that its owner waits for.
    let made = TABLE.get().unwrap_or_else(|| {
        let table = FixedBase::new(&ED25519_BASEPOINT_POINT);
        TABLE.get_or_init(|| table)
    });
    made.as_ref()
}

#[cfg(test)]
#[path = "../../../tests/ledger/adversary.rs"]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test"
)]
mod adversary;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::super::{PublicKey, StrictVerifier};
    use super::adversary::{Choices, Key, Signed};
    use super::*;

    /// Without the second opinion, behind which a valid signature that the
    /// tables refuse would not be seen.
    #[test]
    fn the_tables_alone_give_the_verdict_of_verify_strict() {
        let (mut valid, mut judged) = (0, 0);
        for seed in 0..48 {
            let mut choices = Choices::new(seed);
            let drawn = Key::draw(&mut choices);
            let verifier = StrictVerifier::new(&PublicKey::from_bytes(drawn.bytes));
            let Some(key) = &verifier.key else { continue };
            let signed: Vec<_> = (0..256)
                .map(|_| Signed::draw(&drawn, &mut choices))
                .collect();
            let batch: Vec<_> = signed
                .iter()
                .map(|s| (s.message.as_slice(), Signature::from_bytes(s.signature)))
                .collect();
            let plain: Vec<_> = batch.iter().map(|(m, s)| verifier.verify(m, s)).collect();
            let verdicts = Tables::of(key).unwrap().verify_batch(&batch);
            assert_eq!(verdicts, plain, "{seed}");
            valid += plain.iter().filter(|valid| **valid).count();
            judged += plain.len();
        }
        // Both answers occur often, or this would prove little.
        assert!(valid > judged / 8 && valid < judged, "{valid} of {judged}");
    }
}
