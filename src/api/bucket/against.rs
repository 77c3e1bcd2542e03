//! What a machine without a mark holds a bucket against: a head or checkpoint that
//! somebody kept, or what witnesses show of the log now.

use std::io::Read as _;
use std::path::Path;

use crate::api::{Error, Options};
use crate::bucket::BucketError;
use crate::files::open_regular;
use crate::ledger::head::{Head, SignedHead};
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::limits;
use crate::ledger::note::{Algorithm, VerifierKey};
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::statement::Statement;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witness_policy::{self, WitnessPolicy};
use crate::logbook::mark::{Mark, MarkFile};
use crate::logbook::{entry_at, extent_of};
use crate::publish::root_before;
#[cfg(feature = "client")]
use crate::publish::{names_of, verifier_key};
use crate::store::Store;

/// What the log in a bucket must begin with.
pub(super) enum Against {
    /// There is a mark, or nothing.
    Nothing,
    /// The entries of a checkpoint that was kept.
    Checkpoint(Box<SignedCheckpoint>),
    /// Whatever these witnesses show of it.
    Witnesses(Box<WitnessPolicy>),
}

impl Against {
    /// What the options give to a machine that has no mark. A head that was kept becomes
    /// the mark.
    pub(super) fn take(
        options: &Options,
        mark: &MarkFile,
        log: PublicKey,
    ) -> Result<Against, Error> {
        if mark.exists() {
            return Ok(Against::Nothing);
        }
        let witnesses = options.bucket_witnesses.as_deref().map(policy);
        let witnesses = witnesses.transpose()?;
        let kept = options.bucket_head.as_deref().map(kept).transpose()?;
        Ok(match (kept, witnesses) {
            (None, None) => Against::Nothing,
            (None, Some(witnesses)) => Against::Witnesses(Box::new(witnesses)),
            (Some(Kept::Head(head)), None) => {
                let written = mark.write(&Mark { head, sealed: None });
                written.map_err(|error| Error::file(mark.path(), error))?;
                Against::Nothing
            }
            (Some(Kept::Head(_)), Some(_)) => {
                return Err(untrusted("a head has no cosignatures of witnesses"));
            }
            (Some(Kept::Checkpoint(checkpoint)), witnesses) => {
                believe(&checkpoint, log, witnesses.as_ref())?;
                Against::Checkpoint(Box::new(checkpoint))
            }
        })
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Against::Nothing)
    }

    /// Holds what the bucket has against it, and begins the mark at the newest entry that
    /// it names: of what comes after that it says nothing.
    pub(super) fn begin_mark(
        &self,
        cache: &dyn Store,
        signer: &dyn Signer,
        mark: &MarkFile,
    ) -> Result<(), Error> {
        let size = match self {
            Against::Nothing => return Ok(()),
            Against::Checkpoint(checkpoint) => hold(cache, checkpoint)?,
            Against::Witnesses(policy) => shown(cache, policy, signer.public_key())?,
        };
        let seq = size.checked_sub(1).map(Seq);
        let seq = seq.ok_or_else(|| untrusted("it is over no entry"))?;
        let (extent, last) = (extent_of(cache)?, entry_at(cache, seq)?);
        let head = Head {
            second: None,
            log: extent.log,
            genesis: extent.genesis,
            seq,
            hash: last.hash(),
            ts: last.ts(),
        };
        let head = Statement::sign(head, signer)?;
        let written = mark.write(&Mark { head, sealed: None });
        written.map_err(|error| Error::file(mark.path(), error))
    }
}

/// That the bucket has the entries of a checkpoint; how many they are.
fn hold(cache: &dyn Store, checkpoint: &SignedCheckpoint) -> Result<u64, Error> {
    let entries = extent_of(cache)?.last_seq.0.saturating_add(1);
    let content = checkpoint.content();
    let size = content.size;
    if entries < size {
        return Err(BucketError::BehindCheckpoint { entries, size }.into());
    }
    match root_before(cache, size, content)? {
        Some(_) => Ok(size),
        None => Err(BucketError::OtherCheckpoint { size }.into()),
    }
}

/// That the bucket has what each witness shows of the log, and that those which show
/// something are a quorum; how many entries the newest has.
///
/// Whatever a quorum cosigned, some witness of another quorum cosigned, too: so the newest
/// checkpoint that any of them shows is at least as new.
#[cfg(feature = "client")]
fn shown(cache: &dyn Store, policy: &WitnessPolicy, log: PublicKey) -> Result<u64, Error> {
    use crate::fetch::Fetcher;
    use crate::witness::{TIMEOUT, newest_of};

    let key = public_key(cache, policy, log)?;
    let found = newest_of(&Fetcher::new(TIMEOUT), policy, &key);
    if !policy.is_met(|at| matches!(found.get(at), Some(Ok(_)))) || !found.iter().any(Result::is_ok)
    {
        let named = policy.witnesses.iter().zip(&found);
        let faults = named.filter_map(|(witness, found)| {
            let fault = found.as_ref().err()?;
            Some(format!("{}: {fault}", witness.name))
        });
        let faults: Vec<_> = faults.collect();
        let faults = faults.join("; ");
        return Err(untrusted(format!(
            "no quorum of the witnesses shows one: {faults}"
        )));
    }
    let mut newest = 0;
    for checkpoint in found.into_iter().flatten() {
        newest = newest.max(hold(cache, &checkpoint)?);
    }
    Ok(newest)
}

#[cfg(not(feature = "client"))]
fn shown(_: &dyn Store, _: &WitnessPolicy, _: PublicKey) -> Result<u64, Error> {
    Err(untrusted("this build asks no witnesses"))
}

/// The key of the log's checkpoints: as the policy names it, or else the log itself.
#[cfg(feature = "client")]
fn public_key(
    cache: &dyn Store,
    policy: &WitnessPolicy,
    log: PublicKey,
) -> Result<VerifierKey, Error> {
    let mut known = policy.logs.iter().map(|known| &known.key);
    let own = known.find(|key| *key.algorithm() == Algorithm::Ed25519(log));
    if let Some(own) = own {
        return Ok(own.clone());
    }
    let names = names_of(cache)?;
    match names.current() {
        Some(named) if policy.logs.is_empty() => Ok(verifier_key(
            &crate::logbook::identity_of(cache)?,
            &named.name,
        )),
        _ => Err(untrusted(
            "the log has no public name here: add a line `log <vkey>` to the policy",
        )),
    }
}

fn untrusted(reason: impl ToString) -> Error {
    let reason = reason.to_string();
    BucketError::CheckpointUntrusted { reason }.into()
}

/// The log must have signed a checkpoint that it is held against, and so must a quorum of
/// the witnesses, where there is a policy.
fn believe(
    checkpoint: &SignedCheckpoint,
    log: PublicKey,
    witnesses: Option<&WitnessPolicy>,
) -> Result<(), Error> {
    let (origin, note) = (&checkpoint.content().origin, checkpoint.note());
    let Some(policy) = witnesses else {
        let name = origin.parse();
        let name = name.map_err(|_| untrusted("its first line is not a name of a key"))?;
        let own = VerifierKey::new(name, Algorithm::Ed25519(log));
        return own.verify(note).map(drop).map_err(untrusted);
    };
    policy.check_log(origin, log, note).map_err(untrusted)?;
    let by = |witness: usize| {
        let known = policy.witnesses.get(witness);
        known.is_some_and(|known| known.key.verify(note).is_ok())
    };
    match policy.is_met(by) {
        true => Ok(()),
        false => Err(untrusted("no quorum of the witnesses cosigned it")),
    }
}

/// What somebody kept of a log.
enum Kept {
    Head(SignedHead),
    Checkpoint(SignedCheckpoint),
}

fn kept(path: &Path) -> Result<Kept, Error> {
    let text = small(path, limits::SMALL_FILE_BYTES)?;
    if let Ok(checkpoint) = SignedCheckpoint::parse(&text) {
        return Ok(Kept::Checkpoint(checkpoint));
    }
    let value = parse::parse(&text).ok();
    let head: Option<SignedHead> = value.and_then(|value| Statement::from_value(&value).ok());
    match head.filter(Statement::verify) {
        Some(head) => Ok(Kept::Head(head)),
        None => Err(not_recognised(path)),
    }
}

fn policy(path: &Path) -> Result<WitnessPolicy, Error> {
    let text = small(path, witness_policy::MAX_BYTES)?;
    witness_policy::parse(&text).map_err(|_| not_recognised(path))
}

fn small(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::file(path, error);
    let file = open_regular(path).map_err(failed)?;
    let mut text = Vec::new();
    let read = file.take(limit as u64 + 1).read_to_end(&mut text);
    read.map_err(failed)?;
    match text.len() <= limit {
        true => Ok(text),
        false => Err(not_recognised(path)),
    }
}

fn not_recognised(path: &Path) -> Error {
    let path = Some(path.to_owned());
    Error::NotRecognised { path }
}
