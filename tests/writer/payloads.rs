//! Payloads of any JSON shape: appended, shown, exported and verified, they
//! stay what they were.

use proptest::prelude::*;

use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::parse;
use sealbook::ledger::position::Seq;
use sealbook::ledger::proof::ProofFile;

use crate::book::Book;
use crate::evidence::{export, judge};

/// JSON text, in whatever spelling.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|yes| yes.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "-?[1-9][0-9]{0,60}",
        any::<f64>()
            .prop_filter("JSON has no such number", |n| n.is_finite())
            .prop_map(|n| format!("{n:e}")),
        "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,20}([eE][+-]?[0-9]{1,2})?",
        string(),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|items| format!("[ {} ]", items.join(" , "))),
            object(inner),
        ]
    })
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC*",
        "[\\x00-\\x1f\u{7f}-\u{9f}\u{2028}\u{202e}\u{feff}]*"
    ]
    .prop_map(|text| serde_json::to_string(&text).unwrap())
}

pub(crate) fn object(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let members = prop::collection::btree_map(any::<String>(), inner, 0..6);
    members.prop_map(|members| {
        let member = |(key, value): (&String, &String)| {
            format!("{}:\t{value}", serde_json::to_string(key).unwrap())
        };
        // Not in order: the writer sorts.
        let members: Vec<_> = members.iter().rev().map(member).collect();
        format!("{{{}\n}}", members.join(","))
    })
}

pub(crate) fn read(text: &str) -> Object {
    match parse::parse(text.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_payload_survives_the_ledger_and_its_evidence(
        payloads in prop::collection::vec(object(json()), 1..6)
    ) {
        let mut book = Book::in_memory();
        for text in &payloads {
            let receipt = book.logbook().append("any", &read(text)).unwrap();
            book.receipts.push(receipt);
        }
        book.seal().unwrap();
        for (n, text) in payloads.iter().enumerate() {
            let seq = n as u64 + 1;
            prop_assert_eq!(book.payload(seq), read(text));
            let mut shown = Vec::new();
            book.entry(seq).write_json(Some(Seq(seq)), &mut shown);
            let shown = parse::parse(&shown).unwrap();
            prop_assert_eq!(shown.get("payload").unwrap(), &Value::from(read(text)));
            let proof = book.read(|store| sealbook::evidence::prove(store, Seq(seq))).unwrap();
            let report = judge(&mut ProofFile::new(&proof.to_bytes()), book.log());
            prop_assert_eq!(report.faults, []);
        }
        let bundle = export(&book, (0, u64::MAX), None, true).unwrap();
        let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
        prop_assert_eq!(report.faults, []);
        prop_assert_eq!(report.entries, payloads.len() as u64 + 1);

        // The same as a logbook, whose lines anyone may spell as he likes.
        let mut lines = Vec::new();
        for seq in 0..book.count() {
            book.entry(seq).write_json(None, &mut lines);
            lines.push(b'\n');
        }
        let report = judge(&mut LogbookFile::new(&lines[..]), book.log());
        prop_assert_eq!(report.faults, []);
        book.reopen();
    }
}

#[test]
fn what_other_programs_round_is_kept_to_the_digit() {
    let text = format!(
        r#"{{"a":{},"b":0.1,"c":1e22,"d":-0.0,"e":9007199254740993,"f":5e-324,"g":1.0}}"#,
        "9".repeat(4_300)
    );
    let mut book = Book::in_memory();
    let receipt = book.logbook().append("numbers", &read(&text)).unwrap();
    book.receipts.push(receipt);
    book.check();
    let expected = text.replace("1e22", "1e+22");
    assert_eq!(Value::from(book.payload(1)).canonical(Form::Utf8), expected);
    assert_eq!(book.entry(1).payload_bytes(), expected.as_bytes());
}
