//! Scalars written in digits, of which a table has the multiples.

use curve25519_dalek::Scalar;

use super::eight::LANES;

/// The width of a window: 32 additions for a scalar, and a table of 516 KiB, so
/// that those of a key and of the base point fit a processor's cache together.
/// Wider windows need fewer additions, which wait for memory instead.
pub(super) const BITS: u32 = 8;

/// Windows that hold every scalar below the group order, which is just over
/// 2^252. The last window cannot carry: it has four bits to spare.
pub(super) const WINDOWS: usize = 32;

/// Multiples in one window: 0 to 2^(w−1). That of digit 0 spares a case.
pub(super) const ROW: usize = (1 << (BITS - 1)) + 1;

/// The digits of many scalars, window by window, side by side as the sums are
/// to which their multiples are added.
pub(super) struct Digits {
    windows: Vec<Vec<[i16; LANES]>>,
}

impl Digits {
    /// Of `count` scalars, all of them zero.
    pub(super) fn new(count: usize) -> Digits {
        let window = vec![[0; LANES]; count.div_ceil(LANES)];
        Digits {
            windows: vec![window; WINDOWS],
        }
    }

    /// Makes the scalar at `at`, which was zero, `scalar`.
    pub(super) fn put(&mut self, at: usize, scalar: &Scalar) {
        for (window, digit) in self.windows.iter_mut().zip(digits(scalar)) {
            if let Some(place) = window.as_flattened_mut().get_mut(at) {
                *place = digit;
            }
        }
    }

    pub(super) fn windows(&self) -> &[Vec<[i16; LANES]>] {
        &self.windows
    }
}

/// The digits of one scalar, the lowest first.
pub(super) fn digits(scalar: &Scalar) -> impl Iterator<Item = i16> {
    let mut carry = 0;
    scalar.to_bytes().into_iter().map(move |byte| {
        let digit = i16::from(byte) + carry;
        carry = i16::from(digit > 1 << (BITS - 1));
        digit - (carry << BITS)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Those where windows carry into each other, and those at the ends.
    pub(in super::super) fn scalars() -> Vec<Scalar> {
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
    fn digits_are_in_range_and_sum_to_the_scalar() {
        let half = 1 << (BITS - 1);
        for scalar in scalars() {
            let digits: Vec<_> = digits(&scalar).collect();
            assert_eq!(digits.len(), WINDOWS);
            let radix = Scalar::from(1_u64 << BITS);
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
