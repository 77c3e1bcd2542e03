//! The strict verdict (SPEC §1.3), on one signature or on many.
//!
//! A signature `R ‖ S` of the key `A` over `M` is accepted exactly if
//! 1. `A` is the canonical encoding of a point that is not of small order,
//! 2. `S` is below the group order,
//! 3. `R` is the canonical encoding of a point that is not of small order,
//! 4. `S·B − k·A = R`, with `k = SHA-512(R ‖ A ‖ M)` modulo the group order and
//!    no multiplication by the cofactor.
//!
//! # Why tables give the same verdict
//! ed25519-dalek's `verify_strict` decompresses `R`, refuses it if it is of
//! small order, computes `S·B − k·A`, and compares its encoding with the bytes
//! of `R`. With tables the left side of 4 is the same point, for every `A` that
//! passes 1: the law by which multiples are added holds for any two points, and
//! digits stand for the integers `S` and `k` themselves, so the small part of a
//! key of mixed order is multiplied by the same number as there.
//!
//! Its encoding is canonical by construction. So if it equals the bytes of `R`,
//! these are canonical, decompression succeeds and gives the very point that was
//! computed, and 3 is left with its second half: of the points of small order
//! each has one canonical encoding, and `R` must not be among those eight. If it
//! does not equal them, the signature is refused, whether `R` would decompress
//! or not. `R` need never be decompressed.
//!
//! # And if the arithmetic of the tables were wrong
//! That arithmetic is ours, and tested but not proven. What it refuses is
//! therefore judged once more by `verify_strict`, so that it can accuse nobody;
//! and to accept wrongly it would have to err into the very 32 bytes of `R`.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use ed25519_dalek::VerifyingKey;

use super::digits::{Digits, Width};
use super::eight::LANES;
use super::fixed_base::{FixedBase, encode_all};
use super::points::Points;
use super::sha512::sha512;
use super::table_cache;
use super::{PublicKey, Signature};

/// From so many signatures on a key's table has paid for itself.
const NARROW_FROM: usize = 128;

/// From so many on a larger table has.
const WIDE_FROM: usize = 65_536;

/// Judges signatures under one key, strictly: canonical `S`, no small-order or
/// non-canonical `A` or `R`, cofactorless equation.
#[derive(Clone)]
pub struct StrictVerifier {
    /// `None` where the 32 bytes cannot be the key of any valid signature.
    key: Option<VerifyingKey>,
    /// Signatures announced so far.
    expected: usize,
    /// Multiples of −A, once they are worth their making.
    table: Option<Arc<FixedBase>>,
}

impl StrictVerifier {
    /// Prepares to judge signatures under `key`.
    #[must_use]
    pub fn new(key: &PublicKey) -> StrictVerifier {
        let decoded = VerifyingKey::from_bytes(key.as_bytes()).ok();
        // `verify_strict` refuses a small-order A, but hashes A's bytes as
        // given: only the encoding that decompression gives back is the key.
        let canonical = decoded
            .filter(|k| &k.to_edwards().compress().to_bytes() == key.as_bytes() && !k.is_weak());
        StrictVerifier {
            key: canonical,
            expected: 0,
            table: None,
        }
    }

    /// Announces that `count` more signatures are to be judged in batches. The
    /// first few take the plain way; a key that comes often gets a table, and
    /// one that comes very often a larger one. Verdicts do not depend on it.
    pub fn expect(&mut self, count: usize) {
        self.expected = self.expected.saturating_add(count);
        let Some(key) = &self.key else { return };
        let width = match self.expected {
            WIDE_FROM.. => Width::Wide,
            NARROW_FROM.. => Width::Narrow,
            _ => return,
        };
        if self.table.as_ref().is_none_or(|t| t.width() < width) {
            // Both at once, and before anyone waits for one of them.
            let (table, _) = rayon::join(|| table_cache::of(key, width), || base_table(width));
            self.table = table;
        }
    }

    /// Whether `signature` is this key's on `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.key
            .as_ref()
            .is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// The verdict on each message and signature, on this thread. Batches of
    /// some hundreds serve best: [`StrictVerifier::BATCH`].
    #[must_use]
    pub fn verify_batch(&self, signed: &[(&[u8], Signature)]) -> Vec<bool> {
        let table = self.table.as_deref();
        let tables = table.and_then(|minus_a| Some((minus_a, base_table(minus_a.width())?)));
        match (&self.key, tables) {
            (Some(key), Some(tables)) => {
                let mut verdicts = verify_with(key, tables, signed);
                for (verdict, (message, signature)) in verdicts.iter_mut().zip(signed) {
                    if !*verdict {
                        *verdict = self.verify(message, signature);
                        debug_assert!(!*verdict, "tables refused a valid signature");
                    }
                }
                verdicts
            }
            _ => signed.iter().map(|(m, s)| self.verify(m, s)).collect(),
        }
    }

    /// How many signatures a batch should have: enough that one inversion for
    /// all of them counts for nothing and a window of the table, once in the
    /// cache, is used often; few enough that their points stay there beside it.
    pub const BATCH: usize = 1_024;
}

impl fmt::Debug for StrictVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.table.as_ref().map(|table| table.width());
        write!(f, "StrictVerifier({:?}, table {width:?})", self.key)
    }
}

/// Steps 2 to 4 with tables of −A and B; step 1 made `key`.
fn verify_with(
    key: &VerifyingKey,
    (minus_a, base): (&FixedBase, &FixedBase),
    signed: &[(&[u8], Signature)],
) -> Vec<bool> {
    let mut canonical = Vec::with_capacity(signed.len());
    let mut ks = Digits::new(minus_a.width(), signed.len());
    let mut ss = Digits::new(base.width(), signed.len());
    for (at, (message, signature)) in signed.iter().enumerate() {
        let (r, s) = halves(signature);
        let s: Option<Scalar> = Scalar::from_canonical_bytes(s).into();
        canonical.push(s.is_some());
        let k = sha512([&r, key.as_bytes(), message]);
        ks.put(at, &Scalar::from_bytes_mod_order_wide(&k));
        ss.put(at, &s.unwrap_or(Scalar::ZERO));
    }
    let mut sums = vec![Points::IDENTITY; signed.len().div_ceil(LANES)];
    minus_a.add_multiples(&ks, &mut sums);
    base.add_multiples(&ss, &mut sums);
    let verdict = |((encoded, canonical), (_, signature)): ((_, &bool), &(&[u8], Signature))| {
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

/// `R` and `S`.
fn halves(signature: &Signature) -> ([u8; 32], [u8; 32]) {
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    (*signature.r_bytes(), *signature.s_bytes())
}

/// The canonical encodings of the eight points of small order.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

/// The multiples of B, made once a process.
fn base_table(width: Width) -> Option<&'static FixedBase> {
    static NARROW: OnceLock<Option<FixedBase>> = OnceLock::new();
    static WIDE: OnceLock<Option<FixedBase>> = OnceLock::new();
    let place = match width {
        Width::Narrow => &NARROW,
        Width::Wide => &WIDE,
    };
    // Made outside of the lock, at worst twice: it is made on all cores, and a
    // core that waits for a lock must not be one that its owner waits for.
    let made = place.get().unwrap_or_else(|| {
        let table = FixedBase::new(&ED25519_BASEPOINT_POINT, width);
        place.get_or_init(|| table)
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
            for width in [Width::Narrow, Width::Wide] {
                let tables = table_cache::of(key, width).zip(base_table(width));
                let verdicts = tables.map(|(minus_a, b)| verify_with(key, (&minus_a, b), &batch));
                assert_eq!(verdicts.as_ref(), Some(&plain), "{seed} {width:?}");
            }
            valid += plain.iter().filter(|valid| **valid).count();
            judged += plain.len();
        }
        // Both answers occur often, or this would prove little.
        assert!(valid > judged / 8 && valid < judged, "{valid} of {judged}");
    }
}
