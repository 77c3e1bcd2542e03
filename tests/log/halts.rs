//! A log whose witnesses have seen another history signs nothing until somebody
//! acknowledges that for ever; and what a panel says without a quorum.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use sealbook::api::{Error, Halt, check_not_halted};
use sealbook::fetch::Fetcher;
use sealbook::ledger::parse::parse;
use sealbook::witness::{Panel, WitnessFail};
use sealbook::{Ledger, Options};

use crate::made::{Log, NOW, ORIGIN, at, cosignature, log_key, policy};
use crate::server::{Server, answer};

#[test]
fn a_halted_log_signs_nothing_until_that_is_accepted_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let ledger = Ledger::create(&dir, Options::new("halted")).unwrap();
    ledger.close().unwrap();
    check_not_halted(&dir, ORIGIN).unwrap();
    let halt = Halt {
        evidence: vec![Log::new(20, 20, 0).signed().to_string()],
        name: ORIGIN.to_owned(),
        reason: "a checkpoint of 20 entries".to_owned(),
    };
    halt.keep(&dir).unwrap();
    let refused = check_not_halted(&dir, ORIGIN).unwrap_err();
    assert_eq!(refused.code(), "rollback_detected");
    assert!(matches!(refused, Error::Halted(kept) if kept == halt));
    // Another name is another log.
    check_not_halted(&dir, "log.example/2").unwrap();
    let accepted = Ledger::accept_halt(&dir, Options::default(), "restored").unwrap();
    let (ledger, accepted, receipt) = accepted.unwrap();
    assert_eq!(accepted, halt);
    let entry = ledger.entry(receipt.seq).unwrap();
    assert_eq!(entry.kind(), "sealbook:rollback");
    let payload = parse(entry.payload_bytes()).unwrap();
    assert_eq!(
        payload.get("fault").unwrap().as_str(),
        Some("rollback_detected")
    );
    ledger.close().unwrap();
    check_not_halted(&dir, ORIGIN).unwrap();
    let again = Ledger::accept_halt(&dir, Options::default(), "again").unwrap();
    assert!(again.is_none());
}

#[test]
fn a_halt_that_cannot_be_read_is_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    fs::create_dir(&dir).unwrap();
    for text in ["", "{}", "{\"name\":1}"] {
        fs::write(folder.path().join("ledger.halt"), text).unwrap();
        assert!(check_not_halted(&dir, ORIGIN).is_err(), "{text}");
    }
}

#[test]
fn without_a_quorum_the_panel_says_whether_to_publish() {
    let log = Log::new(9, 9, 0);
    let one = Server::new(|request, stream| {
        let (_, note) = request.body.split_once("\n\n").unwrap();
        let (text, _) = note.rsplit_once("\n\n").unwrap();
        let line = cosignature(&format!("{text}\n"), 1, NOW).to_string();
        let _ = stream.write_all(answer(200, "text/plain", &line).as_bytes());
    });
    for (fail, publish) in [(WitnessFail::Closed, false), (WitnessFail::Open, true)] {
        let panel = Panel {
            policy: policy([&one.url, &one.url, &one.url]),
            fail,
            fetcher: Fetcher::new(Duration::from_secs(5)),
        };
        let done = panel.ask(&&log, log.signed(), None, &log_key(), at(NOW));
        let done = done.unwrap();
        assert_eq!(done.publish, publish);
        assert!(!done.standing.quorum);
        // The log's own signature and the one cosignature that there is.
        assert_eq!(done.checkpoint.note().signatures().len(), 2);
        let faults: Vec<_> = done
            .standing
            .witnesses
            .iter()
            .map(|w| w.fault.is_some())
            .collect();
        assert_eq!(faults, [false, true, true]);
        // A witness whose cosignature is published is asked from there.
        let published = done.checkpoint.clone();
        let before = one.received().len();
        let again = panel.ask(&&log, log.signed(), Some(&published), &log_key(), at(NOW));
        assert!(!again.unwrap().standing.quorum);
        let asked = &one.received()[before..];
        let from = |old: &str| asked.iter().filter(|r| r.body.starts_with(old)).count();
        assert_eq!((from("old 9\n"), from("old 0\n")), (1, 2));
    }
}
