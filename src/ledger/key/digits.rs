//! Scalars written in digits, of which a table has the multiples.

use curve25519_dalek::Scalar;

use super::eight::LANES;

/// How wide the windows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    /// 8 bits: 32 additions, 516 KiB; worth it from a hundred signatures on.
    Narrow,
    /// 11 bits: 23 additions, 2.9 MiB; worth it from tens of thousands on. With
    /// 12 bits there would be one addition less and twice the memory to miss a
    /// cache in.
    Wide,
}

impl Width {
    pub(super) const fn bits(self) -> u32 {
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
    pub(super) const fn row(self) -> usize {
        (1 << (self.bits() - 1)) + 1
    }
}

/// The digits of many scalars, window by window, side by side as the sums are
/// to which their multiples are added.
pub(super) struct Digits {
    width: Width,
    windows: Vec<Vec<[i16; LANES]>>,
}

impl Digits {
    /// Of `count` scalars, all of them zero.
    pub(super) fn new(width: Width, count: usize) -> Digits {
        let window = vec![[0; LANES]; count.div_ceil(LANES)];
        Digits {
            width,
            windows: vec![window; width.windows()],
        }
    }

    /// Makes the scalar at `at`, which was zero, `scalar`.
    pub(super) fn put(&mut self, at: usize, scalar: &Scalar) {
        for (window, digit) in self.windows.iter_mut().zip(digits(scalar, self.width)) {
            if let Some(place) = window.as_flattened_mut().get_mut(at) {
                *place = digit;
            }
        }
    }

    /// From the lowest up.
    pub(super) fn windows(&self) -> &[Vec<[i16; LANES]>] {
        &self.windows
    }
}

/// The digits of `scalar`, one a window, the lowest first.
fn digits(scalar: &Scalar, width: Width) -> impl Iterator<Item = i16> {
    let bits = width.bits();
    let half = 1_i32 << (bits - 1);
    let mut bytes = scalar.to_bytes().into_iter();
    let (mut waiting, mut have) = (0_u32, 0);
    let mut carry = 0;
    (0..width.windows()).map(move |_| {
        while have < bits {
            waiting |= bytes.next().map_or(0, u32::from) << have;
            have += 8;
        }
        let mut digit = (waiting & ((1 << bits) - 1)) as i32 + carry;
        waiting >>= bits;
        have -= bits;
        carry = i32::from(digit > half);
        digit -= carry << bits;
        digit as i16
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
        for width in [Width::Narrow, Width::Wide] {
            let half = 1 << (width.bits() - 1);
            for scalar in scalars() {
                let digits: Vec<_> = digits(&scalar, width).collect();
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
