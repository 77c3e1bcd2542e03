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
//!
//! The verdict under one key is a function of `k`, `R` and `S`, and of nothing else: where
//! these three were found good before, they are good.

use std::sync::{LazyLock, OnceLock};

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use ed25519_dalek::VerifyingKey;

use super::Signature;
use digits::Digits;
use eight::LANES;
use fixed_base::{FixedBase, encode_all};
use points::Points;
use recent::Recent;
use sha512::sha512;

mod digits;
mod eight;
mod field;
mod fixed_base;
mod point;
mod points;
mod recent;
mod sha512;

/// From so many signatures on a key's table has paid for itself.
pub(super) const WORTH: usize = 64;

/// What judges the signatures of one key.
pub(super) struct KeyTables {
    key: VerifyingKey,
    minus_a: FixedBase,
    base: &'static FixedBase,
    recent: Recent,
}

impl KeyTables {
    /// Makes the tables for a `key` that passes step 1. `None` if they cannot be
    /// made, which happens for no key that is known.
    pub(super) fn of(key: &VerifyingKey) -> Option<KeyTables> {
        // Both at once, and before a thread waits for one of them.
        let make = || FixedBase::new(&-key.to_edwards());
        let (minus_a, base) = rayon::join(make, base);
        Some(KeyTables {
            key: *key,
            minus_a: minus_a?,
            base: base?,
            recent: Recent::default(),
        })
    }

    /// Steps 2 to 4 for each message and signature.
    pub(super) fn verify_batch(&self, signed: &[(&[u8], Signature)]) -> Vec<bool> {
        let ask = |(message, signature): &(&[u8], Signature)| self.ask(message, signature);
        let asked: Vec<_> = signed.iter().map(ask).collect();
        match asked.len() <= FEW {
            true => self.verify_few(&asked),
            false => verdicts(&asked, &self.side_by_side(&asked)),
        }
    }

    /// The same of a few, of which some may have been judged a moment ago.
    fn verify_few(&self, asked: &[SignatureCheck]) -> Vec<bool> {
        let mut good = self.recent.good(asked);
        let new = || asked.iter().zip(&good).filter(|(_, known)| !**known);
        let new: Vec<_> = new().map(|(one, _)| *one).collect();
        let mut judged = verdicts(&new, &[self.one_by_one(&new)]).into_iter();
        for (one, good) in asked.iter().zip(&mut good) {
            if !*good && judged.next() == Some(true) {
                *good = true;
                self.recent.remember(one);
            }
        }
        good
    }

    fn ask(&self, message: &[u8], signature: &Signature) -> SignatureCheck {
        let (r, s) = halves(signature);
        let k = sha512([&r, self.key.as_bytes(), message]);
        SignatureCheck {
            k: Scalar::from_bytes_mod_order_wide(&k),
            s: Scalar::from_canonical_bytes(s).into(),
            signature: *signature,
        }
    }

    /// Eight signatures in the lanes, window after window.
    fn side_by_side(&self, asked: &[SignatureCheck]) -> Vec<Points> {
        let mut ks = Digits::new(asked.len());
        let mut ss = Digits::new(asked.len());
        for (at, SignatureCheck { k, s, .. }) in asked.iter().enumerate() {
            ks.put(at, k);
            ss.put(at, &s.unwrap_or(Scalar::ZERO));
        }
        let mut sums = vec![Points::IDENTITY; asked.len().div_ceil(LANES)];
        self.minus_a.add_multiples(&ks, &mut sums);
        self.base.add_multiples(&ss, &mut sums);
        sums
    }

    /// Eight windows of a signature in the lanes, signature after signature: for so few
    /// that most lanes would have nothing to do.
    fn one_by_one(&self, asked: &[SignatureCheck]) -> Points {
        let sum = |SignatureCheck { k, s, .. }: &SignatureCheck| {
            let mut sum = Points::IDENTITY;
            self.minus_a.add_windows(k, &mut sum);
            self.base.add_windows(&s.unwrap_or(Scalar::ZERO), &mut sum);
            sum.total()
        };
        Points::of(&asked.iter().map(sum).collect::<Vec<_>>())
    }
}

/// What is asked of a signature under the key.
#[derive(Clone, Copy)]
struct SignatureCheck {
    k: Scalar,
    /// `None` if it is not below the group order.
    s: Option<Scalar>,
    signature: Signature,
}

impl SignatureCheck {
    /// All that the verdict is made of.
    const fn judged(&self) -> (Signature, Scalar) {
        (self.signature, self.k)
    }
}

/// So few signatures are summed one by one: eight together take as long as so many alone.
const FEW: usize = 6;

/// The verdicts, when `S·B − k·A` is in the sums, in the order of the signatures.
fn verdicts(asked: &[SignatureCheck], sums: &[Points]) -> Vec<bool> {
    if asked.is_empty() {
        return Vec::new();
    }
    let encoded = encode_all(sums);
    let verdict = |(encoded, asked): (&[u8; 32], &SignatureCheck)| {
        let (r, _) = halves(&asked.signature);
        asked.s.is_some() && *encoded == r && !SMALL_ORDER.contains(&r)
    };
    encoded
        .as_flattened()
        .iter()
        .zip(asked)
        .map(verdict)
        .collect()
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
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::super::{PublicKey, StrictVerifier};
    use super::adversary::{Choices, Key, Signed};
    use super::*;

    /// What was found good stays so, and nothing beside it becomes so: of a signature
    /// that was just accepted, another R, another S and another message are refused.
    fn remembered_and_changed(tables: &KeyTables, batch: &[(&[u8], Signature)], plain: &[bool]) {
        let mut good = batch.iter().zip(plain).filter(|(_, good)| **good);
        let Some(((message, signature), _)) = good.next() else {
            return;
        };
        assert_eq!(tables.verify_batch(&[(*message, *signature); 3]), [true; 3]);
        for at in [0, 31, 32, 63] {
            let mut other = *signature.as_bytes();
            other[at] ^= 1;
            let other = Signature::from_bytes(other);
            assert_eq!(tables.verify_batch(&[(*message, other)]), [false]);
        }
        let other = [*message, b"x"].concat();
        assert_eq!(tables.verify_batch(&[(&other, *signature)]), [false]);
        assert_eq!(tables.verify_batch(&[(*message, *signature)]), [true]);
    }

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
            let tables = KeyTables::of(key).unwrap();
            assert_eq!(tables.verify_batch(&batch), plain, "{seed}");
            // So few that they are summed in another way.
            let batch = &batch[..2 * LANES];
            for few in [1, 3, FEW] {
                let verdicts = batch.chunks(few).flat_map(|few| tables.verify_batch(few));
                let verdicts: Vec<_> = verdicts.collect();
                assert_eq!(verdicts, plain[..batch.len()], "{seed}, {few} at once");
            }
            remembered_and_changed(&tables, batch, &plain);
            valid += plain.iter().filter(|valid| **valid).count();
            judged += plain.len();
        }
        // Both answers occur often, or this would prove little.
        assert!(valid > judged / 8 && valid < judged, "{valid} of {judged}");
    }
}
