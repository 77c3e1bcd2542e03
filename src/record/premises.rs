//! What decisions are taken under, with the documents that say so.

use std::fmt;
use std::sync::Arc;

use super::context::{BanPremise, GatePremise};
use super::document::{Document, DocumentDigest};
use crate::ledger::json::Value;
use crate::wcp::config::HallConfig;
use crate::wcp::gate::{PolicyGate, Rerun};
use crate::wcp::hall::{BanList, CodeHashes, Hall, Privileges, Roster};
use crate::wcp::registry::Registry;
use crate::wcp::rule_set::RuleSet;

/// A gate that threads share.
pub type SharedGate = Arc<dyn PolicyGate + Send + Sync>;

/// A ban list that threads share.
pub type SharedBanList = Arc<dyn BanList + Send + Sync>;

/// Rules, configuration, policy gate and ban list of a Hall, and of each the
/// document, made once a load. Rules and record cannot part: a decision that is
/// recorded is taken under these and no others.
#[derive(Clone)]
pub struct Premises {
    rules: Arc<RuleSet>,
    config: HallConfig,
    gate: Option<SharedGate>,
    ban_list: Option<SharedBanList>,
    pub(super) rules_document: Arc<Document>,
    config_document: Arc<Document>,
    gate_premise: GatePremise,
    policy_document: Option<Arc<Document>>,
    ban_premise: BanPremise,
    ban_document: Option<Arc<Document>>,
}

impl fmt::Debug for Premises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Premises")
            .field("rules", &self.rules_document.digest())
            .field("config", &self.config_document.digest())
            .field("gate", &self.gate_premise)
            .field("ban_list", &self.ban_premise)
            .finish()
    }
}

/// Who and what is there: a registry, or what stands for one.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Controls and workers.
    pub roster: &'a dyn Roster,
    /// Envelopes and allow-lists, if configured.
    pub privileges: Option<&'a dyn Privileges>,
    /// Code hashes, if configured.
    pub code_hashes: Option<&'a dyn CodeHashes>,
}

impl<'a> Sources<'a> {
    /// Everything from one registry.
    #[must_use]
    pub fn of_registry(registry: &'a Registry) -> Sources<'a> {
        Sources {
            roster: registry,
            privileges: Some(registry),
            code_hashes: Some(registry),
        }
    }
}

impl Premises {
    /// Makes the documents of everything given.
    #[must_use]
    pub fn new(
        rules: Arc<RuleSet>,
        config: HallConfig,
        gate: Option<SharedGate>,
        ban_list: Option<SharedBanList>,
    ) -> Premises {
        let document = Arc::new(Document::new(rules.document().clone()));
        Premises::with_rules_document(rules, document, config, gate, ban_list)
    }

    /// As [`Premises::new`], with the document of the rules at hand.
    pub(super) fn with_rules_document(
        rules: Arc<RuleSet>,
        rules_document: Arc<Document>,
        config: HallConfig,
        gate: Option<SharedGate>,
        ban_list: Option<SharedBanList>,
    ) -> Premises {
        let (gate_premise, policy_document) = match gate.as_ref().map(|gate| gate.rerun()) {
            None => (GatePremise::None, None),
            Some(Rerun::Opaque) => (GatePremise::Opaque, None),
            Some(Rerun::Stub { everywhere: false }) => (GatePremise::Stub, None),
            Some(Rerun::Stub { everywhere: true }) => (GatePremise::StubEverywhere, None),
            Some(Rerun::Policy(policy)) => {
                let document = Document::new(policy);
                let premise = GatePremise::Policy(document.digest());
                (premise, Some(Arc::new(document)))
            }
        };
        let (ban_premise, ban_document) = match ban_list.as_ref().map(|list| list.document()) {
            None => (BanPremise::None, None),
            Some(None) => (BanPremise::Opaque, None),
            Some(Some(list)) => {
                let document = Document::new(list);
                let premise = BanPremise::List(document.digest());
                (premise, Some(Arc::new(document)))
            }
        };
        Premises {
            config_document: Arc::new(Document::new(config.to_value())),
            rules,
            config,
            gate,
            ban_list,
            rules_document,
            gate_premise,
            policy_document,
            ban_premise,
            ban_document,
        }
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// The floors.
    #[must_use]
    pub const fn config(&self) -> &HallConfig {
        &self.config
    }

    /// What stands behind the gate.
    #[must_use]
    pub const fn gate_premise(&self) -> GatePremise {
        self.gate_premise
    }

    /// What stands behind the ban list.
    #[must_use]
    pub const fn ban_premise(&self) -> BanPremise {
        self.ban_premise
    }

    /// The Hall that decides under these premises from `sources`.
    #[must_use]
    pub fn hall<'a>(&'a self, sources: &Sources<'a>, task_id: &'a str) -> Hall<'a> {
        Hall {
            rules: &self.rules,
            config: &self.config,
            roster: sources.roster,
            privileges: sources.privileges,
            code_hashes: sources.code_hashes,
            ban_list: self.ban_list.as_deref().map(|list| list as &dyn BanList),
            gate: self.gate.as_deref().map(|gate| gate as &dyn PolicyGate),
            task_id,
        }
    }

    /// Every document that a decision under these premises refers to.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        [&self.rules_document, &self.config_document]
            .into_iter()
            .chain(&self.policy_document)
            .chain(&self.ban_document)
    }

    /// The digests by name, `null` where there is no document: what
    /// `hall.reload` records before and after.
    #[must_use]
    pub fn digests(&self) -> Value {
        let digest = |document: &Arc<Document>| Value::from(document.digest());
        let members = [
            ("rules", digest(&self.rules_document)),
            ("config", digest(&self.config_document)),
            (
                "policy",
                self.policy_document.as_ref().map_or(Value::Null, digest),
            ),
            (
                "ban_list",
                self.ban_document.as_ref().map_or(Value::Null, digest),
            ),
        ];
        Value::Object(members.into_iter().collect())
    }

    /// The digests of rules and configuration.
    pub(super) fn named(&self) -> (DocumentDigest, DocumentDigest) {
        (self.rules_document.digest(), self.config_document.digest())
    }
}
