//! The kinds of a ledger's own entries, and which kinds are reserved (SPEC §3,
//! §5.4). In foreign logbooks they mean nothing.

/// Entry 0 of every ledger.
pub const OPEN: &str = "sealbook:open";
/// The wall clock and the monotonic clock parted.
pub const CLOCK: &str = "sealbook:clock";
pub const ROLLBACK: &str = "sealbook:rollback";
/// A document that entries refer to by digest.
pub const DOCUMENT: &str = "wcp.document";

/// The prefix of what the ledger says of itself.
pub(crate) const OWN_PREFIX: &str = "sealbook:";

/// A file of another log was imported.
pub const IMPORT: &str = "sealbook:import";

/// The log's public name is bound, or ends.
pub const PUBLISH: &str = "sealbook:publish";

/// A checkpoint of this log came back with the cosignatures of witnesses.
pub const WITNESSED: &str = "sealbook:witnessed";

/// An authority stamped the hash of an entry with a time (RFC 3161).
pub const TIMESTAMP: &str = "sealbook:timestamp";

/// A second key, under which checkpoints may stand besides.
pub const KEY: &str = "sealbook:key";

/// From the epoch that it opens on, headers commit to an index.
pub const FORMAT: &str = "sealbook:format";

/// Openings of redacted members were erased.
pub const ERASURE: &str = "sealbook:erasure";

/// Where another log stood in a bucket, and how far it was verified there.
pub const FLEET: &str = "sealbook:fleet";

/// The book ends here, and another continues it.
pub const CLOSE: &str = "sealbook:close";

/// Prefixes that only the recording layer writes.
pub const RESERVED_PREFIXES: [&str; 5] = [OWN_PREFIX, "wcp.", "manifest.", "vacant.", "hall."];

/// The reserved prefix that `kind` begins with or could be taken to, whatever the
/// case of its letters: nobody appends it. In entries that exist only the exact
/// spelling is reserved ([`reserved_prefix`]).
pub fn reserved_in_any_case(kind: &str) -> Option<&'static str> {
    // Both ways, since some letters have a counterpart in one direction only.
    let folded = |text: &str| text.to_lowercase().to_uppercase();
    let kind = folded(kind);
    RESERVED_PREFIXES
        .into_iter()
        .find(|prefix| kind.starts_with(&folded(prefix)))
}

/// The reserved prefix that `kind` begins with, if any.
pub fn reserved_prefix(kind: &str) -> Option<&'static str> {
    RESERVED_PREFIXES
        .into_iter()
        .find(|prefix| kind.starts_with(prefix))
}
