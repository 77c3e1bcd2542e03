//! Mistakes that the protocol could have. Each must be found: a model that
//! passes whatever is done to it shows nothing.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// None.
    Sound,
    /// What is signed is taken, whatever stands before it.
    OrderOverlooked,
    /// Who is alone in the queue does not ask whether somebody commits.
    PermitOverlooked,
    /// A permit is given up before its work is done.
    DoneTooEarly,
    /// The committer wakes callers before it writes.
    AcknowledgedFirst,
    /// The committer forgets that a write failed.
    FailureForgotten,
    /// The committer goes on after a panic under its lock.
    CommitterPoisonOverlooked,
    /// The queue goes on after a panic under its lock.
    QueuePoisonOverlooked,
    /// The committer ends without answering who is in the queue.
    QueueAbandoned,
    /// A ticket that is filled wakes nobody.
    FillWakesNobody,
    /// A permit that is given up wakes nobody.
    PermitWakesNobody,
    /// Room that is made wakes nobody.
    RoomWakesNobody,
    /// Tickets that are cut keep their numbers.
    NumbersNotGivenBack,
    /// What stands behind a ticket that is cut stays.
    CutTooShort,
    /// Who leaves without having signed leaves his ticket.
    UnsignedLeftBehind,
    /// A close leaves the mark where it is.
    MarkLeftBehind,
    /// Where there was no room, the chain is gone on with.
    GoesOnWithoutRoom,
}

impl Mutant {
    /// Every mistake.
    #[cfg(test)]
    pub const MISTAKES: [Mutant; 16] = [
        Mutant::OrderOverlooked,
        Mutant::PermitOverlooked,
        Mutant::DoneTooEarly,
        Mutant::AcknowledgedFirst,
        Mutant::FailureForgotten,
        Mutant::CommitterPoisonOverlooked,
        Mutant::QueuePoisonOverlooked,
        Mutant::QueueAbandoned,
        Mutant::FillWakesNobody,
        Mutant::PermitWakesNobody,
        Mutant::RoomWakesNobody,
        Mutant::NumbersNotGivenBack,
        Mutant::CutTooShort,
        Mutant::UnsignedLeftBehind,
        Mutant::MarkLeftBehind,
        Mutant::GoesOnWithoutRoom,
    ];
}
