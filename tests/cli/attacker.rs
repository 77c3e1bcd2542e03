//! A signer of its own, from the format document alone: it makes what no
//! `sealbook` would, under signatures that hold.

use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::Form;
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::parse;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(crate) const HOUR: &str = "2026-03-01T10:00:00+00:00";

pub(crate) struct Attacker {
    signer: SoftwareSigner,
    /// Each with its hash.
    pub(crate) entries: Vec<(Value, Hash)>,
}

/// §1.
fn canonical(value: &Value) -> Vec<u8> {
    let value = parse::parse(value.to_string().as_bytes()).unwrap();
    value.canonical(Form::Utf8).into_bytes()
}

impl Attacker {
    /// A log whose key is of this seed; `predecessor` as in §5.1.
    pub(crate) fn new(seed: u8, predecessor: Value) -> Attacker {
        let signer = SoftwareSigner::from_seed(&Zeroizing::new([seed; 32]));
        let mut log = Attacker {
            signer,
            entries: Vec::new(),
        };
        let key = log.key();
        log.add(
            "sealbook:open",
            json!({"format": 1, "log": key, "nonce": "09".repeat(16), "origin": "x",
                "predecessor": predecessor, "recovery_key_sha256": null}),
        );
        log
    }

    /// The same history up to entry `last`.
    pub(crate) fn fork(&self, seed: u8, last: usize) -> Attacker {
        Attacker {
            signer: SoftwareSigner::from_seed(&Zeroizing::new([seed; 32])),
            entries: self.entries[..=last].to_vec(),
        }
    }

    pub(crate) fn key(&self) -> String {
        self.signer.public_key().to_string()
    }

    fn sign(&self, bytes: &[u8]) -> String {
        self.signer.sign(bytes).unwrap().to_string()
    }

    /// §4.2.
    pub(crate) fn add(&mut self, kind: &str, payload: Value) {
        let prev = self.entries.last().map_or(Hash::ZERO, |(_, hash)| *hash);
        let mut bytes = [kind.as_bytes(), HOUR.as_bytes(), &canonical(&payload)[..]].join(&0x1f);
        bytes.push(0x1f);
        bytes.extend_from_slice(prev.as_bytes());
        let entry = json!({"kind": kind, "payload": payload, "prev_hash": prev.to_string(),
            "signature": self.sign(&bytes), "ts": HOUR});
        self.entries.push((entry, Hash::of(&bytes)));
    }

    /// §9.
    pub(crate) fn logbook(&self) -> Vec<u8> {
        let line = |(entry, _): &(Value, Hash)| [canonical(entry), b"\n".to_vec()].concat();
        self.entries.iter().flat_map(line).collect()
    }

    pub(crate) fn hash(&self, seq: usize) -> String {
        self.entries[seq].1.to_string()
    }

    /// Where a book that continues this one says that this one ended.
    pub(crate) fn end(&self) -> Value {
        let seq = self.entries.len() - 1;
        json!({"hash": self.hash(seq), "log": self.key(), "seq": seq})
    }

    /// §3.2: a line.
    pub(crate) fn statement(&self, what: &str, object: Value) -> Vec<u8> {
        let mut bytes = format!("sealbook:{what}:v1\u{1f}").into_bytes();
        bytes.extend_from_slice(&canonical(&object));
        let signature = self.sign(&bytes);
        let mut line = canonical(&json!({what: object, "key": self.key(), "signature": signature}));
        line.push(b'\n');
        line
    }

    /// §6.2, of epoch 0 up to entry `last`, under whatever root.
    pub(crate) fn header(&self, last: usize, root: &str) -> Vec<u8> {
        let object = json!({"epoch": 0, "first_seq": 0, "genesis": self.hash(0), "head": self.hash(last),
            "hour": HOUR, "last_seq": last, "log": self.key(), "prev": "00".repeat(32), "root": root,
            "sealed_at": HOUR, "tree_size": last + 1});
        self.statement("epoch", object)
    }

    /// §7.
    pub(crate) fn head(&self, seq: usize) -> Vec<u8> {
        let object = json!({"genesis": self.hash(0), "hash": self.hash(seq), "log": self.key(),
            "seq": seq, "ts": HOUR});
        self.statement("head", object)
    }

    /// §5.7, of the log `of`.
    pub(crate) fn revoke(&self, of: &Attacker, seq: usize) -> Vec<u8> {
        let object = json!({"genesis": of.hash(0), "hash": of.hash(seq), "log": of.key(),
            "reason": "", "seq": seq});
        self.statement("revoke", object)
    }
}
