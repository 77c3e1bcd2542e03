//! The examples of the public log in the format document: a book that binds a name and
//! keeps a cosigned checkpoint, its tree at every size, and names.

use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::epoch::leaf_hash;
use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::kind;
use sealbook::ledger::logbook_file::LogbookFile;
use sealbook::ledger::note::{
    Algorithm, MlDsaSigner, Note, VerifierKey, cosign, cosign_ml_dsa, sign,
};
use sealbook::ledger::position::Seq;
use sealbook::ledger::second_key::SecondKey;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::tlog::checkpoint::CheckpointText;
use sealbook::ledger::tlog::name::{LogName, NameBinding, Publishing};
use sealbook::ledger::tlog::tree::{LogFrontier, empty_root, leaf};
use sealbook::ledger::verify::{Policy, verify};
use sealbook::ledger::witness_policy::parse;
use sealbook::ledger::witnessed::{Cosigned, Witnessed, between};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::sample::Sample;

const NAME: &str = "log.example.com/sample";
const WITNESS: &str = "witness.example.com/w";

/// When the witness cosigned: 11:30 of the sample's day.
const COSIGNED: u64 = 1_772_364_600;

fn witness() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[8; 32].into())
}

/// Entry 0 of the sample; the name; an entry; the cosigned checkpoint of those three; and
/// one more.
fn book(sample: &Sample) -> Vec<Entry> {
    let mut entries = vec![sample.entries[0].clone()];
    let mut says = |kind: &str, time: &str, payload: Value| {
        let ts = Timestamp::parse(time).unwrap();
        let last = entries.last().unwrap().hash();
        let draft = Draft::new(kind, ts, payload.to_string().as_bytes(), &last).unwrap();
        entries.push(draft.sign(&sample.signer).unwrap());
        entries.clone()
    };
    let name = Publishing::Named(NameBinding {
        name: NAME.parse().unwrap(),
        policy: None,
    });
    let name = sealbook::ledger::json::Value::Object(name.to_object());
    let name = name.canonical(sealbook::ledger::json::Form::Utf8);
    says(
        kind::PUBLISH,
        "2026-03-01T11:00:00Z",
        serde_json::from_str(&name).unwrap(),
    );
    let three = says("note", "2026-03-01T11:00:01Z", json!({"n": 2}));
    let checkpoint = checkpoint(sample, &three);
    says(
        kind::WITNESSED,
        "2026-03-01T11:30:01Z",
        json!({"checkpoint": checkpoint.to_string()}),
    );
    says("note", "2026-03-01T11:31:00Z", json!({"n": 4}))
}

fn tree(entries: &[Entry]) -> LogFrontier {
    let mut frontier = LogFrontier::new();
    for entry in entries {
        frontier.push(
            leaf(&leaf_hash(&entry.hash(), &entry.signature())),
            |_, _| (),
        );
    }
    frontier
}

/// The checkpoint over entries, which the witness cosigned.
fn checkpoint(sample: &Sample, entries: &[Entry]) -> Note {
    let mut note = own_checkpoint(sample, entries);
    let name = WITNESS.parse().unwrap();
    let line = cosign(note.text(), COSIGNED, &name, &witness()).unwrap();
    note.add(line).unwrap();
    note
}

fn own_checkpoint(sample: &Sample, entries: &[Entry]) -> Note {
    let frontier = tree(entries);
    let text = CheckpointText {
        origin: NAME.to_owned(),
        size: frontier.size(),
        root: frontier.root().unwrap(),
        extensions: Vec::new(),
    }
    .to_string();
    let own = sign(&text, &NAME.parse().unwrap(), &sample.signer).unwrap();
    Note::new(text, vec![own]).unwrap()
}

fn lines(entries: &[Entry]) -> Vec<u8> {
    let mut lines = Vec::new();
    for entry in entries {
        entry.write_json(None, &mut lines);
        lines.push(b'\n');
    }
    lines
}

fn policy(sample: &Sample) -> String {
    let log = VerifierKey::new(NAME.parse().unwrap(), Algorithm::Ed25519(sample.log()));
    let key = Algorithm::Cosignature(witness().public_key());
    let witness = VerifierKey::new(WITNESS.parse().unwrap(), key);
    format!("log {log}\nwitness w {witness}\nquorum w\n")
}

/// Of each entry its data and leaf, and the root over it and those before.
fn roots(sample: &Sample) -> String {
    let mut text = json!({"root": empty_root(), "size": 0}).to_string() + "\n";
    for (seq, entry) in sample.entries.iter().enumerate() {
        let data = leaf_hash(&entry.hash(), &entry.signature());
        let root = tree(&sample.entries[..=seq]).root().unwrap();
        let line = json!({
            "data": data, "hash": entry.hash(), "leaf": leaf(&data), "root": root,
            "signature": entry.signature().to_string(), "size": seq + 1,
        });
        text += &format!("{line}\n");
    }
    text
}

const NAMES: [&str; 14] = [
    "log.example.com/sample",
    "log.example.com/sample/2",
    "log.example.com/sample/9",
    "log.example.com/sample/1",
    "log.example.com/sample/02",
    "a",
    "é/x",
    "",
    "{log",
    "log.example com",
    "log.example+com",
    "log.example\ncom",
    "log.example\u{a0}com",
    "log.example\u{1f}com",
];

/// Names and what no name is; of names, that of the book after.
fn names() -> String {
    let line = |text: &&str| {
        let name: Option<LogName> = text.parse().ok();
        let successor = name.and_then(|name| name.successor().ok());
        let successor = successor.map(|name| name.to_string());
        format!("{}\n", json!({"name": text, "successor": successor}))
    };
    NAMES.iter().map(line).collect()
}

pub(crate) fn examples(sample: &Sample) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("public.logbook.jsonl", lines(&book(sample))),
        ("public.names.jsonl", names().into_bytes()),
        ("public.policy", policy(sample).into_bytes()),
        ("public.roots.jsonl", roots(sample).into_bytes()),
        (
            "public.second-key.jsonl",
            lines(&with_second_key(sample)[7..]),
        ),
        (
            "public.second-key.checkpoint",
            protected(sample).to_string().into_bytes(),
        ),
    ]
}

fn second() -> MlDsaSigner {
    MlDsaSigner::from_seed(&Zeroizing::new([8; 32])).unwrap()
}

/// The sample's entries, and one that binds a second key.
fn with_second_key(sample: &Sample) -> Vec<Entry> {
    let key = SecondKey {
        ml_dsa_44: second().public_key(),
    };
    let payload = sealbook::ledger::json::Value::Object(key.to_object());
    let payload = payload.canonical(sealbook::ledger::json::Form::Utf8);
    let last = sample.entries.last().unwrap();
    let ts = Timestamp::parse("2026-03-01T23:00:00Z").unwrap();
    let draft = Draft::new(kind::KEY, ts, payload.as_bytes(), &last.hash()).unwrap();
    let entry = draft.sign(&sample.signer).unwrap();
    [&sample.entries[..], &[entry]].concat()
}

/// The checkpoint over them, which both keys signed.
fn protected(sample: &Sample) -> Note {
    let mut note = own_checkpoint(sample, &with_second_key(sample));
    let checkpoint = CheckpointText::parse(note.text()).unwrap();
    let line = cosign_ml_dsa(&checkpoint, COSIGNED, &NAME.parse().unwrap(), &second());
    note.add(line.unwrap()).unwrap();
    note
}

#[test]
fn the_second_key_that_an_entry_binds_protects_the_entries_of_its_checkpoint() {
    let sample = Sample::documented();
    let entries = with_second_key(&sample);
    assert_eq!((sample.entries.len(), entries.len()), (7, 8));
    let text = lines(&entries);
    let policy = Policy::key(sample.log());
    let outcome = verify(&mut LogbookFile::new(&text[..]), &policy, &mut |_| ());
    assert_eq!(outcome.unwrap().report.faults, []);
    let bound = SecondKey::from_object(&entries[7].check_payload().unwrap()).unwrap();
    let own = VerifierKey::new(NAME.parse().unwrap(), Algorithm::MlDsa44(bound.ml_dsa_44));
    let note = protected(&sample);
    assert_eq!(own.verify(&note).unwrap().time, Some(COSIGNED));
    let checkpoint = CheckpointText::parse(note.text()).unwrap();
    assert_eq!(
        (checkpoint.size, Some(checkpoint.root)),
        (8, tree(&entries).root())
    );
    // Of another size it says nothing.
    let other = own_checkpoint(&sample, &entries[..7]);
    let line = note.signatures().last().unwrap();
    assert!(own.verify_line(other.text(), line).is_err());
}

#[test]
fn the_book_with_a_name_and_a_kept_checkpoint_stands_between_its_times() {
    let sample = Sample::documented();
    let entries = book(&sample);
    let text = lines(&entries);
    let report = verify(
        &mut LogbookFile::new(&text[..]),
        &Policy::key(sample.log()),
        &mut |_| (),
    );
    assert_eq!(report.unwrap().report.faults, []);
    let policy = parse(policy(&sample).as_bytes()).unwrap();
    let kept = Witnessed::from_object(&entries[3].check_payload().unwrap()).unwrap();
    let at = Some((Seq(3), entries[3].ts()));
    let note = kept.checkpoint.as_bytes();
    let mut cosigned = Cosigned::judge(note, sample.log(), &policy, at).unwrap();
    cosigned.hold(entries[2].ts());
    assert_eq!(Some(cosigned.root), tree(&entries[..3]).root());
    let said = |seq| between(Seq(seq), std::slice::from_ref(&cosigned), &policy);
    let time = Timestamp::parse("2026-03-01T11:30:00Z").unwrap();
    let (before, after) = said(2);
    assert_eq!((before, after.map(|when| when.time)), (None, Some(time)));
    let (before, after) = said(4);
    assert_eq!((before.map(|when| when.time), after), (Some(time), None));
}
