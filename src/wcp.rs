//! WCP routing: which worker may serve a request, and why not.
//!
//! Everything here is a pure decision. [`make_decision`] takes a
//! [`RouteInput`], a [`Basis`] and a [`DecisionStamp`], and gives a
//! [`RouteDecision`] with the [`Consulted`] answers that it was taken from. It
//! has no clock, no randomness and no memory, so an auditor who has the input,
//! the rules, the configuration and the consulted answers computes the same
//! decision again. Files are read only where rules, a registry, workers'
//! sources or a Rego policy are loaded.
//!
//! ```text
//! terms ─► input ─┐
//! condition ─► rule ─► shadow ─► rule_set ◄─ rules (load)
//! config ─────────┼─► basis ◄─ registry, snapshot (views), gate ◄─ rego
//!                 └─► router ─► decision ◄─ denial, telemetry, escalation
//!                        └────► consulted
//! ```
//!
//! ```
//! use sealbook::ledger::{parse::parse, time::Timestamp};
//! use sealbook::wcp::stamp::{DecisionId, DecisionStamp};
//! use sealbook::wcp::{Basis, HallConfig, Registry, RouteInput, basis, load_rules_from_dict};
//! use sealbook::wcp::make_decision;
//!
//! let rules = load_rules_from_dict(&parse(br#"{"rules": [{
//!     "rule_id": "rr_summarize",
//!     "match": {"capability_id": "cap.doc.summarize", "env": {"in": ["dev", "stage"]}},
//!     "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.doc.summarizer"}]}
//! }]}"#)?)?;
//! let mut registry = Registry::new();
//! registry.enroll(&parse(br#"{
//!     "worker_id": "org.example.summarizer",
//!     "worker_species_id": "wrk.doc.summarizer",
//!     "capabilities": ["cap.doc.summarize"]
//! }"#)?)?;
//! let input = RouteInput::read(&parse(br#"{
//!     "capability_id": "cap.doc.summarize", "env": "dev", "data_label": "INTERNAL",
//!     "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme-corp",
//!     "correlation_id": "6f1f2d1e-0c1a-4c1e-9d2b-000000000001"
//! }"#)?, "")?;
//! let basis = Basis {
//!     rules: &rules,
//!     config: &HallConfig::default(),
//!     registry: &registry,
//!     gate: None,
//!     approval: None,
//!     task_id: basis::DEFAULT_TASK_ID,
//! };
//! let stamp = DecisionStamp {
//!     decision_id: DecisionId::from_random([7; 16]),
//!     timestamp: Timestamp::parse("2026-01-02T03:04:05Z")?,
//! };
//! let decided = make_decision(&input, &basis, stamp);
//! assert_eq!(decided.decision.selected_worker_species_id.as_deref(), Some("wrk.doc.summarizer"));
//! assert_eq!(decided.consulted.workers.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod basis;
pub mod blast;
pub mod bulk;
pub mod catalog;
pub mod condition;
pub mod config;
pub mod conformance;
pub mod consulted;
pub mod decision;
pub mod denial;
pub mod dispatch;
pub mod escalation;
pub mod gate;
pub mod input;
pub mod privilege;
mod reading;
pub mod record;
pub mod registry;
pub mod registry_dir;
#[cfg(feature = "rego")]
pub mod rego;
#[cfg(feature = "rego")]
pub mod rego_bundle;
#[cfg(feature = "rego")]
pub mod rego_document;
pub mod router;
pub mod rule;
pub mod rule_set;
pub mod rules;
pub mod scaffold;
pub mod shadow;
mod sketch;
pub mod snapshot;
pub mod stamp;
pub mod telemetry;
pub mod terms;
pub mod validate;
mod worker_choice;
#[cfg(feature = "files")]
pub mod worker_source;

pub use self::basis::{Basis, RegistryView};
pub use self::catalog::Catalog;
pub use self::condition::Condition;
pub use self::config::HallConfig;
pub use self::consulted::Consulted;
pub use self::decision::{CandidateWorker, RouteDecision};
pub use self::denial::Denial;
pub use self::escalation::{Escalation, PreconditionsChecked};
pub use self::gate::PolicyGate;
pub use self::input::RouteInput;
pub use self::registry::Registry;
pub use self::router::{Decided, make_decision};
pub use self::rule::Rule;
pub use self::rule_set::{RuleSet, detect_shadow_rules, route_first_match};
pub use self::rules::{load_rules, load_rules_from_dict};
pub use self::stamp::DecisionStamp;
pub use self::terms::{DataLabel, Env, QoSClass, TenantRisk};

/// The version of the WCP specification that decisions follow.
pub const SPEC_VERSION: &str = "0.1";
