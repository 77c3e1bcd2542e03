//! A log that was begun without an index goes on with one.

use zeroize::Zeroizing;

use crate::ledger::begins::Begins;
use crate::ledger::index::cover::Begun;
use crate::ledger::index::vrf::VrfSecret;
use crate::ledger::kind;
use crate::logbook::error::LogbookError;
use crate::logbook::init::InitError;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::logbook::terms::{INDEX_KEY, begun};
use crate::store::{Batch, Store};

use super::rotate::opening_of;
use super::{Error, Ledger};

impl Ledger {
    /// Where the log's index begins, if it has one.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn index_begins(&self) -> Result<Option<Begun>, Error> {
        let opening = opening_of(self.store())?;
        Ok(begun(self.store(), &opening)?)
    }

    /// Has every header from the next epoch on commit to an index, as those of a log do
    /// that was begun with one; releases up to 0.1 do not read the log from there on. What
    /// is open is sealed first, so that the entry which says it is the first of its epoch.
    /// `None` if the log has an index: nothing is written then.
    ///
    /// # Errors
    /// [`Error`].
    pub fn begin_index(&self) -> Result<Option<Receipt>, Error> {
        let logbook = self.logbook()?;
        if self.index_begins()?.is_some() {
            return Ok(None);
        }
        let key = index_secret(self.store())?.public_key();
        logbook.seal()?;
        let entry = PreparedEntry::new(kind::FORMAT, &Begins::under(key).to_object())?;
        let receipts = logbook.submit(vec![entry])?.wait()?;
        let receipt = receipts.into_iter().next();
        receipt.map(Some).ok_or(LogbookError::Stopped.into())
    }
}

/// The secret key of the index, durable before an entry names its public key: one that is
/// there already was made by a call that was interrupted.
fn index_secret(store: &dyn Store) -> Result<VrfSecret, Error> {
    let kept = store.meta(INDEX_KEY)?.map(Zeroizing::new);
    if let Some(kept) = kept.as_ref().and_then(|bytes| bytes.first_chunk()) {
        return Ok(VrfSecret::from_bytes(kept));
    }
    let mut secret = Zeroizing::new([0; VrfSecret::BYTES]);
    getrandom::fill(&mut *secret).map_err(InitError::Randomness)?;
    store.commit(Batch {
        meta: vec![(INDEX_KEY, secret.to_vec())],
        ..Batch::default()
    })?;
    Ok(VrfSecret::from_bytes(&secret))
}
