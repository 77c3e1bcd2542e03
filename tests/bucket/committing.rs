//! Commits, take-over and replay over a bucket in memory.

use std::sync::Arc;

use object_store::ObjectStore;
use sealbook::bucket::BucketError;
use sealbook::ledger::key::{PublicKey, SignError, Signature, Signer};
use sealbook::ledger::time::Timestamp;
use sealbook::logbook::error::LogbookError;
use sealbook::logbook::remembered::recall;
use sealbook::logbook::request::{PreparedEntry, Remember};
use sealbook::store::StoreError;

use crate::faulty::{Fate, Faulty};
use crate::machine::{Machine, bucket, number, signer};

#[test]
fn a_new_machine_makes_the_same_bytes_from_the_bucket() {
    let store = bucket();
    let first = Machine::of(store.clone());
    first.create();
    let logbook = first.logbook();
    for n in 0..20 {
        logbook.append("note", &number(n)).unwrap();
        if n % 7 == 6 {
            logbook.seal().unwrap().unwrap();
        }
    }
    let entries = (20..120).map(|n| PreparedEntry::of_caller("note", &number(n)).unwrap());
    let remember = Some(Remember {
        key: [9; 32],
        value: b"remembered".to_vec(),
        lasting: false,
    });
    let pending = logbook.submit_remembered(entries.collect(), remember);
    let receipts = pending.unwrap().wait().unwrap();
    let rows = [(vec![1], b"one".to_vec()), (vec![2], b"two".to_vec())];
    logbook.store().put_imported(&rows).unwrap();
    logbook.append("note", &number(120)).unwrap();
    logbook.close().unwrap();
    let content = first.content();

    let second = Machine::of(store);
    second.restore().unwrap();
    second.store().unwrap();
    assert!(second.content() == content);
    let cache = second.cache();
    let found = recall(&cache, receipts[0].ts, &[9; 32]).unwrap().unwrap();
    assert_eq!(found.value, b"remembered");
    assert_eq!(
        (found.first, found.last),
        (receipts[0].seq, receipts[99].seq)
    );
}

#[test]
fn who_was_taken_over_is_fenced_at_its_next_commit_and_stops() {
    let store = bucket();
    let first = Machine::of(store.clone());
    first.create();
    let paused = first.logbook();
    paused.append("note", &number(1)).unwrap();
    let second = Machine::of(store);
    second.restore().unwrap();
    let living = second.logbook();
    let error = paused.append("note", &number(2)).unwrap_err();
    let LogbookError::Store(StoreError::Fenced { place }) = &error else {
        panic!("{error}");
    };
    assert_eq!(place, "wal/1/3");
    assert!(matches!(paused.seal(), Err(LogbookError::Stopped)));
    assert!(paused.is_stopped());
    living.append("note", &number(3)).unwrap();
    living.close().unwrap();
    drop(paused);
    // Back again, it has what the other wrote, and fences that one.
    let again = first.logbook();
    again.append("note", &number(4)).unwrap();
    again.close().unwrap();
    let notes = first.content();
    let has = |n: u64| {
        let text = format!("{{\"n\":{n}}}");
        notes
            .iter()
            .filter(|record| contains(record, text.as_bytes()))
            .count()
    };
    assert_eq!([1, 2, 3, 4].map(has), [1, 0, 1, 1]);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn an_answer_that_is_lost_is_read_back_and_a_refusal_is_repeated() {
    let store = bucket();
    let first = Machine::of(store.clone());
    first.create();
    let faults = [Fate::Unanswered, Fate::Refused, Fate::Refused, Fate::Done];
    let faulty = Arc::new(Faulty::over(&store, &faults));
    let machine = first.before(faulty.clone());
    let logbook = machine.logbook();
    for n in 0..40 {
        logbook.append("note", &number(n)).unwrap();
    }
    logbook.close().unwrap();
    let content = machine.content();
    assert_eq!(content.len(), 41);
    assert!(faulty.creations() > 60);
    let second = Machine::of(store);
    second.restore().unwrap();
    second.store().unwrap();
    assert!(second.content() == content);
}

#[test]
fn what_cannot_be_found_out_stops_the_writer_and_is_found_by_the_next() {
    let store = bucket();
    let first = Machine::of(store.clone());
    first.create();
    let logbook = first.logbook();
    logbook.append("note", &number(1)).unwrap();
    logbook.close().unwrap();
    // The object is there, and nobody is told.
    let blind = Faulty::over(&store, &[Fate::Unanswered]).blind();
    let machine = first.before(Arc::new(blind));
    let error = machine.store().map(drop).unwrap_err();
    assert!(matches!(error, BucketError::Store { .. }), "{error}");
}

#[test]
fn what_comes_during_a_put_is_the_next_batch() {
    let store = bucket();
    let first = Machine::of(store.clone());
    first.create();
    let slow = Arc::new(Faulty::over(&store, &[Fate::Slow(30)]));
    let machine = first.before(slow.clone());
    let logbook = machine.logbook();
    let before = slow.creations();
    std::thread::scope(|scope| {
        for caller in 0..32 {
            let logbook = &logbook;
            scope.spawn(move || {
                for n in 0..4 {
                    logbook.append("note", &number(caller * 4 + n)).unwrap();
                }
            });
        }
    });
    let puts = slow.creations() - before;
    // Each caller waits four times: with its own and one that was under way.
    assert!((4..=16).contains(&puts), "{puts} objects for 128 entries");
    logbook.close().unwrap();
    assert_eq!(machine.content().len(), 129);
}

/// Signs as hardware that draws its nonces.
struct Drawing(Arc<dyn Signer>, std::sync::atomic::AtomicU8);

impl Signer for Drawing {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let mut bytes = *self.0.sign(message)?.as_bytes();
        bytes[0] ^= self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Signature::from_bytes(bytes))
    }
}

#[test]
fn a_signer_that_gives_other_signatures_each_time_is_refused() {
    let store = bucket();
    let first = Machine::of(store);
    first.create();
    let drawing = Arc::new(Drawing(signer(), 1.into()));
    let opened = sealbook::bucket::open(&first.base, first.cache(), drawing, |_| Ok(()));
    assert!(matches!(
        opened.map(drop),
        Err(BucketError::NotDeterministic)
    ));
}

#[test]
fn a_bucket_that_was_not_checked_is_refused() {
    let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    let base = crate::machine::over(store);
    let passed = sealbook::bucket::check::passed(&base);
    assert!(matches!(passed, Err(BucketError::NotChecked { .. })));
}

#[test]
fn time_goes_on_from_what_another_machine_wrote() {
    let store = bucket();
    let first = Machine::of(store.clone());
    first.create();
    let one = first.logbook();
    let receipt = one.append("note", &number(1)).unwrap();
    one.close().unwrap();
    let second = Machine::of(store);
    second.restore().unwrap();
    let two = second.logbook();
    let later: Timestamp = two.append("note", &number(2)).unwrap().ts;
    assert!(later >= receipt.ts);
    assert_eq!(two.store().count().unwrap(), 4);
    two.close().unwrap();
}
