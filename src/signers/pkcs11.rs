//! A key in a PKCS#11 token: a module that the system loads, and Ed25519 without
//! parameters (CKM_EDDSA), whose signatures are the 64 bytes of RFC 8032.

use std::fs::File;
use std::io::Read as _;
use std::sync::Mutex;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

use super::{SignerError, TokenUri};
use crate::ledger::key::{PublicKey, SignError, Signature, Signer};

/// A PIN and at most one line feed.
const PIN_BYTES: u64 = 1 << 10;

/// An open session with the token. One signature at a time: that is how sessions work.
pub(super) struct TokenSession {
    session: Mutex<Session>,
    private: ObjectHandle,
    key: PublicKey,
    // Ends after the session.
    _module: Pkcs11,
}

/// Why the token did not sign.
#[derive(Debug, ThisError)]
enum TokenRefusal {
    #[error("the token: {0}")]
    Token(#[from] Error),
    #[error("the token gave a signature of {0} bytes, and not of 64")]
    Length(usize),
    #[error("the token was left by a thread that ended in the middle")]
    Left,
}

impl TokenSession {
    /// Opens the key that `uri` names.
    pub(super) fn open(
        uri: &TokenUri,
        pin: &dyn Fn() -> Option<Zeroizing<String>>,
    ) -> Result<TokenSession, SignerError> {
        let module = Pkcs11::new(&uri.module_path).map_err(|error| {
            SignerError::Token(format!("{}: {error}", uri.module_path.display()))
        })?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another key of this process is in the same module.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(token(error)),
        }
        let pin = match &uri.pin_source {
            Some(path) => Some(read_pin(path)?),
            None => pin(),
        };
        let mut found = Vec::new();
        for slot in module.get_slots_with_token().map_err(token)? {
            let info = module.get_token_info(slot).map_err(token)?;
            if info.label().trim_end() != uri.token {
                continue;
            }
            let session = module.open_ro_session(slot).map_err(token)?;
            if let Some(pin) = &pin {
                log_in(&session, pin)?;
            }
            let keys = session
                .find_objects(&wanted(uri, ObjectClass::PRIVATE_KEY))
                .map_err(token)?;
            found.extend(keys.first().map(|key| (session, *key, keys.len())));
        }
        let (session, private) = match found.pop() {
            Some((session, private, 1)) if found.is_empty() => (session, private),
            None => {
                return Err(said(
                    "it has no such Ed25519 key: look at token, object, id and PIN",
                ));
            }
            Some(_) => return Err(said("several keys are named so: name one by token and id")),
        };
        let key = public_key(&session, uri)?;
        Ok(TokenSession {
            session: Mutex::new(session),
            private,
            key,
            _module: module,
        })
    }

    fn ask(&self, message: &[u8]) -> Result<Signature, TokenRefusal> {
        let session = self.session.lock().map_err(|_| TokenRefusal::Left)?;
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
        let signature = session.sign(&mechanism, self.private, message)?;
        let length = signature.len();
        let bytes = signature
            .try_into()
            .map_err(|_| TokenRefusal::Length(length))?;
        Ok(Signature::from_bytes(bytes))
    }
}

impl Signer for TokenSession {
    fn public_key(&self) -> PublicKey {
        self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.ask(message)
            .map_err(|refusal| SignError::Refused(Box::new(refusal)))
    }
}

fn log_in(session: &Session, pin: &str) -> Result<(), SignerError> {
    let pin = AuthPin::new(pin.to_owned().into_boxed_str());
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) => Err(token(error)),
    }
}

/// What the private or the public half of the key looks like.
fn wanted(uri: &TokenUri, class: ObjectClass) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Class(class),
        Attribute::KeyType(KeyType::EC_EDWARDS),
    ];
    template.extend(
        uri.object
            .iter()
            .map(|label| Attribute::Label(label.clone().into_bytes())),
    );
    template.extend(uri.id.iter().map(|id| Attribute::Id(id.clone())));
    template
}

/// The 32 bytes of the public half: a DER octet string around them, or they alone.
fn public_key(session: &Session, uri: &TokenUri) -> Result<PublicKey, SignerError> {
    let keys = session
        .find_objects(&wanted(uri, ObjectClass::PUBLIC_KEY))
        .map_err(token)?;
    let [key] = keys[..] else {
        return Err(said("the public half of the key must be there, once"));
    };
    let attributes = session
        .get_attributes(key, &[AttributeType::EcPoint])
        .map_err(token)?;
    let point = attributes
        .into_iter()
        .find_map(|attribute| match attribute {
            Attribute::EcPoint(point) => Some(point),
            _ => None,
        });
    let point = point.unwrap_or_default();
    let raw = point.strip_prefix(&[4, 32]).unwrap_or(&point);
    match <[u8; 32]>::try_from(raw) {
        Ok(raw) => Ok(PublicKey::from_bytes(raw)),
        Err(_) => Err(said("the key is not Ed25519")),
    }
}

fn read_pin(path: &std::path::Path) -> Result<Zeroizing<String>, SignerError> {
    let failed = |error: std::io::Error| said(&format!("{}: {error}", path.display()));
    let mut pin = Zeroizing::new(String::with_capacity(PIN_BYTES as usize));
    let file = File::open(path).map_err(failed)?;
    file.take(PIN_BYTES)
        .read_to_string(&mut pin)
        .map_err(failed)?;
    let line = pin.strip_suffix('\n').unwrap_or(&pin);
    Ok(Zeroizing::new(line.to_owned()))
}

fn token(error: Error) -> SignerError {
    SignerError::Token(error.to_string())
}

fn said(what: &str) -> SignerError {
    SignerError::Token(what.to_owned())
}
