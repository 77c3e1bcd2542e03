//! What a selection says that it answers, held against the entries that it gives
//! (format §6.3, S8). What it asks is known from its last line only; until then there is
//! kept of the entries what they have in common, and who was the first without it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::hash::Hash;
use super::index::term;
use super::json::Object;
use super::member_error::MemberError;
use super::names::{self, SearchField};
use super::position::Seq;
use super::shape;
use super::time::Timestamp;

/// Attestations that wait for a decision that names their worker, at most.
pub(crate) const WAITING: usize = 10_000;

/// Kinds that a selection may ask for.
const KINDS: usize = 1_000;

/// What a selection asks for. What is not there, or `null`, asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SelectionTerms {
    attestations: Option<bool>,
    correlation: Option<String>,
    decision: Option<String>,
    denied: Option<bool>,
    document: Option<String>,
    from_seq: Option<Seq>,
    kinds: Option<Vec<String>>,
    limit: Option<u64>,
    /// It says which entries a limit leaves, and nothing of those that are given.
    #[serde(rename = "reverse")]
    _reverse: Option<bool>,
    since: Option<Timestamp>,
    tenant: Option<String>,
    tenant_json: Option<String>,
    until: Option<Timestamp>,
    until_seq: Option<Seq>,
    worker: Option<String>,
}

/// Why entries are no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// What is asked cannot be read.
    Asked(MemberError),
    TooManyKinds,
    /// Attestations stand beside a case, and beside nothing else.
    Attestations,
    TooMany {
        limit: u64,
        entries: u64,
    },
    /// An entry that is not asked for, and by which member.
    Other {
        seq: Seq,
        member: &'static str,
    },
}

impl SelectionTerms {
    pub(crate) fn read(filter: &Object) -> Result<SelectionTerms, Mismatch> {
        let asked: SelectionTerms =
            shape::read_object(filter, "filter").map_err(Mismatch::Asked)?;
        if asked
            .kinds
            .as_ref()
            .is_some_and(|kinds| kinds.len() > KINDS)
        {
            return Err(Mismatch::TooManyKinds);
        }
        let case = SelectionTerms {
            attestations: asked.attestations,
            correlation: asked.correlation.clone(),
            ..SelectionTerms::default()
        };
        match asked.attestations {
            Some(true) if asked != case || asked.correlation.is_none() => {
                Err(Mismatch::Attestations)
            }
            _ => Ok(asked),
        }
    }

    /// Whether an entry is asked for. The limit is not a property of an entry.
    #[cfg(feature = "store")]
    pub(crate) fn wants(&self, seq: Seq, ts: Timestamp, kind: &str, payload: &[u8]) -> bool {
        let mut alone = CommonTerms::default();
        alone.take(seq, ts, &facts(kind, payload));
        alone.other(self).is_none()
    }

    /// The members that an entry must have a fact for.
    fn facts(&self) -> impl Iterator<Item = (&'static str, SearchField, &str)> {
        let word = |yes: bool| if yes { "true" } else { "false" };
        [
            (
                "correlation",
                SearchField::Correlation,
                self.correlation.as_deref(),
            ),
            ("decision", SearchField::Decision, self.decision.as_deref()),
            ("denied", SearchField::Denied, self.denied.map(word)),
            ("document", SearchField::Document, self.document.as_deref()),
            ("tenant", SearchField::Tenant, self.tenant.as_deref()),
            (
                "tenant_json",
                SearchField::TenantJson,
                self.tenant_json.as_deref(),
            ),
            ("worker", SearchField::Worker, self.worker.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, field, value)| Some((name, field, value?)))
    }
}

/// What an entry can be asked for by, as the format has it: whatever a program finds it
/// by besides.
pub(crate) fn facts(kind: &str, payload: &[u8]) -> Vec<(SearchField, String)> {
    let facts = names::facts(kind, payload, &term::rules(kind)).into_iter();
    facts
        .map(|(field, value)| (field, value.into_owned()))
        .collect()
}

/// The workers that an entry names.
pub(crate) fn workers(facts: &[(SearchField, String)]) -> BTreeSet<Hash> {
    let workers = facts
        .iter()
        .filter(|(field, _)| *field == SearchField::Worker);
    workers
        .map(|(_, worker)| Hash::of(worker.as_bytes()))
        .collect()
}

/// The entries of a selection so far.
#[derive(Debug, Default)]
pub(crate) struct SelectionSoFar {
    entries: u64,
    /// Those that have to be asked for themselves.
    own: CommonTerms,
    /// Attestations, which may stand beside a case.
    attested: CommonTerms,
    waiting: WaitingEntries<(Seq, BTreeSet<Hash>)>,
}

impl SelectionSoFar {
    pub(crate) fn take(&mut self, seq: Seq, ts: Timestamp, facts: &[(SearchField, String)]) {
        self.entries += 1;
        let kind = facts.iter().find(|(field, _)| *field == SearchField::Kind);
        match kind.map(|(_, kind)| kind.as_str()) {
            Some("wcp.attestation") => {
                self.attested.take(seq, ts, facts);
                let cases = facts
                    .iter()
                    .filter(|(field, _)| *field == SearchField::Correlation);
                let cases = cases.map(|(_, case)| Hash::of(case.as_bytes())).collect();
                if self.waiting.add(workers(facts), (seq, cases)).is_err() {
                    self.own.take(seq, ts, facts);
                }
            }
            kind => {
                self.own.take(seq, ts, facts);
                if kind == Some("wcp.decision") {
                    self.waiting.named(&workers(facts));
                }
            }
        }
    }

    /// Whether what was given is what is asked for.
    pub(crate) fn check(&self, filter: &Object) -> Result<(), Mismatch> {
        let asked = SelectionTerms::read(filter)?;
        if let Some(limit) = asked.limit.filter(|limit| self.entries > *limit) {
            let entries = self.entries;
            return Err(Mismatch::TooMany { limit, entries });
        }
        let attested = match (asked.attestations, &asked.correlation) {
            (Some(true), Some(case)) => {
                let case = Hash::of(case.as_bytes());
                let mut others = self
                    .waiting
                    .left()
                    .filter(|(_, cases)| !cases.contains(&case));
                others.next().map(|(seq, _)| (*seq, "correlation"))
            }
            _ => self.attested.other(&asked),
        };
        let found = [self.own.other(&asked), attested].into_iter().flatten();
        match found.min() {
            Some((seq, member)) => Err(Mismatch::Other { seq, member }),
            None => Ok(()),
        }
    }
}

/// What some entries have in common.
#[derive(Debug, Default)]
struct CommonTerms {
    /// The numbers and times of the first and of the last.
    ends: Option<[(Seq, Timestamp); 2]>,
    /// What the first of them has, and the first that has it not.
    facts: BTreeMap<(SearchField, String), Option<Seq>>,
    /// The kinds, and the first entry of each.
    kinds: BTreeMap<String, Seq>,
}

impl CommonTerms {
    fn take(&mut self, seq: Seq, ts: Timestamp, facts: &[(SearchField, String)]) {
        match &mut self.ends {
            None => {
                self.ends = Some([(seq, ts); 2]);
                self.facts = facts.iter().map(|fact| (fact.clone(), None)).collect();
            }
            Some([first, last]) => {
                // Numbers and times ascend, or there is a fault already.
                *first = (first.0.min(seq), first.1.min(ts));
                *last = (last.0.max(seq), last.1.max(ts));
                for (fact, without) in &mut self.facts {
                    if without.is_none() && !facts.contains(fact) {
                        *without = Some(seq);
                    }
                }
            }
        }
        let kind = facts.iter().find(|(field, _)| *field == SearchField::Kind);
        // One more than can be asked for is enough to be told by.
        if let Some((_, kind)) =
            kind.filter(|(_, kind)| self.kinds.len() <= KINDS && !self.kinds.contains_key(kind))
        {
            self.kinds.insert(kind.clone(), seq);
        }
    }

    /// An entry that is not asked for, and the member that it does not have.
    fn other(&self, asked: &SelectionTerms) -> Option<(Seq, &'static str)> {
        let [first, last] = self.ends?;
        let facts = asked.facts().filter_map(|(name, field, value)| {
            match self.facts.get(&(field, value.to_owned())) {
                Some(None) => None,
                Some(Some(seq)) => Some((*seq, name)),
                None => Some((first.0, name)),
            }
        });
        let wanted = asked.kinds.as_deref().filter(|kinds| !kinds.is_empty());
        let kinds = self.kinds.iter().filter_map(|(kind, seq)| {
            let other = wanted.is_some_and(|wanted| !wanted.contains(kind));
            other.then_some((*seq, "kinds"))
        });
        let bounds = [
            (
                asked.since.is_some_and(|since| first.1 < since),
                first.0,
                "since",
            ),
            (
                asked.until.is_some_and(|until| last.1 > until),
                last.0,
                "until",
            ),
            (
                asked.from_seq.is_some_and(|from| first.0 < from),
                first.0,
                "from_seq",
            ),
            (
                asked.until_seq.is_some_and(|until| last.0 > until),
                last.0,
                "until_seq",
            ),
        ];
        let bounds = bounds.into_iter().filter(|(beyond, ..)| *beyond);
        let bounds = bounds.map(|(_, seq, name)| (seq, name));
        facts.chain(kinds).chain(bounds).min()
    }
}

/// What waits for a decision that names its worker.
#[derive(Debug)]
pub(crate) struct WaitingEntries<T> {
    left: BTreeMap<u64, (BTreeSet<Hash>, T)>,
    by_worker: BTreeMap<Hash, BTreeSet<u64>>,
    next: u64,
}

impl<T> Default for WaitingEntries<T> {
    fn default() -> WaitingEntries<T> {
        WaitingEntries {
            left: BTreeMap::new(),
            by_worker: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> WaitingEntries<T> {
    /// Has one wait; given back where too many do.
    pub(crate) fn add(&mut self, workers: BTreeSet<Hash>, one: T) -> Result<(), T> {
        if self.left.len() >= WAITING {
            return Err(one);
        }
        for worker in &workers {
            self.by_worker.entry(*worker).or_default().insert(self.next);
        }
        self.left.insert(self.next, (workers, one));
        self.next += 1;
        Ok(())
    }

    /// A decision names these workers: who waited for one of them waits no more.
    pub(crate) fn named(&mut self, workers: &BTreeSet<Hash>) {
        let named: Vec<_> = workers
            .iter()
            .filter_map(|worker| self.by_worker.remove(worker))
            .collect();
        for number in named.into_iter().flatten() {
            let Some((others, _)) = self.left.remove(&number) else {
                continue;
            };
            for other in &others {
                if let Some(numbers) = self.by_worker.get_mut(other) {
                    numbers.remove(&number);
                    if numbers.is_empty() {
                        self.by_worker.remove(other);
                    }
                }
            }
        }
    }

    /// Who waits still, in order.
    pub(crate) fn left(&self) -> impl Iterator<Item = &T> {
        self.left.values().map(|(_, one)| one)
    }
}
