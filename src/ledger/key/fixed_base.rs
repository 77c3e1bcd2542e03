//! Multiples of one point out of a table: for a key that signs a whole log,
//! and for the base point of them all.
//!
//! ```text
//! scalar = Σ dᵢ · 2^(w·i)     digits in −2^(w−1)+1 ..= 2^(w−1)
//! s · P  = Σ dᵢ · (2^(w·i)·P) one addition a digit, none of the 253 doublings
//! ```
//! The table of window `i` has 0 to 2^(w−1) times `2^(w·i)·P`; a negative digit
//! is a subtraction, which costs the same. Everything is variable in time: the
//! scalars are those of signatures that anyone may see.

use curve25519_dalek::{EdwardsPoint, Scalar};
use rayon::prelude::*;

use super::point::{Point, Ready, twice_d};

/// How wide the windows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    /// 8 bits: 32 additions, 480 KiB; worth it from a hundred signatures on.
    Narrow,
    /// 11 bits: 23 additions, 2.7 MiB; worth it from thousands on. With 12 bits
    /// there would be one addition less and twice the memory to miss a cache in.
    Wide,
}

impl Width {
    const fn bits(self) -> u32 {
        match self {
            Width::Narrow => 8,
            Width::Wide => 11,
        }
    }

    /// Windows that hold every scalar below the group order, which is just over
    /// 2^252. The last window cannot carry: it has five bits or more to spare,
    /// or (of 11 bits) holds 2^10 at most, and then nothing follows below that
    /// could carry into it.
    pub(super) const fn windows(self) -> usize {
        match self {
            Width::Narrow => 32,
            Width::Wide => 23,
        }
    }

    /// Multiples in one window: 0 to 2^(w−1). That of digit 0 spares a case.
    const fn row(self) -> usize {
        (1 << (self.bits() - 1)) + 1
    }
}

/// The table of one point.
pub(super) struct FixedBase {
    width: Width,
    /// Windows one after the other, each from 0 times its base up.
    multiples: Vec<Ready>,
}

impl FixedBase {
    /// Computes the table, on all cores. `None` if the point cannot be taken
    /// over, which no point is known to do: then there is another way.
    pub(super) fn new(point: &EdwardsPoint, width: Width) -> Option<FixedBase> {
        let point = Point::decode(point.compress().as_bytes())?;
        let twice_d = twice_d();
        let doubled = |base: &Point| {
            let double = |sum: Point, _| sum.sum(&sum, &twice_d);
            Some((0..width.bits()).fold(*base, double))
        };
        let bases = std::iter::successors(Some(point), doubled);
        let bases: Vec<_> = bases.take(width.windows()).collect();
        let window = |base: &Point| {
            let next = |multiple: &Point| Some(multiple.sum(base, &twice_d));
            let multiples = std::iter::successors(Some(Point::IDENTITY), next);
            let multiples: Vec<_> = multiples.take(width.row()).collect();
            Ready::all(&multiples)
        };
        let windows: Vec<_> = bases.par_iter().map(window).collect();
        Some(FixedBase {
            width,
            multiples: windows.concat(),
        })
    }

    pub(super) fn width(&self) -> Width {
        self.width
    }

    /// Adds to each sum its digit's multiple of window `window`. Window by
    /// window over many sums, so that a window stays in the cache.
    pub(super) fn add_window<'s>(
        &self,
        window: usize,
        sums: impl Iterator<Item = (&'s mut Point, i16)>,
    ) {
        let count = self.width.row();
        let row = self
            .multiples
            .get(window * count..(window + 1) * count)
            .unwrap_or_default();
        for (sum, digit) in sums {
            // No digit is beyond the row.
            if let Some(multiple) = row.get(usize::from(digit.unsigned_abs())) {
                sum.add(multiple, digit < 0);
            }
        }
    }
}

/// Appends the digits of `scalar`, one a window, the lowest first.
pub(super) fn write_digits(scalar: &Scalar, width: Width, out: &mut Vec<i16>) {
    let bits = width.bits();
    let half = 1_i32 << (bits - 1);
    let mut bytes = scalar.as_bytes().iter();
    let (mut waiting, mut have) = (0_u32, 0);
    let mut carry = 0;
    for _ in 0..width.windows() {
        while have < bits {
            waiting |= bytes.next().map_or(0, |byte| u32::from(*byte)) << have;
            have += 8;
        }
        let mut digit = (waiting & ((1 << bits) - 1)) as i32 + carry;
        waiting >>= bits;
        have -= bits;
        carry = i32::from(digit > half);
        digit -= carry << bits;
        out.push(digit as i16);
    }
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

    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    use super::super::point::encode_all;
    use super::*;

    fn multiple(table: &FixedBase, scalar: &Scalar) -> [u8; 32] {
        let mut digits = Vec::new();
        write_digits(scalar, table.width(), &mut digits);
        let mut sum = Point::IDENTITY;
        for (window, digit) in digits.into_iter().enumerate() {
            table.add_window(window, std::iter::once((&mut sum, digit)));
        }
        encode_all(&[sum])[0]
    }

    /// Those where windows carry into each other, and those at the ends.
    fn scalars() -> Vec<Scalar> {
        let mut scalars = vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, -Scalar::from(2_u8)];
        let mut power = Scalar::ONE;
        for _ in 0..253 {
            scalars.extend([power, power - Scalar::ONE, -power, Scalar::ONE - power]);
            power += power;
        }
        scalars.extend((0..200_u64).map(|n| {
            let digest: [u8; 64] = sha2::Digest::finalize(sha2::Digest::chain_update(
                <sha2::Sha512 as sha2::Digest>::new(),
                n.to_le_bytes(),
            ))
            .into();
            Scalar::from_bytes_mod_order_wide(&digest)
        }));
        scalars
    }

    #[test]
    fn a_multiple_is_the_same_with_a_table_and_without() {
        // A point with a small-order part too: the table must not lose it.
        let mixed = ED25519_BASEPOINT_POINT + EIGHT_TORSION[1];
        for point in [ED25519_BASEPOINT_POINT, mixed] {
            for width in [Width::Narrow, Width::Wide] {
                let table = FixedBase::new(&point, width).unwrap();
                for scalar in scalars() {
                    let expected = (point * scalar).compress().to_bytes();
                    assert_eq!(multiple(&table, &scalar), expected, "{scalar:?}");
                }
            }
        }
    }

    #[test]
    fn digits_are_in_range_and_sum_to_the_scalar() {
        for width in [Width::Narrow, Width::Wide] {
            let half = 1 << (width.bits() - 1);
            for scalar in scalars() {
                let mut digits = Vec::new();
                write_digits(&scalar, width, &mut digits);
                assert_eq!(digits.len(), width.windows());
                let radix = Scalar::from(1_u64 << width.bits());
                let mut sum = Scalar::ZERO;
                for digit in digits.iter().rev() {
                    assert!((-half + 1..=half).contains(&i32::from(*digit)));
                    let size = Scalar::from(digit.unsigned_abs());
                    sum = sum * radix + if *digit < 0 { -size } else { size };
                }
                assert_eq!(sum, scalar);
            }
        }
    }
}
