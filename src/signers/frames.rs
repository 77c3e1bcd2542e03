//! What an agent and its callers say to each other.
//!
//! ```text
//! agent   "sealbook-agent:v1\n" key(32)
//! caller  length(4, big-endian) message(length)
//! agent   0 signature(64)   or   1: it does not sign that
//! ```
//! The caller asks again for as long as it likes.

use std::io::{self, Read, Write};

use crate::ledger::key::{PublicKey, Signature};
use crate::ledger::limits;

const GREETING: &[u8; 18] = b"sealbook-agent:v1\n";

/// What the agent answers.
pub(super) enum AgentAnswer {
    Signed(Signature),
    Refused,
}

#[cfg(feature = "verify")]
pub(super) fn greet(out: &mut impl Write, key: &PublicKey) -> io::Result<()> {
    out.write_all(&[&GREETING[..], key.as_bytes()].concat())
}

/// The key of who greets; `None` where it is not an agent.
pub(super) fn greeted(from: &mut impl Read) -> io::Result<Option<PublicKey>> {
    let mut greeting = [0; GREETING.len()];
    let mut key = [0; PublicKey::BYTES];
    from.read_exact(&mut greeting)?;
    if &greeting != GREETING {
        return Ok(None);
    }
    from.read_exact(&mut key)?;
    Ok(Some(PublicKey::from_bytes(key)))
}

/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a message that no log signs; what the system says.
pub(super) fn ask(out: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the message is too long");
    if message.len() > limits::SIGNING_PAYLOAD_BYTES {
        return Err(too_long());
    }
    let length = u32::try_from(message.len()).map_err(|_| too_long())?;
    out.write_all(&[&length.to_be_bytes()[..], message].concat())
}

/// The next message; `None` where the caller is done.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for one that is too long; what the system says.
#[cfg(feature = "verify")]
pub(super) fn asked(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > limits::SIGNING_PAYLOAD_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // As much memory as comes, not as is announced.
    let mut message = Vec::new();
    from.take(length as u64).read_to_end(&mut message)?;
    match message.len() == length {
        true => Ok(Some(message)),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(feature = "verify")]
pub(super) fn answer(out: &mut impl Write, answer: &AgentAnswer) -> io::Result<()> {
    match answer {
        AgentAnswer::Signed(signature) => out.write_all(&[&[0][..], signature.as_bytes()].concat()),
        AgentAnswer::Refused => out.write_all(&[1]),
    }
}

pub(super) fn answered(from: &mut impl Read) -> io::Result<AgentAnswer> {
    let mut kind = [0; 1];
    from.read_exact(&mut kind)?;
    match kind {
        [0] => {
            let mut signature = [0; Signature::BYTES];
            from.read_exact(&mut signature)?;
            Ok(AgentAnswer::Signed(Signature::from_bytes(signature)))
        }
        [1] => Ok(AgentAnswer::Refused),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
