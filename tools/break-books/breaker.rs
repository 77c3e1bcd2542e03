//! Breaks a book in many places, and knows where and how.

use sealbook::ledger::entry::Entry;
use sealbook::ledger::fault::FaultClass;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::SoftwareSigner;

use crate::book::{Chance, entry, line, signer};

/// What was done, and where it has to be named.
pub(crate) struct Break {
    pub(crate) class: FaultClass,
    /// The indices in the broken file that count as its place; none for the end
    /// of the book.
    pub(crate) at: Vec<u64>,
    /// Which way it was done.
    pub(crate) way: &'static str,
}

/// A broken file.
pub(crate) struct Broken {
    pub(crate) text: Vec<u8>,
    pub(crate) breaks: Vec<Break>,
}

/// Entries of a block at its ends that stay as they are.
const MARGIN: u64 = 4;

const CLASSES: [FaultClass; 7] = [
    FaultClass::Edit,
    FaultClass::Deletion,
    FaultClass::Insertion,
    FaultClass::Reordering,
    FaultClass::Duplication,
    FaultClass::ForeignKey,
    FaultClass::Fork,
];

/// Breaks `book` in `faults` places: one of a random class in each of as many
/// blocks, the last of them at the end of the file.
pub(crate) fn break_book(book: &[Entry], own: &SoftwareSigner, faults: u64, seed: u64) -> Broken {
    let mut breaker = Breaker {
        own,
        chance: Chance(seed),
        lines: Vec::new(),
        breaks: Vec::new(),
    };
    let size = book.len() as u64 / faults;
    for block in 0..faults {
        let from = block * size;
        let until = match block + 1 {
            last if last == faults => book.len() as u64,
            next => next * size,
        };
        let block_entries = &book[from as usize..until as usize];
        if block + 1 == faults {
            breaker.end(block_entries);
        } else {
            breaker.block(block_entries);
        }
    }
    let torn = breaker
        .breaks
        .last()
        .is_some_and(|last| last.class == FaultClass::TornLastLine);
    let mut text = breaker.lines.join(&b'\n');
    if !torn {
        text.push(b'\n');
    }
    Broken {
        text,
        breaks: breaker.breaks,
    }
}

struct Breaker<'a> {
    own: &'a SoftwareSigner,
    chance: Chance,
    lines: Vec<Vec<u8>>,
    breaks: Vec<Break>,
}

impl Breaker<'_> {
    fn here(&self) -> u64 {
        self.lines.len() as u64
    }

    fn keep(&mut self, entries: &[Entry]) {
        self.lines.extend(entries.iter().map(line));
    }

    fn broke(&mut self, class: FaultClass, at: &[u64], way: &'static str) {
        let at = at.to_vec();
        self.breaks.push(Break { class, at, way });
    }

    fn end(&mut self, block: &[Entry]) {
        let n = block.len();
        if self.chance.below(2) == 0 {
            let cut = self.chance.between(1, n as u64 - 1) as usize;
            self.keep(&block[..n - cut]);
            self.broke(FaultClass::Truncation, &[], "cut off");
            return;
        }
        self.keep(block);
        let at = self.here() - 1;
        let last = self.lines.last_mut().expect("a line");
        let kept = self.chance.between(1, last.len() as u64 - 1) as usize;
        last.truncate(kept);
        self.broke(FaultClass::TornLastLine, &[at], "torn");
    }

    fn block(&mut self, block: &[Entry]) {
        let n = block.len() as u64;
        let at = self.chance.between(MARGIN, n / 2) as usize;
        // Another place in the block, behind the first.
        let far = self.chance.between(at as u64 + 5, n - MARGIN) as usize;
        let some = self.chance.between(1, 4) as usize;
        let class = CLASSES[self.chance.below(CLASSES.len() as u64) as usize];
        match class {
            FaultClass::Edit => self.edit(block, at),
            FaultClass::Deletion => {
                self.keep(&block[..at]);
                self.broke(class, &[self.here()], "left out");
                self.keep(&block[at + some..]);
            }
            FaultClass::Insertion => self.insert(block, at, some),
            FaultClass::Reordering => self.reorder(block, at, far, some),
            FaultClass::Duplication => self.duplicate(block, at, far, some),
            FaultClass::ForeignKey => self.foreign(block, at),
            _ => self.fork(block, at, some),
        }
    }

    fn edit(&mut self, block: &[Entry], at: usize) {
        self.keep(&block[..=at]);
        let here = self.here() - 1;
        let text = self.lines.pop().expect("a line");
        let text = String::from_utf8(text).expect("text");
        let flip = |text: &str, member: &str| {
            let start = text.find(member).expect("a member") + member.len();
            let digit = &text[start..=start];
            let other = if digit == "0" { "1" } else { "0" };
            format!("{}{other}{}", &text[..start], &text[start + 1..])
        };
        let (text, way) = match self.chance.below(6) {
            0 => (text.replace("as it was", "as it never was"), "payload"),
            1 => (text.replace("\"payment\"", "\"refund\""), "kind"),
            2 => (text.replace(":00.", ":01.").replace("10:", "11:"), "ts"),
            3 => (flip(&text, "\"signature\":\""), "signature"),
            4 => (flip(&text, "\"prev_hash\":\""), "prev_hash"),
            _ => (text.replace('{', "("), "garbled"),
        };
        self.lines.push(text.into_bytes());
        self.broke(FaultClass::Edit, &[here], way);
        self.keep(&block[at + 1..]);
    }

    fn insert(&mut self, block: &[Entry], at: usize, some: usize) {
        self.keep(&block[..at]);
        let here = self.here();
        let before = block[at - 1].hash();
        let way = self.chance.below(4);
        let mut prev = if way == 1 { before } else { self.chance.hash() };
        for n in 0..some {
            let (key, text) = match way {
                // From another book of the same key.
                2 => (self.own, "elsewhere"),
                _ => (&signer(9), "forged"),
            };
            let made = entry(key, 1_000_000_000 + here + n as u64, text, &prev);
            prev = made.hash();
            self.lines.push(match way {
                3 => b"not an entry".to_vec(),
                _ => line(&made),
            });
        }
        let ways = ["forged", "forged in place", "from another book", "noise"];
        self.broke(FaultClass::Insertion, &[here], ways[way as usize]);
        self.keep(&block[at..]);
    }

    fn reorder(&mut self, block: &[Entry], at: usize, far: usize, some: usize) {
        let here = self.here();
        let mut order: Vec<Entry> = block.to_vec();
        let index = |at: usize| here + at as u64;
        let way = match self.chance.below(4) {
            0 => {
                order.swap(at, at + 1);
                "neighbours swapped"
            }
            1 => {
                order.swap(at, far);
                "distant ones swapped"
            }
            2 => {
                let moved: Vec<Entry> = order.drain(at..at + some).collect();
                let to = far - some;
                order.splice(to..to, moved);
                "moved back"
            }
            _ => {
                let moved: Vec<Entry> = order.drain(far..far + some).collect();
                order.splice(at..at, moved);
                "moved forward"
            }
        };
        self.keep(&order);
        self.broke(FaultClass::Reordering, &[index(at)], way);
    }

    fn duplicate(&mut self, block: &[Entry], at: usize, far: usize, some: usize) {
        let copies = &block[at..at + some];
        let (to, way) = match self.chance.below(3) {
            0 => (at + some, "at once"),
            1 => (far, "later"),
            _ => (at - 2, "before"),
        };
        self.keep(&block[..to]);
        self.broke(FaultClass::Duplication, &[self.here()], way);
        self.keep(copies);
        self.keep(&block[to..]);
    }

    fn foreign(&mut self, block: &[Entry], at: usize) {
        self.keep(&block[..at]);
        let here = self.here();
        let stranger = signer(8);
        let original = &block[at];
        let (made, way) = if self.chance.below(2) == 0 {
            (resigned(original, &stranger), "same content")
        } else {
            let text = "by someone else";
            let made = entry(&stranger, here, text, &original.prev_hash());
            (made, "other content")
        };
        self.lines.push(line(&made));
        self.broke(FaultClass::ForeignKey, &[here], way);
        self.keep(&block[at + 1..]);
    }

    fn fork(&mut self, block: &[Entry], at: usize, some: usize) {
        // Behind the entry that it branches off, or some entries later.
        let gap = self.chance.below(2) as usize * some;
        self.keep(&block[..=at + gap]);
        let here = self.here();
        let mut prev: Hash = block[at].hash();
        for n in 0..some {
            let made = entry(
                self.own,
                2_000_000_000 + here + n as u64,
                "otherwise",
                &prev,
            );
            prev = made.hash();
            self.lines.push(line(&made));
        }
        // Two branches of one entry: where the second begins, the fork shows.
        let second = if gap == 0 { here + some as u64 } else { here };
        self.broke(
            FaultClass::Fork,
            &[second],
            if gap == 0 { "first" } else { "second" },
        );
        self.keep(&block[at + gap + 1..]);
    }
}

/// The same entry with another key's signature.
fn resigned(original: &Entry, stranger: &SoftwareSigner) -> Entry {
    use sealbook::ledger::key::Signer;
    let signature = stranger.sign(original.signing_payload()).expect("signed");
    let mut record = original.signing_payload().to_vec();
    record.extend_from_slice(signature.as_bytes());
    Entry::from_record(record).expect("an entry")
}
