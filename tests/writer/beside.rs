//! Callers sign beside each other, and are committed in the order of the log.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use sealbook::ledger::key::{PublicKey, SignError, Signature, Signer, SoftwareSigner};
use sealbook::logbook::error::LogbookError;
use sealbook::logbook::request::{PreparedEntry, Receipt};

use crate::book::{Book, payload, signer};

/// How a signature that was held up comes out.
enum Verdict {
    Signed,
    Refused,
    Panics,
}

/// Holds up one signature when it is told to.
struct Gated {
    key: SoftwareSigner,
    gate: Mutex<Option<Gate>>,
}

struct Gate {
    reached: Sender<()>,
    verdict: Receiver<Verdict>,
}

impl Gated {
    fn new() -> Arc<Gated> {
        Arc::new(Gated {
            key: signer(7),
            gate: Mutex::new(None),
        })
    }

    /// Holds up the next signature: tells that it was asked for, and waits for
    /// what is to become of it.
    fn hold_up(&self) -> (Receiver<()>, Sender<Verdict>) {
        let (reached, is_reached) = channel();
        let (decide, verdict) = channel();
        *self.gate.lock().unwrap() = Some(Gate { reached, verdict });
        (is_reached, decide)
    }
}

impl Signer for Gated {
    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let gate = self.gate.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.reached.send(()).unwrap();
            match gate.verdict.recv().unwrap() {
                Verdict::Signed => {}
                Verdict::Refused => return Err(SignError::Refused("not this one".into())),
                Verdict::Panics => panic!("the module fell out of its slot"),
            }
        }
        self.key.sign(message)
    }
}

fn entries(count: usize) -> Vec<PreparedEntry> {
    let entry = |n| PreparedEntry::of_caller("note", &payload(n)).unwrap();
    (0..count).map(entry).collect()
}

fn is_refusal(error: &LogbookError) -> bool {
    matches!(error, LogbookError::Sign(_))
}

fn is_stopped(error: &LogbookError) -> bool {
    matches!(error, LogbookError::Stopped)
}

/// What became of them.
struct Outcome {
    held_up: thread::Result<Result<Receipt, LogbookError>>,
    behind: [Result<Receipt, LogbookError>; 2],
    /// The last entry of the epoch.
    sealed: Result<Option<u64>, LogbookError>,
}

/// One entry is held up; two more and a seal come behind it, and are signed.
fn behind_one_that_is_held_up(verdict: Verdict) -> (Book, Outcome) {
    let gated = Gated::new();
    let (mut book, spy) = Book::spied_with(Arc::clone(&gated) as _);
    book.append();
    let before = spy.commits().len();
    let (reached, decide) = gated.hold_up();
    let logbook = book.logbook();
    let outcome = thread::scope(|scope| {
        let held_up = scope.spawn(|| logbook.append("note", &payload(0)));
        reached.recv().unwrap();
        let behind = [(); 2].map(|()| logbook.submit(entries(1)).unwrap());
        let queued = logbook.queued();
        let seal = scope.spawn(|| {
            let sealed = logbook.seal()?;
            Ok(sealed.map(|epoch| epoch.content.last_seq.0))
        });
        while logbook.queued() == queued {
            thread::yield_now();
        }
        // All of it is signed but the first.
        assert_eq!(spy.commits().len(), before);
        decide.send(verdict).unwrap();
        let first = |receipts: Vec<Receipt>| receipts.into_iter().next().unwrap();
        Outcome {
            held_up: held_up.join(),
            behind: behind.map(|pending| pending.wait().map(first)),
            sealed: seal.join().unwrap(),
        }
    });
    (book, outcome)
}

#[test]
fn what_is_signed_out_of_turn_is_committed_in_turn() {
    let (mut book, outcome) = behind_one_that_is_held_up(Verdict::Signed);
    book.receipts.push(outcome.held_up.unwrap().unwrap());
    book.receipts.extend(outcome.behind.map(Result::unwrap));
    let seqs = book.receipts.iter().map(|receipt| receipt.seq.0);
    assert_eq!(seqs.collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(outcome.sealed.unwrap(), Some(4));
    assert_eq!(book.count(), 5);
    book.check();
    book.reopen();
}

#[test]
fn a_signature_that_is_refused_takes_along_what_stands_behind_it() {
    let (mut book, outcome) = behind_one_that_is_held_up(Verdict::Refused);
    assert!(is_refusal(&outcome.held_up.unwrap().unwrap_err()));
    for behind in outcome.behind {
        assert!(is_refusal(&behind.unwrap_err()));
    }
    assert!(is_refusal(&outcome.sealed.unwrap_err()));
    assert_eq!((book.count(), book.epochs().len()), (2, 0));
    let receipt = book.append();
    assert_eq!(receipt.prev_hash, book.entry(1).hash());
    assert_eq!(book.seal().map(|epoch| epoch.last_seq.0), Some(2));
    book.check();
    book.reopen();
}

#[test]
fn a_signer_that_panics_takes_along_what_stands_behind_it_and_no_more() {
    let (mut book, outcome) = behind_one_that_is_held_up(Verdict::Panics);
    assert!(outcome.held_up.is_err(), "in the thread that asked it");
    for behind in outcome.behind {
        assert!(is_stopped(&behind.unwrap_err()));
    }
    assert!(is_stopped(&outcome.sealed.unwrap_err()));
    assert_eq!((book.count(), book.epochs().len()), (2, 0));
    let receipt = book.append();
    assert_eq!(receipt.prev_hash, book.entry(1).hash());
    book.check();
    book.reopen();
}

#[test]
fn a_large_request_is_signed_while_its_caller_goes_on() {
    for verdict in [Verdict::Signed, Verdict::Refused, Verdict::Panics] {
        let gated = Gated::new();
        let (mut book, _) = Book::spied_with(Arc::clone(&gated) as _);
        let (reached, decide) = gated.hold_up();
        // Returns, though a signature is held up that nobody has decided about.
        let pending = book.logbook().submit(entries(100)).unwrap();
        reached.recv().unwrap();
        let (signed, panics) = (
            matches!(verdict, Verdict::Signed),
            matches!(verdict, Verdict::Panics),
        );
        decide.send(verdict).unwrap();
        match pending.wait() {
            Ok(receipts) => {
                assert!(signed);
                assert_eq!(receipts.len(), 100);
                book.receipts.extend(receipts);
            }
            Err(error) if panics => assert!(is_stopped(&error), "{error:?}"),
            Err(error) => assert!(!signed && is_refusal(&error), "{error:?}"),
        }
        let count = book.count();
        assert_eq!(count, if signed { 101 } else { 1 });
        assert_eq!(book.append().seq.0, count);
        book.check();
        book.reopen();
    }
}
