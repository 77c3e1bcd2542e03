//! Buckets that something was done to: each is named, and nothing is signed on it.

use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use sealbook::bucket::{BucketError, only_log};
use sealbook::ledger::wal::{WalError, WalPosition};
use sealbook::logbook::Logbook;

use crate::machine::{Machine, bucket, number};

/// A log of objects wal/0/0 to wal/1/6 and its machine.
fn scene() -> (Arc<InMemory>, Machine) {
    let store = bucket();
    let machine = Machine::of(store.clone());
    machine.create();
    let logbook = machine.logbook();
    append(&logbook, 0..5);
    logbook.close().unwrap();
    (store, machine)
}

fn append(logbook: &Logbook, numbers: std::ops::Range<u64>) {
    for n in numbers {
        logbook.append("note", &number(n)).unwrap();
    }
}

/// The objects of its log.
fn objects(machine: &Machine) -> sealbook::bucket::Objects {
    let genesis = only_log(&machine.base, None).unwrap();
    sealbook::bucket::of_log(&machine.base, &genesis)
}

const fn place(n: u64) -> WalPosition {
    WalPosition { generation: 1, n }
}

fn new_machine(store: &Arc<InMemory>) -> BucketError {
    let machine = Machine::of(store.clone());
    let restored = machine.restore();
    let opened = restored.and_then(|()| machine.store().map(drop));
    opened.expect_err("it was opened")
}

#[test]
fn an_object_that_is_missing_is_named_with_what_is_beyond() {
    let (store, machine) = scene();
    for n in 2..6 {
        let objects = objects(&machine);
        let kept = objects.read(&place(n).key()).unwrap().unwrap();
        objects.remove(&place(n).key()).unwrap();
        let count = objects.list("wal").unwrap().len();
        let BucketError::Hole { place: hole, .. } = new_machine(&store) else {
            panic!("object {n}");
        };
        assert_eq!(hole, place(n));
        assert_eq!(
            objects.list("wal").unwrap().len(),
            count,
            "something was written"
        );
        objects.replace(&place(n).key(), kept).unwrap();
    }
}

#[test]
fn a_fence_that_is_missing_is_named() {
    let (store, machine) = scene();
    let fence = WalPosition {
        generation: 0,
        n: 1,
    };
    objects(&machine).remove(&fence.key()).unwrap();
    let error = new_machine(&store);
    let BucketError::Hole {
        place: hole,
        beyond,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((hole, beyond), (fence, place(2)));
}

#[test]
fn an_object_that_was_changed_is_named() {
    let (store, machine) = scene();
    let objects = objects(&machine);
    let bytes = objects.read(&place(3).key()).unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let forged = text.replace("{\"n\":1}", "{\"n\":2}");
    assert!(forged != text);
    objects.replace(&place(3).key(), forged.into()).unwrap();
    let error = new_machine(&store);
    let BucketError::Object { place: at, error } = error else {
        panic!("{error}");
    };
    assert_eq!((at, error), (place(3), WalError::Digest));
}

#[test]
fn an_object_of_another_place_or_generation_is_named() {
    let (store, machine) = scene();
    let objects = objects(&machine);
    let earlier = objects.read(&place(3).key()).unwrap().unwrap();
    objects.replace(&place(4).key(), earlier).unwrap();
    let error = new_machine(&store);
    let BucketError::Object { place: at, error } = error else {
        panic!("{error}");
    };
    let found = place(3);
    assert_eq!((at, error), (place(4), WalError::Place { found }));
}

#[test]
fn a_bucket_put_back_to_an_older_copy_is_named_by_the_ledger_beside_it() {
    let (_store, machine) = scene();
    objects(&machine).remove(&place(6).key()).unwrap();
    let error = machine.store().map(drop).unwrap_err();
    let BucketError::OlderCopy { place: at } = error else {
        panic!("{error}");
    };
    assert_eq!(at, place(6));
}

#[test]
fn another_history_in_the_bucket_is_named_by_the_ledger_beside_it() {
    let (store, machine) = scene();
    let objects = objects(&machine);
    objects.remove(&place(6).key()).unwrap();
    // Somebody goes on from the older copy, to the same place.
    let other = Machine::of(store);
    other.restore().unwrap();
    let logbook = other.logbook();
    logbook.close().unwrap();
    let error = machine.store().map(drop).unwrap_err();
    let BucketError::OtherHistory { place: at } = error else {
        panic!("{error}");
    };
    assert_eq!(at, place(6));
}

#[test]
fn the_bucket_of_another_log_is_named() {
    let (store, _machine) = scene();
    let (_, other) = scene();
    let machine = other.before(store);
    let error = machine.store().map(drop).unwrap_err();
    assert!(matches!(error, BucketError::OlderCopy { .. }), "{error}");
}

#[test]
fn what_is_no_object_at_all_is_named() {
    let (store, machine) = scene();
    for junk in [&b""[..], b"{}\n", b"\xff\n\n", &[b'['; 4_096]] {
        let objects = objects(&machine);
        let kept = objects.read(&place(4).key()).unwrap().unwrap();
        let bytes = Bytes::copy_from_slice(junk);
        objects.replace(&place(4).key(), bytes).unwrap();
        let error = new_machine(&store);
        let named = matches!(error, BucketError::Object { place: at, .. } if at == place(4));
        assert!(named, "{error}");
        objects.replace(&place(4).key(), kept).unwrap();
    }
}
