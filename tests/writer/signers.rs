//! A signer that refuses now and then, as a hardware module may.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealbook::ledger::key::{PublicKey, SignError, Signature, Signer, SoftwareSigner};
use sealbook::ledger::signed::PROBE;
use sealbook::logbook::error::LogbookError;

use crate::book::{Book, signer};

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Entry,
    Head,
    Epoch,
    /// Whether it is back, which is asked at any time.
    Probe,
}

impl What {
    fn of(message: &[u8]) -> What {
        if message.starts_with(b"sealbook:head:v1\x1f") {
            What::Head
        } else if message.starts_with(b"sealbook:epoch:v1\x1f") {
            What::Epoch
        } else if message == PROBE {
            What::Probe
        } else {
            What::Entry
        }
    }
}

/// Refuses the n-th message of a sort; every other one is signed.
struct Fickle {
    key: SoftwareSigner,
    refuses: What,
    left: AtomicUsize,
}

impl Fickle {
    fn new() -> Arc<Fickle> {
        Fickle::refusing(What::Entry, usize::MAX)
    }

    fn refusing(refuses: What, after: usize) -> Arc<Fickle> {
        Arc::new(Fickle {
            key: signer(7),
            refuses,
            left: AtomicUsize::new(after),
        })
    }

    fn refuse_next(&self, after: usize) {
        self.left.store(after, Ordering::SeqCst);
    }
}

impl Signer for Fickle {
    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        if What::of(message) == self.refuses {
            // Wraps around, and is then as good as never.
            if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
                return Err(SignError::Refused("the module is busy".into()));
            }
        }
        self.key.sign(message)
    }
}

fn is_refusal(error: &LogbookError) -> bool {
    matches!(error, LogbookError::Sign(error) if matches!(**error, SignError::Refused(_)))
}

#[test]
fn an_entry_that_is_not_signed_leaves_no_trace_and_the_chain_goes_on() {
    for failing in 0..12 {
        let fickle = Fickle::new();
        let (mut book, spy) = Book::spied_with(Arc::clone(&fickle) as _);
        book.append();
        let (commits, count) = (spy.commits().len(), book.count());
        let head = book.logbook().head().unwrap();

        // Twelve are signed on every core, and one of them is refused.
        fickle.refuse_next(failing);
        let error = book.try_append_together(12).unwrap_err();
        assert!(is_refusal(&error), "{failing}: {error:?}");
        assert_eq!((spy.commits().len(), book.count()), (commits, count));
        assert_eq!(book.logbook().head().unwrap(), head);

        fickle.refuse_next(0);
        let error = book.try_append().unwrap_err();
        assert!(is_refusal(&error), "{failing}: {error:?}");
        assert_eq!((spy.commits().len(), book.count()), (commits, count));

        let receipt = book.append();
        assert_eq!(
            (receipt.seq.0, receipt.prev_hash),
            (count, head.content.hash)
        );
        book.append_together(12);
        book.seal().unwrap();
        book.reopen();
    }
}

#[test]
fn a_refusal_at_the_turn_of_the_hour_seals_nothing() {
    let fickle = Fickle::new();
    let (mut book, spy) = Book::spied_with(Arc::clone(&fickle) as _);
    book.append();
    book.clock.pass_secs(3_600);
    let commits = spy.commits().len();
    fickle.refuse_next(0);
    let error = book.try_append().unwrap_err();
    assert!(is_refusal(&error), "{error:?}");
    assert_eq!((spy.commits().len(), book.epochs().len()), (commits, 0));
    book.append();
    assert_eq!(book.epochs().len(), 1);
    book.reopen();
}

#[test]
fn a_clock_entry_that_is_not_signed_is_recorded_at_the_next_append() {
    let fickle = Fickle::new();
    let (mut book, _) = Book::spied_with(Arc::clone(&fickle) as _);
    book.append();
    book.clock.jump(100_000_000);
    fickle.refuse_next(0);
    assert!(is_refusal(&book.try_append().unwrap_err()));
    book.append();
    assert_eq!(book.kinds()[2], "sealbook:clock");
}

#[test]
fn a_header_or_mark_that_is_not_signed_is_signed_later() {
    let (mut stops, mut goes_on) = (0, 0);
    for refuses in [What::Epoch, What::Head] {
        for after in 0..4 {
            let case = format!("{refuses:?} {after}");
            // The first mark is signed when the book is made.
            let spare = usize::from(refuses == What::Head);
            let fickle = Fickle::refusing(refuses, after + spare);
            let (mut book, _) = Book::spied_with(Arc::clone(&fickle) as _);
            let mut refused = None;
            let mut before = (0, 0);
            for _ in 0..10 {
                book.clock.pass_secs(2_000);
                before = (book.count(), book.epochs().len());
                refused = book.try_append().err();
                if refused.is_some() {
                    break;
                }
                book.check();
            }
            let error = refused.expect(&case);
            assert!(is_refusal(&error), "{case}: {error:?}");
            assert_eq!(book.count(), before.0, "{case}");
            // A header that is durable has to be named by the mark before anything else:
            // the one place where a refusal stops the writer.
            if book.epochs().len() > before.1 {
                stops += 1;
                let error = book.try_append().unwrap_err();
                assert!(matches!(error, LogbookError::Stopped), "{case}: {error:?}");
                let error = book.try_close().unwrap_err();
                assert!(matches!(error, LogbookError::Stopped), "{case}: {error:?}");
                book.open().unwrap();
            } else {
                goes_on += 1;
                assert!(!book.logbook().is_stopped(), "{case}");
                // Whatever is signed says that the key is back.
                assert!(book.logbook().signer_is_away(), "{case}");
                book.append();
                assert!(!book.logbook().signer_is_away(), "{case}");
            }
            assert_eq!(book.audit().faults, [], "{case}");
            book.append();
            book.seal().unwrap();
            book.reopen();
        }
    }
    assert!(stops > 0 && goes_on > 4, "{stops} {goes_on}");
}
