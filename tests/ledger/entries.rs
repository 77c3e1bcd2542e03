//! `entries.jsonl`: payload, timestamp, signing payload, hash, signature.

use sealbook::ledger::entry::{Draft, Entry, EntryError, KindError, check_kind};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Form;
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::parse::parse;
use sealbook::ledger::time::Timestamp;
use zeroize::Zeroizing;

use crate::vectors::{cases, text};

#[test]
fn every_entry_of_the_vectors_has_the_reference_bytes() {
    for case in cases("entries.jsonl") {
        let id = text(&case, "id");
        let expect = &case["expect"];
        let seed: [u8; 32] = hex::decode(text(&case, "seed"))
            .unwrap()
            .try_into()
            .unwrap();
        let signer = SoftwareSigner::from_seed(&Zeroizing::new(seed));
        assert_eq!(
            signer.public_key().to_string(),
            text(&case, "public_key"),
            "{id}"
        );
        let payload = parse(text(&case, "payload_json").as_bytes())
            .unwrap()
            .canonical(Form::Utf8);
        assert_eq!(payload, text(expect, "canonical_payload"), "{id}");
        let ts = Timestamp::parse(text(&case, "ts")).unwrap();
        assert_eq!(ts.to_string(), text(expect, "ts_utc"), "{id}");
        let prev = Hash::from_hex(text(&case, "prev_hash")).unwrap();
        let draft = Draft::new(text(&case, "kind"), ts, payload.as_bytes(), &prev).unwrap();
        assert_eq!(
            hex::encode(draft.signing_payload()),
            text(expect, "signing_payload"),
            "{id}"
        );
        assert_eq!(draft.hash().to_string(), text(expect, "hash"), "{id}");
        let entry = draft.sign(&signer).unwrap();
        assert_eq!(
            entry.signature().to_string(),
            text(expect, "signature"),
            "{id}"
        );

        let again = Entry::from_record(entry.record().to_vec()).unwrap();
        assert_eq!(again, entry, "{id}");
        assert!(again.check_payload().is_ok(), "{id}");
        let mut line = Vec::new();
        entry.write_json(None, &mut line);
        assert_eq!(Entry::from_logbook_line(&line).unwrap(), entry, "{id}");
    }
}

#[test]
fn kinds_are_1_to_256_bytes_not_blank_without_control_characters() {
    assert_eq!(check_kind("x"), Ok(()));
    assert_eq!(check_kind(&"é".repeat(128)), Ok(()));
    let long = "x".repeat(257);
    assert_eq!(check_kind(&long), Err(KindError::TooLong { bytes: 257 }));
    for blank in ["", " ", "\u{2003}\u{3000}"] {
        assert_eq!(check_kind(blank), Err(KindError::Blank), "{blank:?}");
    }
    for character in (0..0x20)
        .chain(0x7f..0xa0)
        .map(|c| char::from_u32(c).unwrap())
    {
        let kind = format!("a{character}");
        assert_eq!(
            check_kind(&kind),
            Err(KindError::Control { character, at: 1 })
        );
    }
}

#[test]
fn a_record_with_a_payload_in_another_spelling_is_told() {
    let signer = SoftwareSigner::from_seed(&Zeroizing::new([1; 32]));
    let ts = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    for (payload, error) in [
        (&br#"{"b":1,"a":2}"#[..], EntryError::PayloadNotCanonical),
        (br#"{"a": 1}"#, EntryError::PayloadNotCanonical),
        (b"[]", EntryError::PayloadNotObject),
    ] {
        let entry = Draft::new("k", ts, payload, &Hash::ZERO)
            .unwrap()
            .sign(&signer)
            .unwrap();
        assert_eq!(entry.check_payload().unwrap_err(), error);
    }
}

#[test]
fn a_record_that_does_not_split_is_refused() {
    assert_eq!(
        Entry::from_record(Vec::new()).unwrap_err(),
        EntryError::Record
    );
    assert_eq!(
        Entry::from_record(vec![0x1f; 200]).unwrap_err(),
        EntryError::Record
    );
    assert_eq!(
        Entry::from_record(vec![b'a'; 200]).unwrap_err(),
        EntryError::Record
    );
}

#[test]
fn a_signing_payload_over_16_mib_is_refused() {
    let ts = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let overhead = "k".len() + ts.to_string().len() + 3 + 32;
    let fits = vec![b' '; (16 << 20) - overhead];
    assert!(Draft::new("k", ts, &fits, &Hash::ZERO).is_ok());
    let over = vec![b' '; (16 << 20) - overhead + 1];
    let error = Draft::new("k", ts, &over, &Hash::ZERO).unwrap_err();
    assert_eq!(
        error,
        EntryError::TooLarge {
            bytes: (16 << 20) + 1
        }
    );
}
