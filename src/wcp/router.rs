//! Taking a decision.

use std::sync::{Arc, LazyLock};

use super::basis::Basis;
use super::blast::{HUMAN_FROM, blast_score, in_range};
use super::consulted::Consulted;
use super::decision::{CandidateWorker, NO_MATCH, PRE_ROUTING, RouteDecision};
use super::denial::{Denial, HIGH_BLAST};
use super::escalation::{Escalation, PreconditionsChecked};
use super::gate::{DEFAULT_POLICY_VERSION, GateContext, GateError};
use super::input::{RouteInput, is_blank};
use super::rule::RuleEffect;
use super::stamp::DecisionStamp;
use super::telemetry::{Telemetry, TelemetryEvent, TelemetrySubject, clean, clean_str};
use crate::ledger::json::Value;
use crate::ledger::written::Written;

#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub decision: RouteDecision,
    pub consulted: Consulted,
}

/// Decides on a request: allowed with a worker to dispatch to, or denied with a
/// reason. It cannot fail, and depends on its arguments alone.
///
/// The order is that of SPEC §5.1, and the first step that denies decides.
pub fn make_decision(input: &RouteInput, basis: &Basis<'_>, stamp: DecisionStamp) -> Decided {
    let mut run = RoutingRun::new(input, basis);
    let outcome = run.decide();
    run.finish(outcome, stamp)
}

pub(super) struct RoutingRun<'a> {
    pub(super) input: &'a RouteInput,
    pub(super) basis: &'a Basis<'a>,
    pub(super) consulted: Consulted,
    /// What a decision says of the steps so far.
    matched_rule_id: Arc<str>,
    escalation: Arc<Written<Escalation>>,
    preconditions: Arc<Written<PreconditionsChecked>>,
    required_controls: Arc<Written<Vec<Arc<str>>>>,
    pub(super) candidates: Vec<CandidateWorker>,
    pub(super) attested: Option<bool>,
    pub(super) policy_version: Arc<str>,
    pub(super) events: Vec<TelemetryEvent>,
}

/// What a decision says before a rule says otherwise: shared, since every
/// request begins with it.
static UNROUTED: LazyLock<Unrouted> = LazyLock::new(|| Unrouted {
    pre_routing: PRE_ROUTING.into(),
    no_match: NO_MATCH.into(),
    policy_version: DEFAULT_POLICY_VERSION.into(),
    escalation: Arc::default(),
    preconditions: Arc::default(),
    controls: Arc::default(),
    profiles: Arc::default(),
});

struct Unrouted {
    pre_routing: Arc<str>,
    no_match: Arc<str>,
    policy_version: Arc<str>,
    escalation: Arc<Written<Escalation>>,
    preconditions: Arc<Written<PreconditionsChecked>>,
    controls: Arc<Written<Vec<Arc<str>>>>,
    profiles: Arc<Written<Vec<Value>>>,
}

struct Allowed<'a> {
    effect: &'a RuleEffect,
    worker: Arc<str>,
}

impl<'a> RoutingRun<'a> {
    fn new(input: &'a RouteInput, basis: &'a Basis<'a>) -> RoutingRun<'a> {
        RoutingRun {
            input,
            basis,
            consulted: Consulted::default(),
            matched_rule_id: UNROUTED.pre_routing.clone(),
            escalation: UNROUTED.escalation.clone(),
            preconditions: UNROUTED.preconditions.clone(),
            required_controls: UNROUTED.controls.clone(),
            candidates: Vec::new(),
            attested: None,
            policy_version: UNROUTED.policy_version.clone(),
            // The most that there can be.
            events: Vec::with_capacity(6),
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
        self.check_standing(&worker)?;
        let attested = self.attest(&worker)?;
        self.check_ban_list(&worker)?;
        self.check_envelope(effect, &worker)?;
        self.candidates = candidates;
        self.attested = attested;
        self.report_dispatch(&worker, asked);
        Ok(Allowed { effect, worker })
    }

    fn admit(&self) -> Result<(), Denial> {
        let (input, config) = (self.input, self.basis.config);
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

    fn route(&mut self) -> Result<&'a RuleEffect, Denial> {
        self.matched_rule_id = UNROUTED.no_match.clone();
        let rules = self.basis.rules;
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
        self.preconditions = rule.effect.preconditions.clone();
        self.required_controls = rule.effect.required_controls.clone();
        Ok(&rule.effect)
    }

    fn check_correlation(&self) -> Result<(), Denial> {
        let enforced =
            self.basis.config.enforce_correlation_id || self.preconditions.must_have_correlation_id;
        match enforced && is_blank(&self.input.correlation_id) {
            true => Err(Denial::MissingCorrelationId),
            false => Ok(()),
        }
    }

    fn check_controls(&mut self, effect: &RuleEffect) -> Result<(), Denial> {
        let enforced = self.basis.config.enforce_required_controls
            || self.preconditions.deny_if_missing_required_controls;
        if !enforced {
            return Ok(());
        }
        let registry = self.basis.registry;
        let controls = effect.required_controls.iter();
        self.consulted.controls = controls
            .map(|control| (control.clone(), registry.control_present(control)))
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
            || production && self.basis.config.enforce_blast_scoring_in_prod;
        if !scored {
            return Ok(());
        }
        let blast_score = blast_score(self.input);
        if production && blast_score >= HUMAN_FROM && !self.is_approved() {
            self.escalate(true, HIGH_BLAST);
            return Err(Denial::RequiresHuman { blast_score });
        }
        self.events.push(TelemetryEvent::BlastScored {
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
        let gate = self.basis.gate.ok_or(Denial::PolicyGateUnconfigured)?;
        let answer = gate.evaluate(&GateContext::of(self.input));
        let answer = self.consulted.gate.insert(answer).clone();
        let answer = match answer {
            Ok(answer) => answer,
            Err(GateError::Undefined | GateError::Malformed(_)) => return self.invalid_answer(),
            // A stub is not a gate, so a Hall that has only a stub has none here.
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
            "REQUIRE_HUMAN" if self.is_approved() => {
                self.policy_version = policy_version;
                Ok(true)
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

    /// Whether a human has approved; asked only where one is wanted.
    fn is_approved(&mut self) -> bool {
        self.consulted.approval = self.basis.approval.map(Arc::from);
        self.consulted.approval.is_some()
    }

    fn invalid_answer(&mut self) -> Result<bool, Denial> {
        self.escalate(false, "invalid_gate_response");
        Err(Denial::PolicyGateInvalidResponse)
    }

    /// The events that every allowed decision has.
    fn report_dispatch(&mut self, worker: &Arc<str>, asked: bool) {
        let worker = clean(worker);
        let policy_version = clean(&self.policy_version);
        // It was scored before the gate was asked, and is reported after.
        for event in &mut self.events {
            if let TelemetryEvent::BlastScored {
                policy_version: of, ..
            } = event
            {
                *of = policy_version.clone();
            }
        }
        if self.input.env.is_production() && !self.basis.config.require_worker_attestation {
            self.events.push(TelemetryEvent::AttestationSkipped {
                worker_species_id: worker.clone(),
            });
        }
        self.events.push(TelemetryEvent::TaskRouted {
            matched_rule_id: clean(&self.matched_rule_id),
            policy_version: policy_version.clone(),
            selected_worker_species_id: worker.clone(),
            task_id: clean_str(self.basis.task_id),
        });
        self.events.push(TelemetryEvent::WorkerSelected {
            selected_worker_species_id: worker,
        });
        self.events.push(TelemetryEvent::PolicyGated {
            policy_version,
            asked,
        });
    }

    /// Puts a step's own reason into the escalation.
    fn escalate(&mut self, human: bool, rationale: &str) {
        let mut escalation = Escalation::clone(&self.escalation);
        escalation.human_required_default |= human;
        escalation.rationale = Some(rationale.to_owned());
        self.escalation = Arc::new(Written::new(escalation));
    }

    fn finish(self, outcome: Result<Allowed<'a>, Denial>, stamp: DecisionStamp) -> Decided {
        let input = self.input;
        let correlation_id: Arc<str> = input.correlation_id.as_str().into();
        let tenant_id: Arc<str> = input.tenant_id.as_str().into();
        let capability_id: Arc<str> = input.capability_id.as_str().into();
        let subject = TelemetrySubject {
            timestamp: stamp.timestamp,
            correlation_id: clean(&correlation_id),
            tenant_id: clean(&tenant_id),
            capability_id: clean(&capability_id),
            env: input.env,
            data_label: input.data_label,
            qos_class: input.qos_class,
            dry_run: input.dry_run,
        };
        let (allowed, denial) = match outcome {
            Ok(allowed) => (Some(allowed), None),
            Err(denial) => (None, Some(denial)),
        };
        let telemetry = match &denial {
            Some(denial) => Telemetry::denied(subject, denial, &self.matched_rule_id),
            None => Telemetry {
                subject,
                events: self.events,
            },
        };
        let profiles = allowed
            .as_ref()
            .map(|a| a.effect.recommended_profiles.clone());
        let decision = RouteDecision {
            decision_id: stamp.decision_id,
            timestamp: stamp.timestamp,
            correlation_id,
            tenant_id,
            capability_id,
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
            telemetry_envelopes: telemetry,
        };
        Decided {
            decision,
            consulted: self.consulted,
        }
    }
}
