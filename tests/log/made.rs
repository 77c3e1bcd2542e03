//! Logs in memory, their keys, and witnesses that cosign them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{Signer as _, SoftwareSigner};
use sealbook::ledger::note::{self, Algorithm, KeyName, Note, VerifierKey};
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::tlog::builder::{LogBuilder, TreeBuildError};
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::tlog::resource::Resource;
use sealbook::ledger::tlog::source::TileSource;
use sealbook::ledger::witness_policy::{WitnessPolicy, parse};

pub(crate) const ORIGIN: &str = "log.example/made";

/// A second of 2026.
pub(crate) const NOW: i64 = 1_795_000_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000).unwrap()
}

pub(crate) fn signer(number: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&[number; 32].into())
}

pub(crate) fn log_key() -> VerifierKey {
    let name: KeyName = ORIGIN.parse().unwrap();
    VerifierKey::new(name, Algorithm::Ed25519(signer(1).public_key()))
}

fn witness_name(number: u8) -> KeyName {
    format!("witness.example/{number}").parse().unwrap()
}

pub(crate) fn witness_key(number: u8) -> VerifierKey {
    let key = Algorithm::Cosignature(signer(100 + number).public_key());
    VerifierKey::new(witness_name(number), key)
}

/// Two of three witnesses, at these URLs.
pub(crate) fn policy(urls: [&str; 3]) -> WitnessPolicy {
    let mut text = format!("log {}\n", log_key());
    for (number, url) in (1..).zip(urls) {
        text += &format!("witness w{number} {} {url}\n", witness_key(number));
    }
    text += "group three 2 w1 w2 w3\nquorum three\n";
    parse(text.as_bytes()).unwrap()
}

/// The cosignature line of a witness on a note's text.
pub(crate) fn cosignature(text: &str, number: u8, seconds: i64) -> note::NoteSignature {
    let seconds = seconds.try_into().unwrap();
    note::cosign(text, seconds, &witness_name(number), &signer(100 + number)).unwrap()
}

/// A log of entries whose data begin with `history` from entry `fork` on.
pub(crate) struct Log {
    pub(crate) files: Mutex<BTreeMap<Resource, Vec<u8>>>,
    pub(crate) checkpoint: CheckpointText,
}

impl Log {
    pub(crate) fn new(size: u64, fork: u64, history: u8) -> Log {
        let mut builder = LogBuilder::new();
        let mut files = BTreeMap::new();
        for seq in 0..size {
            let mut data = [0; 32];
            data[..8].copy_from_slice(&seq.to_be_bytes());
            data[8] = if seq < fork { 0 } else { history };
            let keep = |resource, bytes| {
                files.insert(resource, bytes);
                Ok::<_, TreeBuildError>(())
            };
            builder.push(Hash::from_bytes(data), keep).unwrap();
        }
        files.extend(builder.partial());
        let checkpoint = CheckpointText {
            origin: ORIGIN.to_owned(),
            size,
            root: builder.root(),
            extensions: Vec::new(),
        };
        let log = Log {
            files: Mutex::new(files),
            checkpoint,
        };
        log.publish(&log.signed());
        log
    }

    /// The checkpoint under the log's key alone.
    pub(crate) fn signed(&self) -> SignedCheckpoint {
        let text = self.checkpoint.to_string();
        let name = ORIGIN.parse().unwrap();
        let line = note::sign(&text, &name, &signer(1)).unwrap();
        SignedCheckpoint::of_note(Note::new(text, vec![line]).unwrap()).unwrap()
    }

    /// The same with cosignatures of these witnesses at these seconds.
    pub(crate) fn cosigned(&self, by: &[(u8, i64)]) -> SignedCheckpoint {
        let mut note = self.signed().into_note();
        for (number, seconds) in by {
            let line = cosignature(note.text(), *number, *seconds);
            note.add(line).unwrap();
        }
        SignedCheckpoint::of_note(note).unwrap()
    }

    pub(crate) fn publish(&self, checkpoint: &SignedCheckpoint) {
        let bytes = checkpoint.to_string().into_bytes();
        self.files
            .lock()
            .unwrap()
            .insert(Resource::Checkpoint, bytes);
    }
}

impl TileSource for &Log {
    type Error = Infallible;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.files.lock().unwrap().get(&resource).cloned())
    }
}
