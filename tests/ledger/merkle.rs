//! The tree: brute force over small sizes, an oracle, and public vectors.

use std::fs;

use rs_merkle::{Hasher, MerkleTree};
use sealbook::ledger::epoch::{EpochFrontier, EpochTree};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::merkle::{
    Climb, Frontier, NodeHasher, PathError, fold_range, path_ranges, root_from_path,
    roots_from_paths,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::vectors::third_party;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| Hash::of(&n.to_be_bytes())).collect()
}

fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = EpochFrontier::new();
    for leaf in leaves {
        frontier.push(*leaf, |_, _| ());
    }
    frontier.root().unwrap()
}

/// The definition of RFC 6962 §2.1, word for word.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let split = 1 << (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(split);
            EpochTree::node(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

fn path(leaves: &[Hash], index: u64) -> Vec<Hash> {
    let ranges = path_ranges(index, leaves.len() as u64).unwrap();
    let hash = |range: sealbook::ledger::merkle::LeafRange| {
        let subtree = |s: sealbook::ledger::merkle::Subtree| {
            let start = (s.index << s.level) as usize;
            root_by_definition(&leaves[start..start + (1 << s.level)])
        };
        let subtrees: Vec<_> = range.subtrees().map(subtree).collect();
        fold_range::<EpochTree>(&subtrees).unwrap()
    };
    ranges.into_iter().map(hash).collect()
}

#[derive(Clone)]
struct Oracle;

impl Hasher for Oracle {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        *Hash::of(data).as_bytes()
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        match right {
            Some(right) => *Hash::of_parts(&[&[1], left, right]).as_bytes(),
            None => *left,
        }
    }
}

#[test]
fn roots_are_those_of_the_definition_and_of_rs_merkle() {
    for size in 1..=130 {
        let leaves = leaves(size);
        let expected = root_by_definition(&leaves);
        assert_eq!(root(&leaves), expected, "size {size}");
        let raw: Vec<[u8; 32]> = leaves.iter().map(|leaf| *leaf.as_bytes()).collect();
        let oracle = MerkleTree::<Oracle>::from_leaves(&raw);
        assert_eq!(oracle.root().unwrap(), *expected.as_bytes(), "size {size}");
    }
}

#[test]
fn every_path_of_every_leaf_proves_it_and_nothing_else() {
    let roots: Vec<_> = (0..=131)
        .map(|size| {
            if size == 0 {
                Hash::ZERO
            } else {
                root(&leaves(size))
            }
        })
        .collect();
    for size in 1..=130 {
        let leaves = leaves(size);
        let expected = roots[size as usize];
        for index in 0..size {
            let path = path(&leaves, index);
            let climb = |index, size, leaf: &Hash, path: &[Hash]| {
                root_from_path::<EpochTree>(index, size, leaf, path)
            };
            let leaf = leaves[index as usize];
            assert_eq!(
                climb(index, size, &leaf, &path),
                Ok(expected),
                "{index} of {size}"
            );
            for other in (0..size + 2).filter(|other| *other != index) {
                assert_ne!(
                    climb(other, size, &leaf, &path),
                    Ok(expected),
                    "{index} as {other}"
                );
            }
            for other in (0..=131).filter(|other| *other != size) {
                // A path fits another size exactly where the shapes around
                // the leaf agree; then it leads to the root of this size, and
                // a signed header binds root and size together.
                let climbed = climb(index, other, &leaf, &path);
                if climbed == Ok(expected) {
                    let shape = |n| {
                        let turns = path_ranges(index, n).unwrap().into_iter();
                        turns.map(|range| range.start > index).collect::<Vec<_>>()
                    };
                    assert_eq!(shape(other), shape(size), "{index} of {size} as of {other}");
                    assert_ne!(roots[other as usize], expected);
                }
            }
            assert_ne!(climb(index, size, &Hash::ZERO, &path), Ok(expected));
            for at in 0..path.len() {
                let mut changed = path.clone();
                changed[at] = Hash::ZERO;
                assert_ne!(climb(index, size, &leaf, &changed), Ok(expected));
            }
        }
    }
}

#[test]
fn many_paths_climbed_together_lead_where_each_leads_alone() {
    // Trees of many sizes side by side, with paths that are whole, too short,
    // too long, or of another leaf.
    let trees: Vec<_> = [1, 2, 3, 7, 8, 9, 64, 100]
        .map(leaves)
        .into_iter()
        .collect();
    let mut cases = Vec::new();
    for leaves in &trees {
        let size = leaves.len() as u64;
        for index in 0..size {
            let whole = path(leaves, index);
            let (mut short, mut long) = (whole.clone(), whole.clone());
            short.pop();
            long.push(Hash::ZERO);
            let leaf = leaves[index as usize];
            for (index, path) in [(index, whole), (index, short), (index + 1, long)] {
                cases.push((index, size, leaf, path));
            }
        }
    }
    let climbs: Vec<_> = cases
        .iter()
        .map(|(index, size, leaf, path)| Climb {
            index: *index,
            size: *size,
            leaf: *leaf,
            path,
        })
        .collect();
    let alone: Vec<_> = cases
        .iter()
        .map(|(index, size, leaf, path)| root_from_path::<EpochTree>(*index, *size, leaf, path))
        .collect();
    assert_eq!(roots_from_paths::<EpochTree>(&climbs), alone);
    assert!(alone.iter().any(Result::is_ok) && alone.iter().any(Result::is_err));
    assert_eq!(roots_from_paths::<EpochTree>(&[]), []);
}

#[test]
fn the_length_of_a_path_is_checked_before_hashing() {
    let leaves = leaves(7);
    let mut longer = path(&leaves, 2);
    longer.push(Hash::ZERO);
    let climbed = root_from_path::<EpochTree>(2, 7, &leaves[2], &longer);
    assert_eq!(
        climbed,
        Err(PathError::Length {
            expected: 3,
            actual: 4
        })
    );
    let climbed = root_from_path::<EpochTree>(2, 7, &leaves[2], &longer[..2]);
    assert_eq!(
        climbed,
        Err(PathError::Length {
            expected: 3,
            actual: 2
        })
    );
    let climbed = root_from_path::<EpochTree>(7, 7, &leaves[2], &longer);
    assert_eq!(climbed, Err(PathError::OutsideTree { index: 7, size: 7 }));
    let climbed = root_from_path::<EpochTree>(0, 0, &leaves[2], &[]);
    assert_eq!(climbed, Err(PathError::OutsideTree { index: 0, size: 0 }));
}

#[test]
fn a_range_with_the_subtrees_around_it_makes_the_root() {
    use sealbook::ledger::merkle::{LeafRange, Subtree};
    for size in 1..=40_u64 {
        let leaves = leaves(size);
        let hash = |s: Subtree| {
            let start = (s.index << s.level) as usize;
            root_by_definition(&leaves[start..start + (1 << s.level)])
        };
        for start in 0..size {
            for end in start + 1..=size {
                let mut frontier = EpochFrontier::new();
                for subtree in (LeafRange {
                    start: 0,
                    end: start,
                })
                .subtrees()
                {
                    frontier.push_subtree(subtree.level, hash(subtree)).unwrap();
                }
                for leaf in &leaves[start as usize..end as usize] {
                    frontier.push(*leaf, |_, _| ());
                }
                for subtree in (LeafRange {
                    start: end,
                    end: size,
                })
                .subtrees()
                {
                    frontier.push_subtree(subtree.level, hash(subtree)).unwrap();
                }
                assert_eq!(
                    frontier.root(),
                    Some(root(&leaves)),
                    "{start}..{end} of {size}"
                );
            }
        }
    }
}

/// RFC 6962 itself, over SHA-256.
struct Rfc6962;

impl NodeHasher for Rfc6962 {
    type Digest = [u8; 32];

    fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update([1]);
        hasher.update(left);
        hasher.update(right);
        hasher.finalize().into()
    }
}

#[test]
fn over_sha256_the_public_inclusion_proofs_get_their_verdicts() {
    let Some(folder) = third_party() else { return };
    let mut folders = vec![folder.join("merkle_rfc6962/inclusion")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let accepted = accepts(&case);
            assert_eq!(
                accepted,
                !case["wantErr"].as_bool().unwrap(),
                "{}",
                path.display()
            );
            count += 1;
        }
    }
    assert_eq!(count, 98);
    let empty = Frontier::<Rfc6962>::new().root();
    assert_eq!(empty, None);
}

fn accepts(case: &Value) -> bool {
    let digest = |value: &Value| -> Option<[u8; 32]> {
        base64(value.as_str().unwrap_or_default()).try_into().ok()
    };
    let nothing = Vec::new();
    let proof: Option<Vec<_>> = case["proof"]
        .as_array()
        .unwrap_or(&nothing)
        .iter()
        .map(digest)
        .collect();
    let (Some(leaf), Some(root), Some(proof)) =
        (digest(&case["leafHash"]), digest(&case["root"]), proof)
    else {
        return false;
    };
    let number = |name: &str| case[name].as_u64().unwrap();
    root_from_path::<Rfc6962>(number("leafIdx"), number("treeSize"), &leaf, &proof) == Ok(root)
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let mut bits: u32 = 0;
    let mut have = 0;
    for c in text.bytes().filter(|c| *c != b'=') {
        bits = bits << 6 | ALPHABET.iter().position(|a| *a == c).unwrap() as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
        }
    }
    bytes
}

#[test]
fn leaves_taken_together_make_the_tree_of_leaves_taken_one_by_one() {
    let leaves = leaves(130);
    for size in 0..=leaves.len() {
        for before in [0, 1, 2, 3, 5, 8, 31, 64, 100]
            .into_iter()
            .filter(|n| *n <= size)
        {
            let mut frontier = EpochFrontier::new();
            for leaf in &leaves[..before] {
                frontier.push(*leaf, |_, _| ());
            }
            let middle = before + (size - before) / 3;
            frontier.extend(&leaves[before..middle]);
            frontier.extend(&leaves[middle..size]);
            assert_eq!(frontier.size(), size as u64);
            assert_eq!(frontier.root(), (size > 0).then(|| root(&leaves[..size])));
            // What follows stands where it must, one by one and as a whole.
            let mut longer = frontier.clone();
            let mut completed = Vec::new();
            longer.push(Hash::ZERO, |subtree, _| completed.push(subtree));
            let mut expected = Vec::new();
            let mut one_by_one = EpochFrontier::new();
            for leaf in &leaves[..size] {
                one_by_one.push(*leaf, |_, _| ());
            }
            one_by_one.push(Hash::ZERO, |subtree, _| expected.push(subtree));
            assert_eq!(completed, expected);
            assert_eq!(longer.root(), one_by_one.root());
        }
    }
}
