//! Proofs out of the log's signed index: what it says of a term, and that it has none.

use std::io::Write;

use crate::ledger::bundle::BundleWriter;
use crate::ledger::bundle_line::{BundleClosing, BundleOpening, Contents};
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::index::cover::{Begun, Block, Tree, cover};
use crate::ledger::index::leaf::Leaf;
use crate::ledger::index::proof::{Neighbour, TermProof, TreeProof};
use crate::ledger::index::term::{Field, Term};
use crate::ledger::index::vrf::VrfSecret;
use crate::ledger::key::Signer;
use crate::ledger::merkle::LeafRange;
use crate::ledger::opening::Opening;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::version::Version;
use crate::logbook::error::OpenError;
use crate::logbook::terms::{INDEX_KEY, begun};
use crate::logbook::{Identity, entry_at, epoch_at};
use crate::store::Store;
use crate::store::query::{Filter, select};
use crate::store::terms::{seek, subtrees, tree_of};

use super::EvidenceError;

/// The log that is read, as its entry 0 opened it.
pub(super) struct OpenedLog {
    pub(super) entry: Entry,
    pub(super) identity: Identity,
    /// Where its index begins, if it has one.
    pub(super) begun: Option<Begun>,
}

impl OpenedLog {
    pub(super) fn read(store: &dyn Store) -> Result<OpenedLog, EvidenceError> {
        let entry = entry_at(store, Seq::FIRST)?;
        let payload = entry.check_payload().map_err(|_| OpenError::NotALedger)?;
        let opening = Opening::from_object(&payload).map_err(|_| OpenError::NotALedger)?;
        let identity = Identity {
            log: opening.log,
            genesis: entry.hash(),
        };
        Ok(OpenedLog {
            begun: begun(store, &opening)?,
            entry,
            identity,
        })
    }

    /// The first line of a bundle. What commits to an index needs version 2.
    pub(super) fn line(
        &self,
        version: Version,
        contents: Contents,
        openings: bool,
    ) -> Result<BundleOpening, EvidenceError> {
        let index = self.begun.is_some();
        if index && version == Version::One {
            return Err(EvidenceError::NeedsVersionTwo);
        }
        Ok(BundleOpening {
            version,
            contents,
            log: self.identity.log,
            genesis: self.identity.genesis,
            index,
            openings,
        })
    }
}

/// The terms that a filter asks for.
fn terms_of(filter: &Filter) -> Vec<Term> {
    let kind = match filter.kinds.as_slice() {
        [kind] => Some(kind.as_str()),
        _ => None,
    };
    let denied = filter.denied.map(|yes| if yes { "true" } else { "false" });
    let named = [
        (Field::Correlation, filter.correlation.as_deref()),
        (Field::Worker, filter.worker.as_deref()),
        (Field::Tenant, filter.tenant.as_deref()),
        (Field::TenantJson, filter.tenant_json.as_deref()),
        (Field::Kind, kind),
        (Field::Denied, denied),
    ];
    let named = named.into_iter();
    let terms = named.filter_map(|(field, value)| Some(Term::new(field, value?)));
    terms.collect()
}

/// What the index says of the terms that a filter asks for: of the one that the fewest
/// entries have. `None` if the filter asks for none, or no epoch of the index is sealed.
///
/// # Errors
/// [`EvidenceError`].
pub(super) fn prove_narrowest(
    store: &dyn Store,
    filter: &Filter,
    begun: Option<Begun>,
) -> Result<Option<TermProof>, EvidenceError> {
    let last = store.last_epoch()?;
    if begun.is_none_or(|begun| Some(begun.since) > last) {
        return Ok(None);
    }
    let mut narrowest: Option<TermProof> = None;
    for term in terms_of(filter) {
        let proof = prove_term(store, &term)?;
        let fewer = |known: &TermProof| proof.entries() < known.entries();
        if narrowest.as_ref().is_none_or(fewer) {
            narrowest = Some(proof);
        }
    }
    Ok(narrowest)
}

/// The filter that asks for a term and nothing else.
pub(super) fn filter_of(term: &Term) -> Filter {
    let mut filter = Filter::default();
    let value = Some(term.value.clone());
    match term.field {
        Field::Kind => filter.kinds = vec![term.value.clone()],
        Field::Tenant => filter.tenant = value,
        Field::TenantJson => filter.tenant_json = value,
        Field::Correlation => filter.correlation = value,
        Field::Worker => filter.worker = value,
        Field::Denied => filter.denied = Some(term.value == "true"),
    }
    filter
}

/// What the index says of a term, up to the last sealed epoch.
///
/// # Errors
/// [`EvidenceError::NoIndex`] if headers commit to none, [`EvidenceError::NothingSealed`].
pub fn prove_term(store: &dyn Store, term: &Term) -> Result<TermProof, EvidenceError> {
    let opened = OpenedLog::read(store)?;
    let begun = opened.begun.ok_or(EvidenceError::NoIndex)?;
    let last = store.last_epoch()?.ok_or(EvidenceError::NothingSealed)?;
    if last < begun.since {
        return Err(EvidenceError::NothingSealed);
    }
    let genesis = opened.identity.genesis;
    let (place, placed) = match term.open_place(&genesis) {
        Some(place) => (place, None),
        None => {
            let secret = store.meta(INDEX_KEY)?;
            let secret = secret.as_deref().and_then(|bytes| bytes.first_chunk());
            let secret = secret.ok_or(EvidenceError::NoIndex)?;
            let (place, proof) = term.place(&genesis, &VrfSecret::from_bytes(secret));
            (place, Some(proof))
        }
    };
    let since = begun.since;
    let trees = cover(since, last).into_iter().map(|block| {
        let tree = tree_of(store, &block)?;
        tree_proof(store, &block, tree, &place)
    });
    Ok(TermProof {
        term: term.clone(),
        placed,
        header: epoch_at(store, last)?,
        since,
        key: begun.later(),
        trees: trees.collect::<Result<_, EvidenceError>>()?,
    })
}

fn tree_proof(
    store: &dyn Store,
    block: &Block,
    tree: Tree,
    place: &Hash,
) -> Result<TreeProof, EvidenceError> {
    let (at, before, here) = seek(store, block, tree.size, place)?;
    let hidden = |leaf: Leaf| Neighbour {
        place: leaf.place,
        hidden: leaf.count.hidden(),
    };
    let count = here
        .filter(|leaf| leaf.place == *place)
        .map(|leaf| leaf.count);
    let (first, shown, between) = match count {
        Some(_) => (at, 1, None),
        None => {
            let between: Vec<_> = before.into_iter().chain(here).map(hidden).collect();
            let first = at - u64::from(before.is_some());
            (first, between.len() as u64, Some(between))
        }
    };
    let range = |start, end| subtrees(store, block, LeafRange { start, end });
    Ok(TreeProof {
        size: tree.size,
        root: tree.root,
        at: first,
        entries: count.map(|count| count.entries),
        digest: count.map(|count| count.digest),
        between,
        before: range(0, first)?,
        after: range(first + shown, tree.size)?,
    })
}

/// What there is of a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nothing: the file that proves it was written.
    Proven {
        /// Its closing record.
        closing: BundleClosing,
        /// The last epoch that the index covers.
        epoch: EpochNumber,
        /// The last entry of that epoch.
        seq: Seq,
    },
    /// So many entries. Nothing was written.
    Present {
        /// How many.
        entries: u64,
    },
}

/// How many entries have a term that came before the index.
fn before_index(store: &dyn Store, term: &Term, since: EpochNumber) -> Result<u64, EvidenceError> {
    let first = epoch_at(store, since)?.content.first_seq;
    let Some(until_seq) = first.before() else {
        return Ok(0);
    };
    let filter = Filter {
        until_seq: Some(until_seq),
        ..filter_of(term)
    };
    let mut entries = 0;
    for item in select(store, &filter)? {
        item?;
        entries += 1;
    }
    Ok(entries)
}

/// Writes the file that proves that no sealed entry has a term.
///
/// # Errors
/// [`EvidenceError`].
pub fn export_absence<W: Write>(
    store: &dyn Store,
    out: W,
    term: &Term,
    signer: Option<&dyn Signer>,
) -> Result<Absence, EvidenceError> {
    let proof = prove_term(store, term)?;
    let mut entries = proof.entries();
    if proof.since > EpochNumber::FIRST {
        entries = entries.saturating_add(before_index(store, term, proof.since)?);
    }
    if entries > 0 {
        return Ok(Absence::Present { entries });
    }
    let opened = OpenedLog::read(store)?;
    let opening = opened.line(Version::Two, Contents::Selection, false)?;
    let mut writer = BundleWriter::new(out, &opening, &opened.entry)?;
    writer.answers(filter_of(term).to_object());
    writer.term(&proof)?;
    let (_, closing) = writer.finish(signer)?;
    let header = &proof.header.content;
    Ok(Absence::Proven {
        closing,
        epoch: header.epoch,
        seq: header.last_seq,
    })
}
