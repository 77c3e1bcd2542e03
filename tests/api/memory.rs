//! A ledger in memory: no disk, no RocksDB.

use std::sync::Arc;

use sealbook::ledger::json::Object;
use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::position::Seq;
use sealbook::store::query::Filter;
use sealbook::{Ledger, Options, Policy, Verdict};
use zeroize::Zeroizing;

fn payload(n: u64) -> Object {
    let mut payload = Object::new();
    payload.insert("n", n);
    payload
}

#[test]
fn it_appends_seals_proves_and_verifies() {
    let ledger = Ledger::in_memory(Options::new("memory")).unwrap();
    assert_eq!(ledger.dir(), None);
    let receipt = ledger.append("demo.event", &payload(1)).unwrap();
    assert_eq!(receipt.seq, Seq(1));
    let sealed = ledger.seal().unwrap().unwrap();
    assert_eq!(sealed.content.last_seq, Seq(1));
    assert_eq!(ledger.seal().unwrap(), None);
    let proof = ledger.prove(receipt.seq).unwrap();
    let report = sealbook::verify(&proof.to_bytes()[..], &Policy::key(ledger.key())).unwrap();
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(
        ledger.verify(&Policy::default()).unwrap().verdict,
        Verdict::Pass
    );
    ledger.close().unwrap();
}

#[test]
fn a_batch_stands_together_or_not_at_all() {
    let ledger = Ledger::in_memory(Options::default()).unwrap();
    let payloads: Vec<_> = (0..5).map(payload).collect();
    let entries = payloads.iter().map(|payload| ("demo.event", payload));
    let receipts = ledger.append_batch(entries).unwrap();
    let seqs: Vec<_> = receipts.iter().map(|receipt| receipt.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    let refused = ledger.append_batch([("demo.event", &payloads[0]), ("wcp.x", &payloads[1])]);
    assert_eq!(refused.unwrap_err().code(), "reserved_kind");
    assert_eq!(ledger.append_batch([]).unwrap(), []);
    let found = ledger.query(&Filter::default()).unwrap().count();
    assert_eq!(found, 6);
}

#[test]
fn appends_of_many_threads_are_all_there() {
    let ledger = Arc::new(Ledger::in_memory(Options::default()).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let ledger = Arc::clone(&ledger);
            std::thread::spawn(move || {
                (0..50)
                    .map(|_| ledger.append("demo.event", &payload(n)).unwrap().seq.0)
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut seqs: Vec<_> = threads
        .into_iter()
        .flat_map(|t| t.join().unwrap())
        .collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=400).collect::<Vec<_>>());
}

/// The successor's key ends a book at an entry, whatever is signed beyond.
#[test]
fn a_revocation_ends_the_log_for_those_who_know_of_it() {
    let recovery = SoftwareSigner::from_seed(&Zeroizing::new([9; 32]));
    let options = Options::default().recovery_key(recovery.public_key());
    let ledger = Ledger::in_memory(options).unwrap();
    for n in 0..3 {
        ledger.append("demo.event", &payload(n)).unwrap();
    }
    let signed = ledger
        .revoke(Seq(1), &recovery, "the key was seen")
        .unwrap();
    let policy = Policy {
        revocations: vec![signed],
        ..Policy::key(ledger.key())
    };
    assert_eq!(ledger.verify(&policy).unwrap().verdict, Verdict::Fail);
    assert_eq!(
        ledger.revoke(Seq(9), &recovery, "").unwrap_err().code(),
        "not_found"
    );
}
