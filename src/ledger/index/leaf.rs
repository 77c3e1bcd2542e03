//! Leaves of an index tree, and the trees over them.

use super::super::epoch::EpochFrontier;
use super::super::hash::Hash;
use super::super::position::Seq;

/// How often a term is met in some epochs, and a digest of where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many entries have it.
    pub entries: u64,
    /// Of which entries: no two lists of entries have one digest.
    pub digest: Hash,
}

/// A term in an index tree: its place, by which leaves are sorted, and its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Where it stands.
    pub place: Hash,
    /// What is counted.
    pub count: Count,
}

impl Count {
    /// Of no entries yet.
    pub const NONE: Count = Count {
        entries: 0,
        digest: Hash::ZERO,
    };

    /// Takes the next entry of one epoch, by number and leaf of the epoch tree:
    /// `digest = H(0x04 ‖ digest ‖ seq ‖ leaf)`, from zeros on. The leaf covers a
    /// signature, so nobody guesses the digest of few entries.
    #[must_use]
    pub fn and(self, seq: Seq, leaf: &Hash) -> Count {
        let (before, number) = (self.digest.as_bytes(), seq.0.to_be_bytes());
        Count {
            entries: self.entries.saturating_add(1),
            digest: Hash::of(&[&[0x04], &before[..], &number, leaf.as_bytes()].concat()),
        }
    }

    /// Of two halves of one block of epochs: `digest = H(0x05 ‖ left ‖ right)`.
    #[must_use]
    pub fn joined(left: &Count, right: &Count) -> Count {
        let (a, b) = (left.digest.as_bytes(), right.digest.as_bytes());
        Count {
            entries: left.entries.saturating_add(right.entries),
            digest: Hash::of(&[&[0x05], &a[..], b].concat()),
        }
    }

    /// What a neighbour's leaf shows of it: `H(0x03 ‖ entries ‖ digest)`.
    #[must_use]
    pub fn hidden(&self) -> Hash {
        let (entries, digest) = (self.entries.to_be_bytes(), self.digest.as_bytes());
        Hash::of(&[&[0x03], &entries[..], digest].concat())
    }
}

impl Leaf {
    /// In a store: place, entries, digest.
    pub const BYTES: usize = 2 * Hash::BYTES + 8;

    /// The leaf as it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Leaf::BYTES] {
        let mut bytes = [0; Leaf::BYTES];
        let (place, rest) = bytes.split_at_mut(Hash::BYTES);
        let (entries, digest) = rest.split_at_mut(8);
        place.copy_from_slice(self.place.as_bytes());
        entries.copy_from_slice(&self.count.entries.to_be_bytes());
        digest.copy_from_slice(self.count.digest.as_bytes());
        bytes
    }

    /// The inverse of [`Leaf::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Leaf::BYTES]) -> Option<Leaf> {
        let (place, rest) = bytes.split_first_chunk()?;
        let (entries, digest) = rest.split_first_chunk()?;
        Some(Leaf {
            place: Hash::from_bytes(*place),
            count: Count {
                entries: u64::from_be_bytes(*entries),
                digest: Hash::from_bytes(*digest.first_chunk()?),
            },
        })
    }
}

/// `leaf = H(0x02 ‖ place ‖ hidden count)`.
#[must_use]
pub fn leaf_hash(place: &Hash, hidden: &Hash) -> Hash {
    Hash::of(&leaf_bytes(place, hidden))
}

/// [`leaf_hash`] of many, made together.
#[must_use]
pub fn leaf_hashes(leaves: &[Leaf]) -> Vec<Hash> {
    let bytes = leaves
        .iter()
        .map(|leaf| leaf_bytes(&leaf.place, &leaf.count.hidden()));
    let bytes: Vec<_> = bytes.collect();
    Hash::of_each(bytes.iter().map(Vec::as_slice))
}

fn leaf_bytes(place: &Hash, hidden: &Hash) -> Vec<u8> {
    [&[0x02], &place.as_bytes()[..], hidden.as_bytes()].concat()
}

/// The root of a tree over `leaves`, sorted and each place once; `None` of none.
/// Nodes and shape are those of the epoch tree.
#[must_use]
pub fn root_of(leaves: &[Leaf]) -> Option<Hash> {
    let mut frontier = EpochFrontier::new();
    for part in leaves.chunks(TOGETHER) {
        frontier.extend(&leaf_hashes(part));
    }
    frontier.root()
}

/// The same of leaves that are read one by one.
///
/// # Errors
/// The first one among them.
pub fn root_of_each<E>(leaves: impl Iterator<Item = Result<Leaf, E>>) -> Result<Option<Hash>, E> {
    let mut frontier = EpochFrontier::new();
    let mut next = Vec::new();
    for leaf in leaves {
        next.push(leaf?);
        if next.len() == TOGETHER {
            frontier.extend(&leaf_hashes(&next));
            next.clear();
        }
    }
    frontier.extend(&leaf_hashes(&next));
    Ok(frontier.root())
}

/// Leaves that are hashed together.
pub(super) const TOGETHER: usize = 1 << 10;

/// Leaves of two neighbouring blocks of epochs, each sorted, as those of the block
/// that both make.
pub fn merged<E>(
    left: impl Iterator<Item = Result<Leaf, E>>,
    right: impl Iterator<Item = Result<Leaf, E>>,
) -> impl Iterator<Item = Result<Leaf, E>> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || {
        let (Some(Ok(a)), Some(Ok(b))) = (left.peek(), right.peek()) else {
            // An error comes first, wherever it is; else the other side has ended.
            return match (left.peek(), right.peek()) {
                (Some(Err(_)), _) | (Some(_), None) => left.next(),
                _ => right.next(),
            };
        };
        match a.place.cmp(&b.place) {
            std::cmp::Ordering::Less => left.next(),
            std::cmp::Ordering::Greater => right.next(),
            std::cmp::Ordering::Equal => {
                let joined = Leaf {
                    place: a.place,
                    count: Count::joined(&a.count, &b.count),
                };
                let _ = (left.next(), right.next());
                Some(Ok(joined))
            }
        }
    })
}
