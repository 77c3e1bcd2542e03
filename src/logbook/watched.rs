//! The signer, and whether it signed when it was asked last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ledger::key::{PublicKey, SignError, Signature, Signer};
use crate::ledger::signed::PROBE;

/// A key may be in another process or in a token, which may go away and come back.
pub(super) struct WatchedSigner {
    signer: Arc<dyn Signer>,
    away: AtomicBool,
}

impl WatchedSigner {
    pub(super) const fn new(signer: Arc<dyn Signer>) -> WatchedSigner {
        WatchedSigner {
            signer,
            away: AtomicBool::new(false),
        }
    }

    /// Whether it did not sign when it was asked last.
    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Finds out whether it is back, where it was away: nobody may append meanwhile.
    pub(super) fn ask_again(&self) {
        if self.is_away() {
            // The answer is in `away`.
            let _ = self.sign(PROBE);
        }
    }
}

impl Signer for WatchedSigner {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let signed = self.signer.sign(message);
        // Read first: many threads sign at a time, and it hardly ever changes.
        if self.is_away() != signed.is_err() {
            self.away.store(signed.is_err(), Ordering::Relaxed);
        }
        signed
    }
}
