//! Tiles against the tree itself, and both against rs_merkle.

use std::collections::BTreeMap;

use rs_merkle::{Hasher, MerkleTree};
use sealbook::ledger::epoch::{EpochFrontier, EpochTree};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::merkle::root_from_path;
use sealbook::ledger::tile::{
    TileError, TileId, TilePlan, TreeBuilder, WIDTH, restore_leaves, restore_tiles,
};

/// The ledger's node hash, as rs_merkle wants it: it is given both children in
/// one piece, and leaves that are hashes already.
#[derive(Clone)]
struct Oracle;

impl Hasher for Oracle {
    type Hash = [u8; 32];

    fn hash(children: &[u8]) -> [u8; 32] {
        *Hash::of_parts(&[&[0x01], children]).as_bytes()
    }
}

type Tiles = BTreeMap<TileId, Vec<u8>>;

fn leaf(index: u64) -> Hash {
    Hash::of(&index.to_be_bytes())
}

/// Takes leaves up to `size`, keeping what a store would.
fn grow(builder: &mut TreeBuilder, tiles: &mut Tiles, size: u64) {
    for index in builder.size()..size {
        builder.push(leaf(index), |id, bytes| {
            assert_eq!(bytes.len() as u64, WIDTH * 32);
            assert!(
                tiles.insert(id, bytes).is_none(),
                "{id:?} was written twice"
            );
        });
    }
}

fn sealed(size: u64) -> (TreeBuilder, Tiles) {
    let (mut builder, mut tiles) = (TreeBuilder::new(), Tiles::new());
    grow(&mut builder, &mut tiles, size);
    for (id, bytes) in builder.partial_tiles() {
        assert!(
            tiles.insert(id, bytes).is_none(),
            "{id:?} was full and is partial"
        );
    }
    (builder, tiles)
}

fn fetch(tiles: &Tiles, ids: &[TileId]) -> Vec<Option<Vec<u8>>> {
    ids.iter().map(|id| tiles.get(id).cloned()).collect()
}

/// Every path out of the tiles of a tree is that of the oracle.
fn tiles_agree_with_the_oracle(size: u64, indices: impl Iterator<Item = u64>) {
    let leaves: Vec<[u8; 32]> = (0..size).map(|i| *leaf(i).as_bytes()).collect();
    let oracle = MerkleTree::<Oracle>::from_leaves(&leaves);
    let mut frontier = EpochFrontier::new();
    (0..size).for_each(|i| frontier.push(leaf(i), |_, _| ()));
    let (builder, tiles) = sealed(size);
    let root = builder.root().unwrap();
    assert_eq!(Some(root), frontier.root());
    assert_eq!(Some(*root.as_bytes()), oracle.root());
    for index in indices {
        let plan = TilePlan::of_path(index, size).unwrap();
        let path = plan.hashes(&fetch(&tiles, plan.tiles())).unwrap();
        let expected = oracle.proof(&[usize::try_from(index).unwrap()]);
        let bytes: Vec<[u8; 32]> = path.iter().map(|hash| *hash.as_bytes()).collect();
        assert_eq!(bytes, expected.proof_hashes(), "leaf {index} of {size}");
        let led_to = root_from_path::<EpochTree>(index, size, &leaf(index), &path);
        assert_eq!(led_to, Ok(root), "leaf {index} of {size}");
    }
}

#[test]
fn every_path_of_small_trees_is_that_of_rs_merkle() {
    for size in 1..=130 {
        tiles_agree_with_the_oracle(size, 0..size);
    }
}

#[test]
fn paths_of_larger_trees_are_those_of_rs_merkle() {
    for size in [
        255, 256, 257, 271, 272, 273, 1_000, 4_095, 4_096, 4_097, 4_113, 5_000,
    ] {
        tiles_agree_with_the_oracle(size, (0..size).step_by(37).chain([size - 1]));
    }
}

#[test]
fn a_restored_tree_goes_on_as_if_nothing_had_happened() {
    for size in (0..=600).chain([4_095, 4_096, 4_097, 4_111, 4_112]) {
        let (mut builder, mut tiles) = (TreeBuilder::new(), Tiles::new());
        grow(&mut builder, &mut tiles, size);
        let leaves: Vec<Hash> = (size - restore_leaves(size)..size).map(leaf).collect();
        let fetched = fetch(&tiles, &restore_tiles(size));
        let mut restored = TreeBuilder::restore(size, &fetched, &leaves).unwrap();
        let mut restored_tiles = tiles.clone();
        for end in [size, size + 1, size + 20, size + 300] {
            grow(&mut builder, &mut tiles, end);
            grow(&mut restored, &mut restored_tiles, end);
            assert_eq!(restored.size(), end);
            assert_eq!(restored.root(), builder.root(), "{size}, then {end}");
            assert_eq!(
                restored.partial_tiles(),
                builder.partial_tiles(),
                "{size}, then {end}"
            );
            assert_eq!(restored_tiles, tiles, "{size}, then {end}");
        }
    }
}

#[test]
fn restoring_reads_little() {
    for size in [0, 15, 16, 1_000_000, 1 << 24] {
        assert!(restore_tiles(size).len() <= 15 * 6, "{size}");
        assert!(restore_leaves(size) < 16, "{size}");
    }
}

#[test]
fn a_missing_tile_is_named() {
    let (size, index) = (1_000, 123);
    let (_, tiles) = sealed(size);
    let plan = TilePlan::of_path(index, size).unwrap();
    let ids = plan.tiles();
    for (at, id) in ids.iter().enumerate() {
        let mut fetched = fetch(&tiles, ids);
        fetched[at] = None;
        let error = plan.hashes(&fetched);
        assert_eq!(error, Err(TileError::Missing { tile: *id }));
    }
    // One that nobody fetched is missing too.
    let last = *ids.last().unwrap();
    let fetched = fetch(&tiles, &ids[..ids.len() - 1]);
    assert_eq!(
        plan.hashes(&fetched),
        Err(TileError::Missing { tile: last })
    );
}

#[test]
fn a_short_tile_is_named() {
    let (size, index) = (16, 0);
    let (_, tiles) = sealed(size);
    let plan = TilePlan::of_path(index, size).unwrap();
    let mut fetched = fetch(&tiles, plan.tiles());
    fetched[0].as_mut().unwrap().pop();
    let tile = TileId { level: 0, index: 0 };
    let short = TileError::Short {
        tile,
        bytes: 511,
        needed: 512,
    };
    assert_eq!(plan.hashes(&fetched), Err(short));
    assert_eq!(TreeBuilder::restore(16, &fetched, &[]).unwrap_err(), short);
}

#[test]
fn what_is_not_in_the_tree_has_no_path() {
    for (index, size) in [(0, 0), (5, 5), (u64::MAX, 5)] {
        let outside = TileError::OutsideTree { index, size };
        assert_eq!(TilePlan::of_path(index, size).unwrap_err(), outside);
    }
}

#[test]
fn a_tree_is_not_restored_from_other_leaves_than_its_last() {
    let leaves = |found, needed| TileError::Leaves { found, needed };
    assert_eq!(
        TreeBuilder::restore(3, &[], &[leaf(0)]).unwrap_err(),
        leaves(1, 3)
    );
    assert_eq!(
        TreeBuilder::restore(0, &[], &[leaf(0)]).unwrap_err(),
        leaves(1, 0)
    );
}

#[test]
fn a_changed_hash_leads_to_another_root() {
    let (size, index) = (300, 77);
    let (builder, tiles) = sealed(size);
    let plan = TilePlan::of_path(index, size).unwrap();
    let honest = plan.hashes(&fetch(&tiles, plan.tiles())).unwrap();
    for at in 0..plan.tiles().len() {
        let mut fetched = fetch(&tiles, plan.tiles());
        for byte in fetched[at].as_mut().unwrap() {
            *byte ^= 1;
        }
        let path = plan.hashes(&fetched).unwrap();
        assert_ne!(path, honest);
        let root = root_from_path::<EpochTree>(index, size, &leaf(index), &path).unwrap();
        assert_ne!(Some(root), builder.root());
    }
}
