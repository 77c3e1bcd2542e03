//! What an embedding program sees: a [`Ledger`], and [`verify`] for what was
//! taken out of one. The command line and the server call the same.
//!
//! Below it lie the layers that it is made of; a program that needs more of one
//! takes it from there.

#![deny(missing_docs)]

pub mod actor;
#[cfg(feature = "bucket")]
mod archive;
mod books;
#[cfg(feature = "bucket")]
mod bucket;
pub mod cause;
mod chain;
mod checkpoints;
pub mod compression;
mod create;
#[cfg(feature = "verify")]
mod denied;
pub mod entries;
pub(crate) mod erasing;
mod error;
mod examine;
mod export;
mod file;
#[cfg(feature = "bucket")]
mod fleet;
mod fold;
mod forks;
mod halt;
#[cfg(all(feature = "client", feature = "rocks"))]
pub mod held;
mod import;
mod keeping;
mod ledger;
mod members;
mod missing;
#[cfg(not(feature = "parquet"))]
mod no_tables;
mod opening;
mod options;
mod pipes;
mod progress;
mod public_place;
mod publish;
mod recognise;
mod redact;
mod resume;
mod rotate;
mod second_key;
mod sources;
#[cfg(feature = "bucket")]
mod standby;
pub mod stream;
#[cfg(feature = "parquet")]
mod tables;
mod times;
mod upgrade;
mod verify;
#[cfg(feature = "client")]
mod witnessing;
#[cfg(all(feature = "client", feature = "rocks"))]
mod writer;

#[cfg(feature = "bucket")]
pub use self::archive::{Archived, Archiver, PrunePlan, Pruning, Stays, prune};
#[cfg(feature = "bucket")]
pub(crate) use self::archive::{EachPart, archived_in, examine_bucket, fold_epochs};
pub use self::books::{Against, Book, Books, examine_books, is_folder_of_files};
pub use self::cause::Cause;
pub use self::chain::{Chain, ChainedBook};
pub use self::checkpoints::{CheckpointOrder, Checkpoints, compare_checkpoints};
pub use self::create::CreatedLedger;
#[cfg(feature = "verify")]
pub(crate) use self::denied::denied;
pub use self::entries::{Entries, ReadEntry, entries};
pub use self::error::{Error, Place};
#[cfg(feature = "cli")]
pub(crate) use self::examine::{CLOCK_TOLERANCE, clock_behind};
pub use self::examine::{Examined, examine};
pub use self::export::{Absence, Export, ExportFormat, Exported, Unsealed};
#[cfg(feature = "verify")]
pub(crate) use self::file::open;
#[cfg(feature = "bucket")]
pub use self::fleet::{
    CaseOfLog, Fleet, FleetAudited, FleetCase, FleetFault, FleetHead, FleetLog, FleetRecords,
    FleetSealed, FleetView, FleetWitnessed, RecordedLog, fleet, record_log,
};
#[cfg(feature = "bucket")]
pub(crate) use self::fold::Reading;
pub use self::fold::fold;
pub use self::halt::{Halt, check_not_halted};
pub use self::import::ImportFile;
pub use self::keeping::{KEEP_EVERY, keep_witnessed};
pub use self::ledger::{Done, Ledger, RecordedVerdict};
pub use self::members::{Members, ReadMember, members};
pub use self::options::{AskPassphrase, Options, Passphrase};
pub use self::pipes::open_file;
pub use self::progress::{Progress, ProgressStep, Unit};
pub use self::public_place::{PublicFiles, PublicPlace};
#[cfg(feature = "rocks")]
pub(crate) use self::recognise::by_name;
#[cfg(feature = "verify")]
pub(crate) use self::recognise::{Recognised, recognise};
pub use self::redact::{MemberState, RedactedMember};
pub use self::resume::{Resume, ResumeRefusal, examine_on};
pub use self::rotate::Rotated;
#[cfg(feature = "verify")]
pub(crate) use self::sources::with_source;
#[cfg(feature = "bucket")]
pub use self::standby::{Follower, FollowerCommand, Heartbeat, Standby};
pub use self::times::{
    Between, CaseTimes, PostQuantum, SaidBound, SaidUnlikely, Times, TimesFault,
};
pub use self::verify::{verify, verify_as};
#[cfg(feature = "client")]
pub use self::witnessing::{PublishedLog, Shown, show_witnesses};
#[cfg(all(feature = "client", feature = "rocks"))]
pub use self::writer::{HeldWriter, Home, Writer, socket_of};
pub use crate::ledger::fault::{Report, Verdict};
pub use crate::ledger::policy::Policy;
pub use crate::logbook::request::Receipt;
