//! Integers modulo 2^255 − 19, in five limbs of 51 bits, by fiat-crypto:
//! arithmetic that was generated together with the proof that it is right.
//!
//! Nothing here depends on secrets, and everything is as fast as it can be. A
//! sum or difference is not carried, because all that is ever done with one is
//! to multiply it; the two types hold the bounds under which the proofs hold.
//! Only the product is our own: the same schoolbook multiplication, in an order
//! that compiles to two thirds of the time, under the same bounds. Tests hold it
//! against the proven one, at the bounds above all.

use fiat_crypto::curve25519_64 as fiat;

/// An element with its limbs carried, as products are.
#[derive(Clone, Copy)]
pub(super) struct Element(fiat::fiat_25519_tight_field_element);

/// A sum or a difference of two elements.
#[derive(Clone, Copy)]
pub(super) struct Loose(fiat::fiat_25519_loose_field_element);

/// 2^255 − 21: the power that inverts.
const INVERTING: [u8; 32] = exponent(0xeb, 0x7f);

/// 2^252 − 3, of which a root of a quotient is made.
const ROOTING: [u8; 32] = exponent(0xfd, 0x0f);

/// 2^253 − 5, a power of 2 whose square is −1.
const QUARTER: [u8; 32] = exponent(0xfb, 0x1f);

/// Little-endian, all ones but for its ends.
const fn exponent(first: u8, last: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    let [low, .., high] = &mut bytes;
    *low = first;
    *high = last;
    bytes
}

impl Element {
    pub(super) const ZERO: Element = Element::small(0);
    pub(super) const ONE: Element = Element::small(1);

    /// A number below 2^51.
    pub(super) const fn small(number: u64) -> Element {
        Element(fiat::fiat_25519_tight_field_element([number, 0, 0, 0, 0]))
    }

    /// Of the 255 low bits; the top bit is left out.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Element {
        let mut bytes = *bytes;
        let [.., last] = &mut bytes;
        *last &= 0x7f;
        let mut element = Element::ZERO;
        fiat::fiat_25519_from_bytes(&mut element.0, &bytes);
        element
    }

    /// The one canonical encoding.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        fiat::fiat_25519_to_bytes(&mut bytes, &self.0);
        bytes
    }

    /// Whether its canonical encoding is odd.
    pub(super) fn is_odd(self) -> bool {
        self.to_bytes().first().is_some_and(|low| low & 1 == 1)
    }

    #[inline(always)]
    pub(super) fn plus(&self, other: &Element) -> Loose {
        let mut sum = Loose::ZERO;
        fiat::fiat_25519_add(&mut sum.0, &self.0, &other.0);
        sum
    }

    #[inline(always)]
    pub(super) fn minus(&self, other: &Element) -> Loose {
        let mut difference = Loose::ZERO;
        fiat::fiat_25519_sub(&mut difference.0, &self.0, &other.0);
        difference
    }

    #[inline(always)]
    pub(super) fn times(&self, other: &Element) -> Element {
        self.loose().times(&other.loose())
    }

    pub(super) fn negated(&self) -> Element {
        Element::ZERO.minus(self).carried()
    }

    pub(super) fn inverted(&self) -> Element {
        self.to_the(&INVERTING)
    }

    /// A root of −1.
    fn root_of_minus_one() -> Element {
        Element::small(2).to_the(&QUARTER)
    }

    /// A root of `self / below`, if there is one (RFC 8032 §5.1.3).
    pub(super) fn root_of_quotient(&self, below: &Element) -> Option<Element> {
        let cubed = below.times(below).times(below);
        let seventh = cubed.times(&cubed).times(below);
        let root = self
            .times(&cubed)
            .times(&self.times(&seventh).to_the(&ROOTING));
        let squared = below.times(&root.times(&root));
        if squared.is(self) {
            Some(root)
        } else if squared.is(&self.negated()) {
            Some(root.times(&Element::root_of_minus_one()))
        } else {
            None
        }
    }

    pub(super) fn is(&self, other: &Element) -> bool {
        self.to_bytes() == other.to_bytes()
    }

    fn to_the(self, exponent: &[u8; 32]) -> Element {
        let bits = exponent
            .iter()
            .rev()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
        bits.fold(Element::ONE, |power, bit| {
            let squared = power.times(&power);
            if bit { squared.times(&self) } else { squared }
        })
    }

    /// Carried is within the bounds of what is not.
    #[inline(always)]
    pub(super) fn loose(&self) -> Loose {
        let mut loose = Loose::ZERO;
        fiat::fiat_25519_relax(&mut loose.0, &self.0);
        loose
    }
}

impl Loose {
    const ZERO: Loose = Loose(fiat::fiat_25519_loose_field_element([0; 5]));

    /// The product, carried. Limbs are at most 1.5 · 2^52, so nothing here wraps:
    /// nineteen times a limb stays below 2^57, a column of five products below
    /// 2^112, and nineteen times the last carry, of a column in which nothing
    /// was folded back, below 2^61.
    #[inline(always)]
    pub(super) fn times(&self, other: &Loose) -> Element {
        const LOW: u64 = (1 << 51) - 1;
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0.0, other.0.0);
        // 2^255 is 19: what a column has beyond the fifth limb comes back to it.
        let [f1, f2, f3, f4] = [b1, b2, b3, b4].map(|limb| limb.wrapping_mul(19));
        let c0 = column([(a0, b0), (a4, f1), (a3, f2), (a2, f3), (a1, f4)], 0);
        let pairs = [(a1, b0), (a0, b1), (a4, f2), (a3, f3), (a2, f4)];
        let c1 = column(pairs, (c0 >> 51) as u64);
        let pairs = [(a2, b0), (a1, b1), (a0, b2), (a4, f3), (a3, f4)];
        let c2 = column(pairs, (c1 >> 51) as u64);
        let pairs = [(a3, b0), (a2, b1), (a1, b2), (a0, b3), (a4, f4)];
        let c3 = column(pairs, (c2 >> 51) as u64);
        let pairs = [(a4, b0), (a3, b1), (a2, b2), (a1, b3), (a0, b4)];
        let c4 = column(pairs, (c3 >> 51) as u64);
        let back = ((c4 >> 51) as u64).wrapping_mul(19);
        let first = (c0 as u64 & LOW).wrapping_add(back);
        Element(fiat::fiat_25519_tight_field_element([
            first & LOW,
            (c1 as u64 & LOW).wrapping_add(first >> 51),
            c2 as u64 & LOW,
            c3 as u64 & LOW,
            c4 as u64 & LOW,
        ]))
    }

    pub(super) fn carried(&self) -> Element {
        let mut element = Element::ZERO;
        fiat::fiat_25519_carry(&mut element.0, &self.0);
        element
    }
}

/// The sum of five products and of what the column before leaves.
#[inline(always)]
fn column(pairs: [(u64, u64); 5], carried: u64) -> u128 {
    let product = |(a, b): (u64, u64)| u128::from(a).wrapping_mul(u128::from(b));
    let [a, b, c, d, e] = pairs.map(product);
    let sum = a.wrapping_add(b).wrapping_add(c).wrapping_add(d);
    sum.wrapping_add(e).wrapping_add(u128::from(carried))
}

/// The inverse of each, by one inversion; none may be zero.
pub(super) fn inverted_all(elements: &[Element]) -> Vec<Element> {
    let mut product = Element::ONE;
    let before = |element: &Element| {
        let before = product;
        product = product.times(element);
        before
    };
    let mut inverses: Vec<_> = elements.iter().map(before).collect();
    let mut inverse = product.inverted();
    for (place, element) in inverses.iter_mut().zip(elements).rev() {
        *place = inverse.times(place);
        inverse = inverse.times(element);
    }
    inverses
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    /// Limbs at the bounds of what is not carried, and in between.
    fn loose() -> Vec<Loose> {
        const MOST: u64 = 0x0018_0000_0000_0000;
        let limbs = [0, 1, 19, (1 << 51) - 1, 1 << 51, MOST - 1, MOST];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut all: Vec<_> = limbs.map(|limb| [limb; 5]).into();
        for _ in 0..150 {
            all.push([(); 5].map(|()| next(MOST + 1)));
            let pick = |at: u64| limbs.get(at as usize).copied().unwrap_or(0);
            all.push([(); 5].map(|()| pick(next(7))));
        }
        let loose = |limbs| Loose(fiat::fiat_25519_loose_field_element(limbs));
        all.into_iter().map(loose).collect()
    }

    #[test]
    fn a_product_is_the_proven_one_and_within_its_bounds() {
        const MOST: u64 = 0x0008_cccc_cccc_cccc;
        let loose = loose();
        for a in &loose {
            for b in &loose {
                let product = a.times(b);
                assert!(product.0.0.iter().all(|limb| *limb <= MOST));
                let mut proven = Element::ZERO;
                fiat::fiat_25519_carry_mul(&mut proven.0, &a.0, &b.0);
                assert!(product.is(&proven));
            }
        }
    }

    #[test]
    fn an_inverse_times_its_element_is_one_alone_and_among_many() {
        let elements: Vec<_> = [1, 2, 3, 121_666, 1 << 50].map(Element::small).into();
        for (element, inverse) in elements.iter().zip(inverted_all(&elements)) {
            assert!(element.times(&inverse).is(&Element::ONE));
            assert!(element.inverted().is(&inverse));
        }
    }

    #[test]
    fn a_root_is_found_where_there_is_one() {
        let (two, nine) = (Element::small(2), Element::small(9));
        let root = nine.root_of_quotient(&Element::small(4)).unwrap();
        assert!(root.times(&root).times(&Element::small(4)).is(&nine));
        let minus_nine = nine.negated();
        let root = minus_nine.root_of_quotient(&Element::ONE).unwrap();
        assert!(root.times(&root).is(&minus_nine));
        // 2 is no square modulo a prime of the form 8n + 5.
        assert!(two.root_of_quotient(&Element::ONE).is_none());
    }
}
