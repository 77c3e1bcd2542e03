//! The limits of what is read (SPEC §1.1, §2), in one place.

use super::parse;

pub const KIND_BYTES: usize = 256;

/// Levels of nesting in a payload; the payload itself is level 1, wherever it
/// is embedded.
pub const PAYLOAD_LEVELS: usize = 128;

pub const INTEGER_DIGITS: usize = 4_300;

/// A signing payload: 16 MiB.
pub const SIGNING_PAYLOAD_BYTES: usize = 16 << 20;

/// A line of a file: 20 MiB.
pub const LINE_BYTES: usize = 20 << 20;

/// Bytes of a line that is too long which are passed over for the next one. A file of
/// nothing but a hole costs who makes it nothing.
pub const PASSED_OVER_BYTES: u64 = 256 << 20;

/// A small document of ours (a head, a proof without its entry, a key file):
/// 1 MiB.
pub const SMALL_FILE_BYTES: usize = 1 << 20;

/// What zstd may keep while decompressing: a window of 128 MiB (2^27).
pub const ZSTD_WINDOW_LOG: u32 = 27;

/// What a compressed file may become whatever its size: 64 MiB.
pub const EXPANDED_BYTES: u64 = 64 << 20;

/// And so many times its size beyond that.
pub const EXPANSION: u64 = 200;

/// Blank lines of a logbook file: 2^20.
pub const BLANK_LINES: u64 = 1 << 20;

/// Faults after which a verification ends: 2^18. Its verdict stands.
pub const FAULTS: u64 = 1 << 18;

pub const EPOCH_ENTRIES: u64 = 1 << 24;

/// Different documents that one ledger or file may refer to: 2^22. Each takes
/// some 100 bytes while it is verified.
pub const DOCUMENTS: usize = 1 << 22;

/// Receipts that one verification holds a log against: ten million, 65 bytes
/// each in memory.
pub const RECEIPTS: usize = 10_000_000;

/// Published headers and heads that one verification holds a log against: 2^20.
pub const ANCHORS: usize = 1 << 20;

/// What the files of a worker package may have: 16 GiB, which one core hashes in
/// a minute.
pub const PACKAGE_BYTES: u64 = 16 << 30;

/// Faults and warnings kept in one report; more are counted.
pub const REPORTED: usize = 10_000;

/// The limits for a line in which a payload stands `outer` levels deep.
pub fn embedded(outer: usize) -> parse::ParseLimits {
    parse::ParseLimits {
        depth: PAYLOAD_LEVELS + outer,
        integer_digits: INTEGER_DIGITS,
        bytes: LINE_BYTES,
    }
}
