//! A small second implementation of signing, from the format document alone: what
//! it makes is right but for one thing, and every signature and hash holds.

mod mutants;

use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Form;
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::parse;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// What is taken out of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Entries 0 to 6, the last of them under a head.
    Range,
    /// Entries 3 and 5.
    Selection,
    /// Entry 5.
    Proof,
    /// All entries.
    Logbook,
}

/// An object that is changed before it is hashed and signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Entry(usize),
    Payload(usize),
    Header(usize),
    Head,
    First,
    Closing,
}

/// The one thing that is wrong.
pub struct Change<'c> {
    pub stage: Stage,
    pub edit: &'c dyn Fn(&mut Value),
}

impl Change<'_> {
    fn at(&self, stage: Stage, mut value: Value) -> Value {
        if self.stage == stage {
            (self.edit)(&mut value);
        }
        value
    }
}

pub const FIRST_HOUR: &str = "2026-03-01T10:00:00+00:00";
pub const SECOND_HOUR: &str = "2026-03-01T11:00:00+00:00";
const EPOCHS: [(usize, usize, &str); 2] = [(0, 3, FIRST_HOUR), (4, 5, SECOND_HOUR)];

/// Format §2.1.
fn canonical(value: &Value) -> Vec<u8> {
    let value = parse::parse(value.to_string().as_bytes()).unwrap();
    value.canonical(Form::Utf8).into_bytes()
}

fn line(value: &Value) -> Vec<u8> {
    [canonical(value), b"\n".to_vec()].concat()
}

fn signer() -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([3; 32]))
}

pub fn key() -> String {
    signer().public_key().to_string()
}

fn sign(bytes: &[u8]) -> String {
    signer().sign(bytes).unwrap().to_string()
}

/// Format §3.5; answers the signed bytes too.
fn statement(what: &str, object: &Value) -> (Value, Vec<u8>) {
    let version = if object["format"] == 2 { 2 } else { 1 };
    let mut bytes = format!("sealbook:{what}:v{version}\u{1f}").into_bytes();
    bytes.extend_from_slice(&canonical(object));
    let signature = sign(&bytes);
    let statement = json!({what: object, "key": key(), "signature": signature});
    (statement, bytes)
}

/// The log, with one thing wrong in it.
struct Log<'c> {
    change: &'c Change<'c>,
    entries: Vec<(Value, Hash)>,
    headers: Vec<(Value, Vec<u8>)>,
}

impl<'c> Log<'c> {
    fn new(change: &'c Change<'c>) -> Log<'c> {
        let mut log = Log {
            change,
            entries: Vec::new(),
            headers: Vec::new(),
        };
        let content = json!({"rules": [1]});
        let hash = Hash::of(&canonical(&content));
        let digest = format!("blake2b-256:{hash}");
        let opening = json!({"format": 1, "log": key(), "nonce": "09".repeat(16), "origin": "x",
            "predecessor": null, "recovery_key_sha256": null});
        let document = json!({"content": content, "digest": digest, "media_type": "text/plain"});
        log.add("sealbook:open", opening, FIRST_HOUR);
        log.add("wcp.document", document, FIRST_HOUR);
        log.add(
            "wcp.decision",
            json!({"context": {"rules": digest}}),
            FIRST_HOUR,
        );
        log.add("note", json!({"n": 3}), FIRST_HOUR);
        log.add("note", json!({"n": 4}), SECOND_HOUR);
        log.add("note", json!({"n": 5}), SECOND_HOUR);
        log.add("note", json!({"n": 6}), "2026-03-01T12:00:00+00:00");
        for number in 0..EPOCHS.len() {
            log.seal(number);
        }
        log
    }

    /// Format §3.1.
    fn add(&mut self, kind: &str, payload: Value, ts: &str) {
        let at = self.entries.len();
        let prev = self.entries.last().map_or(Hash::ZERO, |(_, hash)| *hash);
        let payload = self.change.at(Stage::Payload(at), payload);
        let entry =
            json!({"kind": kind, "payload": payload, "prev_hash": prev.to_string(), "ts": ts});
        let mut entry = self.change.at(Stage::Entry(at), entry);
        let text = |name: &str| entry[name].as_str().unwrap_or_default().as_bytes().to_vec();
        let prev = entry["prev_hash"].as_str().unwrap_or_default();
        let prev = Hash::from_hex(prev).unwrap_or(Hash::ZERO);
        let payload = canonical(&entry["payload"]);
        let bytes = [text("kind"), text("ts"), payload, prev.as_bytes().to_vec()].join(&0x1f);
        if let Value::Object(members) = &mut entry {
            members.entry("signature").or_insert(sign(&bytes).into());
        }
        self.entries.push((entry, Hash::of(&bytes)));
    }

    fn genesis(&self) -> String {
        self.entries[0].1.to_string()
    }

    /// Format §2.5.
    fn leaves(&self, first: usize, last: usize) -> Vec<Hash> {
        let leaf = |(entry, hash): &(Value, Hash)| {
            let signature = entry["signature"].as_str().unwrap_or_default();
            let signature = hex::decode(signature).unwrap_or_default();
            Hash::of(&[&[0][..], hash.as_bytes(), &signature].concat())
        };
        self.entries[first..=last].iter().map(leaf).collect()
    }

    /// Format §3.6.
    fn seal(&mut self, number: usize) {
        let (first, last, hour) = EPOCHS[number];
        let prev = self.headers.last();
        let prev = prev.map_or(Hash::ZERO, |(_, bytes)| Hash::of(bytes));
        let header = json!({"epoch": number, "first_seq": first, "genesis": self.genesis(),
            "head": self.entries[last].1.to_string(), "hour": hour, "last_seq": last, "log": key(),
            "prev": prev.to_string(), "root": root(&self.leaves(first, last)).to_string(),
            "sealed_at": hour, "tree_size": last - first + 1});
        let header = self.change.at(Stage::Header(number), header);
        self.headers.push(statement("epoch", &header));
    }

    fn numbered(&self, seq: usize) -> Value {
        let mut entry = self.entries[seq].0.clone();
        entry["seq"] = seq.into();
        entry
    }

    /// Format §2.5.
    fn path(&self, seq: usize) -> Value {
        let (first, last, _) = EPOCHS[usize::from(seq > 3)];
        let path = path(&self.leaves(first, last), seq - first);
        path.iter().map(Hash::to_string).collect()
    }
}

fn node(left: Hash, right: Hash) -> Hash {
    Hash::of(&[&[1][..], left.as_bytes(), right.as_bytes()].concat())
}

fn split(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => node(root(split(leaves).0), root(split(leaves).1)),
    }
}

fn path(leaves: &[Hash], at: usize) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = split(leaves);
    let (mut below, other) = match at < left.len() {
        true => (path(left, at), root(right)),
        false => (path(right, at - left.len()), root(left)),
    };
    below.push(other);
    below
}

/// The file of that kind with this one thing wrong.
pub fn make(kind: Kind, change: &Change<'_>) -> Vec<u8> {
    let log = Log::new(change);
    let mut lines: Vec<Value> = Vec::new();
    let mut contents = json!({"contents": "selection", "format": 2, "genesis": log.genesis(),
        "log": key(), "uses": []});
    match kind {
        Kind::Logbook => {
            return log
                .entries
                .iter()
                .flat_map(|(entry, _)| line(entry))
                .collect();
        }
        Kind::Proof => {
            return line(
                &json!({"entry": log.numbered(5), "epoch": log.headers[1].0, "format": 2,
                "opening": log.entries[0].0, "path": log.path(5), "uses": []}),
            );
        }
        Kind::Selection => {
            for (header, seq) in [(0, 3), (1, 5)] {
                lines.push(log.headers[header].0.clone());
                lines.push(json!({"entry": log.numbered(seq), "path": log.path(seq)}));
            }
        }
        Kind::Range => {
            contents["contents"] = "range".into();
            contents["first_seq"] = 0.into();
            contents["last_seq"] = 6.into();
            for (number, (first, last, _)) in EPOCHS.into_iter().enumerate() {
                lines.push(log.headers[number].0.clone());
                lines.extend((first..=last).map(|seq| json!({"entry": log.numbered(seq)})));
            }
            let header = Hash::of(&log.headers[1].1);
            let head = json!({"epoch": {"epoch": 1, "hash": header.to_string()}, "format": 2,
                "genesis": log.genesis(), "hash": log.entries[6].1.to_string(), "log": key(),
                "seq": 6, "tree": null, "ts": "2026-03-01T12:00:00+00:00"});
            lines.push(statement("head", &change.at(Stage::Head, head)).0);
            lines.push(json!({"entry": log.numbered(6)}));
        }
    }
    let count = |name: &str| lines.iter().filter(|line| line.get(name).is_some()).count();
    let (entries, epochs) = (count("entry"), EPOCHS.len());
    let first = json!({"sealbook": change.at(Stage::First, contents)});
    let opening = json!({"opening": log.entries[0].0});
    let lines = [first].into_iter().chain(lines).chain([opening]);
    let body: Vec<u8> = lines.flat_map(|value| line(&value)).collect();
    let closing = json!({"bytes": body.len(), "documents": 0, "entries": entries,
        "epochs": epochs, "filter": null, "format": 2, "genesis": log.genesis(),
        "hash": Hash::of(&body).to_string(), "log": key()});
    let closing = statement("bundle", &change.at(Stage::Closing, closing)).0;
    [body, line(&closing)].concat()
}
