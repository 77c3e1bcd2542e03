//! Each member of everything that is signed, made wrong in each way that its type
//! and its meaning allow: the one fault that the document names first.

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::proof::ProofFile;
use sealbook::ledger::source::Source;
use sealbook::ledger::verify::{Policy, verify};
use serde_json::{Value, json};

use super::{Change, FIRST_HOUR, Kind, SECOND_HOUR, Stage, key, make};

const BUNDLES: [Kind; 2] = [Kind::Range, Kind::Selection];
const SEALED: [Kind; 3] = [Kind::Range, Kind::Selection, Kind::Proof];
const ALL: [Kind; 4] = [Kind::Range, Kind::Selection, Kind::Proof, Kind::Logbook];
const CHAINED: [Kind; 2] = [Kind::Range, Kind::Logbook];

/// The code of the first fault; `pass` if there is none.
fn verdict(kind: Kind, bytes: &[u8]) -> String {
    let policy = Policy {
        keys: vec![PublicKey::from_hex(&key()).unwrap()],
        ..Policy::default()
    };
    let mut source: Box<dyn Source + '_> = match kind {
        Kind::Range | Kind::Selection => match BundleFile::open(bytes) {
            Ok(source) => Box::new(source),
            Err(_) => return "format_unsupported".to_owned(),
        },
        Kind::Proof => Box::new(ProofFile::new(bytes)),
        Kind::Logbook => Box::new(LogbookFile::new(bytes)),
    };
    let Ok(outcome) = verify(&mut *source, &policy, &mut |_| ()) else {
        return "format_unsupported".to_owned();
    };
    let report = serde_json::to_value(&outcome.report).unwrap();
    let first = &report["faults"][0]["code"];
    first.as_str().unwrap_or("pass").to_owned()
}

/// Counts what was tried.
#[derive(Default)]
struct Tried(usize);

impl Tried {
    fn expect(&mut self, kind: Kind, stage: Stage, name: &str, value: Option<&Value>, code: &str) {
        let edit = |object: &mut Value| {
            let members = object.as_object_mut().unwrap();
            match value {
                Some(value) => members.insert(name.to_owned(), value.clone()),
                None => members.remove(name),
            };
        };
        let change = Change { stage, edit: &edit };
        let found = verdict(kind, &make(kind, &change));
        assert_eq!(found, code, "{kind:?}, {stage:?}: {name} = {value:?}");
        self.0 += 1;
    }

    /// Not there, of other types, and one member more.
    fn malformed(&mut self, kind: Kind, stage: Stage, names: &[&str], code: &str) {
        for name in names {
            self.expect(kind, stage, name, None, code);
            for value in [json!([1]), json!(-1), json!(1.5), json!(true)] {
                self.expect(kind, stage, name, Some(&value), code);
            }
        }
        self.expect(kind, stage, "more", Some(&json!(1)), code);
    }
}

const HEADER: [&str; 11] = [
    "epoch",
    "first_seq",
    "genesis",
    "head",
    "hour",
    "last_seq",
    "log",
    "prev",
    "root",
    "sealed_at",
    "tree_size",
];
const OPENING: [&str; 6] = [
    "format",
    "log",
    "nonce",
    "origin",
    "predecessor",
    "recovery_key_sha256",
];
const CLOSING: [&str; 9] = [
    "bytes",
    "documents",
    "entries",
    "epochs",
    "filter",
    "format",
    "genesis",
    "hash",
    "log",
];
const HEAD: [&str; 8] = [
    "epoch", "format", "genesis", "hash", "log", "seq", "tree", "ts",
];

#[test]
fn nothing_wrong_passes_in_every_kind() {
    for kind in ALL {
        let change = Change {
            stage: Stage::Head,
            edit: &|_| (),
        };
        assert_eq!(verdict(kind, &make(kind, &change)), "pass", "{kind:?}");
    }
}

#[test]
fn what_is_no_such_object_is_refused_under_signatures_that_hold() {
    let mut tried = Tried::default();
    for kind in BUNDLES {
        tried.malformed(kind, Stage::Header(1), &HEADER, "bundle_corrupt");
        tried.malformed(kind, Stage::Closing, &CLOSING, "bundle_corrupt");
        let first = ["contents", "format", "genesis", "log", "uses"];
        tried.malformed(kind, Stage::First, &first, "bundle_corrupt");
    }
    tried.malformed(Kind::Proof, Stage::Header(1), &HEADER, "proof_invalid");
    tried.malformed(Kind::Range, Stage::Head, &HEAD, "bundle_corrupt");
    let entry = ["kind", "payload", "prev_hash", "signature", "ts"];
    for kind in [Kind::Range, Kind::Selection, Kind::Logbook] {
        tried.malformed(kind, Stage::Entry(5), &entry[..3], "schema_violation");
        tried.malformed(kind, Stage::Entry(5), &entry[4..], "schema_violation");
    }
    tried.malformed(Kind::Proof, Stage::Entry(5), &entry[..3], "proof_invalid");
    for kind in ALL {
        tried.malformed(kind, Stage::Payload(0), &OPENING, "schema_violation");
    }
    for kind in CHAINED {
        let document = ["content", "digest", "media_type"];
        for name in document {
            tried.expect(kind, Stage::Payload(1), name, None, "schema_violation");
        }
        tried.expect(
            kind,
            Stage::Payload(1),
            "more",
            Some(&json!(1)),
            "schema_violation",
        );
    }
    assert!(tried.0 >= 400, "{}", tried.0);
}

#[test]
fn what_contradicts_the_rest_is_named_under_signatures_that_hold() {
    let mut tried = Tried::default();
    let other = json!("11".repeat(32));
    let codes = |codes: [&'static str; 3]| SEALED.into_iter().zip(codes);
    let invariant = ["epoch_invariant"; 3];
    for (name, value, expected) in [
        ("tree_size", json!(3), invariant),
        ("tree_size", json!(0), invariant),
        ("first_seq", json!(3), invariant),
        ("last_seq", json!(6), invariant),
        ("epoch", json!(0), invariant),
        ("hour", json!("2026-03-01T11:00:01+00:00"), invariant),
        ("hour", json!("2026-03-01T12:00:00+00:00"), invariant),
        ("hour", json!(FIRST_HOUR), invariant),
        ("sealed_at", json!("2026-03-01T10:59:59+00:00"), invariant),
        (
            "root",
            other.clone(),
            ["epoch_root_mismatch", "proof_invalid", "proof_invalid"],
        ),
        ("head", other.clone(), ["head_mismatch"; 3]),
        (
            "prev",
            other.clone(),
            ["epoch_chain_broken", "epoch_chain_broken", "pass"],
        ),
        ("genesis", other.clone(), ["genesis_mismatch"; 3]),
        (
            "log",
            other.clone(),
            [
                "epoch_signature_invalid",
                "epoch_signature_invalid",
                "untrusted_key",
            ],
        ),
    ] {
        for (kind, code) in codes(expected) {
            tried.expect(kind, Stage::Header(1), name, Some(&value), code);
        }
    }
    for kind in ALL {
        tried.expect(
            kind,
            Stage::Payload(0),
            "log",
            Some(&other),
            "log_key_mismatch",
        );
        tried.expect(
            kind,
            Stage::Entry(0),
            "prev_hash",
            Some(&other),
            "prev_hash_mismatch",
        );
        tried.expect(
            kind,
            Stage::Entry(0),
            "kind",
            Some(&json!("note")),
            match kind {
                // The book of others, in which kinds mean nothing.
                Kind::Logbook => "pass",
                _ => "schema_violation",
            },
        );
        tried.expect(
            kind,
            Stage::Payload(0),
            "format",
            Some(&json!(2)),
            "format_unsupported",
        );
    }
    let early = json!("2026-03-01T10:59:59+00:00");
    for (kind, code) in ALL.into_iter().zip([
        "timestamp_regression",
        "epoch_invariant",
        "epoch_invariant",
        "timestamp_regression",
    ]) {
        tried.expect(kind, Stage::Entry(5), "ts", Some(&early), code);
    }
    for kind in CHAINED {
        tried.expect(
            kind,
            Stage::Entry(5),
            "prev_hash",
            Some(&other),
            "prev_hash_mismatch",
        );
        let digest = json!(format!("blake2b-256:{}", "11".repeat(32)));
        tried.expect(
            kind,
            Stage::Payload(1),
            "digest",
            Some(&digest),
            "document_mismatch",
        );
        tried.expect(
            kind,
            Stage::Payload(1),
            "content",
            Some(&json!(1)),
            "document_mismatch",
        );
        let context = json!({"rules": digest});
        tried.expect(
            kind,
            Stage::Payload(2),
            "context",
            Some(&context),
            "document_missing",
        );
    }
    let tie = |epoch: u64| json!({"epoch": epoch, "hash": "11".repeat(32)});
    for (name, value, code) in [
        ("hash", other.clone(), "head_mismatch"),
        ("seq", json!(5), "head_mismatch"),
        ("genesis", other.clone(), "genesis_mismatch"),
        ("log", other.clone(), "signature_invalid"),
        ("epoch", Value::Null, "epoch_chain_broken"),
        ("epoch", tie(1), "epoch_chain_broken"),
        ("ts", json!(SECOND_HOUR), "pass"),
    ] {
        tried.expect(Kind::Range, Stage::Head, name, Some(&value), code);
    }
    for kind in BUNDLES {
        for name in ["bytes", "documents", "entries", "epochs"] {
            for value in [json!(0), json!(1), json!(u64::MAX)] {
                if (name, &value) != ("documents", &json!(0)) {
                    tried.expect(kind, Stage::Closing, name, Some(&value), "bundle_corrupt");
                }
            }
        }
        for name in ["hash", "genesis", "log"] {
            tried.expect(kind, Stage::Closing, name, Some(&other), "bundle_corrupt");
        }
        tried.expect(
            kind,
            Stage::First,
            "genesis",
            Some(&other),
            "genesis_mismatch",
        );
        tried.expect(kind, Stage::First, "log", Some(&other), "untrusted_key");
        tried.expect(
            kind,
            Stage::First,
            "format",
            Some(&json!(3)),
            "format_unsupported",
        );
        tried.expect(
            kind,
            Stage::First,
            "uses",
            Some(&json!(["x"])),
            "format_unsupported",
        );
        tried.expect(
            kind,
            Stage::First,
            "contents",
            Some(&json!("all")),
            "bundle_corrupt",
        );
    }
    for (name, value, code) in [
        ("first_seq", json!(1), "sequence_gap"),
        ("last_seq", json!(5), "bundle_corrupt"),
        ("last_seq", json!(7), "truncated"),
    ] {
        tried.expect(Kind::Range, Stage::First, name, Some(&value), code);
    }
    assert!(tried.0 > 100, "{}", tried.0);
}

#[test]
fn an_entry_that_the_signed_filter_does_not_ask_for_is_named_under_signatures_that_hold() {
    let mut tried = Tried::default();
    for filter in [
        json!({"correlation": "c-1"}),
        json!({"tenant": "acme"}),
        json!({"tenant_json": "1"}),
        json!({"worker": "w"}),
        json!({"decision": "d"}),
        json!({"document": "blake2b-256:00"}),
        json!({"denied": true}),
        json!({"denied": false}),
        json!({"kinds": ["no.such.kind"]}),
        json!({"limit": 1}),
        json!({"from_seq": 4}),
        json!({"until_seq": 4}),
        json!({"since": SECOND_HOUR}),
        json!({"until": FIRST_HOUR}),
        json!({"attestations": true, "correlation": "c-1"}),
        json!({"attestations": true}),
        json!({"colour": "red"}),
        json!({"limit": "2"}),
    ] {
        let kind = Kind::Selection;
        tried.expect(
            kind,
            Stage::Closing,
            "filter",
            Some(&filter),
            "filter_mismatch",
        );
        tried.expect(
            Kind::Range,
            Stage::Closing,
            "filter",
            Some(&filter),
            "filter_mismatch",
        );
    }
    for filter in [
        json!({}),
        json!({"kinds": [], "limit": 2, "reverse": true}),
        json!({"from_seq": 3, "until_seq": 5, "correlation": null}),
        json!({"since": FIRST_HOUR}),
    ] {
        tried.expect(
            Kind::Selection,
            Stage::Closing,
            "filter",
            Some(&filter),
            "pass",
        );
    }
    assert_eq!(tried.0, 2 * 18 + 4);
}
