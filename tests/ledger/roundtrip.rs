//! What is written is read to the same bytes.

use proptest::prelude::*;

use sealbook::ledger::document::{self, DocumentDigest};
use sealbook::ledger::encrypted_pem::{EncryptedKey, format_encrypted_key};
use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::proof::InclusionProof;
use sealbook::ledger::published::Published;
use sealbook::ledger::time::Timestamp;
use zeroize::Zeroizing;

use crate::bundles::{judge_bundle, judge_proof};
use crate::sample::Sample;

fn kind() -> impl Strategy<Value = String> {
    "\\PC{1,40}".prop_filter("not blank, no control characters", |kind| {
        !kind.trim().is_empty() && !kind.chars().any(char::is_control)
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..5).prop_map(object),
        ]
    })
}

fn object(members: Vec<(String, Value)>) -> Value {
    let mut object = Object::new();
    for (name, value) in members {
        object.insert(name, value);
    }
    Value::Object(object)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn entries_read_back(kind in kind(), value in value(), micros in 0_i64..4_000_000_000_000_000) {
        let signer = SoftwareSigner::from_seed(&Zeroizing::new([3; 32]));
        let payload = object(vec![("v".to_owned(), value)]).canonical(Form::Utf8);
        let ts = Timestamp::from_unix_micros(micros).unwrap();
        let draft = Draft::new(&kind, ts, payload.as_bytes(), &Hash::of(b"before")).unwrap();
        let entry = draft.sign(&signer).unwrap();
        let mut line = Vec::new();
        entry.write_json(None, &mut line);
        let again = Entry::from_logbook_line(&line).unwrap();
        prop_assert_eq!(again.record(), entry.record());
        let stored = Entry::from_record(entry.record().to_vec()).unwrap();
        let mut spelt = Vec::new();
        stored.write_json(None, &mut spelt);
        prop_assert_eq!(spelt, line);
        prop_assert!(signer.public_key().verify(again.signing_payload(), &again.signature()));
    }

    #[test]
    fn documents_have_the_digest_of_their_content(content in value()) {
        let digest = DocumentDigest::of(&content);
        let payload = document::payload("application/json", content);
        let text = payload.get("digest").and_then(Value::as_str).unwrap();
        prop_assert_eq!(DocumentDigest::parse(text), Some(digest));
        prop_assert_eq!(digest.to_string(), text);
    }

    #[test]
    fn proofs_headers_heads_and_bundles_of_any_log_read_back_and_verify(
        sizes in prop::collection::vec(1_usize..20, 1..4),
        tail in 0_usize..4,
        pick in any::<prop::sample::Index>(),
        until in any::<prop::sample::Index>(),
    ) {
        let sample = Sample::new(&sizes, tail);
        let sealed: usize = sizes.iter().sum();
        let seq = pick.index(sealed) as u64;
        let proof = sample.proof(seq).to_bytes();
        prop_assert_eq!(InclusionProof::from_bytes(&proof).unwrap().to_bytes(), &proof[..]);
        prop_assert_eq!(judge_proof(&proof, &sample).faults, vec![]);
        let statements = sample.epochs.iter().cloned().map(Published::Epoch);
        for statement in statements.chain([Published::Head(sample.head(seq))]) {
            let line = statement.to_line();
            let again = Published::from_line(line.trim_ascii_end()).unwrap();
            prop_assert_eq!(again.to_line(), line);
        }
        let last = seq + until.index(sealed + tail - seq as usize) as u64;
        let last = if last as usize >= sealed { (sealed + tail - 1) as u64 } else { last };
        prop_assert_eq!(judge_bundle(&sample.range_bundle(seq, last, true), &sample).faults, vec![]);
    }
}

proptest! {
    // Each costs five scrypts.
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn keys_under_any_passphrase_read_back(seed: [u8; 32], passphrase: Vec<u8>) {
        let signer = SoftwareSigner::from_seed(&Zeroizing::new(seed));
        let text = format_encrypted_key(&signer, &passphrase, &[5; 16], [6; 16]).unwrap();
        let again = EncryptedKey::from_pem(&text).unwrap().unlock(&passphrase).unwrap();
        prop_assert_eq!(again.public_key(), signer.public_key());
    }
}
