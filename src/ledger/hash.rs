//! BLAKE2b-256, the one hash of the ledger.

use std::fmt;
use std::sync::LazyLock;

use blake2::{Blake2b256, Digest};
use blake2b_simd::many::{HashManyJob, hash_many};
use blake2b_simd::{Params, State};

use super::hexadecimal::{self, HexError, hex_text};

/// A BLAKE2b digest of 32 bytes (SPEC §1.3: parameter-block length 32, no key,
/// not a truncated BLAKE2b-512).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::BYTES]);

impl Hash {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// 32 zero bytes: the `prev_hash` of a first entry, the head of an empty
    /// logbook, the `prev` of epoch 0.
    pub const ZERO: Hash = Hash([0; Hash::BYTES]);

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash::shortened(&PARAMS.hash(bytes))
    }

    /// The digest of each of `messages`, in their order: several at once, where
    /// the processor can, which is more than twice as fast as one by one.
    pub fn of_each<'m>(messages: impl IntoIterator<Item = &'m [u8]>) -> Vec<Hash> {
        let job = |message| HashManyJob::new(&PARAMS, message);
        let mut jobs: Vec<_> = messages.into_iter().map(job).collect();
        hash_many(&mut jobs);
        let digest = |job: &HashManyJob<'_>| Hash::shortened(&job.to_hash());
        jobs.iter().map(digest).collect()
    }

    fn shortened(digest: &blake2b_simd::Hash) -> Hash {
        // The digest has the length of its parameter block, so this is all of it.
        let first = digest.as_bytes().first_chunk();
        Hash(first.copied().unwrap_or_default())
    }

    /// The digest of the concatenation of `parts`.
    pub fn of_parts(parts: &[&[u8]]) -> Hash {
        let mut hasher = Blake2b256::new();
        for part in parts {
            hasher.update(part);
        }
        Hash(hasher.finalize().into())
    }

    /// Takes 32 bytes that already are a digest.
    pub const fn from_bytes(bytes: [u8; Hash::BYTES]) -> Hash {
        Hash(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; Hash::BYTES] {
        &self.0
    }

    /// Reads 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Result<Hash, HexError> {
        hexadecimal::decode(text).map(Hash)
    }
}

impl From<[u8; Hash::BYTES]> for Hash {
    fn from(bytes: [u8; Hash::BYTES]) -> Hash {
        Hash(bytes)
    }
}

impl fmt::Display for Hash {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

hex_text!(Hash);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// A digest of 32 bytes, by what this processor has.
static PARAMS: LazyLock<Params> = LazyLock::new(|| {
    let mut params = Params::new();
    params.hash_length(Hash::BYTES);
    params
});

/// BLAKE2b-256 over bytes that arrive in pieces.
#[derive(Clone)]
pub struct Hasher(State);

impl Default for Hasher {
    fn default() -> Hasher {
        Hasher(PARAMS.to_state())
    }
}

impl Hasher {
    pub fn new() -> Hasher {
        Hasher::default()
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> Hash {
        self.so_far()
    }

    /// The digest of everything taken so far; more may follow.
    pub fn so_far(&self) -> Hash {
        Hash::shortened(&self.0.finalize())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_blake2b_with_length_parameter_32() {
        // From `b2sum -l 256` of nothing and of "abc".
        assert_eq!(
            Hash::of(b"").to_string(),
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
        );
        assert_eq!(
            Hash::of(b"abc").to_string(),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
        );
    }

    #[test]
    fn one_or_many_at_once_are_hashed_as_the_other_crate_does() {
        let text: Vec<u8> = (0..1_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        // Every length around the borders of a block, in an order in which those
        // hashed at once end apart.
        let lengths = (0..400).map(|n| n * 37 % 400).chain([999, 0, 128, 129]);
        let messages: Vec<_> = lengths.filter_map(|length| text.get(..length)).collect();
        for count in [0, 1, 2, 3, 4, 5, messages.len()] {
            let some = messages.iter().take(count).copied();
            let digests = Hash::of_each(some.clone());
            assert_eq!(digests.len(), count);
            for (digest, message) in digests.iter().zip(some) {
                assert_eq!(digest.0, <[u8; 32]>::from(Blake2b256::digest(message)));
                assert_eq!(*digest, Hash::of(message));
            }
        }
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        assert_eq!(Hash::of_parts(&[b"a", b"", b"bc"]), Hash::of(b"abc"));
        // All beginnings of it are hashed, which an interpreter takes long for.
        let length = if cfg!(miri) { 300 } else { 1_000_u32 };
        let text: Vec<u8> = (0..length).map(|n| (n * 11 % 253) as u8).collect();
        for size in [1, 63, 64, 127, 128, 129, 256, 1_000] {
            let mut hasher = Hasher::new();
            let mut taken = 0;
            for piece in text.chunks(size) {
                hasher.update(piece);
                taken += piece.len();
                let whole = Blake2b256::digest(text.get(..taken).unwrap_or_default());
                assert_eq!(hasher.so_far().0, <[u8; 32]>::from(whole));
            }
            assert_eq!(hasher.finish(), Hash::of_parts(&[&text]));
        }
    }
}
