//! Redactable members: withheld, opened, erased; and what is left of them.

use sealbook::api::{Error, Export, ExportFormat, MemberState, Unsealed};
use sealbook::evidence::openings::Openings;
use sealbook::ledger::fault::{FaultCode, Redacted};
use sealbook::ledger::hash::{Hash, Hasher};
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::parse::parse;
use sealbook::ledger::position::Seq;
use sealbook::ledger::redact::pointer::Pointer;
use sealbook::ledger::redact::{Opening, Redactable, Salt, redacted_in};
use sealbook::ledger::version::Version;
use sealbook::store::query::Filter;
use sealbook::{Ledger, Options, Policy, Report, Verdict};

const SECRET: &str = "q7Zp2LxVw9KdT4mRyB8sHc1NfJ6gUa3E";

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

fn payload(text: &str) -> Object {
    parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
}

fn redactable(pointers: &[&str]) -> Vec<Redactable> {
    let pointers = pointers.iter().map(|text| pointer(text));
    pointers.map(Redactable::needed).collect()
}

/// Entry 1 has two redactable members, entry 2 has one, entry 3 has none; sealed, or not.
fn fill(ledger: &Ledger, sealed: bool) {
    let text = format!(r#"{{"customer":{{"email":"{SECRET}","name":"Ada"}},"tenant_id":"acme"}}"#);
    let wanted = redactable(&["/customer/email", "/customer/name"]);
    ledger
        .append_redactable("order", &payload(&text), &wanted)
        .unwrap();
    let wanted = redactable(&["/card"]);
    let other = payload(r#"{"card":[1,{"a":null}],"tenant_id":"acme"}"#);
    ledger.append_redactable("order", &other, &wanted).unwrap();
    ledger.append("note", &payload(r#"{"n":3}"#)).unwrap();
    if sealed {
        ledger.seal().unwrap().unwrap();
    }
}

fn export(ledger: &Ledger, filter: &Filter, openings: Openings, version: Version) -> Vec<u8> {
    let mut bundle = Vec::new();
    let export = Export {
        filter,
        format: ExportFormat::Bundle,
        version,
        openings,
        unsealed: Unsealed::LeftOut,
        no_sign: true,
        progress: &mut |_| (),
    };
    ledger.export(export, &mut bundle).unwrap();
    bundle
}

fn verify(file: &[u8], ledger: &Ledger) -> Report {
    let policy = Policy {
        allow_unsigned: true,
        ..Policy::key(ledger.key())
    };
    sealbook::verify(file, &policy).unwrap()
}

fn counted(members: u64, opened: u64) -> Option<Redacted> {
    Some(Redacted { members, opened })
}

/// A bundle whose closing record is right again, as anybody makes an unsigned one.
fn closed_again(body: &[u8], bundle: &[u8]) -> Vec<u8> {
    let closing = bundle
        .split_inclusive(|byte| *byte == b'\n')
        .next_back()
        .unwrap();
    let record = parse(closing.trim_ascii_end()).unwrap();
    let mut inner = record.get("bundle").unwrap().as_object().unwrap().clone();
    let mut hasher = Hasher::new();
    hasher.update(body);
    inner.insert("bytes", body.len() as u64);
    inner.insert("hash", hasher.so_far().to_string());
    let record = Value::Object([("bundle", Value::Object(inner))].into_iter().collect());
    [body, record.canonical(Form::Utf8).as_bytes(), b"\n"].concat()
}

#[test]
fn what_is_redactable_is_a_commitment_in_the_entry_and_is_opened_or_withheld_in_a_bundle() {
    let selected = Filter {
        tenant: Some("acme".to_owned()),
        ..Filter::default()
    };
    for (sealed, filter, others) in [
        (true, Filter::default(), true),
        (false, Filter::default(), true),
        (true, selected, false),
    ] {
        let ledger = Ledger::in_memory(Options::new("l")).unwrap();
        fill(&ledger, sealed);
        let report = ledger.verify(&Policy::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Pass);
        let entry = ledger.entry(Seq(1)).unwrap();
        let text = String::from_utf8(entry.payload_bytes().to_vec()).unwrap();
        assert!(!text.contains(SECRET) && !text.contains("Ada"), "{text}");
        assert_eq!(redacted_in(text.as_bytes()).len(), 2);
        for (openings, opened, known) in [
            (Openings::All, 3, true),
            (Openings::NONE, 0, false),
            (Openings::AllBut(vec![pointer("/customer/email")]), 2, false),
            (Openings::AllBut(vec![pointer("/customer")]), 1, false),
            (Openings::Only(vec![pointer("/customer/email")]), 1, true),
        ] {
            let bundle = export(&ledger, &filter, openings, Version::Two);
            let report = verify(&bundle, &ledger);
            assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
            assert_eq!(report.redacted, counted(3, opened));
            let text = String::from_utf8(bundle).unwrap();
            assert_eq!(text.contains(SECRET), known);
            assert_eq!(text.contains("\"uses\":[\"openings\""), opened > 0);
            assert_eq!(text.contains("\"kind\":\"note\""), others);
        }
        // Version 1 knows of no openings, and reads the rest.
        let options = Options::new("l").format_version(Version::One);
        let ledger = Ledger::in_memory(options).unwrap();
        fill(&ledger, sealed);
        let old = export(&ledger, &filter, Openings::All, Version::One);
        let report = verify(&old, &ledger);
        assert_eq!(
            (report.verdict, report.redacted),
            (Verdict::Pass, counted(3, 0))
        );
        assert!(!String::from_utf8(old).unwrap().contains(SECRET));
    }
}

#[test]
fn what_is_not_there_lies_in_another_or_is_of_the_form_is_refused_and_leaves_no_trace() {
    let ledger = Ledger::in_memory(Options::new("l")).unwrap();
    let refused = |text: &str, pointers: &[&str]| {
        let wanted = redactable(pointers);
        let refused = ledger.append_redactable("k", &payload(text), &wanted);
        refused.unwrap_err().to_string()
    };
    assert_eq!(
        refused(r#"{"a":1}"#, &["/b"]),
        "the payload has nothing at `/b`, which is to be redactable"
    );
    assert_eq!(
        refused(r#"{"a":{"b":1}}"#, &["/a/b", "/a"]),
        "`/a/b` lies in `/a`, or is the same: name one of them"
    );
    for forged in [
        r#"{"a":{"sealbook:redacted":"00"}}"#,
        r#"{"sealbook:redacted":1}"#,
    ] {
        let reserved =
            "`sealbook:redacted` stands for a value that was taken out: no payload has it";
        assert_eq!(refused(forged, &["/a"]), reserved);
        let plain = ledger.append("k", &payload(forged)).unwrap_err();
        assert_eq!(plain.to_string(), reserved);
        assert_eq!(plain.code(), "not_redactable");
    }
    assert_eq!(ledger.store().last_seq().unwrap(), Some(Seq::FIRST));
}

/// Every byte of an opening, and each line of one moved, repeated or left out. A closing
/// record that is right again helps nobody.
#[test]
fn an_opening_that_was_changed_moved_or_repeated_is_refused_by_name() {
    let ledger = Ledger::in_memory(Options::new("l")).unwrap();
    fill(&ledger, true);
    let bundle = export(&ledger, &Filter::default(), Openings::All, Version::Two);
    let lines: Vec<&[u8]> = bundle.split_inclusive(|byte| *byte == b'\n').collect();
    let is_opening = |line: &&[u8]| line.starts_with(b"{\"opened\":");
    let openings: Vec<usize> = (0..lines.len())
        .filter(|at| is_opening(&lines[*at]))
        .collect();
    assert_eq!(openings.len(), 3);
    let whole = |lines: &[&[u8]]| closed_again(&lines[..lines.len() - 1].concat(), &bundle);
    let faults = |file: &[u8]| {
        let report = verify(file, &ledger);
        let codes: Vec<_> = report.faults.iter().map(|fault| fault.code).collect();
        codes
    };
    assert!(faults(&whole(&lines)).is_empty());
    for at in openings.iter().copied() {
        for byte in 0..lines[at].len() - 1 {
            let mut line = lines[at].to_vec();
            line[byte] ^= 1;
            if line[byte] == b'\n' {
                continue;
            }
            let mut changed = lines.clone();
            changed[at] = &line;
            let found = faults(&whole(&changed));
            let named = [FaultCode::OpeningMismatch, FaultCode::BundleCorrupt];
            assert!(
                found.first().is_some_and(|code| named.contains(code)),
                "byte {byte} of line {at}: {found:?}"
            );
        }
        // Left out it is withheld, which nobody is kept from.
        let mut without = lines.clone();
        without.remove(at);
        assert!(faults(&whole(&without)).is_empty());
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        assert_eq!(faults(&whole(&twice)), [FaultCode::OpeningMismatch]);
        let mut moved = lines.clone();
        let line = moved.remove(at);
        let behind = lines.iter().position(|line| {
            let line = String::from_utf8_lossy(line);
            line.contains("\"kind\":\"note\"")
        });
        moved.insert(behind.unwrap(), line);
        assert_eq!(faults(&whole(&moved)), [FaultCode::OpeningMismatch]);
        // Of another entry, or another log, it opens nothing.
        let text = String::from_utf8(lines[at].to_vec()).unwrap();
        let other = text.replacen("\"seq\":1", "\"seq\":2", 1);
        let mut changed = lines.clone();
        changed[at] = other.as_bytes();
        if other != text {
            assert_eq!(faults(&whole(&changed)), [FaultCode::OpeningMismatch]);
        }
    }
    // Where the first line does not say that there are openings, none may stand.
    let first = String::from_utf8(lines[0].to_vec()).unwrap();
    let first = first.replace("\"uses\":[\"openings\",", "\"uses\":[");
    let mut unsaid = lines.clone();
    unsaid[0] = first.as_bytes();
    assert!(faults(&whole(&unsaid)).contains(&FaultCode::BundleCorrupt));
}

#[test]
fn what_was_erased_is_said_and_what_is_kept_stays_open() {
    let ledger = Ledger::in_memory(Options::new("l")).unwrap();
    fill(&ledger, true);
    let before = export(&ledger, &Filter::default(), Openings::All, Version::Two);
    let email = pointer("/customer/email");
    let wanted = [(Seq(1), email.clone())];
    let receipts = ledger.erase(&wanted, "asked for", Value::Null).unwrap();
    assert_eq!(receipts.len(), 1);
    let by = receipts[0].seq;
    let said = ledger.entry(by).unwrap();
    assert_eq!(said.kind(), "sealbook:erasure");
    let said = said.check_payload().unwrap();
    assert_eq!(said.get("reason").unwrap().as_str(), Some("asked for"));
    let states = ledger.redacted(Seq(1)).unwrap().into_iter();
    let states: Vec<_> = states
        .map(|member| (member.pointer, member.state))
        .collect();
    assert_eq!(
        states,
        [
            (email.clone(), MemberState::Erased { by }),
            (
                pointer("/customer/name"),
                MemberState::Kept(Value::from("Ada"))
            ),
        ]
    );
    // Once is enough, and what was never redactable is not erased.
    for (seq, place) in [(1, "/customer/email"), (1, "/tenant_id"), (3, "/n")] {
        let refused = ledger.erase(&[(Seq(seq), pointer(place))], "r", Value::Null);
        assert!(matches!(refused, Err(Error::NotErasable { .. })));
    }
    // One that is not there takes the others with it.
    let both = [(Seq(1), pointer("/customer/name")), (Seq(2), pointer("/x"))];
    let refused = ledger.erase(&both, "r", Value::Null);
    assert!(matches!(refused, Err(Error::NotErasable { .. })));
    assert_eq!(ledger.store().last_seq().unwrap(), Some(by));
    assert_eq!(
        ledger.verify(&Policy::default()).unwrap().verdict,
        Verdict::Pass
    );
    // What was exported before still verifies: it is out of reach.
    let report = verify(&before, &ledger);
    assert_eq!(
        (report.verdict, report.redacted),
        (Verdict::Pass, counted(3, 3))
    );
    ledger.seal().unwrap();
    let after = export(&ledger, &Filter::default(), Openings::All, Version::Two);
    assert_eq!(verify(&after, &ledger).redacted, counted(3, 2));
    assert!(!String::from_utf8(after).unwrap().contains(SECRET));
}

/// What the format document gives for other implementations: made by another one.
#[test]
fn the_commitments_of_the_format_document_are_these() {
    let text = std::fs::read_to_string("fixtures/format/redacted.jsonl").unwrap();
    let mut count = 0;
    for line in text.lines() {
        let value = parse(line.as_bytes()).unwrap();
        let member = |name: &str| value.get(name).unwrap().as_str().unwrap();
        let salt = Hash::from_hex(member("salt")).unwrap();
        let opening = Opening {
            pointer: pointer(member("pointer")),
            salt: Salt::from_bytes(*salt.as_bytes()),
            value: value.get("value").unwrap().clone(),
        };
        let genesis = Hash::from_hex(member("genesis")).unwrap();
        let commitment = opening.commitment(&genesis);
        assert_eq!(commitment.to_string(), member("commitment"));
        count += 1;
    }
    assert_eq!(count, 4);
}

#[cfg(feature = "rocks")]
mod on_disk {
    use std::fs;
    use std::path::Path;

    use sealbook::logbook::request::{PreparedEntry, Remember};
    use sealbook::store::{Batch, OpeningKey, RocksStore, Store};

    use super::*;

    /// The endings of the files that hold six bytes of a text in a row. A compressor
    /// writes what it sees for the first time as it is, and no six of them stand
    /// anywhere else.
    fn files_with(db: &Path, text: &[u8]) -> Vec<String> {
        files_with_pieces(db, text, 6)
    }

    /// Numbers in the store's own log repeat six digits by chance, so a hexadecimal text
    /// is looked for in longer pieces.
    fn files_with_pieces(db: &Path, text: &[u8], length: usize) -> Vec<String> {
        let mut found = Vec::new();
        for file in fs::read_dir(db).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            if text.windows(length).any(holds) {
                let name = path.extension().unwrap_or_default();
                found.push(name.to_string_lossy().into_owned());
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn made(dir: &Path) -> Ledger {
        Ledger::create(dir.join("ledger"), Options::new("l")).unwrap()
    }

    fn open(dir: &Path) -> Ledger {
        Ledger::open(dir.join("ledger"), Options::new("l")).unwrap()
    }

    /// The salt of a member, out of the row that a bundle gives.
    fn salt(ledger: &Ledger, place: &str) -> Vec<u8> {
        let openings = Openings::Only(vec![pointer(place)]);
        let bundle = export(ledger, &Filter::default(), openings, Version::Two);
        let text = String::from_utf8(bundle).unwrap();
        let (_, salt) = text.split_once("\"salt\":\"").unwrap();
        hex_bytes(&salt[..64])
    }

    fn hex_bytes(text: &str) -> Vec<u8> {
        let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(pair).collect()
    }

    #[test]
    fn what_was_erased_is_in_no_file_of_the_database() {
        for reopened in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let db = dir.path().join("ledger/db");
            let mut ledger = made(dir.path());
            fill(&ledger, true);
            let salt = salt(&ledger, "/customer/email");
            // It is found before: in the log, and in a table once that is written.
            assert_eq!(files_with(&db, SECRET.as_bytes()), ["log"]);
            assert_eq!(files_with(&db, &salt), ["log"]);
            if reopened {
                ledger.close().unwrap();
                assert!(files_with(&db, SECRET.as_bytes()).contains(&"sst".to_owned()));
                ledger = open(dir.path());
            }
            let wanted = [(Seq(1), pointer("/customer/email"))];
            ledger.erase(&wanted, "asked for", Value::Null).unwrap();
            assert_eq!(files_with(&db, SECRET.as_bytes()), [""; 0]);
            assert_eq!(files_with(&db, &salt), [""; 0]);
            assert_eq!(
                ledger.verify(&Policy::default()).unwrap().verdict,
                Verdict::Pass
            );
            ledger.close().unwrap();
            let ledger = open(dir.path());
            let states = ledger.redacted(Seq(1)).unwrap();
            assert!(matches!(states[0].state, MemberState::Erased { .. }));
            assert!(matches!(states[1].state, MemberState::Kept(_)));
            ledger.close().unwrap();
        }
    }

    /// A crash between the commit and the rewriting of files: the rows are gone for
    /// readers, and the next opening takes them out of the files.
    #[test]
    fn an_erasure_that_was_interrupted_is_completed_by_the_next_opening() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ledger/db");
        let ledger = made(dir.path());
        fill(&ledger, true);
        ledger.close().unwrap();
        let store = RocksStore::open(&dir.path().join("ledger")).unwrap();
        let keys: Vec<OpeningKey> = store.openings(1..2).map(|row| row.unwrap().0).collect();
        assert_eq!(keys.len(), 2);
        let erased = Batch {
            erased: keys,
            ..Batch::default()
        };
        store.commit(erased).unwrap();
        assert_eq!(store.openings(1..2).count(), 0);
        // What a crash leaves here: the files as they are now, in the ledger's place.
        let (ledger, left) = (dir.path().join("ledger"), dir.path().join("left"));
        fs::create_dir_all(left.join("db")).unwrap();
        fs::copy(ledger.join("lock"), left.join("lock")).unwrap();
        for file in fs::read_dir(&db).unwrap() {
            let path = file.unwrap().path();
            fs::copy(&path, left.join("db").join(path.file_name().unwrap())).unwrap();
        }
        drop(store);
        fs::remove_dir_all(&ledger).unwrap();
        fs::rename(&left, &ledger).unwrap();
        assert_ne!(files_with(&db, SECRET.as_bytes()), [""; 0]);
        let store = RocksStore::open(&dir.path().join("ledger")).unwrap();
        assert_eq!(files_with(&db, SECRET.as_bytes()), [""; 0]);
        assert_eq!(store.openings(0..9).count(), 1);
        // It is done, and not done again.
        assert_eq!(store.meta("erasing").unwrap(), Some(Vec::new()));
        store.close().unwrap();
    }

    /// Anyone who has all files and knows what the value may have been tries each: nothing
    /// that is left tells which it was.
    #[test]
    fn a_dictionary_finds_nothing_that_was_erased() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ledger/db");
        let ledger = made(dir.path());
        let genesis = ledger.identity().genesis;
        let plain = format!(r#"{{"pin":"{SECRET}"}}"#);
        let entry = PreparedEntry::of_caller("k", &payload(&plain)).unwrap();
        let entry = entry
            .with_redactable(&redactable(&["/pin"]), &genesis)
            .unwrap();
        let digest = Hash::of(plain.as_bytes());
        let once = Remember {
            key: [7; 32],
            value: digest.as_bytes().to_vec(),
            lasting: true,
        };
        let logbook = ledger.logbook().unwrap();
        let pending = logbook.submit_remembered(vec![entry], Some(once)).unwrap();
        let receipt = pending.wait().unwrap().pop().unwrap();
        let recall = || {
            let note = sealbook::logbook::remembered::recall_lasting(ledger.store(), &[7; 32]);
            note.unwrap().unwrap()
        };
        assert!(recall().is_of(ledger.store(), digest.as_bytes()).unwrap());
        let other = Hash::of(b"other");
        assert!(!recall().is_of(ledger.store(), other.as_bytes()).unwrap());
        ledger
            .erase(&[(receipt.seq, pointer("/pin"))], "r", Value::Null)
            .unwrap();
        // Nobody can tell, so the key stays used.
        assert!(recall().is_of(ledger.store(), other.as_bytes()).unwrap());
        ledger.seal().unwrap();
        ledger.close().unwrap();
        let canonical = format!("\"{SECRET}\"");
        let guesses = [
            Hash::of(SECRET.as_bytes()),
            Hash::of(canonical.as_bytes()),
            Hash::of(plain.as_bytes()),
            Hash::of_parts(&[b"k\x1f", plain.as_bytes()]),
            Hash::of_parts(&[
                b"sealbook:redact:v1\x1f",
                genesis.as_bytes(),
                &4_u32.to_be_bytes(),
                b"/pin",
                &[0; 32],
                canonical.as_bytes(),
            ]),
        ];
        for guess in guesses {
            assert_eq!(files_with(&db, guess.as_bytes()), [""; 0]);
            let text = guess.to_string();
            assert_eq!(files_with_pieces(&db, text.as_bytes(), 16), [""; 0]);
        }
    }
}
