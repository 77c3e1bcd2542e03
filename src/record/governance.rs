//! Rules, configuration, policy gate and ban list, with the documents that say
//! what they are.

use std::fmt;
use std::sync::Arc;

use super::context::{BanSource, GateSource};
use super::document::{Document, DocumentDigest};
use crate::attestation::BanList;
use crate::ledger::json::Value;
use crate::wcp::basis::{Basis, RegistryView};
use crate::wcp::config::HallConfig;
use crate::wcp::gate::{PolicyGate, Rerun};
use crate::wcp::rule_set::RuleSet;

pub type SharedGate = Arc<dyn PolicyGate + Send + Sync>;

/// What governs decisions, and of each part the document, made once a load. A
/// decision that is recorded was taken under these and no others.
#[derive(Clone)]
pub struct Governance {
    rules: Arc<RuleSet>,
    config: Arc<HallConfig>,
    gate: Option<SharedGate>,
    ban_list: Option<Arc<BanList>>,
    pub(super) rules_document: Arc<Document>,
    config_document: Arc<Document>,
    gate_source: GateSource,
    policy_document: Option<Arc<Document>>,
    ban_document: Option<Arc<Document>>,
    /// All of these.
    documents: Arc<[Arc<Document>]>,
}

impl fmt::Debug for Governance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governance")
            .field("rules", &self.rules_document.digest())
            .field("config", &self.config_document.digest())
            .field("gate", &self.gate_source)
            .field("ban_list", &self.ban_source())
            .finish()
    }
}

impl Governance {
    /// These rules, and otherwise the defaults: no policy gate, no ban list.
    pub fn new(rules: Arc<RuleSet>) -> Governance {
        let document = Arc::new(Document::new(rules.document().clone()));
        Governance::with_rules_document(rules, document)
    }

    /// As [`Governance::new`], with the document of the rules at hand.
    pub(super) fn with_rules_document(
        rules: Arc<RuleSet>,
        rules_document: Arc<Document>,
    ) -> Governance {
        let config = HallConfig::default();
        Governance {
            rules,
            rules_document,
            config_document: Arc::new(Document::new(config.to_value())),
            config: Arc::new(config),
            gate: None,
            gate_source: GateSource::None,
            policy_document: None,
            ban_list: None,
            ban_document: None,
            documents: Arc::default(),
        }
        .settled()
    }

    pub fn with_config(self, config: HallConfig) -> Governance {
        Governance {
            config_document: Arc::new(Document::new(config.to_value())),
            config: Arc::new(config),
            ..self
        }
        .settled()
    }

    pub fn with_gate(self, gate: SharedGate) -> Governance {
        let (gate_source, policy_document) = match gate.rerun() {
            Rerun::Opaque => (GateSource::Opaque, None),
            Rerun::Stub { everywhere: false } => (GateSource::Stub, None),
            Rerun::Stub { everywhere: true } => (GateSource::StubEverywhere, None),
            Rerun::Policy(policy) => {
                let document = Document::new(policy);
                let source = GateSource::Policy(document.digest());
                (source, Some(Arc::new(document)))
            }
        };
        Governance {
            gate: Some(gate),
            gate_source,
            policy_document,
            ..self
        }
        .settled()
    }

    pub fn with_ban_list(self, list: Arc<BanList>) -> Governance {
        Governance {
            ban_document: Some(Arc::new(Document::new(list.document().clone()))),
            ban_list: Some(list),
            ..self
        }
        .settled()
    }

    pub const fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    pub fn config(&self) -> &HallConfig {
        &self.config
    }

    pub const fn ban_list(&self) -> Option<&Arc<BanList>> {
        self.ban_list.as_ref()
    }

    /// The policy, if there is one that can be run again.
    pub fn policy(&self) -> Option<&Value> {
        self.policy_document.as_deref().map(Document::content)
    }

    pub const fn gate_source(&self) -> GateSource {
        self.gate_source
    }

    pub fn ban_source(&self) -> BanSource {
        let document = self.ban_document.as_ref();
        document.map_or(BanSource::None, |list| BanSource::List(list.digest()))
    }

    /// What a decision is taken from here, with this registry.
    pub fn basis<'a>(
        &'a self,
        registry: &'a dyn RegistryView,
        approval: Option<&'a str>,
        task_id: &'a str,
    ) -> Basis<'a> {
        Basis {
            rules: &self.rules,
            config: &self.config,
            registry,
            gate: self.gate.as_deref().map(|gate| gate as &dyn PolicyGate),
            approval,
            task_id,
        }
    }

    /// The documents that say what decisions are taken under.
    pub const fn documents(&self) -> &Arc<[Arc<Document>]> {
        &self.documents
    }

    fn settled(mut self) -> Governance {
        let documents = [&self.rules_document, &self.config_document].into_iter();
        let documents = documents
            .chain(&self.policy_document)
            .chain(&self.ban_document);
        self.documents = documents.cloned().collect();
        self
    }

    /// The digests by name, `null` where there is no document.
    pub(super) fn digests(&self) -> [(&'static str, Value); 4] {
        let digest = |document: &Arc<Document>| Value::from(document.digest());
        let opt = |document: &Option<Arc<Document>>| document.as_ref().map_or(Value::Null, digest);
        [
            ("rules", digest(&self.rules_document)),
            ("config", digest(&self.config_document)),
            ("policy", opt(&self.policy_document)),
            ("ban_list", opt(&self.ban_document)),
        ]
    }

    pub(super) fn named(&self) -> (DocumentDigest, DocumentDigest) {
        (self.rules_document.digest(), self.config_document.digest())
    }
}
