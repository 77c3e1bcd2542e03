//! Timestamps of an authority (RFC 3161): that an entry, and with it everything
//! before it, was there at a time which somebody else signed. Checked offline,
//! under a root that the caller trusts.
//!
//! What is stamped is the SHA-256 of the 32 bytes of an entry's hash. The log keeps
//! the authority's answer in an entry `sealbook:timestamp`:
//! ```text
//! {"hash": hex of the entry's hash, "seq": its number, "token": hex of the token}
//! ```
#![cfg(feature = "timestamps")]

mod signed;

use der::asn1::{Int, OctetString};
use der::oid::ObjectIdentifier;
use der::{Any, Decode as _, Encode as _};
use pki_types::CertificateDer;
use pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use crate::ledger::hash::Hash;
use crate::ledger::hexadecimal;
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;

/// The kind of the entry that keeps a token.
pub const KIND: &str = crate::ledger::kind::TIMESTAMP;

/// What a request is sent as.
pub const QUERY: &str = "application/timestamp-query";
/// What an answer is sent as.
pub const REPLY: &str = "application/timestamp-reply";
/// The longest answer and token that are read, in bytes.
pub const MOST_BYTES: usize = 64 << 10;

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// The payload of `sealbook:timestamp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamped {
    /// The hash of the entry that was stamped.
    pub hash: Hash,
    /// Its number.
    pub seq: Seq,
    /// The token, DER in hex.
    pub token: String,
}

/// What a token says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// When, by the authority's clock.
    pub at: Timestamp,
    /// By how much it may be wrong, in microseconds, where the token says so.
    pub accuracy: Option<u64>,
    /// Who, as the certificate names it.
    pub authority: String,
    /// The token's number, in hex.
    pub serial: String,
    /// The policy it was issued under.
    pub policy: String,
}

/// Why a token is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Longer than any may be.
    #[error("longer than {MOST_BYTES} bytes")]
    TooLong,
    /// Not in the form that RFC 3161 has, and which part of it.
    #[error("{part} cannot be read: {error}")]
    Form {
        /// What could not be read.
        part: &'static str,
        /// What the reader says.
        error: der::Error,
    },
    /// The token is not hex.
    #[error("the token is not hex")]
    Hex,
    /// The authority refused.
    #[error("the authority refused the request (status {0})")]
    Refused(u8),
    /// An answer that grants and brings nothing.
    #[error("the answer brings no token")]
    NoToken,
    /// Something that a timestamp must have or be, and is not.
    #[error("{0}")]
    Not(&'static str),
    /// The stamp is of something else.
    #[error("the timestamp is of something else than the entry's hash")]
    OtherImprint,
    /// The answer is to another request.
    #[error("the answer is to another request")]
    OtherNonce,
    /// A file without a certificate.
    #[error("there is no certificate in it")]
    NoRoot,
    /// The root is not a certificate.
    #[error("the root is not a certificate that can be used: {0}")]
    Root(webpki::Error),
    /// No path from the authority's certificate to the root, at the time stamped.
    #[error("the authority's certificate does not lead to the root: {0}")]
    Path(webpki::Error),
    /// The signature is not the authority's.
    #[error("the signature is not the authority's")]
    Signature,
}

/// The certificates in a file, DER or PEM.
///
/// # Errors
/// [`TimestampError::NoRoot`] if there is none.
pub fn roots(text: &[u8]) -> Result<Vec<Vec<u8>>, TimestampError> {
    if text.starts_with(b"0") {
        return Ok(vec![text.to_vec()]);
    }
    let certificates = CertificateDer::pem_slice_iter(text);
    let certificates = certificates.map(|one| one.map(|one| one.to_vec()));
    let certificates: Result<Vec<_>, _> = certificates.collect();
    let certificates = certificates.map_err(|_| TimestampError::NoRoot)?;
    match certificates.is_empty() {
        true => Err(TimestampError::NoRoot),
        false => Ok(certificates),
    }
}

/// What an authority is sent, for an entry's hash; `nonce` is random.
///
/// # Errors
/// [`TimestampError::Form`], which no hash gives.
pub fn request(hash: &Hash, nonce: [u8; 8]) -> Result<Vec<u8>, TimestampError> {
    let form = |error| TimestampError::Form {
        part: "the request",
        error,
    };
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: imprint(hash).map_err(form)?,
        req_policy: None,
        nonce: Some(positive(nonce).map_err(form)?),
        cert_req: true,
        extensions: None,
    };
    request.to_der().map_err(form)
}

/// The token of an answer that is to this request.
///
/// # Errors
/// [`TimestampError`]; what the token is worth, [`check`] says.
pub fn token(answer: &[u8], nonce: [u8; 8]) -> Result<Vec<u8>, TimestampError> {
    let form = |part| move |error| TimestampError::Form { part, error };
    if answer.len() > MOST_BYTES {
        return Err(TimestampError::TooLong);
    }
    let answer = TimeStampResp::from_der(answer).map_err(form("the answer"))?;
    // RFC 3161 §2.4.2: granted, and granted with modifications.
    let status = answer.status.status as u8;
    if status > 1 {
        return Err(TimestampError::Refused(status));
    }
    let token = answer.time_stamp_token.ok_or(TimestampError::NoToken)?;
    let token = token.to_der().map_err(form("the token"))?;
    let (_, info) = signed::open(&token)?;
    let sent = positive(nonce).map_err(form("the request"))?;
    match info.nonce == Some(sent) {
        true => Ok(token),
        false => Err(TimestampError::OtherNonce),
    }
}

/// What `token` says of an entry's hash, under `roots`, certificates in DER.
///
/// # Errors
/// [`TimestampError`].
pub fn check(token: &[u8], hash: &Hash, roots: &[Vec<u8>]) -> Result<Time, TimestampError> {
    let (signed, info) = signed::open(token)?;
    let wanted = imprint(hash).map_err(|error| TimestampError::Form {
        part: "the hash",
        error,
    })?;
    let given = &info.message_imprint;
    let same = given.hash_algorithm.oid == SHA_256 && given.hashed_message == wanted.hashed_message;
    if !same {
        return Err(TimestampError::OtherImprint);
    }
    let since = info.gen_time.to_unix_duration();
    let authority = signed::check(&signed, since, roots)?;
    let micros = i64::try_from(since.as_micros()).ok();
    let at = micros.and_then(Timestamp::from_unix_micros);
    Ok(Time {
        at: at.ok_or(TimestampError::Not("its time is out of range"))?,
        accuracy: accuracy_of(&info),
        authority,
        serial: hexadecimal::encode(info.serial_number.as_bytes()),
        policy: info.policy.to_string(),
    })
}

impl Stamped {
    /// What the token that was kept says.
    ///
    /// # Errors
    /// [`TimestampError`].
    pub fn check(&self, roots: &[Vec<u8>]) -> Result<Time, TimestampError> {
        check(&self.token()?, &self.hash, roots)
    }

    /// The token's bytes.
    ///
    /// # Errors
    /// [`TimestampError::Hex`], [`TimestampError::TooLong`].
    pub fn token(&self) -> Result<Vec<u8>, TimestampError> {
        if self.token.len() > 2 * MOST_BYTES {
            return Err(TimestampError::TooLong);
        }
        hex::decode(&self.token).map_err(|_| TimestampError::Hex)
    }
}

fn imprint(hash: &Hash) -> der::Result<MessageImprint> {
    let digest = Sha256Digest::of(hash.as_bytes());
    Ok(MessageImprint {
        hash_algorithm: sha_256(),
        hashed_message: OctetString::new(digest.as_bytes().as_slice())?,
    })
}

/// SHA-256 with the NULL that every authority knows.
fn sha_256() -> cms::cert::x509::spki::AlgorithmIdentifier<Any> {
    cms::cert::x509::spki::AlgorithmIdentifier {
        oid: SHA_256,
        parameters: Some(Any::null()),
    }
}

/// A positive number in its one spelling, whatever the bytes are.
fn positive(nonce: [u8; 8]) -> der::Result<Int> {
    let [first, rest @ ..] = nonce;
    // 0x40 to 0x7f: neither negative nor with a superfluous zero.
    let first = (first & 0x3f) | 0x40;
    Int::new(&[&[first], &rest[..]].concat())
}

fn accuracy_of(info: &TstInfo) -> Option<u64> {
    let accuracy = info.accuracy.as_ref()?;
    let small = |part: Option<i16>| u64::try_from(part.unwrap_or(0)).ok();
    let seconds = accuracy.seconds.unwrap_or(0).checked_mul(1_000_000)?;
    let millis = small(accuracy.millis)?.checked_mul(1_000)?;
    seconds
        .checked_add(millis)?
        .checked_add(small(accuracy.micros)?)
}
