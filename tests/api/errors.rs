//! One error: each says a code for programs and, where there is one, the place.

use sealbook::ledger::json::Object;
use sealbook::ledger::position::Seq;
use sealbook::{Error, Ledger, Options, Place, Policy};

#[test]
fn what_is_refused_has_a_code_and_a_place() {
    let ledger = Ledger::in_memory(Options::default()).unwrap();
    let error = ledger.append("sealbook:x", &Object::new()).unwrap_err();
    assert_eq!(error.code(), "reserved_kind");
    assert_eq!(error.place(), None);
    let error = ledger.append("", &Object::new()).unwrap_err();
    assert_eq!(error.code(), "bad_input");
    let error = ledger.prove(Seq(0)).unwrap_err();
    assert_eq!(error.code(), "not_sealed");
    assert_eq!(error.place(), Some(Place::Entry(Seq(0))));
    let error = ledger.prove(Seq(7)).unwrap_err();
    assert_eq!(error.code(), "not_found");
    let error = ledger.entry(Seq(7)).unwrap_err();
    assert!(matches!(error, Error::NoSuchEntry { seq: Seq(7) }));
}

#[test]
fn what_is_nothing_gets_no_verdict() {
    let error = sealbook::verify(&b"{\"what\": 1}\n"[..], &Policy::default()).unwrap_err();
    assert_eq!(error.code(), "not_recognised");
    assert_eq!(
        error.to_string(),
        "its content is not a ledger, logbook, bundle or proof"
    );
}
