//! Every fault of verification: its cause and its remedy.

use super::FaultMeaning;
use crate::ledger::fault::FaultCode;

macro_rules! faults {
    ($($code:ident $cause:literal $remedy:literal)*) => {
        /// Every fault of verification, by its name.
        pub const FAULTS: &[FaultMeaning] = &[$(FaultMeaning {
            code: FaultCode::$code,
            cause: $cause,
            remedy: $remedy,
        },)*];

        /// Does not compile while a fault has no row.
        const _: fn(FaultCode) = |code| match code {
            $(FaultCode::$code => {})*
        };
    };
}

faults! {
    BundleCorrupt "the bundle was changed or cut"
        "get it again from where it was exported"
    BundleUnsigned "nobody signed the bundle's closing record, so what it leaves out is not known"
        "ask for a signed one; --allow-unsigned lets it pass for what it shows"
    CheckpointInvalid "a checkpoint is none, or the log's key did not sign it"
        "get it again from the log; check that the key and the name are the log's"
    CosignatureInvalid "a line under a checkpoint claims to be a witness's and is not"
        "get the checkpoint again from the log; ask the witness if it stays so"
    DecisionMismatch "a recorded decision does not follow from what was recorded before it"
        "ask its Hall; `sealbook replay` shows both"
    DocumentMismatch "a document is not that of its digest"
        "get the file again"
    DocumentMissing "a document that an entry refers to is not there"
        "get a file that has it"
    EpochChainBroken "an epoch header does not follow the one before"
        "compare with a published header"
    EpochInvariant "an epoch header contradicts itself"
        "compare with a published header"
    EpochRootMismatch "the entries are not those that their epoch sealed"
        "compare with another copy"
    EpochSignatureInvalid "the log's key did not sign the epoch header"
        "compare with a published header"
    Equivocation "the log's key signed two things of which one is false"
        "keep both: `sealbook diff` makes the proof"
    FilterMismatch "an entry of a selection is not one that its filters ask for"
        "ask for the selection again"
    FormatMismatch "the file is of another format than was said"
        "leave out --as, or name the format that it has"
    GenesisMismatch "it is of another log of the same key"
        "name the file of the log that is meant"
    HeadMismatch "the end is another than its signed head says"
        "compare with another copy"
    HeadNotContained "the log does not hold an entry that a head or revocation names"
        "compare with the copy that has it: history was rewritten"
    IndexInvalid "the proof out of the log's index does not lead to the index that was sealed"
        "get the file again from the ledger"
    IndexMismatch "entries and the log's signed index contradict each other"
        "keep the file: under a sealed header it shows that something was left out or put in"
    LogKeyMismatch "it is of another key than was expected"
        "name the log's key, or another file"
    MarkInvalid "the high-water mark is damaged"
        "put the mark back"
    MarkMissing "the high-water mark is gone"
        "put the mark back"
    MarkStale "the high-water mark is of another time than the database"
        "restore the newer database"
    NameMismatch "the log is given another public name than it has, or one that it ended"
        "keep it: a checkpoint under another name may be another history of the same key"
    OpeningMismatch "an opening is not that of a redacted member of its entry"
        "get the file again from who opened it: the entry itself is not in doubt"
    PrevHashMismatch "an entry does not follow the one before: something was changed, taken out or put in"
        "compare with another copy; `--explain` says where trust ends"
    ProofInvalid "the proof does not lead to the epoch's root"
        "get it again from the ledger"
    QuorumMissing "fewer witnesses cosigned than the policy asks for"
        "take a checkpoint that more of them cosigned, or another policy"
    ReceiptMismatch "an entry is not the one that was acknowledged"
        "keep the receipt: it shows that history was rewritten"
    RevocationNotApplicable "a revocation names a place that the file does not connect to"
        "verify a file that goes to that place, or give what was published before, with --contains"
    RollbackDetected "the database is older than its high-water mark"
        "restore the newer database"
    SchemaViolation "a line or member is not as the format wants it"
        "compare with another copy: it was edited, or written by another tool"
    SequenceGap "entries are missing"
        "get a file that has them"
    SignatureInvalid "the log's key did not sign an entry"
        "compare with another copy: it was changed, or forged"
    StoreCorrupt "the database is damaged"
        "restore the ledger from a backup"
    TableMismatch "a column, a statistic or a file of a table is not what the entries say"
        "write the table again; until then believe no query of it"
    TileInvalid "a file of a public log is missing, or not what its checkpoint says"
        "get the file again from the log, or the whole folder"
    TimestampRegression "an entry is older than the one before"
        "compare with another copy"
    Truncated "the end is missing"
        "get a file that has it"
    UntrustedKey "it is signed by a key that is not to be trusted there"
        "name the key that is, if it is another"
}
