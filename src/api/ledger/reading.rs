//! What is asked of a ledger, and taken out of it.

use std::io::Write;
use std::sync::Arc;

use crate::audit::audit;
use crate::evidence;
use crate::evidence::EvidenceError;
use crate::imports::accept::ImportOutcome;
use crate::ledger::audited::Audited;
use crate::ledger::entry::Entry;
use crate::ledger::fault::{Report, Verdict};
use crate::ledger::head::{Head, HeadBasis, LastEpoch, SignedHead};
use crate::ledger::key::Signer;
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::ledger::proof::InclusionProof;
use crate::ledger::revocation::{Revocation, SignedRevocation};
use crate::ledger::statement::Statement;
use crate::logbook::init::recovery_key_sha256;
use crate::logbook::mark::MarkFile;
use crate::logbook::reading::Reader;
use crate::logbook::{entry_at, epoch_at};
use crate::logbook::{extent_of, judge_mark};
use crate::store::Store;
use crate::store::query::{Filter, Selection, select};

use super::super::Error;
use super::super::export::{Export, Exported, export};
use super::super::import::ImportFile;
use super::super::rotate::opening_of;
use super::{Ledger, State};

impl Ledger {
    /// The entry with this number.
    pub fn entry(&self, seq: Seq) -> Result<Entry, Error> {
        let store = self.store();
        if store.last_seq()?.is_none_or(|last| last < seq) {
            return Err(Error::NoSuchEntry { seq });
        }
        Ok(entry_at(store, seq)?)
    }

    /// The entries that a filter wants, as they are asked for.
    pub fn query(&self, filter: &Filter) -> Result<Selection<'_>, Error> {
        Ok(select(self.store(), filter)?)
    }

    /// The proof that entry `seq` is in the log. For many of them ask an
    /// [`evidence::Prover`].
    ///
    /// # Errors
    /// [`Error::Evidence`] if there is no such entry, or no epoch seals it yet.
    pub fn prove(&self, seq: Seq) -> Result<InclusionProof, Error> {
        Ok(evidence::prove(self.store(), seq)?)
    }

    /// Writes evidence for third parties.
    ///
    /// # Errors
    /// [`Error`]; what was written by then is not evidence.
    pub fn export(&self, what: Export<'_>, out: &mut dyn Write) -> Result<Exported, Error> {
        export(self, what, out)
    }

    /// Takes in evidence of another log: verified, and kept apart. `progress` is
    /// told the entries walked so far.
    ///
    /// # Errors
    /// [`Error::Import`]; that it does not pass is an outcome.
    pub fn import(
        &self,
        file: &ImportFile,
        policy: &Policy,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportOutcome, Error> {
        file.import(self, policy, progress)
    }

    /// Revokes the key of this log: what it signs after entry
    /// `seq` no longer counts. `signer` is the key of the log that continues it, or the recovery
    /// key.
    pub fn revoke(
        &self,
        seq: Seq,
        signer: &dyn Signer,
        reason: &str,
    ) -> Result<SignedRevocation, Error> {
        let revocation = Revocation {
            log: self.identity.log,
            genesis: self.identity.genesis,
            seq,
            hash: self.entry(seq)?.hash(),
            reason: reason.to_owned(),
        };
        let mut signed = revocation.sign(signer)?;
        // Where the successor revokes, the entry that names it shows that it may.
        let last = self.store().last_seq()?.map(|last| self.entry(last));
        signed.closing = last.transpose()?.map(Box::new);
        if signed.successor() != Some(signed.envelope.key) {
            signed.closing = None;
        }
        Ok(signed)
    }

    /// Whether a verifier lets the key that signed a revocation of this log revoke: it is that
    /// of the successor, or the recovery key.
    ///
    /// # Errors
    /// What keeps entry 0 from being read.
    pub fn may_revoke(&self, signed: &SignedRevocation) -> Result<bool, Error> {
        let key = signed.envelope.key;
        let recovery = opening_of(self.store())?.recovery_key_sha256;
        Ok(signed.successor() == Some(key) || recovery == Some(recovery_key_sha256(&key)))
    }

    /// A signed statement of the last entry. After an orderly close the mark is
    /// that statement already, and the private key is not needed.
    ///
    /// # Errors
    /// [`Error::Open`] if ledger and mark do not agree, [`Error::Key`].
    pub fn head(&self) -> Result<SignedHead, Error> {
        match &self.state {
            State::Writing(writing) => Ok(writing.logbook.head()?),
            State::Reading(reader) => self.stated(reader),
        }
    }

    /// The head of a ledger that agrees with its mark.
    fn stated(&self, reader: &Reader) -> Result<SignedHead, Error> {
        let store = &reader.store;
        let extent = extent_of(store)?;
        let mark = judge_mark(store, self.mark(), &extent)??;
        if mark.head.content.seq == extent.last_seq {
            return Ok(mark.head);
        }
        let head = Head {
            second: None,
            log: extent.log,
            genesis: extent.genesis,
            seq: extent.last_seq,
            hash: entry_at(store, extent.last_seq)?.hash(),
            ts: self.options.now().max(extent.last_ts),
        };
        Ok(Statement::sign(head, &*self.signer()?)?)
    }

    /// The same in version 2: it names the last sealed header, too, and is signed
    /// again.
    pub fn standing(&self) -> Result<SignedHead, Error> {
        let store = self.store();
        let epoch = match store.last_epoch()? {
            Some(number) => Some(LastEpoch {
                epoch: number,
                hash: epoch_at(store, number)?.content.hash(),
            }),
            None => None,
        };
        let second = Some(HeadBasis { epoch, tree: None });
        let head = Head {
            second,
            ..self.head()?.content
        };
        Ok(Statement::sign(head, &*self.signer()?)?)
    }

    /// Verifies the ledger where it lies, and the mark beside it. With no key
    /// given, it is held against its own.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read; what is wrong is in the report.
    pub fn verify(&self, policy: &Policy) -> Result<Report, Error> {
        Ok(audit(self.store(), self.mark(), policy, &mut |_| ())?.report)
    }

    /// Verifies the whole ledger with its index, for an auditor to sign up to the last
    /// sealed epoch; the report, if it does not pass.
    ///
    /// # Errors
    /// [`Error::Evidence`] if nothing is sealed or headers commit to no index.
    pub fn audit(&self, policy: &Policy) -> Result<Result<Audited, Report>, Error> {
        let store = self.store();
        let last = store.last_epoch()?.ok_or(EvidenceError::NothingSealed)?;
        let header = epoch_at(store, last)?.content;
        if header.index.is_none() {
            return Err(EvidenceError::NoIndex.into());
        }
        let report = self.verify(policy)?;
        Ok(match report.verdict {
            Verdict::Pass => Ok(Audited::of(&header)),
            Verdict::Fail => Err(report),
        })
    }

    /// The last entry that is seen, where another process may be writing more.
    pub fn as_of(&self) -> Result<Option<Seq>, Error> {
        match &self.state {
            State::Writing(_) => Ok(None),
            State::Reading(reader) => Ok(reader.as_of()?),
        }
    }

    /// Goes on to what the ledger is now, if another process may have written it.
    pub fn catch_up(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Writing(_) => Ok(()),
            State::Reading(reader) => Ok(reader.catch_up()?),
        }
    }

    /// The store below.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        match &self.state {
            State::Writing(writing) => &**writing.logbook.store(),
            State::Reading(reader) => &reader.store,
        }
    }

    /// The mark to hold it against.
    #[must_use]
    pub fn mark(&self) -> &MarkFile {
        match &self.state {
            State::Writing(writing) => &writing.mark,
            State::Reading(reader) => &reader.mark,
        }
    }

    /// The private key; a ledger that is open for reading looks for it only now.
    pub fn signer(&self) -> Result<Arc<dyn Signer>, Error> {
        match &self.state {
            State::Writing(writing) => Ok(Arc::clone(&writing.signer)),
            State::Reading(reader) => {
                let dir = self.dir.as_deref().unwrap_or(std::path::Path::new("."));
                super::disk::signer(dir, &reader.store, &self.options)
            }
        }
    }
}
