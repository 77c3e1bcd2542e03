//! Queries against a plain filter over what was stored.

use sealbook::ledger::position::Seq;
use sealbook::store::indexer::{IndexError, catch_up};
use sealbook::store::query::{Filter, QueryError, select};
use sealbook::store::{Batch, MemoryStore, NewEntry, RocksStore, Store};

use crate::sample::{Chain, Numbers, time};

const COUNT: u64 = 700;

/// An entry as the test made it.
#[derive(Clone)]
struct Made {
    kind: String,
    seconds: i64,
    tenant: Option<String>,
    correlation: String,
    worker: Option<String>,
    decision: Option<String>,
    denied: Option<bool>,
}

fn made(numbers: &mut Numbers) -> Vec<Made> {
    let mut seconds = 0;
    let mut one = |n: u64| {
        // Many share a second.
        seconds += i64::try_from(numbers.below(2)).unwrap();
        let mut maybe = |of: u64, name: &str| {
            let which = numbers.below(of + 1);
            (which < of).then(|| format!("{name}{which}"))
        };
        Made {
            kind: maybe(3, "kind").unwrap_or("other".to_owned()),
            seconds,
            tenant: maybe(3, "t"),
            correlation: format!("c{}", n / 7),
            worker: maybe(4, "w"),
            decision: maybe(2, "d").map(|d| format!("{d}-{n}")),
            denied: [None, Some(true), Some(false)][usize::try_from(numbers.below(3)).unwrap()],
        }
    };
    (0..COUNT).map(&mut one).collect()
}

impl Made {
    /// The names in the places where producers put them, one of each.
    fn payload(&self, n: usize) -> String {
        let member = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(r#""{name}":"{value}""#))
        };
        let denied = self.denied.map(|denied| format!(r#""denied":{denied}"#));
        let worker = [
            "worker_id",
            "worker_species_id",
            "selected_worker_species_id",
        ][n % 3];
        let members = [
            Some(format!(r#""correlation_id":"{}""#, self.correlation)),
            member("decision_id", &self.decision),
            denied,
            member("tenant_id", &self.tenant),
            member(worker, &self.worker),
        ];
        let mut members: Vec<String> = members.into_iter().flatten().collect();
        members.sort();
        let members = members.join(",");
        match n % 4 {
            0 => format!("{{{members}}}"),
            1 => format!(r#"{{"decision":{{{members}}}}}"#),
            2 => format!(r#"{{"input":{{{members}}},"z":1}}"#),
            _ => format!(r#"{{"body":{{{members}}}}}"#),
        }
    }

    fn is_wanted(&self, seq: Seq, filter: &Filter) -> bool {
        let same = |wanted: &Option<String>, has: Option<&String>| {
            wanted.as_ref().is_none_or(|wanted| Some(wanted) == has)
        };
        (filter.kinds.is_empty() || filter.kinds.contains(&self.kind))
            && same(&filter.tenant, self.tenant.as_ref())
            && same(&filter.correlation, Some(&self.correlation))
            && same(&filter.worker, self.worker.as_ref())
            && same(&filter.decision, self.decision.as_ref())
            && filter
                .denied
                .is_none_or(|denied| Some(denied) == self.denied)
            && filter.since.is_none_or(|since| since <= time(self.seconds))
            && filter.until.is_none_or(|until| time(self.seconds) <= until)
            && filter.from_seq.is_none_or(|from| from <= seq)
            && filter.until_seq.is_none_or(|until| seq <= until)
    }
}

fn some_filter(numbers: &mut Numbers, made: &[Made]) -> Filter {
    // Names of an entry that exists, so that most filters find something.
    let like = made[usize::try_from(numbers.below(COUNT)).unwrap()].clone();
    let mut coin = |of: u64| numbers.below(of) == 0;
    let (k, t, c, w, d, x) = (coin(3), coin(3), coin(4), coin(3), coin(6), coin(3));
    let (both_kinds, reverse) = (coin(2), coin(2));
    let mut number = |of: u64, bound: u64| (numbers.below(of) == 0).then(|| numbers.below(bound));
    let seconds = |n: u64| time(i64::try_from(n).unwrap());
    let mut kinds = vec![like.kind.clone()];
    if both_kinds {
        kinds.push("kind0".to_owned());
    }
    Filter {
        kinds: if k { kinds } else { Vec::new() },
        tenant: like.tenant.filter(|_| t),
        tenant_json: None,
        fact: None,
        correlation: Some(like.correlation).filter(|_| c),
        worker: like.worker.filter(|_| w),
        decision: like.decision.filter(|_| d),
        document: None,
        denied: like.denied.filter(|_| x),
        since: number(4, COUNT / 2).map(seconds),
        until: number(4, COUNT / 2).map(seconds),
        from_seq: number(5, COUNT + 50).map(Seq),
        until_seq: number(5, COUNT + 50).map(Seq),
        limit: number(4, 20),
        reverse,
    }
}

fn answer(store: &dyn Store, filter: &Filter) -> Vec<u64> {
    let selection = select(store, filter).unwrap();
    selection.map(|found| found.unwrap().0.0).collect()
}

fn expected(made: &[Made], filter: &Filter) -> Vec<u64> {
    let wanted = |(n, made): &(u64, &Made)| made.is_wanted(Seq(*n), filter);
    let mut seqs: Vec<u64> = (0..).zip(made).filter(wanted).map(|(n, _)| n).collect();
    if filter.reverse {
        seqs.reverse();
    }
    seqs.truncate(
        filter
            .limit
            .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()),
    );
    seqs
}

/// Whatever part of the log is indexed, the answer is the same.
fn queries_are_exact(store: &dyn Store) {
    let mut numbers = Numbers(42);
    let made = made(&mut numbers);
    let mut chain = Chain::default();
    for (n, made) in made.iter().enumerate() {
        let (entry, _) = chain.entry(&made.kind, made.seconds, &made.payload(n));
        let batch = Batch {
            entries: vec![entry],
            ..Batch::default()
        };
        store.commit(batch).unwrap();
    }
    let mut found = 0;
    for step in [0, 100, 1, 299, COUNT] {
        catch_up(store, step).unwrap();
        store.flush().unwrap();
        for _ in 0..400 {
            let filter = some_filter(&mut numbers, &made);
            let answer = answer(store, &filter);
            found += answer.len();
            assert_eq!(answer, expected(&made, &filter), "{filter:?}");
        }
    }
    assert_eq!(store.indexed_to().unwrap(), COUNT);
    assert_eq!(catch_up(store, u64::MAX).unwrap(), 0);
    assert!(
        found > 10_000,
        "the filters find too little to prove anything: {found}"
    );
}

#[test]
fn queries_are_exact_in_memory() {
    queries_are_exact(&MemoryStore::new());
}

#[test]
fn queries_are_exact_on_disk() {
    let temp = tempfile::tempdir().unwrap();
    let store = RocksStore::create(&temp.path().join("ledger"), Batch::default()).unwrap();
    queries_are_exact(&store);
}

#[test]
fn a_query_sees_the_log_as_it_was_when_asked() {
    let store = MemoryStore::new();
    let mut chain = Chain::default();
    store.commit(chain.batch(10)).unwrap();
    let selection = select(&store, &Filter::default()).unwrap();
    store.commit(chain.batch(10)).unwrap();
    assert_eq!(selection.count(), 10);
}

fn store_with(entries: impl IntoIterator<Item = NewEntry>) -> MemoryStore {
    let store = MemoryStore::new();
    let batch = Batch {
        entries: entries.into_iter().collect(),
        ..Batch::default()
    };
    store.commit(batch).unwrap();
    store
}

#[test]
fn an_entry_that_cannot_be_read_is_an_error_and_not_left_out() {
    let mut entries = Chain::default().batch(20).entries;
    entries[7].record = b"no entry".to_vec();
    let store = store_with(entries);
    let filter = Filter {
        kinds: vec!["sample".to_owned()],
        ..Filter::default()
    };
    let answers: Vec<_> = select(&store, &filter).unwrap().collect();
    assert_eq!(answers.len(), 8);
    assert!(answers[..7].iter().all(Result::is_ok));
    assert!(
        matches!(answers[7], Err(QueryError::Entry { seq: Seq(7), .. })),
        "{:?}",
        answers[7]
    );
    // The index stops before it, so that queries go on meeting it.
    let stopped = catch_up(&store, u64::MAX).unwrap_err();
    assert!(
        matches!(stopped, IndexError::Entry { seq: Seq(7), .. }),
        "{stopped:?}"
    );
    assert_eq!(store.indexed_to().unwrap(), 0);
}

#[test]
fn a_value_under_anothers_term_is_not_taken_for_it() {
    // What a collision of digests would look like.
    let store = store_with(Chain::default().batch(3).entries);
    let term =
        sealbook::store::term::TermKey::new(sealbook::store::term::SearchField::Correlation, "c-1");
    let posting = |seq| sealbook::store::Posting {
        term,
        seq: Seq(seq),
    };
    let postings = [posting(0), posting(1), posting(2)];
    store.index(&postings, 3).unwrap();
    let filter = Filter {
        correlation: Some("c-1".to_owned()),
        ..Filter::default()
    };
    assert_eq!(answer(&store, &filter), [1]);
}

#[test]
fn what_stands_before_an_entry_that_cannot_be_read_is_answered_in_order() {
    // Entries that the index names are read some at a time: more than once that.
    let mut entries = Chain::default().batch(60).entries;
    entries[43].record = b"no entry".to_vec();
    let store = store_with(entries);
    let kind =
        sealbook::store::term::TermKey::new(sealbook::store::term::SearchField::Kind, "sample");
    let posting = |seq| sealbook::store::Posting {
        term: kind,
        seq: Seq(seq),
    };
    let postings: Vec<_> = (0..60).map(posting).collect();
    store.index(&postings, 60).unwrap();
    let filter = Filter {
        kinds: vec!["sample".to_owned()],
        ..Filter::default()
    };
    let seqs = |filter: &Filter| {
        let answers = select(&store, filter).unwrap();
        let seq = |answer: Result<(Seq, _), _>| answer.map(|(seq, _)| seq.0).ok();
        answers.map(seq).collect::<Vec<_>>()
    };
    let until = |end: u64| (0..end).map(Some).collect::<Vec<_>>();
    assert_eq!(seqs(&filter), [until(43), vec![None]].concat());
    // Who wants fewer does not meet it.
    for limit in [1, 2, 16, 17, 43] {
        let few = Filter {
            limit: Some(limit),
            ..filter.clone()
        };
        assert_eq!(seqs(&few), until(limit), "{limit}");
    }
    let newest = Filter {
        reverse: true,
        ..filter
    };
    let expected: Vec<_> = (44..60).rev().map(Some).chain([None]).collect();
    assert_eq!(seqs(&newest), expected);
}
