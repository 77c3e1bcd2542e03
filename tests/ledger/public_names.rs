//! The public name of a log, as its own entries bind it: one at a time, none twice, and
//! every checkpoint of the key under the name that the log then had.

use sealbook::ledger::entry::{Draft, Entry, EntryError};
use sealbook::ledger::envelope::{Purpose, signed_bytes};
use sealbook::ledger::epoch::leaf_hash;
use sealbook::ledger::fault::{FaultCode, Report};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Object};
use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::kind;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::note::sign;
use sealbook::ledger::parse::parse;
use sealbook::ledger::sha256::Sha256Digest;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::name::{LogName, NameFault, Names, Publishing};
use sealbook::ledger::tlog::tree::{LogFrontier, leaf};
use sealbook::ledger::verify::{Policy, verify};
use sealbook::ledger::witnessed::Witnessed;

use crate::book::signer;
use crate::sample::Sample;

/// A log that says whatever it is told to.
struct Log {
    signer: SoftwareSigner,
    entries: Vec<Entry>,
}

impl Log {
    fn new() -> Log {
        let sample = Sample::documented();
        Log {
            entries: vec![sample.entries[0].clone()],
            signer: sample.signer,
        }
    }

    fn says(&mut self, kind: &str, payload: &Object) -> &mut Log {
        let mut bytes = Vec::new();
        payload.write_canonical(Form::Utf8, &mut bytes);
        let last = self.entries.last().unwrap();
        let ts = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
        let draft = Draft::new(kind, ts, &bytes, &last.hash()).unwrap();
        self.entries.push(draft.sign(&self.signer).unwrap());
        self
    }

    fn publishes(&mut self, payload: &str) -> &mut Log {
        let value = parse(payload.as_bytes()).unwrap();
        self.says(kind::PUBLISH, value.as_object().unwrap())
    }

    /// The checkpoint over all entries so far, as `name`.
    fn checkpoint(&self, name: &str) -> SignedCheckpoint {
        let mut frontier = LogFrontier::new();
        for entry in &self.entries {
            let data = leaf_hash(&entry.hash(), &entry.signature());
            frontier.push(leaf(&data), |_, _| ());
        }
        let content = CheckpointText {
            origin: name.to_owned(),
            size: frontier.size(),
            root: frontier.root().unwrap(),
            extensions: Vec::new(),
        };
        let line = sign(&content.to_string(), &name.parse().unwrap(), &self.signer).unwrap();
        SignedCheckpoint::signed(content, line).unwrap()
    }

    fn keeps(&mut self, name: &str) -> &mut Log {
        let checkpoint = self.checkpoint(name).to_string();
        self.says(kind::WITNESSED, &Witnessed { checkpoint }.to_object())
    }

    fn judged(&self, checkpoints: Vec<SignedCheckpoint>) -> Report {
        let mut lines = Vec::new();
        for entry in &self.entries {
            entry.write_json(None, &mut lines);
            lines.push(b'\n');
        }
        let policy = Policy {
            checkpoints,
            ..Policy::key(self.signer.public_key())
        };
        verify(&mut LogbookFile::new(&lines[..]), &policy, &mut |_| ())
            .unwrap()
            .report
    }

    fn faults(&self) -> Vec<(FaultCode, Option<u64>)> {
        let report = self.judged(Vec::new());
        report
            .faults
            .iter()
            .map(|found| (found.code, found.index))
            .collect()
    }
}

const A: &str = r#"{"name":"log.example/a","policy":null}"#;
const B: &str = r#"{"name":"log.example/b","policy":null}"#;
const END_A: &str = r#"{"closed":"log.example/a"}"#;

#[test]
fn one_name_at_a_time_and_none_twice() {
    let name = |at| vec![(FaultCode::NameMismatch, Some(at))];
    let judged = |said: &[&str]| {
        let mut log = Log::new();
        said.iter().for_each(|payload| {
            log.publishes(payload);
        });
        log.faults()
    };
    assert_eq!(judged(&[A, A, END_A, B]), []);
    assert_eq!(judged(&[A, B]), name(2));
    assert_eq!(judged(&[A, END_A, A]), name(3));
    assert_eq!(judged(&[END_A]), name(1));
    let shape = |at| vec![(FaultCode::SchemaViolation, Some(at))];
    assert_eq!(judged(&[r#"{"name":"{\"a","policy":null}"#]), shape(1));
    assert_eq!(judged(&[r#"{"name":"a"}"#]), shape(1));
    assert_eq!(judged(&[r#"{"closed":"a","name":"b"}"#]), shape(1));
}

#[test]
fn a_checkpoint_has_the_name_that_the_log_had_after_its_last_entry() {
    let mut log = Log::new();
    log.publishes(A)
        .keeps("log.example/a")
        .publishes(END_A)
        .publishes(B)
        .keeps("log.example/b");
    assert_eq!(log.faults(), []);
    for (before, name) in [
        (&[][..], "log.example/a"),
        (&[A], "log.example/b"),
        (&[A, END_A], "log.example/a"),
    ] {
        let mut log = Log::new();
        before.iter().for_each(|payload| {
            log.publishes(payload);
        });
        let at = log.entries.len() as u64;
        log.keeps(name);
        assert_eq!(
            log.faults(),
            [(FaultCode::NameMismatch, Some(at))],
            "{name}"
        );
        // The same of one that somebody kept.
        log.entries.pop();
        let report = log.judged(vec![log.checkpoint(name)]);
        let codes: Vec<_> = report.faults.iter().map(|found| found.code).collect();
        assert_eq!(codes, [FaultCode::NameMismatch]);
    }
}

#[test]
fn a_checkpoint_that_another_key_signed_says_nothing_of_the_name() {
    let mut log = Log::new();
    log.publishes(A);
    let theirs = Log {
        signer: signer(9),
        entries: log.entries.clone(),
    };
    let checkpoint = theirs.checkpoint("log.example/theirs").to_string();
    log.says(kind::WITNESSED, &Witnessed { checkpoint }.to_object());
    assert_eq!(log.faults(), []);
}

#[test]
fn no_name_begins_as_a_statement_or_breaks_a_line() {
    for good in ["example.com/log", "a", "log.example/ä", &"n".repeat(255)] {
        assert_eq!(good.parse::<LogName>().unwrap().as_str(), good);
    }
    let long = "n".repeat(256);
    for bad in [
        "", "{", "{\"a\"", "a b", "a+b", "a\nb", "a\u{1f}", "a\u{7f}", "a\u{85}", &long,
    ] {
        assert!(bad.parse::<LogName>().is_err(), "{bad:?}");
    }
}

/// The text of a checkpoint under a name, as the log's key signs it.
fn text_under(name: &LogName) -> String {
    let checkpoint = CheckpointText {
        origin: name.to_string(),
        size: 7,
        root: Sha256Digest::of(b"root"),
        extensions: vec![format!("successor {name}+0a0b0c0d+AAAA")],
    };
    checkpoint.to_string()
}

#[test]
fn no_message_of_the_logs_key_is_a_checkpoint_and_anything_else() {
    // Whatever a name holds, and wherever: a checkpoint has no 0x1f and no `{` first.
    let (mut names, mut refused) = (0, Vec::new());
    for character in '\0'..=char::MAX {
        for text in [format!("{character}og"), format!("l{character}g")] {
            match text.parse::<LogName>() {
                Ok(name) => {
                    let signed = text_under(&name);
                    assert!(!signed.contains('\u{1f}') && !signed.starts_with('{'));
                    names += 1;
                }
                Err(_) => refused.push(text),
            }
        }
    }
    assert!(names > 2_000_000, "{names}");
    for must in [
        "{og", "\u{1f}og", "l\u{1f}g", "l\ng", "l g", "l+g", "\u{7f}og",
    ] {
        assert!(refused.iter().any(|text| text == must), "{must:?}");
    }
    // Every other message of the key has one of both: as the text of a note, it is none.
    let sample = Sample::documented();
    let mut others: Vec<Vec<u8>> = sample
        .entries
        .iter()
        .map(|entry| entry.signing_payload().to_vec())
        .collect();
    for purpose in Purpose::ALL {
        others.push(signed_bytes(purpose, &Object::new()));
    }
    let name = text_under(&"log.example/a".parse().unwrap());
    let hostile = Draft::new(
        "log.example/a",
        sample.entries[0].ts(),
        format!("{{\"note\":{}}}", serde_json::to_string(&name).unwrap()).as_bytes(),
        &Hash::ZERO,
    );
    others.push(hostile.unwrap().signing_payload().to_vec());
    others.push(b"{\"files\":{}}\n7\nroot\n".to_vec());
    for message in others {
        assert!(message.contains(&0x1f) || message.starts_with(b"{"));
        let text = String::from_utf8_lossy(&message).into_owned() + "\n";
        let line = sign(&text, &"log.example/a".parse().unwrap(), &sample.signer).unwrap();
        let note = format!("{text}\n{line}\n");
        let read = SignedCheckpoint::parse(note.as_bytes()).ok();
        let name = read.and_then(|read| read.content().origin.parse::<LogName>().ok());
        assert_eq!(name, None, "{text:?}");
    }
    // And the text of a note is no entry, whatever signature is put after it.
    let record = [name.as_bytes(), &[0; 64]].concat();
    assert_eq!(Entry::from_record(record).unwrap_err(), EntryError::Record);
}

#[test]
fn each_book_after_a_rotation_has_a_name_of_its_own() {
    let next = |name: &str| {
        name.parse::<LogName>()
            .unwrap()
            .successor()
            .unwrap()
            .to_string()
    };
    assert_eq!(next("example.com/log"), "example.com/log/2");
    assert_eq!(next("example.com/log/2"), "example.com/log/3");
    assert_eq!(next("example.com/9"), "example.com/10");
    assert_eq!(next("example.com/1"), "example.com/1/2");
    assert_eq!(next("example.com/02"), "example.com/02/2");
    assert_eq!(
        next("log/18446744073709551615"),
        "log/18446744073709551615/2"
    );
    assert!(
        "n".repeat(254)
            .parse::<LogName>()
            .unwrap()
            .successor()
            .is_err()
    );
}

#[test]
fn a_log_has_one_name_at_a_time_and_none_twice() {
    let name = |text: &str| text.parse::<LogName>().unwrap();
    let read = |text: &str| {
        let value = sealbook::ledger::parse::parse(text.as_bytes()).unwrap();
        Publishing::from_object(value.as_object().unwrap())
    };
    let named = |text: &str| read(&format!(r#"{{"name":"{text}","policy":null}}"#)).unwrap();
    let closed = |text: &str| read(&format!(r#"{{"closed":"{text}"}}"#)).unwrap();
    let mut names = Names::default();
    names.take(named("a")).unwrap();
    names
        .take(read(r#"{"name":"a","policy":"quorum none\n"}"#).unwrap())
        .unwrap();
    assert!(names.current().unwrap().policy.is_some());
    let (current, other) = (name("a"), name("b"));
    let second = NameFault::Second {
        current,
        name: other.clone(),
    };
    assert_eq!(names.take(named("b")), Err(second));
    let not_current = NameFault::NotCurrent { name: other };
    assert_eq!(names.take(closed("b")), Err(not_current));
    names.take(closed("a")).unwrap();
    assert_eq!(names.current(), None);
    let reused = NameFault::Reused { name: name("a") };
    assert_eq!(names.take(named("a")), Err(reused));
    names.take(named("b")).unwrap();
    assert_eq!(names.closed(), [name("a")]);
    for wrong in [
        "{}",
        r#"{"name":"a"}"#,
        r#"{"policy":null}"#,
        r#"{"name":"{","policy":null}"#,
        r#"{"closed":"a","name":"a","policy":null}"#,
        r#"{"name":"a","policy":null,"x":1}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    for same in [r#"{"name":"a","policy":null}"#, r#"{"closed":"a"}"#] {
        let value = sealbook::ledger::json::Value::Object(read(same).unwrap().to_object());
        let text = value.canonical(sealbook::ledger::json::Form::Utf8);
        assert_eq!(text, same);
    }
}
