//! The ledger as a public log.

use crate::ledger::hash::Hash;
use crate::ledger::note::VerifierKey;
use crate::ledger::position::Seq;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::tlog::name::{LogName, NameBinding};
use crate::ledger::tlog::proof::TlogProof;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::{TileSource, prove_inclusion};
use crate::logbook::entry_at;
use crate::logbook::request::Receipt;
use crate::publish::{
    self, Cosign, LogStorage, PublicError, PublicLog, Publication, Published, names_of,
};

use super::{Error, Ledger};

impl Ledger {
    /// The public name that the log has, and the policy of its witnesses.
    ///
    /// # Errors
    /// [`Error::Public`].
    pub fn public_name(&self) -> Result<Option<NameBinding>, Error> {
        Ok(names_of(self.store())?.current().cloned())
    }

    /// Binds the public name. `policy` is the text of a witness policy, where there is a
    /// new one.
    ///
    /// # Errors
    /// [`Error::Public`] where the log has another name, or had this one before.
    pub fn bind_name(
        &self,
        name: &LogName,
        policy: Option<&str>,
    ) -> Result<Option<Receipt>, Error> {
        Ok(publish::bind_name(self.logbook()?, name, policy)?)
    }

    /// Ends the public name; it is never used again.
    ///
    /// # Errors
    /// [`Error::Public`] where the log does not have that name.
    pub fn close_name(&self, name: &LogName) -> Result<Receipt, Error> {
        Ok(publish::close_name(self.logbook()?, name)?)
    }

    /// Publishes every durable entry under the name that is bound.
    ///
    /// # Errors
    /// [`Error::Public`].
    pub fn publish<S: LogStorage>(
        &self,
        log: &mut PublicLog<S>,
        cosign: &mut Cosign<'_, S>,
    ) -> Result<Published, Error> {
        let signer = self.signer()?;
        let second = self.second_signer()?;
        let with = Publication {
            logbook: self.logbook()?,
            signer: &*signer,
            second: second.as_deref(),
            now: self.clock().wall(),
        };
        log.publish(&with, cosign).map_err(|error| match error {
            // What asking the witnesses answers is our own word.
            PublicError::Cosign(failure) => match failure.downcast::<Error>() {
                Ok(own) => *own,
                Err(failure) => PublicError::Cosign(failure).into(),
            },
            other => other.into(),
        })
    }

    /// The key under which the notes of this log are verified; `None` without a name.
    ///
    /// # Errors
    /// [`Error::Public`].
    pub fn verifier_key(&self) -> Result<Option<VerifierKey>, Error> {
        let named = self.public_name()?;
        Ok(named.map(|named| publish::verifier_key(&self.identity(), &named.name)))
    }

    /// The proof that entry `seq` is in the public log, under the checkpoint that is
    /// published with its cosignatures. `place` is for messages.
    ///
    /// # Errors
    /// [`Error::Public`]; [`Error::NotPublished`] where the checkpoint does not reach it.
    pub fn prove_published(
        &self,
        seq: Seq,
        log: &impl TileSource<Error = std::io::Error>,
        place: &str,
    ) -> Result<TlogProof, Error> {
        let place = || place.to_owned();
        let io = |source| PublicError::Io {
            place: place(),
            source,
        };
        let bytes = log.read(Resource::Checkpoint).map_err(io)?;
        let bytes = bytes.ok_or(Error::NotPublished { seq })?;
        let checkpoint = SignedCheckpoint::parse(&bytes);
        let checkpoint = checkpoint.map_err(|error| PublicError::Checkpoint {
            place: place(),
            error,
        })?;
        if seq.0 >= checkpoint.content().size {
            return Err(Error::NotPublished { seq });
        }
        let data = self.public_data(seq)?;
        let path = prove_inclusion(log, checkpoint.content(), seq.0, &data);
        let path = path.map_err(|error| Error::PublicLog {
            place: place(),
            error: Box::new(error),
        })?;
        Ok(TlogProof {
            extra: None,
            index: seq.0,
            path,
            checkpoint,
        })
    }

    /// What stands of entry `seq` in the public log.
    fn public_data(&self, seq: Seq) -> Result<Hash, Error> {
        let entry = match self.store().last_seq()? {
            Some(last) if seq <= last => entry_at(self.store(), seq)?,
            _ => return Err(Error::NoSuchEntry { seq }),
        };
        let signature = entry.signature();
        Ok(crate::ledger::epoch::leaf_hash(&entry.hash(), &signature))
    }
}
