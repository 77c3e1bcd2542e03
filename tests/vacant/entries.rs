//! Entries, byte for byte.

use sealbook::ledger::entry::Draft;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Value};
use sealbook::ledger::time::Timestamp;

use crate::{at, cases, object, signer, text};

#[test]
fn entries_have_the_reference_bytes() {
    for case in cases("entries.jsonl") {
        let id = text(&case, "id");
        let payload = object(text(&case, "payload_json"));
        let canonical = Value::Object(payload).canonical(Form::Utf8);
        assert_eq!(canonical, text(&case, "expect.canonical_payload"), "{id}");
        let ts = Timestamp::parse(text(&case, "ts")).unwrap();
        let prev = Hash::from_hex(text(&case, "prev_hash")).unwrap();
        let draft = Draft::new(text(&case, "kind"), ts, canonical.as_bytes(), &prev);
        let entry = draft.unwrap().sign(&signer(text(&case, "seed"))).unwrap();
        let expect = at(&case, "expect");
        let signing_payload = hex::encode(entry.signing_payload());
        assert_eq!(signing_payload, text(expect, "signing_payload"), "{id}");
        assert_eq!(entry.hash().to_string(), text(expect, "hash"), "{id}");
        assert_eq!(
            entry.signature().to_string(),
            text(expect, "signature"),
            "{id}"
        );
        assert_eq!(entry.ts().to_string(), text(expect, "ts_utc"), "{id}");
    }
}
