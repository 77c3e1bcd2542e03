//! An epoch of the archive, verified, and what was looked for in it.

use crate::api::fold::{Reading, fold_epoch_through};
use crate::api::{Error, Policy};
use crate::bucket::{Objects, bundle_key};
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochFrontier, EpochTree, SignedEpoch, leaf_hash};
use crate::ledger::fault::FaultCode;
use crate::ledger::fold::{FoldPart, PartFault};
use crate::ledger::hash::Hash;
use crate::ledger::judge::read_raw;
use crate::ledger::merkle::{LeafRange, fold_range, path_ranges};
use crate::ledger::position::Seq;
use crate::ledger::source::{Event, ReadError, Source, Subject};

/// Bytes of entries that are taken out of one epoch at most.
pub(super) const TAKEN_BYTES: usize = 64 << 20;

/// Whether an entry is looked for.
pub(super) type Wanted<'w> = dyn Fn(Seq, &Entry) -> bool + Sync + 'w;

/// What an epoch holds of what is looked for.
pub(super) struct Found {
    /// It, verified; or what is wrong with it.
    pub(super) part: FoldPart,
    /// What was taken out, of an epoch that passed.
    pub(super) taken: Option<Taken>,
}

/// What was taken out of an epoch.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) header: Option<SignedEpoch>,
    /// Entry 0 of the log.
    pub(super) opening: Option<Entry>,
    pub(super) entries: Vec<(Seq, Entry)>,
    /// More was wanted than is taken out.
    pub(super) overfull: bool,
    bytes: usize,
    tree: Option<Tree>,
}

/// All nodes of an epoch's tree: 64 bytes an entry.
#[derive(Default)]
struct Tree {
    frontier: EpochFrontier,
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    fn push(&mut self, leaf: Hash) {
        let levels = &mut self.levels;
        self.frontier.push(leaf, |node, hash| {
            let level = usize::from(node.level);
            if levels.len() <= level {
                levels.push(Vec::new());
            }
            if let Some(level) = levels.get_mut(level) {
                level.push(*hash);
            }
        });
    }

    fn range(&self, range: LeafRange) -> Option<Hash> {
        let nodes = range.subtrees().map(|node| {
            let level = self.levels.get(usize::from(node.level))?;
            level.get(usize::try_from(node.index).ok()?).copied()
        });
        fold_range::<EpochTree>(&nodes.collect::<Option<Vec<_>>>()?)
    }
}

impl Taken {
    /// The siblings of an entry on the way to the root of the epoch.
    pub(super) fn path(&self, seq: Seq) -> Option<Vec<Hash>> {
        let header = &self.header.as_ref()?.content;
        let index = seq.0.checked_sub(header.first_seq.0)?;
        let tree = self.tree.as_ref()?;
        let ranges = path_ranges(index, header.tree_size)?.into_iter();
        ranges.map(|range| tree.range(range)).collect()
    }

    fn see(&mut self, event: &Event, wanted: &Wanted<'_>) {
        match event {
            Event::Epoch(epoch, _) => self.header = Some((**epoch).clone()),
            Event::Opening(raw, _) => self.opening = read_raw(raw).1.ok(),
            Event::Entry(raw, _) => {
                let (Some(seq), Ok(entry)) = read_raw(raw) else {
                    return;
                };
                if let Some(tree) = &mut self.tree {
                    tree.push(leaf_hash(&entry.hash(), &entry.signature()));
                }
                if !wanted(seq, &entry) {
                    return;
                }
                self.bytes = self.bytes.saturating_add(entry.record().len());
                match self.bytes <= TAKEN_BYTES {
                    true => self.entries.push((seq, entry)),
                    false => self.overfull = true,
                }
            }
            _ => {}
        }
    }
}

/// Verifies an epoch of the archive, and takes out what is looked for; with `paths`, so
/// that the path of each can be had.
///
/// # Errors
/// [`Error::Bucket`], [`Error::Read`] if the bucket cannot be read.
pub(super) fn look_through(
    objects: &Objects,
    number: u64,
    policy: &Policy,
    wanted: &Wanted<'_>,
    paths: bool,
) -> Result<Found, Error> {
    let Some(stream) = objects.stream(&bundle_key(number))? else {
        let fault = PartFault::new(number, FaultCode::SequenceGap, "the epoch is missing");
        return Ok(Found {
            part: FoldPart {
                runs: Vec::new(),
                faults: vec![fault],
            },
            taken: None,
        });
    };
    let through = |bundle| Sieve {
        bundle,
        wanted,
        taken: Taken {
            tree: paths.then(Tree::default),
            ..Taken::default()
        },
    };
    let (part, sieve) = fold_epoch_through(number, stream, policy, through)?;
    Ok(Found {
        part,
        taken: sieve.map(|sieve| sieve.taken),
    })
}

/// A bundle that is read for a verification, and what goes by is looked at.
struct Sieve<'r> {
    bundle: Reading<'r>,
    wanted: &'r Wanted<'r>,
    taken: Taken,
}

impl Source for Sieve<'_> {
    fn subject(&self) -> Subject {
        self.bundle.subject()
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let before = batch.len();
        self.bundle.next_batch(batch)?;
        for event in batch.iter().skip(before) {
            self.taken.see(event, self.wanted);
        }
        Ok(())
    }
}
