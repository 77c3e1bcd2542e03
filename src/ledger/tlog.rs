//! The public log: a ledger as the clients of transparency logs read it
//! ([tlog-tiles](https://c2sp.org/tlog-tiles), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint)).
//!
//! A second tree beside the epochs', of RFC 6962 and SHA-256, over **all** entries:
//! ```text
//! data = H(0x00 ‖ entry hash ‖ signature)     the leaf of the entry's epoch, 32 bytes
//! leaf = SHA-256(0x00 ‖ data)                 leaf index = seq
//! node = SHA-256(0x01 ‖ left ‖ right)
//! ```
//! So an entry of any size has 32 bytes here, which say nothing of a tenant and which
//! nobody guesses, since they cover the signature.
//!
//! * [`checkpoint`]: size and root, in a signed note.
//! * [`resource`]: the files of a log folder and their names.
//! * [`tree`]: hashes, inclusion, consistency; what is read in a folder to prove them.
//! * [`builder`]: tiles and entry bundles out of leaves.
//! * [`source`]: a folder, read and checked.
//! * [`headers`]: its headers and heads, held against its entries.
//! * [`proof`]: a proof that needs neither log nor folder.
//! * [`name`]: what a log may be called, and the entry that binds the name.
//! * [`said`]: what other entries say of the public log.
//! * [`judged`]: the verdict on a proof, and who stands behind a checkpoint.

pub mod builder;
pub mod bundle;
pub mod checkpoint;
pub mod headers;
pub mod judged;
pub mod name;
pub mod proof;
pub mod resource;
pub mod said;
pub mod source;
pub mod tree;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::sha256::Sha256Digest;

/// The most leaves that a tree can have: 2^63 − 1.
pub const MOST_LEAVES: u64 = i64::MAX.unsigned_abs();

/// Reads a decimal number in its one spelling, up to [`MOST_LEAVES`].
fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = canonical && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok())??;
    (number <= MOST_LEAVES).then_some(number)
}

/// Reads a SHA-256 hash in base64, in its one spelling.
fn base64_hash(text: &str) -> Option<Sha256Digest> {
    let bytes = STANDARD.decode(text).ok()?;
    bytes.try_into().ok().map(Sha256Digest::from_bytes)
}

/// The inverse of [`base64_hash`].
fn hash_base64(hash: &Sha256Digest) -> String {
    STANDARD.encode(hash.as_bytes())
}
