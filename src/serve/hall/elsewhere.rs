//! Decisions that were taken elsewhere, by the SDK of PyHall in somebody's process:
//! computed again here from what they were taken from, and recorded before they are
//! acted on. What is recorded is what was computed here. Where that is another
//! decision than the one taken, the other is recorded as a claim, and the answer says
//! that they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::json::{Form, Object, Value};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::shape::{self, MemberError};
use crate::record::outcome::ACTOR;
use crate::record::{DecisionRequest, Hall, Outcome};
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::answer;
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::wcp::RouteInput;
use crate::wcp::basis::{DEFAULT_TASK_ID, RegistryView};
use crate::wcp::config::HallConfig;
use crate::wcp::gate::{FixedGate, GateAnswer, GateError};
use crate::wcp::rules::load_rules_from_dict;
use crate::wcp::stamp::{DecisionId, DecisionStamp};
use crate::wcp::terms::Env;

/// A decision, and what it was taken from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Taken {
    /// The request, as `/route` takes it.
    #[schema(value_type = Object)]
    input: Value,
    /// The routing task.
    task_id: Option<String>,
    /// The routing rules: `{"rules": […]}`.
    #[schema(value_type = Object)]
    rules: Value,
    /// The Hall's configuration; without one, the default.
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    /// What the registry answered.
    registry: Given,
    /// What the policy gate answered; without one, there was none.
    gate: Option<GivenGate>,
    /// The decision as it was taken there.
    #[schema(value_type = Object)]
    decision: Value,
}

/// What a registry answered elsewhere: taken on trust, and recorded.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Given {
    /// The controls that are present.
    controls: BTreeSet<String>,
    /// The worker species that were asked for.
    workers: BTreeMap<String, GivenWorker>,
    /// Whether there was a source of privilege envelopes.
    has_privileges: bool,
    /// Whether there was a source of code hashes.
    has_code_hashes: bool,
    /// The destinations that may be reached from the request's environment.
    egress: Option<Vec<String>>,
}

/// What was answered of a worker species.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct GivenWorker {
    available: bool,
    #[schema(value_type = Option<Object>)]
    envelope: Option<Value>,
    registered_hash: Option<String>,
    current_hash: Option<String>,
}

/// What a gate written elsewhere answered: taken on trust.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct GivenGate {
    decision: Option<String>,
    policy_version: Option<String>,
    reason: Option<String>,
    /// Why it gave no answer.
    error: Option<String>,
}

/// The decision that counts, and where it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Custody {
    /// As it was computed here.
    #[schema(value_type = Object)]
    decision: Value,
    /// The evidence receipt; `null` if the decision could not be recorded, which
    /// denies it.
    #[schema(value_type = Option<Object>)]
    receipt: Option<Object>,
    /// Whether it is the decision that was taken.
    agrees: bool,
    /// The members in which it is another.
    differs: Vec<&'static str>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_taken, _, _>(
        Need::Scope(Scope::Route),
        Takes::Json,
        taken,
    )]
}

/// Computes a decision again that was taken elsewhere, and records it with all that
/// it was taken from. The answer comes when it is durable.
#[utoipa::path(post, path = "/v1/decisions", tag = "hall", request_body = Taken,
    responses((status = 200, description = "The decision that counts", body = Custody)))]
pub(in crate::serve) async fn taken(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let value = parse_with(body, &limits::embedded(1))?;
        let taken: Taken = shape::read(&value, "")?;
        decide(service, &actor, taken)
    };
    Ok(answer(&take_up(service, request, work).await?))
}

fn decide(service: &Service, actor: &Actor, taken: Taken) -> Result<Custody, Problem> {
    let input = RouteInput::read(&taken.input, "input")?;
    let rules = load_rules_from_dict(&taken.rules).map_err(|error| Problem::Query {
        detail: format!("rules: {error}"),
    })?;
    let mut hall = Hall::new(rules);
    if let Some(config) = &taken.config {
        hall = hall.with_config(HallConfig::read(config, "config")?);
    }
    if let Some(gate) = taken.gate {
        hall = hall.with_gate(Arc::new(gate.fixed()));
    }
    let asked = DecisionRequest {
        input: &input,
        approval: None,
        task_id: taken.task_id.as_deref().unwrap_or(DEFAULT_TASK_ID),
        actor: Some(&actor.to_value()),
        stamp: DecisionStamp {
            decision_id: DecisionId::from_random(service.random()?),
            timestamp: service.clock.wall(),
        },
    };
    let registry = GivenSlice::of(taken.registry)?;
    let recorder = &service.recorder;
    let prepared = recorder.prepare(hall.governance(), &registry, &asked);
    let recorded = recorder.submit(prepared).wait();
    let decision = recorded.decision.to_value();
    let differs = differences(&decision, &taken.decision);
    if !differs.is_empty()
        && let Value::Object(mut claim) = taken.decision
    {
        // The signature of the one who took it is the token's.
        claim.remove(ACTOR);
        let outcome = Outcome::ingested(Value::from(actor.name()), claim);
        recorder.record(&outcome.by(actor.to_value()))?;
    }
    let receipt = match &recorded.receipt {
        Ok(receipt) => Some(receipt.to_object()),
        Err(error) => {
            tracing::error!(%error, "a decision could not be recorded, and was denied");
            None
        }
    };
    Ok(Custody {
        decision,
        receipt,
        agrees: differs.is_empty(),
        differs,
    })
}

/// The members that say what is done: what a decision is called, when it was taken
/// and in which words it was denied are its own.
const COMPARED: [&str; 3] = ["denied", "matched_rule_id", "selected_worker_species_id"];

fn differences(here: &Value, there: &Value) -> Vec<&'static str> {
    let text = |value: Option<&Value>| value.unwrap_or(&Value::Null).canonical(Form::Utf8);
    let mut differs: Vec<_> = COMPARED
        .into_iter()
        .filter(|name| text(here.get(name)) != text(there.get(name)))
        .collect();
    let code = |decision: &Value| {
        let reason = decision.get("deny_reason_if_denied");
        text(reason.and_then(|reason| reason.get("code")))
    };
    if code(here) != code(there) {
        differs.push("deny_reason_if_denied.code");
    }
    differs
}

impl GivenGate {
    fn fixed(self) -> FixedGate {
        FixedGate(match (self.error, self.decision) {
            (None, Some(decision)) => Ok(GateAnswer {
                decision,
                policy_version: self.policy_version.unwrap_or_default(),
                reason: self.reason.unwrap_or_default(),
            }),
            (error, _) => Err(GateError::Failed {
                detail: error.unwrap_or_else(|| "it gave no answer".to_owned()),
            }),
        })
    }
}

/// What a registry answered, as the router asks it again.
struct GivenSlice {
    given: Given,
    envelopes: BTreeMap<String, Arc<Object>>,
    egress: Option<Arc<[String]>>,
}

impl GivenSlice {
    fn of(mut given: Given) -> Result<GivenSlice, MemberError> {
        let mut envelopes = BTreeMap::new();
        for (species, worker) in &mut given.workers {
            match worker.envelope.take() {
                None | Some(Value::Null) => {}
                Some(value) => {
                    let members = shape::members(&value)?;
                    envelopes.insert(species.clone(), Arc::new(members.clone()));
                }
            }
        }
        let egress = given.egress.take().map(Arc::from);
        Ok(GivenSlice {
            given,
            envelopes,
            egress,
        })
    }
}

impl RegistryView for GivenSlice {
    fn control_present(&self, control_id: &str) -> bool {
        self.given.controls.contains(control_id)
    }

    fn worker_available(&self, species: &str) -> bool {
        let worker = self.given.workers.get(species);
        worker.is_some_and(|worker| worker.available)
    }

    fn has_privileges(&self) -> bool {
        self.given.has_privileges
    }

    fn privilege_envelope(&self, species: &str) -> Option<Arc<Object>> {
        self.envelopes.get(species).cloned()
    }

    fn egress_allowlist(&self, _env: Env) -> Option<Arc<[String]>> {
        self.egress.clone()
    }

    fn has_code_hashes(&self) -> bool {
        self.given.has_code_hashes
    }

    fn registered_hash(&self, species: &str) -> Option<String> {
        self.given.workers.get(species)?.registered_hash.clone()
    }

    fn current_hash(&self, species: &str) -> Option<String> {
        self.given.workers.get(species)?.current_hash.clone()
    }
}
