//! Keys that are not in this process: who holds them, and how they sign.
//!
//! [`KeyLocation`] is where a key is: `agent:SOCKET`, `pkcs11:…`, or a file. What comes from
//! outside is judged before it is used: [`CheckedSigner`] verifies every signature, and a key
//! that does not sign the same bytes each time is refused when it is opened.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::ledger::key::{PublicKey, SignError, Signature, Signer, StrictVerifier};
use crate::ledger::signed::PROBE;

pub mod agent;
mod frames;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod uri;

pub use uri::{TokenUri, UriError};

/// Where a private key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// In a file.
    File(PathBuf),
    /// With an agent, which listens at this socket.
    Agent(PathBuf),
    /// In a PKCS#11 token.
    Token(TokenUri),
}

/// Why a key that is elsewhere cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The agent does not answer.
    #[error("the agent at {}: {source}", path.display())]
    Agent {
        /// Its socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What answers is not an agent.
    #[error("{}: what answers there is no agent of sealbook", path.display())]
    NotAnAgent {
        /// The socket.
        path: PathBuf,
    },
    /// The URI does not name a key.
    #[error("{0}")]
    Uri(#[from] UriError),
    /// The token does not do what it is asked.
    #[error("the token: {0}")]
    Token(String),
    /// This build has no PKCS#11.
    #[error("this build loads no PKCS#11 modules: it was made without the feature `pkcs11`")]
    NoTokens,
    /// It signs, and not as a log needs it.
    #[error("the key gives other bytes each time: a log needs Ed25519 as RFC 8032 has it")]
    NotDeterministic,
    /// The first signature was not made.
    #[error("{0}")]
    Sign(#[from] SignError),
    /// A key that is elsewhere cannot be made from here.
    #[error(
        "a key with an agent or in a token is not made here: make it there, without a passphrase of ours"
    )]
    MadeElsewhere,
}

impl KeyLocation {
    /// What a path or URI names.
    ///
    /// # Errors
    /// [`UriError`] where it begins with `pkcs11:` and is none.
    pub fn of(path: &Path) -> Result<KeyLocation, UriError> {
        let Some(text) = path.to_str() else {
            return Ok(KeyLocation::File(path.to_owned()));
        };
        if let Some(socket) = text.strip_prefix("agent:") {
            return Ok(KeyLocation::Agent(PathBuf::from(socket)));
        }
        match text.starts_with("pkcs11:") {
            true => Ok(KeyLocation::Token(text.parse()?)),
            false => Ok(KeyLocation::File(path.to_owned())),
        }
    }

    /// Whether a path names a key that is with an agent or in a token.
    #[must_use]
    pub fn is_outside(path: &Path) -> bool {
        !matches!(KeyLocation::of(path), Ok(KeyLocation::File(_)))
    }

    /// The same from any folder.
    pub fn absolute(path: &Path) -> io::Result<PathBuf> {
        match KeyLocation::of(path) {
            Ok(KeyLocation::File(path)) => std::path::absolute(path),
            Ok(KeyLocation::Agent(socket)) => {
                let socket = std::path::absolute(socket)?;
                let mut named = std::ffi::OsString::from("agent:");
                named.push(socket);
                Ok(PathBuf::from(named))
            }
            _ => Ok(path.to_owned()),
        }
    }
}

/// Opens the key of an agent.
///
/// # Errors
/// [`SignerError`].
pub fn open_agent(socket: &Path) -> Result<CheckedSigner<agent::Client>, SignerError> {
    CheckedSigner::new(agent::Client::connect(socket)?)
}

/// Opens the key of a token. `pin` is asked where the URI names no file of it.
///
/// # Errors
/// [`SignerError`].
#[cfg(feature = "pkcs11")]
pub fn open_token(
    uri: &TokenUri,
    pin: &dyn Fn() -> Option<zeroize::Zeroizing<String>>,
) -> Result<CheckedSigner<impl Signer + use<>>, SignerError> {
    CheckedSigner::new(pkcs11::TokenSession::open(uri, pin)?)
}

/// A signer whose every signature is judged before anyone uses it.
pub struct CheckedSigner<S> {
    signer: S,
    verifier: StrictVerifier,
}

/// Why a signature is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("what came back is not a signature of its key")]
struct Forged;

impl<S: Signer> CheckedSigner<S> {
    fn new(signer: S) -> Result<CheckedSigner<S>, SignerError> {
        let verifier = StrictVerifier::new(&signer.public_key());
        let checked = CheckedSigner { signer, verifier };
        match checked.sign(PROBE)? == checked.sign(PROBE)? {
            true => Ok(checked),
            false => Err(SignerError::NotDeterministic),
        }
    }
}

impl<S: Signer> Signer for CheckedSigner<S> {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signature = self.signer.sign(message)?;
        match self.verifier.verify(message, &signature) {
            true => Ok(signature),
            false => Err(SignError::Refused(Box::new(Forged))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use zeroize::Zeroizing;

    use super::*;
    use crate::ledger::key::SoftwareSigner;

    /// Signs with one key, says another, or the same key's signatures in turn.
    struct Odd {
        signs: SoftwareSigner,
        says: PublicKey,
        times: AtomicUsize,
        wrong_from: usize,
    }

    impl Signer for Odd {
        fn public_key(&self) -> PublicKey {
            self.says
        }

        fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
            let signature = self.signs.sign(message)?;
            if self.times.fetch_add(1, Ordering::Relaxed) < self.wrong_from {
                return Ok(signature);
            }
            let mut bytes = *signature.as_bytes();
            bytes[0] ^= 1;
            Ok(Signature::from_bytes(bytes))
        }
    }

    fn odd(says: u8, wrong_from: usize) -> Odd {
        let signer = |byte| SoftwareSigner::from_seed(&Zeroizing::new([byte; 32]));
        Odd {
            signs: signer(1),
            says: signer(says).public_key(),
            times: AtomicUsize::new(0),
            wrong_from,
        }
    }

    #[test]
    fn a_signature_that_is_not_the_keys_is_not_used() {
        let forged = |result: Result<_, SignError>| match result {
            Err(SignError::Refused(why)) => why.is::<Forged>(),
            Ok(_) => false,
        };
        assert!(matches!(
            CheckedSigner::new(odd(2, 9)),
            Err(SignerError::Sign(_))
        ));
        assert!(matches!(
            CheckedSigner::new(odd(1, 1)),
            Err(SignerError::Sign(_))
        ));
        let checked = CheckedSigner::new(odd(1, 3)).unwrap();
        checked.sign(b"the third").unwrap();
        assert!(forged(checked.sign(b"the fourth").map(drop)));
    }

    #[test]
    fn a_place_is_told_by_how_it_begins() {
        let of = |text: &str| KeyLocation::of(Path::new(text));
        assert_eq!(of("agent:/run/a"), Ok(KeyLocation::Agent("/run/a".into())));
        assert_eq!(
            of("./agent:/run/a"),
            Ok(KeyLocation::File("./agent:/run/a".into()))
        );
        assert!(matches!(
            of("pkcs11:token=t;object=log?module-path=/m.so"),
            Ok(KeyLocation::Token(_))
        ));
        let here = std::env::current_dir().unwrap();
        let absolute = KeyLocation::absolute(Path::new("agent:a.sock")).unwrap();
        assert_eq!(
            absolute,
            PathBuf::from(format!("agent:{}", here.join("a.sock").display()))
        );
    }
}
