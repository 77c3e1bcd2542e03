//! A small log made by hand: what a ledger writes, without a store.

use sealbook::ledger::bundle::BundleWriter;
use sealbook::ledger::bundle_line::{BundleOpening, Contents};
use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::epoch::{EpochFrontier, EpochHeader, EpochTree, SignedEpoch, leaf_hash};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::head::Head;
use sealbook::ledger::json::Form;
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::kind;
use sealbook::ledger::merkle::{LeafRange, Subtree, fold_range, path_ranges};
use sealbook::ledger::opening::Opening;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::proof::InclusionProof;
use sealbook::ledger::statement::Statement;
use sealbook::ledger::time::Timestamp;
use zeroize::Zeroizing;

pub(crate) struct Sample {
    pub(crate) signer: SoftwareSigner,
    pub(crate) entries: Vec<Entry>,
    pub(crate) epochs: Vec<SignedEpoch>,
}

impl Sample {
    /// Epochs of these sizes, an hour each, and `tail` unsealed entries.
    pub(crate) fn new(sizes: &[usize], tail: usize) -> Sample {
        let signer = SoftwareSigner::from_seed(&Zeroizing::new([3; 32]));
        let mut sample = Sample {
            signer,
            entries: Vec::new(),
            epochs: Vec::new(),
        };
        let mut hour = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        for size in sizes {
            sample.append(hour, *size);
            sample.seal(hour, *size);
            hour = hour.saturating_add_micros(3_600_000_000);
        }
        sample.append(hour, tail);
        sample
    }

    fn append(&mut self, hour: Timestamp, count: usize) {
        for n in 0..count {
            let ts = hour.saturating_add_micros(n as i64 * 1_000_000);
            let prev = self.entries.last().map_or(Hash::ZERO, Entry::hash);
            let first = self.entries.is_empty();
            let (kind, payload) = if first {
                let mut payload = Vec::new();
                let opening = Opening {
                    origin: "sample".to_owned(),
                    log: self.log(),
                    nonce: [9; 16],
                    recovery_key_sha256: None,
                    predecessor: None,
                };
                opening
                    .to_object()
                    .write_canonical(Form::Utf8, &mut payload);
                (kind::OPEN, payload)
            } else {
                (
                    "note",
                    format!("{{\"n\":{}}}", self.entries.len()).into_bytes(),
                )
            };
            let draft = Draft::new(kind, ts, &payload, &prev).unwrap();
            self.entries.push(draft.sign(&self.signer).unwrap());
        }
    }

    fn seal(&mut self, hour: Timestamp, size: usize) {
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

    fn leaf(&self, at: u64) -> Hash {
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
        let subtrees = LeafRange { start, end }.subtrees().into_iter();
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
        InclusionProof {
            seq: Seq(seq),
            entry: self.entries[seq as usize].clone(),
            epoch: self.epoch_of(seq).unwrap().clone(),
            path: self.path(seq),
        }
    }

    fn opening(&self, contents: Contents) -> BundleOpening {
        BundleOpening {
            contents,
            log: self.log(),
            genesis: self.genesis(),
        }
    }

    /// A bundle of all entries from `first` to `last`.
    pub(crate) fn range_bundle(&self, first: u64, last: u64, signed: bool) -> Vec<u8> {
        let opening = self.opening(Contents::Range {
            first_seq: Seq(first),
            last_seq: Seq(last),
        });
        let mut writer = BundleWriter::new(Vec::new(), &opening).unwrap();
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

    /// A bundle of these entries.
    pub(crate) fn selection_bundle(&self, seqs: &[u64], signed: bool) -> Vec<u8> {
        let opening = self.opening(Contents::Selection);
        let mut writer = BundleWriter::new(Vec::new(), &opening).unwrap();
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

    fn head(&self, last: u64) -> Statement<Head> {
        let entry = &self.entries[last as usize];
        let head = Head {
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
