//! The in-memory logbook.

use sealbook::ledger::entry::{Entry, EntryError, KindError};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{PublicKey, Signer as _};
use sealbook::ledger::time::Timestamp;
use sealbook::vacant::{AppendError, ChainProblem, HashChainError, VacantLogbook};

use crate::{at, cases, object, signer, text};

#[test]
fn every_logbook_gets_the_reference_verdict() {
    let cases = cases("logbooks.jsonl");
    assert!(cases.len() >= 80);
    for case in &cases {
        let id = text(case, "id");
        let lines = at(case, "lines").as_array().unwrap().iter();
        let lines = lines.map(|line| line.as_str().unwrap());
        let entries = lines.filter(|line| !line.trim().is_empty());
        let entries: Vec<Entry> = entries
            .map(|line| Entry::from_logbook_line(line.as_bytes()).unwrap())
            .collect();
        let logbook = VacantLogbook::from_entries(entries);
        let key = PublicKey::from_hex(text(case, "public_key")).unwrap();
        let expect = at(case, "expect");
        let count = at(expect, "entries").as_u64().unwrap();
        assert_eq!(logbook.entries().len() as u64, count, "{id}");
        assert_eq!(
            logbook.latest_hash().to_string(),
            text(expect, "head"),
            "{id}"
        );
        let ok = at(expect, "ok").as_bool().unwrap();
        assert_eq!(logbook.verify_chain(&key), ok, "{id}");
        let (index, code) = match logbook.verify_chain_or_raise(&key) {
            Ok(()) => (None, None),
            Err(HashChainError { index, problem }) => {
                let code = match problem {
                    ChainProblem::LinkBroken { .. } => "prev_hash_mismatch",
                    _ => "signature_invalid",
                };
                (Some(index as u64), Some(code))
            }
        };
        assert_eq!(index, at(expect, "first_fault_index").as_u64(), "{id}");
        assert_eq!(code, at(expect, "first_fault").as_str(), "{id}");
    }
}

#[test]
fn appended_entries_chain_and_a_break_names_entry_expected_and_actual() {
    let signer = signer(&"07".repeat(32));
    let ts = Timestamp::parse("2026-11-20T16:56:48Z").unwrap();
    let mut logbook = VacantLogbook::new();
    assert_eq!(logbook.latest_hash(), Hash::ZERO);
    for n in 0..3 {
        let payload = object(&format!("{{\"n\": {n}}}"));
        logbook.append("BIRTH", &payload, &signer, ts).unwrap();
    }
    let key = signer.public_key();
    assert!(logbook.verify_chain(&key));
    let mut entries = logbook.entries().to_vec();
    let dropped = entries.remove(1);
    let error = VacantLogbook::from_entries(entries.clone())
        .verify_chain_or_raise(&key)
        .unwrap_err();
    let expected = dropped.prev_hash();
    let actual = dropped.hash();
    let problem = ChainProblem::LinkBroken { expected, actual };
    assert_eq!(error, HashChainError { index: 1, problem });
    let text = error.to_string();
    for part in ["entry 1", &expected.to_string(), &actual.to_string()] {
        assert!(text.contains(part), "{text}");
    }
    let before = logbook.clone();
    let error = logbook.append(" ", &object("{}"), &signer, ts).unwrap_err();
    let blank = matches!(
        error,
        AppendError::Entry(EntryError::Kind(KindError::Blank))
    );
    assert!(blank, "{error:?}");
    assert_eq!(logbook, before);
}
