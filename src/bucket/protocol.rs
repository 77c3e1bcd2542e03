//! What a writer asks of the bucket, and what it makes of the answers: the commit and the
//! taking over, without any I/O. The same machines run against a bucket and, in the
//! tests, through every interleaving.

use crate::ledger::wal::WalPosition;

/// How often a creation is asked for that left nothing behind.
const TRIES: u8 = 4;

/// What is asked of the bucket next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Create the object, where there is none.
    Create(WalPosition),
    /// Read what is there.
    Read(WalPosition),
}

/// What the bucket answered. `O` is an object, or what identifies its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer<O> {
    /// It was created now.
    Created,
    /// The creation failed, or was not answered. That there is an object says nothing:
    /// it may be the own one, of a request whose answer was lost.
    NotCreated,
    /// There is this object.
    Found(O),
    /// There is none.
    Absent,
    /// It is not known whether there is one.
    Unreadable,
}

/// How a creation ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Created<O> {
    /// The object is there, for good.
    Own,
    /// Another object is there, for good.
    Other(O),
    /// Nobody knows. Nothing more may be written by this writer.
    Unknown,
}

/// The creation of one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Creation {
    place: WalPosition,
    tries: u8,
    reads_back: bool,
}

impl Creation {
    /// To be created at `place`.
    #[must_use]
    pub const fn at(place: WalPosition) -> Creation {
        Creation {
            place,
            tries: 1,
            reads_back: false,
        }
    }

    /// What to ask.
    #[must_use]
    pub const fn ask(&self) -> Ask {
        match self.reads_back {
            true => Ask::Read(self.place),
            false => Ask::Create(self.place),
        }
    }

    /// Takes the answer; gives how it ended, if it has. `is_own` says of an object that
    /// was found whether it is, byte for byte, the one to be created.
    pub fn take<O>(
        &mut self,
        answer: Answer<O>,
        is_own: impl FnOnce(&O) -> bool,
    ) -> Option<Created<O>> {
        match answer {
            Answer::Created => Some(Created::Own),
            Answer::NotCreated => {
                self.reads_back = true;
                None
            }
            Answer::Found(object) if is_own(&object) => Some(Created::Own),
            Answer::Found(object) => Some(Created::Other(object)),
            Answer::Absent if self.tries < TRIES => {
                self.tries += 1;
                self.reads_back = false;
                None
            }
            Answer::Absent | Answer::Unreadable => Some(Created::Unknown),
        }
    }
}

/// What a place was found to have, for who takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something was committed.
    Batch,
    /// The generation ends.
    Fence,
}

/// The taking over of a log: reads on from a place, and fences the first free one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TakeOver {
    at: WalPosition,
    fencing: Option<Creation>,
}

/// What taking over has come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reached<O> {
    /// The object at this place is to be judged and replayed, and the taking over goes on
    /// from the place [`after`] it.
    Replay(WalPosition, O),
    /// The log is this writer's, from this place on.
    Taken(WalPosition),
    /// Nobody knows, or there is no further place.
    Unknown,
}

impl TakeOver {
    /// Reads from `at` on.
    #[must_use]
    pub const fn from(at: WalPosition) -> TakeOver {
        TakeOver { at, fencing: None }
    }

    /// The place that is looked at.
    #[must_use]
    pub const fn at(&self) -> WalPosition {
        self.at
    }

    /// What to ask.
    #[must_use]
    pub const fn ask(&self) -> Ask {
        match &self.fencing {
            Some(creation) => creation.ask(),
            None => Ask::Read(self.at),
        }
    }

    /// Whether the place is free: what is to be created now is the fence.
    #[must_use]
    pub const fn is_fencing(&self) -> bool {
        self.fencing.is_some()
    }

    /// Takes the answer.
    pub fn take<O>(
        &mut self,
        answer: Answer<O>,
        is_own: impl FnOnce(&O) -> bool,
    ) -> Option<Reached<O>> {
        let Some(creation) = &mut self.fencing else {
            return match answer {
                Answer::Found(object) => Some(Reached::Replay(self.at, object)),
                Answer::Absent => {
                    self.fencing = Some(Creation::at(self.at));
                    None
                }
                _ => Some(Reached::Unknown),
            };
        };
        let created = creation.take(answer, is_own)?;
        self.fencing = None;
        Some(match created {
            Created::Own => match self.at.next_generation() {
                Some(next) => Reached::Taken(next),
                None => Reached::Unknown,
            },
            Created::Other(object) => Reached::Replay(self.at, object),
            Created::Unknown => Reached::Unknown,
        })
    }
}

/// The place after an object of this kind.
#[must_use]
pub const fn after(place: WalPosition, kind: Kind) -> Option<WalPosition> {
    match kind {
        Kind::Batch => place.next(),
        Kind::Fence => place.next_generation(),
    }
}
