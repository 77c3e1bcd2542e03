//! The hierarchy of errors: [`CoreError`] above, one enum for each thing that
//! can go wrong below.

use thiserror::Error;

use crate::ledger::entry::EntryError;
use crate::ledger::hash::Hash;
use crate::ledger::key::SignError;
use crate::ledger::parse::ParseError;
use crate::ledger::shape::MemberError;

/// Anything that vacant.core refuses.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A key or signature is not what it should be.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A logbook's chain is broken.
    #[error(transparent)]
    HashChain(#[from] HashChainError),
    /// A value breaks its type's rules.
    #[error(transparent)]
    TypeIntegrity(#[from] TypeIntegrityError),
}

/// A key or signature is not what it should be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// A signature did not verify against the key and message.
    #[error("the signature does not verify")]
    SignatureVerification,
    /// Text that is not lower- or upper-case hex digits in pairs.
    #[error("not hex: {0}")]
    Hex(#[from] hex::FromHexError),
    /// Raw bytes of a length that no public key has.
    #[error("a public key has 32 bytes, not {bytes}")]
    PublicKeyLength {
        /// How many there are.
        bytes: usize,
    },
    /// The signer did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// The first break in a logbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("entry {index}: {problem}")]
pub struct HashChainError {
    /// The entry, from 0.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub problem: ChainProblem,
}

/// What is wrong with an entry's place in its logbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainProblem {
    /// `prev_hash` is not the hash of the entry before.
    #[error("prev_hash is {actual}, the entry before hashes to {expected}")]
    LinkBroken {
        /// The hash of the entry before; zeros before the first.
        expected: Hash,
        /// What the entry names.
        actual: Hash,
    },
    /// The signature is not the key's over the entry.
    #[error("the signature does not verify")]
    SignatureInvalid,
}

/// A value breaks its type's rules.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TypeIntegrityError {
    /// A substrate has a blank name.
    #[error("allowed_substrates[{index}] is blank")]
    BlankSubstrate {
        /// Which.
        index: usize,
    },
    /// The stated hash of a bundle is not that of its content.
    #[error("bundle_hash is {stated}, the bundle hashes to {computed}")]
    BundleHash {
        /// What is stated.
        stated: Hash,
        /// What its content hashes to.
        computed: Hash,
    },
    /// A halo version below 1.
    #[error("halo_version is 0; the first is 1")]
    HaloVersion,
    /// A text that is signed between separators has a control character, with
    /// which two cards could have one payload.
    #[error("{member} has the control character U+{:04X}", *character as u32)]
    ControlCharacter {
        /// `capability_text` or `endpoint`.
        member: &'static str,
        /// The character.
        character: char,
    },
    /// A card of one vacant was to be signed with the key of another.
    #[error("the key is not that of the card's vacant")]
    ForeignKey,
    /// A state that is none of the six.
    #[error("{0:?} is no state of a vacant")]
    UnknownState(String),
    /// A text is not JSON as signed documents must be.
    #[error(transparent)]
    Json(#[from] ParseError),
    /// A member is missing, unknown or of the wrong type.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// An entry is not one.
    #[error("logbook[{index}]: {error}")]
    Entry {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        error: EntryError,
    },
}
