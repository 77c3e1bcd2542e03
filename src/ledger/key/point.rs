//! Points of edwards25519, as far as a table of multiples needs them.
//!
//! curve25519-dalek adds points in one form only. Here one side is a multiple
//! out of a table, of which everything that can be computed ahead was: seven
//! multiplications instead of nine, and a smaller table. The law is that of
//! Hisil, Wong, Carter and Dawson (2008, §3.1) for a = −1, which is **complete**
//! on this curve: it holds for any two points, equal, opposite or of small
//! order, and so there are no cases.

use super::field::{Element, inverted_all};

/// A point: x = X/Z, y = Y/Z, and T = XY/Z.
#[derive(Clone, Copy)]
pub(super) struct Point {
    x: Element,
    y: Element,
    z: Element,
    t: Element,
}

/// A point out of a table: (y + x)/2, (y − x)/2 and d·x·y. The halves spare a
/// doubling in every addition.
#[derive(Clone, Copy)]
pub(super) struct Ready {
    plus: Element,
    minus: Element,
    product: Element,
}

impl Point {
    pub(super) const IDENTITY: Point = Point {
        x: Element::ZERO,
        y: Element::ONE,
        z: Element::ONE,
        t: Element::ZERO,
    };

    /// The point of a canonical encoding, if it is one.
    pub(super) fn decode(bytes: &[u8; 32]) -> Option<Point> {
        let y = Element::from_bytes(bytes);
        let squared = y.times(&y);
        let above = squared.minus(&Element::ONE).carried();
        let below = d().times(&squared).plus(&Element::ONE).carried();
        let root = above.root_of_quotient(&below)?;
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let x = if root.is_odd() == negative {
            root
        } else {
            root.negated()
        };
        let point = Point {
            x,
            y,
            z: Element::ONE,
            t: x.times(&y),
        };
        // So that nothing that is built on it can be of another point.
        (encode_all(&[point]) == [*bytes]).then_some(point)
    }

    /// Adds a point out of a table, or takes it away.
    #[inline(always)]
    pub(super) fn add(&mut self, ready: &Ready, negative: bool) {
        let (first, second) = if negative {
            (&ready.plus, &ready.minus)
        } else {
            (&ready.minus, &ready.plus)
        };
        let a = self.y.minus(&self.x).times(&first.loose());
        let b = self.y.plus(&self.x).times(&second.loose());
        let c = self.t.times(&ready.product);
        let (e, h) = (b.minus(&a), b.plus(&a));
        let (f, g) = (self.z.minus(&c), self.z.plus(&c));
        let (f, g) = if negative { (g, f) } else { (f, g) };
        self.x = e.times(&f);
        self.y = g.times(&h);
        self.z = f.times(&g);
        self.t = e.times(&h);
    }

    /// The sum of any two points.
    pub(super) fn sum(&self, other: &Point, twice_d: &Element) -> Point {
        let a = self.y.minus(&self.x).times(&other.y.minus(&other.x));
        let b = self.y.plus(&self.x).times(&other.y.plus(&other.x));
        let c = self.t.times(twice_d).times(&other.t);
        let product = self.z.times(&other.z);
        let two = product.plus(&product).carried();
        let (e, f) = (b.minus(&a), two.minus(&c));
        let (g, h) = (two.plus(&c), b.plus(&a));
        Point {
            x: e.times(&f),
            y: g.times(&h),
            z: f.times(&g),
            t: e.times(&h),
        }
    }
}

impl Ready {
    /// Each point made ready, and how they are told apart: none is at infinity,
    /// so none has a Z of zero.
    pub(super) fn all(points: &[Point]) -> Vec<Ready> {
        let (d, half) = (d(), Element::small(2).inverted());
        let zs: Vec<_> = points.iter().map(|point| point.z).collect();
        let inverses = inverted_all(&zs);
        let ready = |(point, inverse): (&Point, &Element)| {
            let (x, y) = (point.x.times(inverse), point.y.times(inverse));
            Ready {
                plus: y.plus(&x).times(&half.loose()),
                minus: y.minus(&x).times(&half.loose()),
                product: x.times(&y).times(&d),
            }
        };
        points.iter().zip(&inverses).map(ready).collect()
    }
}

/// The canonical encoding of each point.
pub(super) fn encode_all(points: &[Point]) -> Vec<[u8; 32]> {
    let zs: Vec<_> = points.iter().map(|point| point.z).collect();
    let encode = |(point, inverse): (&Point, &Element)| {
        let mut bytes = point.y.times(inverse).to_bytes();
        let [.., last] = &mut bytes;
        *last |= u8::from(point.x.times(inverse).is_odd()) << 7;
        bytes
    };
    let inverses = inverted_all(&zs);
    points.iter().zip(&inverses).map(encode).collect()
}

/// The curve's constant, −121665/121666.
fn d() -> Element {
    let below = Element::small(121_666).inverted();
    Element::small(121_665).negated().times(&below)
}

/// Twice the curve's constant.
pub(super) fn twice_d() -> Element {
    let d = d();
    d.plus(&d).carried()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed step fails the test"
    )]

    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::traits::Identity;
    use curve25519_dalek::{EdwardsPoint, Scalar};

    use super::*;

    /// Small order, large order, both, and opposites: where an incomplete law
    /// would have its exceptions.
    fn points() -> Vec<EdwardsPoint> {
        let base = ED25519_BASEPOINT_POINT;
        let mut points = vec![EdwardsPoint::identity(), base, -base, base + base];
        points.extend(EIGHT_TORSION);
        points.extend(EIGHT_TORSION.map(|small| small + base));
        points.extend((1..20_u64).map(|n| base * Scalar::from(n.pow(13))));
        points
    }

    fn own(point: &EdwardsPoint) -> Point {
        Point::decode(point.compress().as_bytes()).unwrap()
    }

    #[test]
    fn every_sum_and_difference_is_that_of_the_library() {
        let (theirs, twice_d) = (points(), twice_d());
        let ours: Vec<_> = theirs.iter().map(own).collect();
        // With a Z that is not one, as it is in the middle of a sum.
        let scaled: Vec<_> = ours.iter().map(|p| p.sum(&ours[7], &twice_d)).collect();
        let ready = Ready::all(&scaled);
        for (their, our) in theirs.iter().zip(&ours) {
            for (at, other) in theirs.iter().enumerate() {
                let other = other + theirs[7];
                let expected = [their + other, their - other].map(|p| p.compress().to_bytes());
                let (mut plus, mut minus) = (*our, *our);
                plus.add(&ready[at], false);
                minus.add(&ready[at], true);
                assert_eq!(encode_all(&[plus, minus]), expected);
                let sum = our.sum(&scaled[at], &twice_d);
                assert_eq!(encode_all(&[sum]), expected[..1]);
            }
        }
    }

    #[test]
    fn what_is_no_canonical_encoding_is_not_decoded() {
        let mut decoded = 0;
        for low in 0..=255 {
            for bytes in [[low; 32], {
                let mut bytes = [0xff; 32];
                bytes[0] = low;
                bytes
            }] {
                let theirs = curve25519_dalek::edwards::CompressedEdwardsY(bytes);
                let theirs = theirs.decompress().filter(|p| p.compress() == theirs);
                assert_eq!(Point::decode(&bytes).is_some(), theirs.is_some());
                decoded += usize::from(theirs.is_some());
            }
        }
        assert!(decoded > 50);
    }
}
