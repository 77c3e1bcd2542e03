//! What verification says: faults, warnings, what was not checked.
//!
//! A fault is evidence, not an error: a value that names the place, what had to
//! stand there and what stands there, and that serialises as SPEC §6 says.

use std::fmt;

use serde::Serialize;

use super::hash::Hash;
use super::index::term::Field;
use super::key::PublicKey;
use super::limits;

/// The fault codes of SPEC §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    PrevHashMismatch,
    SignatureInvalid,
    SchemaViolation,
    SequenceGap,
    TimestampRegression,
    EpochInvariant,
    EpochRootMismatch,
    EpochSignatureInvalid,
    EpochChainBroken,
    HeadMismatch,
    HeadNotContained,
    ReceiptMismatch,
    Truncated,
    RollbackDetected,
    MarkMissing,
    MarkInvalid,
    MarkStale,
    StoreCorrupt,
    LogKeyMismatch,
    GenesisMismatch,
    UntrustedKey,
    FormatMismatch,
    ProofInvalid,
    DocumentMissing,
    DocumentMismatch,
    DecisionMismatch,
    Equivocation,
    BundleCorrupt,
    BundleUnsigned,
    RevocationNotApplicable,
    FilterMismatch,
    TableMismatch,
    IndexInvalid,
    IndexMismatch,
    OpeningMismatch,
    CheckpointInvalid,
    CosignatureInvalid,
    QuorumMissing,
    NameMismatch,
    TileInvalid,
}

/// What was done to the record, where that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    Edit,
    Deletion,
    Insertion,
    Reordering,
    Duplication,
    ForeignKey,
    Fork,
    Truncation,
    TornLastLine,
}

/// What kind of thing a fault was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// An entry; `index` counts entries from 0 (in a ledger: the sequence
    /// number).
    Entry,
    /// An epoch; `index` is its number.
    Epoch,
    /// A document or record beside the entries; `index` counts lines from 0.
    Document,
    File,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub code: FaultCode,
    /// What was done, where that can be told.
    pub class: Option<FaultClass>,
    /// Where, in the terms of `at`.
    pub index: Option<u64>,
    pub at: At,
    /// The sequence number, where the format has them.
    pub seq: Option<u64>,
    /// The line of the file, from 1.
    pub line: Option<u64>,
    pub expected: Option<String>,
    pub actual: Option<String>,
    pub detail: String,
}

impl Fault {
    /// A fault of the whole file, database or mark.
    pub fn of_file(code: FaultCode, detail: impl Into<String>) -> Fault {
        Fault {
            code,
            class: None,
            index: None,
            at: At::File,
            seq: None,
            line: None,
            expected: None,
            actual: None,
            detail: detail.into(),
        }
    }

    pub fn at(code: FaultCode, at: At, index: u64, detail: impl Into<String>) -> Fault {
        Fault {
            index: Some(index),
            at,
            ..Fault::of_file(code, detail)
        }
    }

    /// The same, with what had to stand there and what does.
    pub fn compared(mut self, expected: impl ToString, actual: impl ToString) -> Fault {
        self.expected = Some(expected.to_string());
        self.actual = Some(actual.to_string());
        self
    }

    pub fn with_seq(mut self, seq: Option<u64>) -> Fault {
        self.seq = seq;
        self
    }

    /// The same, with the line of the file.
    pub fn on_line(mut self, line: Option<u64>) -> Fault {
        self.line = line;
        self
    }

    /// The same, with what was done to the record.
    pub fn of_class(mut self, class: FaultClass) -> Fault {
        self.class = Some(class);
        self
    }
}

/// Something to know that is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub code: WarningCode,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// No entries.
    Empty,
    TimestampRegression,
    /// Nobody gave a key: the ledger was checked against its own.
    KeyFromLedger,
    /// Headers of a selection that do not follow each other.
    EpochGap,
    MoreNotListed,
    AcknowledgedRollback,
    /// The file begins with a byte-order mark.
    ByteOrderMark,
    LineEnds,
    /// The file was written in another encoding than UTF-8.
    Encoding,
    /// The file ends with an empty line, which its format does not have.
    ExtraLineEnd,
    /// The file is JSON, in another spelling than its format's only one.
    Respelled,
    /// Numbers were probably written again by a tool that does not keep them.
    NumbersRewritten,
    /// A compressed file ends before its end.
    CutShort,
    /// The last line has no newline.
    MissingFinalNewline,
    /// Entries before these were verified by an earlier run.
    Resumed,
    /// The key was learnt from the book that this one continues.
    Succession,
    /// The book says that it continues one which does not name its key.
    SuccessionNotNamed,
    /// A book of a custody is named by another one and is not among what was given.
    BookNotHere,
    /// A revocation ends the book where it ends anyway.
    Revoked,
    /// A revocation is not by anyone who may revoke.
    RevocationIgnored,
    /// A revocation is of another log than the one verified.
    RevocationOfAnotherLog,
    EquivocationProven,
    /// Another process is writing the ledger: the verdict is as of an entry.
    BesideWriter,
    /// Entries were read from where they are archived: they were pruned here.
    ReadFromArchive,
    /// Entries were pruned that no quorum of witnesses had cosigned.
    PrunedUnwitnessed,
    /// The write-ahead log ends within a write: a crash interrupted it, before
    /// anyone was told that it is there.
    InterruptedWrite,
    /// The time of the log is ahead of the clock of the one who verifies.
    ClockBehind,
    /// Some of the receipts, headers or heads that were given are of entries
    /// that are not here, and need not be.
    NotCovered,
    /// A file of receipts or heads ends within a line: its writer was
    /// interrupted.
    TornLastLine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotChecked {
    Truncation,
    /// Whether entries that belong to a selection are missing.
    Completeness,
    /// Whether the log's signed index, by which a selection is complete, is that of
    /// its entries: who has them all can tell.
    Index,
    /// Whether what a selection leaves out of the entries that the index counts is what its
    /// filter leaves out.
    Omitted,
    /// Whether a bundle without a signed closing record was cut or rearranged.
    BundleUnsigned,
    Signatures,
    Chain,
    /// The bytes that an earlier run verified, which were not read again.
    Prefix,
    /// Whether the saved state is the work of someone to be believed.
    StateUnsigned,
    Documents,
    /// Receipts of entries that a part of a log does not hold.
    Receipts,
    /// Published headers and heads of entries that a part of a log does not
    /// hold.
    Heads,
    /// Whether a revocation that was given ends the log before what is here.
    RevocationNotApplicable,
    /// What a ledger must keep beyond links and signatures: the logbook is that
    /// of others, and was judged as one.
    LedgerRules,
    /// What no epoch seals yet of a log in a bucket: its signatures are made by the holder of
    /// the key.
    TailUnsigned,
    /// The other files of a set of tables.
    OtherParts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
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

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Ledger => "ledger",
            Format::Logbook => "logbook",
            Format::Bundle => "bundle",
            Format::Proof => "proof",
            Format::Equivocation => "equivocation",
            Format::Report => "report",
            Format::Parquet => "parquet",
            Format::TlogProof => "tlog-proof",
            Format::TlogTiles => "tlog-tiles",
        })
    }
}

/// Where the key came from that signatures were checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    Given,
    Ledger,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
}

/// By what a selection is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Complete {
    /// What all its entries have.
    pub field: Field,
    /// The value of it.
    pub value: String,
    /// How many entries the index counts.
    pub entries: u64,
    /// How many of them are not here, but named: the rest of the filter leaves them out.
    #[serde(skip_serializing_if = "is_none")]
    pub omitted: u64,
    /// The last epoch that the index covers.
    pub epoch: u64,
    /// The last entry of that epoch. What came after it is not covered.
    pub seq: u64,
    /// The first epoch that the index covers, if that is not the first of the log. What
    /// came before it is not covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde asks.
const fn is_none(count: &u64) -> bool {
    *count == 0
}

impl fmt::Display for Complete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("by the log's signed index ")?;
        if let Some(since) = self.since {
            write!(f, "from epoch {since} ")?;
        }
        write!(
            f,
            "up to entry {} (epoch {}): {} entries with {} \"{}\", and no others",
            self.seq,
            self.epoch,
            self.entries,
            self.field.name(),
            self.value
        )?;
        if self.omitted > 0 {
            write!(
                f,
                ", of which {} are named and left out, as not wanted by the rest of the filter",
                self.omitted
            )?;
        }
        f.write_str("; what came after that entry is not covered")?;
        match self.since {
            Some(since) => write!(f, ", nor what came before epoch {since}"),
            None => Ok(()),
        }
    }
}

/// Everything a verification found, as `verify --json` prints it (the caller
/// adds `elapsed_ms`: nothing here has a clock).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Pass exactly if there is no fault.
    pub verdict: Verdict,
    pub format: Format,
    pub entries: u64,
    pub epochs: u64,
    /// The hash of the last entry; zeros if there is none.
    pub head: Hash,
    /// The log's key, if the format or the caller names it.
    pub log: Option<PublicKey>,
    /// The hash of entry 0, if known.
    pub genesis: Option<Hash>,
    /// Where the key came from.
    pub key_source: KeySource,
    /// Every fault in the order it was found, up to [`limits::REPORTED`].
    pub faults: Vec<Fault>,
    pub not_checked: Vec<NotChecked>,
    /// What to know beside.
    pub warnings: Vec<Warning>,
    /// By what a selection is complete, where that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<Complete>,
    /// Members that stand for values which were taken out, where there are such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redacted>,
    /// The verdict on each log, of a report over several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<LogVerdict>>,
}

/// The verdict on what a report over several logs has of one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogVerdict {
    /// Pass exactly if none of the faults is of this log.
    pub verdict: Verdict,
    /// Its key.
    pub log: Option<PublicKey>,
    /// The hash of its entry 0.
    pub genesis: Option<Hash>,
    /// Entries that are here.
    pub entries: u64,
    /// Epochs that they were sealed in.
    pub epochs: u64,
    /// How many faults.
    pub faults: u64,
}

/// Members whose values do not stand in their entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redacted {
    /// How many there are.
    pub members: u64,
    /// How many of them are opened here: their values are proven.
    pub opened: u64,
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Redacted { members, opened } = self;
        let withheld = members.saturating_sub(*opened);
        write!(
            f,
            "{members} members: the values of {opened} are here and proven, those of {withheld} are withheld or erased"
        )
    }
}

/// Collects faults and warnings within a bound.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
    unlisted_faults: u64,
    unlisted_warnings: u64,
}

impl Findings {
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < limits::REPORTED {
            self.faults.push(fault);
        } else {
            self.unlisted_faults += 1;
        }
    }

    pub(crate) fn warning(&mut self, code: WarningCode, detail: impl Into<String>) {
        if self.warnings.len() < limits::REPORTED {
            let detail = detail.into();
            self.warnings.push(Warning { code, detail });
        } else {
            self.unlisted_warnings += 1;
        }
    }

    /// Whether so much was found that more changes nothing.
    pub(crate) const fn is_enough(&self) -> bool {
        self.unlisted_faults > limits::FAULTS
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn into_lists(mut self) -> (Vec<Fault>, Vec<Warning>) {
        for (count, what) in [
            (self.unlisted_faults, "faults"),
            (self.unlisted_warnings, "warnings"),
        ] {
            if count > 0 {
                self.warnings.push(Warning {
                    code: WarningCode::MoreNotListed,
                    detail: format!("{count} more {what} were found and are not listed"),
                });
            }
        }
        (self.faults, self.warnings)
    }
}
