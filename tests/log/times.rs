//! Between which times entries were made, by the cosignatures that came back into the
//! log, and what of them does not count.

use std::time::Duration;

use sealbook::api::{Between, keep_witnessed};
use sealbook::ledger::epoch::leaf_hash;
use sealbook::ledger::json::Object;
use sealbook::ledger::key::Signer as _;
use sealbook::ledger::note::{self, Note};
use sealbook::ledger::position::Seq;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::tlog::builder::{LogBuilder, TreeBuildError};
use sealbook::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use sealbook::ledger::witness_policy::{WitnessPolicy, parse};
use sealbook::{Ledger, Options};

use crate::made::{ORIGIN, at, cosignature, signer, witness_key};

struct Scene {
    ledger: Ledger,
    policy: WitnessPolicy,
    now: i64,
}

impl Scene {
    fn new() -> Scene {
        let mut text = String::new();
        for number in 1..=3 {
            text += &format!("witness w{number} {}\n", witness_key(number));
        }
        text += "group three 2 w1 w2 w3\nquorum three\n";
        let ledger = Ledger::in_memory(Options::new("times")).unwrap();
        let now = ledger.entry(Seq(0)).unwrap().ts().unix_micros() / 1_000_000;
        Scene {
            ledger,
            policy: parse(text.as_bytes()).unwrap(),
            now,
        }
    }

    fn append(&self) -> Seq {
        self.ledger.append("note", &Object::new()).unwrap().seq
    }

    /// A checkpoint of everything, with these cosignatures at seconds after now.
    fn checkpoint(&self, by: &[(u8, i64)], wrong_root: bool) -> SignedCheckpoint {
        let mut builder = LogBuilder::new();
        let last = self.ledger.store().last_seq().unwrap().unwrap();
        for seq in 0..=last.0 {
            let entry = self.ledger.entry(Seq(seq)).unwrap();
            let data = leaf_hash(&entry.hash(), &entry.signature());
            builder
                .push(data, |_, _| Ok::<_, TreeBuildError>(()))
                .unwrap();
        }
        let root = match wrong_root {
            false => builder.root(),
            true => sealbook::ledger::sha256::Sha256Digest::of(b"another"),
        };
        let text = CheckpointText {
            origin: ORIGIN.to_owned(),
            size: builder.size(),
            root,
            extensions: Vec::new(),
        }
        .to_string();
        let signer = self.ledger.signer().unwrap();
        let mut note = {
            let line = note::sign(&text, &ORIGIN.parse().unwrap(), &*signer).unwrap();
            Note::new(text, vec![line]).unwrap()
        };
        for (number, seconds) in by {
            let line = cosignature(note.text(), *number, self.now + seconds);
            note.add(line).unwrap();
        }
        SignedCheckpoint::of_note(note).unwrap()
    }

    fn keep(&self, checkpoint: &SignedCheckpoint) -> Option<Seq> {
        self.keep_every(checkpoint, Duration::ZERO)
    }

    fn keep_every(&self, checkpoint: &SignedCheckpoint, every: Duration) -> Option<Seq> {
        let logbook = self.ledger.logbook().unwrap();
        let kept = keep_witnessed(logbook, checkpoint, every, at(self.now)).unwrap();
        kept.map(|receipt| receipt.seq)
    }

    fn between(&self, seq: u64) -> Between {
        let times = self.ledger.times(self.policy.clone()).unwrap();
        assert!(times.faults().is_empty(), "{:?}", times.faults());
        times.between(Seq(seq))
    }

    fn after_now(&self, seconds: i64) -> Timestamp {
        at(self.now + seconds)
    }
}

#[test]
fn an_entry_stands_between_the_cosignatures_before_and_after_it() {
    let scene = Scene::new();
    scene.append();
    let first = scene.keep(&scene.checkpoint(&[(1, 1), (2, 3), (3, 7)], false));
    assert_eq!(first, Some(Seq(2)));
    let own = scene.append();
    let second = scene.keep(&scene.checkpoint(&[(1, 20), (3, 40)], false));
    assert_eq!(second, Some(Seq(4)));
    let between = scene.between(own.0);
    // Before: the best quorum's earliest, of w2 and w3. After: the latest of w1 and w3.
    let earlier = between.not_earlier.unwrap();
    assert_eq!(earlier.time, scene.after_now(3));
    assert_eq!(earlier.witnesses, ["w2", "w3"]);
    assert_eq!((earlier.size, earlier.seq), (2, first));
    let later = between.not_later.unwrap();
    assert_eq!(later.time, scene.after_now(40));
    assert_eq!(later.witnesses, ["w1", "w3"]);
    assert_eq!((later.size, later.seq), (4, second));
    // The first entries have nothing before them, the last nothing after.
    let first = scene.between(0);
    assert_eq!(first.not_earlier, None);
    assert_eq!(first.not_later.unwrap().time, scene.after_now(3));
    let last = scene.between(4);
    assert_eq!(last.not_earlier.unwrap().time, scene.after_now(3));
    assert_eq!(last.not_later, None);
}

#[test]
fn a_closed_book_keeps_no_checkpoint_and_is_published_all_the_same() {
    let scene = Scene::new();
    scene.append();
    let next = signer(9).public_key();
    scene.ledger.logbook().unwrap().close_book(next).unwrap();
    assert_eq!(
        scene.keep(&scene.checkpoint(&[(1, 1), (2, 1)], false)),
        None
    );
    assert_eq!(scene.ledger.cosign_head().unwrap(), None);
}

#[test]
fn cosignatures_come_back_only_where_something_was_appended_and_in_time() {
    let scene = Scene::new();
    scene.append();
    let checkpoint = scene.checkpoint(&[(1, 1), (2, 1)], false);
    assert_eq!(scene.keep(&checkpoint), Some(Seq(2)));
    assert_eq!(scene.keep(&checkpoint), None);
    scene.append();
    assert_eq!(
        scene.keep_every(&checkpoint, Duration::from_secs(3_600)),
        None
    );
    assert_eq!(scene.keep(&checkpoint), Some(Seq(4)));
}

#[test]
fn too_few_witnesses_bound_nothing() {
    let scene = Scene::new();
    scene.append();
    scene.keep(&scene.checkpoint(&[(2, 1)], false));
    scene.append();
    for seq in 0..4 {
        let between = scene.between(seq);
        assert_eq!((between.not_earlier, between.not_later), (None, None));
    }
    assert_eq!(
        scene
            .ledger
            .times(scene.policy.clone())
            .unwrap()
            .witnessed(),
        0
    );
}

#[test]
fn times_that_cannot_be_are_left_out_and_named() {
    let scene = Scene::new();
    scene.append();
    scene.keep(&scene.checkpoint(&[(1, 1), (2, 10_000), (3, -10_000)], false));
    scene.append();
    let times = scene.ledger.times(scene.policy.clone()).unwrap();
    let left: Vec<_> = times
        .left_out()
        .into_iter()
        .map(|left| (left.witness, left.why))
        .collect();
    let expected = [
        ("w2", "after the entry that records it"),
        ("w3", "before the entries that it covers"),
    ];
    assert_eq!(
        left,
        expected.map(|(who, why)| (who.to_owned(), why.to_owned()))
    );
    let between = times.between(Seq(3));
    assert_eq!((between.not_earlier, between.not_later), (None, None));
}

#[test]
fn a_checkpoint_of_other_entries_or_another_key_says_nothing_and_is_named() {
    let scene = Scene::new();
    scene.append();
    let wrong = scene
        .keep(&scene.checkpoint(&[(1, 1), (2, 1)], true))
        .unwrap();
    scene.append();
    let mut forged = scene.checkpoint(&[(1, 1)], false).into_note();
    let line = cosignature("another\n1\nAAAA\n", 2, scene.now);
    forged.add(line).unwrap();
    let forged = SignedCheckpoint::of_note(forged).unwrap();
    let forged = scene.keep(&forged).unwrap();
    scene.append();
    let of_another = crate::made::Log::new(3, 3, 0).cosigned(&[(1, scene.now), (2, scene.now)]);
    let of_another = scene.keep(&of_another).unwrap();
    let times = scene.ledger.times(scene.policy.clone()).unwrap();
    let faults: Vec<_> = times.faults().iter().map(|fault| fault.seq).collect();
    assert_eq!(faults, [wrong, forged, of_another]);
    assert_eq!(times.witnessed(), 0);
    let between = times.between(Seq(1));
    assert_eq!((between.not_earlier, between.not_later), (None, None));
}

#[test]
fn a_policy_that_names_other_logs_takes_no_word_of_this_one() {
    let scene = Scene::new();
    scene.append();
    scene.keep(&scene.checkpoint(&[(1, 1), (2, 1)], false));
    let mut text = format!("log {}\n", crate::made::log_key());
    for number in 1..=2 {
        text += &format!("witness w{number} {}\n", witness_key(number));
    }
    text += "group two all w1 w2\nquorum two\n";
    let times = scene.ledger.times(parse(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(times.faults().len(), 1);
    assert_eq!(times.witnessed(), 0);
}
