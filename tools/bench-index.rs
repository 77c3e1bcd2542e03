//! The two structures that an index of all epochs may have, measured on the same terms:
//! trees of `2^k` epochs that are merged, and one sparse Merkle map that changes.
//!
//! `cargo run --release --no-default-features --example bench-index [EPOCHS] [TERMS]`:
//! by default 10 000 epochs of 1 000 terms, of which 10 are in every epoch.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "it prints what it measured, and stops where it fails"
)]

use std::time::{Duration, Instant};

use sealbook::ledger::epoch::{EpochTree, leaf_hash};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::index::cover::{Block, cover, newly_merged};
use sealbook::ledger::index::leaf::{Count, Leaf, leaf_hashes, merged, root_of};
use sealbook::ledger::key::Signature;
use sealbook::ledger::merkle::NodeHasher as _;
use sealbook::ledger::position::{EpochNumber, Seq};

/// Terms that every epoch has.
const COMMON: u64 = 10;

/// Characters of a hash in a file, with quotes and a comma.
const SPELT: u64 = 67;

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse::<u64>().unwrap());
    let (epochs, terms) = (args.next().unwrap_or(10_000), args.next().unwrap_or(1_000));
    trees(epochs, terms);
    map(epochs, terms);
}

/// The sorted leaves of an epoch.
fn leaves(epoch: u64, terms: u64) -> Vec<Leaf> {
    let entry = leaf_hash(
        &Hash::of(&epoch.to_be_bytes()),
        &Signature::from_bytes([7; 64]),
    );
    let place = |n: u64| match n < COMMON {
        true => Hash::of(&n.to_be_bytes()),
        false => Hash::of(&[epoch.to_be_bytes(), n.to_be_bytes()].concat()),
    };
    let leaf = |n| Leaf {
        place: place(n),
        count: Count::NONE.and(Seq(epoch * terms + n), &entry),
    };
    let mut leaves: Vec<_> = (0..terms).map(leaf).collect();
    leaves.sort_unstable_by_key(|leaf| leaf.place);
    leaves
}

fn trees(epochs: u64, terms: u64) {
    let since = EpochNumber::FIRST;
    let mut kept: Vec<(Block, Vec<Leaf>)> = Vec::new();
    let (mut seals, mut merges) = (Duration::ZERO, Duration::ZERO);
    let (mut longest, mut written) = (Duration::ZERO, 0);
    for epoch in 0..epochs {
        let own = leaves(epoch, terms);
        let begun = Instant::now();
        let _ = root_of(&own);
        seals += begun.elapsed();
        written += own.len() as u64;
        kept.push((
            Block {
                level: 0,
                index: epoch,
            },
            own,
        ));
        let Some(block) = newly_merged(since, EpochNumber(epoch)) else {
            continue;
        };
        let inside = |own: &Block| {
            own.index >> (block.level - own.level.min(block.level)) == block.index
                && own.level < block.level
        };
        let begun = Instant::now();
        let from = kept.iter().position(|(own, _)| inside(own)).unwrap();
        let mut parts = kept.split_off(from);
        let end = parts
            .iter()
            .position(|(own, _)| !inside(own))
            .unwrap_or(parts.len());
        let rest = parts.split_off(end);
        let mut all = parts.pop().unwrap().1;
        while let Some((_, left)) = parts.pop() {
            let left = left.into_iter().map(Ok::<_, ()>);
            all = merged(left, all.into_iter().map(Ok))
                .map(Result::unwrap)
                .collect();
        }
        let _ = root_of(&all);
        written += all.len() as u64;
        let took = begun.elapsed();
        (merges, longest) = (merges + took, longest.max(took));
        kept.push((block, all));
        kept.extend(rest);
    }
    println!(
        "trees: own tree of an epoch {:?}",
        seals / u32::try_from(epochs).unwrap()
    );
    println!("trees: merging all {merges:?}, the longest {longest:?}");
    println!(
        "trees: leaves written a leaf {:.1}",
        written as f64 / (epochs * terms) as f64
    );
    let sizes: Vec<_> = kept.iter().map(|(_, leaves)| leaves.len() as u64).collect();
    println!(
        "trees: {} under the last header, {} leaves",
        sizes.len(),
        sizes.iter().sum::<u64>()
    );
    // A term that no epoch has, of every place; and the epochs under which most trees stand.
    let (mut most, mut sum) = (0, 0);
    for n in 0..1_000_u64 {
        let place = Hash::of(&n.to_le_bytes());
        let hashes: u64 = kept.iter().map(|(_, leaves)| absent(leaves, &place)).sum();
        (most, sum) = (most.max(hashes), sum + hashes);
    }
    let fixed = kept.len() as u64 * 230;
    println!(
        "trees: a proof of absence has {} hashes, at most {most}: some {} and {} bytes of JSON",
        sum / 1_000,
        sum / 1_000 * SPELT + fixed,
        most * SPELT + fixed
    );
    let worst = (0..epochs)
        .max_by_key(|epoch| cover(since, EpochNumber(*epoch)).len())
        .unwrap();
    let blocks = cover(since, EpochNumber(worst));
    let level = |block: &Block| (terms << block.level).ilog2() as u64 + 2;
    let hashes: u64 = blocks.iter().map(level).sum();
    println!(
        "trees: under header {worst} stand the most, {}: some {} bytes",
        blocks.len(),
        hashes * SPELT + blocks.len() as u64 * 230
    );
}

/// The hashes that show that a place is not there.
fn absent(leaves: &[Leaf], place: &Hash) -> u64 {
    let size = leaves.len() as u64;
    let at = leaves.partition_point(|leaf| leaf.place < *place) as u64;
    let (first, end) = (at.saturating_sub(1), (at + 1).min(size));
    use sealbook::ledger::merkle::LeafRange;
    let subtrees = |start, end| LeafRange { start, end }.subtrees().count() as u64;
    subtrees(0, first) + subtrees(end, size) + 2 * (end - first)
}

/// A node of the map: a hash, and of an inner one its halves. Numbers, not boxes: there
/// are as many as terms twice.
#[derive(Clone, Copy)]
enum Node {
    Empty,
    Leaf(u32),
    Inner(Hash, u32, u32),
}

struct Map {
    nodes: Vec<Node>,
    leaves: Vec<(Leaf, Hash)>,
    hashed: u64,
    rows: u64,
}

impl Map {
    fn hash(&self, node: u32) -> Hash {
        match self.nodes[node as usize] {
            Node::Empty => Hash::ZERO,
            Node::Leaf(leaf) => self.leaves[leaf as usize].1,
            Node::Inner(hash, ..) => hash,
        }
    }

    /// Puts sorted leaves under a node, which is replaced: versions are kept.
    fn put(&mut self, node: u32, depth: u32, new: &[(Leaf, Hash)]) -> u32 {
        if new.is_empty() {
            return node;
        }
        let made = match self.nodes[node as usize] {
            Node::Empty if new.len() == 1 => {
                self.leaves.push(new[0]);
                Node::Leaf(u32::try_from(self.leaves.len() - 1).unwrap())
            }
            Node::Leaf(old)
                if new.len() == 1 && self.leaves[old as usize].0.place == new[0].0.place =>
            {
                let count = Count::joined(&self.leaves[old as usize].0.count, &new[0].0.count);
                let leaf = Leaf {
                    place: new[0].0.place,
                    count,
                };
                self.leaves[old as usize] = (leaf, leaf_hashes(&[leaf])[0]);
                Node::Leaf(old)
            }
            node => {
                let (mut left, mut right) = match node {
                    Node::Inner(_, left, right) => (left, right),
                    _ => (0, 0),
                };
                if let Node::Leaf(old) = node {
                    let at = self.push(Node::Leaf(old));
                    match bit(&self.leaves[old as usize].0.place, depth) {
                        false => left = at,
                        true => right = at,
                    }
                }
                let split = new.partition_point(|(leaf, _)| !bit(&leaf.place, depth));
                let left = self.put(left, depth + 1, &new[..split]);
                let right = self.put(right, depth + 1, &new[split..]);
                self.hashed += 1;
                self.rows += u64::from(depth.is_multiple_of(4));
                Node::Inner(
                    EpochTree::node(&self.hash(left), &self.hash(right)),
                    left,
                    right,
                )
            }
        };
        match node {
            0 => self.push(made),
            node => {
                self.nodes[node as usize] = made;
                node
            }
        }
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).unwrap()
    }

    fn siblings(&self, place: &Hash) -> u64 {
        let (mut node, mut depth, mut siblings) = (1, 0, 0);
        while let Node::Inner(_, left, right) = self.nodes[node as usize] {
            let (next, sibling) = match bit(place, depth) {
                false => (left, right),
                true => (right, left),
            };
            siblings += u64::from(!matches!(self.nodes[sibling as usize], Node::Empty));
            (node, depth) = (next, depth + 1);
        }
        siblings
    }
}

fn bit(place: &Hash, depth: u32) -> bool {
    place.as_bytes()[depth as usize / 8] >> (7 - depth % 8) & 1 == 1
}

fn map(epochs: u64, terms: u64) {
    let mut map = Map {
        nodes: vec![Node::Empty, Node::Inner(Hash::ZERO, 0, 0)],
        leaves: Vec::new(),
        hashed: 0,
        rows: 0,
    };
    let (mut all, mut longest) = (Duration::ZERO, Duration::ZERO);
    for epoch in 0..epochs {
        let own = leaves(epoch, terms);
        let begun = Instant::now();
        let hashes = leaf_hashes(&own);
        let own: Vec<_> = own.into_iter().zip(hashes).collect();
        map.put(1, 0, &own);
        let took = begun.elapsed();
        (all, longest) = (all + took, longest.max(took));
    }
    println!("map: changing it in memory {all:?}, the longest {longest:?}");
    println!(
        "map: nodes hashed a term {:.1}; rows of 16 nodes read and written at random a term {:.2}",
        map.hashed as f64 / (epochs * terms) as f64,
        map.rows as f64 / (epochs * terms) as f64
    );
    let (mut most, mut sum) = (0, 0);
    for n in 0..1_000_u64 {
        let siblings = map.siblings(&Hash::of(&n.to_le_bytes()));
        (most, sum) = (most.max(siblings), sum + siblings);
    }
    println!(
        "map: a proof has {} hashes, at most {most}: some {} bytes of JSON, and 2 trees of fresh epochs {}",
        sum / 1_000,
        (sum / 1_000 + 2) * SPELT + 230,
        2 * ((terms.ilog2() as u64 + 2) * SPELT + 230)
    );
}
