//! The part of a registry that a decision consulted.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::document::Document;
use crate::ledger::hash::Hash;
use crate::ledger::json::Object;
use crate::ledger::shape;
use crate::wcp::basis::{Basis, WorkerStanding};
use crate::wcp::consulted::Consulted;
use crate::wcp::terms::Env;

/// What was consulted of a registry, so that the same can be asked again. It is the
/// content of a document, which many decisions share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrySlice {
    /// Each control that was asked for, and whether it was present.
    #[serde(with = "by_name")]
    pub controls: Vec<(Arc<str>, bool)>,
    /// Each candidate once, in rank order.
    pub candidates: Vec<Candidate>,
    /// Whether there was a source of envelopes and allow-lists.
    pub privileges_configured: bool,
    pub attestation_configured: bool,
    /// What may be reached from the environment of the request; none if
    /// nothing is configured, or no candidate was looked at.
    pub egress_allowlist: Option<Arc<[String]>>,
    /// In entries of version 1, where the slice stands in the decision itself: of the
    /// sorted record digests of the whole registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Hash>,
}

/// A worker species that was considered. Of its worker is said only what there
/// is to say, as entries were before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    pub worker_species_id: Arc<str>,
    pub available: bool,
    pub envelope: Option<Arc<Object>>,
    /// The hash that its code should have, malformed or not.
    pub registered_hash: Option<String>,
    /// The `artifact_hash` of its worker's record.
    pub artifact_hash: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<Arc<str>>,
    /// Whether that may be dispatched to.
    #[serde(default, deserialize_with = "shape::or_default")]
    #[serde(skip_serializing_if = "WorkerStanding::is_active")]
    pub standing: WorkerStanding,
    /// A hash that was submitted for that and is not confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_hash: Option<Arc<str>>,
}

impl RegistrySlice {
    /// What a registry was asked for a decision in `env`, and what belongs to
    /// the candidates that it named.
    pub fn of(consulted: &Consulted, basis: &Basis<'_>, env: Env) -> RegistrySlice {
        let registry = basis.registry;
        let mut candidates: Vec<Candidate> = Vec::with_capacity(consulted.workers.len());
        for (species, available) in &consulted.workers {
            if candidates.iter().any(|c| c.worker_species_id == *species) {
                continue;
            }
            let worker = registry.worker_of(species);
            candidates.push(Candidate {
                worker_species_id: species.clone(),
                available: *available,
                envelope: registry.privilege_envelope(species),
                registered_hash: registry.registered_hash(species),
                standing: worker
                    .as_ref()
                    .map_or(WorkerStanding::Active, |w| w.standing),
                pending_hash: worker.as_ref().and_then(|w| w.pending_hash.clone()),
                artifact_hash: worker.as_ref().map(|w| w.artifact_hash.clone()),
                worker_id: worker.map(|w| w.worker_id),
            });
        }
        let asked = !candidates.is_empty();
        RegistrySlice {
            controls: consulted.controls.clone(),
            candidates,
            privileges_configured: registry.has_privileges(),
            attestation_configured: registry.has_code_hashes(),
            egress_allowlist: asked.then(|| registry.egress_allowlist(env)).flatten(),
            digest: None,
        }
    }

    pub fn candidate(&self, worker_species_id: &str) -> Option<&Candidate> {
        let mut candidates = self.candidates.iter();
        candidates.find(|c| *c.worker_species_id == *worker_species_id)
    }
}

/// By what most slices differ in.
impl std::hash::Hash for RegistrySlice {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.controls.hash(state);
        for candidate in &self.candidates {
            candidate.worker_species_id.hash(state);
            candidate.available.hash(state);
            candidate.artifact_hash.hash(state);
        }
    }
}

/// Documents of slices that are kept at once.
const KEPT: usize = 4_096;

/// The documents of the slices that were recorded last: most decisions consult what
/// others did.
#[derive(Debug, Default)]
pub struct Slices(RwLock<HashMap<RegistrySlice, Arc<Document>>>);

impl Slices {
    pub fn document(&self, slice: RegistrySlice) -> Arc<Document> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = known.get(&slice) {
            return Arc::clone(document);
        }
        drop(known);
        let document = Arc::new(Document::new(shape::write(&slice)));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        Arc::clone(known.entry(slice).or_insert(document))
    }
}

mod by_name {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        pairs: &[(Arc<str>, bool)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
    }

    pub(super) fn deserialize<'v, D: Deserializer<'v>>(
        deserializer: D,
    ) -> Result<Vec<(Arc<str>, bool)>, D::Error> {
        let pairs: BTreeMap<Arc<str>, bool> = BTreeMap::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}
