//! The kinds of a ledger's own entries, and which kinds are reserved (SPEC §3,
//! §5.4). In foreign logbooks they mean nothing.

/// Entry 0 of every ledger.
pub const OPEN: &str = "sealbook:open";
/// The wall clock and the monotonic clock parted.
pub const CLOCK: &str = "sealbook:clock";
/// A rollback was acknowledged.
pub const ROLLBACK: &str = "sealbook:rollback";

/// The book ends here, and another continues it.
pub const CLOSE: &str = "sealbook:close";

/// Prefixes that only the recording layer writes.
pub const RESERVED_PREFIXES: [&str; 5] = ["sealbook:", "wcp.", "manifest.", "vacant.", "hall."];

/// The reserved prefix that `kind` begins with, if any.
#[must_use]
pub fn reserved_prefix(kind: &str) -> Option<&'static str> {
    RESERVED_PREFIXES
        .into_iter()
        .find(|prefix| kind.starts_with(prefix))
}
