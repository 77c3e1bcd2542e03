//! Two attackers. One has the database and not the key: whatever is done to the
//! rows, it is seen. One has the key and writes history again from any entry on:
//! in itself that is a sound ledger, and everything that others kept of that
//! entry or a later one tells.

use std::sync::Arc;

use sealbook::audit::{LedgerSource, audit};
use sealbook::ledger::anchors::Anchor;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::compare::{Relation, compare};
use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::epoch::SignedEpoch;
use sealbook::ledger::fault::{FaultCode, Report, Verdict};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::head::Head;
use sealbook::ledger::json::Form;
use sealbook::ledger::key::Signer;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::receipts::Receipts;
use sealbook::ledger::statement::Statement;
use sealbook::ledger::verify::Policy;
use sealbook::logbook::mark::{Mark, MarkFile};
use sealbook::logbook::request::Receipt;
use sealbook::logbook::{Logbook, Parts, epoch_at};
use sealbook::store::{Batch, MemoryStore, NewEntry, NewEpoch, Store};

use crate::book::{Book, START, parse_epoch, payload, signer};
use crate::clock::ManualClock;
use crate::evidence::{export, judge};

/// Entries after the first.
const ENTRIES: u64 = 12;

/// After which entries an epoch is sealed; what follows the last is not.
const SEALED: [u64; 2] = [4, 8];

/// Writes entries 1 to [`ENTRIES`] and seals, at times that are always the same;
/// from `altered` on they say something else.
fn write(logbook: &Logbook, clock: &ManualClock, altered: u64, until: u64) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for n in 1..=until {
        clock.pass_secs(1);
        let said = if n < altered { n } else { n + 1_000 };
        let payload = payload(usize::try_from(said).unwrap());
        receipts.push(logbook.append("note", &payload).unwrap());
        if SEALED.contains(&n) {
            logbook.seal().unwrap().unwrap();
        }
    }
    receipts
}

/// The log as it was, before anyone laid hands on it.
fn original() -> Book {
    let mut book = Book::in_memory();
    let receipts = write(book.logbook(), &book.clock, u64::MAX, ENTRIES);
    book.receipts.extend(receipts);
    book.check();
    book
}

/// The same log, with another history from entry `altered` on, or one that ends
/// after entry `until`.
struct Rewritten {
    store: Arc<MemoryStore>,
    mark: MarkFile,
}

fn rewritten(book: &Book, altered: u64, until: u64) -> Rewritten {
    let first = book.entry(0);
    let store = Arc::new(MemoryStore::new());
    let head = Head {
        second: None,
        log: book.log(),
        genesis: first.hash(),
        seq: Seq::FIRST,
        hash: first.hash(),
        ts: first.ts(),
    };
    let entry = NewEntry {
        seq: Seq::FIRST,
        hash: first.hash(),
        record: first.into_record(),
    };
    let batch = Batch {
        entries: vec![entry],
        ..Batch::default()
    };
    store.commit(batch).unwrap();
    let mark = MarkFile::at(book.temp().join("rewritten.mark"));
    mark.write(&Mark {
        head: Statement::sign(head, &*book.signer).unwrap(),
        sealed: None,
    })
    .unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let logbook = Logbook::open(Parts {
        store: Arc::clone(&store) as _,
        signer: Arc::clone(&book.signer),
        clock: Arc::clone(&clock) as _,
        mark: mark.clone(),
    });
    let logbook = logbook.unwrap();
    write(&logbook, &clock, altered, until);
    logbook.close().unwrap();
    Rewritten { store, mark }
}

impl Rewritten {
    fn held_against(&self, book: &Book, contains: Vec<Anchor>, receipts: &str) -> Report {
        let policy = Policy {
            keys: vec![book.log()],
            contains,
            receipts: Some(Receipts::read(&mut receipts.as_bytes()).unwrap()),
            ..Policy::default()
        };
        let outcome = audit(&*self.store, &self.mark, &policy, &mut |_| ());
        outcome.unwrap().report
    }
}

/// What the owner of a receipt keeps.
fn line(book: &Book, seq: u64) -> String {
    let receipt = &book.receipts[usize::try_from(seq).unwrap()];
    let value = serde_json::json!({
        "seq": seq, "hash": receipt.hash, "prev_hash": receipt.prev_hash,
        "ts": receipt.ts.to_string(), "kind": receipt.kind,
        "signature": receipt.signature.to_string(),
        "log": book.log(), "genesis": book.receipts[0].hash,
    });
    format!("{value}\n")
}

fn head_at(book: &Book, seq: u64) -> Anchor {
    let entry = book.entry(seq);
    let head = Head {
        second: None,
        log: book.log(),
        genesis: book.receipts[0].hash,
        seq: Seq(seq),
        hash: entry.hash(),
        ts: entry.ts(),
    };
    Anchor::of_head(&Statement::sign(head, &*book.signer).unwrap())
}

fn codes(report: &Report) -> Vec<FaultCode> {
    report.faults.iter().map(|fault| fault.code).collect()
}

#[test]
fn history_written_anew_with_the_key_is_told_by_all_that_was_kept_of_it() {
    let book = original();
    let headers: Vec<SignedEpoch> = (0..2)
        .map(|n| book.read(|store| epoch_at(store, EpochNumber(n)).unwrap()))
        .collect();
    for altered in 1..=ENTRIES + 1 {
        let new = rewritten(&book, altered, ENTRIES);
        let alone = new.held_against(&book, Vec::new(), "");
        assert_eq!(alone.faults, [], "it is sound in itself: {altered}");
        for kept in 0..=ENTRIES {
            let case = format!("{kept} was kept, {altered} was altered");
            let told = kept >= altered;
            let head = new.held_against(&book, vec![head_at(&book, kept)], "");
            let expected: &[_] = if told {
                &[FaultCode::HeadNotContained]
            } else {
                &[]
            };
            assert_eq!(codes(&head), expected, "a head: {case}");
            let receipt = new.held_against(&book, Vec::new(), &line(&book, kept));
            let expected: &[_] = if told {
                &[FaultCode::ReceiptMismatch]
            } else {
                &[]
            };
            assert_eq!(codes(&receipt), expected, "a receipt: {case}");
        }
        for (header, last) in headers.iter().zip(SEALED) {
            let case = format!("up to {last}, {altered} was altered");
            let told = last >= altered;
            let report = new.held_against(&book, vec![Anchor::of_epoch(header)], "");
            let expected: &[_] = if told {
                &[FaultCode::Equivocation]
            } else {
                &[]
            };
            assert_eq!(codes(&report), expected, "a header: {case}");

            let bundle = export(&book, (0, last), None, true).unwrap();
            let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
            assert_eq!(report.faults, [], "what was given away stands");
            let mut given = BundleFile::open(&bundle[..]).unwrap();
            let mut now = LedgerSource::new(&*new.store, &new.mark).unwrap();
            let found = compare(&mut given, &mut now, &[book.log()], &mut |_| ()).unwrap();
            let relation = match told {
                true => Relation::Differ,
                false => Relation::FirstIsPrefix,
            };
            assert_eq!(found.relation, relation, "a bundle: {case}");
            assert_eq!(
                found.proven.is_some(),
                told,
                "a proof for all others: {case}"
            );
        }
    }
}

#[test]
fn a_log_cut_short_with_the_key_is_told_by_all_that_was_kept_of_what_is_gone() {
    let book = original();
    for until in 0..=ENTRIES {
        let new = rewritten(&book, u64::MAX, until);
        assert_eq!(new.held_against(&book, Vec::new(), "").faults, []);
        for kept in 0..=ENTRIES {
            let case = format!("{kept} was kept, the log ends with {until}");
            let told = kept > until;
            let head = new.held_against(&book, vec![head_at(&book, kept)], "");
            let expected: &[_] = if told {
                &[FaultCode::HeadNotContained]
            } else {
                &[]
            };
            assert_eq!(codes(&head), expected, "a head: {case}");
            let receipt = new.held_against(&book, Vec::new(), &line(&book, kept));
            assert_eq!(receipt.verdict == Verdict::Fail, told, "a receipt: {case}");
        }
    }
}

/// The rows, as the attacker reads and writes them.
#[derive(Clone, PartialEq)]
struct Rows {
    records: Vec<Vec<u8>>,
    /// Headers, with the last entry of each.
    headers: Vec<(Seq, Vec<u8>)>,
}

impl Rows {
    fn of(book: &Book) -> Rows {
        let records = (0..book.count()).map(|seq| book.entry(seq).into_record());
        let headers = book.read(|store| {
            let rows = store.epochs(EpochNumber::FIRST).map(|row| row.unwrap().1);
            let last = |header: &[u8]| parse_epoch(header).content.last_seq;
            rows.map(|header| (last(&header), header)).collect()
        });
        Rows {
            records: records.collect(),
            headers,
        }
    }

    /// A store of them, with every index that is derived made to fit.
    fn store(&self) -> MemoryStore {
        let store = MemoryStore::new();
        let entries = self.records.iter().zip(0..).map(|(record, seq)| NewEntry {
            seq: Seq(seq),
            hash: Entry::from_record(record.clone()).map_or(Hash::of(record), |e| e.hash()),
            record: record.clone(),
        });
        let entries = Batch {
            entries: entries.collect(),
            ..Batch::default()
        };
        store.commit(entries).unwrap();
        for ((last_seq, header), number) in self.headers.iter().zip(0..) {
            let epoch = NewEpoch {
                number: EpochNumber(number),
                last_seq: *last_seq,
                header: header.clone(),
            };
            // One that names entries that are gone must go too.
            let _left_out = store.commit(Batch {
                epoch: Some(epoch),
                ..Batch::default()
            });
        }
        store
    }

    /// From `seq` on, everything under another key, links and headers and all.
    fn sign_anew(&mut self, seq: usize, by: &dyn Signer) {
        let hash = |record: &Vec<u8>| Entry::from_record(record.clone()).unwrap().hash();
        for at in seq..self.records.len() {
            let entry = Entry::from_record(self.records[at].clone()).unwrap();
            let before = at
                .checked_sub(1)
                .map_or(Hash::ZERO, |n| hash(&self.records[n]));
            let payload = entry.payload_bytes();
            let draft = Draft::new(entry.kind(), entry.ts(), payload, &before);
            let signed = draft.unwrap().sign(by).unwrap();
            self.records[at] = signed.into_record();
        }
        for (last, header) in &mut self.headers {
            let mut content = parse_epoch(header).content;
            content.head = hash(&self.records[usize::try_from(last.0).unwrap()]);
            let signed = Statement::sign(content, by).unwrap();
            *header = signed.to_value().canonical(Form::Utf8).into_bytes();
        }
    }

    fn tamper(&mut self, random: &mut impl FnMut(usize) -> usize) -> &'static str {
        let count = self.records.len();
        // Entry 0 too: another log is not this one.
        let (a, b) = (random(count), random(count));
        match random(9) {
            0 => {
                let at = random(self.records[a].len());
                self.records[a][at] ^= 1 << random(8);
                "a flipped bit in an entry"
            }
            1 => {
                self.records.swap(a, b);
                "two entries changed places"
            }
            2 => {
                self.records.remove(a.max(1));
                "an entry taken out"
            }
            3 => {
                let copy = self.records[a].clone();
                self.records.insert(b, copy);
                "an entry put in twice"
            }
            4 => {
                self.records[a] = self.records[b].clone();
                "an entry in the place of another"
            }
            5 => {
                self.records.truncate(a.max(1));
                "the end cut off"
            }
            6 => {
                self.sign_anew(a, &signer(8));
                "all from there on under another key"
            }
            7 => {
                let header = random(self.headers.len());
                let at = random(self.headers[header].1.len());
                self.headers[header].1[at] ^= 1 << random(8);
                "a flipped bit in a header"
            }
            _ => {
                self.headers.truncate(random(self.headers.len()));
                "the last headers taken off"
            }
        }
    }
}

#[test]
fn whatever_is_done_to_the_rows_without_the_key_is_seen() {
    let mut book = original();
    book.close();
    let whole = Rows::of(&book);
    book.put_back(whole.store());
    assert_eq!(
        book.audit().faults,
        [],
        "the harness itself changes nothing"
    );
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % end as u64).unwrap()
    };
    let mut tried = std::collections::BTreeMap::new();
    for _ in 0..600 {
        let mut rows = whole.clone();
        let what = rows.tamper(&mut random);
        if rows == whole {
            continue;
        }
        book.put_back(rows.store());
        let report = book.audit();
        assert_eq!(report.verdict, Verdict::Fail, "{what}");
        assert!(!report.faults.is_empty());
        *tried.entry(what).or_insert(0) += 1;
    }
    assert_eq!(tried.len(), 9, "{tried:?}");
}
