//! Points of edwards25519, as far as the bases of a table of multiples need
//! them: read, and doubled. The law is that of [`super::points`].

use std::sync::LazyLock;

use super::field::Element;

/// A point: x = X/Z, y = Y/Z, and T = XY/Z.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: Element,
    pub(super) y: Element,
    pub(super) z: Element,
    pub(super) t: Element,
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
        (encoding(&point.x, &point.y) == *bytes).then_some(point)
    }

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

/// The canonical encoding of the point (x, y).
pub(super) fn encoding(x: &Element, y: &Element) -> [u8; 32] {
    let mut bytes = y.to_bytes();
    let [.., last] = &mut bytes;
    *last |= u8::from(x.is_odd()) << 7;
    bytes
}

/// The curve's constant, −121665/121666.
pub(super) fn d() -> Element {
    static D: LazyLock<Element> = LazyLock::new(|| {
        let below = Element::small(121_666).inverted();
        Element::small(121_665).negated().times(&below)
    });
    *D
}

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

    use super::*;

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
