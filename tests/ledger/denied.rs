//! An entry that the index of its log denies: every such lie of small logs convicts, and
//! what no log signed convicts nobody.

use std::collections::BTreeMap;

use sealbook::ledger::bundle::BundleWriter;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::bundle_line::{BundleOpening, Contents};
use sealbook::ledger::denied::denial;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::equivocation::{
    Contradiction, Counted, CountedEntry, Equivocation, EquivocationError, NotProven,
};
use sealbook::ledger::equivocation_file::judge_equivocation;
use sealbook::ledger::fault::{FaultCode, Verdict, WarningCode};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::index::cover::{Block, Tree, commitment, cover, epochs_of, halves};
use sealbook::ledger::index::leaf::{Count, Leaf, merged, root_of};
use sealbook::ledger::index::proof::{Neighbour, TermProof, TreeProof};
use sealbook::ledger::index::term::{Field, Term, terms};
use sealbook::ledger::index::vrf::VrfSecret;
use sealbook::ledger::json::{Form, Value};
use sealbook::ledger::kind;
use sealbook::ledger::merkle::LeafRange;
use sealbook::ledger::opening::Opening;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::proof::{InclusionProof, ProofFile};
use sealbook::ledger::statement::Statement;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::version::Version;

use crate::sample::Sample;

/// What the index says that is not so.
#[derive(Clone, Debug)]
enum Lie {
    None,
    /// An entry with a term is not counted.
    LeftOut(u64, Term),
    /// An entry without it is.
    Added(u64, Term),
}

/// A log whose headers commit to an index.
pub(crate) struct Indexed {
    sample: Sample,
    secret: VrfSecret,
    /// Of each epoch the leaves of its own tree.
    own: Vec<Vec<Leaf>>,
    lie: Lie,
}

impl Indexed {
    /// Epochs of these sizes. Cases and tenants come in turns of two lengths.
    fn new(sizes: &[usize], lie: Lie) -> Indexed {
        let mut log = Indexed {
            sample: Sample {
                version: Version::Two,
                ..Sample::empty()
            },
            secret: VrfSecret::from_bytes(&[5; 32]),
            own: Vec::new(),
            lie,
        };
        let mut hour = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        for size in sizes {
            for _ in 0..*size {
                log.push(hour);
            }
            log.seal(hour, *size);
            hour = hour.saturating_add_micros(3_600_000_000);
        }
        log
    }

    fn push(&mut self, ts: Timestamp) {
        let n = self.sample.entries.len();
        if n > 0 {
            let (case, tenant) = (n % 2, n % 3);
            let payload = format!(r#"{{"correlation_id":"c-{case}","tenant_id":"t-{tenant}"}}"#);
            return self.sample.push(ts, "note", &payload);
        }
        let opening = Opening {
            format: Version::Two,
            origin: "sample".to_owned(),
            log: self.sample.log(),
            nonce: [9; 16],
            recovery_key_sha256: None,
            predecessor: None,
            index: Some(self.secret.public_key()),
            post_quantum: None,
        };
        let payload = Value::Object(opening.to_object()).canonical(Form::Utf8);
        self.sample.push(ts, kind::OPEN, &payload);
    }

    fn seal(&mut self, hour: Timestamp, size: usize) {
        self.sample.seal(hour, size);
        let epoch = EpochNumber(self.own.len() as u64);
        let header = &self.sample.epochs.last().unwrap().content;
        let mut counts: BTreeMap<Hash, Count> = BTreeMap::new();
        for seq in header.first_seq.0..=header.last_seq.0 {
            let leaf = self.sample.leaf(seq);
            for term in self.counted_terms(seq) {
                let count = counts.entry(self.place(&term)).or_insert(Count::NONE);
                *count = count.and(Seq(seq), &leaf);
            }
        }
        let leaves = counts
            .into_iter()
            .map(|(place, count)| Leaf { place, count });
        self.own.push(leaves.collect());
        let blocks = cover(EpochNumber::FIRST, epoch);
        let trees: Vec<_> = blocks
            .iter()
            .map(|block| tree(&self.leaves(block)))
            .collect();
        let mut header = header.clone();
        header.format = Some(Version::Two);
        header.index = Some(commitment(EpochNumber::FIRST, trees));
        let signed = Statement::sign(header, &self.sample.signer).unwrap();
        *self.sample.epochs.last_mut().unwrap() = signed;
    }

    /// The terms under which the index counts an entry.
    fn counted_terms(&self, seq: u64) -> Vec<Term> {
        let mut own = terms_of(&self.sample.entries[seq as usize]);
        match &self.lie {
            Lie::LeftOut(of, term) if *of == seq => own.retain(|own| own != term),
            Lie::Added(of, term) if *of == seq => own.push(term.clone()),
            _ => {}
        }
        own
    }

    fn place(&self, term: &Term) -> Hash {
        let genesis = self.sample.genesis();
        term.open_place(&genesis)
            .unwrap_or_else(|| term.place(&genesis, &self.secret).0)
    }

    fn leaves(&self, block: &Block) -> Vec<Leaf> {
        let Some((left, right)) = halves(block) else {
            return self.own[block.index as usize].clone();
        };
        let [left, right] = [left, right].map(|half| self.leaves(&half).into_iter());
        let both = merged(left.map(Ok::<_, ()>), right.map(Ok));
        both.map(Result::unwrap).collect()
    }

    /// What the index says of a term under the header of an epoch.
    fn term(&self, term: &Term, epoch: u64) -> TermProof {
        let (genesis, since) = (self.sample.genesis(), EpochNumber::FIRST);
        let hidden = term.open_place(&genesis).is_none();
        let placed = hidden.then(|| term.place(&genesis, &self.secret).1);
        let place = self.place(term);
        let blocks = cover(since, EpochNumber(epoch));
        TermProof {
            term: term.clone(),
            placed,
            header: self.sample.epochs[epoch as usize].clone(),
            since,
            trees: blocks
                .iter()
                .map(|block| tree_proof(&self.leaves(block), &place))
                .collect(),
        }
    }

    /// The selection of all entries that the index counts with a term, and what it says.
    fn selection(&self, term: &Term) -> Vec<u8> {
        let epoch = self.own.len() as u64 - 1;
        let opening = BundleOpening {
            version: Version::Two,
            contents: Contents::Selection,
            log: self.sample.log(),
            genesis: self.sample.genesis(),
            index: true,
            openings: false,
        };
        let first = &self.sample.entries[0];
        let mut writer = BundleWriter::new(Vec::new(), &opening, first).unwrap();
        writer.term(&self.term(term, epoch)).unwrap();
        let mut current = None;
        for seq in 0..self.sample.entries.len() as u64 {
            if !self.counted_terms(seq).contains(term) {
                continue;
            }
            let InclusionProof {
                epoch, entry, path, ..
            } = self.sample.proof(seq);
            if current.replace(epoch.content.epoch) != Some(epoch.content.epoch) {
                writer.epoch(&epoch).unwrap();
            }
            writer.entry(Seq(seq), &entry, Some(&path)).unwrap();
        }
        writer.finish(Some(&self.sample.signer)).unwrap().0
    }

    /// The entries that the index counts in the block of an epoch under the last header.
    fn counted(&self, term: &Term, epoch: EpochNumber) -> Option<Counted> {
        let last = EpochNumber(self.own.len() as u64 - 1);
        let mut blocks = cover(EpochNumber::FIRST, last).into_iter();
        let within = |block: &Block| {
            let (first, last) = epochs_of(block);
            first <= epoch && epoch <= last
        };
        let own = self.sample.epochs.iter().map(|epoch| {
            let header = &epoch.content;
            let seqs = header.first_seq.0..=header.last_seq.0;
            let own = seqs.filter(|seq| self.counted_terms(*seq).contains(term));
            let entry = |seq| CountedEntry {
                leaf: self.sample.leaf(seq),
                seq: Seq(seq),
            };
            (header.epoch, own.map(entry).collect::<Vec<_>>())
        });
        let own: Vec<_> = own.filter(|(_, own)| !own.is_empty()).collect();
        Counted::of(&blocks.find(within).unwrap(), &own)
    }
}

/// Every list that lacks one entry, or has one twice.
fn wrong_lists(counted: &Counted) -> Vec<Option<Counted>> {
    match counted {
        Counted::Entries(entries) => {
            let each = (0..entries.len()).flat_map(|at| {
                let (mut lacking, mut twice) = (entries.clone(), entries.clone());
                lacking.remove(at);
                twice.insert(at, entries[at]);
                let lacking = (!lacking.is_empty()).then_some(Counted::Entries(lacking));
                [lacking, Some(Counted::Entries(twice))]
            });
            each.collect()
        }
        Counted::Halves(halves) => {
            let [left, right] = &**halves;
            let both = |left: Option<Counted>, right: Option<Counted>| match (left, right) {
                (Some(left), Some(right)) => Some(Counted::Halves(Box::new([left, right]))),
                (left, right) => left.or(right),
            };
            let lefts = wrong_lists(left).into_iter();
            let mut wrong: Vec<_> = lefts.map(|left| both(left, Some(right.clone()))).collect();
            let rights = wrong_lists(right).into_iter();
            wrong.extend(rights.map(|right| both(Some(left.clone()), right)));
            wrong.push(both(Some(right.clone()), Some(left.clone())));
            wrong
        }
    }
}

fn terms_of(entry: &Entry) -> Vec<Term> {
    let own = terms(entry.kind(), entry.payload_bytes());
    own.map(|(field, value)| Term::new(field, value)).collect()
}

fn tree(leaves: &[Leaf]) -> Tree {
    Tree {
        size: leaves.len() as u64,
        root: root_of(leaves).unwrap_or(Hash::ZERO),
    }
}

fn tree_proof(leaves: &[Leaf], place: &Hash) -> TreeProof {
    let at = leaves.partition_point(|leaf| leaf.place < *place);
    let here = leaves.get(at).filter(|leaf| leaf.place == *place);
    let (first, end) = match here {
        Some(_) => (at, at + 1),
        None => (at.saturating_sub(1), (at + 1).min(leaves.len())),
    };
    let hidden = |leaf: &Leaf| Neighbour {
        place: leaf.place,
        hidden: leaf.count.hidden(),
    };
    let range = |start: usize, end: usize| {
        let range = LeafRange {
            start: start as u64,
            end: end as u64,
        };
        let node = |subtree: sealbook::ledger::merkle::Subtree| {
            let start = (subtree.index << subtree.level) as usize;
            root_of(&leaves[start..start + (1 << subtree.level)]).unwrap()
        };
        range.subtrees().map(node).collect()
    };
    let Tree { size, root } = tree(leaves);
    TreeProof {
        size,
        root,
        at: first as u64,
        entries: here.map(|leaf| leaf.count.entries),
        digest: here.map(|leaf| leaf.count.digest),
        between: match here {
            Some(_) => None,
            None => Some(leaves[first..end].iter().map(hidden).collect()),
        },
        before: range(0, first),
        after: range(end, leaves.len()),
    }
}

/// Logs of one to eight epochs.
const SIZES: [&[usize]; 6] = [
    &[2],
    &[4],
    &[2, 3],
    &[3, 1, 2, 2],
    &[2, 1, 1, 3, 1, 2],
    &[2, 2, 1, 1, 2, 1, 1, 2],
];

/// The conviction that the holder of a proof and of what the index says has.
fn convict(proof: &InclusionProof, selection: &[u8]) -> Option<Equivocation> {
    let says = denial(&mut BundleFile::open(selection).unwrap()).unwrap();
    let mut holds = ProofFile::new(&proof.to_bytes());
    says.unwrap().convict(&mut holds).unwrap()
}

#[test]
fn every_entry_that_an_index_leaves_out_convicts_and_so_does_every_one_that_it_adds() {
    let mut found = 0;
    for sizes in SIZES {
        let honest = Indexed::new(sizes, Lie::None);
        let count = honest.sample.entries.len() as u64;
        let strange = Term::new(Field::Correlation, "c-9");
        for seq in 0..count {
            let own = terms_of(&honest.sample.entries[seq as usize]);
            let foreign = (0..2).map(|n| Term::new(Field::Correlation, format!("c-{n}")));
            let foreign = foreign.chain([strange.clone()]);
            let foreign: Vec<_> = foreign.filter(|term| !own.contains(term)).collect();
            let lies = own.into_iter().map(|term| Lie::LeftOut(seq, term));
            for lie in lies.chain(foreign.into_iter().map(|term| Lie::Added(seq, term))) {
                let log = Indexed::new(sizes, lie.clone());
                let (term, is_left_out) = match &lie {
                    Lie::LeftOut(_, term) => (term, true),
                    Lie::Added(_, term) => (term, false),
                    Lie::None => panic!("no lie"),
                };
                let said = format!("{sizes:?}, {lie:?}");
                let selection = log.selection(term);
                let proof = log.sample.proof(seq);
                let proven = match convict(&proof, &selection) {
                    Some(proven) => proven,
                    // Of an entry that was added the selection holds all that is needed.
                    None => panic!("{said}: nothing was proven"),
                };
                match proven.contradiction() {
                    Contradiction::Index {
                        seq: of,
                        term: found,
                        left_out,
                        ..
                    } => assert_eq!((of.0, found, *left_out), (seq, term, is_left_out), "{said}"),
                    other => panic!("{said}: {other}"),
                }
                let bytes = proven.to_bytes();
                assert_eq!(Equivocation::parse(&bytes), Ok(proven), "{said}");
                let report = judge_equivocation(&bytes, &[log.sample.log()]);
                assert_eq!(report.verdict, Verdict::Pass, "{said}: {report:?}");
                let codes: Vec<_> = report.warnings.iter().map(|one| one.code).collect();
                assert_eq!(codes, [WarningCode::EquivocationProven]);
                // A whole range, or a selection of others, holds the entry as well.
                let range = log.sample.range_bundle(0, count - 1, true);
                let says = denial(&mut BundleFile::open(&selection[..]).unwrap()).unwrap();
                let mut holds = BundleFile::open(&range[..]).unwrap();
                let by_range = says.unwrap().convict(&mut holds).unwrap();
                assert_eq!(by_range.unwrap().to_bytes(), bytes, "{said}");
                found += 1;
            }
        }
    }
    assert!(found > 150, "{found}");
}

#[test]
fn an_honest_log_is_never_convicted() {
    for sizes in SIZES {
        let log = Indexed::new(sizes, Lie::None);
        let last = EpochNumber(sizes.len() as u64 - 1);
        for seq in 0..log.sample.entries.len() as u64 {
            let proof = log.sample.proof(seq);
            let inside = proof.epoch.content.epoch;
            let mut asked = terms_of(&proof.entry);
            asked.extend((0..3).map(|n| Term::new(Field::Tenant, format!("t-{n}"))));
            asked.push(Term::new(Field::Correlation, "c-9"));
            for term in asked {
                assert_eq!(convict(&proof, &log.selection(&term)), None);
                let said = log.term(&term, last.0);
                let counted = log.counted(&term, inside);
                let prove = |counted: Option<Counted>| {
                    let (key, proof, said) = (log.sample.log(), proof.clone(), said.clone());
                    Equivocation::prove_index(key, proof, said, counted).unwrap_err()
                };
                assert_eq!(prove(counted.clone()), NotProven::Same);
                for wrong in counted.iter().flat_map(wrong_lists) {
                    assert_eq!(prove(wrong), NotProven::Counted);
                }
            }
        }
    }
}

/// The example of the format document, and what it is made of.
fn example() -> (Indexed, Term, Vec<u8>) {
    let term = Term::new(Field::Tenant, "t-1");
    let log = Indexed::new(&[2, 6, 2], Lie::LeftOut(4, term.clone()));
    let proof = convict(&log.sample.proof(4), &log.selection(&term)).unwrap();
    (log, term, proof.to_bytes())
}

/// The example that the format document shows.
pub(crate) fn examples() -> Vec<(&'static str, Vec<u8>)> {
    vec![("index.denied.equivocation", example().2)]
}

/// What it is made of, and one of a term that the index does not have.
pub(crate) fn further() -> Vec<(&'static str, Vec<u8>)> {
    let absent = Term::new(Field::Correlation, "c-0");
    let alone = Indexed::new(&[3], Lie::LeftOut(2, absent.clone()));
    let (log, term, _) = example();
    let of_none = convict(&alone.sample.proof(2), &alone.selection(&absent)).unwrap();
    vec![
        ("index.selection.bundle", log.selection(&term)),
        ("index.entry-4.proof", log.sample.proof(4).to_bytes()),
        ("index.absent.bundle", alone.selection(&absent)),
        ("index.absent.equivocation", of_none.to_bytes()),
    ]
}

#[test]
fn every_changed_byte_of_such_a_proof_is_refused() {
    let both = examples().into_iter().chain(further());
    for (name, bytes) in both.filter(|(name, _)| name.ends_with(".equivocation")) {
        let key = Sample::empty().log();
        assert_eq!(judge_equivocation(&bytes, &[key]).verdict, Verdict::Pass);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let report = judge_equivocation(&changed, &[key]);
            assert_eq!(report.verdict, Verdict::Fail, "{name}, byte {at}");
            let code = report.faults[0].code;
            let named = [FaultCode::ProofInvalid, FaultCode::UntrustedKey];
            assert!(named.contains(&code), "{name}, byte {at}: {code:?}");
        }
        for cut in 0..bytes.len() {
            let report = judge_equivocation(&bytes[..cut], &[key]);
            assert_eq!(report.faults[0].code, FaultCode::ProofInvalid, "{cut}");
        }
    }
}

#[test]
fn what_another_key_signed_or_another_log_says_proves_nothing() {
    let (log, term, bytes) = example();
    let key = log.sample.log();
    let (proof, said) = (log.sample.proof(4), log.term(&term, 2));
    let counted = log.counted(&term, EpochNumber(1));
    let prove = |proof: InclusionProof, said: TermProof, counted: Option<Counted>| {
        Equivocation::prove_index(key, proof, said, counted).err()
    };
    assert_eq!(prove(proof.clone(), said.clone(), counted.clone()), None);
    let fault = &judge_equivocation(&bytes, &[]).faults[0];
    assert_eq!(fault.code, FaultCode::UntrustedKey);
    // Without the entry that opened the log nobody knows the key of its index.
    let mut bare = proof.clone();
    bare.opening = None;
    assert_eq!(
        prove(bare, said.clone(), counted.clone()),
        Some(NotProven::Unrelated)
    );
    // What the index said before the entry was there.
    let earlier = log.term(&term, 0);
    assert_eq!(
        prove(proof.clone(), earlier, None),
        Some(NotProven::Unrelated)
    );
    let mut elsewhere = proof.clone();
    elsewhere.path = log.sample.proof(3).path;
    assert_eq!(
        prove(elsewhere, said.clone(), counted.clone()),
        Some(NotProven::Inclusion)
    );
    let mut other = said.clone();
    other.term = Term::new(Field::Tenant, "t-2");
    assert_eq!(
        prove(proof.clone(), other, counted.clone()),
        Some(NotProven::Index)
    );
    assert_eq!(
        prove(proof.clone(), said.clone(), None),
        Some(NotProven::Counted)
    );
    let mut unsigned = said.clone();
    let header = unsigned.header.content.clone();
    unsigned.header = Statement::sign(header, &crate::book::signer(7)).unwrap();
    assert_eq!(prove(proof, unsigned, counted), Some(NotProven::Signature));
    // The kind in the first line is the one of what follows, and so is its format.
    let text = String::from_utf8(bytes).unwrap();
    for (from, to) in [
        (r#""kind":"index""#, r#""kind":"entries""#),
        (r#"{"format":2,"kind""#, r#"{"format":1,"kind""#),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(Equivocation::parse(changed.as_bytes()).is_err(), "{to}");
    }
    let more = format!("{text}{{}}\n");
    assert_eq!(
        Equivocation::parse(more.as_bytes()),
        Err(EquivocationError::Lines)
    );
}
