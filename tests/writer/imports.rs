//! Evidence of other logs: taken in whole, apart, and only if nothing that came
//! before contradicts it.

use std::io;
use std::sync::Arc;

use proptest::prelude::*;

use sealbook::imports::accept::{ImportError, ImportOutcome, Imported, Offered, import};
use sealbook::imports::conflict::ConflictSubject;
use sealbook::imports::reading::{ImportReadError, ImportedLog, conflicts, give_file, imports};
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::epoch::{EpochHeader, leaf_hash};
use sealbook::ledger::fault::{FaultCode, Verdict};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Value;
use sealbook::ledger::key::{PublicKey, Signer};
use sealbook::ledger::kind;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::parse;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::proof::{InclusionProof, ProofFile};
use sealbook::ledger::source::{ReadError, Source};
use sealbook::ledger::statement::Statement;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::verify::Policy;
use sealbook::store::query::Filter;

use crate::book::{Book, START, signer};
use crate::evidence::export;
use crate::payloads::{json, object, read};
use crate::spy::Spy;

/// A file of somebody else's.
#[derive(Clone)]
enum Foreign {
    Bundle(Vec<u8>),
    Logbook(Vec<u8>),
    Proof(Vec<u8>),
}

impl Foreign {
    fn bytes(&self) -> &[u8] {
        match self {
            Foreign::Bundle(bytes) | Foreign::Logbook(bytes) | Foreign::Proof(bytes) => bytes,
        }
    }

    fn events(&self) -> Result<Box<dyn Source>, ReadError> {
        Ok(match self.clone() {
            Foreign::Bundle(bytes) => Box::new(BundleFile::open(io::Cursor::new(bytes))?),
            Foreign::Logbook(bytes) => Box::new(LogbookFile::new(io::Cursor::new(bytes))),
            Foreign::Proof(bytes) => Box::new(ProofFile::new(&bytes)),
        })
    }

    fn digest(&self) -> Hash {
        Hash::of(self.bytes())
    }
}

/// Our own ledger, whose key is another than that of the foreign ones.
fn own() -> (Book, Arc<Spy>) {
    Book::spied_with(Arc::new(signer(9)))
}

fn take(own: &Book, file: &Foreign, keys: &[PublicKey]) -> Result<ImportOutcome, ImportError> {
    let offered = Offered {
        digest: file.digest(),
        bytes: file.bytes().len() as u64,
        content: &|| Ok(Box::new(io::Cursor::new(file.bytes().to_vec()))),
        events: &|| file.events(),
    };
    let policy = Policy {
        keys: keys.to_vec(),
        ..Policy::default()
    };
    import(own.logbook(), &offered, &policy, &mut |_| ())
}

fn imported(outcome: Result<ImportOutcome, ImportError>) -> Imported {
    match outcome.unwrap() {
        ImportOutcome::Imported(imported) => imported,
        other => panic!("{other:?}"),
    }
}

/// Three epochs of the foreign log, and its last entries unsealed.
fn foreign() -> (Book, Foreign) {
    let mut book = Book::in_memory();
    for _ in 0..3 {
        book.append_together(3);
        book.seal();
    }
    let bundle = export(&book, (0, u64::MAX), None, true).unwrap();
    (book, Foreign::Bundle(bundle))
}

fn visible(own: &Book, key: PublicKey) -> Result<Vec<u64>, ImportReadError> {
    own.read(|store| {
        let log = ImportedLog::find(store, key, None)?;
        let all = Filter::default();
        log.select(&all).map(|item| Ok(item?.0.0)).collect()
    })
}

#[test]
fn an_import_is_kept_whole_and_recorded_once() {
    let (book, file) = foreign();
    let (own, _) = own();
    let key = book.log();
    let first = imported(take(&own, &file, &[key]));
    assert_eq!(first.seq, Seq(1));
    let payload = own.payload(1);
    let expected = format!(
        r#"{{"bytes":{},"digest":"blake2b-256:{}","entries":10,"epochs":3,"first_seq":0,"format":"bundle","genesis":"{}","last_seq":9,"log":"{key}"}}"#,
        file.bytes().len(),
        file.digest(),
        book.entry(0).hash(),
    );
    assert_eq!(own.entry(1).kind(), kind::IMPORT);
    assert_eq!(
        Value::from(payload),
        parse::parse(expected.as_bytes()).unwrap()
    );

    let ImportOutcome::Known(again) = take(&own, &file, &[key]).unwrap() else {
        panic!("taken twice");
    };
    assert_eq!((again.seq, again.digest), (first.seq, first.digest));
    assert_eq!(own.count(), 2);
    own.read(|store| {
        let mut whole = Vec::new();
        give_file(store, file.digest(), &mut whole).unwrap();
        assert_eq!(whole, file.bytes());
        let log = ImportedLog::find(store, key, None).unwrap();
        for seq in 0..10 {
            let entry = book.entry(seq);
            assert_eq!(log.entry(Seq(seq)).unwrap(), Some(entry.clone()));
            assert_eq!(log.seq_of(&entry.hash()).unwrap(), Some(Seq(seq)));
        }
        assert_eq!(log.entry(Seq(10)).unwrap(), None);
        assert_eq!(log.files().count(), 1);
    });
    assert_eq!(own.audit().verdict, Verdict::Pass);
}

#[test]
fn gaps_are_filled_as_more_of_a_log_comes() {
    let (book, _) = foreign();
    let (own, _) = own();
    let key = book.log();
    for (range, now) in [
        ((7, 8), vec![7, 8]),
        ((1, 2), vec![1, 2, 7, 8]),
        ((2, 5), vec![1, 2, 3, 4, 5, 7, 8]),
    ] {
        let part = Foreign::Bundle(export(&book, range, None, true).unwrap());
        imported(take(&own, &part, &[key]));
        assert_eq!(visible(&own, key).unwrap(), now);
    }
    let lines = (0..10).flat_map(|seq| {
        let mut line = Vec::new();
        book.entry(seq).write_json(None, &mut line);
        line.push(b'\n');
        line
    });
    imported(take(&own, &Foreign::Logbook(lines.collect()), &[key]));
    assert_eq!(visible(&own, key).unwrap().len(), 10);
    own.read(|store| assert_eq!(imports(store, Some(&key)).count(), 4));
    let filter = Filter {
        reverse: true,
        limit: Some(2),
        until_seq: Some(Seq(6)),
        ..Filter::default()
    };
    own.read(|store| {
        let log = ImportedLog::find(store, key, None).unwrap();
        let found: Vec<_> = log.select(&filter).map(|item| item.unwrap().0.0).collect();
        assert_eq!(found, [6, 5]);
    });
}

#[test]
fn what_is_not_trusted_not_whole_or_our_own_leaves_nothing() {
    let (book, file) = foreign();
    let (own, _) = own();
    let stranger = signer(3).public_key();
    for keys in [&[][..], &[stranger]] {
        let ImportOutcome::Refused(report) = take(&own, &file, keys).unwrap() else {
            panic!("taken");
        };
        assert_eq!(report.faults[0].code, FaultCode::UntrustedKey);
    }
    let mut cut = file.bytes().to_vec();
    cut.truncate(cut.len() - 200);
    let ImportOutcome::Refused(report) = take(&own, &Foreign::Bundle(cut), &[book.log()]).unwrap()
    else {
        panic!("taken");
    };
    assert_eq!(report.faults[0].code, FaultCode::Truncated);
    let ours = Foreign::Logbook({
        let mut line = Vec::new();
        own.entry(0).write_json(None, &mut line);
        line
    });
    let refused = take(&own, &ours, &[own.log()]).unwrap_err();
    assert!(matches!(refused, ImportError::OwnKey), "{refused}");
    let empty = take(&own, &Foreign::Logbook(Vec::new()), &[stranger]).unwrap_err();
    assert!(matches!(empty, ImportError::Empty), "{empty}");
    assert_eq!(own.count(), 1);
    own.read(|store| {
        let rows = store.imported_rows(vec![0]..vec![0xff], sealbook::store::ReadOrder::Ascending);
        assert_eq!(rows.count(), 0);
    });
}

#[test]
fn an_import_that_was_cut_short_is_invisible_and_completed_by_the_next() {
    let (book, file) = foreign();
    let key = book.log();
    for persists in [false, true] {
        // The bytes, the rows, the mark that they are complete.
        for after in 0..3 {
            let (own, spy) = own();
            spy.fail_imports(after, persists);
            let failed = take(&own, &file, &[key]).unwrap_err();
            assert!(matches!(failed, ImportError::Store(_)), "{failed}");
            let complete = persists && after == 2;
            match visible(&own, key) {
                Ok(seqs) => assert!(complete && seqs.len() == 10),
                Err(error) => {
                    assert!(!complete);
                    assert!(
                        matches!(error, ImportReadError::NoSuchLog { .. }),
                        "{error}"
                    );
                }
            }
            match take(&own, &file, &[key]).unwrap() {
                ImportOutcome::Known(_) => assert!(complete),
                ImportOutcome::Imported(_) => assert!(!complete),
                other => panic!("{other:?}"),
            }
            assert_eq!(visible(&own, key).unwrap().len(), 10);
            assert_eq!(own.kinds(), [kind::OPEN, kind::IMPORT]);
        }
        let (mut own, spy) = own();
        spy.fail(0, persists);
        let failed = take(&own, &file, &[key]).unwrap_err();
        assert!(matches!(failed, ImportError::Append(_)), "{failed}");
        match visible(&own, key) {
            Err(ImportReadError::NoSuchLog { key: other }) => assert_eq!(other, key),
            other => panic!("{other:?}"),
        }
        own.drop_writer();
        own.open().unwrap();
        imported(take(&own, &file, &[key]));
        assert_eq!(visible(&own, key).unwrap().len(), 10);
        assert_eq!(own.kinds(), [kind::OPEN, kind::IMPORT]);
    }
}

/// A proof of one entry in an epoch of its own, signed by a key that signs
/// anything.
fn proof(byte: u8, genesis: Hash, seq: u64, epoch: u64, prev: Hash, payload: &str) -> Foreign {
    let signer = signer(byte);
    let ts = Timestamp::parse(START).unwrap();
    let draft = Draft::new("k", ts, payload.as_bytes(), &prev).unwrap();
    let entry: Entry = draft.sign(&signer).unwrap();
    let header = EpochHeader {
        epoch: EpochNumber(epoch),
        first_seq: Seq(seq),
        last_seq: Seq(seq),
        tree_size: 1,
        root: leaf_hash(&entry.hash(), &entry.signature()),
        head: entry.hash(),
        prev: Hash::of(b"the header before"),
        hour: ts.hour_start(),
        sealed_at: ts,
        log: signer.public_key(),
        genesis,
        format: None,
        index: None,
    };
    let proof = InclusionProof {
        opening: None,
        seq: Seq(seq),
        entry,
        epoch: Statement::sign(header, &signer).unwrap(),
        path: Vec::new(),
    };
    Foreign::Proof(proof.to_bytes())
}

#[test]
fn whoever_signs_two_of_what_there_is_one_of_is_caught_with_both_files_kept() {
    let (g, h) = (Hash::of(b"one log"), Hash::of(b"another of the key"));
    let (p, q) = (Hash::of(b"before"), Hash::of(b"elsewhere"));
    let key = signer(7).public_key();
    let first = proof(7, g, 5, 2, p, r#"{"n":1}"#);
    for (second, about) in [
        (
            proof(7, g, 5, 3, q, r#"{"n":2}"#),
            ConflictSubject::Entry(Seq(5)),
        ),
        (
            proof(7, g, 6, 2, q, r#"{"n":2}"#),
            ConflictSubject::Epoch(EpochNumber(2)),
        ),
        (
            proof(7, g, 6, 3, p, r#"{"n":2}"#),
            ConflictSubject::After(p),
        ),
        (
            proof(7, h, 5, 2, p, r#"{"n":2}"#),
            ConflictSubject::After(p),
        ),
    ] {
        let (own, _) = own();
        imported(take(&own, &first, &[key]));
        let outcome = take(&own, &second, &[key]).unwrap();
        let ImportOutcome::Equivocation(report, conflict) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(conflict.about, about);
        assert_eq!(conflict.earlier.0, first.digest());
        assert_eq!(conflict.later.0, second.digest());
        assert_eq!(report.verdict, Verdict::Fail);
        let codes: Vec<_> = report.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [FaultCode::Equivocation]);
        // Each side verifies on its own, and nothing of the second is answered.
        own.read(|store| {
            for file in [&first, &second] {
                let mut kept = Vec::new();
                give_file(store, file.digest(), &mut kept).unwrap();
                assert_eq!(kept, file.bytes());
            }
            let listed: Vec<_> = conflicts(store).map(Result::unwrap).collect();
            assert_eq!(listed, [(second.digest(), first.digest())]);
        });
        assert_eq!(visible(&own, key).unwrap(), [5]);
        assert_eq!(own.kinds(), [kind::OPEN, kind::IMPORT]);
    }
}

#[test]
fn what_two_keys_or_two_logs_say_is_no_conflict() {
    let (g, h) = (Hash::of(b"one log"), Hash::of(b"another of the key"));
    let (p, q) = (Hash::of(b"before"), Hash::of(b"elsewhere"));
    let keys = [signer(7).public_key(), signer(8).public_key()];
    let (own, _) = own();
    for file in [
        proof(7, g, 5, 2, p, r#"{"n":1}"#),
        proof(8, g, 5, 2, p, r#"{"n":2}"#),
        proof(7, h, 5, 2, q, r#"{"n":3}"#),
        proof(7, g, 6, 3, q, r#"{"n":3}"#),
    ] {
        imported(take(&own, &file, &keys));
    }
    own.read(|store| {
        let several = ImportedLog::find(store, keys[0], None).err().unwrap();
        assert!(
            matches!(several, ImportReadError::SeveralLogs { logs: 2, .. }),
            "{several}"
        );
        assert!(ImportedLog::find(store, keys[0], Some(h)).is_ok());
        assert!(ImportedLog::find(store, keys[1], None).is_ok());
    });
}

#[test]
fn a_kept_file_that_was_changed_is_damaged_and_not_given_as_whole() {
    let (book, file) = foreign();
    let (own, _) = own();
    imported(take(&own, &file, &[book.log()]));
    own.read(|store| {
        let mut rows = store.imported_rows(
            vec![b'f']..vec![b'g'],
            sealbook::store::ReadOrder::Ascending,
        );
        let (key, mut piece) = rows.next().unwrap().unwrap();
        drop(rows);
        piece[10] ^= 1;
        store.put_imported(&[(key, piece)]).unwrap();
        let damaged = give_file(store, file.digest(), &mut Vec::new()).unwrap_err();
        assert!(
            matches!(damaged, ImportReadError::Damaged { .. }),
            "{damaged}"
        );
        let unknown = give_file(store, Hash::ZERO, &mut Vec::new()).unwrap_err();
        assert!(
            matches!(unknown, ImportReadError::NoSuchFile { .. }),
            "{unknown}"
        );
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_payload_survives_export_and_import(
        payloads in prop::collection::vec(object(json()), 1..6)
    ) {
        let mut book = Book::in_memory();
        for text in &payloads {
            let receipt = book.logbook().append("any", &read(text)).unwrap();
            book.receipts.push(receipt);
        }
        book.seal().unwrap();
        let bundle = Foreign::Bundle(export(&book, (0, u64::MAX), None, true).unwrap());
        let (own, _) = own();
        imported(take(&own, &bundle, &[book.log()]));
        own.read(|store| {
            let log = ImportedLog::find(store, book.log(), None).unwrap();
            for (n, text) in payloads.iter().enumerate() {
                let seq = Seq(n as u64 + 1);
                let entry = log.entry(seq).unwrap().unwrap();
                prop_assert_eq!(&entry, &book.entry(seq.0));
                let mut shown = Vec::new();
                log.write_json(seq, &entry, &mut shown);
                let value = parse::parse(&shown).unwrap();
                prop_assert_eq!(value.get("payload").unwrap(), &Value::from(read(text)));
                prop_assert_eq!(value.get("log").unwrap().as_str(), Some(&*book.log().to_string()));
                // In the one spelling of all our JSON.
                let again = value.canonical(sealbook::ledger::json::Form::Utf8);
                prop_assert_eq!(again.as_bytes(), &shown[..]);
            }
            Ok(())
        })?;
    }
}
