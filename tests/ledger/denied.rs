//! An entry that the index of its log denies: every such lie of small logs convicts, and
//! what no log signed convicts nobody.

use std::collections::BTreeMap;

use sealbook::ledger::begins::Begins;
use sealbook::ledger::bundle::BundleWriter;
use sealbook::ledger::bundle_file::BundleFile;
use sealbook::ledger::bundle_line::{BundleOpening, Contents};
use sealbook::ledger::denied::denial;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::equivocation::{
    Contradiction, Counted, CountedEntry, Equivocation, EquivocationError, NotProven,
};
use sealbook::ledger::equivocation_file::judge_equivocation;
use sealbook::ledger::fault::{FaultCode, NotChecked, Verdict, WarningCode};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::index::cover::{Begun, Block, Tree, commitment, cover, epochs_of, halves};
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
    begun: Begun,
    /// Of each epoch the leaves of its own tree.
    own: Vec<Vec<Leaf>>,
    lie: Lie,
}

impl Indexed {
    /// Epochs of these sizes. Cases and tenants come in turns of two lengths.
    fn new(sizes: &[usize], lie: Lie) -> Indexed {
        Indexed::later(sizes, 0, lie)
    }

    /// The same, whose index begins with an epoch.
    fn later(sizes: &[usize], since: u64, lie: Lie) -> Indexed {
        let secret = VrfSecret::from_bytes(&[5; 32]);
        let mut log = Indexed {
            sample: Sample {
                version: Version::Two,
                ..Sample::empty()
            },
            begun: Begun {
                since: EpochNumber(since),
                key: secret.public_key(),
            },
            secret,
            own: Vec::new(),
            lie,
        };
        let mut hour = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        for size in sizes {
            for n in 0..*size {
                let begins = n == 0 && since > 0 && log.own.len() as u64 == since;
                log.push(hour, begins);
            }
            log.seal(hour, *size);
            hour = hour.saturating_add_micros(3_600_000_000);
        }
        log
    }

    fn push(&mut self, ts: Timestamp, begins: bool) {
        let n = self.sample.entries.len();
        if begins {
            let payload = Begins::under(self.begun.key).to_object();
            let payload = Value::Object(payload).canonical(Form::Utf8);
            return self.sample.push(ts, kind::FORMAT, &payload);
        }
        if n > 0 {
            let (case, tenant) = (n % 2, n % 3);
            let payload = format!(r#"{{"correlation_id":"c-{case}","tenant_id":"t-{tenant}"}}"#);
            return self.sample.push(ts, "note", &payload);
        }
        let opening = Opening {
            format: match self.begun.later() {
                None => Version::Two,
                Some(_) => Version::One,
            },
            origin: "sample".to_owned(),
            log: self.sample.log(),
            nonce: [9; 16],
            recovery_key_sha256: None,
            predecessor: None,
            index: match self.begun.later() {
                None => Some(self.begun.key),
                Some(_) => None,
            },
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
        if epoch < self.begun.since {
            return;
        }
        let blocks = cover(self.begun.since, epoch);
        let trees: Vec<_> = blocks
            .iter()
            .map(|block| tree(&self.leaves(block)))
            .collect();
        let mut header = header.clone();
        header.format = Some(Version::Two);
        header.index = Some(commitment(&self.begun, trees));
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
        let (genesis, since) = (self.sample.genesis(), self.begun.since);
        let hidden = term.open_place(&genesis).is_none();
        let placed = hidden.then(|| term.place(&genesis, &self.secret).1);
        let place = self.place(term);
        let blocks = cover(since, EpochNumber(epoch));
        TermProof {
            term: term.clone(),
            placed,
            header: self.sample.epochs[epoch as usize].clone(),
            since,
            key: self.begun.later(),
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
            let since = &self.sample.epochs[self.begun.since.0 as usize].content;
            let has = match seq < since.first_seq.0 {
                true => terms_of(&self.sample.entries[seq as usize]).contains(term),
                false => self.counted_terms(seq).contains(term),
            };
            if !has {
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
        let mut blocks = cover(self.begun.since, last).into_iter();
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

/// Each with an index from its first epoch on, and from every later one.
fn logs() -> impl Iterator<Item = (&'static [usize], u64)> {
    let each = SIZES.into_iter();
    each.flat_map(|sizes| (0..sizes.len() as u64).map(move |since| (sizes, since)))
}

/// The conviction that the holder of a proof and of what the index says has.
fn convict(proof: &InclusionProof, selection: &[u8]) -> Option<Equivocation> {
    let says = denial(&mut BundleFile::open(selection).unwrap()).unwrap();
    let mut holds = ProofFile::new(&proof.to_bytes());
    says.unwrap().convict(&mut holds).unwrap()
}

#[test]
fn every_entry_that_an_index_leaves_out_convicts_and_so_does_every_one_that_it_adds() {
    let mut found = 0;
    for (sizes, since) in logs() {
        let honest = Indexed::later(sizes, since, Lie::None);
        let count = honest.sample.entries.len() as u64;
        let strange = Term::new(Field::Correlation, "c-9");
        let first = honest.sample.epochs[since as usize].content.first_seq.0;
        for seq in first..count {
            let own = terms_of(&honest.sample.entries[seq as usize]);
            let foreign = (0..2).map(|n| Term::new(Field::Correlation, format!("c-{n}")));
            let foreign = foreign.chain([strange.clone()]);
            let foreign: Vec<_> = foreign.filter(|term| !own.contains(term)).collect();
            let epoch = honest.sample.proof(seq).epoch.content;
            // A tree that nothing is left of proves no absence: each entry has a kind.
            let leaves_some = own.len() > 1 || epoch.tree_size > 1;
            let lies = own.into_iter().filter(|_| leaves_some);
            let lies = lies.map(|term| Lie::LeftOut(seq, term));
            for lie in lies.chain(foreign.into_iter().map(|term| Lie::Added(seq, term))) {
                let log = Indexed::later(sizes, since, lie.clone());
                let (term, is_left_out) = match &lie {
                    Lie::LeftOut(_, term) => (term, true),
                    Lie::Added(_, term) => (term, false),
                    Lie::None => panic!("no lie"),
                };
                let said = format!("{sizes:?} from {since} on, {lie:?}");
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
    for (sizes, since) in logs() {
        let log = Indexed::later(sizes, since, Lie::None);
        let last = EpochNumber(sizes.len() as u64 - 1);
        let first = log.sample.epochs[since as usize].content.first_seq.0;
        for seq in first..log.sample.entries.len() as u64 {
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
    let later = Indexed::later(&[3, 2, 3, 1], 1, Lie::None);
    vec![
        ("index.later.bundle", later.selection(&term)),
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

#[test]
fn an_index_begins_with_the_first_entry_of_an_epoch_and_once() {
    let judged = |log: &Indexed| {
        let last = log.sample.entries.len() as u64 - 1;
        let range = log.sample.range_bundle(0, last, true);
        crate::bundles::judge_bundle(&range, &log.sample)
    };
    let log = Indexed::later(&[3, 2, 3], 1, Lie::None);
    let report = judged(&log);
    assert_eq!(
        (report.faults, report.not_checked),
        (vec![], vec![NotChecked::Index])
    );
    let wrong = |log: &Indexed| {
        let faults = judged(log).faults.into_iter();
        faults
            .map(|fault| (fault.code, fault.seq))
            .collect::<Vec<_>>()
    };
    let hour = Timestamp::parse("2026-03-01T13:00:00Z").unwrap();
    // Not the first of its epoch, and a second one.
    let mut twice = Indexed::later(&[3, 2, 3], 1, Lie::None);
    twice.push(hour, false);
    twice.push(hour, true);
    twice.seal(hour, 2);
    assert_eq!(wrong(&twice), [(FaultCode::SchemaViolation, Some(9))]);
    // In a log that had one from the beginning.
    let mut both = Indexed::new(&[3, 2], Lie::None);
    both.push(hour, true);
    both.seal(hour, 1);
    assert_eq!(wrong(&both), [(FaultCode::SchemaViolation, Some(5))]);
    // A header without one, after headers with one.
    let mut gone = Indexed::later(&[3, 2, 3], 1, Lie::None);
    gone.push(hour, false);
    gone.begun.since = EpochNumber(9);
    gone.seal(hour, 1);
    assert_eq!(wrong(&gone), [(FaultCode::EpochInvariant, None)]);
}

#[test]
fn a_selection_over_the_beginning_of_an_index_says_from_where_it_is_complete() {
    let log = Indexed::later(&[3, 2, 3, 1], 1, Lie::None);
    let term = Term::new(Field::Correlation, "c-1");
    let bundle = log.selection(&term);
    let report = crate::bundles::judge_bundle(&bundle, &log.sample);
    assert_eq!(report.faults, []);
    let complete = report.complete.unwrap();
    assert_eq!((complete.since, complete.epoch), (Some(1), 3));
    let open = [NotChecked::Completeness, NotChecked::Index];
    assert!(open.iter().all(|what| report.not_checked.contains(what)));
    // The key that the header commits to is the one under which the index stands.
    let text = String::from_utf8(bundle).unwrap();
    let other = hex::encode(VrfSecret::from_bytes(&[6; 32]).public_key().as_bytes());
    let changed = text.replacen(&hex::encode(log.begun.key.as_bytes()), &other, 1);
    assert_ne!(changed, text);
    let report = crate::bundles::judge_bundle(changed.as_bytes(), &log.sample);
    let codes: Vec<_> = report.faults.iter().map(|fault| fault.code).collect();
    assert!(codes.contains(&FaultCode::IndexInvalid), "{codes:?}");
}
