//! The hierarchy of errors: [`CoreError`] above, one enum for each thing that
//! can go wrong below.

use thiserror::Error;

use crate::ledger::entry::EntryError;
use crate::ledger::hash::Hash;
use crate::ledger::key::SignError;
use crate::ledger::parse::ParseError;
use crate::ledger::shape::MemberError;

#[derive(Debug, Error)]
pub enum CoreError {
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    #[error(transparent)]
    HashChain(#[from] HashChainError),
    #[error(transparent)]
    TypeIntegrity(#[from] TypeIntegrityError),
}

/// A key or signature is not what it should be.
#[derive(Debug, Error)]
pub enum CryptoError {
    #[error("the signature does not verify")]
    SignatureVerification,
    #[error("not hex: {0}")]
    Hex(#[from] hex::FromHexError),
    #[error("a public key has 32 bytes, not {bytes}")]
    PublicKeyLength { bytes: usize },
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// The first break in a logbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("entry {index}: {problem}")]
pub struct HashChainError {
    /// The entry, from 0.
    pub index: usize,
    #[source]
    pub problem: ChainProblem,
}

/// What is wrong with an entry's place in its logbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChainProblem {
    #[error("prev_hash is {actual}, the entry before hashes to {expected}")]
    LinkBroken { expected: Hash, actual: Hash },
    #[error("the signature does not verify")]
    SignatureInvalid,
}

/// A value breaks its type's rules.
#[derive(Debug, Error)]
pub enum TypeIntegrityError {
    #[error("allowed_substrates[{index}] is blank")]
    BlankSubstrate { index: usize },
    #[error("bundle_hash is {stated}, the bundle hashes to {computed}")]
    BundleHash { stated: Hash, computed: Hash },
    #[error("halo_version is 0; the first is 1")]
    HaloVersion,
    /// A text that is signed between separators has a control character, with
    /// which two cards could have one payload.
    #[error("{member} has the control character U+{:04X}", *character as u32)]
    ControlCharacter {
        member: &'static str,
        character: char,
    },
    #[error("the key is not that of the card's vacant")]
    ForeignKey,
    #[error("\"{0}\" is not a state of a vacant")]
    UnknownState(String),
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("logbook[{index}]: {error}")]
    Entry {
        index: usize,
        #[source]
        error: EntryError,
    },
}
