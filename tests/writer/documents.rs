//! Documents out of a ledger: a bundle carries every one that its entries refer
//! to, and nothing of anyone else.

use sealbook::evidence::EvidenceError;
use sealbook::evidence::selection::{SelectionExport, Unsealed, export_selection};
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::document;
use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::kind;
use sealbook::ledger::parse;
use sealbook::logbook::request::PreparedEntry;
use sealbook::store::indexer::catch_up;
use sealbook::store::query::Filter;

use crate::book::Book;
use crate::evidence::{export, judge};

fn object(text: &str) -> Object {
    match parse::parse(text.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

fn record(book: &mut Book, kind: &str, payload: &Object) {
    let prepared = PreparedEntry::new(kind, payload).unwrap();
    let pending = book.logbook().submit(vec![prepared]).unwrap();
    book.receipts.extend(pending.wait().unwrap());
}

/// Records a document and gives its digest.
fn document(book: &mut Book, text: &str) -> String {
    let payload = document::payload("text/plain", Value::from(text));
    record(book, kind::DOCUMENT, &payload);
    payload.get("digest").unwrap().as_str().unwrap().to_owned()
}

fn decision(book: &mut Book, tenant: &str, rules: &str) {
    let text = format!(
        r#"{{"context":{{"rules":"{rules}"}},"input":{{"tenant_id":"{tenant}","secret":"of {tenant}"}}}}"#
    );
    record(book, "wcp.decision", &object(&text));
}

/// Three documents, decisions of two tenants over several epochs, and a tail.
fn book(mut book: Book) -> Book {
    let shared = document(&mut book, "rules for all");
    let of_acme = document(&mut book, "rules for acme");
    let of_zeta = document(&mut book, "rules for zeta");
    for n in 0..6 {
        decision(
            &mut book,
            "acme",
            if n % 2 == 0 { &shared } else { &of_acme },
        );
        decision(
            &mut book,
            "zeta",
            if n % 2 == 0 { &shared } else { &of_zeta },
        );
        if n % 2 == 1 {
            book.clock.pass_secs(3_600);
        }
    }
    book.seal();
    decision(&mut book, "acme", &of_acme);
    book.check();
    book
}

fn select(book: &Book, filter: &Filter) -> Result<Vec<u8>, EvidenceError> {
    let export = SelectionExport {
        version: sealbook::ledger::version::Version::default(),
        openings: Default::default(),
        filter,
        unsealed: Unsealed::LeftOut,
        signer: Some(&*book.signer),
        progress: &mut |_| (),
    };
    book.read(|store| export_selection(store, Vec::new(), export))
        .map(|(bytes, _)| bytes)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// One that is kept in memory while it is searched for documents, and one that
/// is too large for that, and read twice.
#[test]
fn small_and_large_selections_are_whole() {
    for bytes in [100, 1 << 20] {
        let mut book = Book::in_memory();
        let shared = document(&mut book, "rules");
        for n in 0..24 {
            let text = format!(
                r#"{{"context":{{"rules":"{shared}"}},"n":{n},"text":"{}"}}"#,
                "x".repeat(bytes)
            );
            record(&mut book, "wcp.decision", &object(&text));
            if n % 9 == 8 {
                book.clock.pass_secs(3_600);
            }
        }
        book.seal();
        decision(&mut book, "acme", &shared);
        decision(&mut book, "acme", &shared);
        let filter = Filter {
            kinds: vec!["wcp.decision".to_owned()],
            ..Filter::default()
        };
        let export = SelectionExport {
            version: sealbook::ledger::version::Version::default(),
            openings: Default::default(),
            filter: &filter,
            unsealed: Unsealed::LeftOut,
            signer: Some(&*book.signer),
            progress: &mut |_| (),
        };
        let (bundle, selected) = book
            .read(|store| export_selection(store, Vec::new(), export))
            .unwrap();
        assert_eq!(selected.unsealed, 2, "{bytes}");
        assert_eq!(selected.closing.entries, 24, "{bytes}");
        let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
        assert_eq!((report.faults, report.entries), (vec![], 24), "{bytes}");
    }
}

#[test]
fn a_bundle_for_one_tenant_has_its_documents_and_nothing_of_another() {
    for book in Book::both().map(book) {
        // Both ways of finding a document: in the index, and by scanning what
        // is not indexed yet.
        for indexed in [false, true] {
            if indexed {
                book.read(|store| while catch_up(store, 100).unwrap() > 0 {});
            }
            let filter = Filter {
                tenant: Some("acme".to_owned()),
                ..Filter::default()
            };
            let bundle = select(&book, &filter).unwrap();
            let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
            assert_eq!(report.faults, []);
            assert_eq!(report.entries, 6);
            assert!(holds(&bundle, "acme") && holds(&bundle, "rules for all"));
            assert!(!holds(&bundle, "zeta"), "something of another tenant");
            // Nor in another spelling.
            assert!(!holds(&bundle, &hex::encode("zeta")));
        }
    }
}

#[test]
fn every_range_carries_the_documents_that_stand_outside_of_it() {
    let book = book(Book::in_memory());
    let head = book.logbook().head().unwrap();
    let count = book.count();
    for first in 0..count {
        for last in [first, count - 1] {
            let Ok(bundle) = export(&book, (first, last), Some(&head), true) else {
                continue;
            };
            let report = judge(&mut BundleFile::open(&bundle[..]).unwrap(), book.log());
            assert_eq!(report.faults, [], "{first} to {last}");
        }
    }
}

#[test]
fn a_ledger_that_lacks_a_document_fails_and_gives_no_bundle() {
    let mut book = Book::in_memory();
    let digest = format!("blake2b-256:{}", "ab".repeat(32));
    decision(&mut book, "acme", &digest);
    let report = book.audit();
    let codes: Vec<_> = report.faults.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, [FaultCode::DocumentMissing]);
    assert_eq!(report.faults[0].seq, Some(1));
    book.logbook().seal().unwrap();
    match select(&book, &Filter::default()) {
        Err(EvidenceError::DocumentMissing { digest: missing }) => {
            assert_eq!(missing.to_string(), digest);
        }
        other => panic!("{other:?}"),
    }
    // An entry that only claims to be it does not help.
    let mut lie = document::payload("text/plain", Value::from("not it"));
    lie.insert("digest", digest.as_str());
    record(&mut book, kind::DOCUMENT, &lie);
    let codes: Vec<_> = book.audit().faults.iter().map(|fault| fault.code).collect();
    assert_eq!(
        codes,
        [FaultCode::DocumentMismatch, FaultCode::DocumentMissing]
    );
    match select(&book, &Filter::default()) {
        Err(EvidenceError::DocumentMissing { digest: missing }) => {
            assert_eq!(missing.to_string(), digest);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_foreign_kind_calls_a_document_is_none() {
    let mut book = Book::in_memory();
    let digest = format!("blake2b-256:{}", "ab".repeat(32));
    let payload = object(&format!(r#"{{"context":{{"rules":"{digest}"}}}}"#));
    let receipt = book.logbook().append("note", &payload).unwrap();
    book.receipts.push(receipt);
    book.check();
}
