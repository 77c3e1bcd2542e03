//! The verdicts on a tlog-proof and on a log folder, and on who stands behind a checkpoint.

use super::checkpoint::{CheckpointText, SignedCheckpoint};
use super::headers::Headers;
use super::proof::{InclusionError, TlogProof};
use super::resource::Resource;
use super::said::{NotTheLogs, signed_by};
use super::source::{TileReadError as SourceError, TileSource, check_all, root_before};
use super::tree::root_of_path;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochHeader, leaf_hash};
use crate::ledger::fault::{
    At, Fault, FaultCode, Findings, Format, KeySource, NotChecked, Report, Verdict,
};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::note::{Algorithm, SignatureFault};
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::ledger::verify::beside::hold;
use crate::ledger::witness_policy::WitnessPolicy;

/// Judges the bytes of a tlog-proof. The entry that it is to prove comes with the
/// policy, since the proof has only its place; so do the keys or the logs that are
/// trusted, and the quorum that must have cosigned.
#[must_use]
pub fn judge_tlog_proof(bytes: &[u8], policy: &Policy) -> Report {
    let mut findings = Findings::default();
    let fault = |code, detail: String| Fault::of_file(code, detail);
    let (mut log, mut head, mut entries, mut at) = (None, Hash::ZERO, 0, None);
    match TlogProof::parse(bytes) {
        Err(error) => findings.fault(fault(FaultCode::ProofInvalid, error.to_string())),
        Ok(proof) => {
            match whose(&proof.checkpoint, policy) {
                Ok(key) => log = Some(key),
                Err(found) => findings.fault(*found),
            }
            if let Some(witnesses) = &policy.witnesses {
                judge_witnesses(&proof.checkpoint, witnesses, &mut findings);
            }
            match &policy.entry {
                Some(entry) => {
                    (head, entries) = (entry.hash(), 1);
                    at = Some((Seq(proof.index), entry));
                    judge_entry(&proof, entry, log, &mut findings);
                }
                None => {
                    let detail = "the entry that it is to prove was not given with it".to_owned();
                    findings.fault(fault(FaultCode::ProofInvalid, detail));
                }
            }
        }
    }
    let mut report = report(Format::TlogProof, entries, head, log, findings);
    hold(&mut report, at, policy);
    report
}

/// Judges a log folder: the checkpoint in it, who signed and cosigned it, every file
/// that it names, and the headers beside, if there are any. What of its entries can be told from here is only their place.
///
/// # Errors
/// Whatever keeps the folder from being read.
pub fn judge_log<S: TileSource>(source: &S, policy: &Policy) -> Result<Report, S::Error> {
    let mut findings = Findings::default();
    let (mut log, mut size, mut headers) = (None, 0, true);
    // What the files below do not show is judged as not here.
    let mut rest = policy.clone();
    let bytes = source.read(Resource::Checkpoint)?.unwrap_or_default();
    match SignedCheckpoint::parse(&bytes) {
        Err(error) => findings.fault(Fault::of_file(
            FaultCode::CheckpointInvalid,
            error.to_string(),
        )),
        Ok(checkpoint) => {
            size = checkpoint.content().size;
            match whose(&checkpoint, policy) {
                Ok(key) => log = Some(key),
                Err(found) => findings.fault(*found),
            }
            if let Some(witnesses) = &policy.witnesses {
                judge_witnesses(&checkpoint, witnesses, &mut findings);
            }
            let content = checkpoint.content();
            headers = judge_files(source, content, log, &mut rest, &mut findings)?;
            judge_kept(source, content, log, &mut rest, &mut findings)?;
        }
    }
    let mut report = report(Format::TlogTiles, size, Hash::ZERO, log, findings);
    if !headers {
        report.not_checked.push(NotChecked::Heads);
    }
    hold(&mut report, None, &rest);
    Ok(report)
}

/// Judges the checkpoints that were kept of a log, by the root that its tiles give for so
/// many entries. Those that are its own need no more.
fn judge_kept<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    log: Option<PublicKey>,
    policy: &mut Policy,
    findings: &mut Findings,
) -> Result<(), S::Error> {
    let mut left = Vec::new();
    for kept in std::mem::take(&mut policy.checkpoints) {
        let CheckpointText { size, root, .. } = *kept.content();
        let own = log.is_some_and(|log| signed_by(log, &kept).is_ok()) && size <= checkpoint.size;
        match root_before(source, size, checkpoint) {
            Err(SourceError::Source(error)) => return Err(error),
            Ok((given, _)) if own && given != root => {
                let detail = format!(
                    "the checkpoint of {size} entries that was given: the tiles give another root"
                );
                let found = Fault::of_file(FaultCode::HeadNotContained, detail);
                findings.fault(found.compared(root, given));
            }
            Ok(_) if own => {}
            Ok(_) | Err(_) => left.push(kept),
        }
    }
    policy.checkpoints = left;
    Ok(())
}

/// Judges what a checkpoint names, and the headers of the log of this key, which need not
/// be held against it any more. Says whether heads were checked.
fn judge_files<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    log: Option<PublicKey>,
    policy: &mut Policy,
    findings: &mut Findings,
) -> Result<bool, S::Error> {
    let invalid = |detail: String| Fault::of_file(FaultCode::TileInvalid, detail);
    let bytes = source.read(Resource::Headers)?;
    let mut heads = bytes.is_some();
    let mut headers = None;
    match bytes
        .zip(log)
        .map(|(bytes, log)| Headers::read(&bytes, log, checkpoint))
    {
        None => {}
        Some(Ok(read)) => {
            let shown = |header: &EpochHeader| read.holds(header);
            let kept = &mut policy.contains;
            let all = kept.len();
            kept.retain(|anchor| !(anchor.signed && anchor.epoch.as_deref().is_some_and(shown)));
            if kept.len() < all {
                // Heads between headers are of entries whose hashes are not here.
                let others = kept.len();
                kept.retain(|anchor| anchor.epoch.is_some());
                heads = kept.len() == others;
            }
            headers = Some(read);
        }
        Some(Err(error)) => findings.fault(invalid(error.to_string())),
    }
    let checked = check_all(source, checkpoint, |seq, data| {
        if let Some(headers) = &mut headers {
            headers.entry(seq, data);
        }
    });
    match checked {
        Err(SourceError::Source(error)) => return Err(error),
        Err(error) => findings.fault(invalid(error.to_string())),
        Ok(()) => {
            if let Some(Err(error)) = headers.map(Headers::finish) {
                findings.fault(invalid(error.to_string()));
            }
        }
    }
    Ok(heads)
}

fn report(
    format: Format,
    entries: u64,
    head: Hash,
    log: Option<PublicKey>,
    findings: Findings,
) -> Report {
    let clean = findings.is_clean();
    let (faults, warnings) = findings.into_lists();
    let not_checked = match format {
        Format::TlogTiles => vec![NotChecked::Signatures, NotChecked::Chain],
        _ => Vec::new(),
    };
    Report {
        verdict: if clean { Verdict::Pass } else { Verdict::Fail },
        format,
        entries,
        epochs: 0,
        head,
        log,
        genesis: None,
        key_source: match log {
            Some(_) => KeySource::Given,
            None => KeySource::None,
        },
        faults,
        not_checked,
        warnings,
        complete: None,
        redacted: None,
        logs: None,
    }
}

fn judge_entry(proof: &TlogProof, entry: &Entry, log: Option<PublicKey>, findings: &mut Findings) {
    let at = |code, detail: String| {
        Fault::at(code, At::Entry, proof.index, detail).with_seq(Some(proof.index))
    };
    let signature = entry.signature();
    if log.is_some_and(|log| !log.verify(entry.signing_payload(), &signature)) {
        let detail = "the signature is not the log key's on this entry".to_owned();
        findings.fault(at(FaultCode::SignatureInvalid, detail));
    }
    let data = leaf_hash(&entry.hash(), &signature);
    if let Err(error) = proof.check(&data) {
        let found = at(FaultCode::ProofInvalid, error.to_string());
        let checkpoint = proof.checkpoint.content();
        let led = root_of_path(proof.index, checkpoint.size, &data, &proof.path);
        findings.fault(match (error, led) {
            (InclusionError::Root, Ok(led)) => found.compared(checkpoint.root, led),
            _ => found,
        });
    }
}

/// The key under which a checkpoint stands: one of those that were given, or of a log
/// that the witness policy names; of both, where both name one.
///
/// # Errors
/// `untrusted_key` if nobody vouches for its name or key, `checkpoint_invalid` if that
/// key did not sign it so.
pub fn whose(checkpoint: &SignedCheckpoint, policy: &Policy) -> Result<PublicKey, Box<Fault>> {
    let origin = &checkpoint.content().origin;
    let untrusted = |detail: String| Fault::of_file(FaultCode::UntrustedKey, detail);
    let logs = policy.witnesses.as_ref().map(|known| known.logs.as_slice());
    let logs = logs.unwrap_or_default();
    let of_origin = logs.iter().filter(|log| log.key.name().as_str() == origin);
    let named: Vec<PublicKey> = of_origin
        .filter_map(|log| match log.key.algorithm() {
            Algorithm::Ed25519(key) => Some(*key),
            _ => None,
        })
        .collect();
    let candidates = match (policy.keys.as_slice(), logs) {
        ([], []) => {
            return Err(Box::new(untrusted(
                "no key of the log was given".to_owned(),
            )));
        }
        ([], _) => named,
        (given, []) => given.to_vec(),
        (given, _) => given
            .iter()
            .copied()
            .filter(|key| named.contains(key))
            .collect(),
    };
    let mut refused = None;
    for key in candidates {
        match signed_by(key, checkpoint) {
            Ok(_) => return Ok(key),
            Err(error) => refused = Some(error),
        }
    }
    Err(Box::new(match refused {
        None => untrusted(format!(
            "nothing that was given names the log `{origin}` with a key"
        )),
        Some(error @ NotTheLogs::Signature(SignatureFault::Absent { .. })) => {
            untrusted(error.to_string())
        }
        Some(error) => Fault::of_file(FaultCode::CheckpointInvalid, error.to_string()),
    }))
}

/// Whether a quorum cosigned, and nobody under a witness's name wrongly.
pub(crate) fn judge_witnesses(
    checkpoint: &SignedCheckpoint,
    policy: &WitnessPolicy,
    findings: &mut Findings,
) {
    let mut cosigned = Vec::new();
    for witness in &policy.witnesses {
        let verdict = witness.key.verify(checkpoint.note());
        cosigned.push(verdict.is_ok());
        match verdict {
            Ok(_) | Err(SignatureFault::Absent { .. }) => {}
            Err(error) => {
                let found = Fault::of_file(FaultCode::CosignatureInvalid, error.to_string());
                findings.fault(found);
            }
        }
    }
    if !policy.is_met(|at| cosigned.get(at).copied().unwrap_or(false)) {
        let have = cosigned.iter().filter(|by| **by).count();
        let detail = format!(
            "{have} of the policy's witnesses cosigned it, which is not a quorum of {}",
            policy.quorum_name()
        );
        findings.fault(Fault::of_file(FaultCode::QuorumMissing, detail));
    }
}
