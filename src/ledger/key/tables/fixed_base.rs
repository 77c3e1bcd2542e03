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
use multiversion::multiversion;
use rayon::prelude::*;

use super::digits::{BITS, Digits, ROW, WINDOWS, digits};
use super::eight::LANES;
use super::point::{Point, twice_d};
use super::points::{self, Points, Readies, Ready};

/// Of how many multiples the inversions are one: so many stay in the cache.
const BLOCK: usize = 128;

pub(super) struct FixedBase {
    /// A window each: 0 times its base and up.
    rows: Vec<Vec<Ready>>,
}

impl FixedBase {
    /// Computes the table, on all cores. `None` if the point cannot be taken
    /// over, which no point is known to do: then there is another way.
    pub(super) fn new(point: &EdwardsPoint) -> Option<FixedBase> {
        let point = Point::decode(point.compress().as_bytes())?;
        let twice_d = twice_d();
        let doubled = |base: &Point| {
            let double = |sum: Point, _| sum.sum(&sum, &twice_d);
            Some((0..BITS).fold(*base, double))
        };
        let bases = std::iter::successors(Some(point), doubled);
        let bases: Vec<_> = bases.take(WINDOWS).collect();
        let rows = bases
            .par_chunks(LANES)
            .flat_map_iter(|bases| rows(bases, ROW));
        Some(FixedBase {
            rows: rows.collect(),
        })
    }

    /// Adds to each sum its scalar's multiple.
    /// Window by window over many sums, so that a window stays in the cache.
    pub(super) fn add_multiples(&self, scalars: &Digits, sums: &mut [Points]) {
        for (row, digits) in self.rows.iter().zip(scalars.windows()) {
            add_row(row, sums, digits);
        }
    }

    /// Adds to the eight points of `sum`, all together, the multiple of one scalar.
    pub(super) fn add_windows(&self, scalar: &Scalar, sum: &mut Points) {
        add_windows(&self.rows, scalar, sum);
    }
}

/// The windows of up to eight bases, each from 0 times its base up.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn rows(bases: &[Point], count: usize) -> Vec<Vec<Ready>> {
    let mut rows: Vec<_> = bases.iter().map(|_| Vec::with_capacity(count)).collect();
    let ready = points::ready_all(&[Points::of(bases)]);
    let Some(ready) = ready.first().map(Readies::side_by_side) else {
        return rows;
    };
    let mut sum = Points::IDENTITY;
    let mut sums = Vec::with_capacity(BLOCK);
    for first in (0..count).step_by(BLOCK) {
        sums.clear();
        for _ in first..count.min(first + BLOCK) {
            sums.push(sum);
            sum.add(&ready);
        }
        for multiples in points::ready_all(&sums) {
            for (row, multiple) in rows.iter_mut().zip(multiples) {
                row.push(multiple);
            }
        }
    }
    rows
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_row(row: &[Ready], sums: &mut [Points], digits: &[[i16; LANES]]) {
    let Some(none) = row.first() else { return };
    for (sum, digits) in sums.iter_mut().zip(digits) {
        let ready = digits.map(|digit| {
            // No digit is beyond the row.
            let multiple = row.get(usize::from(digit.unsigned_abs()));
            (multiple.unwrap_or(none), digit < 0)
        });
        sum.add(&Readies::gather(ready));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_windows(rows: &[Vec<Ready>], scalar: &Scalar, sum: &mut Points) {
    // 0 times its base is the same point in every window.
    let Some(none) = rows.first().and_then(|row| row.first()) else {
        return;
    };
    let mut digits = digits(scalar);
    for rows in rows.as_chunks::<LANES>().0 {
        sum.add(&Readies::gather(rows.each_ref().map(|row| {
            let digit = digits.next().unwrap_or_default();
            let multiple = row.get(usize::from(digit.unsigned_abs()));
            (multiple.unwrap_or(none), digit < 0)
        })));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
pub(super) fn encode_all(sums: &[Points]) -> Vec<[[u8; 32]; LANES]> {
    points::encode_all(sums)
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

    use super::super::digits::tests::scalars;
    use super::*;

    #[test]
    fn a_multiple_is_the_same_with_a_table_and_without() {
        // A point with a small-order part too: the table must not lose it.
        let mixed = ED25519_BASEPOINT_POINT + EIGHT_TORSION[1];
        for point in [ED25519_BASEPOINT_POINT, mixed] {
            let table = FixedBase::new(&point).unwrap();
            let scalars = scalars();
            let mut digits = Digits::new(scalars.len());
            for (at, scalar) in scalars.iter().enumerate() {
                digits.put(at, scalar);
            }
            let mut sums = vec![Points::IDENTITY; scalars.len().div_ceil(LANES)];
            table.add_multiples(&digits, &mut sums);
            for (sum, scalar) in encode_all(&sums).as_flattened().iter().zip(scalars) {
                let expected = (point * scalar).compress().to_bytes();
                assert_eq!(*sum, expected, "{scalar:?}");
                let mut windows = Points::IDENTITY;
                table.add_windows(&scalar, &mut windows);
                let total = Points::of(&[windows.total()]);
                assert_eq!(encode_all(&[total])[0][0], expected, "{scalar:?}");
            }
        }
    }
}
