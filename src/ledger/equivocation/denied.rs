//! An entry of a sealed epoch, and the index of the same log that denies it.
//!
//! The one side is an inclusion proof of the entry, with the entry that opened the log;
//! the other is what the index says of a term in a later header, or in the same. Where
//! the index counts entries with the term, a line behind the two lists those that are
//! counted in the block of epochs in which the entry lies. Every digest there covers
//! number and leaf of each entry and how they are joined, so one count has one list, and
//! the entry is on it or is not.

use serde::{Deserialize, Serialize};

use super::{Contradiction, Equivocation, EquivocationError, NotProven, Signed};
use crate::ledger::bundle_line;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochTree, SignedEpoch, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::index::cover::{Block, epochs_of, halves};
use crate::ledger::index::leaf::Count;
use crate::ledger::index::proof::TermProof;
use crate::ledger::index::term::{Term, terms};
use crate::ledger::index::vrf::VrfKey;
use crate::ledger::json::Value;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::limits;
use crate::ledger::merkle::root_from_path;
use crate::ledger::opening::Opening;
use crate::ledger::parse;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::proof::InclusionProof;
use crate::ledger::shape::{self, MemberError, MemberProblem};

/// The entries of a block of epochs that the index counts with a term, as their digests
/// are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those of one epoch, ascending.
    Entries(Vec<CountedEntry>),
    /// Those of both halves of a block.
    Halves(Box<[Counted; 2]>),
}

/// What a digest of a count covers of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedEntry {
    /// Its leaf in the tree of its epoch.
    pub leaf: Hash,
    pub seq: Seq,
}

impl Counted {
    /// Of the entries that each epoch of a block has, sorted by epoch; `None` of none.
    #[must_use]
    pub fn of(block: &Block, own: &[(EpochNumber, Vec<CountedEntry>)]) -> Option<Counted> {
        let (first, last) = epochs_of(block);
        let from = own.partition_point(|(epoch, _)| *epoch < first);
        let to = own.partition_point(|(epoch, _)| *epoch <= last);
        let own = own.get(from..to).filter(|own| !own.is_empty())?;
        let Some((left, right)) = halves(block) else {
            return own.first().map(|(_, own)| Counted::Entries(own.clone()));
        };
        match (Counted::of(&left, own), Counted::of(&right, own)) {
            (Some(left), Some(right)) => Some(Counted::Halves(Box::new([left, right]))),
            (left, right) => left.or(right),
        }
    }

    /// What the index says of so many.
    #[must_use]
    pub fn count(&self) -> Count {
        match self {
            Counted::Entries(entries) => {
                let entries = entries.iter();
                entries.fold(Count::NONE, |count, one| count.and(one.seq, &one.leaf))
            }
            Counted::Halves(halves) => {
                let [left, right] = &**halves;
                Count::joined(&left.count(), &right.count())
            }
        }
    }

    /// Each entry, in the order of the log.
    pub(crate) fn each(&self, take: &mut dyn FnMut(&CountedEntry)) {
        match self {
            Counted::Entries(entries) => entries.iter().for_each(take),
            Counted::Halves(halves) => halves.iter().for_each(|half| half.each(take)),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Counted::Entries(entries) => shape::write(entries),
            Counted::Halves(halves) => Value::Array(halves.iter().map(Counted::to_value).collect()),
        }
    }

    /// Depth is bounded by that of the text.
    fn from_value(value: &Value) -> Result<Counted, MemberError> {
        match value.as_array() {
            Some([left @ Value::Array(_), right]) => {
                let halves = [Counted::from_value(left)?, Counted::from_value(right)?];
                Ok(Counted::Halves(Box::new(halves)))
            }
            Some([]) => Err(MemberError::from(MemberProblem::Missing).inside("counted")),
            _ => Ok(Counted::Entries(shape::read(value, "counted")?)),
        }
    }
}

/// Whether an entry has a term.
pub(crate) fn has_term(entry: &Entry, term: &Term) -> bool {
    let mut own = terms(entry.kind(), entry.payload_bytes());
    own.any(|(field, value)| field == term.field && value == term.value.as_str())
}

impl Equivocation {
    /// Checks that `log` signed both, that the entry is in its epoch, and that the index
    /// leaves it out though it has the term, or counts it though it has not. `counted` are
    /// the entries that the index counts in the block of the entry's epoch, none where it
    /// counts none.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn prove_index(
        log: PublicKey,
        entry: InclusionProof,
        term: TermProof,
        counted: Option<Counted>,
    ) -> Result<Equivocation, NotProven> {
        let (inside, under) = (&entry.epoch.content, &term.header.content);
        if (inside.log, inside.genesis) != (under.log, under.genesis)
            || inside.epoch > under.epoch
            || inside.epoch < term.since
        {
            return Err(NotProven::Unrelated);
        }
        let signed = |header: &SignedEpoch| header.content.log == log && header.verify();
        let by_log = |entry: &Entry| log.verify(entry.signing_payload(), &entry.signature());
        let opening = entry.opening.as_ref().ok_or(NotProven::Unrelated)?;
        if ![&entry.epoch, &term.header].into_iter().all(signed)
            || ![&entry.entry, opening].into_iter().all(by_log)
        {
            return Err(NotProven::Signature);
        }
        let key = opened(opening, &inside.genesis).ok_or(NotProven::Unrelated)?;
        let leaf = included(&entry).ok_or(NotProven::Inclusion)?;
        let counts = term.counts(key.as_ref()).map_err(|_| NotProven::Index)?;
        let within =
            |(first, last): (EpochNumber, EpochNumber), epoch| first <= epoch && epoch <= last;
        let mut counts = counts.into_iter();
        let found = counts.find(|(block, _)| within(epochs_of(block), inside.epoch));
        let (_, said) = found.ok_or(NotProven::Unrelated)?;
        if counted.as_ref().map(Counted::count) != said {
            return Err(NotProven::Counted);
        }
        let seq = entry.seq;
        let mut listed = false;
        if let Some(counted) = &counted {
            counted.each(&mut |one| listed |= *one == CountedEntry { leaf, seq });
            if to_line(counted).len() > limits::LINE_BYTES {
                return Err(NotProven::TooMany);
            }
        }
        let left_out = has_term(&entry.entry, &term.term);
        if left_out == listed {
            return Err(NotProven::Same);
        }
        let contradiction = Contradiction::Index {
            genesis: inside.genesis,
            seq: entry.seq,
            term: term.term.clone(),
            epoch: under.epoch,
            left_out,
        };
        let sides = [
            Signed::Included(Box::new(entry)),
            Signed::Term(Box::new(term)),
        ];
        Ok(Equivocation {
            log,
            contradiction,
            sides,
            growth: None,
            counted,
        })
    }
}

/// The key of the index that an entry names which opened a log; none if it is not the one of
/// this genesis.
fn opened(entry: &Entry, genesis: &Hash) -> Option<Option<VrfKey>> {
    if entry.kind() != kind::OPEN || entry.hash() != *genesis {
        return None;
    }
    let opening = Opening::from_object(&entry.check_payload().ok()?).ok()?;
    Some(opening.index)
}

/// The leaf of an entry, if it leads to the root of its epoch.
fn included(proof: &InclusionProof) -> Option<Hash> {
    let header = &proof.epoch.content;
    if !header.faults_alone().is_empty() || proof.seq > header.last_seq {
        return None;
    }
    let at = proof.seq.0.checked_sub(header.first_seq.0)?;
    let leaf = leaf_hash(&proof.entry.hash(), &proof.entry.signature());
    let root = root_from_path::<EpochTree>(at, header.tree_size, &leaf, &proof.path);
    (root == Ok(header.root)).then_some(leaf)
}

/// The last line of such a file, where the index counts entries.
pub(super) fn to_line(counted: &Counted) -> Vec<u8> {
    bundle_line::line_of("counted", counted.to_value())
}

/// The two sides of such a file and the line behind them, not judged.
pub(super) fn read(
    lines: [&[u8]; 2],
    counted: Option<&[u8]>,
) -> Result<(InclusionProof, TermProof, Option<Counted>), EquivocationError> {
    let [entry, term] = lines;
    let entry = InclusionProof::from_bytes(&[entry, b"\n"].concat());
    let entry = entry.map_err(|error| EquivocationError::Proof { line: 2, error })?;
    let parsed = |text, line| {
        parse::parse_with(text, &limits::embedded(3))
            .map_err(|error| EquivocationError::Json { line, error })
    };
    let term = TermProof::from_value(&parsed(term, 3)?);
    let term = term.map_err(|error| EquivocationError::Term { line: 3, error })?;
    let counted = counted.map(|text| {
        read_counted(&parsed(text, 4)?)
            .map_err(|error| EquivocationError::Member { line: 4, error })
    });
    Ok((entry, term, counted.transpose()?))
}

fn read_counted(value: &Value) -> Result<Counted, MemberError> {
    let members = shape::members(value)?;
    shape::only(members, &["counted"])?;
    Counted::from_value(shape::given(members, "counted")?)
}
