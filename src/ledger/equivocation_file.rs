//! The verdict on a file that claims to prove an equivocation.

use super::equivocation::{Contradiction, Equivocation};
use super::fault::{Fault, FaultCode, Findings, Format, KeySource, Report, Verdict, WarningCode};
use super::hash::Hash;
use super::key::PublicKey;

/// Judges the bytes of such a file; `keys` are those that the caller speaks of,
/// none if he names none. A pass says that the proof holds: one of `keys` did
/// equivocate.
pub fn judge_equivocation(bytes: &[u8], keys: &[PublicKey]) -> Report {
    let mut findings = Findings::default();
    let proven = Equivocation::parse(bytes);
    let key_source = match keys {
        [] => KeySource::None,
        _ => KeySource::Given,
    };
    match &proven {
        Ok(proven) => {
            if let Some(fault) = untrusted(proven.log(), keys) {
                findings.fault(fault);
            } else {
                let detail = format!(
                    "the proof holds: the key {} signed {}",
                    proven.log(),
                    proven.contradiction()
                );
                findings.warning(WarningCode::EquivocationProven, detail);
            }
            if let Some(rollback) = proven.rollback() {
                let detail = format!(
                    "one side, {}, acknowledges a rollback: compare what it says was lost",
                    rollback.hash()
                );
                findings.warning(WarningCode::AcknowledgedRollback, detail);
            }
        }
        Err(error) => {
            let detail = format!("it proves no equivocation: {error}");
            findings.fault(Fault::of_file(FaultCode::ProofInvalid, detail));
        }
    }
    let clean = findings.is_clean();
    let (faults, warnings) = findings.into_lists();
    Report {
        verdict: if clean { Verdict::Pass } else { Verdict::Fail },
        format: Format::Equivocation,
        entries: proven.as_ref().map_or(0, entries_in),
        epochs: proven.as_ref().map_or(0, epochs_in),
        head: Hash::ZERO,
        log: proven.as_ref().ok().map(Equivocation::log),
        genesis: proven.as_ref().ok().and_then(genesis_of),
        key_source,
        faults,
        not_checked: Vec::new(),
        warnings,
        complete: None,
        redacted: None,
        logs: None,
    }
}

fn untrusted(log: PublicKey, keys: &[PublicKey]) -> Option<Fault> {
    if keys.contains(&log) {
        return None;
    }
    if keys.is_empty() {
        let detail = "no key was given: whose equivocation this is, nobody vouches for";
        return Some(Fault::of_file(FaultCode::UntrustedKey, detail));
    }
    let given: Vec<_> = keys.iter().map(PublicKey::to_string).collect();
    let detail = "the key that equivocated is none of those given";
    let fault = Fault::of_file(FaultCode::UntrustedKey, detail);
    Some(fault.compared(given.join(" "), log))
}

fn entries_in(proven: &Equivocation) -> u64 {
    match proven.contradiction() {
        Contradiction::Entries { .. } | Contradiction::Openings { .. } => 2,
        Contradiction::Index { .. } => 1,
        _ => 0,
    }
}

fn epochs_in(proven: &Equivocation) -> u64 {
    match proven.contradiction() {
        Contradiction::Epochs { .. } | Contradiction::Index { .. } => 2,
        _ => 0,
    }
}

fn genesis_of(proven: &Equivocation) -> Option<Hash> {
    match proven.contradiction() {
        Contradiction::Epochs { genesis, .. }
        | Contradiction::Heads { genesis, .. }
        | Contradiction::Index { genesis, .. } => Some(*genesis),
        _ => None,
    }
}
