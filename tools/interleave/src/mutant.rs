//! Mistakes that the protocol could have. Each must be found: a model that
//! passes whatever is done to it shows nothing.

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// None.
    Sound,
    /// Who appends alone lets go of the sequencer before it has the committer.
    SequencerReleasedFirst,
    /// Who appends alone does not ask whether what was handed over is done.
    UnfinishedOverlooked,
    /// A work counts as done before it is.
    DoneTooEarly,
    /// The committer wakes callers before it writes.
    AcknowledgedFirst,
    /// The committer forgets that a write failed.
    FailureForgotten,
    /// The committer goes on after a panic under its lock.
    CommitterPoisonOverlooked,
    /// The sequencer goes on after a panic under its lock.
    SequencerPoisonOverlooked,
    /// The sequencer ends without answering what still waits.
    QueueAbandoned,
    /// A caller's request wakes nobody.
    RequestWakesNobody,
    /// A batch that could not be signed keeps its numbers.
    NumbersNotGivenBack,
    /// A close leaves the mark where it is.
    MarkLeftBehind,
}

impl Mutant {
    /// Every mistake.
    #[cfg(test)]
    pub const MISTAKES: [Mutant; 11] = [
        Mutant::SequencerReleasedFirst,
        Mutant::UnfinishedOverlooked,
        Mutant::DoneTooEarly,
        Mutant::AcknowledgedFirst,
        Mutant::FailureForgotten,
        Mutant::CommitterPoisonOverlooked,
        Mutant::SequencerPoisonOverlooked,
        Mutant::QueueAbandoned,
        Mutant::RequestWakesNobody,
        Mutant::NumbersNotGivenBack,
        Mutant::MarkLeftBehind,
    ];
}
