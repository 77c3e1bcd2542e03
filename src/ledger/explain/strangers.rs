//! Entries that are not the key's, or no entries at all.

use super::super::explanation::{Evidence, Tie};
use super::super::fault::FaultClass;
use super::super::judge::SignatureOrigin;
use super::super::trace::{Nature, Stretch};
use super::StretchFindings;

struct Guess {
    class: FaultClass,
    or: Vec<FaultClass>,
    evidence: Evidence,
}

impl StretchFindings<'_> {
    /// Judges the stretches from `from` on that are not the key's, up to the
    /// next that is, whose place is returned.
    pub(super) fn strangers(&mut self, from: usize) -> usize {
        let all = self.trace.stretches.get(from..).unwrap_or_default();
        let until = all.iter().position(|s| s.nature == Nature::Linked);
        let group = all.get(..until.unwrap_or(all.len())).unwrap_or_default();
        let next = until.and_then(|until| all.get(until));
        let before = self.end_before(from);
        let alone = match group {
            [stretch] => Some(stretch),
            _ => None,
        };
        for (offset, stretch) in group.iter().enumerate() {
            let guess = match next {
                _ if stretch.torn && stretch.nature == Nature::Unreadable => Guess {
                    class: FaultClass::TornLastLine,
                    or: vec![FaultClass::Edit],
                    evidence: Evidence::LineBreaksOff,
                },
                Some(next) if next.first_prev == before => Guess {
                    class: FaultClass::Insertion,
                    or: Vec::new(),
                    evidence: Evidence::ChainClosesWithout,
                },
                // In a selection the next entry says nothing of it.
                Some(_) if self.trace.apart => last(stretch, stretch.follows(before)),
                Some(next) => replaced(stretch, next, alone.is_some_and(|s| s.follows(before))),
                None => last(stretch, stretch.follows(before)),
            };
            let tie = next.and_then(|next| self.tie_of(next));
            let tie = match (&guess.evidence, tie) {
                // The bytes are those that the next entry names.
                (Evidence::SignatureReplaced | Evidence::SignedBy { .. }, Some(_))
                    if next.is_some_and(|next| next.first_prev == stretch.last_hash) =>
                {
                    Some(Tie::Entry {
                        at: stretch.end().saturating_sub(1),
                    })
                }
                (_, tie) => tie,
            };
            let entries = Some(stretch.len);
            let Guess {
                class,
                or,
                evidence,
            } = guess;
            self.begin(from + offset, class, or, entries, evidence, None);
            self.whole_from(next, tie);
        }
        let after = from + group.len();
        let last = self.incidents.len().checked_sub(1);
        if let (Some(of_stretch), Some(_)) = (self.of_stretch.get_mut(after), next) {
            *of_stretch = last;
        }
        // The stretch after them is not a fault of its own.
        if next.is_some() { after + 1 } else { after }
    }

    /// The incident that was begun last ends where `next` begins.
    fn whole_from(&mut self, next: Option<&Stretch>, tie: Option<Tie>) {
        let (Some(incident), Some(next), Some(tie)) = (self.incidents.last_mut(), next, tie) else {
            return;
        };
        incident.whole_again = Some(super::WholeAgain {
            index: next.index,
            line: next.line,
            tie,
        });
    }
}

impl Stretch {
    /// Whether it names the entries before it, one by one.
    fn follows(&self, before: super::Hash) -> bool {
        self.nature == Nature::Unsigned && self.linked && self.first_prev == before
    }
}

/// Entries in the place of others: the key's own go on after them.
fn replaced(stretch: &Stretch, next: &Stretch, follows: bool) -> Guess {
    let intact = follows && next.first_prev == stretch.last_hash;
    match stretch.origin {
        Some(SignatureOrigin::Known(key)) => Guess {
            class: FaultClass::ForeignKey,
            or: Vec::new(),
            evidence: Evidence::SignedBy { key },
        },
        Some(SignatureOrigin::Nobody) if intact => Guess {
            class: FaultClass::Edit,
            or: Vec::new(),
            evidence: Evidence::SignatureReplaced,
        },
        _ if intact => Guess {
            class: FaultClass::ForeignKey,
            or: vec![FaultClass::Edit],
            evidence: Evidence::SignatureReplaced,
        },
        origin => Guess {
            class: FaultClass::Edit,
            or: match origin {
                Some(SignatureOrigin::Unknown) => vec![FaultClass::ForeignKey],
                _ => Vec::new(),
            },
            evidence: Evidence::ContentReplaced {
                original: next.first_prev,
            },
        },
    }
}

/// Entries that nothing of the key's follows.
fn last(stretch: &Stretch, follows: bool) -> Guess {
    let evidence = Evidence::NothingFollows;
    match stretch.origin {
        Some(SignatureOrigin::Known(key)) => Guess {
            class: FaultClass::ForeignKey,
            or: Vec::new(),
            evidence: Evidence::SignedBy { key },
        },
        // A forger who changes one entry leaves the others alone: a chain of its own
        // was made by someone with a key of his own.
        Some(SignatureOrigin::Unknown) if follows && stretch.len > 1 => Guess {
            class: FaultClass::ForeignKey,
            or: vec![FaultClass::Edit, FaultClass::Insertion],
            evidence,
        },
        Some(SignatureOrigin::Unknown) => Guess {
            class: FaultClass::Edit,
            or: vec![FaultClass::ForeignKey, FaultClass::Insertion],
            evidence,
        },
        _ => Guess {
            class: FaultClass::Edit,
            or: vec![FaultClass::Insertion],
            evidence,
        },
    }
}
