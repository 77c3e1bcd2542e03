//! Mistakes that the protocol could have. Each must be found: a model that
//! passes whatever is done to it shows nothing.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// None.
    Sound,
    /// What is signed is taken, whatever stands before it.
    OrderOverlooked,
    /// Who is alone in the line does not ask whether somebody commits.
    TurnOverlooked,
    /// A turn is given up before its work is done.
    DoneTooEarly,
    /// The committer wakes callers before it writes.
    AcknowledgedFirst,
    /// The committer forgets that a write failed.
    FailureForgotten,
    /// The committer goes on after a panic under its lock.
    CommitterPoisonOverlooked,
    /// The line goes on after a panic under its lock.
    LinePoisonOverlooked,
    /// The committer ends without answering who is in the line.
    LineAbandoned,
    /// A slot that is filled wakes nobody.
    FillWakesNobody,
    /// A turn that is given up wakes nobody.
    TurnWakesNobody,
    /// Room that is made wakes nobody.
    RoomWakesNobody,
    /// Slots that are cut keep their numbers.
    NumbersNotGivenBack,
    /// What stands behind a slot that is cut stays.
    CutTooShort,
    /// Who leaves without having signed leaves his slot.
    PlaceLeftBehind,
    /// A close leaves the mark where it is.
    MarkLeftBehind,
}

impl Mutant {
    /// Every mistake.
    #[cfg(test)]
    pub const MISTAKES: [Mutant; 15] = [
        Mutant::OrderOverlooked,
        Mutant::TurnOverlooked,
        Mutant::DoneTooEarly,
        Mutant::AcknowledgedFirst,
        Mutant::FailureForgotten,
        Mutant::CommitterPoisonOverlooked,
        Mutant::LinePoisonOverlooked,
        Mutant::LineAbandoned,
        Mutant::FillWakesNobody,
        Mutant::TurnWakesNobody,
        Mutant::RoomWakesNobody,
        Mutant::NumbersNotGivenBack,
        Mutant::CutTooShort,
        Mutant::PlaceLeftBehind,
        Mutant::MarkLeftBehind,
    ];
}
