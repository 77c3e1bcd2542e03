//! `--as`: what a file may be said to be.

use clap::ValueEnum;

use crate::ledger::fault::Format;

/// What a file may be said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum As {
    Ledger,
    Logbook,
    Bundle,
    Proof,
    Equivocation,
    Report,
    Parquet,
    TlogProof,
    TlogTiles,
}

impl From<As> for Format {
    fn from(given: As) -> Format {
        match given {
            As::Ledger => Format::Ledger,
            As::Logbook => Format::Logbook,
            As::Bundle => Format::Bundle,
            As::Proof => Format::Proof,
            As::Equivocation => Format::Equivocation,
            As::Report => Format::Report,
            As::Parquet => Format::Parquet,
            As::TlogProof => Format::TlogProof,
            As::TlogTiles => Format::TlogTiles,
        }
    }
}
