//! A small log made by hand: what a ledger writes, without a store.

use std::collections::BTreeSet;

use sealbook::ledger::bundle::BundleWriter;
use sealbook::ledger::bundle_line::{BundleOpening, Contents};
use sealbook::ledger::document::{self, Mentions};
use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::epoch::{EpochFrontier, EpochHeader, EpochTree, SignedEpoch, leaf_hash};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::head::{Head, HeadBasis, LastEpoch};
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::kind;
use sealbook::ledger::merkle::{LeafRange, Subtree, fold_range, path_ranges};
use sealbook::ledger::opening::Opening;
use sealbook::ledger::parse;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::proof::InclusionProof;
use sealbook::ledger::statement::Statement;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::version::Version;
use zeroize::Zeroizing;

pub(crate) struct Sample {
    /// In which version what is taken out of it is written.
    pub(crate) version: Version,
    pub(crate) signer: SoftwareSigner,
    pub(crate) entries: Vec<Entry>,
    pub(crate) epochs: Vec<SignedEpoch>,
}

impl Sample {
    /// Epochs of these sizes, an hour each, and `tail` unsealed entries.
    pub(crate) fn new(sizes: &[usize], tail: usize) -> Sample {
        let mut sample = Sample::empty();
        let mut hour = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        for size in sizes {
            sample.append(hour, *size);
            sample.seal(hour, *size);
            hour = hour.saturating_add_micros(3_600_000_000);
        }
        sample.append(hour, tail);
        sample
    }

    /// Two epochs and an unsealed entry, of which some refer to documents:
    ///
    /// | seq | kind | |
    /// |---|---|---|
    /// | 0 | `sealbook:open` | |
    /// | 1 | `wcp.document` | rules, JSON |
    /// | 2 | `wcp.document` | policy, a string |
    /// | 3 | `wcp.decision` | of tenant acme, refers to the rules |
    /// | 4 | `wcp.decision` | of tenant zeta, refers to both; another epoch |
    /// | 5 | `note` | |
    /// | 6 | `wcp.decision` | of tenant acme, refers to the policy; unsealed |
    pub(crate) fn documented() -> Sample {
        let mut sample = Sample::empty();
        let first = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        let second = first.saturating_add_micros(3_600_000_000);
        let rules = parse::parse(br#"{"rules":[{"match":{"env":"prod"},"rule_id":"r1"}]}"#);
        let rules = document::payload("application/json", rules.unwrap());
        let policy = document::payload("text/x-rego", Value::from("package p\nallow := true\n"));
        let digest = |payload: &Object| payload.get("digest").unwrap().canonical(Form::Utf8);
        let (rules_digest, policy_digest) = (digest(&rules), digest(&policy));
        let decision = |tenant: &str, context: String| {
            let input = format!(r#"{{"tenant_id":"{tenant}"}}"#);
            format!(r#"{{"context":{{{context}}},"input":{input}}}"#)
        };
        let opening = sample.opening_payload();
        sample.push(first, kind::OPEN, &opening);
        let text = |payload: Object| Value::Object(payload).canonical(Form::Utf8);
        sample.push(later(first, 1), kind::DOCUMENT, &text(rules));
        sample.push(later(first, 1), kind::DOCUMENT, &text(policy));
        let context = format!(r#""rules":{rules_digest}"#);
        sample.push(later(first, 2), "wcp.decision", &decision("acme", context));
        sample.seal(first, 4);
        let context = format!(r#""policy":{{"rego":{policy_digest}}},"rules":{rules_digest}"#);
        sample.push(later(second, 0), "wcp.decision", &decision("zeta", context));
        sample.push(later(second, 1), "note", r#"{"text":"café","x":1.5}"#);
        sample.seal(second, 2);
        let third = second.saturating_add_micros(3_600_000_000);
        let context = format!(r#""policy":{policy_digest}"#);
        sample.push(third, "wcp.decision", &decision("acme", context));
        sample
    }

    pub(crate) fn empty() -> Sample {
        Sample {
            version: Version::One,
            signer: SoftwareSigner::from_seed(&Zeroizing::new([3; 32])),
            entries: Vec::new(),
            epochs: Vec::new(),
        }
    }

    fn append(&mut self, hour: Timestamp, count: usize) {
        for n in 0..count {
            let ts = hour.saturating_add_micros(n as i64 * 1_000_000);
            if self.entries.is_empty() {
                let opening = self.opening_payload();
                self.push(ts, kind::OPEN, &opening);
            } else {
                let payload = format!("{{\"n\":{}}}", self.entries.len());
                self.push(ts, "note", &payload);
            }
        }
    }

    fn opening_payload(&self) -> String {
        let opening = Opening {
            format: Version::One,
            origin: "sample".to_owned(),
            log: self.log(),
            nonce: [9; 16],
            recovery_key_sha256: None,
            predecessor: None,
            index: None,
            post_quantum: None,
        };
        Value::Object(opening.to_object()).canonical(Form::Utf8)
    }

    /// `payload` must be canonical.
    pub(crate) fn push(&mut self, ts: Timestamp, kind: &str, payload: &str) {
        let prev = self.entries.last().map_or(Hash::ZERO, Entry::hash);
        let draft = Draft::new(kind, ts, payload.as_bytes(), &prev).unwrap();
        let entry = draft.sign(&self.signer).unwrap();
        entry.check_payload().unwrap();
        self.entries.push(entry);
    }

    pub(crate) fn seal(&mut self, hour: Timestamp, size: usize) {
        let end = self.entries.len();
        let first = end - size;
        let header = EpochHeader {
            epoch: EpochNumber(self.epochs.len() as u64),
            first_seq: Seq(first as u64),
            last_seq: Seq(end as u64 - 1),
            tree_size: size as u64,
            root: self.range(first as u64, 0, size as u64),
            head: self.entries[end - 1].hash(),
            prev: self.epochs.last().map_or(Hash::ZERO, |e| e.content.hash()),
            hour,
            sealed_at: hour.saturating_add_micros(3_600_000_000),
            log: self.log(),
            genesis: self.genesis(),
            format: None,
            index: None,
        };
        self.epochs
            .push(Statement::sign(header, &self.signer).unwrap());
    }

    pub(crate) fn log(&self) -> PublicKey {
        self.signer.public_key()
    }

    pub(crate) fn genesis(&self) -> Hash {
        self.entries[0].hash()
    }

    pub(crate) fn leaf(&self, at: u64) -> Hash {
        let entry = &self.entries[at as usize];
        leaf_hash(&entry.hash(), &entry.signature())
    }

    fn subtree(&self, first: u64, subtree: Subtree) -> Hash {
        let mut frontier = EpochFrontier::new();
        let start = first + (subtree.index << subtree.level);
        for at in start..start + (1 << subtree.level) {
            frontier.push(self.leaf(at), |_, _| ());
        }
        frontier.root().unwrap()
    }

    fn subtrees(&self, first: u64, start: u64, end: u64) -> Vec<Hash> {
        let subtrees = LeafRange { start, end }.subtrees();
        subtrees.map(|s| self.subtree(first, s)).collect()
    }

    fn range(&self, first: u64, start: u64, end: u64) -> Hash {
        fold_range::<EpochTree>(&self.subtrees(first, start, end)).unwrap()
    }

    fn epoch_of(&self, seq: u64) -> Option<&SignedEpoch> {
        self.epochs
            .iter()
            .find(|e| e.content.first_seq.0 <= seq && seq <= e.content.last_seq.0)
    }

    fn path(&self, seq: u64) -> Vec<Hash> {
        let header = &self.epoch_of(seq).unwrap().content;
        let first = header.first_seq.0;
        let ranges = path_ranges(seq - first, header.tree_size)
            .unwrap()
            .into_iter();
        ranges.map(|r| self.range(first, r.start, r.end)).collect()
    }

    pub(crate) fn proof(&self, seq: u64) -> InclusionProof {
        let second = self.version == Version::Two;
        InclusionProof {
            opening: second.then(|| self.entries[0].clone()),
            seq: Seq(seq),
            entry: self.entries[seq as usize].clone(),
            epoch: self.epoch_of(seq).unwrap().clone(),
            path: self.path(seq),
        }
    }

    fn opening(&self, contents: Contents) -> BundleOpening {
        BundleOpening {
            version: self.version,
            contents,
            log: self.log(),
            genesis: self.genesis(),
            index: false,
            openings: false,
        }
    }

    /// A bundle of all entries from `first` to `last`.
    pub(crate) fn range_bundle(&self, first: u64, last: u64, signed: bool) -> Vec<u8> {
        let mut opening = self.opening(Contents::Range {
            first_seq: Seq(first),
            last_seq: Seq(last),
        });
        opening.index = self
            .epochs
            .iter()
            .any(|epoch| epoch.content.index.is_some());
        let mut writer = BundleWriter::new(Vec::new(), &opening, &self.entries[0]).unwrap();
        self.documents(&mut writer, first..=last);
        let mut headed = false;
        for seq in first..=last {
            match self.epoch_of(seq).map(|e| (e, &e.content)) {
                Some((epoch, header)) => {
                    let start = header.first_seq.0;
                    if seq == first || seq == start {
                        writer.epoch(epoch).unwrap();
                        writer
                            .before(&self.subtrees(start, 0, seq - start))
                            .unwrap();
                    }
                    writer
                        .entry(Seq(seq), &self.entries[seq as usize], None)
                        .unwrap();
                    if seq == last || seq == header.last_seq.0 {
                        let done = seq + 1 - start;
                        writer
                            .after(&self.subtrees(start, done, header.tree_size))
                            .unwrap();
                    }
                }
                None => {
                    if !std::mem::replace(&mut headed, true) {
                        writer.head(&self.head(last)).unwrap();
                    }
                    writer
                        .entry(Seq(seq), &self.entries[seq as usize], None)
                        .unwrap();
                }
            }
        }
        self.finish(writer, signed)
    }

    /// The documents that these entries refer to and that are not among them.
    fn documents(&self, writer: &mut BundleWriter<Vec<u8>>, seqs: impl Iterator<Item = u64>) {
        let mentions = seqs.map(|seq| Mentions::of(&self.entries[seq as usize]));
        let (mut wanted, mut given) = (BTreeSet::new(), BTreeSet::new());
        for mentioned in mentions {
            wanted.extend(mentioned.refers);
            given.extend(mentioned.is.map(Result::unwrap));
        }
        for digest in wanted.difference(&given) {
            let is = |entry: &&Entry| Mentions::of(entry).is == Some(Ok(*digest));
            writer
                .document(self.entries.iter().find(is).unwrap())
                .unwrap();
        }
    }

    /// A bundle of these entries.
    pub(crate) fn selection_bundle(&self, seqs: &[u64], signed: bool) -> Vec<u8> {
        let opening = self.opening(Contents::Selection);
        let mut writer = BundleWriter::new(Vec::new(), &opening, &self.entries[0]).unwrap();
        self.documents(&mut writer, seqs.iter().copied());
        let mut current = None;
        for seq in seqs {
            let epoch = self.epoch_of(*seq).unwrap();
            if current.replace(epoch.content.epoch) != Some(epoch.content.epoch) {
                writer.epoch(epoch).unwrap();
            }
            let path = self.path(*seq);
            writer
                .entry(Seq(*seq), &self.entries[*seq as usize], Some(&path))
                .unwrap();
        }
        self.finish(writer, signed)
    }

    pub(crate) fn head(&self, last: u64) -> Statement<Head> {
        let entry = &self.entries[last as usize];
        let head = Head {
            second: (self.version == Version::Two).then(|| HeadBasis {
                epoch: self.epochs.last().map(|epoch| LastEpoch {
                    epoch: epoch.content.epoch,
                    hash: epoch.content.hash(),
                }),
                tree: None,
            }),
            log: self.log(),
            genesis: self.genesis(),
            seq: Seq(last),
            hash: entry.hash(),
            ts: entry.ts(),
        };
        Statement::sign(head, &self.signer).unwrap()
    }

    fn finish(&self, writer: BundleWriter<Vec<u8>>, signed: bool) -> Vec<u8> {
        let signer: Option<&dyn Signer> = if signed { Some(&self.signer) } else { None };
        writer.finish(signer).unwrap().0
    }
}

fn later(ts: Timestamp, seconds: i64) -> Timestamp {
    ts.saturating_add_micros(seconds * 1_000_000)
}
