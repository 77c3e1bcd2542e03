//! What a walk keeps of where it went, so that broken books can be explained
//! afterwards: the stretches between faults, and nothing of what is inside.
//!
//! A whole book is one stretch. Memory grows with the faults, up to
//! [`STRETCHES`], and not with the book.

use std::collections::HashSet;

use super::checkpoint::Checkpoint;
use super::hash::Hash;
use super::judge::{JudgedEntry, Readable, SignatureOrigin};
use super::limits;
use super::position::Seq;
use super::source::Subject;

/// Stretches that are kept; what comes after them is not explained.
pub const STRETCHES: usize = 3 * limits::REPORTED;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Signed by the key, each naming the one before, unless they stand apart.
    Linked,
    /// Well-formed, and not signed by the key.
    Unsigned,
    /// No entries at all.
    Unreadable,
}

#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub(crate) nature: Nature,
    /// How many entries stand before it in the file.
    pub(crate) start: u64,
    /// The index that faults of its first entry have.
    pub(crate) index: u64,
    pub(crate) line: Option<u64>,
    pub(crate) len: u64,
    pub(crate) first_prev: Hash,
    pub(crate) first_hash: Hash,
    pub(crate) last_hash: Hash,
    /// Whether each entry of it names the one before.
    pub(crate) linked: bool,
    /// Of unsigned ones: whose signatures they are, if all are alike.
    pub(crate) origin: Option<SignatureOrigin>,
    /// Whether its last line has no newline.
    pub(crate) torn: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub(crate) stretches: Vec<Stretch>,
    /// Entries that stand before the first one walked.
    pub(crate) from: u64,
    /// Entries walked, and those before them.
    count: u64,
    pub(crate) cut: bool,
    /// The hash of the entry before the first, where the walk went on from an
    /// earlier one, or where the file begins in the middle of the book.
    pub(crate) before: Option<Hash>,
    /// The number of the first entry of a file that begins in the middle.
    begins: Option<Seq>,
    /// Whether the entries are single ones that follow nothing here.
    pub(crate) apart: bool,
}

impl Trace {
    pub(crate) fn of(subject: &Subject) -> Trace {
        let middle = subject.contiguous && subject.first_seq != Seq::FIRST;
        Trace {
            begins: middle.then_some(subject.first_seq),
            apart: !subject.contiguous,
            ..Trace::default()
        }
    }

    pub(crate) fn after(at: &Checkpoint) -> Trace {
        Trace {
            from: at.n,
            count: at.n,
            before: Some(at.head),
            ..Trace::default()
        }
    }

    /// Whether no entry was walked, here or before.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the next entry; `index` is what its faults are numbered with.
    pub(crate) fn take(&mut self, judged: &JudgedEntry, index: u64, line: Option<u64>) {
        let start = self.count;
        self.count += 1;
        if let (0, Some(begins), JudgedEntry::Read(entry)) = (start, self.begins, judged) {
            // What stands before the file is not known but by its first entry.
            let believed = entry.seq == Some(begins) && entry.signature_valid != Some(false);
            self.before = believed.then_some(entry.prev);
        }
        if self.cut || self.extend(judged) {
            return;
        }
        if self.stretches.len() >= STRETCHES {
            self.cut = true;
            return;
        }
        self.stretches.push(Stretch {
            start,
            index,
            line,
            ..Stretch::of(judged)
        });
    }

    /// The last line that was taken breaks off.
    pub(crate) fn tear(&mut self) {
        let Some(last) = self.stretches.last_mut() else {
            return;
        };
        if last.nature != Nature::Unreadable || last.len == 1 {
            last.torn = true;
            return;
        }
        // What was torn is one line, whatever stands before it.
        last.len -= 1;
        let torn = Stretch {
            start: last.start + last.len,
            index: last.index + last.len,
            line: None,
            len: 1,
            torn: true,
            ..last.clone()
        };
        self.stretches.push(torn);
    }

    /// Whether the entry belongs to the last stretch.
    fn extend(&mut self, judged: &JudgedEntry) -> bool {
        let Some(last) = self.stretches.last_mut() else {
            return false;
        };
        let next = Stretch::of(judged);
        if last.nature != next.nature {
            return false;
        }
        match next.nature {
            Nature::Linked if !self.apart && next.first_prev != last.last_hash => return false,
            Nature::Unsigned => {
                last.linked &= next.first_prev == last.last_hash;
                if last.origin != next.origin {
                    last.origin = Some(SignatureOrigin::Unknown);
                }
            }
            _ => {}
        }
        last.len += 1;
        last.last_hash = next.last_hash;
        true
    }

    /// The hashes to look for in the whole file before the faults can be told
    /// apart: the entries that stretches begin with, and those they follow.
    /// Empty where nothing has to be looked for.
    pub fn wanted(&self) -> HashSet<Hash> {
        let mut wanted = HashSet::new();
        if self.apart {
            return wanted;
        }
        let mut before: Option<&Stretch> = None;
        for stretch in &self.stretches {
            let follows = match before {
                None => stretch.first_prev == self.before.unwrap_or(Hash::ZERO),
                Some(before) => stretch.first_prev == before.last_hash,
            };
            if stretch.nature == Nature::Linked && !follows {
                wanted.insert(stretch.first_prev);
                wanted.insert(stretch.first_hash);
            }
            before = Some(stretch);
        }
        wanted.remove(&Hash::ZERO);
        wanted
    }
}

impl Stretch {
    fn of(judged: &JudgedEntry) -> Stretch {
        match judged {
            JudgedEntry::Read(entry) => Stretch::of_entry(entry),
            JudgedEntry::Unreadable { .. } => Stretch::empty(Nature::Unreadable),
        }
    }

    fn of_entry(entry: &Readable) -> Stretch {
        let nature = match entry.signature_valid {
            Some(false) => Nature::Unsigned,
            _ => Nature::Linked,
        };
        Stretch {
            first_prev: entry.prev,
            first_hash: entry.hash,
            last_hash: entry.hash,
            origin: entry.origin,
            ..Stretch::empty(nature)
        }
    }

    const fn empty(nature: Nature) -> Stretch {
        Stretch {
            nature,
            start: 0,
            index: 0,
            line: None,
            len: 1,
            first_prev: Hash::ZERO,
            first_hash: Hash::ZERO,
            last_hash: Hash::ZERO,
            linked: true,
            origin: None,
            torn: false,
        }
    }

    pub(crate) const fn end(&self) -> u64 {
        self.start + self.len
    }
}
