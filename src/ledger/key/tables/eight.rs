//! Eight integers modulo 2^255 − 19 side by side, for the vector registers of a
//! processor: in ten limbs of 26 and 25 bits by turns, as Bernstein's `ref10`
//! has them, but without signs.
//!
//! ```text
//! value = Σ limb[i] · 2^⌈25.5·i⌉
//! tight   even limbs below 2^26, odd ones below 2^25 + 2^18   products
//! loose   even limbs below 3·2^26, odd ones below 3·2^25 + 2^18
//!                                                  sums and differences of two
//! ```
//! A word holds two limbs, an even one in its low half and the next in its high
//! half: half as much to load, to keep and to add. A sum or difference is that of
//! whole words, since no limb of it is negative or fills its half.
//!
//! **Bounds.** A factor of a product may be loose. 19 times an even limb is then
//! below 57·2^26 < 2^32, and twice an odd limb below 2^28, so that each factor
//! of a limb's product fits the half of a word. The largest of the ten sums is
//! that of limb 0: (9 + 19·9·4)·2^52 of even limbs and 38·9·5·2^50 of odd ones
//! and less than 8·2^52 beside, below 2^63. Nothing wraps.
//!
//! Each operation is one on the limbs of one element, in a loop over the eight:
//! the compiler makes vector instructions of the loop, in whichever set of them
//! the function around was compiled for. There is neither assembly here nor
//! anything unsafe.

use std::num::Wrapping;

use super::field::{self, Element, Halves};

/// How many stand side by side.
pub(super) const LANES: usize = 8;

const LIMBS: usize = 10;

const WORDS: usize = LIMBS / 2;

const TWICE_MODULUS: Halves = {
    let word = ((1 << 26) - 2) << 32 | ((1 << 27) - 2);
    [word - 36, word, word, word, word]
};

/// Eight elements: of each word those of all eight.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Eight([[u64; LANES]; WORDS]);

impl Eight {
    pub(super) const ZERO: Eight = Eight([[0; LANES]; WORDS]);
    pub(super) const ONE: Eight = {
        let mut one = Eight::ZERO;
        one.0[0] = [1; LANES];
        one
    };

    pub(super) fn all(element: &Element) -> Eight {
        Eight(element.halves().map(|word| [word; LANES]))
    }

    #[inline(always)]
    pub(super) fn gather(elements: [&Halves; LANES]) -> Eight {
        let mut eight = Eight::ZERO;
        for (lane, element) in elements.into_iter().enumerate() {
            eight.put(lane, *element);
        }
        eight
    }

    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "a remainder of the length is in it"
    )]
    fn lane(&self, lane: usize) -> Halves {
        let at = lane % LANES;
        let [a, b, c, d, e] = &self.0;
        [a[at], b[at], c[at], d[at], e[at]]
    }

    /// Makes `words` those of one lane's element.
    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "a remainder of the length is in it"
    )]
    fn put(&mut self, lane: usize, words: Halves) {
        let at = lane % LANES;
        let [a, b, c, d, e] = &mut self.0;
        [a[at], b[at], c[at], d[at], e[at]] = words;
    }

    pub(super) fn halves(&self) -> [Halves; LANES] {
        std::array::from_fn(|lane| self.lane(lane))
    }

    /// Each lane's element, if they are tight.
    pub(super) fn elements(&self) -> [Element; LANES] {
        self.halves().map(|words| Element::from_halves(&words))
    }

    #[inline(always)]
    pub(super) fn plus(&self, other: &Eight) -> Eight {
        let mut sum = *self;
        let words = sum.0.as_flattened_mut().iter_mut();
        for (word, other) in words.zip(other.0.as_flattened()) {
            *word = word.wrapping_add(*other);
        }
        sum
    }

    #[inline(always)]
    pub(super) fn minus(&self, other: &Eight) -> Eight {
        let mut difference = *self;
        let words = difference.0.iter_mut().zip(&other.0);
        for ((word, other), twice) in words.zip(TWICE_MODULUS) {
            for (word, other) in word.iter_mut().zip(other) {
                *word = word.wrapping_add(twice).wrapping_sub(*other);
            }
        }
        difference
    }

    /// Has two change places in the lanes where `mask` is all ones; where it is
    /// zero they stay.
    #[inline(always)]
    pub(super) fn swap_where(mask: &[u64; LANES], one: &mut Eight, other: &mut Eight) {
        for (one, other) in one.0.iter_mut().zip(&mut other.0) {
            for ((one, other), mask) in one.iter_mut().zip(other).zip(mask) {
                let change = (*one ^ *other) & mask;
                *one ^= change;
                *other ^= change;
            }
        }
    }

    #[inline(always)]
    pub(super) fn times(&self, other: &Eight) -> Eight {
        let mut eight = Eight::ZERO;
        for lane in 0..LANES {
            eight.put(lane, product(self.lane(lane), other.lane(lane)));
        }
        eight
    }
}

/// The product of two loose elements; tight. All wraps, and nothing does, so
/// that no check stands in the way of the vectors.
#[inline(always)]
#[rustfmt::skip]
fn product(one: Halves, other: Halves) -> Halves {
    let ([f0, f2, f4, f6, f8], [f1, f3, f5, f7, f9]) = (one, one.map(|word| word >> 32));
    let ([g0, g2, g4, g6, g8], [g1, g3, g5, g7, g9]) = (other, other.map(|word| word >> 32));
    // 2^255 = 19: what would stand beyond the last limb comes back at the
    // first. Two odd limbs stand half a bit too high each.
    let (n1, n2, n3) = (times(g1, 19), times(g2, 19), times(g3, 19));
    let (n4, n5, n6) = (times(g4, 19), times(g5, 19), times(g6, 19));
    let (n7, n8, n9) = (times(g7, 19), times(g8, 19), times(g9, 19));
    let (d1, d3, d5, d7, d9) = (times(f1, 2), times(f3, 2), times(f5, 2), times(f7, 2), times(f9, 2));
    let (f0, f1, f2, f3, f4) = (wide(f0), wide(f1), wide(f2), wide(f3), wide(f4));
    let (f5, f6, f7, f8, f9) = (wide(f5), wide(f6), wide(f7), wide(f8), wide(f9));
    let (g0, g1, g2, g3, g4) = (wide(g0), wide(g1), wide(g2), wide(g3), wide(g4));
    let (g5, g6, g7, g8, g9) = (wide(g5), wide(g6), wide(g7), wide(g8), wide(g9));
    // One half of the second factor after the other: what is used of it at a time
    // and a sum or two are as much as sixteen registers hold.
    let mut h0 = f0 * g0 + d9 * n1 + f8 * n2 + d7 * n3 + f6 * n4;
    let mut h1 = f1 * g0 + f0 * g1 + f9 * n2 + f8 * n3 + f7 * n4;
    let mut h2 = f2 * g0 + d1 * g1 + f0 * g2 + d9 * n3 + f8 * n4;
    let mut h3 = f3 * g0 + f2 * g1 + f1 * g2 + f0 * g3 + f9 * n4;
    let mut h4 = f4 * g0 + d3 * g1 + f2 * g2 + d1 * g3 + f0 * g4;
    let mut h5 = f5 * g0 + f4 * g1 + f3 * g2 + f2 * g3 + f1 * g4;
    let mut h6 = f6 * g0 + d5 * g1 + f4 * g2 + d3 * g3 + f2 * g4;
    let mut h7 = f7 * g0 + f6 * g1 + f5 * g2 + f4 * g3 + f3 * g4;
    let mut h8 = f8 * g0 + d7 * g1 + f6 * g2 + d5 * g3 + f4 * g4;
    let mut h9 = f9 * g0 + f8 * g1 + f7 * g2 + f6 * g3 + f5 * g4;
    h0 += d5 * n5 + f4 * n6 + d3 * n7 + f2 * n8 + d1 * n9;
    h1 += f6 * n5 + f5 * n6 + f4 * n7 + f3 * n8 + f2 * n9;
    h2 += d7 * n5 + f6 * n6 + d5 * n7 + f4 * n8 + d3 * n9;
    h3 += f8 * n5 + f7 * n6 + f6 * n7 + f5 * n8 + f4 * n9;
    h4 += d9 * n5 + f8 * n6 + d7 * n7 + f6 * n8 + d5 * n9;
    h5 += f0 * g5 + f9 * n6 + f8 * n7 + f7 * n8 + f6 * n9;
    h6 += d1 * g5 + f0 * g6 + d9 * n7 + f8 * n8 + d7 * n9;
    h7 += f2 * g5 + f1 * g6 + f0 * g7 + f9 * n8 + f8 * n9;
    h8 += d3 * g5 + f2 * g6 + d1 * g7 + f0 * g8 + d9 * n9;
    h9 += f4 * g5 + f3 * g6 + f2 * g7 + f1 * g8 + f0 * g9;
    carried([h0, h1, h2, h3, h4, h5, h6, h7, h8, h9])
}

/// The low half of a word, and by that a factor whose product is one instruction.
#[inline(always)]
fn wide(word: u64) -> Wrapping<u64> {
    Wrapping(word & u64::from(u32::MAX))
}

/// The same of a small multiple, which fits.
#[inline(always)]
fn times(word: u64, factor: u64) -> Wrapping<u64> {
    wide((word & u64::from(u32::MAX)).wrapping_mul(factor))
}

/// Two chains of carries at once. Limbs below 2^63 become tight: the last carry
/// out of limb 9 is below 2^38, times 19 below 2^43, so that limb 1 is given
/// less than 2^18 by the very last.
#[inline(always)]
fn carried(limbs: [Wrapping<u64>; LIMBS]) -> Halves {
    let [h0, h1, h2, h3, h4, h5, h6, h7, h8, h9] = limbs;
    let (h0, h1) = carry(h0, 26, h1);
    let (h4, h5) = carry(h4, 26, h5);
    let (h1, h2) = carry(h1, 25, h2);
    let (h5, h6) = carry(h5, 25, h6);
    let (h2, h3) = carry(h2, 26, h3);
    let (h6, h7) = carry(h6, 26, h7);
    let (h3, h4) = carry(h3, 25, h4);
    let (h7, h8) = carry(h7, 25, h8);
    let (h4, h5) = carry(h4, 26, h5);
    let (h8, h9) = carry(h8, 26, h9);
    let (h9, over) = carry(h9, 25, Wrapping(0));
    let (h0, h1) = carry(h0 + over * Wrapping(19), 26, h1);
    // Below 2^26, each.
    let words = [(h0, h1), (h2, h3), (h4, h5), (h6, h7), (h8, h9)];
    words.map(|(even, odd)| even.0 | odd.0 << 32)
}

/// What `limb` has beyond `bits` goes to the next.
#[inline(always)]
fn carry(limb: Wrapping<u64>, bits: usize, next: Wrapping<u64>) -> (Wrapping<u64>, Wrapping<u64>) {
    (limb & Wrapping((1 << bits) - 1), next + (limb >> bits))
}

/// The inverse in each lane of each, by one inversion; none may be zero.
#[inline(always)]
pub(super) fn inverted_all(eights: &[Eight]) -> Vec<Eight> {
    let mut product = Eight::ONE;
    let mut inverses = Vec::with_capacity(eights.len());
    for eight in eights {
        inverses.push(product);
        product = product.times(eight);
    }
    let last = field::inverted_all(&product.elements()).map(|inverse| inverse.halves());
    let mut inverse = Eight::gather(last.each_ref());
    for (place, eight) in inverses.iter_mut().zip(eights).rev() {
        *place = inverse.times(place);
        inverse = inverse.times(eight);
    }
    inverses
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed step fails the test"
    )]

    use proptest::prelude::*;

    use super::*;

    /// The largest limbs that a tight element may have.
    const TIGHTEST: [u64; LIMBS] = {
        let (even, odd) = ((1 << 26) - 1, (1 << 25) + (1 << 18) - 1);
        [even, odd, even, odd, even, odd, even, odd, even, odd]
    };

    fn limbs(words: Halves) -> [u64; LIMBS] {
        std::array::from_fn(|at| words[at / 2] >> (32 * (at % 2)) & u64::from(u32::MAX))
    }

    fn halves(limbs: [u64; LIMBS]) -> Halves {
        std::array::from_fn(|at| limbs[2 * at] | limbs[2 * at + 1] << 32)
    }

    /// Limbs at and near both ends of their ranges, and any between.
    fn tight() -> impl Strategy<Value = Halves> {
        let limb = |most: u64| prop_oneof![Just(0), Just(1), Just(most), Just(most - 1), 0..=most];
        TIGHTEST.map(limb).prop_map(halves)
    }

    fn is_tight(eight: &Eight) -> bool {
        let below = |words: Halves| {
            limbs(words)
                .iter()
                .zip(TIGHTEST)
                .all(|(l, most)| *l <= most)
        };
        eight.halves().into_iter().all(below)
    }

    /// What each lane holds, by the proven arithmetic, of limbs that need not
    /// be tight.
    fn values(eight: &Eight) -> [[u8; 32]; LANES] {
        std::array::from_fn(|lane| {
            let (mut value, mut place) = (Element::ZERO, Element::ONE);
            for (at, limb) in limbs(eight.lane(lane)).into_iter().enumerate() {
                value = value.plus(&place.times(&Element::small(limb))).carried();
                let base = if at % 2 == 0 { 1 << 26 } else { 1 << 25 };
                place = place.times(&Element::small(base));
            }
            value.to_bytes()
        })
    }

    fn each(
        one: &Eight,
        other: &Eight,
        operation: fn(&Element, &Element) -> Element,
    ) -> [[u8; 32]; LANES] {
        let (one, other) = (values(one), values(other));
        std::array::from_fn(|lane| {
            let [one, other] = [one, other].map(|values| Element::from_bytes(&values[lane]));
            operation(&one, &other).to_bytes()
        })
    }

    proptest! {
        #[test]
        fn sums_differences_and_products_are_those_of_the_proven_arithmetic(
            words in proptest::collection::vec(tight(), 4 * LANES)
        ) {
            let eights: [Eight; 4] = std::array::from_fn(|at| {
                Eight::gather(std::array::from_fn(|lane| &words[at * LANES + lane]))
            });
            let [a, b, c, d] = eights;
            let (sum, difference) = (a.plus(&b), c.minus(&d));
            prop_assert_eq!(values(&sum), each(&a, &b, |a, b| a.plus(b).carried()));
            prop_assert_eq!(values(&difference), each(&c, &d, |c, d| c.minus(d).carried()));
            for (one, other) in [(sum, difference), (difference, difference), (sum, sum), (a, difference)] {
                let product = one.times(&other);
                prop_assert!(is_tight(&product));
                prop_assert_eq!(values(&product), each(&one, &other, Element::times));
            }
            prop_assert_eq!(a.elements().map(Element::to_bytes), values(&a));
        }
    }

    /// The largest loose limbs there are, which no two tight elements make in
    /// all limbs at once: where anything would overflow, it would here.
    #[test]
    fn products_of_the_largest_limbs_do_not_overflow() {
        let tightest = halves(TIGHTEST);
        let loosest = std::array::from_fn(|at| [tightest[at] + TWICE_MODULUS[at]; LANES]);
        let eight = Eight(loosest);
        let square = eight.times(&eight);
        assert!(is_tight(&square));
        assert_eq!(values(&square), each(&eight, &eight, Element::times));
    }

    #[test]
    fn two_change_places_where_they_are_asked_to() {
        let (low, high) = ([0; WORDS], halves(TIGHTEST));
        let (mut one, mut other) = (Eight::gather([&low; LANES]), Eight::gather([&high; LANES]));
        let mask =
            std::array::from_fn(|lane| [0, u64::MAX][usize::from([0, 3, 7].contains(&lane))]);
        Eight::swap_where(&mask, &mut one, &mut other);
        for lane in 0..LANES {
            let expected = [(low, high), (high, low)][usize::from(mask[lane] != 0)];
            assert_eq!((one.lane(lane), other.lane(lane)), expected);
        }
    }

    #[test]
    fn inverses_are_those_of_each_lane() {
        let elements: [Element; LANES] =
            std::array::from_fn(|lane| Element::small(lane as u64 + 2));
        let eight = Eight::gather(elements.map(|e| e.halves()).each_ref());
        let eights = [eight, eight.times(&eight), Eight::ONE];
        for (one, inverse) in eights.iter().zip(inverted_all(&eights)) {
            assert_eq!(values(&one.times(&inverse)), values(&Eight::ONE));
        }
    }
}
