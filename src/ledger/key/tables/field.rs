//! Integers modulo 2^255 − 19, in five limbs of 51 bits, by fiat-crypto:
//! arithmetic that was generated together with the proof that it is right.
//!
//! Nothing here depends on secrets, and everything is as fast as it can be. A
//! sum or difference is not carried, because all that is ever done with one is
//! to multiply it; the two types hold the bounds under which the proofs hold.

use fiat_crypto::curve25519_64 as fiat;

/// An element with its limbs carried, as products are.
#[derive(Clone, Copy)]
pub(super) struct Element(fiat::fiat_25519_tight_field_element);

/// The limbs of an element, each in two halves of a word: below its 26 low bits,
/// above what is left, 25 bits, or one more where the limb is 2^51, as a carried one
/// may just be.
pub(super) type Halves = [u64; 5];

/// A sum or a difference of two elements.
#[derive(Clone, Copy)]
pub(super) struct Loose(fiat::fiat_25519_loose_field_element);

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

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        fiat::fiat_25519_to_bytes(&mut bytes, &self.0);
        bytes
    }

    pub(super) fn halves(&self) -> Halves {
        self.0
            .0
            .map(|limb| limb & ((1 << 26) - 1) | limb >> 26 << 32)
    }

    /// Of halves that are below 2^26.
    pub(super) fn from_halves(halves: &Halves) -> Element {
        let limbs = halves.map(|word| (word & u64::from(u32::MAX)) + (word >> 32 << 26));
        // Below 2^52 each, and so within the bounds of what is not carried.
        Loose(fiat::fiat_25519_loose_field_element(limbs)).carried()
    }

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

    /// The power of 2^255 − 21, which is 250 binary ones and 01011: from a run of ones the
    /// next, twice as long.
    pub(super) fn inverted(&self) -> Element {
        let two = self.squared(1);
        let nine = two.squared(2).times(self);
        let eleven = nine.times(&two);
        let ones5 = eleven.squared(1).times(&nine);
        let ones10 = ones5.squared(5).times(&ones5);
        let ones20 = ones10.squared(10).times(&ones10);
        let ones40 = ones20.squared(20).times(&ones20);
        let ones50 = ones40.squared(10).times(&ones10);
        let ones100 = ones50.squared(50).times(&ones50);
        let ones200 = ones100.squared(100).times(&ones100);
        let ones250 = ones200.squared(50).times(&ones50);
        ones250.squared(5).times(&eleven)
    }

    /// Squared so many times.
    fn squared(&self, times: u32) -> Element {
        let square = |element: Element, _| {
            let mut square = Element::ZERO;
            fiat::fiat_25519_carry_square(&mut square.0, &element.loose().0);
            square
        };
        (0..times).fold(*self, square)
    }

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
            let squared = power.squared(1);
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

    #[inline(always)]
    pub(super) fn times(&self, other: &Loose) -> Element {
        let mut product = Element::ZERO;
        fiat::fiat_25519_carry_mul(&mut product.0, &self.0, &other.0);
        product
    }

    pub(super) fn carried(&self) -> Element {
        let mut element = Element::ZERO;
        fiat::fiat_25519_carry(&mut element.0, &self.0);
        element
    }
}

/// The inverse of each, by one inversion; none may be zero.
pub(super) fn inverted_all<const N: usize>(elements: &[Element; N]) -> [Element; N] {
    let mut product = Element::ONE;
    let mut inverses = elements.each_ref().map(|element| {
        let before = product;
        product = product.times(element);
        before
    });
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

    #[test]
    fn an_inverse_times_its_element_is_one_alone_and_among_many() {
        let elements = [1, 2, 3, 121_666, 1 << 50].map(Element::small);
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
        // 2 is not a square modulo a prime of the form 8n + 5.
        assert!(two.root_of_quotient(&Element::ONE).is_none());
    }
}
