//! An operator who seals an epoch under an index that is not that of its entries.

use std::collections::BTreeMap;

use sealbook::ledger::entry::Entry;
use sealbook::ledger::epoch::{EpochHeader, leaf_hash};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::index::cover::{Block, commitment, cover, newly_merged};
use sealbook::ledger::index::leaf::{Count, Leaf};
use sealbook::ledger::index::term::{Placed, Term, terms};
use sealbook::ledger::index::vrf::VrfSecret;
use sealbook::ledger::json::Form;
use sealbook::ledger::opening::Opening;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::statement::Statement;
use sealbook::ledger::tile::TreeBuilder;
use sealbook::ledger::version::Version;
use sealbook::logbook::{
    entry_at, epoch_at, identity_of, key_file, terms::INDEX_KEY, terms::begun,
};
use sealbook::store::terms::{Writing, merge, placed_row, tree_of};
use sealbook::store::{Batch, NewEpoch, RocksStore, Store, TileKey};

use crate::place::Place;

/// Seals the open epoch of the ledger, as the program does, but that `counted` says which
/// terms each entry has.
pub(crate) fn seal(place: &Place, counted: &dyn Fn(u64, Vec<Term>) -> Vec<Term>) {
    let store = RocksStore::open(&place.path("ledger")).unwrap();
    let signer = key_file::open(&place.path("ledger.key.pem")).unwrap();
    let secret = store.meta(INDEX_KEY).unwrap().unwrap();
    let secret = VrfSecret::from_bytes(secret.first_chunk().unwrap());
    let identity = identity_of(&store).unwrap();
    let opening = entry_at(&store, Seq::FIRST).unwrap().check_payload();
    let opening = Opening::from_object(&opening.unwrap()).unwrap();
    let begun = begun(&store, &opening).unwrap().unwrap();
    let before = store.last_epoch().unwrap();
    let before = before.map(|number| epoch_at(&store, number).unwrap().content);
    let number = before.as_ref().map_or(0, |header| header.epoch.0 + 1);
    let first = before.as_ref().map_or(0, |header| header.last_seq.0 + 1);
    let last = store.last_seq().unwrap().unwrap().0;
    let entries: Vec<Entry> = (first..=last)
        .map(|seq| entry_at(&store, Seq(seq)).unwrap())
        .collect();
    let (mut tree, mut counts, mut placed) = (TreeBuilder::new(), BTreeMap::new(), Vec::new());
    for (seq, entry) in (first..).zip(&entries) {
        let leaf = leaf_hash(&entry.hash(), &entry.signature());
        tree.push(leaf, |_, _| panic!("too many entries for one tile"));
        let own = terms(entry.kind(), entry.payload_bytes());
        let own = own.map(|(field, value)| Term::new(field, value)).collect();
        for term in counted(seq, own) {
            let place = term.open_place(&identity.genesis).unwrap_or_else(|| {
                let (place, proof) = term.place(&identity.genesis, &secret);
                placed.push(Placed { term, proof });
                place
            });
            let count = counts.entry(place).or_insert(Count::NONE);
            *count = count.and(Seq(seq), &leaf);
        }
    }
    let mut writing = Writing::begin(Block {
        level: 0,
        index: number,
    });
    for (place, count) in counts {
        writing.push(&Leaf { place, count });
    }
    let (mut tiles, own) = writing.finish();
    let (since, epoch) = (begun.since, EpochNumber(number));
    if let Some(block) = newly_merged(since, epoch) {
        merge(&store, &block).unwrap();
    }
    let trees = cover(since, epoch).into_iter().map(|block| {
        match block.level == 0 && block.index == number {
            true => own,
            false => tree_of(&store, &block).unwrap(),
        }
    });
    tiles.push(placed_row(epoch, &placed));
    let partial = tree.partial_tiles().into_iter();
    tiles.extend(partial.map(|(tile, bytes)| (TileKey { epoch, tile }, bytes)));
    let header = EpochHeader {
        epoch,
        first_seq: Seq(first),
        last_seq: Seq(last),
        tree_size: last - first + 1,
        root: tree.root().unwrap(),
        head: entries.last().unwrap().hash(),
        prev: before.map_or(Hash::ZERO, |header| header.hash()),
        hour: entries[0].ts().hour_start(),
        sealed_at: entries.last().unwrap().ts(),
        log: identity.log,
        genesis: identity.genesis,
        format: Some(Version::Two),
        index: Some(commitment(&begun, trees)),
    };
    let signed = Statement::sign(header, &signer).unwrap();
    let batch = Batch {
        tiles,
        epoch: Some(NewEpoch {
            number: epoch,
            last_seq: Seq(last),
            header: signed.to_value().canonical(Form::Utf8).into_bytes(),
        }),
        ..Batch::default()
    };
    store.commit(batch).unwrap();
    store.close().unwrap();
}
