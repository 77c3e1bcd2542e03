//! Taking a decision.

use std::sync::{Arc, LazyLock};

use super::blast::{HUMAN_FROM, blast_score, in_range};
use super::consulted::{Consulted, ConsultedCode, ConsultedPrivileges};
use super::decision::{
    CandidateWorker, MISSING_WORKER, NO_MATCH, PRE_ROUTING, RouteDecision, SkipReason,
};
use super::denial::{Denial, HIGH_BLAST};
use super::escalation::{Escalation, PreconditionsChecked};
use super::gate::{DEFAULT_POLICY_VERSION, GateContext, GateError};
use super::hall::Hall;
use super::input::{RouteInput, is_blank};
use super::privilege::policy_allows_privilege;
use super::rule::{RankedWorker, RuleEffect};
use super::stamp::Stamp;
use super::telemetry::{Envelope, Event, Subject, clean, without_controls};
use crate::ledger::json::Value;

/// A decision, and what it was taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The decision.
    pub decision: RouteDecision,
    /// What was asked of the Hall, and what it answered.
    pub consulted: Consulted,
}

/// Decides on a request: allowed with a worker to dispatch to, or denied with a
/// reason. It cannot fail, and depends on its arguments alone.
///
/// The order is that of SPEC §5.1, and the first step that denies decides.
#[must_use]
pub fn make_decision(input: &RouteInput, hall: &Hall<'_>, stamp: Stamp) -> Decided {
    let mut run = Run::new(input, hall);
    let outcome = run.decide();
    run.finish(outcome, stamp)
}

/// A decision on its way.
struct Run<'a> {
    input: &'a RouteInput,
    hall: &'a Hall<'a>,
    consulted: Consulted,
    /// What a decision says of the steps so far.
    matched_rule_id: Arc<str>,
    escalation: Arc<Escalation>,
    preconditions: PreconditionsChecked,
    required_controls: Arc<[Arc<str>]>,
    candidates: Vec<CandidateWorker>,
    attested: Option<bool>,
    policy_version: Arc<str>,
    events: Vec<Event>,
}

/// What a decision says before a rule says otherwise: shared, since every
/// request begins with it.
static UNROUTED: LazyLock<Unrouted> = LazyLock::new(|| Unrouted {
    pre_routing: PRE_ROUTING.into(),
    no_match: NO_MATCH.into(),
    policy_version: DEFAULT_POLICY_VERSION.into(),
    escalation: Arc::default(),
    controls: Arc::default(),
    profiles: Arc::default(),
});

struct Unrouted {
    pre_routing: Arc<str>,
    no_match: Arc<str>,
    policy_version: Arc<str>,
    escalation: Arc<Escalation>,
    controls: Arc<[Arc<str>]>,
    profiles: Arc<[Value]>,
}

/// What is allowed.
struct Allowed<'a> {
    effect: &'a RuleEffect,
    worker: Arc<str>,
}

impl<'a> Run<'a> {
    fn new(input: &'a RouteInput, hall: &'a Hall<'a>) -> Run<'a> {
        Run {
            input,
            hall,
            consulted: Consulted::default(),
            matched_rule_id: UNROUTED.pre_routing.clone(),
            escalation: UNROUTED.escalation.clone(),
            preconditions: PreconditionsChecked::default(),
            required_controls: UNROUTED.controls.clone(),
            candidates: Vec::new(),
            attested: None,
            policy_version: UNROUTED.policy_version.clone(),
            events: Vec::new(),
        }
    }

    /// The steps of SPEC §5.1.
    fn decide(&mut self) -> Result<Allowed<'a>, Denial> {
        self.admit()?;
        let effect = self.route()?;
        self.check_correlation()?;
        self.check_controls(effect)?;
        // From here on the rule's escalation is in effect.
        self.escalation = effect.escalation.clone();
        self.score_blast(effect)?;
        let asked = self.pass_gate()?;
        let (worker, candidates) = self.select_worker(effect)?;
        let attested = self.attest(&worker)?;
        self.check_ban_list(&worker)?;
        self.check_envelope(effect, &worker)?;
        self.candidates = candidates;
        self.attested = attested;
        self.report_dispatch(&worker, asked);
        Ok(Allowed { effect, worker })
    }

    /// Signatory, tenant, and the caller's score.
    fn admit(&self) -> Result<(), Denial> {
        let (input, config) = (self.input, self.hall.config);
        if config.require_signatory && !config.allowed_tenants.contains(&input.tenant_id) {
            return Err(Denial::UnknownTenant {
                tenant_id: input.tenant_id.clone(),
            });
        }
        if is_blank(&input.tenant_id) {
            return Err(Denial::MissingTenantId);
        }
        match &input.blast_score {
            Some(score) if in_range(score).is_none() => Err(Denial::InvalidInput {
                blast_score: score.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Shadow rules, then the first rule that matches.
    fn route(&mut self) -> Result<&'a RuleEffect, Denial> {
        self.matched_rule_id = UNROUTED.no_match.clone();
        let rules = self.hall.rules;
        if self.input.env.is_production() {
            let shadows = rules.shadows();
            if shadows.total > 0 {
                let ids = shadows.pairs.iter().map(|s| s.shadowed_rule_id.clone());
                return Err(Denial::ShadowRulesDetected {
                    shadow_count: shadows.total,
                    shadowed_rule_ids: ids.collect(),
                });
            }
        }
        let rule = rules
            .first_match(self.input)
            .ok_or(Denial::NoMatchingRule)?;
        self.matched_rule_id = rule.rule_id.clone();
        self.preconditions = rule.effect.preconditions;
        self.required_controls = rule.effect.required_controls.clone();
        Ok(&rule.effect)
    }

    fn check_correlation(&self) -> Result<(), Denial> {
        let enforced =
            self.hall.config.enforce_correlation_id || self.preconditions.must_have_correlation_id;
        match enforced && is_blank(&self.input.correlation_id) {
            true => Err(Denial::MissingCorrelationId),
            false => Ok(()),
        }
    }

    fn check_controls(&mut self, effect: &RuleEffect) -> Result<(), Denial> {
        let enforced = self.hall.config.enforce_required_controls
            || self.preconditions.deny_if_missing_required_controls;
        if !enforced {
            return Ok(());
        }
        let roster = self.hall.roster;
        let controls = effect.required_controls.iter();
        self.consulted.controls = controls
            .map(|control| (control.clone(), roster.control_present(control)))
            .collect();
        let absent = self.consulted.controls.iter().filter(|(_, there)| !there);
        let missing: Vec<_> = absent.map(|(control, _)| control.clone()).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Denial::MissingRequiredControls { missing }),
        }
    }

    fn score_blast(&mut self, effect: &RuleEffect) -> Result<(), Denial> {
        let production = self.input.env.is_production();
        let scored = effect.wants_blast_score
            || production && self.hall.config.enforce_blast_scoring_in_prod;
        if !scored {
            return Ok(());
        }
        let blast_score = blast_score(self.input);
        if production && blast_score >= HUMAN_FROM {
            self.escalate(true, HIGH_BLAST);
            return Err(Denial::RequiresHuman { blast_score });
        }
        self.events.push(Event::BlastScored {
            blast_score,
            policy_version: self.policy_version.clone(),
        });
        Ok(())
    }

    /// Whether the gate was asked; it is where the rule wants it.
    fn pass_gate(&mut self) -> Result<bool, Denial> {
        if !self.escalation.policy_gate {
            return Ok(false);
        }
        let gate = self.hall.gate.ok_or(Denial::PolicyGateUnconfigured)?;
        let answer = gate.evaluate(&GateContext::of(self.input));
        let answer = self.consulted.gate.insert(answer).clone();
        let answer = match answer {
            Ok(answer) => answer,
            Err(GateError::Undefined | GateError::Malformed(_)) => return self.invalid_answer(),
            // A stub is no gate, so a Hall that has only a stub has none here.
            Err(GateError::StubOutsideDev { .. }) => return Err(Denial::PolicyGateUnconfigured),
            Err(_) => return Err(Denial::InternalError),
        };
        let policy_version: Arc<str> = answer.policy_version.into();
        let reason = answer.reason;
        match answer.decision.as_str() {
            "ALLOW" => {
                self.policy_version = policy_version;
                Ok(true)
            }
            "DENY" => {
                self.escalate(false, &reason);
                Err(Denial::PolicyGate {
                    policy_version,
                    reason,
                })
            }
            "REQUIRE_HUMAN" => {
                self.escalate(true, &reason);
                Err(Denial::RequiresHumanApproval {
                    policy_version,
                    reason,
                })
            }
            _ => self.invalid_answer(),
        }
    }

    fn invalid_answer(&mut self) -> Result<bool, Denial> {
        self.escalate(false, "invalid_gate_response");
        Err(Denial::PolicyGateInvalidResponse)
    }

    /// The first candidate that is available, and what became of all of them.
    fn select_worker(
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
        let available = self.hall.roster.worker_available(species);
        self.consulted.workers.push((species.clone(), available));
        available.then(|| species.clone())
    }

    /// Compares the worker's code hash, where the Hall requires it (WCP §5.10).
    fn attest(&mut self, worker: &Arc<str>) -> Result<Option<bool>, Denial> {
        if !self.hall.config.require_worker_attestation {
            return Ok(None);
        }
        let hashes = self
            .hall
            .code_hashes
            .ok_or(Denial::AttestationUnconfigured)?;
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

    /// Denies code that is banned, whether it is registered or running; asks
    /// for the hashes itself where attestation did not.
    fn check_ban_list(&mut self, worker: &Arc<str>) -> Result<(), Denial> {
        let Some(bans) = self.hall.ban_list else {
            return Ok(());
        };
        if let (None, Some(hashes)) = (&self.consulted.code, self.hall.code_hashes) {
            self.consulted.code = Some(ConsultedCode {
                registered: hashes.registered_hash(worker),
                current: hashes.current_hash(worker),
            });
        }
        let Some(code) = &self.consulted.code else {
            return Ok(());
        };
        let mut known = code.registered.iter().chain(&code.current);
        let banned = known.any(|hash| bans.is_banned(hash));
        self.consulted.banned = Some(banned);
        match banned {
            false => Ok(()),
            true => Err(Denial::WorkerBannedHash {
                worker_species_id: worker.clone(),
            }),
        }
    }

    fn check_envelope(&mut self, effect: &RuleEffect, worker: &Arc<str>) -> Result<(), Denial> {
        if !effect.wants_envelope && !self.hall.config.enforce_privilege_envelopes {
            return Ok(());
        }
        let source = self.hall.privileges;
        let source = source.ok_or(Denial::PrivilegeEnvelopeUnconfigured)?;
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
        self.events.push(Event::EnvelopeChecked {
            worker_species_id: clean(worker),
            policy_version: clean(&self.policy_version),
        });
        Ok(())
    }

    /// The events that every allowed decision has.
    fn report_dispatch(&mut self, worker: &Arc<str>, asked: bool) {
        let worker = clean(worker);
        let policy_version = clean(&self.policy_version);
        if self.input.env.is_production() && !self.hall.config.require_worker_attestation {
            self.events.push(Event::AttestationSkipped {
                worker_species_id: worker.clone(),
            });
        }
        self.events.push(Event::TaskRouted {
            matched_rule_id: clean(&self.matched_rule_id),
            policy_version: policy_version.clone(),
            selected_worker_species_id: worker.clone(),
            task_id: without_controls(self.hall.task_id).into(),
        });
        self.events.push(Event::WorkerSelected {
            selected_worker_species_id: worker,
        });
        self.events.push(Event::PolicyGated {
            policy_version,
            asked,
        });
    }

    /// Puts a step's own reason into the escalation.
    fn escalate(&mut self, human: bool, rationale: &str) {
        let escalation = Arc::make_mut(&mut self.escalation);
        escalation.human_required_default |= human;
        escalation.rationale = Some(rationale.to_owned());
    }

    fn finish(self, outcome: Result<Allowed<'a>, Denial>, stamp: Stamp) -> Decided {
        let input = self.input;
        let (denial, allowed, envelopes) = match outcome {
            Ok(allowed) => {
                let subject = Arc::new(Subject::of(input, stamp.timestamp));
                let envelope = |event| Envelope {
                    subject: subject.clone(),
                    event,
                };
                let envelopes = self.events.into_iter().map(envelope).collect();
                (None, Some(allowed), envelopes)
            }
            Err(denial) => {
                let rule = &self.matched_rule_id;
                let envelope = Envelope::denied(input, stamp.timestamp, &denial, rule);
                (Some(denial), None, vec![envelope])
            }
        };
        let profiles = allowed
            .as_ref()
            .map(|a| a.effect.recommended_profiles.clone());
        let decision = RouteDecision {
            decision_id: stamp.decision_id,
            timestamp: stamp.timestamp,
            correlation_id: input.correlation_id.clone(),
            tenant_id: input.tenant_id.clone(),
            capability_id: input.capability_id.clone(),
            matched_rule_id: self.matched_rule_id,
            env: input.env,
            data_label: input.data_label,
            tenant_risk: input.tenant_risk,
            qos_class: input.qos_class,
            artifact_hash: denial.is_none().then(|| input.artifact_hash()),
            deny_reason_if_denied: denial,
            selected_worker_species_id: allowed.map(|allowed| allowed.worker),
            candidate_workers_ranked: self.candidates,
            required_controls_effective: self.required_controls,
            recommended_profiles_effective: profiles.unwrap_or_else(|| UNROUTED.profiles.clone()),
            escalation_effective: self.escalation,
            preconditions_checked: self.preconditions,
            worker_attestation_checked: self.attested.is_some(),
            worker_attestation_valid: self.attested,
            dry_run: input.dry_run,
            telemetry_envelopes: envelopes,
        };
        Decided {
            decision,
            consulted: self.consulted,
        }
    }
}

fn candidate(ranked: &RankedWorker, skip_reason: Option<SkipReason>) -> CandidateWorker {
    let species = ranked.worker_species_id.clone();
    CandidateWorker {
        worker_species_id: species.unwrap_or_else(|| MISSING_WORKER.into()),
        score_hint: ranked.score_hint,
        requires_controls_minimum: ranked.requires_controls_minimum.clone(),
        skip_reason,
    }
}

/// Exactly 64 lower-case hex digits.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
