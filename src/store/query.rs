//! Finds entries.
//!
//! A query is answered from three sources that together are exact:
//!
//! - **Positions and time** are bounds, not postings. In a ledger `ts` never
//!   goes back, so `since` and `until` are two binary searches over the
//!   sequence numbers, some twenty reads each among ten million entries.
//! - **Terms** (kind, tenant, correlation, decision, worker, denied) are looked
//!   up in the index as far as it reaches. The lists of all terms are sought
//!   through together, each from where the others are, so a query costs as much
//!   as its rarest term.
//! - **The tail** that is not indexed yet is read entry by entry.
//!
//! Whatever is found, every condition is checked again on the entry itself
//! before it is handed out. What cannot be read is an error, never left out.

mod bounds;
mod cursor;
pub mod passed_over;
pub mod when;

use std::ops::Range;

use rayon::prelude::*;

use crate::ledger::entry::{Entry, EntryError, Unhashed};
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;

use super::facts::Facts;
use super::term::{SearchField, TermKey};
use super::{ReadOrder, Rows, Store, StoreError};
use cursor::Cursor;

/// Which entries. Every condition must hold; the default is all entries,
/// oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub kinds: Vec<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub tenant: Option<String>,
    /// Whose `tenant_id` is this JSON value, canonical, and no string.
    pub tenant_json: Option<String>,
    /// Having this value in this field. Of a question of this program's own, and in no
    /// file: see [`passed_over`].
    pub fact: Option<(SearchField, String)>,
    pub correlation: Option<String>,
    pub worker: Option<String>,
    pub decision: Option<String>,
    /// Being the document of this digest, `blake2b-256:…`.
    pub document: Option<String>,
    pub denied: Option<bool>,
    pub from_seq: Option<Seq>,
    pub until_seq: Option<Seq>,
    pub limit: Option<u64>,
    pub reverse: bool,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("entry {seq} is missing")]
    Gap { seq: Seq },
    #[error("entry {seq}: {error}")]
    Entry { seq: Seq, error: EntryError },
}

impl Filter {
    /// The first and the last entry that are wanted, if nothing but a range is.
    pub fn range(&self) -> Option<(Seq, Seq)> {
        let only_range = Filter {
            from_seq: self.from_seq,
            until_seq: self.until_seq,
            ..Filter::default()
        };
        let first = self.from_seq.unwrap_or(Seq::FIRST);
        let last = self.until_seq.unwrap_or(Seq(u64::MAX));
        (*self == only_range).then_some((first, last))
    }

    /// Whether `entry`, stored as `seq`, is wanted. The limit is not a property
    /// of an entry.
    pub fn matches(&self, seq: Seq, entry: &Entry) -> bool {
        let in_place = self.from_seq.is_none_or(|from| from <= seq)
            && self.until_seq.is_none_or(|until| seq <= until)
            && self.since.is_none_or(|since| since <= entry.ts())
            && self.until.is_none_or(|until| entry.ts() <= until);
        in_place && self.has_all(entry)
    }

    fn wants_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind)
    }

    fn has_all(&self, entry: &Entry) -> bool {
        let wanted = self.wanted();
        if wanted.is_empty() {
            return true;
        }
        let facts = Facts::of(entry);
        let has_any = |(field, values): &(SearchField, Vec<&str>)| {
            values.iter().any(|value| facts.has(*field, value))
        };
        wanted.iter().all(has_any)
    }

    /// Field by field, the values of which an entry must have one.
    fn wanted(&self) -> Vec<(SearchField, Vec<&str>)> {
        let strings = [
            (SearchField::Tenant, &self.tenant),
            (SearchField::TenantJson, &self.tenant_json),
            (SearchField::Correlation, &self.correlation),
            (SearchField::Worker, &self.worker),
            (SearchField::Decision, &self.decision),
            (SearchField::Document, &self.document),
        ];
        let strings = strings
            .into_iter()
            .filter_map(|(f, v)| Some((f, vec![v.as_deref()?])));
        let fact = self.fact.as_ref();
        let fact = fact.map(|(field, value)| (*field, vec![value.as_str()]));
        let denied = self.denied.map(|yes| {
            (
                SearchField::Denied,
                vec![if yes { "true" } else { "false" }],
            )
        });
        let kinds = self.kinds.iter().map(String::as_str).collect::<Vec<_>>();
        let kinds = (!kinds.is_empty()).then_some((SearchField::Kind, kinds));
        strings.chain(fact).chain(denied).chain(kinds).collect()
    }

    /// What of it is set, by name, as a signed closing record says it (format
    /// §10.4).
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let mut kinds = self.kinds.clone();
        kinds.sort();
        kinds.dedup();
        let kinds = kinds.into_iter().map(Value::from).collect::<Vec<_>>();
        set("correlation", text(&self.correlation));
        set("decision", text(&self.decision));
        set("denied", self.denied.map(Value::from));
        set("document", text(&self.document));
        set("from_seq", self.from_seq.map(|seq| Value::from(seq.0)));
        set("kinds", (!kinds.is_empty()).then_some(Value::Array(kinds)));
        set("limit", self.limit.map(Value::from));
        set("reverse", self.reverse.then_some(Value::from(true)));
        set("since", self.since.map(|ts| Value::from(ts.to_string())));
        set("tenant", text(&self.tenant));
        set("tenant_json", text(&self.tenant_json));
        set("until", self.until.map(|ts| Value::from(ts.to_string())));
        set("until_seq", self.until_seq.map(|seq| Value::from(seq.0)));
        set("worker", text(&self.worker));
        object
    }

    const fn order(&self) -> ReadOrder {
        if self.reverse {
            ReadOrder::Descending
        } else {
            ReadOrder::Ascending
        }
    }
}

/// The entries of `store` that `filter` wants, as they are when this is called:
/// entries that come later are not among them.
///
/// # Errors
/// [`QueryError`]; also as an item, after which there are none.
pub fn select<'s>(store: &'s dyn Store, filter: &Filter) -> Result<Selection<'s>, QueryError> {
    let range = bounds::range(store, filter)?;
    let wanted = filter.wanted();
    let version = store.index_version();
    let lacks = |(field, _): &(SearchField, _)| version < begun_with(*field);
    let indexed_to = if wanted.is_empty() || wanted.iter().any(lacks) {
        0
    } else {
        store.indexed_to()?
    };
    let reach = indexed_to.clamp(range.start, range.end);
    let alternatives: Vec<Vec<TermKey>> = wanted
        .iter()
        .map(|(field, values)| {
            values
                .iter()
                .map(|value| TermKey::new(*field, value))
                .collect()
        })
        .collect();
    let indexed = QueryPart::Indexed(range.start..reach, alternatives);
    let tail = QueryPart::Tail(reach..range.end);
    Ok(Selection {
        store,
        order: filter.order(),
        left: filter.limit.unwrap_or(u64::MAX),
        // Taken from the end.
        parts: match filter.order() {
            ReadOrder::Ascending => vec![tail, indexed],
            ReadOrder::Descending => vec![indexed, tail],
        },
        source: None,
        filter: filter.clone(),
    })
}

/// The first version of the index that has all terms of a field.
pub(super) const fn begun_with(field: SearchField) -> u64 {
    match field {
        SearchField::Kind
        | SearchField::Tenant
        | SearchField::Correlation
        | SearchField::Decision
        | SearchField::Document => 1,
        SearchField::TenantJson => 2,
        // Of other kinds than decisions; and those that a decision chose.
        SearchField::Denied | SearchField::Worker => 3,
        SearchField::CorrelationJson | SearchField::DecisionJson | SearchField::WorkerJson => 4,
    }
}

pub struct Selection<'s> {
    store: &'s dyn Store,
    filter: Filter,
    order: ReadOrder,
    left: u64,
    parts: Vec<QueryPart>,
    source: Option<QuerySource<'s>>,
}

/// A stretch of the log, and how to search it.
enum QueryPart {
    Indexed(Range<u64>, Vec<Vec<TermKey>>),
    Tail(Range<u64>),
}

enum QuerySource<'s> {
    Indexed(IndexedEntries<'s>),
    Tail {
        rows: Rows<'s, Seq>,
        expected: Range<u64>,
    },
}

impl Iterator for Selection<'_> {
    type Item = Result<(Seq, Entry), QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            match self.candidate() {
                Ok(Some((seq, entry))) if self.filter.matches(seq, &entry) => {
                    self.left -= 1;
                    return Some(Ok((seq, entry)));
                }
                Ok(Some(_)) => {}
                Ok(None) => match self.parts.pop()?.open(self.store, &self.filter) {
                    Ok(source) => self.source = Some(source),
                    Err(error) => return self.fail(error.into()),
                },
                Err(error) => return self.fail(error),
            }
        }
        None
    }
}

impl Selection<'_> {
    fn fail<T>(&mut self, error: QueryError) -> Option<Result<T, QueryError>> {
        self.left = 0;
        Some(Err(error))
    }

    /// The next entry of the current source that may be wanted.
    fn candidate(&mut self) -> Result<Option<(Seq, Entry)>, QueryError> {
        match &mut self.source {
            None => Ok(None),
            Some(QuerySource::Indexed(found)) => found.next(self.store, self.left),
            Some(QuerySource::Tail { rows, expected }) => {
                while let Some((seq, record)) = next_row(rows, expected, self.order)? {
                    let entry = Unhashed::from_record(record);
                    let entry = entry.map_err(|error| QueryError::Entry { seq, error })?;
                    // Most are of another kind: they are neither hashed nor parsed.
                    if self.filter.wants_kind(entry.kind()) {
                        return Ok(Some((seq, entry.hashed())));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// Entries that the index names, read some at a time: they lie far apart, and each
/// costs a block of the database.
struct IndexedEntries<'s> {
    cursor: Cursor<'s>,
    read: std::vec::IntoIter<Result<(Seq, Entry), QueryError>>,
    ahead: u64,
}

/// Entries read at once: few enough that the largest there can be fit in memory.
const AHEAD: u64 = 16;

/// Entries that a core reads at once, where many are wanted.
const SHARE: usize = 4;

/// Bytes of entries after which they are taken one by one again.
const LARGE: usize = 1 << 20;

impl<'s> IndexedEntries<'s> {
    /// At most `limit` entries are wanted.
    fn new(cursor: Cursor<'s>, limit: Option<u64>) -> IndexedEntries<'s> {
        IndexedEntries {
            cursor,
            read: Vec::new().into_iter(),
            // Who says how many are wanted is given them out of one read. Who does not
            // may want the first only, and does not wait for others.
            ahead: limit.map_or(1, |limit| limit.min(AHEAD)),
        }
    }

    /// The next entry; no more than `left` are wanted.
    fn next(&mut self, store: &dyn Store, left: u64) -> Result<Option<(Seq, Entry)>, QueryError> {
        if let Some(item) = self.read.next() {
            return item.map(Some);
        }
        let (mut seqs, mut failed) = (Vec::new(), None);
        for _ in 0..self.ahead.min(left) {
            match self.cursor.next() {
                Ok(Some(seq)) => seqs.push(seq),
                Ok(None) => break,
                Err(error) => {
                    failed = Some(Err(error.into()));
                    break;
                }
            }
        }
        // The last that are wanted are read here, many on all cores.
        let mut read = match left <= AHEAD || seqs.len() <= SHARE {
            true => stored(store, &seqs),
            false => {
                let shares = seqs.par_chunks(SHARE);
                shares.flat_map_iter(|seqs| stored(store, seqs)).collect()
            }
        };
        let sizes = read.iter().flatten().map(|(_, entry)| entry.record().len());
        self.ahead = match sizes.sum::<usize>() < LARGE {
            true => AHEAD.min(2 * self.ahead),
            false => 1,
        };
        read.extend(failed);
        self.read = read.into_iter();
        self.read.next().transpose()
    }
}

/// The entries of `seqs`, in that order, which must be there.
fn stored(store: &dyn Store, seqs: &[Seq]) -> Vec<Result<(Seq, Entry), QueryError>> {
    let records = seqs.iter().zip(store.entries_of(seqs));
    let entry = |(seq, record): (&Seq, Result<Option<Vec<u8>>, StoreError>)| {
        read(*seq, record?.ok_or(QueryError::Gap { seq: *seq })?)
    };
    records.map(entry).collect()
}

impl QueryPart {
    fn open<'s>(
        self,
        store: &'s dyn Store,
        filter: &Filter,
    ) -> Result<QuerySource<'s>, StoreError> {
        let order = filter.order();
        Ok(match self {
            QueryPart::Indexed(range, terms) => {
                let cursor = Cursor::new(store, &terms, range, order)?;
                QuerySource::Indexed(IndexedEntries::new(cursor, filter.limit))
            }
            QueryPart::Tail(expected) => QuerySource::Tail {
                rows: match order {
                    ReadOrder::Ascending => store.entries(expected.clone()),
                    ReadOrder::Descending => store.entries_rev(expected.clone()),
                },
                expected,
            },
        })
    }
}

/// The next row, which must be the next entry: a query that passed over a gap
/// would not be exact.
fn next_row(
    rows: &mut Rows<'_, Seq>,
    expected: &mut Range<u64>,
    order: ReadOrder,
) -> Result<Option<(Seq, Vec<u8>)>, QueryError> {
    let seq = match order {
        ReadOrder::Ascending => expected.next(),
        ReadOrder::Descending => expected.next_back(),
    };
    let Some(seq) = seq.map(Seq) else {
        return Ok(None);
    };
    match rows.next().transpose()? {
        Some((found, record)) if found == seq => Ok(Some((seq, record))),
        _ => Err(QueryError::Gap { seq }),
    }
}

fn read(seq: Seq, record: Vec<u8>) -> Result<(Seq, Entry), QueryError> {
    let entry = Entry::from_record(record).map_err(|error| QueryError::Entry { seq, error })?;
    Ok((seq, entry))
}
