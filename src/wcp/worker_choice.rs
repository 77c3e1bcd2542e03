//! The steps of a decision that choose a worker and judge it.

use std::sync::Arc;

use super::basis::WorkerStanding;
use super::consulted::{ConsultedCode, ConsultedPrivileges};
use super::decision::{CandidateWorker, MISSING_WORKER, SkipReason};
use super::denial::Denial;
use super::privilege::policy_allows_privilege;
use super::router::RoutingRun;
use super::rule::{RankedWorker, RuleEffect};
use super::telemetry::{TelemetryEvent, clean};
use crate::ledger::json::Number;

impl RoutingRun<'_> {
    /// The first candidate that is available, and what became of all of them.
    pub(super) fn select_worker(
        &mut self,
        effect: &RuleEffect,
    ) -> Result<(Arc<str>, Vec<CandidateWorker>), Denial> {
        let mut selected = None;
        let mut candidates = Vec::with_capacity(effect.candidates.len());
        for ranked in effect.candidates.iter() {
            let skip_reason = match self.available(ranked) {
                None => Some(SkipReason::Unavailable),
                Some(_) if selected.is_some() => Some(SkipReason::AlreadySelected),
                Some(species) => {
                    selected = Some(species);
                    None
                }
            };
            candidates.push(candidate(ranked, skip_reason));
        }
        match selected {
            Some(worker) => Ok((worker, candidates)),
            None => {
                self.candidates = candidates;
                Err(Denial::NoAvailableWorker)
            }
        }
    }

    /// The species of a candidate, if it is available.
    fn available(&mut self, ranked: &RankedWorker) -> Option<Arc<str>> {
        let species = ranked.worker_species_id.as_ref()?;
        let available = self.basis.registry.worker_available(species);
        self.consulted.workers.push((species.clone(), available));
        available.then(|| species.clone())
    }

    /// Denies a worker that was revoked or banned.
    pub(super) fn check_standing(&self, species: &Arc<str>) -> Result<(), Denial> {
        let worker = self.basis.registry.worker_of(species);
        let worker_species_id = species.clone();
        match worker.map(|worker| worker.standing) {
            None | Some(WorkerStanding::Active) => Ok(()),
            Some(WorkerStanding::Revoked) => Err(Denial::WorkerRevoked { worker_species_id }),
            Some(WorkerStanding::Banned) => Err(Denial::WorkerBanned { worker_species_id }),
        }
    }

    /// Compares the worker's code hash, where the Hall requires it (WCP §5.10).
    pub(super) fn attest(&mut self, worker: &Arc<str>) -> Result<Option<bool>, Denial> {
        if !self.basis.config.require_worker_attestation {
            return Ok(None);
        }
        let hashes = self.basis.registry;
        if !hashes.has_code_hashes() {
            return Err(Denial::AttestationUnconfigured);
        }
        let code = self.consulted.code.insert(ConsultedCode::default());
        code.registered = hashes.registered_hash(worker);
        match &code.registered {
            None => return Err(Denial::WorkerAttestationMissing),
            Some(hash) if !is_hash(hash) => return Err(Denial::WorkerAttestationInvalidHash),
            Some(_) => {}
        }
        code.current = hashes.current_hash(worker);
        if !code.current.as_deref().is_some_and(is_hash) {
            return Err(Denial::WorkerHashUnavailable);
        }
        if code.registered != code.current {
            self.attested = Some(false);
            return Err(Denial::WorkerTampered {
                worker_species_id: worker.clone(),
            });
        }
        Ok(Some(true))
    }

    /// Denies code that is banned, whether it is registered, running or only
    /// submitted; asks for the hashes itself where attestation did not.
    pub(super) fn check_ban_list(&mut self, worker: &Arc<str>) -> Result<(), Denial> {
        let registry = self.basis.registry;
        if !registry.has_bans() {
            return Ok(());
        }
        if self.consulted.code.is_none() && registry.has_code_hashes() {
            self.consulted.code = Some(ConsultedCode {
                registered: registry.registered_hash(worker),
                current: registry.current_hash(worker),
            });
        }
        let pending = registry
            .worker_of(worker)
            .and_then(|worker| worker.pending_hash);
        let code = self.consulted.code.as_ref();
        if code.is_none() && pending.is_none() {
            return Ok(());
        }
        let hashes = code.map(|code| [&code.registered, &code.current]);
        let hashes = hashes.into_iter().flatten().flatten().map(String::as_str);
        let banned = hashes
            .chain(pending.as_deref())
            .any(|hash| registry.is_banned(hash));
        self.consulted.banned = Some(banned);
        match banned {
            false => Ok(()),
            true => Err(Denial::WorkerBannedHash {
                worker_species_id: worker.clone(),
            }),
        }
    }

    pub(super) fn check_envelope(
        &mut self,
        effect: &RuleEffect,
        worker: &Arc<str>,
    ) -> Result<(), Denial> {
        if !effect.wants_envelope && !self.basis.config.enforce_privilege_envelopes {
            return Ok(());
        }
        let source = self.basis.registry;
        if !source.has_privileges() {
            return Err(Denial::PrivilegeEnvelopeUnconfigured);
        }
        let (env, data_label) = (self.input.env, self.input.data_label);
        let privileges = ConsultedPrivileges {
            envelope: source.privilege_envelope(worker),
            egress_allowlist: source.egress_allowlist(env),
        };
        let privileges = self.consulted.privileges.insert(privileges);
        policy_allows_privilege(
            env,
            data_label,
            privileges.envelope.as_deref(),
            privileges.egress_allowlist.as_deref(),
        )
        .map_err(|refusal| Denial::PrivilegeEnvelopeViolated {
            reason: refusal.to_string(),
            worker_species_id: worker.clone(),
        })?;
        self.events.push(TelemetryEvent::EnvelopeChecked {
            worker_species_id: clean(worker),
            policy_version: clean(&self.policy_version),
        });
        Ok(())
    }
}

fn candidate(ranked: &RankedWorker, skip_reason: Option<SkipReason>) -> CandidateWorker {
    let species = ranked.worker_species_id.clone();
    CandidateWorker {
        worker_species_id: species.unwrap_or_else(|| MISSING_WORKER.into()),
        score_hint: ranked.score_hint.and_then(Number::float),
        requires_controls_minimum: ranked.requires_controls_minimum.clone(),
        skip_reason,
    }
}

/// Exactly 64 lower-case hex digits.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
