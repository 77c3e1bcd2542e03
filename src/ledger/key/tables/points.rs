//! Eight points of edwards25519 side by side, as far as tables of multiples and
//! sums out of them need it.
//!
//! One side of an addition is a multiple out of a table, of which everything
//! that can be computed ahead was: seven multiplications instead of nine. The
//! law is that of Hisil, Wong, Carter and Dawson (2008, §3.1) for a = −1, which
//! is **complete** on this curve: it holds for any two points, equal, opposite
//! or of small order, and so there are no cases.
//!
//! Anyone who calls is compiled for the processor's vector instructions; all here
//! is inlined there.

use super::eight::{Eight, LANES, inverted_all};
use super::field::{Element, Halves};
use super::point::{Point, d, encoding, twice_d};

/// Eight points: x = X/Z, y = Y/Z, and T = XY/Z.
#[derive(Clone, Copy)]
pub(super) struct Points {
    x: Eight,
    y: Eight,
    z: Eight,
    t: Eight,
}

/// A point out of a table: (y + x)/2, (y − x)/2 and d·x·y, tight. The halves
/// spare a doubling in every addition. Two cache lines.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct Ready {
    plus: Halves,
    minus: Halves,
    product: Halves,
}

/// Eight ready points side by side, or their negatives: what is to be multiplied by
/// y − x, by y + x and by t.
pub(super) struct Readies {
    first: Eight,
    second: Eight,
    third: Eight,
    /// All ones where the third is to be negative.
    negative: [u64; LANES],
}

impl Points {
    pub(super) const IDENTITY: Points = Points {
        x: Eight::ZERO,
        y: Eight::ONE,
        z: Eight::ONE,
        t: Eight::ZERO,
    };

    /// One point a lane, and the identity where there are fewer.
    pub(super) fn of(points: &[Point]) -> Points {
        let gather = |coordinate: fn(&Point) -> &Element, missing: Element| {
            let mut elements = [missing.halves(); LANES];
            for (place, point) in elements.iter_mut().zip(points) {
                *place = coordinate(point).halves();
            }
            Eight::gather(elements.each_ref())
        };
        Points {
            x: gather(|point| &point.x, Element::ZERO),
            y: gather(|point| &point.y, Element::ONE),
            z: gather(|point| &point.z, Element::ONE),
            t: gather(|point| &point.t, Element::ZERO),
        }
    }

    /// The sum of the eight.
    pub(super) fn total(&self) -> Point {
        let [xs, ys, zs, ts] = [&self.x, &self.y, &self.z, &self.t].map(Eight::elements);
        let coordinates = xs.into_iter().zip(ys).zip(zs).zip(ts);
        let points = coordinates.map(|(((x, y), z), t)| Point { x, y, z, t });
        let twice_d = twice_d();
        let sum = points.reduce(|sum, point| sum.sum(&point, &twice_d));
        sum.unwrap_or(Point::IDENTITY)
    }

    #[inline(always)]
    pub(super) fn add(&mut self, ready: &Readies) {
        let a = self.y.minus(&self.x).times(&ready.first);
        let b = self.y.plus(&self.x).times(&ready.second);
        let c = self.t.times(&ready.third);
        let (e, h) = (b.minus(&a), b.plus(&a));
        let (mut f, mut g) = (self.z.minus(&c), self.z.plus(&c));
        Eight::swap_where(&ready.negative, &mut f, &mut g);
        self.x = e.times(&f);
        self.y = g.times(&h);
        self.z = f.times(&g);
        self.t = e.times(&h);
    }
}

impl Readies {
    /// Each of the eight, or its negative: then y − x and y + x change places,
    /// and the product its sign.
    #[inline(always)]
    pub(super) fn gather(ready: [(&Ready, bool); LANES]) -> Readies {
        let first = ready.map(|(ready, negative)| match negative {
            true => &ready.plus,
            false => &ready.minus,
        });
        let second = ready.map(|(ready, negative)| match negative {
            true => &ready.minus,
            false => &ready.plus,
        });
        Readies {
            first: Eight::gather(first),
            second: Eight::gather(second),
            third: Eight::gather(ready.map(|(ready, _)| &ready.product)),
            negative: ready.map(|(_, negative)| u64::from(negative).wrapping_neg()),
        }
    }

    #[inline(always)]
    pub(super) fn side_by_side(ready: &[Ready; LANES]) -> Readies {
        Readies::gather(ready.each_ref().map(|ready| (ready, false)))
    }
}

/// Each point made ready, and how they are told apart: none is at infinity, so
/// none has a Z of zero.
#[inline(always)]
pub(super) fn ready_all(points: &[Points]) -> Vec<[Ready; LANES]> {
    let d = Eight::all(&d());
    let half = Eight::all(&Element::small(2).inverted());
    let zs: Vec<_> = points.iter().map(|points| points.z).collect();
    let mut ready = Vec::with_capacity(points.len());
    for (points, inverse) in points.iter().zip(inverted_all(&zs)) {
        let (x, y) = (points.x.times(&inverse), points.y.times(&inverse));
        let mut plus = y.plus(&x).times(&half).halves().into_iter();
        let mut minus = y.minus(&x).times(&half).halves().into_iter();
        let product = x.times(&y).times(&d).halves();
        ready.push(product.map(|product| Ready {
            plus: plus.next().unwrap_or_default(),
            minus: minus.next().unwrap_or_default(),
            product,
        }));
    }
    ready
}

#[inline(always)]
pub(super) fn encode_all(points: &[Points]) -> Vec<[[u8; 32]; LANES]> {
    let zs: Vec<_> = points.iter().map(|points| points.z).collect();
    let mut encodings = Vec::with_capacity(points.len());
    for (points, inverse) in points.iter().zip(inverted_all(&zs)) {
        let mut xs = points.x.times(&inverse).elements().into_iter();
        let ys = points.y.times(&inverse).elements();
        encodings.push(ys.map(|y| encoding(&xs.next().unwrap_or(Element::ZERO), &y)));
    }
    encodings
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
    fn every_sum_and_difference_in_every_lane_is_that_of_the_library() {
        let (theirs, twice_d) = (points(), twice_d());
        let ours: Vec<_> = theirs.iter().map(own).collect();
        // With a Z that is not one, as it is in the middle of a sum.
        let scaled: Vec<_> = ours.iter().map(|p| p.sum(&ours[7], &twice_d)).collect();
        let encode = |point: EdwardsPoint| point.compress().to_bytes();
        for (turn, their) in theirs.iter().enumerate() {
            for first in 0..theirs.len() {
                // Another neighbour beside each, in another lane each time.
                let at: [usize; LANES] = std::array::from_fn(|lane| (first + lane) % theirs.len());
                let ready = ready_all(&[Points::of(&at.map(|at| scaled[at]))]);
                let sum = Points::of(&[ours[turn]; LANES]);
                for negative in [[false; LANES], [true; LANES], at.map(|at| at % 3 == 1)] {
                    let mut lanes = negative.iter();
                    let signed = ready[0].each_ref().map(|r| (r, *lanes.next().unwrap()));
                    let mut sum = sum;
                    sum.add(&Readies::gather(signed));
                    let expected = std::array::from_fn(|lane| {
                        let other = theirs[at[lane]] + theirs[7];
                        encode(if negative[lane] {
                            their - other
                        } else {
                            their + other
                        })
                    });
                    assert_eq!(encode_all(&[sum]), [expected]);
                }
            }
        }
    }

    #[test]
    fn a_total_is_the_sum_of_all_lanes() {
        let theirs = points();
        for some in theirs.windows(LANES) {
            let sum: EdwardsPoint = some.iter().sum();
            let ours: Vec<_> = some.iter().map(own).collect();
            let total = Points::of(&[Points::of(&ours).total()]);
            assert_eq!(encode_all(&[total])[0][0], sum.compress().to_bytes());
        }
    }

    #[test]
    fn where_there_are_fewer_than_eight_the_others_are_the_identity() {
        let base = own(&ED25519_BASEPOINT_POINT);
        let [encodings] = encode_all(&[Points::of(&[base])])[..] else {
            unreachable!()
        };
        assert_eq!(encodings[0], ED25519_BASEPOINT_POINT.compress().to_bytes());
        let identity = EdwardsPoint::identity().compress().to_bytes();
        assert_eq!(encodings[1..], [identity; LANES - 1]);
    }
}
